/*
title = "A change nobody has a case for"
says = "{action} without a case: {reasons}"
runbook = "change-without-case"
response = """\
  Ask who is named as actor for the ticket. Where there is none: revoke sessions of the account, reset it \
  through a case, and look at the actor's other events of the day."""
attack = ["T1098", "T1556"]
severity = "high"
window = "1 s"
false_positives = "A feed that runs ahead of the desk's table; a change made under a native emergency procedure that nobody declared."
needs = ["happened", "evidence"]
keyed = "event"
*/
SELECT id AS event, "target", actor, "time", "action", reasons
FROM happened
WHERE verdict IN ('unverified', 'suspicious')
