/*
title = "Accounts looked up without a case"
says = "{looked_up} accounts looked up within {window}, and no case opened for them"
runbook = "look-ups-without-case"
attack = ["T1087", "T1213"]
severity = "medium"
window = "1 h"
false_positives = "Training; a caller who gives up; a desk that looks up first and opens later."
needs = ["activity"]

[parameters]
accounts = 3
*/
WITH idle AS (
    SELECT looked.*
    FROM (SELECT * FROM activity WHERE did = 'looked_up' AND seat <> 'system') AS looked
    ANTI JOIN (SELECT * FROM activity WHERE did = 'opened') AS opened
        ON opened.account = looked.account AND opened.person = looked.person
        AND opened."time" BETWEEN looked."time" - $window AND looked."time" + $window
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
QUALIFY row_number() OVER (PARTITION BY person, date_trunc('day', "time") ORDER BY "time", seq) = 1
