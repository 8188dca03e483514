/*
title = "Several agents act from one new address"
says = "{agents} agents from {address} within {window}, none of them ever before"
runbook = "shared-origin-of-agents"
response = "Find out what the address is. If it is not an office, revoke the agents' sessions."
attack = ["T1078", "T1539"]
severity = "medium"
window = "1 h"
false_positives = "An office that moved, or whose provider gave it another address."
needs = ["happened"]

[parameters]
agents = 3
*/
WITH act AS (
    SELECT * FROM recovery WHERE address IS NOT NULL AND actor_class IS NULL AND NOT by_owner
),
known AS (SELECT actor, min("time") AS since FROM act GROUP BY actor),
known_here AS (SELECT actor, address, min("time") AS since FROM act GROUP BY actor, address),
of_place AS (SELECT address, min("time") AS since FROM act GROUP BY address),
-- An office is where they always are: of agents who acted before, and from elsewhere, at a place nobody acted from.
strange AS (
    SELECT act.*
    FROM act JOIN known USING (actor) JOIN known_here USING (actor, address) JOIN of_place USING (address)
    WHERE act.verdict <> 'verified' AND known.since < act."time" - $window
        AND known_here.since >= act."time" - $window AND of_place.since >= act."time" - $window
)
SELECT
    id AS event, "target", actor, "time", address AS caller, address, agents, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT *, count(DISTINCT actor) OVER (
        PARTITION BY address ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS agents
    FROM strange
)
WHERE agents >= $agents
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY address ORDER BY "time", id) > $window, true)
