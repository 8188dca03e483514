-- event x ticket_part -> speak: every event that owes evidence and has none, beside the tickets about its account.
-- `covered`: all of the click is among what the ticket names; `vague`: it names nothing; `by_agent`: who acted is whose
-- ticket it is; `other_agent`: it is the ticket of somebody who did not act.
CREATE OR REPLACE TABLE speak AS
WITH worker AS (
    SELECT part, agent AS name, false AS known FROM ticket_part WHERE agent <> ''
    UNION
    SELECT ticket_part.part, account.name, true
    FROM ticket_part JOIN label ON label.label = ticket_part.agent JOIN account USING (account)
),
known_worker AS (SELECT DISTINCT part FROM worker WHERE known),
owing AS (SELECT id, "time", actions, family, actor_keys, target_keys FROM event ANTI JOIN claim USING (id) WHERE owes),
named AS (
    SELECT DISTINCT owed.id, about.part
    FROM (SELECT id, "time", unnest(target_keys) AS name FROM owing) AS owed
    JOIN about ON about.name = owed.name
    JOIN ticket_part
        ON ticket_part.part = about.part
        AND owed."time" BETWEEN ticket_part.since - INTERVAL 24 HOURS AND ticket_part.until + INTERVAL 24 HOURS
),
acted AS (
    SELECT DISTINCT named.id, named.part
    FROM named
    JOIN (SELECT id, unnest(vouched_names(actor_keys)) AS name FROM owing) AS actor ON actor.id = named.id
    JOIN worker ON worker.part = named.part AND worker.name = actor.name
)
SELECT
    named.id,
    named.part,
    coalesce(list_has_all(ticket_part.actions, owing.actions), false) AS covered,
    acted.id IS NOT NULL AS by_agent,
    -- More than a sign-in is lent by a factor, a way around one, a contact or power: an agent nobody knows is another too.
    acted.id IS NULL AND (known_worker.part IS NOT NULL OR (owing.family <> 'sign_in' AND ticket_part.agent <> '')) AS other_agent,
    owing."time" BETWEEN ticket_part.since AND ticket_part.until AS in_time,
    ticket_part.actions IS NULL AS vague,
    abs(epoch_us(owing."time") - epoch_us(ticket_part.opened)) AS distance
FROM named
JOIN owing USING (id)
JOIN ticket_part USING (part)
LEFT JOIN acted ON acted.id = named.id AND acted.part = named.part
LEFT JOIN known_worker ON known_worker.part = named.part
