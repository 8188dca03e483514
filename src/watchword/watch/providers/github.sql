SELECT
    CASE
        WHEN "action" IS NULL THEN NULL
        -- Hundreds of actions are about code: they count by their category.
        WHEN regexp_matches(lower("action"), '^(repo|repository|pull_request|protected_branch|git|workflows|packages|issue|issues'
            || '|discussion|milestone|project|gist|team_discussions|codespaces|copilot|dependabot|secret_scanning|code_scanning'
            || '|environment|hook|merge_queue|pages|marketplace|billing|sponsors|checks|commit_comment|profile_picture'
            || '|repository_[a-z_]+|dependabot_[a-z_]+|secret_scanning_[a-z_]+|dependency_graph[a-z_]*|advisory_credit'
            || '|pull_request_[a-z_]+|codespaces_[a-z_]+|issue_comment|network_configuration|actions_cache|artifact|required_status_check|api'
            || '|commit_status|deployment|issue_type|discussion_[a-z_]+|exemption_request|fork|marketplace_[a-z_]+|models|organization_(default_)?label'
            || '|billing_customer|sub_issues|issue_dependencies|pages_protected_domain|prebuild_configuration|project_[a-z_]+|release|tag|vulnerability_alert_rule|workflow_run'
            -- So do settings of an organization or an enterprise.
            || '|account|(forbid_)?auto_approve_personal_access_token_requests|(business|org)_(advanced_security|secret_scanning|dependabot)[a-z_]*'
            || '|custom_property_[a-z]+|dotcom_connection|enterprise|enterprise_(announcement|domain|installation|server_support|team)'
            || '|external_group|((self|custom|github)_)?hosted_runner|premium_runner|mcp_registry|metered_billing_configuration|sandbox'
            || '|organization_custom_property_[a-z]+|organization_wide_project_base_role|private_vulnerability_reporting[a-z_]*'
            || '|members_can_[a-z_]+|migration|organization_(domain|moderators|projects_change)|payment_method|private_instance_registration'
            || '|private_repository_forking|restrict_notification_delivery|runner_group|security_center|security_configuration[a-z_]*|ssh_certificate_[a-z]+|sso_lockdown|sso_redirect'
            || '|successor_invitation|team_group_mapping|team_sync_tenant|user_content_edit|user_license|user_status)\.')
            THEN regexp_extract(lower("action"), '^[^.]+') || '.*'
        -- And families of an organization's or an enterprise's own actions that say what members may do, and what code is looked for.
        WHEN regexp_matches(lower("action"), '^(org|business)\.(config\.|members_can_update_protected_branches\.|advanced_security|allow_third_party'
            || '|billing_|clear_(actions|custom|default|members)|code_(quality|scanning|security)|codeql|codespaces|config_|configure_|connect_usage'
            || '|(create|remove|update)_(actions|integration)_|delete_custom_image|dependabot|(dis|en)able_(member_team|reader_discussion)'
            || '|display_commenter|enterprise_server_|github_models|members_limit|organizations_limit|enterprise_teams_limit|rate_limited|register_self_hosted|remove_self_hosted'
            || '|required_workflow|runner_group|secret_(protection|scanning)|security_center|self_hosted|set_(actions|custom|default_workflow|fork_pr|workflow)|trial_|(cancel|convert|create|expire)_trial'
            || '|update_(custom_images|default_repository|emu_repo|immutable|member_repository|members_can|new_repository|repo_|terms|unaffiliated))')
            THEN regexp_extract(lower("action"), '^[^.]+') || '/setting'
        ELSE lower("action")
    END AS native,
    CAST(instant(coalesce(said("@timestamp"), said(at_sign_timestamp), created_at)) AS VARCHAR) AS stamp,
    struct_pack(
        -- The server puts what is not of every entry under `data`.
        id := coalesce(said(_document_id), "data" ->> '$._document_id'),
        "time" := coalesce(said("@timestamp"), said(at_sign_timestamp), created_at), actor := actor, actor_id := actor_id,
        "user" := coalesce(said("user"), "data" ->> '$.user'), user_id := coalesce(said(user_id), "data" ->> '$.user_id'),
        address := actor_ip, bot := actor_is_bot, place := coalesce(actor_location, "data" -> '$.actor_location'),
        external := coalesce(said(external_identity_nameid), external_identity_username), org := org,
        business := coalesce(said(business), "data" ->> '$.business'), request := coalesce(said(request_id), "data" ->> '$.request_id'),
        agent := coalesce(said(user_agent), "data" ->> '$.user_agent'), access := programmatic_access_type,
        permission := coalesce(said(permission), "data" ->> '$.permission'),
        old_permission := coalesce(said(old_permission), "data" ->> '$.old_permission'),
        name := coalesce(said(role_name), said("name"), "data" ->> '$.name'), team := coalesce(said(team), "data" ->> '$.team'),
        token := coalesce(said(token_id), hashed_token),
        app := coalesce(said(application_name), said(title), "data" ->> '$.application_name', "data" ->> '$.title'),
        repo := coalesce(said(repo), "data" ->> '$.repo')
    ) AS record,
    coalesce(nullif(business, ''), nullif(org, '')) AS tenant
FROM log;

WITH field AS (
    SELECT
        native,
        record.id AS id,
        instant(record."time") AS "time",
        said(record.actor) AS actor,
        -- A table that has an id as a number with a fraction says 12.0 of 12.
        regexp_replace(said(record.actor_id), '^(\d+)\.0$', '\1') AS actor_id,
        said(record."user") AS "user",
        regexp_replace(said(record.user_id), '^(\d+)\.0$', '\1') AS user_id,
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
        said(record.app) AS app,
        said(record.repo) AS repo,
        coalesce(starts_with(native, 'public_key.') AND repo IS NOT NULL, false) AS of_repository
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
            -- Of a team its name alone tells whether it lends power: a role may be the whole team's.
            WHEN native IN ('team.add_member', 'team.remove_member') THEN CASE
                WHEN lends_power(regexp_extract(coalesce(team, name), '[^/]*$'))
                    OR regexp_matches(regexp_extract(coalesce(team, name), '[^/]*$'), '(?i)owner|security.?manag')
                    THEN ' privileged'
                ELSE ' other'
            END
            ELSE ''
        END AS native_action,
        -- These are about a member: whom the line names, or else who acts.
        regexp_matches(native, '^(user|two_factor_authentication|two_factor_account_recovery|account_recovery_token|social_identity|public_key'
            || '|passkey|user_email|user_session|oauth_access|oauth_authorization|personal_access_token|security_key|trusted_device|mobile_device'
            || '|sso_redirect)\.')
            -- What tokens have to be like is the organization's, and a key of a repository is the repository's.
            AND NOT regexp_matches(native, '^personal_access_token\.(access_restriction|auto_approve|expiration_limit)_')
            AND NOT of_repository AS on_member
    FROM field
),
told AS (
    SELECT
        *,
        on_member AND "user" IS NULL AND coalesce(user_id = actor_id, true) AS on_self,
        -- One of whom only the number is told.
        CASE WHEN on_member AND "user" IS NULL THEN user_id END AS numbered
    FROM named
),
placed AS (
    SELECT
        *,
        CASE
            WHEN on_self THEN actor
            WHEN of_repository THEN repo
            ELSE coalesce("user", external, numbered, team, org, business)
        END AS whom,
        CASE
            WHEN on_self THEN actor_id
            WHEN of_repository THEN NULL
            WHEN "user" IS NOT NULL THEN user_id
            ELSE numbered
        END AS whom_id
    FROM told
)
SELECT
    coalesce(said(id), md5(concat_ws('|', native_action, "time", actor, whom, request, token))) AS id,
    native_action,
    coalesce(actor, actor_id, '') AS actor,
    names_of(list_filter([lower(actor), actor_id], lambda k: k <> '')) AS actor_keys,
    coalesce(whom, whom_id, '') AS "target",
    names_of(list_filter([
        lower(whom), whom_id, CASE WHEN NOT of_repository AND ("user" IS NOT NULL OR on_self) THEN lower(external) END
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
        ELSE on_self OR NOT of_repository AND lower(actor) = lower("user")
    END, false) AS by_owner,
    CASE
        -- On a server of one's own, a site administrator is staff, and named.
        WHEN lower(actor) IN ('github-staff', 'github staff', 'github support') OR starts_with(native, 'staff.') AND actor IS NULL
            THEN 'vendor'
        WHEN is_bot OR actor LIKE '%[bot]' OR lower(actor) IN ('github-actions', 'dependabot') THEN 'automation'
        WHEN regexp_matches(access, '(?i)server-to-server|installation|deploy key|github app') THEN 'automation'
        WHEN lower(actor) IN ('github', 'ghost', 'system') THEN 'system'
    END AS actor_class,
    country,
    CAST(NULL AS VARCHAR) AS session,
    coalesce(permission, name, app, team, token) AS detail
FROM placed
