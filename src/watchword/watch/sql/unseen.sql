-- evidence -> the changes said done that the log does not show, of those that fall into the time the log covers.
SELECT
    evidence."case", evidence.ticket, evidence.native_id, evidence.change,
    timezone('UTC', coalesce(evidence.ended, evidence.started)) AS "at"
FROM evidence, setting, (
    SELECT min(try_cast(since AS TIMESTAMPTZ)) AS since, max(try_cast(until AS TIMESTAMPTZ)) AS until FROM seen
) AS span
WHERE evidence.outcome = 'done'
    AND (setting.directory IS NULL OR evidence.directory = setting.directory)
    AND coalesce(evidence.ended, evidence.started) BETWEEN span.since AND span.until
    AND evidence.evidence NOT IN (SELECT evidence FROM claim)
ORDER BY "at", evidence."case", evidence.change
