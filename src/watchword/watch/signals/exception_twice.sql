/*
title = "The exception used twice by the same person"
says = "{times} exceptions agreed to by the same person within {window}"
runbook = "exception-twice"
response = "Have both exceptions reviewed by somebody who took no part."
attack = ["T1078", "T1548"]
severity = "high"
window = "30 d"
false_positives = "A long outage that took many declarations."
needs = ["activity"]

[parameters]
times = 2
*/
SELECT
    NULL AS event, "target", account, person AS actor, "time", times, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT *, count(*) OVER (
        PARTITION BY person ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS times
    FROM activity
    WHERE did = 'approved' AND detail = 'break_glass' OR did = 'downtime_confirmed'
)
WHERE times >= $times
