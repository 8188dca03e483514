-- event x evidence -> pair: every event that owes evidence, beside each row of evidence that names its account.
-- `covered`: all of the click is among the effects approved; `same`: a socket or transaction says it is this very
-- change; `other`: one says it is not.
CREATE OR REPLACE TEMP TABLE pair AS
WITH named AS (
    SELECT DISTINCT event_key.id, evidence_key.evidence
    FROM (SELECT id, directory, unnest(target_keys) AS name FROM event WHERE owes) AS event_key
    JOIN (SELECT evidence, directory, unnest(target_keys) AS name FROM evidence) AS evidence_key
        ON evidence_key.name = event_key.name
        AND (event_key.directory IS NULL OR event_key.directory = evidence_key.directory)
)
SELECT
    named.id,
    named.evidence,
    list_has_any(event.actor_keys, evidence.principal_keys) AS by_principal,
    list_has_all(evidence.effects, event.actions) AS covered,
    (event.socket = evidence.socket) IS TRUE OR (event.correlation = evidence."transaction") IS TRUE AS same,
    (event.socket <> evidence.socket) IS TRUE OR (event.correlation <> evidence."transaction") IS TRUE AS other,
    -- A change that never started has no start: a release is not older than a day.
    event."time" BETWEEN coalesce(evidence.started, evidence.expires - INTERVAL 24 HOURS) - setting.lag
        AND coalesce(evidence.ended, evidence.expires) + setting.lag AS in_time,
    event."time" > evidence.expires + setting.lag AS expired,
    abs(epoch_us(event."time") - epoch_us(coalesce(evidence.ended, evidence.started, evidence.expires))) AS distance
FROM named JOIN event USING (id) JOIN evidence USING (evidence), setting
