-- event x evidence -> pair: every event that owes evidence, beside each row of evidence that names its account and is of
-- its time (a day around, so that what lies beside the window can be told) or of its connection.
-- `covered`: all of the click is among the effects approved; `same`: a socket or transaction says it is this very
-- change; `other`: one says it is not.
CREATE OR REPLACE TABLE pair AS
WITH named AS (
    SELECT DISTINCT event_key.id, evidence_key.evidence
    FROM (
        SELECT id, directory, "time", lag, socket, correlation, unnest(target_keys) AS name FROM event WHERE owes
    ) AS event_key
    JOIN (
        SELECT
            evidence, directory, socket, "transaction", started, ended, expires, unnest(target_keys) AS name
        FROM evidence
    ) AS evidence_key
        ON evidence_key.name = event_key.name
        AND (event_key.directory IS NULL OR event_key.directory = evidence_key.directory)
        AND (
            event_key."time" BETWEEN coalesce(started, expires - INTERVAL 24 HOURS) - lag - INTERVAL 24 HOURS
                AND coalesce(ended, expires) + lag + INTERVAL 24 HOURS
            OR event_key.socket = evidence_key.socket
            OR event_key.correlation = evidence_key."transaction"
        )
)
SELECT
    named.id,
    named.evidence,
    list_has_any(event.actor_keys, evidence.principal_keys) AS by_principal,
    list_has_all(evidence.effects, event.actions) AS covered,
    (event.socket = evidence.socket) IS TRUE OR (event.correlation = evidence."transaction") IS TRUE AS same,
    (event.socket <> evidence.socket) IS TRUE OR (event.correlation <> evidence."transaction") IS TRUE AS other,
    -- A change that never started has no start: a release is not older than a day.
    event."time" BETWEEN coalesce(evidence.started, evidence.expires - INTERVAL 24 HOURS) - event.lag
        AND coalesce(evidence.ended, evidence.expires) + event.lag AS in_time,
    event."time" > evidence.expires + event.lag AS expired,
    evidence.ended IS NULL AS unended,
    abs(epoch_us(event."time") - epoch_us(coalesce(evidence.ended, evidence.started, evidence.expires))) AS distance
FROM named JOIN event USING (id) JOIN evidence USING (evidence)
