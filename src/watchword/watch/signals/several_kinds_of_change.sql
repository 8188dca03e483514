/*
title = "Several kinds of change in a short time"
says = "{kinds} within {window}"
runbook = "several-kinds-of-change"
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
    SELECT *, list(DISTINCT family) OVER (
        PARTITION BY subject ORDER BY "time" RANGE BETWEEN $window PRECEDING AND CURRENT ROW
    ) AS kinds
    FROM happened
    WHERE done AND owes AND family IN ('sign_in', 'factor', 'bypass', 'contact', 'token', 'privilege')
)
WHERE len(kinds) >= $kinds
QUALIFY row_number() OVER (PARTITION BY subject, date_trunc('day', "time") ORDER BY "time", id) = 1
