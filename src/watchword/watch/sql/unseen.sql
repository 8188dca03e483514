-- evidence -> the changes said done that no log shows, of those that fall into the time a log of their directory covers.
WITH missing AS (
    SELECT
        evidence.*, span.provider, coalesce(evidence.ended, evidence.started) AS "at"
    FROM evidence JOIN (
        SELECT
            directory, min(provider) AS provider, min(try_cast(since AS TIMESTAMPTZ)) AS since,
            max(try_cast(until AS TIMESTAMPTZ)) AS until
        FROM seen
        -- What was forgotten reaches no further back.
        WHERE NOT EXISTS (FROM remembered WHERE try_cast(seen.until AS TIMESTAMPTZ) < remembered."since")
        GROUP BY directory
    ) AS span
        ON (span.directory IS NULL OR evidence.directory = span.directory)
        AND coalesce(evidence.ended, evidence.started) BETWEEN span.since AND span.until
    WHERE evidence.outcome = 'done' AND evidence.evidence NOT IN (SELECT evidence FROM claim)
        AND NOT EXISTS (FROM remembered WHERE coalesce(evidence.ended, evidence.started) < remembered."since")
    QUALIFY row_number() OVER (PARTITION BY evidence.evidence ORDER BY span.directory NULLS LAST) = 1
),
-- What owes no evidence, such as the end of sessions, claims none; its log shows it all the same.
shown AS (
    SELECT DISTINCT said.evidence
    FROM (SELECT evidence, effects, directory, started, "at", unnest(target_keys) AS name FROM missing) AS said
    JOIN (
        SELECT "action", directory, "time", lag, unnest(target_keys) AS name FROM event WHERE done AND NOT owes
    ) AS seen_event
        ON seen_event.name = said.name AND list_contains(said.effects, seen_event."action")
        AND (seen_event.directory IS NULL OR seen_event.directory = said.directory)
        AND seen_event."time" BETWEEN coalesce(said.started, said."at") - seen_event.lag AND said."at" + seen_event.lag
)
SELECT
    "case", ticket, native_id, change, timezone('UTC', "at") AS "at", directory, provider, principal,
    (
        SELECT arg_max(kind."action", kind.rank) FROM kind WHERE list_contains(missing.effects, kind."action")
    ) AS "action",
    list_sort(list_filter(
        [opened_leaf, release_leaf, started_leaf, outcome_leaf], lambda leaf: leaf IS NOT NULL
    )) AS leaves
FROM missing ANTI JOIN shown USING (evidence)
ORDER BY "at", "case", change, leaves
