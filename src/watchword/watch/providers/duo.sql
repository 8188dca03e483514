SELECT
    CASE
        WHEN json_type("action") = 'OBJECT' THEN coalesce(said(lower("action" ->> '$.name')), 'unknown')
        -- What an administrator calls a fraud is no failed sign-in of theirs.
        WHEN lower("action" ->> '$') = 'admin_2fa_error' AND regexp_matches(description, '(?i)fraud') THEN 'admin_2fa_error fraud'
        -- The log of offline enrolments has the user's own acts at a computer, which it names as the object.
        WHEN starts_with(lower("action" ->> '$'), 'o2fa_user_') THEN lower("action" ->> '$') || ' success'
        WHEN "action" ->> '$' IS NOT NULL THEN coalesce(said(lower("action" ->> '$')), 'unknown')
        WHEN event_type IS NULL AND (result IS NULL OR coalesce(factor, txid) IS NULL) THEN NULL
        -- Of a sign-in the log says how it ended, in either version's words.
        ELSE coalesce(said(lower(event_type)), 'authentication') || ' ' || CASE
            WHEN regexp_matches(concat_ws(' ', result, reason), '(?i)fraud|anomalous') THEN 'fraud'
            WHEN lower(result) IN ('success', 'allow', 'allowed', 'granted') THEN 'success'
            WHEN lower(result) IN ('failure', 'denied', 'deny', 'error') THEN 'failure'
            ELSE coalesce(said(lower(result)), 'unknown')
        END
    END AS native,
    CAST(coalesce(instant(isotimestamp), instant(ts), instant("timestamp")) AS VARCHAR) AS stamp,
    struct_pack(
        "action" := "action", id := coalesce(said(activity_id), said(txid)),
        "time" := coalesce(instant(isotimestamp), instant(ts), instant("timestamp")), username := username, "object" := "object",
        description := description, actor := actor, "target" := "target", old_target := old_target, outcome := outcome,
        device := access_device, factor := factor, result := result, reason := reason, "user" := "user",
        email := coalesce(email, alias), ip := ip, place := location
    ) AS record,
    nullif(akey, '') AS tenant
FROM log;

WITH field AS (
    SELECT
        native,
        native LIKE '% %' AS is_sign_in,
        record.id AS id,
        record."time" AS "time",
        -- The administrator log names who and whom; the activity log has an object for each; a sign-in has a user.
        said(coalesce(record.actor ->> '$.key', record.actor ->> '$.name', record.username)) AS who,
        list_filter([
            record.actor ->> '$.key', record.actor ->> '$.name', record.username,
            try_cast(record.actor ->> '$.details' AS JSON) ->> '$.email'
        ], lambda k: said(k) IS NOT NULL) AS who_names,
        lower(record.actor ->> '$.type') AS who_kind,
        said(record.actor ->> '$.key') AS who_key,
        said(record."target" ->> '$.key') AS whom_key,
        record.actor IS NOT NULL AS is_activity,
        said(coalesce(record."target" ->> '$.key', record."target" ->> '$.name', record."object")) AS whom,
        list_filter([
            record."target" ->> '$.key', record."target" ->> '$.name', record."object",
            try_cast(record.description AS JSON) ->> '$.user_id', try_cast(record.description AS JSON) ->> '$.uname'
        ], lambda k: said(k) IS NOT NULL) AS whom_names,
        lower(record."target" ->> '$.type') AS whom_kind,
        said(coalesce(record."user" ->> '$.key', record."user" ->> '$.name', record.username)) AS account,
        list_filter([
            record."user" ->> '$.key', record."user" ->> '$.name', record.username, record.email
        ], lambda k: said(k) IS NOT NULL) AS account_names,
        -- What changed: JSON in a string, of the action or of what it was done to.
        try_cast(coalesce(
            said(record.description), said(record."action" ->> '$.details'), said(record."target" ->> '$.details')
        ) AS JSON) AS told,
        coalesce(
            said(record.description), said(record."action" ->> '$.details'), said(record."target" ->> '$.details')
        ) IS NULL AS is_untold,
        try_cast(record.old_target ->> '$.details' AS JSON) AS was,
        coalesce(said(record.outcome ->> '$.result'), CASE WHEN native LIKE '% %' THEN said(record.result) END) AS result,
        said(record.reason) AS reason,
        said(record.factor) AS factor,
        address_in(coalesce(
            record.device ->> '$.ip.address', record.device ->> '$.ip', record.ip,
            try_cast(record.description AS JSON) ->> '$.ip_address'
        )) AS address,
        said(coalesce(record.device ->> '$.location.country', record.place ->> '$.country')) AS country,
        said(coalesce(record.device ->> '$.epkey', record.device ->> '$.hostname')) AS device
    FROM record
),
changed AS (
    SELECT
        *,
        lower(told ->> '$.status') AS state,
        lower(was ->> '$.status') AS state_was,
        coalesce(list_filter(json_keys(told), lambda k: (
            was IS NULL
            OR json_extract_string(told, '$."' || replace(k, '"', '') || '"')
                IS DISTINCT FROM json_extract_string(was, '$."' || replace(k, '"', '') || '"')
        )), []) AS new_keys
    FROM field
),
named AS (
    SELECT
        * EXCLUDE (native),
        unnest(CASE
            -- Status, contact and role are written by one action: each that changed is a row of its own.
            WHEN native IN ('user_update', 'admin_update', 'group_update', 'user_bulk_update') THEN coalesce(nullif(list_filter([
                CASE WHEN state IS DISTINCT FROM state_was AND state IS NOT NULL THEN native || CASE
                    WHEN state = 'bypass' THEN ' bypass'
                    WHEN state IN ('locked out', 'locked_out', 'lockedout') THEN ' locked out'
                    WHEN state = 'active' THEN CASE WHEN native = 'group_update' THEN ' other' ELSE ' active' END
                    WHEN state IN ('disabled', 'inactive', 'pending deletion') THEN ' disabled'
                    ELSE ' other'
                END END,
                -- A change that the line does not describe could be one of a contact.
                CASE WHEN native <> 'group_update' AND (is_untold OR len(list_filter(
                    new_keys, lambda k: regexp_matches(k, '(?i)mail|phone|^alias|^secondary')
                )) > 0) THEN native || ' contact' END,
                CASE WHEN list_has_any(new_keys, ['username', 'uname']) THEN native || ' name' END,
                CASE WHEN native = 'admin_update' AND list_contains(new_keys, 'role') THEN native || ' role' END,
                CASE WHEN native = 'admin_update' AND list_has_any(new_keys, ['password', 'is_temporary_password'])
                    THEN native || ' password' END,
                CASE WHEN native = 'admin_update' AND list_contains(new_keys, 'hardtoken') THEN native || ' token' END
            ], lambda n: n IS NOT NULL), []), [native || ' other'])
            -- An application of the Admin API is a key to all of this.
            WHEN native IN ('integration_create', 'integration_update')
                AND regexp_matches(CAST(told AS VARCHAR), '(?i)admin ?api|adminapi') THEN [native || ' admin api']
            WHEN native IN ('integration_create', 'integration_update') THEN [native || ' other']
            ELSE [native]
        END) AS native_action
    FROM changed
),
placed AS (
    SELECT
        * REPLACE (
            CASE WHEN is_sign_in OR (who_kind = 'user' AND whom IS NULL) THEN coalesce(account, who) ELSE who END AS who,
            CASE WHEN is_sign_in THEN account_names ELSE who_names END AS who_names,
            -- An administrator's own act may name nobody, and a user's own names the factor: both are about themselves.
            CASE WHEN is_sign_in THEN account WHEN on_self THEN who ELSE whom END AS whom,
            CASE WHEN is_sign_in THEN account_names WHEN on_self THEN who_names ELSE whom_names END AS whom_names
        )
    FROM (
        SELECT *, coalesce(who_kind = 'user' AND whom_kind NOT IN ('user', 'user_bypass', 'admin', 'group'), false) AS on_own,
            (whom IS NULL AND native_action LIKE 'a%') OR on_own AS on_self
        FROM named
    )
)
SELECT
    coalesce(id, md5(concat_ws('|', native_action, "time", who, whom, CAST(told AS VARCHAR)))) AS id,
    native_action,
    coalesce(who, '') AS actor,
    -- An administrator has a title where a user has a login.
    names_of(list_transform(who_names, lambda k: CASE
        WHEN is_sign_in OR coalesce(who_kind = 'user', false) OR contains(k, '@') OR k = who_key THEN '' ELSE 'name:'
    END || lower(k))) AS actor_keys,
    coalesce(whom, '') AS "target",
    names_of(list_transform(whom_names, lambda k: lower(k))) AS target_keys,
    "time",
    CASE WHEN result IS NOT NULL THEN upper(result) || coalesce(' ' || reason, '') ELSE 'SUCCESS' END AS outcome,
    coalesce(lower(result), '') NOT IN ('failure', 'failed', 'denied', 'deny', 'error') OR native_action LIKE '% fraud' AS done,
    address,
    CAST(NULL AS VARCHAR) AS socket,
    CAST(NULL AS VARCHAR) AS correlation,
    coalesce(address, '-') AS click,
    coalesce(is_sign_in OR starts_with(native_action, 'admin_self_') OR (is_activity AND (
        on_own OR (who_key = whom_key AND who_kind = whom_kind)
    )), false) AS by_owner,
    CASE
        WHEN who_kind IN ('admin_api', 'adminapi', 'api', 'integration', 'directory_sync', 'sync') THEN 'automation'
        WHEN regexp_matches(who, '(?i)^(api|.*\bsync\b.*)$') THEN 'automation'
        WHEN who_kind = 'system' OR lower(who) = 'system' THEN 'system'
        WHEN regexp_matches(who, '(?i)duo support|^support@duo') OR who_kind IN ('duo_support', 'support') THEN 'vendor'
    END AS actor_class,
    country,
    device,
    CASE WHEN is_sign_in THEN concat_ws(' ', factor, reason) ELSE coalesce(
        told ->> '$.role', told ->> '$.factor', told ->> '$.type', told ->> '$.status',
        'valid for ' || (told ->> '$.valid_secs') || ' s', whom_kind
    ) END AS detail
FROM placed
