SELECT
    CASE "type"
        WHEN 'dsdbChange' THEN 'dsdbChange/' || coalesce(dsdbChange.operation, '')
        WHEN 'passwordChange' THEN 'passwordChange/' || coalesce(CAST(passwordChange.eventId AS VARCHAR), '')
        WHEN 'groupChange' THEN 'groupChange/' || coalesce(groupChange."action", '')
        ELSE "type"
    END AS native,
    "timestamp" AS stamp,
    domain_of_entry(coalesce(dsdbChange.dn, passwordChange.dn, groupChange."user")) AS tenant,
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
        lower(entry."key") AS name,
        list_transform(entry."value".actions, lambda a: a."action") AS acts,
        -- What is no plain ASCII, as a member's name, is in base64.
        flatten(list_transform(entry."value".actions, lambda a: list_transform(a."values", lambda v: CASE
            WHEN v.base64 THEN coalesce(try(decode(from_base64(v."value"))), v."value") ELSE v."value"
        END))) AS vals,
        -- What is there afterwards: of several, each may be the one that counts.
        flatten(list_transform(
            list_filter(entry."value".actions, lambda a: a."action" <> 'delete'), lambda a: list_transform(a."values", lambda v: v."value")
        )) AS puts
    FROM (
        SELECT * EXCLUDE (attributes), unnest(map_entries(attributes)) AS entry
        FROM field
        WHERE native = 'dsdbChange/Modify'
    )
),
named AS (
    -- One row for each attribute that the catalogue may know, named for what happened to it.
    SELECT
        * EXCLUDE (native, name, acts, vals, puts, flags, is_none, is_controller),
        'dsdbChange/Modify ' || unnest(CASE
            WHEN name IN ('unicodepwd', 'userpassword', 'cleartextpassword')
                -- The old value proven by deleting it is how an owner changes a password over LDAP.
                THEN ['password ' || CASE WHEN list_has_all(acts, ['delete', 'add']) THEN 'changed' ELSE 'replaced' END]
            WHEN name = 'pwdlastset' THEN ['pwdLastSet' || CASE WHEN is_none THEN '=0' ELSE ' set' END]
            WHEN name = 'lockouttime' THEN [
                'lockoutTime' || CASE WHEN is_none THEN '=0' ELSE ' set' END
                -- The controller itself writes lockoutTime: a lock-out, or its end at the next good sign-in.
                || CASE WHEN actor = 'S-1-5-18' THEN ' by SYSTEM' ELSE '' END
            ]
            WHEN name = 'useraccountcontrol' THEN list_filter([
                'userAccountControl ' || CASE WHEN list_bool_and(list_transform(flags, lambda f: (f & 2) = 2)) THEN 'disabled' ELSE 'enabled' END,
                -- Flags of [MS-ADTS] 2.2.16. The log has not those that were there before: they could be new.
                CASE WHEN list_bool_or(list_transform(flags, lambda f: (f & 17301504) <> 0)) AND NOT is_controller THEN 'delegation' END,  -- 0x80000, 0x1000000
                CASE WHEN list_bool_or(list_transform(flags, lambda f: (f & 4194304) <> 0)) THEN 'no proof before tickets' END,  -- 0x400000
                CASE WHEN list_bool_or(list_transform(flags, lambda f: (f & 32) <> 0 AND (f & 4096) = 0)) THEN 'no password needed' END,
                CASE WHEN list_bool_or(list_transform(flags, lambda f: (f & 2097280) <> 0)) THEN 'password to be recovered' END  -- 0x80, 0x200000
            ], lambda k: k IS NOT NULL)
            WHEN acts = ['delete'] AND name IN (
                'sidhistory', 'serviceprincipalname', 'msds-allowedtodelegateto', 'msds-allowedtoactonbehalfofotheridentity'
            ) THEN ['other']
            WHEN acts = ['delete'] AND name = 'msds-keycredentiallink' THEN ['msDS-KeyCredentialLink removed']
            WHEN name = 'sidhistory' THEN ['another''s identifier']
            WHEN name IN ('msds-allowedtodelegateto', 'msds-allowedtoactonbehalfofotheridentity') THEN ['delegation']
            -- Machines have services, and write their names themselves.
            WHEN name = 'serviceprincipalname' THEN [CASE
                WHEN is_controller OR regexp_matches(dn, '(?i),CN=Computers,') THEN 'other' ELSE 'service name'
            END]
            WHEN name = 'ntsecuritydescriptor' THEN [CASE
                WHEN regexp_matches(dn, '(?i)^(DC=[^,]+,?)+$|^CN=AdminSDHolder,CN=System,') THEN 'rights over the domain' ELSE 'other'
            END]
            -- A directory has hundreds: the rest lets nobody in. A name is as whoever wrote it spelt it.
            ELSE [coalesce(list_filter([
                'mail', 'otherMailbox', 'proxyAddresses', 'telephoneNumber', 'otherTelephone', 'mobile', 'otherMobile', 'homePhone',
                'otherHomePhone', 'altSecurityIdentities', 'msDS-KeyCredentialLink', 'userPrincipalName', 'sAMAccountName'
            ], lambda k: lower(k) = name)[1], 'other')]
        END) AS native,
        dn AS "target"
    FROM (
        SELECT
            *,
            puts = [] OR puts IS NULL OR list_contains(puts, '0') AS is_none,
            CASE WHEN puts = [] OR puts IS NULL THEN [0]
                ELSE list_transform(puts, lambda v: coalesce(try_cast(v AS BIGINT), 0)) END AS flags,
            regexp_matches(dn, '(?i),OU=Domain Controllers,') AS is_controller
        FROM attribute
    )
    WHERE name <> 'member'
    UNION ALL BY NAME
    -- Membership is written on the group; the account it is about is the value, `<GUID=…>;<SID=…>;` before its DN.
    SELECT
        * EXCLUDE (native, name, acts, vals, puts, "group"),
        dn AS "group",
        'groupChange/' || CASE WHEN list_has_any(acts, ['add', 'replace']) THEN 'Added' ELSE 'Removed' END AS native,
        regexp_replace(unnest(vals), '^(<[^>]*>;)+', '') AS "target"
    FROM attribute
    WHERE name = 'member'
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (native, attributes, classes),
        CASE
            -- A name and a class are as whoever wrote them spelt them. A machine is a user too, and no person's account.
            WHEN native = 'dsdbChange/Add' AND list_has_any(classes, ['user', 'inetorgperson'])
                AND NOT list_contains(classes, 'computer') THEN 'dsdbChange/Add user'
            WHEN native = 'dsdbChange/Add' THEN 'dsdbChange/Add other'
            WHEN sign_in.status <> 'NT_STATUS_OK' THEN native || ' refused'
            ELSE native
        END AS native,
        dn AS "target"
    FROM (
        SELECT *, flatten(list_transform(
            list_filter(map_entries(attributes), lambda e: lower(e."key") = 'objectclass'),
            lambda e: flatten(list_transform(
                e."value".actions, lambda a: list_transform(a."values", lambda v: lower(v."value"))
            ))
        )) AS classes
        FROM field
        WHERE native <> 'dsdbChange/Modify'
    )
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
