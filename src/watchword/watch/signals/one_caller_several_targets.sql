/*
title = "One caller asks for several people"
says = "{targets} accounts from one caller within {window}"
runbook = "one-caller-several-targets"
response = "Hold every open case of that caller and call each person back over a number of record."
attack = ["T1656", "T1598.004"]
severity = "high"
window = "24 h"
false_positives = "A manager who calls for their people; a shared desk phone of a site."
needs = ["activity"]

[parameters]
targets = 2
*/
WITH called AS (
    SELECT *, count(DISTINCT account) OVER recent AS targets
    FROM activity
    WHERE did IN ('opened', 'came_from') AND origin IS NOT NULL AND account IS NOT NULL
    WINDOW recent AS (PARTITION BY origin ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW)
)
SELECT
    NULL AS event, "target", account, person AS actor, "time", origin AS caller, targets, CAST($window AS VARCHAR) AS "window"
FROM called
WHERE targets >= $targets
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY origin, account ORDER BY "time", seq) > $window, true)
