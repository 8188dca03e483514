-- Which role of Azure's was asked for, and whose: how that ended may come in a later part of the log, and say neither.
SELECT
    record.place AS realm, record.correlation AS who, instant(record.stamp) AS "time", coalesce(record.id, '') AS id, record.body AS body
FROM record
WHERE starts_with(native, 'microsoft.authorization/roleassignments/') AND record.body IS NOT NULL AND record.correlation <> ''
    AND instant(record.stamp) IS NOT NULL
