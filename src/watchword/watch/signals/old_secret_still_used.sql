/*
title = "The old secret is still used after its reissue"
says = "{credential} was used {hours} hours after it was replaced"
runbook = "old-secret-still-used"
response = "Find the host behind the address. Revoke the old secret; if something breaks, it had an owner after all."
attack = ["T1552", "T1528"]
severity = "high"
window = "30 d"
false_positives = "A deployment that was forgotten; an overlap longer than the parameter says; a second key that is meant to stay."
needs = ["happened"]

[parameters]
overlap = "24 h"
keys = "^AKIA[0-9A-Z]+$"
*/
WITH reissued AS (SELECT * FROM happened WHERE "action" = 'token.reissue' AND done),
-- Which secret somebody came with is known where the log has its id in place of a session: an access key of AWS.
used AS (
    SELECT id, actor_subject AS subject, "time", session AS credential
    FROM happened
    WHERE done AND regexp_matches(session, $keys)
),
before AS (
    SELECT DISTINCT reissued.id, used.credential
    FROM reissued JOIN used ON used.subject = reissued.subject AND used."time" <= reissued."time"
    WHERE used.credential IS DISTINCT FROM reissued.detail
)
SELECT
    reissued.id AS event, reissued."target", reissued.actor, later."time", later.credential,
    date_diff('hour', reissued."time", later."time") AS hours
FROM reissued
JOIN before ON before.id = reissued.id
JOIN used AS later
    ON later.subject = reissued.subject AND later.credential = before.credential
    AND later."time" > reissued."time" + $overlap AND later."time" <= reissued."time" + $window
QUALIFY row_number() OVER (PARTITION BY reissued.id ORDER BY later."time", later.id) = 1
