-- native -> event: records read twice count once, and the records of one click become one support action.
CREATE OR REPLACE TABLE event AS
WITH readable AS (
    -- A time that no calendar of ours has is no time: what a log says must not stop the reading of it.
    SELECT * REPLACE (CASE
        WHEN "time" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN "time"
    END AS "time")
    FROM native
),
once AS (
    SELECT
        provider, directory, id, native_action, "action", actor, "target", "time",
        min(actor_keys) AS actor_keys, min(target_keys) AS target_keys, min(outcome) AS outcome, bool_or(done) AS done,
        min(address) AS address, min(socket) AS socket, min(correlation) AS correlation, min(click) AS click,
        bool_or(by_owner) AS by_owner, min(actor_class) AS actor_class, min(country) AS country, min(asn) AS asn,
        min(device) AS device, min(session) AS session, min(detail) AS detail
    FROM readable
    GROUP BY provider, directory, id, native_action, "action", actor, "target", "time"
),
-- An id names one record; where a log gives one id to several (several targets, or a log that repeats itself with other
-- content) what is in the record tells them apart.
-- So it is with one that looks like an id with that behind it: nobody writes the id that another's record will have.
shared AS (
    SELECT id FROM once GROUP BY id HAVING count(*) > 1
    UNION SELECT id FROM shared_id
    UNION SELECT id FROM once WHERE contains(id, '/') AND regexp_matches(id, '/[0-9a-f]{8}([0-9a-f]{24})?$')
),
-- Eight digits tell apart what is alike by chance, and not what somebody made alike.
apart AS (
    SELECT
        id,
        count(DISTINCT md5(concat_ws('|', provider, directory, native_action, "action", actor, "target", "time"))[:8]) < count(*) AS is_close
    FROM once SEMI JOIN shared USING (id)
    GROUP BY id
),
-- Two names of one account make actor and target the same owner, where somebody told us both names.
alike AS (
    SELECT DISTINCT acting.actor, acting."target", its_actor.name, its_target.name AS other
    FROM (SELECT actor, "target", target_keys, unnest(list_transform(actor_keys, lambda k: regexp_replace(k, '^sso:', ''))) AS name FROM once
        -- Of one name on both sides the log's own reading decides whose it is.
        WHERE lower(actor) <> lower("target")) AS acting
    JOIN account AS its_actor USING (name)
    JOIN account AS its_target
        ON its_target.account = its_actor.account AND list_contains(acting.target_keys, its_target.name)
),
-- A name that two accounts of the list have, or two of the desk's, is neither's: whoever writes another's address into his
-- own entry is not its owner.
ambiguous AS (
    SELECT name
    FROM account SEMI JOIN (SELECT name FROM alike UNION SELECT other FROM alike) USING (name)
    GROUP BY name, person IS NULL
    HAVING min(account) <> max(account)
),
owner AS (
    SELECT DISTINCT actor, "target"
    FROM alike ANTI JOIN ambiguous USING (name) ANTI JOIN ambiguous AS too ON too.name = alike.other
),
record AS (
    SELECT
        once.* REPLACE (
            CASE
                WHEN apart.id IS NULL THEN once.id
                WHEN apart.is_close THEN once.id || '/' || md5(to_json([
                    provider, directory, native_action, "action", once.actor, once."target", CAST("time" AS VARCHAR)
                ]))
                ELSE once.id || '/'
                    || md5(concat_ws('|', provider, directory, native_action, "action", once.actor, once."target", "time"))[:8]
            END AS id,
            coalesce("time", TIMESTAMPTZ 'epoch') AS "time",
            -- Power that somebody gave themself is nobody's own affair, by whichever names.
            once.by_owner OR owner.actor IS NOT NULL AND "action" <> 'privilege.grant' AS by_owner
        ),
        "time" IS NULL AS timeless,
        kind.family, kind.rank, kind.support
    FROM once
    JOIN kind USING ("action")
    LEFT JOIN apart ON apart.id = once.id
    LEFT JOIN owner ON owner.actor = once.actor AND owner."target" = once."target"
),
keyed AS (
    SELECT *, {'p': provider, 'i': directory, 'a': actor, 't': "target", 'f': family, 'd': done, 'o': by_owner, 'c': click} AS same FROM record
),
placed AS (
    SELECT
        *,
        row_number() OVER nearby AS place,
        (
            "time" - lag("time") OVER nearby <= INTERVAL 2 SECONDS
            AND click IS NOT NULL AND same = lag(same) OVER nearby
        ) IS NOT TRUE AS first_of_click
    FROM keyed
    WINDOW nearby AS (ORDER BY provider, directory, actor, "target", family, done, by_owner, click, "time", id)
),
numbered AS (
    SELECT *, sum(CAST(first_of_click AS INTEGER)) OVER (ORDER BY place) AS click_number FROM placed
),
-- A click that makes an account under a name that another has, in those seconds or before: what else it does may be done
-- to that other one.
not_new AS (
    SELECT DISTINCT making.click_number
    FROM (
        SELECT
            click_number, any_value(provider) AS provider, any_value(directory) AS directory, any_value("target") AS "target",
            min("time") AS since, max("time") AS until
        FROM numbered SEMI JOIN (SELECT click_number FROM numbered WHERE "action" = 'account.create') USING (click_number)
        WHERE "target" <> '' AND ("action" = 'account.create' OR support)
        GROUP BY click_number
        HAVING bool_or(support)
    ) AS making
    JOIN numbered AS other
        ON other."target" = making."target" AND other.provider = making.provider
        AND other.directory IS NOT DISTINCT FROM making.directory
        AND other.done AND (
            other."time" < making.since - INTERVAL 1 MINUTE AND NOT other.timeless
            OR other."action" IN ('account.delete', 'account.rename')
            AND other."time" BETWEEN making.since - INTERVAL 2 SECONDS AND making.until + INTERVAL 2 SECONDS
        )
),
click AS (
    SELECT
        click_number,
        arg_max("action", rank) AS "action",
        list_sort(list_distinct(list("action") FILTER (support))) AS actions,
        arg_max(native_action, CAST(rank AS BIGINT) * 1000000000 - place) AS native_action,
        bool_or(timeless) AS timeless,
        CAST(count(*) AS INTEGER) AS folded,
        -- A new account's first password is part of making it, so a click that makes the account is no support.
        bool_or(support) AND (NOT bool_or("action" = 'account.create') OR any_value(not_new.click_number) IS NOT NULL) AS support
    FROM numbered LEFT JOIN not_new USING (click_number)
    GROUP BY click_number
)
-- Who, when and from where come from the first record of the click; what was done, from the strongest.
SELECT
    numbered.provider, numbered.directory, numbered.id, click."action", click.actions, click.native_action, numbered.family, numbered.actor, numbered."target",
    numbered.done, numbered.by_owner, click.timeless, numbered.actor_keys, numbered.target_keys, numbered."time",
    numbered.outcome, numbered.address, numbered.socket, numbered.correlation, numbered.actor_class, numbered.country,
    numbered.asn, numbered.device, numbered.session, numbered.detail, click.folded, click.support,
    -- What somebody else did to let a person in owes evidence.
    click.support AND numbered.done AND NOT numbered.by_owner AS owes,
    coalesce(of_feed.lag, of_provider.lag, INTERVAL 0 SECONDS) AS lag
FROM numbered
JOIN click USING (click_number)
LEFT JOIN lag AS of_feed ON of_feed.provider = numbered.provider AND of_feed.directory = numbered.directory
LEFT JOIN lag AS of_provider ON of_provider.provider = numbered.provider AND of_provider.directory IS NULL
WHERE numbered.first_of_click
