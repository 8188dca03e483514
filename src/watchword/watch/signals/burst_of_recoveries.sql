/*
title = "A burst of recoveries in one unit"
says = "{cases} cases for {accounts} accounts of {unit} within {window}; usual is {usual}"
runbook = "burst-of-recoveries"
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
-- The usual is the mean of the hours in which there was any case at all.
usual AS (
    SELECT unit, avg(cases) AS usual
    FROM (SELECT unit, date_trunc('hour', "time") AS hour, count(*) AS cases FROM opened GROUP BY ALL)
    GROUP BY unit
)
SELECT
    NULL AS event, NULL AS "target", person AS actor, "time", unit, cases, accounts, round(usual, 1) AS usual,
    CAST($window AS VARCHAR) AS "window"
FROM opened JOIN usual USING (unit)
WHERE accounts >= $accounts AND accounts >= $times * usual
QUALIFY row_number() OVER (PARTITION BY unit, date_trunc('day', "time") ORDER BY "time", seq) = 1
