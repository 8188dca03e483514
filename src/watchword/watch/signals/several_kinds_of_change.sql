/*
title = "Several kinds of change in a short time"
says = "{kinds} within {window}"
runbook = "several-kinds-of-change"
response = "Contain first. Taking a password, the factors and the phone within an hour is what a takeover looks like."
attack = ["T1098", "T1556.006"]
severity = "high"
window = "1 h"
false_positives = "The first day of a new colleague."
needs = ["happened"]
keyed = "subject"

[parameters]
kinds = 3
*/
SELECT
    id AS event, "target", actor, "time", list_sort(kinds) AS kinds, CAST($window AS VARCHAR) AS "window"
FROM (
    SELECT
        *, list(DISTINCT family) OVER recent AS kinds,
        -- What one case did, whole chain and all, is what a recovery is made of.
        count(DISTINCT CASE WHEN verdict = 'verified' THEN 'case ' || "case" ELSE id END) OVER recent AS grounds
    FROM happened
    WHERE done AND owes AND family IN ('sign_in', 'factor', 'bypass', 'contact', 'token', 'privilege')
    WINDOW recent AS (PARTITION BY subject ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW)
)
WHERE len(kinds) >= $kinds AND grounds > 1
QUALIFY coalesce("time" - lag("time") OVER (PARTITION BY subject ORDER BY "time", id) > $window, true)
