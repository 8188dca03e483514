/*
title = "First sign-in after a recovery from somewhere new"
says = "first sign-in after {action} from {address}: {what}"
runbook = "first-sign-in-elsewhere"
attack = ["T1078", "T1090"]
severity = "high"
window = "7 d"
false_positives = "A traveller; somebody who was recovered because they moved or changed provider."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
history = "30 d"
anonymous = "\\b(tor|vpn|proxy|anonymi[sz]\\w*)\\b"
*/
WITH first_use AS (
    SELECT
        recovery.id, recovery.subject, recovery."target", recovery.actor, recovery."action", recovery."time" AS recovered,
        signed_in."time", signed_in.country, signed_in.asn, signed_in.address, signed_in.detail
    FROM recovery JOIN signed_in
        ON signed_in.subject = recovery.subject AND signed_in."time" > recovery."time"
        AND signed_in."time" <= recovery."time" + $window
    WHERE signed_in.done
    QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY signed_in."time", signed_in.id) = 1
),
usual AS (
    SELECT
        first_use.id, list(DISTINCT signed_in.country) FILTER (signed_in.country IS NOT NULL) AS countries,
        list(DISTINCT signed_in.asn) FILTER (signed_in.asn IS NOT NULL) AS asns
    FROM first_use JOIN signed_in
        ON signed_in.subject = first_use.subject AND signed_in."time" < first_use.recovered
        AND signed_in."time" >= first_use.recovered - $history
    WHERE signed_in.done
    GROUP BY first_use.id
),
judged AS (
    SELECT
        first_use.*,
        concat_ws(', ',
            CASE WHEN NOT list_contains(usual.countries, first_use.country) THEN 'new country ' || first_use.country END,
            CASE WHEN NOT list_contains(usual.asns, first_use.asn) THEN 'new network AS' || first_use.asn END,
            CASE WHEN regexp_matches(lower(first_use.detail), $anonymous) THEN 'an anonymising network' END
        ) AS what
    FROM first_use LEFT JOIN usual USING (id)
)
SELECT id AS event, "target", actor, "time", "action", address, what
FROM judged
WHERE what <> ''
