/*
title = "A recovery outside the desk's hours"
says = "{action} at {hour}:00 UTC, and the desk is open from {opens} to {closes}"
runbook = "outside-queue-hours"
attack = ["T1078"]
severity = "low"
window = "1 s"
false_positives = "A shift that was moved; hours that changed and were not set anew."
needs = ["happened"]
silent = "until opens, closes or closed say when the desk is shut, in UTC"
keyed = "event"

[parameters]
opens = 0
closes = 24
closed = ""
*/
SELECT
    id AS event, "target", actor, "time", "action", extract(hour FROM "time") AS hour, $opens AS opens, $closes AS closes
FROM recovery
WHERE actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'
    AND (extract(hour FROM "time") < $opens OR extract(hour FROM "time") >= $closes
        OR list_contains(string_split($closed, ','), CAST(isodow("time") AS VARCHAR)))
