WITH whole AS (
    SELECT
        *,
        lower(regexp_replace(event."action", '[ _.]', '-', 'g')) AS said,
        CASE json_type(event.category) WHEN 'ARRAY' THEN event.category->>'$[*]' ELSE [event.category->>'$'] END AS categories,
        CASE json_type(event."type") WHEN 'ARRAY' THEN event."type"->>'$[*]' ELSE [event."type"->>'$'] END AS kinds,
        -- A vendor's own event, which its own provider reads.
        coalesce(
            event.original, CAST(okta AS VARCHAR), CAST(azure AS VARCHAR), CAST(o365 AS VARCHAR), CAST(winlog AS VARCHAR),
            CAST(google_workspace AS VARCHAR), CAST(keycloak AS VARCHAR), CAST(cisco_duo AS VARCHAR), CAST(aws AS VARCHAR),
            CAST(github AS VARCHAR), CAST(gcp AS VARCHAR)
        ) IS NOT NULL OR coalesce(regexp_matches(
            event.dataset, '^(okta|azure[.]|o365|system[.]security|windows[.]|google_workspace|keycloak|cisco_duo|aws[.]|github|gcp[.]audit)'
        ), false) AS of_vendor
    FROM log
),
said AS (
    SELECT
        *,
        -- Taking a user out of a group deletes neither, and names both.
        coalesce(CASE
            WHEN said IS NULL THEN list_contains(categories, 'iam') AND list_has_all(kinds, ['group', 'user', 'deletion'])
            ELSE regexp_full_match(said, 'removed?-(member|user|account)-from-group|(group-)?(member|user)-removed(-from-group)?')
                AND said <> 'user-removed'
        END, false) AS leaves,
        coalesce(CASE
            WHEN said IS NULL THEN list_contains(categories, 'iam') AND list_contains(kinds, 'group')
                AND (list_contains(kinds, 'change') OR list_has_all(kinds, ['user', 'creation']))
            ELSE regexp_full_match(said, 'add(ed)?-(member|user|account)-to-group|(group-)?(member|user)-added(-to-group)?')
                AND said <> 'user-added'
        END, false) AS joins
    FROM whole
)
SELECT
    CASE
        WHEN of_vendor OR (said IS NULL AND event.category IS NULL) THEN NULL
        WHEN list_contains(categories, 'authentication')
            AND NOT coalesce(regexp_matches(said, 'password|mfa|factor|credential|lock|reset|enrol|regist|token|revok'), false)
            THEN 'authentication/' || CASE WHEN list_contains(kinds, 'end') THEN 'end' ELSE 'start' END
        -- Who is in a group changed; by its name it may lend power.
        WHEN joins OR leaves THEN 'iam/group/' || CASE WHEN leaves THEN 'removal' ELSE 'change' END || CASE
            WHEN lends_power("group".name) THEN ' privileged' ELSE ''
        END
        WHEN said IS NULL THEN concat_ws('/', CASE WHEN list_contains(categories, 'iam') THEN 'iam' ELSE categories[1] END, CASE
            -- A group that a user tool removes or makes is no user, whatever the tool is for.
            WHEN list_contains(kinds, 'user') AND "group".name IS NOT NULL AND coalesce(
                "user".id, "user".name, "user".email, "user".target.id, "user".target.name, "user".target.email
            ) IS NULL THEN 'group'
            WHEN list_contains(kinds, 'user') THEN 'user'
            WHEN list_contains(kinds, 'group') THEN 'group'
            ELSE kinds[1]
        -- The kinds stand in any order.
        END, coalesce(list_filter(kinds, lambda k: k IN ('creation', 'deletion', 'change'))[1], kinds[2]))
        ELSE said
    END AS native,
    "@timestamp" AS stamp,
    struct_pack(
        id := event.id, stamp := "@timestamp", "user" := "user", address := coalesce(source.ip, client.ip),
        country := coalesce(source.geo.country_iso_code, source.geo.country_name), asn := source."as".number,
        "outcome" := event."outcome", device := device.id, correlation := "transaction".id, reason := event.reason,
        "group" := "group".name, is_sign_in := list_contains(categories, 'authentication')
    ) AS record
FROM said;

WITH field AS (
    SELECT
        native,
        unnest(record),
        coalesce(try_cast(record.stamp AS TIMESTAMPTZ), instant(record.stamp)) AS "time",
        -- Whose rights were used to change a group is not who was put in.
        CASE
            WHEN regexp_matches(native, '^iam/group/(change|removal)') THEN record."user".target
            ELSE coalesce(record."user".target, record."user".effective)
        END AS other
    FROM record
),
named AS (
    SELECT
        *,
        regexp_matches(native, '^iam/group/(change|removal)') AS is_membership,
        -- What failed is the sign-in that led to a lock; and nobody locks themselves out.
        native IN (
            'locked-out-user-account', 'locked-account', 'account-locked', 'user-locked', 'locked-user-account', 'user-account-locked'
        ) AS is_lock,
        coalesce(nullif("user".id, ''), nullif("user".email, ''), nullif("user".name, ''), '') AS actor,
        list_distinct(list_filter([lower("user".id), lower("user".email)], lambda k: k <> '')) || list_transform(
            list_distinct(list_filter([
                lower("user".name),
                CASE WHEN "user"."domain" <> '' AND "user".name <> '' THEN lower("user"."domain" || '\' || "user".name) END,
                CASE WHEN "user"."domain" <> '' AND "user".name <> '' THEN lower("user".name || '@' || "user"."domain") END
            ], lambda k: (k <> '' AND k IS DISTINCT FROM lower("user".id) AND k IS DISTINCT FROM lower("user".email)))),
            -- An id is of one account, and a name of one in each domain.
            lambda k: CASE WHEN "user".id <> '' AND NOT contains(k, '@') THEN 'name:' ELSE '' END || k
        ) AS actor_keys,
        coalesce(nullif(other.id, ''), nullif(other.email, ''), nullif(other.name, '')) AS other_id,
        list_distinct(list_filter(
            [
                lower(other.id), lower(other.email), lower(other.name),
                CASE WHEN other."domain" <> '' AND other.name <> '' THEN lower(other."domain" || '\' || other.name) END
            ], lambda k: k <> ''
        )) AS other_keys
    FROM field
)
SELECT
    coalesce(nullif(id, ''), md5(concat_ws('|', native, stamp, actor, other_id, address))) AS id,
    native AS native_action,
    actor,
    actor_keys,
    -- With one user alone, who acts is whom it is about.
    coalesce(other_id, CASE WHEN is_membership THEN "group" END, actor) AS "target",
    -- And who a group took in is not whoever changed it.
    CASE WHEN other_id IS NULL AND NOT is_membership THEN list_distinct(told_names(actor_keys)) ELSE other_keys END
        AS target_keys,
    "time",
    upper(coalesce(nullif("outcome", ''), 'unknown')) AS outcome,
    is_lock OR coalesce(lower("outcome"), '') <> 'failure' AS done,
    nullif(address, '') AS address,
    CAST(NULL AS VARCHAR) AS socket,
    nullif(correlation, '') AS correlation,
    nullif(correlation, '') AS click,
    -- A tool that names no action names the account twice, and not who used it.
    actor <> '' AND NOT is_lock AND NOT starts_with(native, 'iam/user/') AND CASE
        -- An action that does not say whose it is may be what an administrator did to the one user it names.
        WHEN other_id IS NULL THEN is_sign_in OR regexp_matches(
            native, '(^|[-/])(self|own|forgot|recover[a-z]*)([-/]|$)|^user-changed-password$'
        )
        ELSE is_one_of("user".id, other.id, "user"."domain", other."domain", "user".name, other.name, "user".email, other.email)
    END AS by_owner,
    CASE
        WHEN lower("user".id) IN ('s-1-5-18', 's-1-5-19', 's-1-5-20') OR lower("user".name) IN ('system', 'root') THEN 'system'
        WHEN ends_with("user".name, '$') THEN 'automation'
    END AS actor_class,
    nullif(country, '') AS country,
    asn,
    nullif(device, '') AS device,
    CAST(NULL AS VARCHAR) AS session,
    coalesce(nullif("group", ''), nullif(reason, '')) AS detail
FROM named
