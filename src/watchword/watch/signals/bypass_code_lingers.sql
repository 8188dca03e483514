/*
title = "A bypass code unused, used twice, or used late"
says = "bypass code {what}"
runbook = "bypass-code-lingers"
attack = ["T1556.006", "T1621"]
severity = "medium"
window = "8 h"
false_positives = "A log that does not say which factor a sign-in used."
needs = ["happened", "signed_in"]

[parameters]
longest = "60 min"
bypass = "bypass|temporary.?access|\\btap\\b|recovery.?(code|pin)|scratch|backup.?code"
*/
WITH code AS (
    SELECT
        granted.id, granted."target", granted.actor, granted."time", granted.provider,
        count(used.id) AS uses, max(used."time") AS last_use
    FROM happened AS granted
    LEFT JOIN signed_in AS used
        ON used.subject = granted.subject AND used."time" > granted."time" AND used."time" <= granted."time" + $window
        AND used.done AND regexp_matches(lower(used.detail), $bypass)
    WHERE granted."action" = 'mfa.bypass_grant' AND granted.done
    GROUP BY ALL
),
-- Unused can only be said of a log that tells the factor of a sign-in, and that goes on long enough.
told AS (SELECT provider, max("time") AS until FROM signed_in WHERE detail IS NOT NULL GROUP BY provider),
judged AS (
    SELECT
        code.*,
        CASE
            WHEN uses > 1 THEN 'used ' || uses || ' times'
            WHEN uses = 1 AND last_use > code."time" + $longest
                THEN 'used after ' || date_diff('minute', code."time", last_use) || ' minutes'
            WHEN uses = 0 AND told.until > code."time" + $window THEN 'never used'
        END AS what
    FROM code LEFT JOIN told USING (provider)
)
SELECT id AS event, "target", actor, coalesce(last_use, "time") AS "time", what
FROM judged
WHERE what IS NOT NULL
