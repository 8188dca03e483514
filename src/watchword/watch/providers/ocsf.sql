WITH whole AS (
    SELECT
        *,
        coalesce(class_uid, type_uid // 100) AS class,
        coalesce(activity_id, type_uid % 100) AS activity,
        -- Milliseconds since 1970, or text where a writer keeps to its own.
        coalesce(
            CASE WHEN regexp_matches("time", '^\d{9,16}$') THEN CAST(make_timestamptz(
                CASE WHEN length("time") <= 10 THEN CAST("time" AS BIGINT) * 1000000
                    WHEN length("time") <= 13 THEN CAST("time" AS BIGINT) * 1000 ELSE CAST("time" AS BIGINT) END
            ) AS VARCHAR) END,
            nullif(time_dt, ''), "time", metadata.original_time
        ) AS stamp
    FROM log
)
SELECT
    CASE
        -- AWS' own calls, and what Okta and GitHub say more of, which their own providers read.
        WHEN class IS NULL OR (
            (
                class IN (6003, 5001, 3002)
                OR class // 1000 = 3 AND (starts_with(api.request."data", '{') OR json_type(identity) = 'OBJECT')
            ) AND regexp_full_match(
                api.service.name || '/' || api.operation,
                '(iam|signin|sso|sso-directory|identitystore|identitystore-scim|cognito-idp)[.]amazonaws[.]com/.*'
                || '|sts[.]amazonaws[.]com/AssumeRoot|ec2[.]amazonaws[.]com/(Associate|Disassociate|Replace)IamInstanceProfile.*'
                || '|logs[.]amazonaws[.]com/DeleteLogGroup|s3[.]amazonaws[.]com/(DeleteBucket|PutBucketLifecycle(Configuration)?)'
                || '|(account|cloudtrail|cognito-identity|ds|ds-data|eks|elasticache|es|fsx|glue|lightsail|memorydb|mq|organizations|rds'
                || '|redshift|redshift-serverless|rolesanywhere|securitylake|transfer|workmail)[.]amazonaws[.]com'
                || '/(Accept|Add|Assoc|Assume|Attach|Change|Close|Create|Delete|Dereg|Detach|Disa|Enable|Import|Invite|Leave|Modify|Move'
                || '|Put|Register|Remove|Reset|Rotate|Set|Stop|Update).*'
                || '|[a-z0-9-]+[.]amazonaws[.]com/((Set|Reset|Change|Update|Rotate)[A-Za-z]*Password'
                || '|(Create|Update|Modify|Delete|Register|Deregister|Attach|Detach)[A-Za-z]*(IdentityProvider|IdentitySource'
                || '|TrustProvider|SamlProperties|CertificateBasedAuth|WorkspaceAuthentication|OidcConfig|IdpConfig)[A-Za-z]*)',
                's'
            )
        ) OR (
            regexp_full_match(metadata.event_code, '[a-z][a-z_]*([.][a-z0-9_]+)+')
            AND regexp_matches(lower(metadata.product.vendor_name), '^(okta|github)')
        ) THEN NULL
        WHEN class // 1000 <> 3 THEN 'category ' || (class // 1000)
        WHEN activity = 99 THEN class || '/99 ' || coalesce(lower(activity_name), '')
        ELSE class || '/' || coalesce(activity, 0)
    END AS native,
    stamp,
    struct_pack(
        stamp := stamp, id := metadata.uid, correlation := metadata.correlation_uid, actor := actor."user",
        app := actor.app_name, session := coalesce(session.uid, actor.session.uid), "user" := "user", result := user_result,
        address := src_endpoint.ip, country := src_endpoint."location".country,
        asn := src_endpoint.autonomous_system.number, device := coalesce(device.uid, src_endpoint.uid),
        status_id := status_id, status := coalesce(status, status_code), privileges := privileges, policy := policy.name,
        factors := list_transform(auth_factors, lambda f: f.factor_type), is_sign_in := class = 3002,
        -- Okta says of a lock how the sign-in ended that led to it: the lock itself is done, and by nobody's own hand.
        is_lock := coalesce(metadata.event_code IN ('user.account.lock', 'user.account.lock.limit'), false)
    ) AS record,
    nullif(metadata.tenant_uid, '') AS tenant
FROM whole;

WITH field AS (
    SELECT native, unnest(record), try_cast(record.stamp AS TIMESTAMPTZ) AS "time" FROM record
),
named AS (
    SELECT
        *,
        coalesce(
            nullif(actor.uid, ''), nullif(actor.email_addr, ''), nullif(actor.name, ''), nullif(app, ''),
            CASE WHEN is_sign_in THEN coalesce("user".uid, "user".email_addr, "user".name) END, ''
        ) AS who,
        list_distinct(list_filter([lower(actor.uid), lower(actor.uid_alt), lower(actor.email_addr)], lambda k: k <> ''))
        || list_transform(
            list_distinct(list_filter([
                lower(actor.name), CASE WHEN actor."domain" <> '' AND actor.name <> '' THEN lower(actor."domain" || '\' || actor.name) END
            ], lambda k: (k <> '' AND k IS DISTINCT FROM lower(actor.uid) AND k IS DISTINCT FROM lower(actor.email_addr)))),
            -- An id is of one account, and a name of one in each domain.
            lambda k: CASE WHEN actor.uid <> '' AND NOT contains(k, '@') THEN 'name:' ELSE '' END || k
        ) AS who_keys,
        coalesce(nullif("user".uid, ''), nullif("user".email_addr, ''), nullif("user".name, ''), '') AS whom,
        list_distinct(list_filter([
            lower("user".uid), lower("user".uid_alt), lower("user".email_addr), lower("user".name),
            CASE WHEN "user"."domain" <> '' AND "user".name <> '' THEN lower("user"."domain" || '\' || "user".name) END
        ], lambda k: k <> '')) AS whom_keys
    FROM field
)
SELECT
    coalesce(nullif(id, ''), md5(concat_ws('|', native, stamp, who, whom, address))) AS id,
    CASE
        WHEN native <> '3007/2' THEN native
        WHEN (coalesce(result.email_addr, "user".email_addr) <> "user".email_addr) IS TRUE
            OR (coalesce(result.phone_number, "user".phone_number) <> "user".phone_number) IS TRUE THEN '3007/2 contact'
        ELSE '3007/2 nothing that lets in'
    END AS native_action,
    who AS actor,
    CASE WHEN len(who_keys) = 0 AND who <> '' THEN [lower(who)] ELSE who_keys END AS actor_keys,
    whom AS "target",
    whom_keys AS target_keys,
    "time",
    upper(coalesce(nullif(status, ''), CASE status_id WHEN 1 THEN 'success' WHEN 2 THEN 'failure' ELSE 'unknown' END)) AS outcome,
    is_lock OR (coalesce(status_id, 1) <> 2 AND coalesce(lower(status), '') NOT IN ('failure', 'failed')) AS done,
    -- Writers who map Windows leave its dash for nothing.
    nullif(nullif(address, ''), '-') AS address,
    CAST(NULL AS VARCHAR) AS socket,
    nullif(correlation, '') AS correlation,
    nullif(correlation, '') AS click,
    NOT is_lock AND is_one_of(
        coalesce(nullif(actor.uid, ''), actor.uid_alt), coalesce(nullif("user".uid, ''), "user".uid_alt),
        actor."domain", "user"."domain", actor.name, "user".name, actor.email_addr, "user".email_addr
    ) AS by_owner,
    -- OCSF's user types: 3 System, 4 Service.
    CASE
        WHEN actor.type_id = 3 THEN 'system'
        WHEN actor.type_id = 4 OR (len(who_keys) = 0 AND app <> '' AND NOT is_sign_in) THEN 'automation'
    END AS actor_class,
    nullif(country, '') AS country,
    asn,
    nullif(device, '') AS device,
    nullif(session, '') AS session,
    coalesce(nullif(policy, ''), nullif(list_aggregate(factors, 'string_agg', ', '), ''), nullif(list_aggregate(privileges, 'string_agg', ', '), '')) AS detail
FROM named
