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
-- The nearest sign-in on either side of a recovery is looked up, and not all of them: there are hundreds.
WITH succeeded AS (SELECT * FROM signed_in WHERE done),
soonest AS (
    SELECT recovery.*, next."time" AS next
    FROM recovery ASOF JOIN (SELECT subject, "time" FROM succeeded) AS next
        ON next.subject = recovery.subject AND next."time" > recovery."time"
),
first_use AS (
    SELECT
        soonest.id, soonest.subject, soonest."target", soonest.actor, soonest."action", soonest."time" AS recovered,
        succeeded."time", succeeded.country, succeeded.asn, succeeded.address, succeeded.detail
    FROM soonest JOIN succeeded ON succeeded.subject = soonest.subject AND succeeded."time" = soonest.next
    WHERE soonest.next <= soonest."time" + $window
    QUALIFY row_number() OVER (PARTITION BY soonest.id ORDER BY succeeded.id) = 1
),
in_country AS (
    SELECT first_use.id
    FROM first_use ASOF JOIN (SELECT subject, country, "time" FROM succeeded WHERE country IS NOT NULL) AS used
        ON used.subject = first_use.subject AND used.country = first_use.country AND used."time" < first_use.recovered
    WHERE used."time" >= first_use.recovered - $history
),
in_network AS (
    SELECT first_use.id
    FROM first_use ASOF JOIN (SELECT subject, asn, "time" FROM succeeded WHERE asn IS NOT NULL) AS used
        ON used.subject = first_use.subject AND used.asn = first_use.asn AND used."time" < first_use.recovered
    WHERE used."time" >= first_use.recovered - $history
),
-- Of an account without a history nothing is new.
any_country AS (
    SELECT first_use.id
    FROM first_use ASOF JOIN (SELECT subject, "time" FROM succeeded WHERE country IS NOT NULL) AS used
        ON used.subject = first_use.subject AND used."time" < first_use.recovered
    WHERE used."time" >= first_use.recovered - $history
),
any_network AS (
    SELECT first_use.id
    FROM first_use ASOF JOIN (SELECT subject, "time" FROM succeeded WHERE asn IS NOT NULL) AS used
        ON used.subject = first_use.subject AND used."time" < first_use.recovered
    WHERE used."time" >= first_use.recovered - $history
),
judged AS (
    SELECT
        first_use.*,
        concat_ws(', ',
            CASE WHEN any_country.id IS NOT NULL AND in_country.id IS NULL THEN 'new country ' || first_use.country END,
            CASE WHEN any_network.id IS NOT NULL AND in_network.id IS NULL THEN 'new network AS' || first_use.asn END,
            CASE WHEN regexp_matches(lower(first_use.detail), $anonymous) THEN 'an anonymising network' END
        ) AS what
    FROM first_use
    LEFT JOIN in_country USING (id)
    LEFT JOIN in_network USING (id)
    LEFT JOIN any_country USING (id)
    LEFT JOIN any_network USING (id)
)
SELECT id AS event, "target", actor, "time", "action", address, what
FROM judged
WHERE what <> ''
