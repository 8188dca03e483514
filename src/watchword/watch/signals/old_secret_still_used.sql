/*
title = "The old secret is still used after its reissue"
says = "{credential} was used {hours} hours after it was replaced"
runbook = "old-secret-still-used"
attack = ["T1552", "T1528"]
severity = "high"
window = "30 d"
false_positives = "A deployment that was forgotten; an overlap longer than the parameter says."
needs = ["happened", "signed_in"]

[parameters]
overlap = "24 h"
credential = "key|secret|token|certificate|credential"
*/
SELECT
    reissued.id AS event, reissued."target", reissued.actor, later."time", later.detail AS credential,
    date_diff('hour', reissued."time", later."time") AS hours
FROM happened AS reissued
JOIN signed_in AS later
    ON later.subject = reissued.subject AND later."time" > reissued."time" + $overlap
    AND later."time" <= reissued."time" + $window
JOIN signed_in AS earlier
    ON earlier.subject = reissued.subject AND earlier.detail = later.detail AND earlier."time" < reissued."time"
WHERE reissued."action" = 'token.reissue' AND reissued.done AND later.done AND earlier.done
    AND regexp_matches(lower(later.detail), $credential)
    AND later.detail IS DISTINCT FROM reissued.detail
QUALIFY row_number() OVER (PARTITION BY reissued.id ORDER BY later."time", later.id) = 1
