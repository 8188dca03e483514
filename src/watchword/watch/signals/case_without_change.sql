/*
title = "A case said done that no log shows"
says = "case {case} says {change} was done, and no log shows it"
runbook = "case-without-change"
response = """\
  Read the account in its directory: was the change made? Compare the receipt of the case with the directory's \
  own log; a log with a gap has to be closed first."""
attack = ["T1565.001", "T1070"]
severity = "high"
window = "1 s"
false_positives = "A log with gaps, or of another directory than the case's."
needs = ["happened", "evidence"]
*/
SELECT NULL AS event, native_id AS "target", NULL AS actor, "time", "case", change
FROM unseen
