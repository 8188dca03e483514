/*
title = "A recovery outside the desk's hours"
says = "{action} at {hour}:00 {zone}, and the desk is open from {opens} to {closes}"
runbook = "outside-queue-hours"
response = "Look for the ticket. Without one: ask the agent over another channel."
attack = ["T1078"]
severity = "low"
window = "1 s"
false_positives = "A shift that was moved; hours that changed and were not set anew."
needs = ["happened"]
silent = "until opens, closes or closed say when the desk is shut, in the time of zone, or of zones"
keyed = "event"

[parameters]
opens = 0
closes = 24
closed = ""
zone = "UTC"
zones = {}
*/
SELECT id AS event, "target", actor, "time", "action", hour, zone, $opens AS opens, $closes AS closes
FROM (
    SELECT
        *, coalesce(CAST($zones AS MAP(VARCHAR, VARCHAR))[lower(actor_unit)], $zone) AS zone,
        extract(hour FROM timezone(zone, "time")) AS hour,
        -- A shift that ends after midnight is of the day it began on.
        isodow(timezone(zone, "time") - CASE
            WHEN $opens > $closes AND hour < $closes THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAYS
        END) AS day
    FROM recovery
    WHERE actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'
)
WHERE list_contains(string_split($closed, ','), CAST(day AS VARCHAR)) OR CASE
    WHEN $opens <= $closes THEN hour < $opens OR hour >= $closes
    ELSE hour < $opens AND hour >= $closes
END
