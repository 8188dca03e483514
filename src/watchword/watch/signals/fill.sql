-- event, verdict, sign_in, account -> happened, signed_in: with one subject for all names of an account.
CREATE OR REPLACE TEMP TABLE whose AS
WITH party AS (
    SELECT DISTINCT provider, directory, "target" AS who, target_keys AS keys FROM event WHERE "target" <> ''
    UNION
    SELECT DISTINCT provider, directory, actor, actor_keys FROM event WHERE actor <> ''
),
happening AS (SELECT provider, coalesce(directory, '') AS directory, who, unnest([lower(who)] || coalesce(keys, [])) AS name FROM party),
of_interest AS (
    SELECT name FROM happening
    UNION
    SELECT name FROM account WHERE class = 'break_glass'
),
user AS (
    SELECT provider, coalesce(directory, '') AS directory, "target" AS who, unnest([lower("target")] || coalesce(target_keys, [])) AS name
    FROM (
        -- Once each, by one number for all four: a group by lists takes twice as long.
        SELECT
            first(provider) AS provider, first(directory) AS directory, first("target") AS "target",
            first(target_keys) AS target_keys
        FROM sign_in
        WHERE "target" <> ''
        GROUP BY hash(provider, directory, "target", target_keys)
    )
),
named AS (
    SELECT * FROM happening
    UNION
    SELECT user.* FROM user SEMI JOIN (
        SELECT DISTINCT provider, directory, who FROM user SEMI JOIN of_interest USING (name)
    ) AS relevant USING (provider, directory, who)
),
label AS (
    SELECT name, coalesce(min(account.account), min(lower(who))) AS label FROM named LEFT JOIN account USING (name) GROUP BY name
)
SELECT
    provider, directory, who, min(label.label) AS subject,
    min_by(account.class, coalesce(list_position(['break_glass', 'identity_control', 'privileged'], account.class), 9)) AS class
FROM named JOIN label USING (name) LEFT JOIN account USING (name)
GROUP BY provider, directory, who;

INSERT INTO happened BY NAME
SELECT
    event.id, event.provider, coalesce(event.directory, event.provider) AS directory,
    coalesce(its_target.subject, lower(event."target")) AS subject, its_target.class, event."action", event.family,
    event.actor, event.actor_class, coalesce(its_actor.subject, lower(event.actor)) AS actor_subject,
    its_actor.class AS actor_standing, event."target", event."time", event.done, event.by_owner, event.owes,
    verdict.verdict, verdict.reasons, verdict."case", verdict.ticket, event.native_action, event.address, event.country,
    event.asn, event.device, event.session, event.detail
FROM event
JOIN verdict USING (id)
LEFT JOIN whose AS its_target
    ON its_target.provider = event.provider AND its_target.directory = coalesce(event.directory, '')
    AND its_target.who = event."target"
LEFT JOIN whose AS its_actor
    ON its_actor.provider = event.provider AND its_actor.directory = coalesce(event.directory, '')
    AND its_actor.who = event.actor
-- What has no readable time stands in no order.
WHERE NOT event.timeless;

INSERT INTO signed_in BY NAME
SELECT
    sign_in.id, sign_in.provider, coalesce(sign_in.directory, sign_in.provider) AS directory, whose.subject, whose.class,
    sign_in."target", sign_in."time", sign_in.done, sign_in.native_action, sign_in.address, sign_in.country, sign_in.asn,
    sign_in.device, sign_in.session, sign_in.detail
FROM sign_in
JOIN whose
    ON whose.provider = sign_in.provider AND whose.directory = coalesce(sign_in.directory, '')
    AND whose.who = sign_in."target"
WHERE sign_in."time" BETWEEN TIMESTAMPTZ '1970-01-02 00:00:00+00' AND TIMESTAMPTZ '9999-01-01 00:00:00+00';
