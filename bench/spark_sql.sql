-- log, evidence, catalogue, kind -> one row an event with its verdict: what the watch's own SQL does to a log of
-- Okta's, as Spark's own SQL. Left out is what the sample has none of, and ours looks for all the same: sign-ins, tickets,
-- accounts, gaps, downtime, cases of other accounts, a second round of claims, leaves; and the count of types. Each step
-- but the last is kept by Spark, since several ask for it.

-- step: event
WITH change AS (
    SELECT
        uuid, eventType AS native, to_timestamp(published) AS time, coalesce(actor.id, '') AS actor,
        lower(nullif(actor.alternateId, 'null')) AS actor_login, lower(actor.type) AS actor_type, outcome.result AS result,
        outcome.reason AS reason, nullif(client.ipAddress, 'null') AS address,
        nullif(nullif(transaction.id, 'unknown'), 'null') AS correlation,
        transaction.id = 'unknown' AND client.userAgent.rawUserAgent IS NULL AS unclaimed,
        debugContext.debugData.changedAttributes AS changed,
        nullif(client.geographicalContext.country, 'null') AS country, securityContext.asNumber AS asn,
        coalesce(nullif(device.id, 'null'), nullif(debugContext.debugData.dtHash, 'null')) AS device,
        nullif(nullif(coalesce(authenticationContext.externalSessionId, authenticationContext.rootSessionId), 'unknown'), 'null')
            AS session,
        nullif(coalesce(debugContext.debugData.factor, debugContext.debugData.privilegeGranted), 'null') AS said,
        coalesce(
            nullif(filter(target, t -> lower(t.type) = 'user'), array()),
            CASE WHEN size(target) > 0 THEN slice(target, 1, 1) END, array(NULL)
        ) AS targets
    FROM log
    WHERE eventType IN ({natives})
),
each_target AS (SELECT * EXCEPT (targets), explode(targets) AS t FROM change),
field AS (
    SELECT
        *,
        coalesce(uuid, md5(concat_ws('|', native, time, actor, t.id, correlation))) AS id,
        CASE
            WHEN native = 'user.account.update_profile' AND NOT regexp(
                coalesce(nullif(concat_ws(' ', changed, t.changeDetails), ''), 'email'), '(?i)mail|phone|login'
            ) THEN 'user.account.update_profile/no contact'
            ELSE native
        END AS native_action,
        filter(array(lower(actor), actor_login), k -> k IS NOT NULL AND k <> '') AS actor_keys,
        coalesce(t.id, '') AS target,
        filter(array(lower(t.id), lower(t.alternateId)), k -> k IS NOT NULL AND k NOT IN ('', 'null')) AS target_keys,
        coalesce(upper(result), '') NOT IN ('FAILURE', 'DENY') AS done,
        actor <> '' AND NOT coalesce(regexp(actor_login, '^system@okta[.]com$'), false) AND coalesce(
            actor = t.id OR (actor_login <> 'unknown' AND actor_login = lower(t.alternateId)), false
        ) AS by_owner,
        CASE
            WHEN regexp(actor_login, '^system@okta[.]com$') AND unclaimed THEN 'vendor'
            WHEN actor_type IN ('systemprincipal', 'system') OR regexp(actor_login, '^system@okta[.]com$') THEN 'system'
            WHEN actor_type IN ('publicclientapp', 'clientapp', 'app', 'appinstance', 'workflow', 'agent', 'adagent')
                THEN 'automation'
        END AS actor_class
    FROM each_target
),
native AS (
    SELECT field.*, CASE WHEN field.by_owner THEN c.by_owner ELSE c.canonical END AS action
    FROM field JOIN catalogue AS c ON c.native = field.native_action
    WHERE c.canonical IS NOT NULL
),
once AS (
    SELECT
        id, native_action, action, actor, target, time,
        min(actor_keys) AS actor_keys, min(target_keys) AS target_keys, min(coalesce(result, 'UNKNOWN')) AS outcome,
        bool_or(done) AS done, min(address) AS address, min(correlation) AS correlation, bool_or(by_owner) AS by_owner,
        min(actor_class) AS actor_class, min(country) AS country, min(asn) AS asn, min(device) AS device,
        min(session) AS session, min(coalesce(said, nullif(reason, ''))) AS detail
    FROM native
    GROUP BY id, native_action, action, actor, target, time
),
record AS (
    SELECT
        once.* EXCEPT (id),
        CASE WHEN count(*) OVER (PARTITION BY id) = 1 THEN id
            ELSE id || '/' || left(md5(concat_ws('|', native_action, action, actor, target, time)), 8) END AS id,
        kind.family, kind.rank, kind.support
    FROM once JOIN kind USING (action)
),
placed AS (
    SELECT
        *,
        correlation IS NOT NULL AND coalesce(
            time - lag(time) OVER same_click <= INTERVAL 2 SECONDS, false
        ) AS goes_on
    FROM record
    WINDOW same_click AS (PARTITION BY actor, target, family, done, by_owner, correlation ORDER BY time, id)
),
numbered AS (
    SELECT *, sum(CASE WHEN goes_on THEN 0 ELSE 1 END) OVER (
        PARTITION BY actor, target, family, done, by_owner, correlation ORDER BY time, id
    ) AS click
    FROM placed
)
SELECT
    actor, target, family, done, by_owner, correlation,
    min_by(id, struct(time, id)) AS id, min(time) AS time, max_by(action, rank) AS action,
    max_by(native_action, rank) AS native_action, count(*) AS folded,
    min_by(actor_keys, struct(time, id)) AS actor_keys, min_by(target_keys, struct(time, id)) AS target_keys,
    min_by(struct(outcome, address, actor_class, country, asn, device, session, detail), struct(time, id)) AS first,
    array_distinct(collect_list(CASE WHEN support THEN action END)) AS actions,
    bool_or(support) AND NOT bool_or(action = 'account.create') AS support
FROM numbered
GROUP BY actor, target, family, done, by_owner, correlation, click

-- step: owing
SELECT * FROM event WHERE support AND done AND NOT by_owner

-- step: pair
WITH named AS (
    SELECT DISTINCT e.id, v.evidence
    FROM (SELECT id, time, correlation, explode(target_keys) AS name FROM owing) AS e
    JOIN (
        SELECT evidence, transaction, started, ended, expires, explode(target_keys) AS name FROM evidence
    ) AS v
        ON v.name = e.name AND (
            e.time BETWEEN coalesce(v.started, v.expires - INTERVAL 24 HOURS) - {lag} - INTERVAL 24 HOURS
                AND coalesce(v.ended, v.expires) + {lag} + INTERVAL 24 HOURS
            OR e.correlation = v.transaction
        )
)
SELECT
    named.id, named.evidence,
    arrays_overlap(e.actor_keys, v.principal_keys) AS by_principal,
    size(array_except(e.actions, v.effects)) = 0 AS covered,
    coalesce(e.correlation = v.transaction, false) AS same, coalesce(e.correlation <> v.transaction, false) AS other,
    e.time BETWEEN coalesce(v.started, v.expires - INTERVAL 24 HOURS) - {lag}
        AND coalesce(v.ended, v.expires) + {lag} AS in_time,
    e.time > v.expires + {lag} AS expired, v.ended IS NULL AS unended,
    abs(unix_micros(e.time) - unix_micros(coalesce(v.ended, v.started, v.expires))) AS distance
FROM named JOIN owing AS e USING (id) JOIN evidence AS v USING (evidence)

-- step: claim
SELECT id, evidence FROM (
    SELECT
        id, evidence,
        row_number() OVER (PARTITION BY id ORDER BY NOT same, distance, id, evidence) AS of_event,
        row_number() OVER (PARTITION BY evidence ORDER BY NOT same, distance, id, evidence) AS of_evidence
    FROM pair WHERE by_principal AND covered AND in_time AND NOT other
) WHERE of_event = 1 AND of_evidence = 1

-- step: verdict
WITH related AS (
    SELECT id, bool_or(
        by_principal AND (
            in_time AND (NOT covered OR NOT other)
            OR covered AND NOT other AND (same OR distance <= 86400000000)
        ) OR in_time AND covered AND NOT by_principal AND taken IS NULL
    ) AS link_failed
    FROM (
        SELECT pair.*, claim.evidence AS taken
        FROM pair LEFT ANTI JOIN claim AS mine ON mine.id = pair.id LEFT JOIN claim ON claim.evidence = pair.evidence
    )
    GROUP BY id
),
chain AS (
    SELECT
        claim.id, v.case, v.ticket,
        v.ticket_leaf IS NULL OR coalesce(size(v.verify_leaves), 0) = 0
            OR coalesce(v.approve_needed, true) AND coalesce(size(v.approve_leaves), 0) = 0
            OR v.release_leaf IS NULL OR v.started_leaf IS NULL OR v.started IS NULL OR v.receipt IS NULL
            OR v.outcome IS NULL OR v.outcome_leaf IS NULL OR v.outcome <> 'done' OR v.started > v.expires + {lag} AS broken
    FROM claim JOIN evidence AS v USING (evidence)
),
recent AS (
    SELECT id, is_repeated FROM (
        SELECT
            id,
            count(*) OVER (
                PARTITION BY target ORDER BY time RANGE BETWEEN INTERVAL 24 HOURS PRECEDING AND CURRENT ROW
            ) > 1 AS is_repeated
        FROM owing WHERE target <> ''
    )
)
SELECT
    event.id, event.time, event.action, event.native_action, event.actor, event.target, event.folded, event.first,
    chain.case, chain.ticket,
    CASE
        WHEN NOT event.done OR NOT event.by_owner AND NOT event.support THEN 'ignored'
        WHEN event.by_owner THEN 'self_service'
        WHEN NOT chain.broken THEN 'verified'
        WHEN chain.broken OR related.link_failed THEN 'out_of_policy'
        WHEN recent.is_repeated THEN 'suspicious'
        ELSE 'unverified'
    END AS verdict
FROM event LEFT JOIN chain USING (id) LEFT JOIN related USING (id) LEFT JOIN recent USING (id)
