/*
title = "A session of before the recovery is still used"
says = "session used {minutes} minutes after {action}, opened before it"
runbook = "old-session-alive"
attack = ["T1550.004", "T1539"]
severity = "high"
window = "24 h"
false_positives = "A directory whose sessions end by themselves; a recovery that was not about a theft."
needs = ["happened", "signed_in"]

[parameters]
grace = "10 min"
*/
SELECT
    recovery.id AS event, recovery."target", recovery.actor, later."time", recovery."action",
    date_diff('minute', recovery."time", later."time") AS minutes
FROM recovery
JOIN signed_in AS later
    ON later.subject = recovery.subject AND later."time" > recovery."time" + $grace
    AND later."time" <= recovery."time" + $window
JOIN signed_in AS earlier
    ON earlier.subject = recovery.subject AND earlier.session = later.session AND earlier."time" < recovery."time"
WHERE later.done
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY later."time", later.id) = 1
