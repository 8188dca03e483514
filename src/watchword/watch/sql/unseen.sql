-- evidence -> the changes said done that no log shows, of those that fall into the time a log of their directory covers.
SELECT
    evidence."case", evidence.ticket, evidence.native_id, evidence.change,
    timezone('UTC', coalesce(evidence.ended, evidence.started)) AS "at"
FROM evidence SEMI JOIN (
    SELECT directory, min(try_cast(since AS TIMESTAMPTZ)) AS since, max(try_cast(until AS TIMESTAMPTZ)) AS until
    FROM seen
    GROUP BY directory
) AS span
    ON (span.directory IS NULL OR evidence.directory = span.directory)
    AND coalesce(evidence.ended, evidence.started) BETWEEN span.since AND span.until
WHERE evidence.outcome = 'done' AND evidence.evidence NOT IN (SELECT evidence FROM claim)
ORDER BY "at", evidence."case", evidence.change
