/*
title = "The same agent and account again and again"
says = "{times} recoveries of this account by the same agent"
runbook = "agent-target-pair"
attack = ["T1078", "T1098"]
severity = "medium"
window = "30 d"
false_positives = "A small desk; an account that is locked out every week by an old device."
needs = ["happened"]
keyed = "subject"

[parameters]
times = 2
*/
SELECT id AS event, "target", actor, "time", times
FROM (
    SELECT *, count(DISTINCT date_trunc('day', "time")) OVER (
        PARTITION BY actor, subject ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS times
    FROM recovery
    WHERE actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'
)
WHERE times >= $times
