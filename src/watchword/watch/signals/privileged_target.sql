/*
title = "A privileged account recovered outside the desk"
says = "{action} of a {class} account: {verdict}"
runbook = "privileged-target"
response = """\
  Treat as an incident until somebody named says why. Contain the account (`watchword case protect`), then \
  look for a declaration that is owed."""
attack = ["T1098", "T1078.004"]
severity = "high"
window = "1 s"
false_positives = "A privileged account recovered under the sealed procedure before it is declared."
needs = ["happened"]
keyed = "event"
*/
SELECT id AS event, "target", actor, "time", "action", class, verdict
FROM recovery
WHERE class IN ('privileged', 'identity_control', 'break_glass') AND verdict NOT IN ('verified', 'downtime')
