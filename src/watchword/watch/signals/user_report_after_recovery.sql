/*
title = "The person reports something odd after a recovery"
says = "reported {hours} hours after {action}"
runbook = "user-report-after-recovery"
response = "Believe the person: contain, then look."
attack = ["T1078"]
severity = "high"
window = "7 d"
false_positives = "Somebody who reports the notice of their own recovery."
needs = ["happened"]
*/
WITH report AS (
    SELECT *, unnest(list_distinct([subject, actor_subject])) AS whose
    FROM happened
    WHERE "action" = 'signal.user_report'
)
SELECT
    report.id AS event, report."target", recovery.actor, report."time", recovery."action",
    date_diff('hour', recovery."time", report."time") AS hours
FROM report JOIN recovery
    ON recovery.subject = report.whose AND report."time" >= recovery."time"
    AND report."time" <= recovery."time" + $window
QUALIFY row_number() OVER (PARTITION BY report.id ORDER BY recovery."time" DESC, recovery.id) = 1
