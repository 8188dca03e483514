/*
title = "Payroll or bank details changed in probation"
says = "{native_action} {days} days after {action}"
runbook = "payroll-in-probation"
response = "Stop the payment first. Then call the person over a number of before the recovery."
attack = ["T1657", "T1098"]
severity = "critical"
window = "7 d"
false_positives = "Somebody who was recovered because they start a new job."
needs = ["happened"]
keyed = "subject"
*/
SELECT
    paid.id AS event, paid."target", paid.actor, paid."time", paid.native_action, recovery."action",
    date_diff('day', recovery."time", paid."time") AS days
FROM recovery JOIN happened AS paid
    ON paid.subject = recovery.subject AND paid."time" > recovery."time" AND paid."time" <= recovery."time" + $window
WHERE paid."action" = 'payroll.change' AND paid.done
QUALIFY row_number() OVER (PARTITION BY paid.id ORDER BY recovery."time" DESC, recovery.id) = 1
