-- event, sign_in, account -> whose: one subject for all names of an account, and its unit where that is one.
CREATE OR REPLACE TABLE whose AS
WITH party AS (
    SELECT DISTINCT provider, directory, "target" AS who, target_keys AS keys FROM event WHERE "target" <> ''
    UNION
    SELECT DISTINCT provider, directory, actor, told_names(actor_keys) FROM event WHERE actor <> ''
),
happening AS (SELECT provider, coalesce(directory, '') AS directory, who, unnest([lower(who)] || coalesce(keys, [])) AS name FROM party),
of_interest AS (
    SELECT name FROM happening
    UNION
    SELECT name FROM account WHERE class = 'break_glass'
),
user AS (
    SELECT provider, coalesce(directory, '') AS directory, "target" AS who, unnest([lower("target")] || coalesce(target_keys, [])) AS name
    FROM (SELECT DISTINCT provider, directory, "target", target_keys FROM sign_in WHERE "target" <> '')
),
named AS (
    SELECT * FROM happening
    UNION
    SELECT user.* FROM user SEMI JOIN (
        SELECT DISTINCT provider, directory, who FROM user SEMI JOIN of_interest USING (name)
    ) AS relevant USING (provider, directory, who)
),
-- A name that two accounts of the list have, or two of the desk's, is neither's.
label AS (
    SELECT
        name,
        coalesce(least(
            CASE WHEN min(account.account) FILTER (person IS NULL) = max(account.account) FILTER (person IS NULL)
                THEN min(account.account) FILTER (person IS NULL) END,
            CASE WHEN min(account.account) FILTER (person IS NOT NULL) = max(account.account) FILTER (person IS NOT NULL)
                THEN min(account.account) FILTER (person IS NOT NULL) END
        ), min(lower(who))) AS label
    FROM named LEFT JOIN account USING (name)
    GROUP BY name
)
SELECT
    provider, directory, who, min(label.label) AS subject,
    min_by(account.class, coalesce(list_position(['break_glass', 'identity_control', 'privileged'], account.class), 9)) AS class,
    CASE WHEN count(DISTINCT lower(nullif(account.unit, ''))) = 1 THEN min(nullif(account.unit, '')) END AS unit
FROM named JOIN label USING (name) LEFT JOIN account USING (name)
GROUP BY provider, directory, who;
