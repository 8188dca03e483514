/*
title = "First sign-in after a recovery from somewhere new"
says = "first sign-in after {action} from {address}: {what}"
runbook = "first-sign-in-elsewhere"
response = "Call the person over a contact of before the recovery. If they do not know of it, contain."
attack = ["T1078", "T1090"]
severity = "high"
window = "7 d"
false_positives = "A traveller; somebody who was recovered because they moved or changed provider."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
history = "30 d"
least = 3
*/
WITH next_use AS (
    SELECT recovery.id, min(signed_in."time") AS used
    FROM recovery JOIN signed_in
        ON signed_in.subject = recovery.subject AND signed_in."time" > recovery."time"
        AND signed_in."time" <= recovery."time" + $window
    WHERE signed_in.done
    GROUP BY recovery.id
),
first_use AS (
    SELECT
        recovery.id, recovery.subject, recovery."target", recovery.actor, recovery."action", recovery."time" AS recovered,
        signed_in."time", signed_in.country, signed_in.asn, signed_in.address
    FROM recovery JOIN next_use USING (id) JOIN signed_in
        ON signed_in.subject = recovery.subject AND signed_in."time" = next_use.used
    WHERE signed_in.done
    QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY signed_in.id) = 1
),
-- Counted, not listed: of a long log there are millions of pairs.
usual AS (
    SELECT
        first_use.id, count(signed_in.country) > 0 AS has_countries, count(signed_in.asn) AS asns,
        coalesce(bool_or(signed_in.country = first_use.country), false) AS same_country,
        coalesce(bool_or(signed_in.asn = first_use.asn), false) AS same_asn
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
            CASE WHEN usual.has_countries AND NOT usual.same_country THEN 'new country ' || first_use.country END,
            -- Networks are many, so it takes some sign-ins to know the usual ones.
            CASE WHEN usual.asns >= $least AND NOT usual.same_asn THEN 'new network AS' || first_use.asn END
        ) AS what
    FROM first_use LEFT JOIN usual USING (id)
)
SELECT id AS event, "target", actor, "time", "action", coalesce(address, 'an unknown address') AS address, what
FROM judged
WHERE what <> ''
