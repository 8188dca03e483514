/*
title = "A device said lost still signs in"
says = "device {device} was used before {action} and is used after it"
runbook = "lost-device-still-used"
attack = ["T1656", "T1078"]
severity = "high"
window = "7 d"
false_positives = "A phone found again; a browser mistaken for a device by the log."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
history = "30 d"
*/
WITH lost AS (
    SELECT * FROM recovery WHERE "action" IN ('mfa.factor_reset', 'mfa.factor_reset_all', 'mfa.bypass_grant')
),
known AS (
    SELECT DISTINCT lost.id, signed_in.device
    FROM lost JOIN signed_in
        ON signed_in.subject = lost.subject AND signed_in."time" < lost."time"
        AND signed_in."time" >= lost."time" - $history
    WHERE signed_in.done AND signed_in.device IS NOT NULL
)
SELECT lost.id AS event, lost."target", lost.actor, later."time", lost."action", later.device
FROM lost
JOIN known ON known.id = lost.id
JOIN signed_in AS later
    ON later.subject = lost.subject AND later.device = known.device AND later."time" > lost."time"
    AND later."time" <= lost."time" + $window
WHERE later.done
QUALIFY row_number() OVER (PARTITION BY lost.id ORDER BY later."time", later.id) = 1
