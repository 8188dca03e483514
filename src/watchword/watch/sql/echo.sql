-- native -> native: where two services write down one act, the directory's record goes into the click of the other.
-- A role that is taken up in Privileged Identity Management, or given or taken through it, has its own record of it, and
-- some seconds before or after one of the directory's, as done by `MS-PIM` (no id of the application, and another
-- correlation). A title proves nothing of who it is; that PIM says the same of the same account and role does. So the
-- record that is judged is PIM's. It answers for one of the directory's, the nearest, where it is the nearest to that one
-- too: whatever the order they come in, nobody else's goes with them.
UPDATE native SET
    actor = found.actor, actor_keys = found.actor_keys, actor_class = found.actor_class, by_owner = found.by_owner,
    -- As the second record of that click: the first says who and when.
    click = found.click, "time" = found."time" + INTERVAL 1 MICROSECOND
FROM (
    WITH told AS (
        SELECT DISTINCT ON (provider, directory, id, native_action, "target", "time")
            provider, directory, id, native_action, "action", actor, actor_keys, actor_class, by_owner, click, "target", "time",
            half, role_id, detail
        FROM native
        WHERE half IS NOT NULL AND done AND "target" <> '' AND click IS NOT NULL
            AND "time" BETWEEN TIMESTAMPTZ '1970-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-01-01 00:00:00+00'
        ORDER BY actor, click
    ),
    near AS (
        SELECT
            service.*, directory.id AS echo_id, directory.native_action AS echo_action, directory."time" AS echo_time,
            row_number() OVER (
                PARTITION BY service.directory, service.id, service.native_action, service."target", service."time"
                ORDER BY abs(epoch_us(directory."time") - epoch_us(service."time")), directory."time", directory.id
            ) AS of_service,
            row_number() OVER (
                PARTITION BY service.directory, directory.id, directory.native_action, service."target", directory."time"
                ORDER BY abs(epoch_us(directory."time") - epoch_us(service."time")), service."time", service.id
            ) AS of_directory
        FROM told AS service
        JOIN told AS directory
            ON directory."target" = service."target" AND directory.provider = service.provider
            AND directory.directory IS NOT DISTINCT FROM service.directory
            AND directory."action" = service."action"
            AND directory."time" BETWEEN service."time" - INTERVAL 2 MINUTES AND service."time" + INTERVAL 2 MINUTES
            -- A role of one's own may have another's name.
            AND coalesce(directory.role_id = service.role_id, directory.detail = service.detail)
        WHERE service.half = 'service' AND directory.half = 'directory'
    )
    FROM near WHERE of_service = 1 AND of_directory = 1
) AS found
-- That very record, also as an older version kept it, without what is told here of its half.
WHERE native.provider = found.provider AND native.directory IS NOT DISTINCT FROM found.directory
    AND native.id = found.echo_id AND native.native_action = found.echo_action AND native."target" = found."target"
    AND native."time" = found.echo_time
