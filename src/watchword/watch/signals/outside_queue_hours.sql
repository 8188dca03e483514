/*
title = "A recovery outside the desk's hours"
says = "{action} at {hour}:00 UTC, and the desk is open from {opens} to {closes}"
runbook = "outside-queue-hours"
attack = ["T1078"]
severity = "low"
window = "1 s"
false_positives = "Every desk that is open at night: set opens and closes, in UTC."
needs = ["happened"]
keyed = "event"

[parameters]
opens = 5
closes = 21
closed = "6,7"
*/
SELECT
    id AS event, "target", actor, "time", "action", extract(hour FROM "time") AS hour, $opens AS opens, $closes AS closes
FROM recovery
WHERE actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'
    AND (extract(hour FROM "time") < $opens OR extract(hour FROM "time") >= $closes
        OR list_contains(string_split($closed, ','), CAST(isodow("time") AS VARCHAR)))
