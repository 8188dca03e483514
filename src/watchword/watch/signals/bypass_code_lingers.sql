/*
title = "A bypass code unused, used twice, or used late"
says = "bypass code {what}"
runbook = "bypass-code-lingers"
response = "Delete what is left of the code. Used late or twice: ask the person, and contain if it was not they."
attack = ["T1556.006", "T1621"]
severity = "medium"
window = "8 h"
false_positives = "A code that is meant for several uses."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
longest = "60 min"
bypass = "bypass|temporary.?access|\\btap\\b|recovery.?(code|pin)|scratch|backup.?code"
tells = ["duo"]
*/
WITH used AS (SELECT *, regexp_matches(lower(detail), $bypass) AS by_code FROM signed_in WHERE done),
code AS (
    SELECT
        granted.id, granted.subject, granted."target", granted.actor, granted."time", granted.provider, granted.detail,
        count(used.id) FILTER (used.by_code AND used."time" <= granted."time" + $window) AS uses,
        max(used."time") FILTER (used.by_code AND used."time" <= granted."time" + $window) AS last_use,
        -- Who is in again by other means has no more use for it.
        coalesce(bool_or(used."time" > granted."time" + $window), false) AS is_in
    FROM happened AS granted
    LEFT JOIN used
        ON used.subject = granted.subject AND used."time" > granted."time"
        AND used."time" <= granted."time" + 7 * $window
    -- Codes that somebody keeps for themselves are meant to be kept.
    WHERE granted."action" = 'mfa.bypass_grant' AND granted.done AND granted.owes
    GROUP BY ALL
),
-- Taken back, or spent on the factor it was for.
spent AS (
    SELECT DISTINCT code.id
    FROM code JOIN happened AS later
        ON later.subject = code.subject AND later."time" > code."time" AND later."time" <= code."time" + $window
    WHERE later.done AND later."action" IN ('token.revoke', 'mfa.factor_enroll', 'device.enroll')
),
judged AS (
    SELECT
        code.*,
        CASE
            WHEN uses > 1 THEN 'used ' || uses || ' times'
            WHEN uses = 1 AND last_use > code."time" + $longest
                THEN 'used after ' || date_diff('minute', code."time", last_use) || ' minutes'
            -- Unused can only be said of a log that tells the factor of a sign-in, and of a code that does not expire.
            WHEN uses = 0 AND is_in AND list_contains($tells, provider) AND spent.id IS NULL
                AND coalesce(try_cast(nullif(regexp_extract(code.detail, '^valid for (\d+) s$', 1), '') AS BIGINT), 0) = 0
                THEN 'never used'
        END AS what
    FROM code LEFT JOIN spent ON spent.id = code.id
)
SELECT id AS event, "target", actor, coalesce(last_use, "time") AS "time", what
FROM judged
WHERE what IS NOT NULL
