/*
title = "A session of before the recovery is still used"
says = "session used {minutes} minutes after {action}, opened before it"
runbook = "old-session-alive"
attack = ["T1550.004", "T1539"]
severity = "high"
window = "24 h"
false_positives = "A directory whose sessions end by themselves; a recovery that was not about a theft."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
grace = "10 min"
*/
WITH later AS (
    SELECT
        recovery.id, recovery.subject, recovery."target", recovery.actor, recovery."action",
        recovery."time" AS recovered, signed_in."time", signed_in.session, signed_in.id AS sign_in
    FROM recovery JOIN signed_in
        ON signed_in.subject = recovery.subject AND signed_in."time" > recovery."time" + $grace
        AND signed_in."time" <= recovery."time" + $window
    WHERE signed_in.done AND signed_in.session IS NOT NULL
)
-- Joined by the session, and not by the account alone: who signs in often has as many pairs as sign-ins times recoveries.
SELECT
    later.id AS event, later."target", later.actor, later."time", later."action",
    date_diff('minute', later.recovered, later."time") AS minutes
FROM later SEMI JOIN signed_in AS before
    ON before.subject = later.subject AND before.session = later.session AND before."time" < later.recovered
QUALIFY row_number() OVER (PARTITION BY later.id ORDER BY later."time", later.sign_in) = 1
