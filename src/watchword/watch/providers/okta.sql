SELECT
    -- What a hook delivers is no event, and holds some.
    nullif(eventType, 'com.okta.event_hook') AS native,
    published AS stamp,
    uuid,
    CASE WHEN uuid IS NULL THEN "transaction".id END AS apart,
    actor.id AS who,
    actor.alternateId AS login,
    actor."type" AS kind,
    client.ipAddress AS address,
    client.geographicalContext.country AS country,
    -- Okta writes the words "null" and "unknown" where a value is missing.
    coalesce(nullif(device.id, 'null'), nullif(debugContext.debugData.dtHash, 'null')) AS device,
    coalesce(authenticationContext.externalSessionId, authenticationContext.rootSessionId) AS session,
    outcome.result AS result,
    outcome.reason AS reason,
    securityContext.asNumber AS asn,
    -- Who signs in is whom it is about, whatever he signs in to.
    struct_pack(
        target := target, transaction := "transaction".id,
        is_agentless := client.userAgent.rawUserAgent IS NULL, debug := debugContext.debugData
    ) AS record
FROM log;

WITH field AS (
    SELECT
        native,
        uuid,
        coalesce(try_cast(stamped AS TIMESTAMPTZ), instant(stamped)) AS "time",
        coalesce(who, '') AS actor,
        lower(nullif(login, 'null')) AS actor_login,
        lower(kind) AS actor_type,
        result,
        reason,
        nullif(address, 'null') AS address,
        nullif(nullif(record.transaction, 'unknown'), 'null') AS correlation,
        record.transaction = 'unknown' AND record.is_agentless AS unclaimed,
        record.debug.changedAttributes AS changed,
        nullif(country, 'null') AS country,
        asn,
        device,
        nullif(nullif(session, 'unknown'), 'null') AS session,
        nullif(coalesce(record.debug.factor, record.debug.privilegeGranted), 'null') AS said,
        list_transform(
            list_filter(record.target, lambda t: (t."type" = 'User') IS NOT TRUE),
            lambda t: coalesce(t.alternateId, t.id)
        )[1] AS other,
        list_aggregate(list_transform(
            list_filter(record.target, lambda t: (t."type" = 'User') IS NOT TRUE),
            lambda t: concat_ws(' ', t.displayName, nullif(t.alternateId, 'unknown'))
        ), 'string_agg', ' ') AS titles,
        -- A target is the user it names, wherever it stands in the list; else the first thing named; else nobody.
        coalesce(
            nullif(list_filter(record.target, lambda t: lower(t."type") = 'user'), []), nullif(record.target[1:1], []),
            [NULL]
        ) AS targets
    FROM record
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
        -- Of a group its name alone tells whether it lends power.
        WHEN native IN ('group.user_membership.add', 'group.user_membership.remove') THEN native || CASE
            WHEN lends_power(titles) THEN '/privileged'
            ELSE '/other'
        END
        -- An application that is sent everybody's password, and one by which another organization's users come in.
        WHEN native IN ('application.lifecycle.create', 'application.lifecycle.update', 'application.lifecycle.activate') THEN native || CASE
            WHEN regexp_matches(reason, '(?i)pushing user passwords') THEN '/passwords'
            WHEN regexp_matches(titles, '(?i)org2org') THEN '/org2org'
            ELSE '/other'
        END
        ELSE native
    END AS native_action,
    actor,
    list_filter(
        [lower(actor), CASE WHEN actor_type = 'user' THEN '' ELSE 'name:' END || actor_login], lambda k: k <> ''
    ) AS actor_keys,
    coalesce("target".id, '') AS "target",
    list_filter([lower("target".id), lower("target".alternateId)], lambda k: k <> '' AND k <> 'null') AS target_keys,
    "time",
    coalesce(result, 'UNKNOWN') AS outcome,
    -- What failed is the sign-in that led to the lock: the lock itself is always a failure in this log, and done.
    coalesce(upper(result), '') NOT IN ('FAILURE', 'DENY') OR native IN ('user.account.lock', 'user.account.lock.limit') AS done,
    address,
    CAST(NULL AS VARCHAR) AS socket,
    correlation,
    correlation AS click,
    -- An application may be called like a login: only a user owns an account, by id where both have one. The directory's
    -- own account owns nobody's. Nobody locks themselves out: somebody does so in their name.
    actor <> '' AND native NOT IN ('user.account.lock', 'user.account.lock.limit')
    AND NOT coalesce(regexp_matches(actor_login, '^system@okta[.]com$'), false) AND coalesce(
        actor_type = 'user' AND CASE
            WHEN said("target".id) IS NOT NULL THEN actor = "target".id
            ELSE actor_login <> 'unknown' AND actor_login = lower("target".alternateId)
        END, false
    ) AS by_owner,
    CASE
        -- Okta's own support acts as the system, outside any transaction and from no browser.
        WHEN regexp_matches(actor_login, '^system@okta[.]com$') AND unclaimed THEN 'vendor'
        WHEN starts_with(native, 'support.org.')
            OR native IN ('user.session.impersonation.initiate', 'system.directory.debugger.query_executed') THEN 'vendor'
        WHEN actor_type IN ('systemprincipal', 'system') OR regexp_matches(actor_login, '^system@okta[.]com$') THEN 'system'
        -- An application of the API is called with `Entity` behind its kind, or without.
        WHEN regexp_full_match(actor_type, '((public|confidential)?clientapp|app|appinstance|workflow|agent|adagent)(entity)?')
            THEN 'automation'
    END AS actor_class,
    country,
    asn,
    device,
    session,
    CASE
        WHEN starts_with(native, 'group.user_membership.') THEN coalesce(nullif(titles, ''), nullif(reason, ''))
        WHEN starts_with(native, 'user.mfa.') OR starts_with(native, 'user.account.privilege')
            THEN coalesce(said, nullif(reason, ''), other)
        ELSE coalesce(said, other, nullif(reason, ''))
    END AS detail
FROM each_target;

SELECT
    coalesce(uuid, md5(concat_ws('|', native, "time", who, who, nullif(nullif(apart, 'unknown'), 'null')))) AS id,
    native AS native_action,
    who AS "target",
    list_filter([who_key, login], lambda k: k <> '' AND k <> 'null') AS target_keys,
    "time",
    coalesce(upper(result), '') NOT IN ('FAILURE', 'DENY') AS done,
    nullif(address, 'null') AS address,
    nullif(country, 'null') AS country,
    asn,
    device,
    nullif(nullif(session, 'unknown'), 'null') AS session,
    nullif(reason, '') AS detail
FROM (
    SELECT * REPLACE (coalesce(who, '') AS who, lower(nullif(login, 'null')) AS login),
        lower(who) AS who_key, coalesce(try_cast(stamped AS TIMESTAMPTZ), instant(stamped)) AS "time"
    FROM record
)
