/*
title = "A notice deleted right after a recovery"
says = "{native_action} {minutes} minutes after {action}"
runbook = "notice-deleted"
response = "Ask the person over a channel that is not mail whether they had the notice. Contain if not."
attack = ["T1070.008", "T1564.008"]
severity = "high"
window = "24 h"
false_positives = "Somebody who clears their mailbox."
needs = ["happened"]
keyed = "subject"
*/
SELECT
    deleted.id AS event, deleted."target", deleted.actor, deleted."time", deleted.native_action, recovery."action",
    date_diff('minute', recovery."time", deleted."time") AS minutes
FROM recovery JOIN happened AS deleted
    ON deleted.subject = recovery.subject AND deleted."time" >= recovery."time"
    AND deleted."time" <= recovery."time" + $window
WHERE deleted."action" = 'mail.delete' AND deleted.done
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY deleted."time", deleted.id) = 1
