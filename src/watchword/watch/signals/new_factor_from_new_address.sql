/*
title = "A new factor from a new address"
says = "{native_action} from {address}, never seen of this account before"
runbook = "new-factor-from-new-address"
attack = ["T1098.005", "T1556.006"]
severity = "high"
window = "24 h"
false_positives = "A new phone that is set up at home."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
history = "90 d"
*/
WITH pair AS (
    SELECT
        enrolled.id, enrolled.subject, enrolled."target", enrolled.actor, enrolled."time", enrolled.native_action,
        enrolled.address, recovery.id AS recovery, recovery."time" AS recovered
    FROM happened AS enrolled
    JOIN recovery
        ON recovery.subject = enrolled.subject AND recovery."time" <= enrolled."time"
        AND recovery."time" >= enrolled."time" - $window
    WHERE enrolled."action" IN ('mfa.factor_enroll', 'device.enroll') AND enrolled.done AND enrolled.address IS NOT NULL
),
-- Of an account that never signed in, no address is a usual one.
seen AS (SELECT subject, min("time") AS since FROM signed_in WHERE address IS NOT NULL GROUP BY subject),
used AS (
    SELECT DISTINCT pair.id, pair.recovery
    FROM pair JOIN signed_in
        ON signed_in.subject = pair.subject AND signed_in.address = pair.address
        AND signed_in."time" < pair.recovered AND signed_in."time" >= pair.recovered - $history
    WHERE signed_in.done
)
SELECT pair.id AS event, pair."target", pair.actor, pair."time", pair.native_action, pair.address
FROM pair
JOIN seen ON seen.subject = pair.subject AND seen.since < pair."time"
ANTI JOIN used ON used.id = pair.id AND used.recovery = pair.recovery
QUALIFY row_number() OVER (PARTITION BY pair.id ORDER BY pair.recovered DESC, pair.recovery) = 1
