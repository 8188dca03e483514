/*
title = "An approver approves one after the other"
says = "{approvals} approvals within {window}"
runbook = "approver-in-a-hurry"
response = "Ask the approver what they read, and see whether one caller or agent is behind the cases."
attack = ["T1621", "T1078"]
severity = "medium"
window = "1 h"
false_positives = "A backlog after a meeting; a campaign of re-enrolment."
needs = ["activity"]

[parameters]
approvals = 10
*/
SELECT
    NULL AS event, "target", account, person AS actor, "time", approvals, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT *, count(*) OVER (
        PARTITION BY person ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS approvals
    FROM activity
    WHERE did = 'approved'
)
WHERE approvals >= $approvals
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY person ORDER BY "time", seq) > $window, true)
