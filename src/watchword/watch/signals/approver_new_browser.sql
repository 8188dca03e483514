/*
title = "An approval from a browser never seen before"
says = "approved from a browser this approver never used before"
runbook = "approver-new-browser"
response = "Ask the approver over another channel. If it was not they, revoke their key and have the cases reviewed."
attack = ["T1539", "T1078"]
severity = "medium"
window = "90 d"
false_positives = "A new laptop; cookies that were cleared."
needs = ["activity"]

[parameters]
known = 2
*/
SELECT NULL AS event, "target", account, person AS actor, "time", "case"
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY person, browser ORDER BY "time", seq) AS nth_here,
        row_number() OVER (PARTITION BY person ORDER BY "time", seq) AS nth
    FROM activity
    WHERE did = 'approved' AND browser IS NOT NULL
)
WHERE nth_here = 1 AND nth > $known
