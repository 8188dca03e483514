/*
title = "A service account or agent without an owner"
says = "a {account_class} account has no owner of record"
runbook = "unowned-account"
response = "Name an owner in the directory, or disable the account."
attack = ["T1078.004"]
severity = "low"
window = "1 s"
false_positives = "An account whose owner stands in another system than the directory."
needs = ["activity"]
*/
SELECT NULL AS event, "target", account, NULL AS actor, "time", account_class
FROM activity
WHERE did = 'unowned'
QUALIFY row_number() OVER (PARTITION BY account ORDER BY "time", seq) = 1
