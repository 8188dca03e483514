SELECT
    CASE "type"
        WHEN 'dsdbChange' THEN 'dsdbChange/' || coalesce(dsdbChange.operation, '')
        WHEN 'passwordChange' THEN 'passwordChange/' || coalesce(CAST(passwordChange.eventId AS VARCHAR), '')
        WHEN 'groupChange' THEN 'groupChange/' || coalesce(groupChange."action", '')
        ELSE "type"
    END AS native,
    "timestamp" AS stamp,
    struct_pack(
        "timestamp" := "timestamp", ds := dsdbChange, pw := passwordChange, gr := groupChange,
        -- A sign-in: who, from where, and how it ended; of one that failed only the name that was given.
        si := struct_pack(
            sid := coalesce(Authentication.becameSid, "Authorization".sid, "KDC Authorization".sid),
            account := coalesce(
                Authentication.becameAccount, Authentication.mappedAccount, Authentication.clientAccount,
                "Authorization".account, "KDC Authorization".account
            ),
            status := coalesce(Authentication.status, "KDC Authorization".status),
            peer := coalesce(
                Authentication.remoteAddress, "Authorization".remoteAddress, "KDC Authorization".remoteAddress
            ),
            how := coalesce(Authentication.authDescription, "Authorization".authType, "KDC Authorization".authType),
            session := "Authorization".sessionId
        )
    ) AS record
FROM log;

WITH field AS (
    SELECT
        native,
        instant(record."timestamp") AS "time",
        coalesce(record.ds.userSid, record.pw.userSid, record.gr.userSid, record.si.sid, record.si.account, '') AS actor,
        coalesce(record.ds.dn, record.pw.dn, record.gr."user", record.si.sid, record.si.account, '') AS dn,
        record.si AS sign_in,
        coalesce(record.ds.statusCode, record.pw.statusCode, record.gr.statusCode) AS status,
        coalesce(record.ds.transactionId, record.pw.transactionId, record.gr.transactionId) AS correlation,
        -- "ipv4:127.0.0.1:54321", "ipv6:::1:54321": the scheme goes, the socket stays; a change made inside has none.
        regexp_extract(
            coalesce(record.ds.remoteAddress, record.pw.remoteAddress, record.gr.remoteAddress, record.si.peer),
            '^(?:ipv[46]:)?(.+):\d+$', 1
        ) AS address,
        regexp_extract(
            coalesce(record.ds.remoteAddress, record.pw.remoteAddress, record.gr.remoteAddress, record.si.peer),
            '^(?:ipv[46]:)?(.+:\d+)$', 1
        ) AS socket,
        record.gr."group" AS "group",
        record.ds.attributes AS attributes
    FROM record
),
-- The log names who acts by SID; a sign-in beside it has the name too.
known AS (
    SELECT record.si.sid AS sid, names_of(list(lower(record.si.account))) AS names
    FROM record
    WHERE record.si.sid IS NOT NULL AND record.si.account IS NOT NULL
    GROUP BY record.si.sid
),
attribute AS (
    SELECT
        * EXCLUDE (entry),
        entry."key" AS name,
        list_transform(entry."value".actions, lambda a: a."action") AS acts,
        flatten(
            list_transform(entry."value".actions, lambda a: list_transform(a."values", lambda v: v."value"))
        ) AS vals
    FROM (
        SELECT * EXCLUDE (attributes), unnest(map_entries(attributes)) AS entry
        FROM field
        WHERE native = 'dsdbChange/Modify'
    )
),
named AS (
    -- One row for each attribute that the catalogue may know, named for what happened to it.
    SELECT
        * EXCLUDE (native, name, acts, vals),
        'dsdbChange/Modify ' || CASE
            WHEN name IN ('unicodePwd', 'userPassword', 'clearTextPassword')
                -- The old value proven by deleting it is how an owner changes a password over LDAP.
                THEN 'password ' || CASE WHEN list_has_all(acts, ['delete', 'add']) THEN 'changed' ELSE 'replaced' END
            WHEN name IN ('pwdLastSet', 'lockoutTime')
                THEN name || CASE WHEN coalesce(vals[-1], '0') = '0' THEN '=0' ELSE ' set' END
                    -- The controller itself writes lockoutTime: a lock-out, or its end at the next good sign-in.
                    || CASE WHEN name = 'lockoutTime' AND actor = 'S-1-5-18' THEN ' by SYSTEM' ELSE '' END
            WHEN name = 'userAccountControl'
                THEN name || CASE
                    WHEN (coalesce(try_cast(vals[-1] AS BIGINT), 0) & 2) = 2 THEN ' disabled' ELSE ' enabled'
                END
            WHEN regexp_full_match(
                name, '(?i)mail|otherMailbox|proxyAddresses|(telephone|mobile|homePhone|other(Telephone|Mobile|HomePhone))(Number)?'
                || '|altSecurityIdentities|msDS-KeyCredentialLink|userPrincipalName|sAMAccountName'
            ) THEN name
            -- A directory has hundreds: the rest lets nobody in.
            ELSE 'other'
        END AS native,
        dn AS "target"
    FROM attribute
    WHERE name <> 'member'
    UNION ALL BY NAME
    -- Membership is written on the group; the account it is about is the value, `<GUID=…>;<SID=…>;` before its DN.
    SELECT
        * EXCLUDE (native, name, acts, vals, "group"),
        dn AS "group",
        'groupChange/' || CASE WHEN list_has_any(acts, ['add', 'replace']) THEN 'Added' ELSE 'Removed' END AS native,
        regexp_replace(unnest(vals), '^(<[^>]*>;)+', '') AS "target"
    FROM attribute
    WHERE name = 'member'
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (native, attributes),
        CASE
            WHEN native = 'dsdbChange/Add' AND list_contains(
                flatten(list_transform(
                    attributes['objectClass'].actions, lambda a: list_transform(a."values", lambda v: v."value")
                )),
                'user'
            ) THEN 'dsdbChange/Add user'
            WHEN native = 'dsdbChange/Add' THEN 'dsdbChange/Add other'
            WHEN sign_in.status <> 'NT_STATUS_OK' THEN native || ' refused'
            ELSE native
        END AS native,
        dn AS "target"
    FROM field
    WHERE native <> 'dsdbChange/Modify'
)
SELECT
    md5(concat_ws('|', native, "time", actor, "target", correlation, "group")) AS id,
    -- Which groups lend power is known by name for the built-in ones only.
    native || CASE
        WHEN starts_with(native, 'groupChange/') AND regexp_matches(
            "group",
            '(?i)^cn=(administrators|(domain|enterprise|schema|key|enterprise key) admins|dnsadmins'
            || '|(account|backup|server|print) operators|group policy creator owners),'
        ) THEN ' privileged'
        WHEN native IN ('groupChange/Added', 'groupChange/Removed') THEN ' other'
        ELSE ''
    END AS native_action,
    actor,
    -- A name is of one SID in its own domain only.
    names_of(
        list_filter([lower(actor)], lambda k: k <> '') || list_transform(coalesce(known.names, []), lambda k: 'name:' || k)
    ) AS actor_keys,
    "target",
    names_of(list_filter([lower("target"), lower(sign_in.account)], lambda k: k <> '')) AS target_keys,
    "time",
    CASE WHEN status = 0 THEN 'SUCCESS' WHEN status IS NULL THEN 'UNKNOWN' ELSE 'FAILURE ' || status END AS outcome,
    coalesce(status, 0) = 0 AND native NOT LIKE '% refused' AS done,
    nullif(address, '') AS address,
    nullif(socket, '') AS socket,
    correlation,
    coalesce(nullif(socket, ''), correlation) AS click,
    native IN ('passwordChange/4723', 'dsdbChange/Modify password changed') OR starts_with(native, 'Auth')
        OR starts_with(native, 'KDC') AS by_owner,
    CASE WHEN actor = 'S-1-5-18' THEN 'system' END AS actor_class,
    coalesce(sign_in.session, nullif(socket, '')) AS session,
    coalesce(sign_in.how, "group") AS detail
FROM named LEFT JOIN known ON known.sid = named.actor
