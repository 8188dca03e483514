/*
title = "The vendor's support, or somebody in another's name"
says = "{native_action} by {actor}"
runbook = "vendor-support-acts"
response = "Ask whoever may open support cases. Without one: call the vendor over the number in the contract."
attack = ["T1199", "T1078"]
severity = "high"
window = "1 s"
false_positives = "A support case that you opened yourself; an administrator who looks at what a user sees."
needs = ["happened"]
keyed = "event"
*/
SELECT id AS event, "target", actor, "time", native_action, CASE WHEN actor_class = 'vendor' THEN provider END AS vendor
FROM happened
WHERE done AND NOT by_owner AND (actor_class = 'vendor' OR "action" = 'impersonation.start')
