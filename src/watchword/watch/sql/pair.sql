-- event x evidence -> pair: every event that owes evidence, beside each row of evidence that names its account.
-- `covered`: all of the click is among the effects approved; `same`: a socket or transaction says it is this very
-- change; `other`: one says it is not.
CREATE OR REPLACE TEMP TABLE pair AS
WITH spoken AS (
    SELECT evidence.*
    FROM evidence, setting
    WHERE setting.directory IS NULL OR evidence.directory = setting.directory
),
named AS (
    SELECT DISTINCT event_key.id, spoken_key.evidence
    FROM (SELECT id, unnest(target_keys) AS name FROM event WHERE owes) AS event_key
    JOIN (SELECT evidence, unnest(target_keys) AS name FROM spoken) AS spoken_key USING (name)
)
SELECT
    named.id,
    named.evidence,
    list_has_any(event.actor_keys, spoken.principal_keys) AS by_principal,
    list_has_all(spoken.effects, event.actions) AS covered,
    (event.socket = spoken.socket) IS TRUE OR (event.correlation = spoken."transaction") IS TRUE AS same,
    (event.socket <> spoken.socket) IS TRUE OR (event.correlation <> spoken."transaction") IS TRUE AS other,
    -- A change that never started has no start: a release is not older than a day.
    event."time" BETWEEN coalesce(spoken.started, spoken.expires - INTERVAL 24 HOURS) - setting.lag
        AND coalesce(spoken.ended, spoken.expires) + setting.lag AS in_time,
    event."time" > spoken.expires + setting.lag AS expired,
    abs(epoch_us(event."time") - epoch_us(coalesce(spoken.ended, spoken.started, spoken.expires))) AS distance
FROM named JOIN event USING (id) JOIN spoken USING (evidence), setting
