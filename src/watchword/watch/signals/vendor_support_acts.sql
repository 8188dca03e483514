/*
title = "The vendor's own support acts"
says = "{native_action} by the vendor's support"
runbook = "vendor-support-acts"
attack = ["T1199", "T1078"]
severity = "high"
window = "1 s"
false_positives = "A support case that you opened yourself."
needs = ["happened"]
keyed = "event"
*/
SELECT id AS event, "target", actor, "time", native_action, provider AS vendor
FROM happened
WHERE done AND NOT by_owner AND (actor_class = 'vendor' OR "action" = 'impersonation.start')
