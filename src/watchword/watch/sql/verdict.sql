-- event, pair, claim -> verdict: one row an event, the codes of its reasons and the leaves of the chain it matched.
WITH
-- Of an event that claimed no evidence, what comes nearest: the first that holds says why it does not cover the event.
related AS (
    SELECT
        pair.id,
        pair.evidence,
        CASE
            -- A receipt's connection tells its own change from others; what was never approved has no receipt.
            WHEN by_principal AND in_time AND NOT covered THEN 'wider_than_approved'
            WHEN by_principal AND in_time AND NOT other THEN 'already_used'
            WHEN by_principal AND covered AND NOT other AND (same OR distance <= 86400000000) THEN 'outside_window'
            WHEN by_principal AND in_time THEN 'other_connection'
            WHEN in_time THEN 'other_actor'
        END AS reason
    FROM pair ANTI JOIN claim ON claim.id = pair.id
    QUALIFY reason IS NOT NULL AND row_number() OVER (
        PARTITION BY pair.id
        ORDER BY list_position(
            ['wider_than_approved', 'already_used', 'outside_window', 'other_connection', 'other_actor'], reason
        ), NOT same, distance, pair.evidence
    ) = 1
),
principal AS (SELECT DISTINCT unnest(principal_keys) AS name FROM evidence),
executor AS (
    SELECT DISTINCT id
    FROM (SELECT id, unnest(actor_keys) AS name FROM event WHERE owes) SEMI JOIN principal USING (name)
),
-- An executor that acts on an account it has no evidence for, while its case for another is open.
alone AS MATERIALIZED (SELECT event.* FROM event SEMI JOIN executor USING (id) ANTI JOIN pair USING (id)),
elsewhere AS (
    SELECT DISTINCT alone.id
    FROM alone, evidence, setting
    WHERE alone."time" >= evidence.started - setting.lag
        AND alone."time" <= coalesce(evidence.ended, evidence.expires) + setting.lag
        AND list_has_any(alone.actor_keys, evidence.principal_keys)
),
privileged AS (
    SELECT DISTINCT id
    FROM (SELECT id, unnest(target_keys) AS name FROM event WHERE owes) JOIN account USING (name)
    WHERE account.class IN ('privileged', 'identity_control', 'break_glass')
),
lost AS (
    SELECT DISTINCT id
    FROM event, gap, setting
    WHERE owes AND event."time" BETWEEN gap.since - setting.lag AND gap.until + setting.lag
),
-- What was declared speaks for what its performer did to its account within its time, all of it or nothing.
down AS (
    SELECT event.id, bool_and(declared.reviewed) AS reviewed, flatten(list(declared.leaves)) AS leaves
    FROM event, declared, setting
    WHERE owes AND event."time" BETWEEN declared.since - setting.lag AND declared.until + setting.lag
        AND (event.directory IS NULL OR declared.directory = event.directory)
        AND list_has_any(event.target_keys, declared.target_keys)
        AND list_has_any(event.actor_keys, declared.performers)
        AND list_has_all(declared.effects, event.actions)
    GROUP BY event.id
),
repeated AS (
    SELECT provider, directory, "target"
    FROM event
    WHERE owes AND "target" <> ''
    GROUP BY provider, directory, "target"
    HAVING count(*) > 1
),
recent AS (
    SELECT
        id,
        count(*) OVER (
            PARTITION BY provider, directory, "target" ORDER BY "time" RANGE BETWEEN INTERVAL 24 HOURS PRECEDING AND CURRENT ROW
        ) > 1 AS repeated,
        count(DISTINCT family) OVER (
            PARTITION BY provider, directory, "target" ORDER BY "time" RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW
        ) > 1 AS many
    FROM event SEMI JOIN repeated
        ON repeated."target" = event."target" AND repeated.provider = event.provider
        AND repeated.directory IS NOT DISTINCT FROM event.directory
    WHERE owes
),
chain AS (
    SELECT
        claim.id,
        claim.evidence,
        list_filter([
            CASE WHEN evidence.ticket_leaf IS NULL THEN 'missing:ticket' END,
            CASE WHEN coalesce(len(evidence.verify_leaves), 0) = 0 THEN 'missing:verification' END,
            CASE WHEN evidence.approve_needed IS NOT FALSE AND coalesce(len(evidence.approve_leaves), 0) = 0
                THEN 'missing:approval' END,
            CASE WHEN evidence.release_leaf IS NULL THEN 'missing:release' END,
            CASE WHEN evidence.started_leaf IS NULL OR evidence.started IS NULL THEN 'missing:start' END,
            CASE WHEN evidence.receipt IS NULL OR evidence.outcome IS NULL OR evidence.outcome_leaf IS NULL
                THEN 'missing:receipt' END,
            CASE WHEN evidence.outcome <> 'done' THEN 'recorded_as_not_done' END,
            CASE WHEN pair.expired OR evidence.started > evidence.expires + setting.lag THEN 'expired' END
        ], lambda r: r IS NOT NULL) AS broken
    FROM claim JOIN evidence USING (evidence) JOIN pair USING (id, evidence), setting
),
judged AS (
    SELECT
        event.*,
        coalesce(
            chain.evidence,
            CASE WHEN related.reason NOT IN ('other_connection', 'other_actor') THEN related.evidence END
        ) AS evidence,
        list_filter([
            CASE WHEN privileged.id IS NOT NULL THEN 'privileged_target' END,
            CASE WHEN recent.repeated THEN 'repeat_24h' END,
            CASE WHEN recent.many THEN 'many_kinds_1h' END
        ], lambda r: r IS NOT NULL) AS signals,
        CASE
            WHEN NOT event.done THEN 'attempt_failed'
            WHEN NOT event.by_owner AND NOT event.support
                THEN CASE WHEN event."action" = 'account.create' THEN 'new_account' ELSE 'not_support' END
        END AS ignored,
        event.by_owner AND event.done AS self,
        chain.broken,
        related.reason AS related,
        down.reviewed,
        CASE WHEN chain.broken IS NULL THEN down.leaves END AS declared,
        CASE WHEN event.timeless THEN ['no_time'] ELSE [] END || CASE
            WHEN NOT setting.has_evidence THEN ['no_evidence']
            WHEN related.reason IS NOT NULL THEN [related.reason]
            WHEN executor.id IS NULL THEN ['no_case']
            WHEN elsewhere.id IS NOT NULL THEN ['no_released_case', 'other_account']
            ELSE ['no_released_case']
        END || CASE WHEN lost.id IS NOT NULL THEN ['ledger_restored'] ELSE [] END AS unmatched
    FROM event
    LEFT JOIN chain USING (id)
    LEFT JOIN related USING (id)
    LEFT JOIN executor USING (id)
    LEFT JOIN elsewhere USING (id)
    LEFT JOIN recent USING (id)
    LEFT JOIN privileged USING (id)
    LEFT JOIN lost USING (id)
    LEFT JOIN down USING (id),
    setting
)
SELECT
    judged."time" AS "at",
    judged."action",
    CASE
        WHEN judged.ignored IS NOT NULL THEN 'ignored'
        WHEN judged.self THEN 'self_service'
        WHEN len(judged.broken) = 0 THEN 'verified'
        WHEN judged.declared IS NOT NULL THEN 'downtime'
        WHEN judged.broken IS NOT NULL OR judged.related IN ('wider_than_approved', 'already_used', 'outside_window')
            THEN 'out_of_policy'
        WHEN len(judged.signals) > 0 THEN 'suspicious'
        ELSE 'unverified'
    END AS verdict,
    CASE
        WHEN judged.ignored IS NOT NULL THEN [judged.ignored]
        WHEN judged.self THEN ['by_owner']
        WHEN len(judged.broken) = 0 THEN ['whole_chain']
        WHEN judged.declared IS NOT NULL
            THEN ['declared', CASE WHEN judged.reviewed THEN 'review_done' ELSE 'review_owed' END] || judged.signals
        WHEN judged.broken IS NOT NULL THEN judged.broken || judged.signals
        ELSE judged.unmatched || judged.signals
    END AS reasons,
    -- Only what owes evidence has any: an event that is ignored or the owner's own is in no pair.
    CASE WHEN judged.declared IS NOT NULL THEN list_sort(list_distinct(judged.declared))
        WHEN evidence.evidence IS NULL THEN [] ELSE list_sort(list_distinct(list_filter(
        [
            evidence.opened_leaf, evidence.ticket_leaf, evidence.release_leaf,
            evidence.started_leaf, evidence.outcome_leaf
        ] || coalesce(evidence.verify_leaves, []) || coalesce(evidence.approve_leaves, []),
        lambda leaf: leaf IS NOT NULL
    ))) END AS leaves,
    judged.id, judged.provider, coalesce(judged.directory, judged.provider) AS directory, judged.native_action,
    judged.actor, judged."target", judged.outcome, judged.address, judged.socket, judged.correlation, judged.folded,
    judged.actor_class, judged.country, judged.asn, judged.detail,
    CASE WHEN judged.declared IS NULL THEN evidence."case" END AS "case",
    CASE WHEN judged.declared IS NULL THEN evidence.ticket END AS ticket
FROM judged LEFT JOIN evidence ON evidence.evidence = judged.evidence
