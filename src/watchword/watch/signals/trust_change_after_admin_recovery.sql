/*
title = "A recovered administrator changes roles or trust"
says = "{native_action} by an administrator recovered {days} days ago"
runbook = "trust-change-after-admin-recovery"
response = "Revert the change and revoke the administrator's sessions; then ask. This is how whole tenants were lost."
attack = ["T1484.002", "T1556", "T1098.003"]
severity = "critical"
window = "7 d"
false_positives = "An administrator back from leave who catches up."
needs = ["happened"]
*/
SELECT
    changed.id AS event, changed."target", changed.actor, changed."time", changed.native_action,
    date_diff('day', recovery."time", changed."time") AS days
FROM recovery JOIN happened AS changed
    ON changed.actor_subject = recovery.subject AND changed."time" > recovery."time"
    AND changed."time" <= recovery."time" + $window
WHERE changed.done AND changed.subject <> recovery.subject AND changed.verdict <> 'verified'
    AND changed."action" IN ('privilege.grant', 'privilege.revoke', 'trust.change')
    AND (recovery.class IN ('privileged', 'identity_control') OR changed.actor_standing IN ('privileged', 'identity_control'))
-- The first of each kind after a recovery: the others are in the finding's account.
QUALIFY row_number() OVER (PARTITION BY recovery.id, changed."action" ORDER BY changed."time", changed.id) = 1
    AND row_number() OVER (PARTITION BY changed.id ORDER BY recovery."time" DESC, recovery.id) = 1
