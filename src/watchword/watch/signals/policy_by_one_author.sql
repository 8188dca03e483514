/*
title = "Policy changed without a second author"
says = "policy activated by one person"
runbook = "policy-by-one-author"
response = """\
  Compare the active policy with the one before (`watchword policy diff`), and have a second author confirm or \
  revert it."""
attack = ["T1484", "T1562"]
severity = "critical"
window = "1 s"
false_positives = "A ledger of before two authors were asked."
needs = ["activity"]
*/
SELECT NULL AS event, NULL AS "target", person AS actor, "time"
FROM activity
WHERE did = 'policy_activated' AND detail = 'changed' AND coalesce("other", person) = person
