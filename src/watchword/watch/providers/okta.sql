SELECT
    eventType AS native,
    published AS stamp,
    struct_pack(
        uuid := uuid, published := published, actor := actor, address := client.ipAddress,
        result := outcome.result, target := target, transaction := "transaction".id,
        changed := debugContext.debugData.changedAttributes
    ) AS record
FROM log;

WITH field AS (
    SELECT
        native,
        record.uuid AS uuid,
        try_cast(record.published AS TIMESTAMPTZ) AS "time",
        coalesce(record.actor.id, '') AS actor,
        lower(record.actor.alternateId) AS actor_login,
        record.result AS result,
        -- Okta writes the words "null" and "unknown" where a value is missing.
        nullif(record.address, 'null') AS address,
        nullif(nullif(record.transaction, 'unknown'), 'null') AS correlation,
        record.changed AS changed,
        -- A target is the user it names, wherever it stands in the list; else the first thing named; else nobody.
        coalesce(
            nullif(list_filter(record.target, lambda t: t."type" = 'User'), []), nullif(record.target[1:1], []), [NULL]
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
        ELSE native
    END AS native_action,
    actor,
    list_filter([lower(actor), actor_login], lambda k: k <> '') AS actor_keys,
    coalesce("target".id, '') AS "target",
    list_filter([lower("target".id), lower("target".alternateId)], lambda k: k <> '') AS target_keys,
    "time",
    coalesce(result, 'UNKNOWN') AS outcome,
    coalesce(result, '') NOT IN ('FAILURE', 'DENY') AS done,
    address,
    CAST(NULL AS VARCHAR) AS socket,
    correlation,
    correlation AS click,
    actor <> '' AND coalesce(actor = "target".id, false) AS by_owner
FROM each_target
