/*
title = "Many accounts locked or reset at once"
says = "{accounts} accounts locked or reset within {window}"
runbook = "mass-lock-outs"
attack = ["T1531", "T1110.003"]
severity = "high"
window = "10 min"
false_positives = "A broken synchronisation; a planned expiry of many passwords."
needs = ["happened"]
keyed = "directory"

[parameters]
accounts = 10
*/
SELECT
    id AS event, "target", actor, "time", accounts, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT *, count(DISTINCT subject) OVER (
        PARTITION BY provider, directory ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS accounts
    FROM happened
    WHERE done AND NOT by_owner AND "action" IN ('account.lock', 'account.disable', 'password.reset', 'password.expire')
)
WHERE accounts >= $accounts
QUALIFY row_number() OVER (PARTITION BY provider, directory, date_trunc('hour', "time") ORDER BY "time", id) = 1
