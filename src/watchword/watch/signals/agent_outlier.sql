/*
title = "An agent recovers far more accounts than usual"
says = "{recoveries} recoveries in a day; usual are {usual}"
runbook = "agent-outlier"
attack = ["T1078", "T1098"]
severity = "medium"
window = "24 h"
false_positives = "The day after an outage; a campaign of re-enrolment that one agent works through."
needs = ["happened"]

[parameters]
least = 6
sigmas = 3
*/
WITH day AS (
    SELECT actor, date_trunc('day', "time") AS day, count(*) AS recoveries, max("time") AS "time", arg_max(id, {'t': "time", 'i': id}) AS id,
        arg_max("target", {'t': "time", 'i': id}) AS "target"
    FROM recovery
    WHERE actor_class IS NULL AND NOT by_owner
    GROUP BY ALL
),
-- Of all other days of all agents: a day so large would else raise what it is held against.
judged AS (
    SELECT
        *,
        (sum(recoveries) OVER () - recoveries) / nullif(count(*) OVER () - 1, 0) AS mean,
        (sum(recoveries * recoveries) OVER () - recoveries * recoveries) / nullif(count(*) OVER () - 1, 0) AS square
    FROM day
)
SELECT id AS event, "target", actor, "time", recoveries, round(mean, 1) AS usual
FROM judged
WHERE recoveries >= $least AND recoveries > mean + $sigmas * sqrt(greatest(square - mean * mean, 0))
