/*
title = "A directory administrator acts outside the desk"
says = "{action} by {actor}, a {actor_standing} account, and no case"
runbook = "directory-administrator-outside"
response = "Ask for the change request. Without one, treat as a change without a case."
attack = ["T1098", "T1078.004"]
severity = "high"
window = "1 s"
false_positives = "Work that is not recovery and has its own change process."
needs = ["happened", "evidence"]
keyed = "event"
*/
SELECT id AS event, "target", actor, "time", "action", actor_standing
FROM happened
WHERE owes AND done AND actor_standing IN ('privileged', 'identity_control', 'break_glass')
    AND list_has_any(reasons, ['no_case', 'other_actor', 'other_connection'])
