/*
title = "An account recovered again"
says = "recovery {times} of this account within {window}"
runbook = "repeated-recovery"
attack = ["T1098", "T1656"]
severity = "medium"
window = "7 d"
false_positives = "Somebody who mistypes a new password until it locks."
needs = ["happened"]
keyed = "subject"

[parameters]
times = 2
*/
SELECT id AS event, "target", actor, "time", "action", times, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT *, count(*) OVER (
        PARTITION BY subject ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS times
    FROM recovery
)
WHERE times >= $times
