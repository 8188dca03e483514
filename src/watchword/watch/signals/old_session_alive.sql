/*
title = "A session of before the recovery is still used"
says = "session used {minutes} minutes after {action}, opened before it"
runbook = "old-session-alive"
response = "Revoke all sessions of the account. If that does not end it, look at tokens and applications."
attack = ["T1550.004", "T1539"]
severity = "medium"
window = "24 h"
false_positives = "A directory that leaves sessions alone and is not among leave; a recovery that was not about a theft."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
grace = "10 min"
lag = "2 min"
history = "7 d"
leave = ["okta", "keycloak", "windows", "samba", "openldap"]
*/
WITH used AS (
    -- A session without a number of its own is none: empty, or that of the system itself.
    SELECT * FROM signed_in WHERE done AND lower(trim(session)) NOT IN ('', '-', '0', '0x0', '0x3e7', 'null', 'none', 'unknown')
),
later AS (
    SELECT
        recovery.id, recovery.subject, recovery."target", recovery.actor, recovery."action",
        recovery."time" AS recovered, used."time", used.session, used.id AS sign_in,
        recovery."action" = 'mfa.factor_reset_all' OR NOT list_contains($leave, used.provider) AS is_due
    FROM recovery JOIN used
        ON used.subject = recovery.subject AND used."time" > recovery."time" + $grace
        AND used."time" <= recovery."time" + $window
    -- Who recovers themselves goes on in the session they did it in.
    WHERE used.session IS DISTINCT FROM recovery.session
),
-- Where a directory leaves sessions alone, one lives on after each recovery: but for those that somebody cut off.
cut AS (
    SELECT DISTINCT later.id, later.sign_in
    FROM later JOIN happened AS revoked
        ON revoked.subject = later.subject AND revoked."time" >= later.recovered - $grace
        AND revoked."time" < later."time" - $lag
    WHERE revoked."action" = 'session.revoke' AND revoked.done
),
due AS (
    SELECT later.* FROM later LEFT JOIN cut ON cut.id = later.id AND cut.sign_in = later.sign_in
    WHERE later.is_due OR cut.id IS NOT NULL
)
-- Joined by the session, and not by the account alone: who signs in often has as many pairs as sign-ins times recoveries.
SELECT
    due.id AS event, due."target", due.actor, due."time", due."action",
    date_diff('minute', due.recovered, due."time") AS minutes
FROM due SEMI JOIN used AS before
    -- Numbers come round again; and what two clocks have within their lag of each other stands in no order.
    ON before.subject = due.subject AND before.session = due.session
    AND before."time" < due.recovered - $lag AND before."time" >= due.recovered - $history
QUALIFY row_number() OVER (PARTITION BY due.id ORDER BY due."time", due.sign_in) = 1
