/*
title = "Proven over a contact point that just changed"
says = "{detail} answered over a contact point changed {days} days before"
runbook = "contact-moved-before-proof"
response = "Ask the carrier or the mail provider when the contact moved, and the person over an older one."
attack = ["T1451", "T1111"]
severity = "high"
window = "7 d"
false_positives = "None where policy gives such a contact no weight: then this says that somebody tried."
needs = ["activity"]
*/
SELECT
    NULL AS event, "target", account, person AS actor, "time", "case", detail, date_diff('day', since, "time") AS days
FROM activity
WHERE did = 'proved' AND since IS NOT NULL AND since >= "time" - $window
