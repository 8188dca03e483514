WITH one AS (
    SELECT id, actor, ipAddress, networkInfo, unnest(coalesce(nullif(events, []), [NULL])) AS event, len(events) AS several
    FROM log
),
each AS (
    SELECT
        *,
        -- Of a group its name alone tells whether it lends power.
        coalesce(len(list_filter(event.parameters, lambda p: upper(p.name) IN ('GROUP_EMAIL', 'GROUP_ID') AND lends_power(p."value"))) > 0, false) AS lends_power,
        list_filter(event.parameters, lambda p: upper(p.name) = 'SETTING_NAME')[1]."value" AS setting,
        upper(list_filter(event.parameters, lambda p: upper(p.name) = 'NEW_VALUE')[1]."value") AS becomes
    FROM one
)
SELECT
    -- What a user does to his own account is written under two applications: one name for both.
    CASE
        WHEN id.applicationName = 'login' AND regexp_matches(
            event.name, '^(password_edit|recovery_|2sv_|titanium_|passkey_|email_forwarding)'
        ) THEN 'user_accounts'
        -- What is about a device says so, whatever application it was asked of.
        WHEN event."type" IN ('device_applications', 'device_updates') THEN 'mobile'
        ELSE coalesce(id.applicationName, 'admin')
    END || ':' || CASE
        -- Who is in a group may be changed in three applications besides.
        WHEN id.applicationName IN ('groups', 'groups_enterprise', 'directory_sync') THEN CASE
            WHEN lends_power AND event.name IN (
                'add_member', 'add_member_role', 'add_user', 'join', 'invite_member', 'invite_user', 'accept_invitation', 'approve_join_request',
                'remove_member', 'remove_user', 'ADDED_GROUP_MEMBERSHIP', 'REMOVED_GROUP_MEMBERSHIP', 'remove_member_role', 'reinvite_user',
                'add_dynamic_group_query', 'change_dynamic_group_query', 'add_service_account_permission',
                'remove_service_account_permission'
            ) AND coalesce(lower(coalesce(
                list_filter(event.parameters, lambda p: upper(p.name) = 'DRY_RUN')[1].boolValue,
                list_filter(event.parameters, lambda p: upper(p.name) = 'DRY_RUN')[1]."value"
            )), '') <> 'true'
                THEN event.name || ' privileged'
            ELSE '*'
        END
        -- Applications that keep no accounts have hundreds of events: they count by their application.
        WHEN regexp_full_match(id.applicationName, 'drive|calendar|chat|meet|meet_hardware|gmail|rules|vault|chrome'
            || '|access_evaluation|context_aware_access|gcp|data_studio|keep|jamboard|access_transparency|classroom|gemini_in_workspace_apps|takeout'
            || '|contacts|currents|gplus|profile|cloud_search|tasks|voice|assignments|admin_data_action|data_migration|graduation|ldap')
            AND (id.applicationName = 'drive' AND event.name = 'download') IS NOT TRUE
            AND (id.applicationName = 'gcp' AND regexp_matches(event.name, '^(IMPORT|UPDATE|DELETE)_SSH_PUBLIC_KEY$')) IS NOT TRUE
            THEN '*'
        WHEN event.name IN ('ADD_GROUP_MEMBER', 'REMOVE_GROUP_MEMBER') AND lends_power THEN event.name || ' privileged'
        -- Who manages a group says who is in it.
        WHEN event.name = 'UPDATE_GROUP_MEMBER' AND lends_power
            THEN event.name || CASE WHEN becomes = 'MEMBER' THEN ' no longer privileged' ELSE ' privileged' END
        -- One event for every setting of every application: its name tells what it is about.
        WHEN event.name IN ('CREATE_APPLICATION_SETTING', 'CHANGE_APPLICATION_SETTING', 'DELETE_APPLICATION_SETTING') THEN
            event.name || CASE
                WHEN regexp_matches(setting, '(?i)sharing settings between gcp') THEN CASE
                    WHEN becomes IS DISTINCT FROM 'ENABLED' OR event.name = 'DELETE_APPLICATION_SETTING' THEN ' less logged'
                    ELSE ''
                END
                WHEN regexp_matches(
                    setting, '(?i)^password management|^session (management|control)|^sso|single.?sign|account.?recover|advanced.?protection'
                        || '|multi.?party.?approval|(2|two).?step|second.?factor|less.?secure|login.?challenge|passkey|security.?key|passwordless'
                        || '|context.?aware'
                ) THEN ' sign-in'
                ELSE ''
            END
        -- A rule of everybody's mail: whom it goes to besides, or instead.
        WHEN event.name IN ('CREATE_GMAIL_SETTING', 'CHANGE_GMAIL_SETTING', 'CHANGE_EMAIL_SETTING')
            AND regexp_matches(setting, '(?i)rout(e|ing)|message_security_rule|forward|catch.?all|dual.?delivery|gateway')
            AND becomes IS DISTINCT FROM 'FALSE'
            THEN event.name || ' mail elsewhere'
        ELSE event.name
    END AS native,
    id."time" AS stamp,
    struct_pack(
        stamp := id."time", number := id.uniqueQualifier, actor := actor, address := ipAddress,
        country := networkInfo.regionCode, asn := try_cast(networkInfo.ipAsn->>'$[0]' AS BIGINT),
        parameters := event.parameters, "status" := upper(event.status->>'$.eventStatus')
    ) AS record,
    nullif(id.customerId, '') AS tenant
FROM each;

WITH field AS (
    SELECT
        native,
        unnest(record),
        coalesce(try_cast(record.stamp AS TIMESTAMPTZ), instant(record.stamp)) AS "time",
        nullif(record.actor.email, '') AS by_mail,
        list_filter(record.parameters, lambda p: upper(p.name) IN ('USER_EMAIL', 'AFFECTED_EMAIL_ADDRESS', 'MEMBER_ID', 'TARGET_OBJECT_ID'))[1] AS subject,
        CASE WHEN ends_with(native, ' privileged') THEN coalesce(
            list_filter(record.parameters, lambda p: upper(p.name) = 'GROUP_EMAIL')[1]."value",
            list_filter(record.parameters, lambda p: upper(p.name) IN ('GROUP_ID', 'ROLE_NAME'))[1]."value"
        ) END AS of_group,
        list_filter(
            record.parameters,
            lambda p: upper(p.name) IN ('ROLE_NAME', 'PRIVILEGE_NAME', 'LOGIN_CHALLENGE_METHOD', 'LOGIN_TYPE', 'LOGIN_FAILURE_TYPE', 'APP_NAME', 'DEVICE_TYPE')
        )[1] AS said,
        -- What of the organisation it is about, where it is about nobody.
        list_filter(record.parameters, lambda p: (
            upper(p.name) IN ('INBOUND_SSO_PROFILE_NAME', 'API_CLIENT_NAME', 'DOMAIN_NAME', 'DOMAIN_ALIAS', 'SETTING_NAME', 'ORG_UNIT_NAME',
                'GROUP_EMAIL', 'RESOURCE_NAME')
        ))[1]."value" AS about,
        list_filter(record.parameters, lambda p: upper(p.name) IN ('DEVICE_ID', 'RESOURCE_ID'))[1]."value" AS device,
        list_filter(record.parameters, lambda p: upper(p.name) = 'ACCOUNT_STATE')[1]."value" AS state,
        regexp_matches(native, '^(admin|iam|iap|orgpolicy|accesscontextmanager|compute|cloudidentity|identitytoolkit|cloudresourcemanager|logging|storage|directory_sync|groups(_enterprise)?:(add|invite|reinvite|change|remove|approve))') AS by_administrator
    FROM record
),
each_target AS (
    SELECT
        * EXCLUDE (parameters, subject),
        unnest(CASE
            WHEN nullif(subject."value", '') IS NOT NULL THEN [subject."value"]
            WHEN len(subject.multiValue) > 0 THEN subject.multiValue
            WHEN regexp_matches(native, 'MAIL_ROUTING_DESTINATION_ADDED$| mail elsewhere$') THEN [by_mail]
            -- Outside what administrators do, who acts is whom it is about.
            WHEN by_administrator THEN [NULL]
            ELSE [by_mail]
        END) AS "target"
    FROM field
)
SELECT
    coalesce(nullif(number, ''), md5(concat_ws('|', native, stamp, by_mail, "target"))) AS id,
    CASE WHEN native = 'mobile:DEVICE_REGISTER_UNREGISTER_EVENT' AND upper(state) = 'UNREGISTERED' THEN native || '/unregistered' ELSE native END
        AS native_action,
    coalesce(by_mail, nullif(actor.profileId, ''), nullif(actor."key", ''), '') AS actor,
    list_filter([lower(by_mail), lower(actor.profileId), lower(actor."key")], lambda k: k <> '') AS actor_keys,
    coalesce("target", '') AS "target",
    list_filter(
        [lower("target"), CASE WHEN lower("target") = lower(by_mail) THEN lower(actor.profileId) END], lambda k: k <> ''
    ) AS target_keys,
    "time",
    CASE
        WHEN regexp_matches(native, '(?i)fail|blocked') OR "status" IN ('FAILED', 'SKIPPED') THEN 'FAILURE'
        ELSE 'SUCCESS'
    END AS outcome,
    NOT regexp_matches(native, '(?i):login_failure|:sign_in_failure|_blocked$') AND ("status" IN ('FAILED', 'SKIPPED')) IS NOT TRUE AS done,
    address_in(address) AS address,
    CAST(NULL AS VARCHAR) AS socket,
    nullif(number, '') AS correlation,
    -- One change of a group may stand under two applications, each with a number of its own.
    coalesce(lower(of_group), nullif(number, '')) AS click,
    coalesce(lower(by_mail) = lower("target"), false) AS by_owner,
    CASE
        WHEN upper(actor.callerType) IN ('KEY', 'APPLICATION') THEN CASE WHEN upper(actor."key") = 'SYSTEM' THEN 'system' ELSE 'automation' END
        WHEN upper(actor.callerType) = 'SYSTEM' OR upper(actor."key") = 'SYSTEM' THEN 'system'
        WHEN ends_with(lower(by_mail), '.gserviceaccount.com') THEN 'automation'
    END AS actor_class,
    nullif(country, '') AS country,
    asn,
    device,
    CAST(NULL AS VARCHAR) AS session,
    coalesce(of_group, nullif(said."value", ''), said.multiValue[1], CASE WHEN "target" IS NULL THEN nullif(about, '') END) AS detail
FROM each_target
