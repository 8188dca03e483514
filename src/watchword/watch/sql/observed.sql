-- verdict, event, account -> observed: the support events that owe evidence, and whose they are where that was told.
CREATE OR REPLACE TEMP TABLE observed AS
WITH whose AS (
    -- Of several accounts one name stands for, the strictest class.
    SELECT
        named.id,
        arg_max(account.class, coalesce(list_position($classes, account.class), 0)) AS class,
        max(nullif(account.unit, '')) AS unit,
        max(nullif(account.person, '')) AS person
    FROM (SELECT id, unnest(target_keys) AS name FROM event WHERE owes) AS named JOIN account USING (name)
    GROUP BY named.id
),
who AS (
    SELECT
        named.id,
        max(nullif(account.person, '')) AS person,
        max(nullif(account.unit, '')) AS unit,
        max(nullif(account.vendor, '')) AS vendor
    FROM (SELECT id, unnest(told_names(actor_keys)) AS name FROM event WHERE owes) AS named JOIN account USING (name)
    GROUP BY named.id
)
SELECT
    verdict.id, verdict."at", event.timeless, verdict.provider, verdict.directory, verdict."action",
    verdict.native_action, verdict.detail, verdict.verdict, verdict.reasons, verdict."case", verdict.ticket,
    verdict.actor,
    -- An id says nothing to a reader: the person, or the login the log gives beside it.
    coalesce(who.person, list_filter(told_names(event.actor_keys), lambda k: contains(k, '@'))[1], verdict.actor) AS who,
    coalesce(who.unit, '') AS actor_unit,
    CASE
        WHEN who.vendor IS NOT NULL THEN who.vendor
        WHEN event.actor_class = 'vendor' THEN verdict.provider || ' support'
        ELSE ''
    END AS vendor,
    coalesce(event.actor_class, '') AS actor_class,
    verdict."target",
    coalesce(whose.person, list_filter(event.target_keys, lambda k: contains(k, '@'))[1], verdict."target") AS whom,
    coalesce(whose.class, '') AS class,
    coalesce(whose.unit, '') AS unit,
    coalesce(verdict.address, '') AS address,
    coalesce(verdict.country, '') AS country,
    verdict.folded,
    CASE
        WHEN verdict.verdict IN ('verified', 'downtime') THEN 'governed'
        WHEN verdict.verdict = 'ticketed' THEN 'ticketed'
        ELSE 'ungoverned'
    END AS standing
FROM verdict
JOIN event USING (id)
LEFT JOIN whose USING (id)
LEFT JOIN who USING (id)
WHERE event.owes
