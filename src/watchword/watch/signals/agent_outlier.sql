/*
title = "An agent recovers far more accounts than usual"
says = "{accounts} accounts recovered within {window}; usual on a day are {usual}"
runbook = "agent-outlier"
response = "Ask the agent's lead what the day was like. Sample five of the recoveries and call the people."
attack = ["T1078", "T1098"]
severity = "medium"
window = "24 h"
false_positives = "The day after an outage; a campaign of re-enrolment that one agent works through."
needs = ["happened"]

[parameters]
least = 6
sigmas = 3
days = 5
*/
-- What a case explains was done by the desk's executor, whoever asked for it.
WITH act AS (SELECT * FROM recovery WHERE actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'),
recent AS (
    SELECT *, count(DISTINCT subject) OVER (
        PARTITION BY actor ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS accounts
    FROM act
),
day AS (SELECT actor, date_trunc('day', "time") AS day, count(DISTINCT subject) AS accounts FROM act GROUP BY ALL),
-- What was usual until a day, of one agent and of all of them: that day and the later ones raise nothing they are held
-- against.
own AS (
    SELECT actor, day, count(*) OVER upto AS days, sum(accounts) OVER upto AS accounts, sum(accounts * accounts) OVER upto AS squares
    FROM day
    WINDOW upto AS (PARTITION BY actor ORDER BY day)
),
every AS (
    SELECT
        day, min(day) OVER upto AS since, sum(days) OVER upto AS days, sum(accounts) OVER upto AS accounts,
        sum(squares) OVER upto AS squares
    FROM (SELECT day, count(*) AS days, sum(accounts) AS accounts, sum(accounts * accounts) AS squares FROM day GROUP BY day)
    WINDOW upto AS (ORDER BY day)
),
judged AS (
    SELECT
        many.*, every.since, coalesce(own.days, 0) >= $days AS by_own,
        CASE WHEN by_own THEN own.accounts / own.days ELSE every.accounts / every.days END AS mean,
        CASE WHEN by_own THEN own.squares / own.days ELSE every.squares / every.days END AS square
    FROM (SELECT *, date_trunc('day', "time" - $window) AS until FROM recent WHERE accounts >= $least) AS many
    ASOF LEFT JOIN own ON own.actor = many.actor AND own.day < many.until
    ASOF LEFT JOIN every ON every.day < many.until
)
SELECT id AS event, "target", actor, "time", accounts, round(mean, 1) AS usual, CAST($window AS VARCHAR) AS "window"
FROM judged
-- Counts vary by their root at least, however even a few days were.
WHERE accounts > mean + $sigmas * sqrt(greatest(square - mean * mean, mean))
    -- A log that has just begun knows of no usual day.
    AND (by_own OR date_diff('day', since, until) >= $days)
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY actor ORDER BY "time", id) > $window, true)
