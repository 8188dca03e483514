/*
title = "Accounts looked up without a case"
says = "{looked_up} accounts looked up within {window}, and no case opened for them"
runbook = "look-ups-without-case"
response = "Ask the agent for the calls behind the look-ups. Without any: keep the list of accounts and watch them."
attack = ["T1087", "T1213"]
severity = "medium"
window = "1 h"
false_positives = "Training; a caller who gives up; a desk that looks up first and opens later."
needs = ["activity"]

[parameters]
accounts = 3
near = "24 h"
*/
WITH idle AS (
    SELECT looked.*
    FROM (SELECT * FROM activity WHERE did = 'looked_up' AND seat <> 'system') AS looked
    ANTI JOIN (SELECT * FROM activity WHERE did = 'opened') AS opened
        -- Whoever opened it: who verifies or approves looks up as well, perhaps on the next day.
        ON opened.account = looked.account AND opened."time" BETWEEN looked."time" - $near AND looked."time" + $near
),
counted AS (
    SELECT *, count(DISTINCT account) OVER (
        PARTITION BY person ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS looked_up
    FROM idle
)
SELECT
    NULL AS event, "target", account, person AS actor, "time", looked_up, CAST($window AS VARCHAR) AS "window"
FROM counted
WHERE looked_up >= $accounts
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY person ORDER BY "time", seq) > $window, true)
