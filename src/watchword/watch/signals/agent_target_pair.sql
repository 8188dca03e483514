/*
title = "The same agent and account again and again"
says = "{times} recoveries of this account by the same agent"
runbook = "agent-target-pair"
response = "Read both tickets. If one is missing, look at the agent's other recoveries."
attack = ["T1078", "T1098"]
severity = "medium"
window = "30 d"
false_positives = "A small desk; an account that is locked out every week by an old device."
needs = ["happened"]
keyed = "subject"

[parameters]
times = 2
together = "12 h"
*/
WITH apart AS (
    SELECT *, coalesce(
        "time" - lag("time") OVER nearby > $together AND ("case" = lag("case") OVER nearby) IS NOT TRUE, true
    ) AS is_new
    FROM recovery
    WHERE actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'
    WINDOW nearby AS (PARTITION BY actor, subject ORDER BY "time", id)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY actor, subject ORDER BY "time", id) AS nth FROM apart
)
SELECT id AS event, "target", actor, "time", times
FROM (
    SELECT *, nth + 1 - min(nth) OVER (
        PARTITION BY actor, subject ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS times
    FROM numbered
)
WHERE is_new AND times >= $times
