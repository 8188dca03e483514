WITH told AS (
    SELECT
        *,
        -- Listeners that others wrote say in the type that an event is an administrator's, or name both in it.
        regexp_replace(upper(nullif("type", '')), '^(ACCESS|ADMIN)\.', '') AS kind,
        regexp_extract(upper("type"), '^(?:ADMIN\.)?(?:([A-Z_]+)-)?(CREATE|UPDATE|DELETE|ACTION)$', ['resource', 'operation']) AS pair,
        coalesce(authDetails, auth) AS session_of
    FROM log
),
whole AS (
    SELECT
        *,
        -- A listener may say of a user's event, too, what was done with what: there it names no path.
        CASE WHEN said(resourcePath) IS NULL AND pair.operation = '' AND userId IS NOT NULL AND kind NOT LIKE 'ADMIN%' THEN NULL
            ELSE upper(coalesce(said(operationType), CASE WHEN said(resourcePath) IS NOT NULL THEN nullif(pair.operation, '') END))
        END AS operation,
        upper(coalesce(said(resourceType), nullif(pair.resource, ''))) AS resource
    FROM told
)
SELECT
    CASE
        -- A row of the server's own database and a CloudEvent have their members elsewhere, where only the reading of one
        -- line after the other looks.
        WHEN event_time IS NOT NULL OR starts_with(kind, 'IO.KEYCLOAK.') THEN NULL
        WHEN operation IS NULL THEN coalesce(kind, CASE WHEN coalesce("type", operationType) IS NOT NULL THEN 'UNKNOWN' END)
        -- What is done with an account, a client or the realm is said by the end of the path.
        ELSE operation || ' ' || coalesce(resource, 'UNKNOWN') || CASE coalesce(resource, '')
            WHEN 'USER' THEN rtrim(' ' || regexp_replace(
                regexp_extract(coalesce(resourcePath, ''), '(?:^|/)users/[^/]+/(credentials/[^/]+/(?:move|userLabel)|[^/?]+)', 1),
                '/[^/]+/', '/'
            ))
            WHEN 'CLIENT' THEN rtrim(
                ' ' || regexp_extract(coalesce(resourcePath, ''), '(?:^|/)clients/[^/]+/(client-secret(?:/rotated)?|[^/?]+)', 1)
            )
            WHEN 'REALM' THEN rtrim(' ' || regexp_extract(coalesce(resourcePath, ''), '(logout-all|push-revocation|events/config)$', 1))
            ELSE ''
        END
    END AS native,
    CAST(instant(coalesce(said("time"), said(occurredAt), said("timestamp"))) AS VARCHAR) AS stamp,
    struct_pack(
        id := coalesce(said(id), said(uid), said(eventId)), "time" := coalesce(said("time"), said(occurredAt), said("timestamp")),
        admin := operation IS NOT NULL, operation := operation,
        resource := resource, path := resourcePath, representation := representation,
        realm := coalesce(realmId, session_of ->> '$.realmId'), client := clientId,
        -- A listener may name beside the account whose act it was: an administrator's, or another's than the account's.
        "user" := CASE WHEN operation IS NULL THEN coalesce(said(userId), session_of ->> '$.userId', said(authUserId), said(actorUserId))
            ELSE coalesce(said(actorUserId), said(userId), session_of ->> '$.userId', said(authUserId)) END,
        username := username, another := CASE WHEN operation IS NULL AND said(actorUserId) <> said(userId) THEN said(actorUserId) END,
        session := coalesce(said(sessionId), session_of ->> '$.sessionId'),
        address := coalesce(said(ipAddress), said(authIpAddress)), error := error,
        details := coalesce(details, try_cast(detailsJson AS JSON)), auth := session_of
    ) AS record,
    coalesce(nullif(realmName, ''), nullif(realmId, '')) AS tenant
FROM whole;

WITH field AS (
    SELECT
        native,
        said(record.id) AS id,
        instant(record."time") AS "time",
        record.admin AS admin,
        said(record.error) AS error,
        record.realm AS realm,
        record.path AS path,
        -- The account that a path is about: users/ID/…, attack-detection/brute-force/users/ID.
        said(regexp_extract(record.path, '(?:^|/)users/([^/?]+)', 1)) AS path_user,
        try_cast(record.representation AS JSON) AS body,
        said(CASE WHEN record.admin THEN coalesce(record.auth ->> '$.userId', record."user") ELSE record."user" END) AS account,
        said(CASE WHEN record.admin THEN record.auth ->> '$.username'
            ELSE coalesce(record.details ->> '$.username', record.auth ->> '$.username', record.username) END) AS login,
        address_in(coalesce(record.address, record.auth ->> '$.ipAddress')) AS address,
        said(coalesce(record.session, record.details ->> '$.code_id')) AS session,
        said(record.details ->> '$.code_id') AS flow,
        lower(said(record.details ->> '$.credential_type')) AS credential,
        said(record.details ->> '$.impersonator') AS impersonator,
        record.another AS another,
        said(record.details ->> '$.reason') AS reason,
        said(coalesce(record.details ->> '$.auth_method', record.details ->> '$.identity_provider')) AS method,
        json_keys(record.details) AS told,
        said(record.details ->> '$.context') AS context
    FROM record
),
-- A change of a user is written as the user then was; what changed shows beside the writing before it, if it is there, or
-- came in an earlier part of the log.
writing AS (
    SELECT *, lag(body) OVER (PARTITION BY realm, who ORDER BY "time", id, body) AS was
    FROM (
        SELECT realm, path_user AS who, "time", coalesce(id, '') AS id, CAST(body AS VARCHAR) AS body
        FROM field
        WHERE native IN ('UPDATE USER', 'CREATE USER')
        UNION
        SELECT realm, who, "time", id, body
        FROM written
        WHERE provider = $provider AND directory IS NOT DISTINCT FROM $directory AND who IN (SELECT path_user FROM field)
    )
),
before AS (
    SELECT field.*, CAST(writing.was AS JSON) AS was
    FROM field LEFT JOIN writing
        ON field.native IN ('UPDATE USER', 'CREATE USER') AND writing.who IS NOT DISTINCT FROM field.path_user
        AND writing.realm IS NOT DISTINCT FROM field.realm AND writing."time" IS NOT DISTINCT FROM field."time"
        AND writing.id = coalesce(field.id, '') AND writing.body IS NOT DISTINCT FROM CAST(field.body AS VARCHAR)
),
changed AS (
    SELECT
        *,
        native = 'UPDATE USER' AS is_update,
        body ->> '$.enabled' AS enabled,
        body -> '$.requiredActions' AS asked,
        was IS NULL OR coalesce(was ->> '$.enabled', '?') IS DISTINCT FROM coalesce(body ->> '$.enabled', '?') AS new_state,
        was IS NULL OR coalesce(CAST(was -> '$.requiredActions' AS VARCHAR), '[]')
            IS DISTINCT FROM coalesce(CAST(body -> '$.requiredActions' AS VARCHAR), '[]') AS new_asked,
        -- A writing of a whole user says enabled of one who never was otherwise; a writing of that alone means it.
        coalesce(len(json_keys(body)), 0) <= 3 AS is_brief,
        regexp_matches(
            coalesce(array_to_string(list_filter(json_keys(body), lambda k: (
                regexp_matches(k, '(?i)mail|phone|mobile') AND (
                    was IS NULL OR json_extract_string(was, '$."' || replace(k, '"', '') || '"')
                        IS DISTINCT FROM json_extract_string(body, '$."' || replace(k, '"', '') || '"')
                )
            )), ' '), '')
            || CASE WHEN was IS NULL OR CAST(was -> '$.attributes' AS VARCHAR)
                IS DISTINCT FROM CAST(body -> '$.attributes' AS VARCHAR)
                THEN coalesce(array_to_string(json_keys(body -> '$.attributes'), ' '), '') ELSE '' END,
            '(?i)mail|phone|mobile'
        ) AS new_contact
    FROM before
),
named AS (
    SELECT
        * EXCLUDE (native),
        unnest(CASE
            WHEN is_update AND body IS NULL THEN ['UPDATE USER contact']
            WHEN is_update THEN coalesce(nullif(list_filter([
                CASE WHEN json_array_length(body -> '$.credentials') > 0 THEN 'UPDATE USER password' END,
                CASE WHEN enabled = 'false' AND new_state THEN 'UPDATE USER disabled' END,
                CASE WHEN enabled = 'true' AND new_state AND (was IS NOT NULL OR is_brief) THEN 'UPDATE USER enabled' END,
                CASE WHEN new_contact THEN 'UPDATE USER contact' END,
                CASE WHEN new_asked AND contains(CAST(asked AS VARCHAR), 'UPDATE_PASSWORD')
                    THEN 'UPDATE USER password asked for' END,
                CASE WHEN new_asked AND regexp_matches(CAST(asked AS VARCHAR), 'TOTP|WEBAUTHN|webauthn|RECOVERY')
                    THEN 'UPDATE USER factor asked for' END,
                CASE WHEN was IS NOT NULL AND was ->> '$.username' IS DISTINCT FROM body ->> '$.username'
                    THEN 'UPDATE USER name' END
            ], lambda n: n IS NOT NULL), []), ['UPDATE USER other'])
            WHEN native IN ('UPDATE_CREDENTIAL', 'UPDATE_CREDENTIAL_ERROR', 'REMOVE_CREDENTIAL', 'REMOVE_CREDENTIAL_ERROR')
                THEN [native || CASE
                    WHEN credential = 'password' THEN ' password'
                    WHEN credential LIKE 'recovery%' THEN ' recovery codes'
                    ELSE ''
                END]
            -- A profile is much else than contacts: an event that names other members alone is none.
            WHEN native IN ('UPDATE_PROFILE', 'UPDATE_PROFILE_ERROR') AND len(list_filter(told, lambda k: k LIKE 'updated_%')) > 0
                AND len(list_filter(told, lambda k: regexp_matches(k, '(?i)^updated_.*(mail|phone|mobile)'))) = 0
                THEN [native || '/no contact']
            ELSE [native]
        END) AS native_action
    FROM changed
),
placed AS (
    SELECT
        *,
        regexp_matches(native_action, '^USER_DISABLED_BY') AS by_server,
        CASE
            WHEN admin THEN coalesce(
                path_user,
                -- A group's roles, a client's secret, a session: what the path names last but for its own words.
                said(regexp_extract(path, '(?:groups|clients|sessions|roles|roles-by-id)/([^/?]+)', 1)), said(path)
            )
            ELSE account
        END AS whom,
        -- Nobody acts as themselves: whom the event leaves out is not the account.
        CASE WHEN native_action LIKE 'IMPERSONATE%' THEN coalesce(impersonator, another)
            WHEN regexp_matches(native_action, '^USER_DISABLED_BY') THEN NULL
            ELSE coalesce(another, account) END AS who
    FROM named
)
SELECT
    coalesce(id, md5(concat_ws('|', native_action, "time", who, whom, path, session, address, credential))) AS id,
    native_action,
    coalesce(who, '') AS actor,
    names_of(list_filter([
        lower(who), CASE WHEN native_action NOT LIKE 'IMPERSONATE%' AND NOT by_server AND another IS NULL
            -- Each realm has logins of its own, and an administrator may be of another.
            THEN CASE WHEN admin AND who IS NOT NULL THEN 'name:' ELSE '' END || lower(login) END
    ], lambda k: k <> '')) AS actor_keys,
    coalesce(whom, '') AS "target",
    names_of(list_filter([
        lower(whom),
        CASE WHEN admin THEN lower(said(body ->> '$.username')) ELSE lower(login) END,
        CASE WHEN admin THEN lower(said(body ->> '$.email')) END
    ], lambda k: k <> '')) AS target_keys,
    "time",
    CASE WHEN NOT by_server AND (error IS NOT NULL OR native_action LIKE '%\_ERROR%' ESCAPE '\')
        THEN 'FAILURE' || coalesce(' ' || error, '') ELSE 'SUCCESS' END AS outcome,
    by_server OR (error IS NULL AND native_action NOT LIKE '%\_ERROR%' ESCAPE '\') AS done,
    address,
    CAST(NULL AS VARCHAR) AS socket,
    flow AS correlation,
    -- Two records of one credential (a former name of the event and the present one) share the flow they came in.
    coalesce(flow, session, address, '-') AS click,
    coalesce(who = whom, false) AS by_owner,
    CASE WHEN by_server THEN 'system' WHEN login LIKE 'service-account-%' THEN 'automation' END AS actor_class,
    CAST(NULL AS VARCHAR) AS country,
    session,
    coalesce(
        credential,
        CASE WHEN json_type(body) = 'ARRAY' THEN array_to_string(list_transform(
            CAST(body AS JSON[]), lambda e: coalesce(e ->> '$.name', e ->> '$')
        ), ' ') END,
        CASE WHEN admin AND (native_action LIKE '%GROUP_MEMBERSHIP' OR native_action LIKE '%MAPPING') THEN body ->> '$.name' END,
        CASE WHEN NOT admin THEN coalesce(reason, method) END
    ) AS detail
FROM placed
