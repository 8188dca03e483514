-- native, seen -> from when until when the logs are, and how far beside it evidence may matter (`pair`): microseconds.
SELECT
    epoch_us(greatest(least(min("time"), TIMESTAMPTZ '9999-12-31 00:00:00+00'), TIMESTAMPTZ '0001-01-01 00:00:00+00')),
    epoch_us(greatest(least(max("time"), TIMESTAMPTZ '9999-12-31 00:00:00+00'), TIMESTAMPTZ '0001-01-01 00:00:00+00')),
    86400000000 + (SELECT coalesce(max(epoch_us(TIMESTAMP 'epoch' + lag)), 0) FROM lag)
FROM (
    SELECT "time" FROM native
    UNION ALL SELECT try_cast(since AS TIMESTAMPTZ) FROM seen
    UNION ALL SELECT try_cast(until AS TIMESTAMPTZ) FROM seen
)
