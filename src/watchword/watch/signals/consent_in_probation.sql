/*
title = "An application consented to in probation"
says = "{native_action} {days} days after {action}"
runbook = "consent-in-probation"
response = "Revoke the consent and the application's tokens; then ask the person."
attack = ["T1528", "T1550.001"]
severity = "high"
window = "7 d"
false_positives = "Applications that ask anew after factors were replaced."
needs = ["happened"]
*/
WITH given AS (
    -- Whose consent it is, or for whom an administrator gave it: some logs name the application alone as target.
    SELECT *, unnest(list_distinct([subject, actor_subject])) AS whose
    FROM happened
    WHERE "action" = 'application.consent' AND done
)
SELECT
    given.id AS event, given."target", given.actor, given."time", given.native_action, recovery."action",
    date_diff('day', recovery."time", given."time") AS days
FROM given JOIN recovery
    ON recovery.subject = given.whose AND given."time" > recovery."time"
    AND given."time" <= recovery."time" + $window
QUALIFY row_number() OVER (PARTITION BY given.id ORDER BY recovery."time" DESC, recovery.id) = 1
