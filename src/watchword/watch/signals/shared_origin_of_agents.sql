/*
title = "Several agents act from one address"
says = "{agents} agents from {address} within {window}"
runbook = "shared-origin-of-agents"
attack = ["T1078", "T1539"]
severity = "medium"
window = "1 h"
false_positives = "An office behind one address: raise agents, or suppress that address."
needs = ["happened"]
keyed = "address"

[parameters]
agents = 3
*/
SELECT
    id AS event, "target", actor, "time", address AS caller, address, agents, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT *, count(DISTINCT actor) OVER (
        PARTITION BY address ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS agents
    FROM recovery
    WHERE address IS NOT NULL AND actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'
)
WHERE agents >= $agents
QUALIFY row_number() OVER (PARTITION BY address, date_trunc('day', "time") ORDER BY "time", id) = 1
