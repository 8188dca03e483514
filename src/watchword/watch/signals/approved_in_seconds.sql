/*
title = "Approved within seconds"
says = "approved {seconds} seconds after it was asked"
runbook = "approved-in-seconds"
response = """\
  Ask the approver what they read. Repeated: take the seat away until they were shown again what an approval \
  is."""
attack = ["T1621", "T1656"]
severity = "medium"
window = "1 s"
false_positives = "An approver who followed the case on their screen and only waited for it."
needs = ["activity"]

[parameters]
least = "10 s"
*/
SELECT
    NULL AS event, "target", account, person AS actor, "time", "case", date_diff('second', since, "time") AS seconds
FROM activity
WHERE did = 'approved' AND since IS NOT NULL AND "time" - since < $least
