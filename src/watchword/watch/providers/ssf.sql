SELECT
    -- What a credential is, and what became of it, decides what happened to the account. A token is to have one event:
    -- those of one that has several are named below.
    CASE
        WHEN jti IS NULL THEN NULL
        WHEN coalesce(len(map_keys(events)), 0) = 0 THEN 'no event'
        WHEN len(map_keys(events)) > 1 THEN 'several events'
        -- RFC 9967: what is provisioned may be a group.
        WHEN starts_with(map_keys(events)[1], 'urn:ietf:params:scim:event:prov:') AND contains(lower(sub_id.uri), '/groups/') THEN 'scim group'
        ELSE regexp_replace(map_keys(events)[1], '^https://schemas\.openid\.net/secevent/', '')
            || CASE WHEN ends_with(map_keys(events)[1], '/caep/event-type/credential-change') THEN
                CASE
                    WHEN lower(map_values(events)[1] ->> '$.credential_type') IN ('password', 'pin') THEN ' password'
                    WHEN lower(map_values(events)[1] ->> '$.credential_type') = 'all_factors' THEN ' factors'
                    ELSE ' factor'
                END
                || CASE lower(map_values(events)[1] ->> '$.change_type')
                    WHEN 'create' THEN ' created' WHEN 'revoke' THEN ' revoked' WHEN 'delete' THEN ' deleted' ELSE ' updated'
                END
            ELSE '' END
    END AS native,
    CAST(instant(CAST(iat AS VARCHAR)) AS VARCHAR) AS stamp,
    struct_pack(jti := jti, iss := iss, iat := iat, txn := txn, sub_id := sub_id, events := events) AS record,
    nullif(iss, '') AS tenant
FROM log;

WITH each_event AS (
    SELECT record, unnest(map_entries(record.events)) AS entry
    FROM record
),
field AS (
    SELECT
        record.jti AS jti,
        record.iss AS issuer,
        record.txn AS txn,
        -- A subject is a simple identifier, several for the same, or a complex one whose user is meant.
        CASE
            WHEN record.sub_id."user" IS NOT NULL THEN coalesce(nullif(record.sub_id."user".identifiers, []), [struct_pack(
                format := record.sub_id."user".format, email := record.sub_id."user".email, iss := record.sub_id."user".iss,
                sub := record.sub_id."user".sub, id := record.sub_id."user".id,
                phone_number := record.sub_id."user".phone_number, uri := record.sub_id."user".uri, url := record.sub_id."user".url
            )])
            ELSE coalesce(nullif(record.sub_id.identifiers, []), [struct_pack(
                format := record.sub_id.format, email := record.sub_id.email, iss := record.sub_id.iss,
                sub := record.sub_id.sub, id := record.sub_id.id, phone_number := record.sub_id.phone_number,
                uri := record.sub_id.uri, url := record.sub_id.url
            )])
        END AS subjects,
        record.sub_id.device.sub AS device,
        record.sub_id.session.id AS session,
        regexp_replace(entry."key", '^https://schemas\.openid\.net/secevent/', '') AS kind,
        entry."value" AS claims,
        instant(CAST(record.iat AS VARCHAR)) AS issued,
        len(map_keys(record.events)) AS many
    FROM each_event
),
named AS (
    SELECT
        *,
        lower(claims ->> '$.initiating_entity') AS initiator,
        lower(claims ->> '$.change_type') AS change,
        lower(claims ->> '$.credential_type') AS credential,
        -- Seconds by the text of CAEP; some transmitters write milliseconds.
        instant(claims ->> '$.event_timestamp') AS stamped,
        -- Transmitters of drafts before the final text name the subject within the event.
        coalesce(claims -> '$.subject.user', claims -> '$.subject') AS told
    FROM field
),
called AS (
    SELECT
        *,
        coalesce(
            nullif(list_filter(flatten(list_transform(subjects, lambda i: [
                i.sub, i.email, i.id, regexp_replace(i.uri, '^acct:', ''), i.url, i.phone_number
            ])), lambda k: k <> ''), []),
            list_filter([told ->> '$.sub', told ->> '$.email', told ->> '$.id', told ->> '$.phone_number'], lambda k: k <> '')
        ) AS names
    FROM named
)
SELECT
    jti || CASE WHEN many > 1 THEN '/' || kind ELSE '' END AS id,
    kind || CASE
        WHEN kind = 'caep/event-type/credential-change' THEN
            CASE WHEN credential IN ('password', 'pin') THEN ' password' WHEN credential = 'all_factors' THEN ' factors' ELSE ' factor' END
            || CASE change WHEN 'create' THEN ' created' WHEN 'revoke' THEN ' revoked' WHEN 'delete' THEN ' deleted' ELSE ' updated' END
        ELSE ''
    END AS native_action,
    CASE WHEN initiator = 'user' THEN coalesce(names[1], '') ELSE coalesce(initiator, '') END AS actor,
    CASE WHEN initiator = 'user' THEN names_of(list_transform(names, lambda k: lower(k))) ELSE [] END AS actor_keys,
    coalesce(names[1], '') AS target,
    names_of(list_transform(names, lambda k: lower(k))) AS target_keys,
    coalesce(stamped, issued) AS "time",
    'SUCCESS' AS outcome,
    true AS done,
    CAST(NULL AS VARCHAR) AS address,
    CAST(NULL AS VARCHAR) AS socket,
    txn AS correlation,
    txn AS click,
    coalesce(initiator = 'user', false) AS by_owner,
    CASE WHEN initiator IN ('system', 'policy') THEN 'system' END AS actor_class,
    device,
    session,
    nullif(concat_ws(' ', credential, claims ->> '$.friendly_name', claims ->> '$.reason', claims ->> '$.new-value'), '') AS detail
FROM called
