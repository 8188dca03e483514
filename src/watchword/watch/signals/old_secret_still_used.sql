/*
title = "The old secret is still used after its reissue"
says = "{credential} was used {hours} hours after it was replaced"
runbook = "old-secret-still-used"
attack = ["T1552", "T1528"]
severity = "high"
window = "30 d"
false_positives = "A deployment that was forgotten; an overlap longer than the parameter says."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
overlap = "24 h"
credential = "key|secret|token|certificate|credential"
*/
WITH reissued AS (SELECT * FROM happened WHERE "action" = 'token.reissue' AND done),
before AS (
    SELECT DISTINCT reissued.id, signed_in.detail
    FROM reissued JOIN signed_in ON signed_in.subject = reissued.subject AND signed_in."time" < reissued."time"
    WHERE signed_in.done AND regexp_matches(lower(signed_in.detail), $credential)
        AND signed_in.detail IS DISTINCT FROM reissued.detail
)
SELECT
    reissued.id AS event, reissued."target", reissued.actor, later."time", later.detail AS credential,
    date_diff('hour', reissued."time", later."time") AS hours
FROM reissued
JOIN before ON before.id = reissued.id
JOIN signed_in AS later
    ON later.subject = reissued.subject AND later.detail = before.detail
    AND later."time" > reissued."time" + $overlap AND later."time" <= reissued."time" + $window
WHERE later.done
QUALIFY row_number() OVER (PARTITION BY reissued.id ORDER BY later."time", later.id) = 1
