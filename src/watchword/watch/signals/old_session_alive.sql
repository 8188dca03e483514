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
WITH before AS (
    SELECT DISTINCT recovery.id, signed_in.session
    FROM recovery JOIN signed_in ON signed_in.subject = recovery.subject AND signed_in."time" < recovery."time"
    WHERE signed_in.session IS NOT NULL
)
SELECT
    recovery.id AS event, recovery."target", recovery.actor, later."time", recovery."action",
    date_diff('minute', recovery."time", later."time") AS minutes
FROM recovery
JOIN before ON before.id = recovery.id
JOIN signed_in AS later
    ON later.subject = recovery.subject AND later.session = before.session
    AND later."time" > recovery."time" + $grace AND later."time" <= recovery."time" + $window
WHERE later.done
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY later."time", later.id) = 1
