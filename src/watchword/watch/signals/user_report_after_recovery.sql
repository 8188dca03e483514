/*
title = "The person reports something odd after a recovery"
says = "reported {hours} hours after {action}"
runbook = "user-report-after-recovery"
attack = ["T1078"]
severity = "high"
window = "7 d"
false_positives = "Somebody who reports the notice of their own recovery."
needs = ["happened"]
*/
SELECT
    report.id AS event, report."target", recovery.actor, report."time", recovery."action",
    date_diff('hour', recovery."time", report."time") AS hours
FROM recovery JOIN happened AS report
    ON recovery.subject IN (report.subject, report.actor_subject) AND report."time" >= recovery."time"
    AND report."time" <= recovery."time" + $window
WHERE report."action" = 'signal.user_report'
QUALIFY row_number() OVER (PARTITION BY report.id ORDER BY recovery."time" DESC, recovery.id) = 1
