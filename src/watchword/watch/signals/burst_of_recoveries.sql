/*
title = "A burst of recoveries in one unit"
says = "{cases} cases for {accounts} accounts of {unit} within {window}; usual is {usual}"
runbook = "burst-of-recoveries"
response = "Raise the threat level (`watchword policy threat raise`), and call three of the people back."
attack = ["T1656", "T1598.004"]
severity = "high"
window = "1 h"
false_positives = "An outage of one site; a campaign of re-enrolment."
needs = ["activity"]

[parameters]
accounts = 5
times = 3
*/
WITH opened AS (
    SELECT
        *, count(*) OVER recent AS cases, count(DISTINCT account) OVER recent AS accounts
    FROM activity
    WHERE did = 'opened' AND unit IS NOT NULL AND unit <> ''
    WINDOW recent AS (PARTITION BY unit ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW)
),
-- The usual of a unit is the mean of what there was in such a time until the day before.
judged AS (
    SELECT *, avg(accounts) OVER (
        PARTITION BY unit ORDER BY "time" RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING
    ) AS usual
    FROM opened
)
SELECT
    NULL AS event, NULL AS "target", person AS actor, "time", unit, cases, accounts, round(coalesce(usual, 0), 1) AS usual,
    CAST($window AS VARCHAR) AS "window"
FROM judged
WHERE accounts >= greatest($accounts, $times * coalesce(usual, 0))
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY unit ORDER BY "time", seq) > $window, true)
