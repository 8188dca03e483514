/*
title = "A role or privilege in probation"
says = "{native_action} {days} days after {action}"
runbook = "role-in-probation"
response = "Suspend the role until whoever granted it names the request."
attack = ["T1098.003", "T1078.004"]
severity = "high"
window = "7 d"
false_positives = "A new colleague whose first days bring both."
needs = ["happened"]
keyed = "subject"
*/
SELECT
    granted.id AS event, granted."target", granted.actor, granted."time", granted.native_action, recovery."action",
    date_diff('day', recovery."time", granted."time") AS days
FROM recovery JOIN happened AS granted
    ON granted.subject = recovery.subject AND granted."time" > recovery."time"
    AND granted."time" <= recovery."time" + $window
WHERE granted."action" = 'privilege.grant' AND granted.done AND granted.verdict <> 'verified'
QUALIFY row_number() OVER (PARTITION BY granted.id ORDER BY recovery."time" DESC, recovery.id) = 1
