/*
title = "An account recovered again"
says = "recovery {times} of this account within {window}"
runbook = "repeated-recovery"
response = "Read the earlier recovery. Two by different agents within a week: call the person."
attack = ["T1098", "T1656"]
severity = "medium"
window = "7 d"
false_positives = "Somebody who mistypes a new password until it locks."
needs = ["happened"]
keyed = "subject"

[parameters]
times = 2
together = "1 h"
*/
WITH apart AS (
    -- One recovery is several events: of each factor, of who asked and who answered, of all that a case approved.
    SELECT *, coalesce(
        "time" - lag("time") OVER nearby > $together AND ("case" = lag("case") OVER nearby) IS NOT TRUE, true
    ) AS is_new
    FROM recovery
    WINDOW nearby AS (PARTITION BY subject ORDER BY "time", id)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY subject ORDER BY "time", id) AS nth FROM apart
)
SELECT id AS event, "target", actor, "time", "action", times, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT *, nth + 1 - min(nth) OVER (
        PARTITION BY subject ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS times
    FROM numbered
)
WHERE is_new AND times >= $times
