/*
title = "A device said lost still signs in"
says = "device {device} was used before {action} and is used after it"
runbook = "lost-device-still-used"
response = """\
  Ask the person where the device is. If they still have it, the caller was not they: contain, and open the \
  case again."""
attack = ["T1656", "T1078"]
severity = "high"
window = "7 d"
false_positives = "A phone found again and not enrolled anew; a new phone that signs in beside the one computer there was."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
history = "30 d"
*/
WITH lost AS (
    SELECT * FROM recovery WHERE "action" IN ('mfa.factor_reset', 'mfa.factor_reset_all', 'mfa.bypass_grant')
),
used AS (SELECT * FROM signed_in WHERE done AND device <> ''),
enrolled AS (
    SELECT subject, device, "time"
    FROM happened
    WHERE "action" IN ('mfa.factor_enroll', 'device.enroll') AND done AND device <> ''
),
later AS (
    SELECT
        lost.id, lost.subject, lost."target", lost.actor, lost."action", lost."time" AS recovered, used."time",
        used.device, used.id AS sign_in
    FROM lost JOIN used
        ON used.subject = lost.subject AND used."time" > lost."time" AND used."time" <= lost."time" + $window
),
-- Joined by the device, and not by the account alone: who signs in often has as many pairs as sign-ins times recoveries.
again AS (
    SELECT later.*
    FROM later SEMI JOIN used AS before
        ON before.subject = later.subject AND before.device = later.device
        AND before."time" < later.recovered AND before."time" >= later.recovered - $history
    -- Enrolled anew it is not lost any more.
    ANTI JOIN enrolled
        ON enrolled.subject = later.subject AND enrolled.device = later.device
        AND enrolled."time" > later.recovered AND enrolled."time" <= later.recovered + $window
    QUALIFY row_number() OVER (PARTITION BY later.id, later.device ORDER BY later."time", later.sign_in) = 1
),
holder AS (
    SELECT DISTINCT again.id, again.device
    FROM again JOIN enrolled
        ON enrolled.subject = again.subject AND enrolled.device = again.device AND enrolled."time" < again.recovered
),
around AS (
    SELECT
        again.id, again.device,
        coalesce(bool_or(used.device <> again.device AND used."time" < again.recovered), false) AS had_others,
        coalesce(bool_or(used.device <> again.device AND used."time" > again.recovered), false) AS has_others
    FROM again JOIN used
        ON used.subject = again.subject
        AND used."time" BETWEEN again.recovered - $history AND again.recovered + $window
    GROUP BY ALL
)
-- Which device was lost no log says: the one that a factor was enrolled on; or the only one there was, where another is
-- used beside it now. Who lost a phone goes on with the computer they always had.
SELECT again.id AS event, again."target", again.actor, again."time", again."action", again.device
FROM again
JOIN around ON around.id = again.id AND around.device = again.device
LEFT JOIN holder ON holder.id = again.id AND holder.device = again.device
WHERE holder.id IS NOT NULL OR NOT around.had_others AND around.has_others
QUALIFY row_number() OVER (PARTITION BY again.id ORDER BY again."time", again.sign_in) = 1
