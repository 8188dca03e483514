-- native -> native: who acted, where a service says so of itself.
-- Microsoft's own services write down what a person did through them; the person's own record of that click may be in
-- another file, or come later. Whose the service's record is, the person's of the same seconds and the same kind says.
-- An application is Microsoft's by its id: its title is whatever a tenant calls it, but where the log gives no id at all,
-- as it does of what no tenant has. The page and the directory may each give one click an id of their own: what is known
-- by its id alone is joined without.
UPDATE native SET
    actor = found.actor, actor_keys = found.actor_keys, actor_class = NULL, by_owner = found.by_owner, click = found.click,
    address = coalesce(native.address, found.address),
    "action" = coalesce(found."action", native."action")
FROM (
    SELECT
        service.rowid AS row, person.actor, person.actor_keys, person.by_owner, person.click, person.address,
        CASE WHEN person.by_owner THEN catalogue.by_owner ELSE catalogue.canonical END AS "action"
    FROM native AS service
    JOIN native AS person
        -- Of no account, only in one click; as one key, for all of no account would be held against each other.
        ON coalesce(nullif(person."target", ''), person.click) = coalesce(nullif(service."target", ''), service.click)
        AND person."target" = service."target" AND person.provider = service.provider
        AND person.directory IS NOT DISTINCT FROM service.directory
        AND person.actor_class IS NULL AND person.actor <> ''
        AND person."time" BETWEEN service."time" - INTERVAL 10 SECONDS AND service."time" + INTERVAL 10 SECONDS
    JOIN kind AS its ON its."action" = service."action"
    JOIN kind AS theirs ON theirs."action" = person."action" AND theirs.family = its.family
    JOIN catalogue ON catalogue.provider = service.provider AND catalogue.native = service.native_action
    WHERE service.provider = 'entra' AND service.actor_class IN ('system', 'automation') AND (
        list_has_any(service.actor_keys, [
            -- Password reset (and in the government's cloud), strong authentication, device registration, configuration of
            -- credentials, My Sign-Ins, Privileged Identity Management.
            '93625bc8-bfe2-437a-97e0-3d0060024faa', '2e5ecfc8-ea79-48bd-8140-c19324acb278',
            'b5a60e17-278b-4c92-a4e2-b9262e66bb28',
            '01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9', 'ea890292-c8c8-4433-b5ea-b09d0668e1a6',
            '19db86c3-b2b9-44cc-b339-36da233a3be2', '01fc33a7-78ba-4d2f-a4b7-768e336e890e', 'fim_password_service' || '@support.onmicrosoft.com'
        ])
        OR person.click = service.click AND service.actor_keys IN (
            ['microsoft password reset service'], ['azure mfa strongauthenticationservice'], ['device registration service']
        )
    )
    QUALIFY row_number() OVER (
        PARTITION BY service.rowid
        ORDER BY person.click IS DISTINCT FROM service.click, abs(epoch_us(person."time") - epoch_us(service."time")), person.id, person.native_action
    ) = 1
) AS found
WHERE native.rowid = found.row
