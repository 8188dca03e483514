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
later AS (
    SELECT
        lost.id, lost.subject, lost."target", lost.actor, lost."action", lost."time" AS recovered, signed_in."time",
        signed_in.device, signed_in.id AS sign_in
    FROM lost JOIN signed_in
        ON signed_in.subject = lost.subject AND signed_in."time" > lost."time"
        AND signed_in."time" <= lost."time" + $window
    WHERE signed_in.done AND signed_in.device IS NOT NULL
)
-- Joined by the device, and not by the account alone: who signs in often has as many pairs as sign-ins times recoveries.
SELECT later.id AS event, later."target", later.actor, later."time", later."action", later.device
FROM later SEMI JOIN signed_in AS before
    ON before.subject = later.subject AND before.device = later.device AND before.done
    AND before."time" < later.recovered AND before."time" >= later.recovered - $history
QUALIFY row_number() OVER (PARTITION BY later.id ORDER BY later."time", later.sign_in) = 1
