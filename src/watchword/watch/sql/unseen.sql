-- evidence -> the changes said done that no log shows, of those that fall into the time a log of their directory covers.
SELECT
    evidence."case", evidence.ticket, evidence.native_id, evidence.change,
    timezone('UTC', coalesce(evidence.ended, evidence.started)) AS "at",
    evidence.directory, span.provider, evidence.principal,
    (
        SELECT arg_max(kind."action", kind.rank) FROM kind WHERE list_contains(evidence.effects, kind."action")
    ) AS "action",
    list_sort(list_filter(
        [evidence.opened_leaf, evidence.release_leaf, evidence.started_leaf, evidence.outcome_leaf],
        lambda leaf: leaf IS NOT NULL
    )) AS leaves
FROM evidence JOIN (
    SELECT
        directory, min(provider) AS provider, min(try_cast(since AS TIMESTAMPTZ)) AS since,
        max(try_cast(until AS TIMESTAMPTZ)) AS until
    FROM seen
    GROUP BY directory
) AS span
    ON (span.directory IS NULL OR evidence.directory = span.directory)
    AND coalesce(evidence.ended, evidence.started) BETWEEN span.since AND span.until
WHERE evidence.outcome = 'done' AND evidence.evidence NOT IN (SELECT evidence FROM claim)
QUALIFY row_number() OVER (PARTITION BY evidence.evidence ORDER BY span.directory NULLS LAST) = 1
ORDER BY "at", evidence."case", evidence.change
