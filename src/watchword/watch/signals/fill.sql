-- event, verdict, whose -> happened: with one subject for all names of an account.
INSERT INTO happened BY NAME
SELECT
    event.id, event.provider, coalesce(event.directory, event.provider) AS directory,
    coalesce(its_target.subject, lower(event."target")) AS subject, its_target.class, event."action", event.family,
    event.actor, event.actor_class, coalesce(its_actor.subject, lower(event.actor)) AS actor_subject,
    its_actor.class AS actor_standing, its_actor.unit AS actor_unit, event."target", event."time", event.done, event.by_owner, event.owes,
    verdict.verdict, verdict.reasons, verdict."case", verdict.ticket, event.native_action, event.address,
    country_code.code AS country,
    event.asn, event.device, event.session, event.detail
FROM event
JOIN verdict USING (id)
LEFT JOIN whose AS its_target
    ON its_target.provider = event.provider AND its_target.directory = coalesce(event.directory, '')
    AND its_target.who = event."target"
LEFT JOIN whose AS its_actor
    ON its_actor.provider = event.provider AND its_actor.directory = coalesce(event.directory, '')
    AND its_actor.who = event.actor
LEFT JOIN country_code ON country_code.written = lower(strip_accents(trim(event.country)))
-- What has no readable time stands in no order.
WHERE NOT event.timeless;
