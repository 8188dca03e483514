/*
title = "An application consented to in probation"
says = "{native_action} {days} days after {action}"
runbook = "consent-in-probation"
attack = ["T1528", "T1550.001"]
severity = "high"
window = "7 d"
false_positives = "Applications that ask anew after factors were replaced."
needs = ["happened"]

[parameters]
consent = "consent|oauth2?permissiongrant|authorize"
*/
SELECT
    given.id AS event, given."target", given.actor, given."time", given.native_action, recovery."action",
    date_diff('day', recovery."time", given."time") AS days
FROM recovery JOIN happened AS given
    ON recovery.subject IN (given.subject, given.actor_subject) AND given."time" > recovery."time"
    AND given."time" <= recovery."time" + $window
WHERE given.done AND regexp_matches(lower(concat_ws(' ', given.native_action, given.detail)), $consent)
QUALIFY row_number() OVER (PARTITION BY given.id ORDER BY recovery."time" DESC, recovery.id) = 1
