SELECT
    CASE
        WHEN "action" IS NULL THEN NULL
        -- Hundreds of actions are about code: they count by their category.
        WHEN regexp_matches(lower("action"), '^(repo|repository|pull_request|protected_branch|git|workflows|packages|issue|issues'
            || '|discussion|milestone|project|gist|team_discussions|codespaces|copilot|dependabot|secret_scanning|code_scanning'
            || '|environment|hook|merge_queue|pages|marketplace|billing|sponsors|checks|commit_comment|profile_picture'
            || '|repository_[a-z_]+|dependabot_[a-z_]+|secret_scanning_[a-z_]+|dependency_graph[a-z_]*|advisory_credit'
            || '|pull_request_[a-z_]+|codespaces_[a-z_]+|issue_comment|network_configuration|actions_cache|artifact|required_status_check|api'
            || '|commit_status|deployment|discussion_[a-z_]+|exemption_request|fork|marketplace_[a-z_]+|models|organization_(default_)?label'
            || '|billing_customer|sub_issues|issue_dependencies|pages_protected_domain|prebuild_configuration|project_[a-z_]+|release|tag|vulnerability_alert_rule|workflow_run'
            -- So do settings of an organization or an enterprise.
            || '|account|auto_approve_personal_access_token_requests|(business|org)_(advanced_security|secret_scanning|dependabot)[a-z_]*'
            || '|custom_property_[a-z]+|dotcom_connection|enterprise_(domain|installation|server_support)|external_group|(self_)?hosted_runner'
            || '|members_can_[a-z_]+|migration|organization_(domain|moderators|projects_change)|payment_method|private_instance_registration'
            || '|private_repository_forking|restrict_notification_delivery|runner_group|security_center|ssh_certificate_[a-z]+|sso_redirect'
            || '|successor_invitation|team_sync_tenant|user_license|user_status)\.')
            THEN regexp_extract(lower("action"), '^[^.]+') || '.*'
        ELSE lower("action")
    END AS native,
    CAST(instant(coalesce(said("@timestamp"), said(at_sign_timestamp), created_at)) AS VARCHAR) AS stamp,
    struct_pack(
        id := _document_id, "time" := coalesce(said("@timestamp"), said(at_sign_timestamp), created_at), actor := actor, actor_id := actor_id,
        "user" := "user", user_id := user_id, address := actor_ip, bot := actor_is_bot, place := actor_location,
        external := coalesce(said(external_identity_nameid), external_identity_username), org := org,
        business := business, request := request_id, agent := user_agent, access := programmatic_access_type,
        permission := permission, old_permission := old_permission, name := coalesce(said(role_name), "name"),
        team := team, token := coalesce(said(token_id), hashed_token), app := coalesce(said(application_name), title),
        more := data
    ) AS record
FROM log;

WITH field AS (
    SELECT
        native,
        record.id AS id,
        instant(record."time") AS "time",
        said(record.actor) AS actor,
        said(record.actor_id) AS actor_id,
        said(coalesce(said(record."user"), record.more ->> '$.user')) AS "user",
        said(coalesce(said(record.user_id), record.more ->> '$.user_id')) AS user_id,
        said(record.external) AS "external",
        address_in(record.address) AS address,
        lower(record.bot) = 'true' AS is_bot,
        said(CASE WHEN json_type(record.place) = 'VARCHAR' THEN record.place ->> '$' ELSE record.place ->> '$.country_code' END)
            AS country,
        said(record.org) AS org,
        said(record.business) AS business,
        said(record.request) AS request,
        record.agent AS agent,
        said(record.access) AS access,
        lower(said(record.permission)) AS permission,
        lower(said(record.old_permission)) AS old_permission,
        said(record.name) AS name,
        said(record.team) AS team,
        said(record.token) AS token,
        said(record.app) AS app
    FROM record
),
named AS (
    SELECT
        *,
        native || CASE
            -- More power or less: `admin` (an owner) is all of it.
            WHEN native IN ('org.update_member', 'business.update_member_role', 'org.add_member', 'org.invite_member') THEN CASE
                WHEN permission IN ('admin', 'owner', 'billing_manager') THEN ' owner'
                WHEN old_permission IN ('admin', 'owner') THEN ' no owner'
                -- That a role was changed, and nothing of which: it could be that of an owner.
                WHEN native = 'org.update_member' AND coalesce(permission, old_permission) IS NULL THEN ' owner'
                ELSE ' member'
            END
            ELSE ''
        END AS native_action,
        -- Of these the actor is who it is about, whether or not the line says so again.
        regexp_matches(native, '^(user|two_factor_authentication|public_key|passkey|user_email|user_session|oauth_access|oauth_authorization|personal_access_token|security_key|trusted_device|mobile_device|sso_redirect)\.')
            AND "user" IS NULL AS on_self
    FROM field
),
placed AS (
    SELECT
        *,
        CASE WHEN on_self THEN actor ELSE coalesce("user", external, team, org, business) END AS whom,
        CASE WHEN on_self THEN actor_id WHEN "user" IS NOT NULL THEN user_id END AS whom_id
    FROM named
)
SELECT
    coalesce(said(id), md5(concat_ws('|', native_action, "time", actor, whom, request, token))) AS id,
    native_action,
    coalesce(actor, actor_id, '') AS actor,
    names_of(list_filter([lower(actor), actor_id], lambda k: k <> '')) AS actor_keys,
    coalesce(whom, whom_id, '') AS "target",
    names_of(list_filter([
        lower(whom), whom_id, CASE WHEN "user" IS NOT NULL OR on_self THEN lower(external) END
    ], lambda k: k <> '')) AS target_keys,
    "time",
    CASE WHEN regexp_matches(native, 'fail') THEN 'FAILURE' ELSE 'SUCCESS' END AS outcome,
    NOT regexp_matches(native, 'fail') AS done,
    address,
    CAST(NULL AS VARCHAR) AS socket,
    request AS correlation,
    request AS click,
    -- A login is given to another once it is free, and a team may be called like a member.
    coalesce(CASE
        WHEN actor_id IS NOT NULL AND whom_id IS NOT NULL THEN actor_id = whom_id
        ELSE on_self OR lower(actor) = lower("user")
    END, false) AS by_owner,
    CASE
        WHEN starts_with(native, 'staff.') OR lower(actor) IN ('github-staff', 'github support') THEN 'vendor'
        WHEN is_bot OR actor LIKE '%[bot]' OR lower(actor) IN ('github-actions', 'dependabot') THEN 'automation'
        WHEN regexp_matches(access, '(?i)server-to-server|installation|deploy key|github app') THEN 'automation'
        WHEN lower(actor) IN ('github', 'ghost', 'system') THEN 'system'
    END AS actor_class,
    country,
    CAST(NULL AS VARCHAR) AS session,
    coalesce(permission, name, app, team, token) AS detail
FROM placed
