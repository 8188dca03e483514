SELECT
    "type" AS native,
    CAST(instant("time") AS VARCHAR) AS stamp,
    coalesce(domain_of_entry("target"), domain_of_entry(actor)) AS tenant,
    struct_pack(
        kind := "type", source := source, "time" := "time", session := session, operation := operation, actor := actor,
        "target" := "target", address := address, result := result, renamed := "to", mods := mods
    ) AS record
FROM log;

WITH field AS (
    SELECT
        native,
        instant(record."time") AS "time",
        -- A DN is written with and without a space after its commas.
        regexp_replace(coalesce(said(record.actor), ''), ',\s+', ',', 'g') AS actor,
        regexp_replace(coalesce(said(record."target"), ''), ',\s+', ',', 'g') AS dn,
        try_cast(record.result AS BIGINT) AS result,
        address_in(record.address) AS address,
        nullif(regexp_extract(record.address, '^\[?(.+?)\]?:\d+$', 1), '') IS NOT NULL AS has_port,
        record.address AS peer,
        record.session AS session,
        record.operation AS operation,
        record.renamed AS renamed,
        record.source AS source,
        record.mods AS mods,
        list_transform(record.mods, lambda m: lower(m."attribute")) AS names
    FROM record
),
modified AS (
    SELECT * EXCLUDE (mods), unnest(mods) AS mod
    FROM field
    WHERE native = 'modify'
),
attribute AS (
    SELECT
        * EXCLUDE (mod),
        lower(mod."attribute") AS name,
        coalesce(mod.act, 'unknown') AS act,
        coalesce(mod."values", []) AS vals
    FROM modified
),
named AS (
    -- One row for each attribute that the catalogue may know, named for what happened to it.
    SELECT
        * EXCLUDE (native, name, act, vals),
        name AS detail,
        'modify ' || CASE
            WHEN name IN ('userpassword', 'authpassword', 'sambantpassword', 'sambalmpassword', 'krbprincipalkey', 'unicodepwd')
                THEN 'password'
            WHEN name = 'pwdreset'
                THEN name || CASE WHEN act = 'unknown' OR upper(vals[1]) = 'TRUE' THEN ' set' ELSE ' taken off' END
            -- The overlay that locks writes the failure in the same breath.
            WHEN name = 'pwdaccountlockedtime' THEN name || CASE
                WHEN act IN ('add', 'replace') AND len(vals) > 0
                    THEN CASE WHEN list_contains(names, 'pwdfailuretime') THEN ' set by the server' ELSE ' set' END
                ELSE ' taken off'
            END
            WHEN name = 'nsaccountlock'
                THEN name || CASE WHEN upper(vals[1]) = 'TRUE' THEN ' set' ELSE ' taken off' END
            WHEN name IN ('oathsecret', 'oathtotptoken', 'oathhotptoken', 'oathotptoken', 'sshpublickey', 'usercertificate')
                THEN name || CASE WHEN act = 'delete' THEN ' taken off' ELSE ' set' END
            WHEN name IN (
                'uid', 'mail', 'maillocaladdress', 'mailalternateaddress', 'othermailbox', 'telephonenumber', 'mobile', 'homephone', 'pager'
            ) THEN name
            -- A directory has hundreds: the rest lets nobody in.
            ELSE 'other'
        END AS native,
        dn AS "target",
        CAST(NULL AS VARCHAR) AS "group"
    FROM attribute
    WHERE name NOT IN ('member', 'uniquemember', 'memberuid')
    UNION ALL BY NAME
    -- Membership is written on the group; the account it is about is the value. Stats lines have none.
    SELECT
        * EXCLUDE (native, name, act, vals),
        dn AS detail,
        dn AS "group",
        'modify member ' || CASE WHEN act = 'delete' THEN 'taken out' ELSE 'put in' END AS native,
        unnest(CASE WHEN len(vals) > 0 THEN vals ELSE [dn] END) AS "target"
    FROM attribute
    WHERE name IN ('member', 'uniquemember', 'memberuid')
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (native, mods),
        CASE
            WHEN native = 'add' AND (
                -- Stats lines do not say what was added: an account's name begins as most do.
                (len(mods) = 0 AND regexp_matches(dn, '(?i)^(uid|cn|mail)=')) OR len(list_filter(mods, lambda m: lower(m."attribute") = 'objectclass' AND len(list_filter(
                    m."values", lambda v: regexp_matches(v, '(?i)person|account|^simplesecurityobject$|^user$')
                )) > 0)) > 0
            ) THEN 'add account'
            WHEN native = 'add' THEN 'add other'
            WHEN native = 'bind' AND dn = '' THEN 'bind anonymous'
            WHEN native = 'bind' AND result = 14 THEN 'bind in steps'
            WHEN native = 'bind' AND coalesce(result, 0) <> 0 THEN 'bind refused'
            ELSE native
        END AS native,
        renamed AS detail,
        dn AS "target"
    FROM field
    WHERE native <> 'modify'
)
SELECT
    md5(concat_ws('|', native, "time", lower(actor), lower("target"), session, operation, detail)) AS id,
    -- Which groups lend power is known by name only.
    native || CASE
        WHEN starts_with(native, 'modify member ') AND lends_power(regexp_extract("group", '(?i)^cn=([^,]*)', 1)) THEN ' privileged'
        WHEN starts_with(native, 'modify member ') THEN ' other'
        ELSE ''
    END AS native_action,
    actor,
    -- Another branch has entries of the same uid: a DN is of one.
    names_of(list_filter(
        [lower(actor), 'name:' || nullif(regexp_extract(lower(actor), '^uid=([^,+]+)', 1), '')], lambda k: k <> ''
    )) AS actor_keys,
    "target",
    names_of(list_filter(
        [lower("target"), nullif(regexp_extract(lower("target"), '^uid=([^,+]+)', 1), '')], lambda k: k <> ''
    )) AS target_keys,
    "time",
    CASE WHEN result = 0 THEN 'SUCCESS' WHEN result IS NULL THEN 'UNKNOWN' ELSE 'FAILURE ' || result END AS outcome,
    coalesce(result, 0) = 0 AND native NOT IN ('bind refused') AS done,
    address,
    CASE WHEN has_port THEN peer END AS socket,
    CAST(NULL AS VARCHAR) AS correlation,
    coalesce(session, CASE WHEN has_port THEN peer END) AS click,
    actor <> '' AND lower(actor) = lower("target") AS by_owner,
    CASE WHEN native = 'modify pwdaccountlockedtime set by the server' THEN 'system' END AS actor_class,
    CAST(NULL AS VARCHAR) AS country,
    session,
    detail
FROM named
