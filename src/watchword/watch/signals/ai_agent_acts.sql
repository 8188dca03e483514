/*
title = "An AI agent takes a step that is for people"
says = "an AI agent: {what}"
runbook = "ai-agent-acts"
response = "Withdraw the agent's credentials, then read what it was told."
attack = ["T1078", "T1098"]
severity = "critical"
window = "1 s"
false_positives = "An automation that the account list calls an AI agent."
needs = ["activity", "happened"]
*/
SELECT NULL AS event, "target", account, person AS actor, "time", did AS what
FROM activity
WHERE seat = 'ai' AND did IN ('proved', 'approved', 'released', 'execution_refused', 'break_glass')
UNION ALL
SELECT id AS event, "target", NULL AS account, actor, "time", "action" AS what
FROM happened
WHERE actor_standing = 'ai_agent' AND owes AND done
