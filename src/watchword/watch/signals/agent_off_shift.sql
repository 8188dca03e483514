/*
title = "An agent acts outside their usual hours"
says = "{action} at {hour}:00 {zone}, where {actor} is hardly ever at work"
runbook = "agent-off-shift"
response = "Ask the agent over another channel whether it was they. If not, revoke the agent's sessions first."
attack = ["T1078"]
severity = "medium"
window = "30 d"
false_positives = "A changed shift; cover for a colleague who is ill."
needs = ["happened"]
keyed = "actor"

[parameters]
least = 20
share = 0.06
zone = "UTC"
zones = {}
*/
WITH act AS (
    SELECT
        *, coalesce(CAST($zones AS MAP(VARCHAR, VARCHAR))[lower(actor_unit)], $zone) AS zone,
        extract(hour FROM timezone(zone, "time")) AS hour
    FROM recovery
    -- What a case explains was done by the desk's executor, at whatever hour.
    WHERE actor_class IS NULL AND NOT by_owner AND verdict <> 'verified'
),
per_hour AS (SELECT actor, hour, count(*) AS acts FROM act GROUP BY ALL),
-- How much an agent did within an hour either way, around midnight too, of all they did.
usual AS (
    SELECT mine.actor, mine.hour, sum(near.acts) AS nearby, any_value(total.acts) AS acts
    FROM per_hour AS mine
    JOIN per_hour AS near ON near.actor = mine.actor AND (near.hour - mine.hour + 25) % 24 <= 2
    JOIN (SELECT actor, sum(acts) AS acts FROM per_hour GROUP BY actor) AS total ON total.actor = mine.actor
    GROUP BY ALL
)
SELECT act.id AS event, act."target", act.actor, act."time", act."action", act.hour, act.zone
FROM act JOIN usual USING (actor, hour)
WHERE usual.acts >= $least AND usual.nearby <= usual.acts * $share
