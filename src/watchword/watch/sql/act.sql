-- native -> native: who acted, where a service says so of itself.
-- Entra's services write down what a person did through them; the person's own record of that click may be in another
-- file, or come later: who acted is the person, whichever file says so.
UPDATE native SET
    actor = found.actor, actor_keys = found.actor_keys, actor_class = NULL, by_owner = found.by_owner,
    "action" = coalesce(found."action", native."action")
FROM (
    SELECT
        service.rowid AS row,
        max_by(person.actor, person."time") AS actor, max_by(person.actor_keys, person."time") AS actor_keys,
        max_by(person.by_owner, person."time") AS by_owner,
        max_by(CASE WHEN person.by_owner THEN catalogue.by_owner ELSE catalogue.canonical END, person."time") AS "action"
    FROM native AS service
    JOIN native AS person
        ON person.click = service.click AND person."target" = service."target" AND person.provider = service.provider
        AND person.directory IS NOT DISTINCT FROM service.directory
        AND person.actor_class IS NULL AND person.actor <> ''
    JOIN catalogue ON catalogue.provider = service.provider AND catalogue.native = service.native_action
    WHERE service.provider = 'entra' AND service.actor_class IN ('system', 'automation')
    GROUP BY service.rowid
) AS found
WHERE native.rowid = found.row
