/*
title = "The person's page in a browser of the desk's"
says = "the person's own page was asked for where somebody of the desk is signed in, began a method, or made its address"
runbook = "page-at-the-desk"
response = "Ask the agent what they opened it for. Call the person: did they read a code or a number to somebody?"
attack = ["T1656", "T1078"]
severity = "medium"
window = "1 s"
false_positives = "An agent who looks at what the caller sees; a person who is lent a colleague's computer."
needs = ["activity"]
*/
SELECT NULL AS event, "target", account, person AS actor, "time", "case"
FROM activity
WHERE did = 'turned_away'
