/*
title = "A session of before the recovery is still used"
says = "session used {minutes} minutes after {action}, opened before it"
runbook = "old-session-alive"
attack = ["T1550.004", "T1539"]
severity = "medium"
window = "24 h"
false_positives = "A directory that leaves sessions alone when a password is reset; a recovery that was not about a theft."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
grace = "10 min"
lag = "2 min"
history = "7 d"
*/
WITH used AS (
    -- A session without a number of its own is none: empty, or that of the system itself.
    SELECT * FROM signed_in WHERE done AND lower(trim(session)) NOT IN ('', '-', '0', '0x0', '0x3e7', 'null', 'none', 'unknown')
),
later AS (
    SELECT
        recovery.id, recovery.subject, recovery."target", recovery.actor, recovery."action",
        recovery."time" AS recovered, used."time", used.session, used.id AS sign_in
    FROM recovery JOIN used
        ON used.subject = recovery.subject AND used."time" > recovery."time" + $grace
        AND used."time" <= recovery."time" + $window
    -- Who recovers themselves goes on in the session they did it in.
    WHERE used.session IS DISTINCT FROM recovery.session
)
-- Joined by the session, and not by the account alone: who signs in often has as many pairs as sign-ins times recoveries.
SELECT
    later.id AS event, later."target", later.actor, later."time", later."action",
    date_diff('minute', later.recovered, later."time") AS minutes
FROM later SEMI JOIN used AS before
    -- Numbers come round again; and what two clocks have within their lag of each other stands in no order.
    ON before.subject = later.subject AND before.session = later.session
    AND before."time" < later.recovered - $lag AND before."time" >= later.recovered - $history
QUALIFY row_number() OVER (PARTITION BY later.id ORDER BY later."time", later.sign_in) = 1
