WITH line AS (
    SELECT
        *,
        eventType IN (
            'user.session.start', 'user.authentication.auth_via_mfa', 'user.authentication.sso',
            'user.authentication.verify', 'user.session.access_admin_app'
        ) AS is_sign_in
    FROM log
)
SELECT
    eventType AS native,
    published AS stamp,
    struct_pack(
        uuid := uuid, apart := CASE WHEN uuid IS NULL THEN "transaction".id END, actor := actor,
        address := client.ipAddress, country := client.geographicalContext.country,
        -- Okta writes the words "null" and "unknown" where a value is missing.
        device := coalesce(nullif(device.id, 'null'), nullif(debugContext.debugData.dtHash, 'null')),
        session := coalesce(authenticationContext.externalSessionId, authenticationContext.rootSessionId),
        result := outcome.result, reason := outcome.reason, asn := securityContext.asNumber,
        -- Who signs in is whom it is about, whatever he signs in to: most of a log, and so kept slim.
        change := CASE WHEN NOT is_sign_in THEN [struct_pack(
            target := target, transaction := "transaction".id,
            is_agentless := client.userAgent.rawUserAgent IS NULL, debug := debugContext.debugData
        )] END
    ) AS record
FROM line;

WITH said AS (SELECT native, stamped, record, record.change[1] AS change FROM record),
field AS (
    SELECT
        native,
        record.uuid AS uuid,
        try_cast(stamped AS TIMESTAMPTZ) AS "time",
        coalesce(record.actor.id, '') AS actor,
        lower(nullif(record.actor.alternateId, 'null')) AS actor_login,
        lower(record.actor."type") AS actor_type,
        record.result AS result,
        record.reason AS reason,
        nullif(record.address, 'null') AS address,
        nullif(nullif(change.transaction, 'unknown'), 'null') AS correlation,
        change.transaction = 'unknown' AND change.is_agentless AS unclaimed,
        change.debug.changedAttributes AS changed,
        nullif(record.country, 'null') AS country,
        record.asn AS asn,
        record.device AS device,
        nullif(nullif(record.session, 'unknown'), 'null') AS session,
        nullif(coalesce(change.debug.factor, change.debug.privilegeGranted), 'null') AS said,
        list_transform(
            list_filter(change.target, lambda t: (t."type" = 'User') IS NOT TRUE),
            lambda t: coalesce(t.alternateId, t.id)
        )[1] AS other,
        -- A target is the user it names, wherever it stands in the list; else the first thing named; else nobody.
        coalesce(
            nullif(list_filter(change.target, lambda t: lower(t."type") = 'user'), []), nullif(change.target[1:1], []),
            [NULL]
        ) AS targets
    FROM said
),
each_target AS (SELECT * EXCLUDE (targets), unnest(targets) AS "target" FROM field)
SELECT
    coalesce(uuid, md5(concat_ws('|', native, "time", actor, "target".id, correlation))) AS id,
    -- A profile holds contact points among much else: only a change of one is recovery info, and so is a change that
    -- the line does not describe, since it could be one.
    CASE
        WHEN native = 'user.account.update_profile' AND NOT regexp_matches(
            coalesce(nullif(concat_ws(' ', changed, CAST("target".changeDetails AS VARCHAR)), ''), 'email'),
            '(?i)mail|phone|login'
        ) THEN 'user.account.update_profile/no contact'
        ELSE native
    END AS native_action,
    actor,
    list_filter([lower(actor), actor_login], lambda k: k <> '') AS actor_keys,
    coalesce("target".id, '') AS "target",
    list_filter([lower("target".id), lower("target".alternateId)], lambda k: k <> '' AND k <> 'null') AS target_keys,
    "time",
    coalesce(result, 'UNKNOWN') AS outcome,
    coalesce(upper(result), '') NOT IN ('FAILURE', 'DENY') AS done,
    address,
    CAST(NULL AS VARCHAR) AS socket,
    correlation,
    correlation AS click,
    -- A login is as unique as an id, and pipelines that mask ids leave it; the directory's own account owns nobody's.
    actor <> '' AND NOT coalesce(regexp_matches(actor_login, '^system@okta[.]com$'), false) AND coalesce(
        actor = "target".id OR (actor_login <> 'unknown' AND actor_login = lower("target".alternateId)), false
    ) AS by_owner,
    CASE
        -- Okta's own support acts as the system, outside any transaction and from no browser.
        WHEN regexp_matches(actor_login, '^system@okta[.]com$') AND unclaimed THEN 'vendor'
        WHEN starts_with(native, 'support.org.')
            OR native IN ('user.session.impersonation.initiate', 'system.directory.debugger.query_executed') THEN 'vendor'
        WHEN actor_type IN ('systemprincipal', 'system') OR regexp_matches(actor_login, '^system@okta[.]com$') THEN 'system'
        WHEN actor_type IN ('publicclientapp', 'clientapp', 'app', 'appinstance', 'workflow', 'agent', 'adagent')
            THEN 'automation'
    END AS actor_class,
    country,
    asn,
    device,
    session,
    CASE
        WHEN starts_with(native, 'user.mfa.') OR starts_with(native, 'user.account.privilege')
            THEN coalesce(said, nullif(reason, ''), other)
        ELSE coalesce(said, other, nullif(reason, ''))
    END AS detail
FROM each_target;

WITH field AS (
    SELECT
        native, record, try_cast(stamped AS TIMESTAMPTZ) AS "time", coalesce(record.actor.id, '') AS who,
        lower(record.actor.id) AS who_key, lower(nullif(record.actor.alternateId, 'null')) AS login
    FROM record
)
SELECT
    coalesce(record.uuid, md5(concat_ws('|', native, "time", who, who, nullif(nullif(record.apart, 'unknown'), 'null')))) AS id,
    native AS native_action,
    who AS "target",
    list_filter([who_key, login], lambda k: k <> '' AND k <> 'null') AS target_keys,
    "time",
    coalesce(upper(record.result), '') NOT IN ('FAILURE', 'DENY') AS done,
    nullif(record.address, 'null') AS address,
    nullif(record.country, 'null') AS country,
    record.asn AS asn,
    record.device AS device,
    nullif(nullif(record.session, 'unknown'), 'null') AS session,
    nullif(record.reason, '') AS detail
FROM field
