WITH whole AS (
    SELECT
        *,
        coalesce(
            properties.activityDisplayName, activityDisplayName,
            CASE
                WHEN coalesce(properties.createdDateTime, createdDateTime) IS NULL
                    AND coalesce(operationName <> 'Sign-in activity' AND category NOT ILIKE '%signinlogs', true)
                    THEN operationName
            END
        ) AS audit,
        coalesce(
            properties.createdDateTime, createdDateTime,
            CASE WHEN category ILIKE '%signinlogs' OR operationName = 'Sign-in activity' THEN "time" END
        ) AS signed_in,
        coalesce(properties.signInEventTypes, signInEventTypes) AS kinds,
        coalesce(properties.id, id) AS event_id,
        -- Azure's own log says where those of the tenant are sent, and who is lifted to administer all of it.
        regexp_matches(
            audit, '(?i)^microsoft[.](aadiam/diagnosticSettings/|authorization/(elevateAccess/action|(roleAssignments|roleDefinitions'
            || '|classicAdministrators)/(write|delete))$|insights/(diagnosticSettings|logProfiles)/delete$|operationalInsights/workspaces/delete$'
            || '|storage/storageAccounts/regenerateKey/action$|managedIdentity/userAssignedIdentities/federatedIdentityCredentials/(write|delete)$'
            || '|compute/virtualMachines/extensions/write$|[a-z]+/([a-z]*servers|managedInstances)/administrators/(write|delete)$'
            || '|managedServices/registration(Assignments|Definitions)/write$|subscription/updateTenant/action$|adHybridHealthService/services/(serviceMembers/action|delete)$)'
        ) AS is_azure
    FROM log
)
SELECT
    CASE
        -- Rows of the unified audit log, which only the reading of one line after the other looks into.
        WHEN auditLogRecordType IS NOT NULL OR category = 'AdvancedHunting-CloudAppEvents' THEN NULL
        WHEN starts_with(category, 'AdvancedHunting') THEN 'AdvancedHunting'
        -- One event hub carries every log of a tenant: these are of no account that somebody changes.
        WHEN category IN (
            'RiskyUsers', 'UserRiskEvents', 'RiskyServicePrincipals', 'ServicePrincipalRiskEvents', 'ProvisioningLogs',
            'MicrosoftGraphActivityLogs', 'AzureADGraphActivityLogs', 'NetworkAccessTrafficLogs', 'NetworkAccessAlerts',
            'NetworkAccessConnectionEvents', 'RemoteNetworkHealthLogs', 'B2CRequestLogs'
        ) THEN category
        -- What it is about is in a text, which only the reading of one line after the other looks into.
        WHEN (category = 'AuditLogs' OR category ILIKE '%signinlogs') AND operationName IS NOT NULL
            AND coalesce(activityDisplayName, createdDateTime) IS NULL
            AND coalesce(properties.id, properties.activityDisplayName, properties.activityDateTime, properties.createdDateTime, properties.userId) IS NULL
            THEN NULL
        -- Its outer names may be in another case: so is the address then.
        WHEN operationName IS NULL AND coalesce(properties.activityDisplayName, properties.createdDateTime) IS NOT NULL THEN NULL
        WHEN is_azure THEN lower(audit)
        -- Names come with dashes of two kinds, with no-break spaces and with a full stop.
        WHEN audit IS NOT NULL
            THEN rtrim(trim(replace(regexp_replace(audit, '[\s\x{00A0}]+', ' ', 'g'), '–', '-')), '. ')
        WHEN category IN ('ServicePrincipalSignInLogs', 'ManagedIdentitySignInLogs') THEN category
        WHEN category = 'MicrosoftServicePrincipalSignInLogs' THEN 'ServicePrincipalSignInLogs'
        WHEN list_has_any(kinds, ['servicePrincipal', 'managedIdentity']) THEN 'ServicePrincipalSignInLogs'
        WHEN category = 'NonInteractiveUserSignInLogs' OR list_contains(kinds, 'nonInteractiveUser')
            THEN 'Sign-in activity (non-interactive)'
        -- A user, as Graph lists them, has a name and when it was made, and nothing of a sign-in.
        WHEN coalesce(operationName, category, resultType, appDisplayName, userId, ipAddress, correlationId) IS NULL
            AND status.errorCode IS NULL AND coalesce(properties.userPrincipalName, properties.createdDateTime) IS NULL THEN NULL
        WHEN signed_in IS NOT NULL THEN 'Sign-in activity'
    END AS native,
    coalesce(properties.activityDateTime, activityDateTime, signed_in, "time") AS stamp,
    struct_pack(
        id := event_id,
        stamp := coalesce(properties.activityDateTime, activityDateTime, signed_in, "time"),
        correlation := coalesce(properties.correlationId, correlationId),
        -- What was asked of Azure, or what it answered, and of which thing.
        body := CASE WHEN is_azure THEN coalesce(properties.requestbody, properties.responseBody) END,
        place := CASE WHEN is_azure THEN lower(resourceId) END,
        result := coalesce(properties.result, result, CASE
            WHEN is_azure THEN resultType WHEN audit IS NOT NULL THEN resultSignature
        END),
        reason := coalesce(properties.resultReason, resultReason, resultDescription),
        -- Azure's own log has who it was among the claims of the token.
        initiator := coalesce(properties.initiatedBy, initiatedBy, CASE
            WHEN is_azure AND json_type("identity") = 'OBJECT' THEN struct_pack(
                "user" := CASE WHEN ("identity" ->> '$.claims.idtyp') IS DISTINCT FROM 'app' THEN struct_pack(
                    id := "identity" ->> '$.claims."http://schemas.microsoft.com/identity/claims/objectidentifier"',
                    displayName := CAST(NULL AS VARCHAR),
                    userPrincipalName := "identity" ->> '$.claims."http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"',
                    ipAddress := CAST(NULL AS VARCHAR)
                ) END,
                app := CASE WHEN "identity" ->> '$.claims.idtyp' = 'app' THEN struct_pack(
                    appId := "identity" ->> '$.claims.appid', displayName := CAST(NULL AS VARCHAR),
                    servicePrincipalId := "identity" ->> '$.claims."http://schemas.microsoft.com/identity/claims/objectidentifier"'
                ) END
            )
        END),
        targets := coalesce(properties.targetResources, targetResources),
        details := coalesce(properties.additionalDetails, additionalDetails),
        caller := callerIpAddress,
        user_id := object_id(coalesce(properties.userId, userId)),
        user_name := coalesce(properties.userPrincipalName, userPrincipalName),
        address := coalesce(properties.ipAddress, ipAddress),
        app := coalesce(properties.appDisplayName, appDisplayName),
        country := coalesce(
            nullif(properties.location->>'$.countryOrRegion', ''), nullif("location"->>'$.countryOrRegion', ''),
            CASE WHEN json_type("location") = 'VARCHAR' THEN nullif("location"->>'$', '') END
        ),
        error := coalesce(properties.status.errorCode, status.errorCode, try_cast(resultType AS BIGINT)),
        device := coalesce(properties.deviceDetail.deviceId, deviceDetail.deviceId),
        asn := coalesce(properties.autonomousSystemNumber, autonomousSystemNumber),
        session := coalesce(properties.sessionId, sessionId),
        is_sign_in := audit IS NULL
    ) AS record,
    nullif(tenantId, '') AS tenant
FROM whole;

WITH told AS (
    SELECT native, unnest(record) FROM record
),
-- A role is asked for with whose it is and which, and how that ended may be told with neither; the one may have come in an
-- earlier part of the log than the other.
role_record AS (
    SELECT record.correlation AS correlation, record.place AS place, record.body AS body
    FROM record
    WHERE starts_with(native, 'microsoft.authorization/roleassignments/') AND record.correlation <> ''
),
asked AS (
    SELECT correlation, place, CASE WHEN count(DISTINCT body) = 1 THEN any_value(body) END AS asked_body
    FROM (
        SELECT correlation, place, body FROM role_record WHERE body IS NOT NULL
        UNION ALL
        SELECT who, realm, body
        FROM written
        WHERE provider = $provider AND directory IS NOT DISTINCT FROM $directory AND who IN (SELECT correlation FROM role_record)
    )
    GROUP BY ALL
),
field AS (
    SELECT
        native,
        told.*,
        coalesce(body, asked_body) AS whole_body,
        coalesce(try_cast(stamp AS TIMESTAMPTZ), instant(stamp)) AS "time",
        object_id(initiator."user".id) AS by_id,
        lower(nullif(initiator."user".userPrincipalName, '')) AS by_name,
        coalesce(
            object_id(initiator.app.servicePrincipalId), object_id(initiator.app.appId), nullif(initiator.app.displayName, '')
        ) AS by_app,
        coalesce(initiator.app.displayName, initiator."user".displayName, '') AS by_title,
        -- Of Azure's own log: who is given the role, or the administration; else what it was done to.
        nullif(coalesce(
            nullif(regexp_extract(whole_body, '(?i)"(?:principalId|sid)" ?: ?"([^"]+)', 1), ''),
            CASE WHEN NOT regexp_matches(native, '^microsoft.authorization/(roleassignments|elevateaccess)/') THEN coalesce(
                nullif(regexp_extract(place, '/(?:userassignedidentities|storageaccounts|virtualmachines)/([^/]+)', 1), ''), place
            ) END
        ), '') AS of_azure,
        CASE
            WHEN of_azure IS NOT NULL THEN [struct_pack(
                id := of_azure, displayName := CAST(NULL AS VARCHAR), "type" := 'Other', userPrincipalName := CAST(NULL AS VARCHAR),
                modifiedProperties := CAST(NULL AS STRUCT(displayName VARCHAR, oldValue VARCHAR, newValue VARCHAR)[])
            )]
            ELSE coalesce(nullif(list_filter(targets, lambda t: lower(t."type") = 'user'), []), nullif(targets[1:1], []), [NULL])
        END AS users,
        list_filter(targets, lambda t: lower(t."type") = 'role')[1].displayName AS role,
        list_filter(targets, lambda t: lower(t."type") = 'group')[1].displayName AS group_title,
        -- Privileged Identity Management says among its details where a request came from.
        list_filter(details, lambda d: lower(d."key") IN ('ipaddr', 'ipaddress', 'clientip'))[1]."value" AS told_address,
        -- It calls a role by its template's id, where the directory has one for the role and one for the template.
        list_filter(details, lambda d: lower(d."key") = 'templateid')[1]."value" AS template
    FROM told LEFT JOIN asked USING (correlation, place)
),
each_target AS (
    -- A record may name ten thousand: no row carries them all.
    SELECT
        * EXCLUDE (users, targets, details),
        unnest(users) AS "target",
        concat_ws(' ', reason, CAST(details AS VARCHAR)) AS worded
    FROM field
),
named AS (
    SELECT
        -- All that a record says of what was changed, as text.
        concat_ws(' ', worded, CAST("target".modifiedProperties AS VARCHAR)) AS said,
        * REPLACE (coalesce(nullif(id, ''), md5(concat_ws('|', native, stamp, by_id, by_name, "target".id, user_id, correlation))) AS id),
        coalesce(by_id, by_name, by_app, CASE WHEN is_sign_in THEN user_id END, '') AS actor,
        CASE
            WHEN by_id IS NOT NULL OR by_name IS NOT NULL THEN CASE
                WHEN regexp_matches(by_name, '^(sync_|adtoaadsyncserviceaccount|msol_|provisioning)') THEN 'automation'
                WHEN regexp_matches(by_name, '^(fim_password_service|microsoft password reset|azure ad )') THEN 'system'
            END
            WHEN by_app IS NULL THEN NULL
            WHEN by_title = 'Microsoft administrator' THEN 'vendor'
            -- Microsoft's own services write down what a person did through them.
            WHEN regexp_matches(by_title, '(?i)^(microsoft |azure (ad|mfa|ests)|device registration service|windows azure)')
                THEN 'system'
            ELSE 'automation'
        END AS actor_class,
        coalesce(
            object_id("target".id), nullif("target".userPrincipalName, ''),
            -- Who is lifted to administer all of Azure is who asks for it.
            CASE WHEN starts_with(native, 'User has elevated their access') OR native = 'microsoft.authorization/elevateaccess/action' THEN coalesce(by_id, by_name) END, ''
        ) AS target_id,
        lower(nullif("target".userPrincipalName, '')) AS told_name,
        replace(lower("target".id), '-', '') AS bare_id,
        -- The directory puts its id, without dashes, before the name of an account that is deleted.
        CASE WHEN len(bare_id) = 32 AND starts_with(told_name, bare_id) AND told_name[33] <> '@' THEN told_name[33:] ELSE told_name END AS target_name,
        list_transform("target".modifiedProperties, lambda p: struct_pack(
            name := lower(replace(coalesce(p.displayName, ''), ' ', '')),
            -- A value is JSON in a string, and in some records a string of that again.
            old := CASE WHEN json_type(try_cast(p.oldValue AS JSON)) = 'VARCHAR' THEN try_cast(p.oldValue AS JSON)->>'$' ELSE p.oldValue END,
            new := CASE WHEN json_type(try_cast(p.newValue AS JSON)) = 'VARCHAR' THEN try_cast(p.newValue AS JSON)->>'$' ELSE p.newValue END
        )) AS changed
    FROM each_target
),
counted AS (
    SELECT
        * REPLACE (list_transform(changed, lambda p: struct_pack(
            name := p.name, old := coalesce(p.old, ''), new := coalesce(p.new, ''),
            -- A method is known by its kind, an app on a phone and a key by its id; what else is said of one, such as when it
            -- was used, is no change. What has none is told from others by its place.
            before := entries_in(p.name, p.old),
            after := entries_in(p.name, p.new)
        )) AS changed),
        concat_ws(' ', group_title, list_aggregate(list_transform(
            list_filter(changed, lambda p: p.name = 'group.displayname'), lambda p: concat_ws(' ', p.old, p.new)
        ), 'string_agg', ' ')) AS group_named,
        -- The directory tells an application's id by its names alone: whoever has one gives it names, and none at Microsoft's.
        string_split(lower(list_filter(changed, lambda p: p.name = 'actorid.serviceprincipalnames')[1].new), ';') AS app_names,
        list_filter(app_names, lambda n: regexp_full_match(n, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')) AS app_ids,
        CASE WHEN len(app_ids) = 1 AND len(list_filter(app_names, lambda n: n <> app_ids[1] AND NOT regexp_full_match(
            n, 'https://([a-z0-9-]+\.)+(microsoftonline|windowsazure|windows|microsoft)\.(com|net|us|cn)/?'
        ))) = 0 THEN app_ids[1] END AS told_app
    FROM named
),
kinds AS (
    SELECT
        *,
        CASE
            WHEN native = 'Update user' THEN list_distinct(flatten(list_transform(list_filter(list_transform(changed, lambda p: CASE
                WHEN p.name = 'strongauthenticationrequirement' AND regexp_matches(p.old, '"State":[ ]*[12]')
                    AND NOT regexp_matches(p.new, '"State":[ ]*[12]') THEN 'Update user/factors no longer asked'
                WHEN p.name = 'strongauthenticationmethod' AND len(p.before) > 0 AND len(p.after) = 0 THEN 'Update user/all factors removed'
                WHEN p.name IN ('strongauthenticationmethod', 'strongauthenticationphoneappdetail', 'searchabledevicekey') THEN CASE
                    WHEN list_has_all(p.before, p.after) THEN CASE
                        WHEN len(p.after) > len(p.before) THEN 'Update user/factor added'
                        WHEN len(p.after) < len(p.before) OR NOT list_has_all(p.after, p.before) THEN 'Update user/factor removed'
                    END
                    WHEN list_has_all(p.after, p.before) THEN 'Update user/factor added'
                    ELSE 'Update user/factor replaced'
                END
                -- A certificate, or an account of another tenant or of Microsoft's own, that signs in as this one.
                WHEN p.name IN ('certificateuserids', 'authorizationinfo', 'x509authorizationinfo', 'alternativesecurityid', 'alternativesecurityids')
                    AND p.old <> p.new THEN 'Update user/another means'
                -- Whoever has this anchor in the directory that is synchronised has the account.
                WHEN p.name IN ('immutableid', 'onpremisesimmutableid', 'sourceanchor') AND p.old <> p.new THEN 'Update user/another''s account'
                WHEN p.name = 'passwordpolicies' AND p.old <> p.new THEN 'Update user/password policy'
                WHEN regexp_matches(
                    p.name,
                    '^(strongauthenticationuserdetails|alternat(iv)?e(mobile|email|phone).*|othermails?|mobile(phone)?|telephonenumber|mail)$'
                ) AND p.old <> p.new THEN 'Update user/contact'
                WHEN p.name = 'accountenabled' AND contains(lower(p.new), 'true') AND NOT contains(lower(p.old), 'true') THEN 'Update user/enabled'
                WHEN p.name = 'accountenabled' AND contains(lower(p.new), 'false') AND NOT contains(lower(p.old), 'false') THEN 'Update user/disabled'
                WHEN p.name LIKE 'stsrefreshtoken%' THEN 'Update user/tokens no longer valid'
                WHEN p.name = 'userprincipalname' AND p.old <> p.new THEN 'Update user/renamed'
                -- Guests see next to nothing of a directory, members what everybody there does.
                WHEN p.name IN ('usertype', 'targetid.usertype') AND contains(lower(p.old), 'guest') AND contains(lower(p.new), 'member')
                    THEN 'Update user/guest made a member'
                WHEN p.name IN ('passwordprofile', 'forcechangepassword') THEN 'Update user/password to be changed'
            END), lambda k: k IS NOT NULL), lambda k: CASE
                WHEN k = 'Update user/factor replaced' THEN ['Update user/factor removed', 'Update user/factor added'] ELSE [k]
            END)))
            WHEN regexp_matches(native, '^(Admin|User) (registered|updated|deleted) security info')
                AND regexp_matches(said, '(?i)temporary ?access ?pass') THEN [CASE
                    WHEN contains(native, 'deleted') THEN 'security info/temporary access pass deleted'
                    ELSE 'security info/temporary access pass'
                END]
            WHEN native = 'Update per-user multifactor authentication state' THEN [CASE
                -- What it was changed to is not always said: then it could be off.
                WHEN regexp_matches(list_aggregate(list_transform(changed, lambda p: p.new), 'string_agg', ' '), '(?i)enabled|enforced')
                    THEN native || '/enabled'
                ELSE native || '/disabled'
            END]
            -- Roles that Microsoft calls privileged (Owner, Contributor, those of access and of reservations), or none that is told.
            WHEN starts_with(native, 'microsoft.authorization/roleassignments/') THEN [native || CASE
                WHEN regexp_matches(whole_body, '(?i)roleDefinitionId') AND NOT regexp_matches(
                    whole_body, '(?i)roleDefinitions/(8e3af657-a8ff-443c-a75c-2fe8c4bcb635|b24988ac-6180-42a0-ab88-20f7382dd24c'
                    || '|18d7d88d-d35e-4fb5-a5c3-7773c20a72d9|f58310d9-a9f6-439a-9e8d-f62e7b41a168|a8889054-8d42-49c9-bc1c-52486c10e7cd)'
                ) THEN '/other'
                ELSE '/power'
            END]
            -- An extension of a machine that sets the password or the key of whoever administers it.
            WHEN native = 'microsoft.compute/virtualmachines/extensions/write' THEN [native || CASE
                WHEN regexp_matches(concat_ws(' ', place, whole_body), '(?i)vmaccess') THEN '/way in' ELSE '/other'
            END]
            -- A thing's own log is of what is done with it: the tenant's, and Azure's own, are those of a whole subscription.
            WHEN native = 'microsoft.insights/diagnosticsettings/delete' AND regexp_matches(place, '/resourcegroups/')
                AND NOT contains(place, '/microsoft.aad/') THEN [native || '/of a thing']
            -- Of a group its name alone tells whether it lends power, and to no machine.
            WHEN regexp_full_match(native, '(Add|Remove) (member|owner) (to|from) group') THEN [native || CASE
                WHEN lower("target"."type") = 'device' THEN '/other'
                WHEN lends_power(group_named) THEN '/privileged'
                ELSE '/other'
            END]
            WHEN native = 'Add delegated permission grant' THEN [native || CASE
                WHEN len(list_filter(changed, lambda p: p.name LIKE '%consenttype' AND contains(lower(p.new), 'allprincipals'))) > 0
                    THEN '/for everybody'
                ELSE '/one person'
            END]
            -- What a mailbox's mail is opened by is written down for whoever has this plan; it is taken off a licence that was there.
            WHEN native = 'Change user license' THEN [native || CASE
                WHEN len(list_filter(changed, lambda p: regexp_matches(
                    p.new, '(?i)disabledplans[^\]]*(m365_advanced_auditing|2f442157-a11c-46b9-ae5b-6e39ff4e5849)'
                ) AND NOT regexp_matches(
                    p.old, '(?i)disabledplans[^\]]*(m365_advanced_auditing|2f442157-a11c-46b9-ae5b-6e39ff4e5849)'
                ) AND coalesce(
                    list_bool_or(list_transform(
                        regexp_extract_all(p.new, '(?i)skuname=([^,\[\]]+)[^\]]*disabledplans[^\]]*(m365_advanced_auditing|2f442157-a11c-46b9-ae5b-6e39ff4e5849)', 1),
                        lambda sku: contains(lower(p.old), lower(sku))
                    )), contains(lower(p.old), 'disabledplans')
                ))) > 0 THEN '/less logged'
                ELSE '/other'
            END]
            -- Another issuer, on whose word somebody signs in as the application, is no setting like others.
            WHEN native IN ('Update application', 'Update service principal') THEN [native || coalesce(list_transform(
                list_filter(changed, lambda p: p.name = 'federatedidentitycredentials' AND p.old <> p.new),
                -- One is taken off where nothing is left, or all that is left was there before; a text that is cut is neither.
                lambda p: CASE
                    WHEN coalesce(trim(p.new), '') IN ('', 'null', '[]') THEN '/federated credential removed'
                    WHEN list_has_all(
                        list_transform(try_cast(try_cast(p.old AS JSON) AS JSON[]), lambda j: CAST(j AS VARCHAR)),
                        list_transform(try_cast(try_cast(p.new AS JSON) AS JSON[]), lambda j: CAST(j AS VARCHAR))
                    ) THEN '/federated credential removed'
                    ELSE '/federated credential'
                END
            )[1], '/no credential')]
            -- Where codes are sent is a contact point, whoever calls it a method.
            WHEN native = 'Admin registered security info' AND regexp_matches(said, '(?i)phone|e-?mail|sms')
                AND NOT regexp_matches(said, '(?i)microsoft authenticator|phone app')
                THEN ['Admin registered security info/contact']
            ELSE [native]
        END AS natives
    FROM counted
)
SELECT
    id,
    unnest(coalesce(nullif(natives, []), ['Update user/nothing that lets in'])) AS native_action,
    -- Who used a service is told of its records by `sql/join.sql`, which knows what else there is of the click.
    actor,
    CASE
        WHEN is_sign_in THEN list_filter([lower(user_id), lower(user_name)], lambda k: k <> '')
        ELSE list_distinct(list_filter(
            [lower(by_id), by_name, lower(by_app), lower(coalesce(nullif(initiator.app.appId, ''), CASE WHEN by_app IS NOT NULL THEN told_app END))], lambda k: k <> ''
        ))
    END AS actor_keys,
    CASE WHEN is_sign_in THEN coalesce(nullif(user_id, ''), nullif(user_name, ''), '') ELSE target_id END AS "target",
    CASE
        WHEN is_sign_in THEN list_filter([lower(user_id), lower(user_name)], lambda k: k <> '')
        ELSE list_filter(list_distinct([lower(target_id), target_name]), lambda k: k <> '')
    END AS target_keys,
    "time",
    CASE
        WHEN NOT is_sign_in THEN coalesce(nullif(result, ''), 'UNKNOWN')
        WHEN error = 0 THEN 'success'
        ELSE 'error ' || coalesce(CAST(error AS VARCHAR), 'unknown')
    END AS outcome,
    CASE
        WHEN is_sign_in THEN coalesce(error = 0, false)
        ELSE coalesce(lower(result), '') NOT IN (
            'failure', 'failed', 'timeout', 'clienterror', 'servererror', 'error', 'start', 'accept', 'started', 'accepted'
        )
    END AS done,
    -- An address stays text: some are no addresses.
    regexp_replace(
        list_filter([initiator."user".ipAddress, address, caller, told_address], lambda a: a NOT IN ('', '<null>'))[1],
        '^(?:(\d+\.\d+\.\d+\.\d+)|\[(.+)\])(?::\d+)?$', '\1\2'
    ) AS address,
    CAST(NULL AS VARCHAR) AS socket,
    nullif(correlation, '') AS correlation,
    nullif(correlation, '') AS click,
    coalesce(
        CASE
            WHEN actor_class IS NOT NULL THEN false
            -- Nobody is named: the reset page, before it knows who asks, acts for the one it is about.
            WHEN actor = '' THEN regexp_matches(native, '(?i)self-service|^user ')
            ELSE lower(actor) IN (lower(target_id), target_name) OR by_name = target_name
        END, false
    ) AS by_owner,
    actor_class,
    country,
    asn,
    nullif(device, '') AS device,
    nullif(session, '') AS session,
    -- Of a role that is given or taken through Privileged Identity Management there are two records (`sql/echo.sql`). The
    -- directory has no id of the application there; one that it has, in either place, is for `sql/act.sql`.
    CASE
        WHEN regexp_matches(native, '^(Add|Remove) member (to|from) role (in PIM completed [(](permanent|timebound)'
            || '|completed [(]PIM (activation|deactivate)|[(]PIM activation expired)[)]$') THEN 'service'
        WHEN native IN ('Add member to role', 'Remove member from role') AND by_id IS NULL AND by_name IS NULL
            AND lower(initiator.app.displayName) = 'ms-pim' AND coalesce(initiator.app.appId, '') = '' AND app_names IS NULL
            THEN 'directory'
    END AS half,
    lower(nullif(coalesce(template, list_filter(list_transform(
        list_filter(changed, lambda p: p.name = 'role.templateid'), lambda p: trim(coalesce(nullif(p.new, ''), p.old), '" ')
    ), lambda k: k <> '')[1]), '')) AS role_id,
    CASE
        WHEN is_sign_in THEN nullif(app, '')
        -- The role by its id, and over what.
        WHEN starts_with(native, 'microsoft.authorization/roleassignments/') THEN nullif(concat_ws(
            ' ', nullif(regexp_extract(whole_body, '(?i)"roleDefinitionId" ?: ?"[^"]*/([^"/]+)', 1), ''), split_part(place, '/providers/', 1)
        ), '')
        -- The target is whose role it is, such as Microsoft Graph: what may be done, and who may, are in the change.
        WHEN contains(native, 'app role assignment') THEN nullif(list_aggregate(list_transform(
            list_filter(changed, lambda p: p.name IN ('approle.value', 'serviceprincipal.displayname', 'user.userprincipalname')),
            lambda p: trim(coalesce(nullif(p.new, ''), p.old), '"')
        ), 'string_agg', ' '), '')
        WHEN contains(native, ' role') THEN coalesce(
            nullif(trim(list_filter(changed, lambda p: replace(p.name, '.', '') IN ('roledisplayname', 'roledefinitiondisplayname'))[1].new, '"'), ''),
            role
        )
        WHEN ends_with(native, ' group') THEN coalesce(nullif(trim(group_named, ' "'), ''), nullif(reason, ''))
        WHEN native = 'Update user' THEN list_aggregate(list_transform(changed, lambda p: p.name), 'string_agg', ', ')
        ELSE coalesce(nullif(reason, ''), CASE WHEN lower("target"."type") <> 'user' THEN nullif("target".displayName, '') END)
    END AS detail
FROM kinds
