/*
title = "A device said lost still signs in"
says = "device {device} was used before {action} and is used after it"
runbook = "lost-device-still-used"
attack = ["T1656", "T1078"]
severity = "high"
window = "7 d"
false_positives = "A phone found again; a browser mistaken for a device by the log."
needs = ["happened", "signed_in"]

[parameters]
history = "30 d"
*/
SELECT
    recovery.id AS event, recovery."target", recovery.actor, later."time", recovery."action", later.device
FROM recovery
JOIN signed_in AS later
    ON later.subject = recovery.subject AND later."time" > recovery."time" AND later."time" <= recovery."time" + $window
JOIN signed_in AS earlier
    ON earlier.subject = recovery.subject AND earlier.device = later.device
    AND earlier."time" < recovery."time" AND earlier."time" >= recovery."time" - $history
WHERE recovery."action" IN ('mfa.factor_reset', 'mfa.factor_reset_all', 'mfa.bypass_grant')
    AND earlier.done AND later.done
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY later."time", later.id) = 1
