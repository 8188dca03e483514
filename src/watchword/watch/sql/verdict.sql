-- event, pair, claim -> verdict: one row an event, the codes of its reasons and the leaves of the chain it matched.
WITH
-- Of an event that claimed no evidence, what comes nearest: the first that holds says why it does not cover the event.
related AS (
    SELECT
        pair.id,
        pair.evidence,
        -- What was approved and never seen done, done by another hand: the case explains the event, and a link failed.
        pair.covered AND taken.evidence IS NULL AS untaken,
        CASE
            -- A receipt's connection tells its own change from others; what was never approved has no receipt.
            WHEN by_principal AND in_time AND NOT covered THEN 'wider_than_approved'
            WHEN by_principal AND in_time AND NOT other THEN 'already_used'
            WHEN by_principal AND covered AND NOT other AND unended AND expired AND distance <= 86400000000 THEN 'expired'
            WHEN by_principal AND covered AND NOT other AND (same OR distance <= 86400000000) THEN 'outside_window'
            WHEN by_principal AND in_time THEN 'other_connection'
            WHEN in_time THEN 'other_actor'
        END AS reason
    FROM pair
    ANTI JOIN claim ON claim.id = pair.id
    LEFT JOIN claim AS taken ON taken.evidence = pair.evidence
    QUALIFY reason IS NOT NULL AND row_number() OVER (
        PARTITION BY pair.id
        ORDER BY list_position(
            ['wider_than_approved', 'already_used', 'expired', 'outside_window', 'other_connection', 'other_actor'],
            reason
        ), NOT same, NOT untaken, distance, pair.evidence
    ) = 1
),
desk AS (SELECT name FROM principal UNION SELECT unnest(principal_keys) FROM evidence),
executor AS (
    SELECT DISTINCT id
    FROM (SELECT id, unnest(actor_keys) AS name FROM event WHERE owes) SEMI JOIN desk USING (name)
),
-- An executor that acts on an account it has no evidence for, while its case for another is open. Times are joined by
-- the ten minutes they fall into, so that a day full of cases is no product of all with all.
alone AS MATERIALIZED (
    SELECT event.* FROM event SEMI JOIN executor USING (id) ANTI JOIN claim USING (id) ANTI JOIN related USING (id)
),
acting AS (
    SELECT id, directory, "time", lag, actions, target_keys, socket, correlation, name, unnest(range(
        CAST(floor((epoch("time") - epoch(lag)) / 600) AS BIGINT),
        CAST(floor((epoch("time") + epoch(lag)) / 600) AS BIGINT) + 1
    )) AS slot
    FROM (SELECT *, unnest(actor_keys) AS name FROM alone)
    -- No case is from before there were any.
    WHERE "time" > TIMESTAMPTZ '1971-01-01 00:00:00+00' AND "time" < TIMESTAMPTZ '9999-01-01 00:00:00+00'
),
open_case AS (
    SELECT evidence, directory, effects, socket, "transaction", started, until, name, unnest(range(
        CAST(floor(epoch(started) / 600) AS BIGINT), CAST(floor(epoch(until) / 600) AS BIGINT) + 1
    )) AS slot
    FROM (
        SELECT
            evidence, directory, effects, socket, "transaction", started,
            least(coalesce(ended, expires), started + INTERVAL 7 DAYS) AS until, unnest(principal_keys) AS name
        FROM evidence
        WHERE started IS NOT NULL AND EXISTS (FROM alone)
    )
),
elsewhere AS (
    SELECT
        acting.id,
        -- Its own event is missing and this one does what was approved: done to another account.
        min(open_case.evidence) FILTER (
            WHERE taken.evidence IS NULL AND list_has_all(open_case.effects, acting.actions)
                AND len(acting.target_keys) > 0
                AND (acting.socket <> open_case.socket) IS NOT TRUE
                AND (acting.correlation <> open_case."transaction") IS NOT TRUE
        ) AS untaken
    FROM acting
    JOIN open_case
        ON open_case.name = acting.name AND open_case.slot = acting.slot
        AND acting."time" >= open_case.started - acting.lag AND acting."time" <= open_case.until + acting.lag
        AND (acting.directory IS NULL OR acting.directory = open_case.directory)
    LEFT JOIN claim AS taken ON taken.evidence = open_case.evidence
    GROUP BY acting.id
),
privileged AS (
    SELECT DISTINCT id
    FROM (SELECT id, unnest(target_keys) AS name FROM event WHERE owes) JOIN account USING (name)
    WHERE account.class IN ('privileged', 'identity_control', 'break_glass')
),
-- Who acted, where their account is one that several people use or whose person has left by then.
flagged AS (
    SELECT
        actor.id,
        bool_or(coalesce(account.shared, false)) AS shared,
        bool_or(account.status = 'leaver' AND coalesce(account.since <= actor."time", true)) AS leaver
    FROM (SELECT id, "time", unnest(told_names(actor_keys)) AS name FROM event WHERE done AND (owes OR by_owner)) AS actor
    JOIN account USING (name)
    WHERE account.shared OR account.status = 'leaver'
    GROUP BY actor.id
),
lost AS (
    SELECT DISTINCT id
    FROM event JOIN gap ON event."time" BETWEEN gap.since - event.lag AND gap.until + event.lag
    WHERE owes
),
-- What was declared speaks for what its performer did to its account within its time, all of it or nothing.
down AS (
    SELECT id, bool_and(reviewed) AS reviewed, flatten(list(leaves)) AS leaves
    FROM (
        SELECT DISTINCT event.id, said.downtime, said.reviewed, said.leaves
        FROM (SELECT *, unnest(target_keys) AS name FROM event WHERE owes) AS event
        JOIN (SELECT *, unnest(target_keys) AS name FROM declared) AS said
            ON said.name = event.name
            AND event."time" BETWEEN said.since - event.lag AND said.until + event.lag
            AND (event.directory IS NULL OR said.directory = event.directory)
            AND list_has_any(event.actor_keys, said.performers)
            AND list_has_all(said.effects, event.actions)
    )
    GROUP BY id
),
-- Of an event that no ticket speaks for, why the nearest ticket about its account does not.
unspoken AS (
    SELECT
        id,
        part,
        CASE
            WHEN in_time AND covered AND NOT other_agent THEN 'ticket_used'
            WHEN in_time AND covered THEN 'ticket_other_agent'
            WHEN in_time AND vague THEN 'ticket_names_nothing'
            WHEN in_time THEN 'ticket_other_action'
            ELSE 'ticket_outside_window'
        END AS reason
    FROM speak ANTI JOIN spoken USING (id)
    QUALIFY row_number() OVER (
        PARTITION BY id
        ORDER BY list_position(
            [
                'ticket_used', 'ticket_other_agent', 'ticket_names_nothing', 'ticket_other_action', 'ticket_outside_window'
            ], reason
        ), distance, part
    ) = 1
),
-- Where a case is owed: the strictest reading of whose account it is, and what of the click the cell is about.
cell AS (
    SELECT DISTINCT event.id
    FROM (SELECT id, "time", unnest(actions) AS "action", target_keys FROM event WHERE owes) AS event
    LEFT JOIN (
        SELECT id, class, unit
        FROM (SELECT id, unnest(target_keys) AS name FROM event WHERE owes) JOIN account USING (name)
    ) AS whose ON whose.id = event.id
    JOIN enforced
        ON coalesce(enforced."action", event."action") = event."action"
        AND (enforced.class IS NULL OR enforced.class = whose.class)
        AND (enforced.unit IS NULL OR lower(enforced.unit) = lower(whose.unit))
        AND event."time" >= enforced.since AND coalesce(event."time" < enforced.until, true)
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
            CASE
                WHEN related.reason = 'other_actor' AND related.untaken THEN related.evidence
                WHEN related.reason NOT IN ('other_connection', 'other_actor') THEN related.evidence
            END,
            elsewhere.untaken
        ) AS evidence,
        list_filter([
            CASE WHEN privileged.id IS NOT NULL THEN 'privileged_target' END,
            CASE WHEN recent.repeated THEN 'repeat_24h' END,
            CASE WHEN recent.many THEN 'many_kinds_1h' END
        ], lambda r: r IS NOT NULL) AS signals,
        list_filter([
            CASE WHEN flagged.shared THEN 'shared_actor' END,
            CASE WHEN flagged.leaver THEN 'leaver_actor' END
        ], lambda r: r IS NOT NULL) AS flags,
        coalesce(flagged.leaver, false) AS by_leaver,
        CASE
            WHEN NOT event.done THEN 'attempt_failed'
            WHEN NOT event.by_owner AND NOT event.support
                THEN CASE WHEN event."action" = 'account.create' THEN 'new_account' ELSE 'not_support' END
        END AS ignored,
        event.by_owner AND event.done AS self,
        related.reason IN ('wider_than_approved', 'already_used', 'expired', 'outside_window')
            OR (related.reason = 'other_actor' AND related.untaken)
            OR elsewhere.untaken IS NOT NULL AS link_failed,
        spoken.part IS NOT NULL AS is_spoken_for,
        cell.id IS NOT NULL AS is_enforced,
        ticket_part.ticket AS spoken_ticket,
        chain.broken,
        down.reviewed,
        CASE WHEN chain.broken IS NULL THEN down.leaves END AS declared,
        CASE WHEN event.timeless THEN ['no_time'] ELSE [] END || CASE
            WHEN NOT setting.has_evidence AND NOT setting.has_tickets THEN ['no_evidence']
            WHEN NOT setting.has_evidence THEN []
            WHEN related.reason IS NOT NULL THEN [related.reason]
            WHEN executor.id IS NULL THEN ['no_case']
            WHEN elsewhere.id IS NOT NULL THEN ['no_released_case', 'other_account']
            ELSE ['no_released_case']
        END || CASE
            WHEN NOT setting.has_tickets THEN []
            WHEN spoken.part IS NOT NULL THEN [CASE WHEN cell.id IS NULL THEN 'ticket_only' ELSE 'ticket_not_enough' END]
            WHEN unspoken.reason IS NOT NULL THEN [unspoken.reason]
            WHEN NOT setting.has_evidence THEN ['no_ticket']
            ELSE []
        END || CASE WHEN lost.id IS NOT NULL THEN ['ledger_restored'] ELSE [] END AS unmatched
    FROM event
    LEFT JOIN chain USING (id)
    LEFT JOIN related USING (id)
    LEFT JOIN executor USING (id)
    LEFT JOIN elsewhere USING (id)
    LEFT JOIN recent USING (id)
    LEFT JOIN privileged USING (id)
    LEFT JOIN lost USING (id)
    LEFT JOIN down USING (id)
    LEFT JOIN flagged USING (id)
    LEFT JOIN spoken USING (id)
    LEFT JOIN ticket_part ON ticket_part.part = spoken.part
    LEFT JOIN unspoken USING (id)
    LEFT JOIN cell USING (id),
    setting
)
SELECT
    judged."time" AS "at",
    judged."action",
    CASE
        WHEN judged.ignored IS NOT NULL THEN 'ignored'
        WHEN judged.self AND judged.by_leaver THEN 'suspicious'
        WHEN judged.self THEN 'self_service'
        WHEN len(judged.broken) = 0 AND len(judged.flags) = 0 THEN 'verified'
        WHEN judged.declared IS NOT NULL THEN 'downtime'
        WHEN judged.broken IS NOT NULL OR judged.link_failed THEN 'out_of_policy'
        WHEN judged.is_spoken_for AND NOT judged.is_enforced AND len(judged.flags) = 0 THEN 'ticketed'
        WHEN len(judged.signals) > 0 OR len(judged.flags) > 0 THEN 'suspicious'
        ELSE 'unverified'
    END AS verdict,
    CASE
        WHEN judged.ignored IS NOT NULL THEN [judged.ignored]
        WHEN judged.self THEN ['by_owner'] || judged.flags
        WHEN len(judged.broken) = 0 AND len(judged.flags) = 0 THEN ['whole_chain']
        WHEN judged.declared IS NOT NULL
            THEN ['declared', CASE WHEN judged.reviewed THEN 'review_done' ELSE 'review_owed' END]
                || judged.flags || judged.signals
        WHEN judged.broken IS NOT NULL THEN judged.broken || judged.flags || judged.signals
        ELSE judged.unmatched || judged.flags || judged.signals
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
    CASE WHEN judged.declared IS NULL THEN coalesce(evidence.ticket, judged.spoken_ticket) END AS ticket,
    login_of(judged.actor, judged.actor_keys) AS actor_login,
    login_of(judged."target", judged.target_keys) AS target_login
FROM judged LEFT JOIN evidence ON evidence.evidence = judged.evidence
