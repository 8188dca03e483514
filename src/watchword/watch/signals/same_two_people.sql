/*
title = "The same two people always pair"
says = "{verifier} verified {times} of the {all} cases {releaser} released"
runbook = "same-two-people"
response = "Mix the shift for a week. Sample their cases and call the people."
attack = ["T1078"]
severity = "medium"
window = "90 d"
false_positives = "A night shift of two."
needs = ["activity"]

[parameters]
times = 5
share = 0.8
verifiers = 3
*/
WITH step AS (
    SELECT "case", max(person) FILTER (did = 'proved') AS verifier, max(person) FILTER (did = 'released') AS releaser,
        max("target") AS "target", max(account) AS account, max("time") FILTER (did = 'released') AS "time"
    FROM activity
    WHERE did IN ('proved', 'released') AND "case" IS NOT NULL AND seat <> 'system'
    GROUP BY "case"
),
whole AS (SELECT * FROM step WHERE verifier IS NOT NULL AND releaser IS NOT NULL AND verifier <> releaser),
pair AS (
    SELECT verifier, releaser, count(*) AS times, max("time") AS "time", arg_max("target", "time") AS "target",
        arg_max(account, "time") AS account
    FROM whole
    GROUP BY ALL
),
total AS (SELECT releaser, count(*) AS "all" FROM whole GROUP BY releaser)
SELECT NULL AS event, "target", account, releaser AS actor, "time", verifier, releaser, times, "all"
FROM pair JOIN total USING (releaser)
WHERE times >= $times AND times >= $share * "all" AND (SELECT count(DISTINCT verifier) FROM whole) >= $verifiers
