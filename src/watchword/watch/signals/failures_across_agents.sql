/*
title = "Failed verifications for one account, several agents"
says = "{failures} failures with {agents} agents within {window}"
runbook = "failures-across-agents"
response = "Warn every agent on shift; have the person come in. Look at the callers' numbers of these cases."
attack = ["T1656", "T1598.004"]
severity = "high"
window = "24 h"
false_positives = "Somebody who lost their phone and tries every way they have."
needs = ["activity"]

[parameters]
failures = 3
agents = 2
*/
WITH failed AS (
    SELECT
        *, count(*) OVER recent AS failures, count(DISTINCT person) OVER recent AS agents
    FROM activity
    WHERE did = 'failed' AND account IS NOT NULL
    WINDOW recent AS (PARTITION BY account ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW)
)
SELECT
    -- What they share is the account: none of the agents did anything wrong.
    NULL AS event, "target", account, NULL AS actor, "time", "case", failures, agents, CAST($window AS VARCHAR) AS "window"
FROM failed
WHERE failures >= $failures AND agents >= $agents
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY account ORDER BY "time", seq) > $window, true)
