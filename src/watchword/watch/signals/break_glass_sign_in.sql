/*
title = "A break-glass account signs in"
says = "break-glass account used from {address}"
runbook = "break-glass-sign-in"
response = "Ask both custodians at once. Without a case or a drill: this is an incident of the highest kind."
attack = ["T1078.004", "T1078"]
severity = "critical"
window = "1 s"
false_positives = "A drill that was announced."
needs = ["signed_in"]
keyed = "event"
*/
SELECT id AS event, "target", "target" AS actor, "time", coalesce(address, 'an unknown address') AS address
FROM signed_in
WHERE class = 'break_glass' AND done
