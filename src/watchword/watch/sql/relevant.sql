-- native, a table of evidence -> the first and last `expires` of its rows that anything in the logs may ask for, in
-- microseconds, and whether they all have one within the years of every calendar. Wider than what `pair`, `verdict` and `unseen` ask, and never narrower:
-- rows of the logs' own time, or of the beginning of time, where an event without one is placed; and those of an
-- event's connection.
SELECT
    min(epoch_us(expires)) FILTER (asked), max(epoch_us(expires)) FILTER (asked),
    coalesce(bool_and(
        coalesce(expires BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 00:00:00+00', false)
    ) FILTER (asked), true)
FROM (
    SELECT
        expires,
        coalesce(epoch_us(coalesce(ended, expires)) >= $since - $apart
            AND epoch_us(coalesce(started, expires)) - 86400000000 <= $until + $apart
            OR epoch_us(coalesce(ended, started)) BETWEEN $since AND $until
            OR epoch_us(coalesce(ended, expires)) >= -$apart
            AND epoch_us(coalesce(started, expires)) - 86400000000 <= $apart
            OR coalesce(ended, started, expires) IS NULL
            OR "transaction" IN (SELECT correlation FROM native WHERE correlation IS NOT NULL)
            OR socket IN (SELECT socket FROM native WHERE socket IS NOT NULL), false) AS asked
