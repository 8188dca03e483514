/*
title = "A recovery during a declared outage that nobody declared"
says = "{action} while the desk was down, and no custodian declared it"
runbook = "reset-during-outage"
response = "Ask the custodians whether a declaration is owed. If not, treat as a change without a case."
attack = ["T1098"]
severity = "high"
window = "1 s"
false_positives = "Work under the sealed procedure whose declaration is still to come."
needs = ["happened", "evidence"]
keyed = "event"
*/
SELECT DISTINCT ON (recovery.id)
    recovery.id AS event, recovery."target", recovery.actor, recovery."time", recovery."action"
FROM recovery JOIN declared ON recovery."time" BETWEEN declared.since AND declared.until
WHERE recovery.verdict IN ('unverified', 'suspicious', 'out_of_policy')
