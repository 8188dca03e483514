SELECT
    record.realm AS realm, said(regexp_extract(record.path, '(?:^|/)users/([^/?]+)', 1)) AS who,
    instant(record."time") AS "time", coalesce(said(record.id), '') AS id, CAST(try_cast(record.representation AS JSON) AS VARCHAR) AS body
FROM record
WHERE native IN ('UPDATE USER', 'CREATE USER') AND record.path IS NOT NULL
