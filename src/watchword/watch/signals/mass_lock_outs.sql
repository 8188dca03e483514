/*
title = "Many accounts locked or reset at once"
says = "{accounts} accounts locked or reset within {window}; usual are {usual}"
runbook = "mass-lock-outs"
response = """\
  See what the accounts have in common. Locking people out is also how a desk is made to hurry: warn the \
  agents."""
attack = ["T1531", "T1110.003"]
severity = "high"
window = "10 min"
false_positives = "A broken synchronisation; a planned expiry of many passwords that is the first of its kind."
needs = ["happened"]
keyed = "directory"

[parameters]
accounts = 10
times = 3
*/
WITH shut AS (
    SELECT *, count(DISTINCT subject) OVER (
        PARTITION BY provider, directory ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS accounts
    FROM happened
    WHERE done AND NOT by_owner AND "action" IN ('account.lock', 'account.disable', 'password.reset', 'password.expire')
),
-- The usual of a directory is the mean of what there was in such a time until the day before.
judged AS (
    SELECT *, avg(accounts) OVER (
        PARTITION BY provider, directory ORDER BY "time" RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING
    ) AS usual
    FROM shut
)
SELECT
    id AS event, "target", actor, "time", accounts, round(coalesce(usual, 0), 1) AS usual, CAST($window AS VARCHAR) AS "window"
FROM judged
WHERE accounts >= greatest($accounts, $times * coalesce(usual, 0))
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY provider, directory ORDER BY "time", id) > $window, true)
