/*
title = "Somebody says: not me"
says = "the recovery was disowned ({channel})"
runbook = "repudiated"
response = "The case stands still already. Contain it if the person says so over a second channel."
attack = ["T1656"]
severity = "high"
window = "1 s"
false_positives = "Somebody who forgot that they called; a manager who calls for their people."
needs = ["activity"]
*/
SELECT NULL AS event, "target", account, person AS actor, "time", "case", detail AS channel
FROM activity
WHERE did = 'objected'
