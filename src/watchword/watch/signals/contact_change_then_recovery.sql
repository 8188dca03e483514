/*
title = "A contact point changed, then a recovery"
says = "{action} {days} days after a contact point was changed"
runbook = "contact-change-then-recovery"
response = "Ask over the contact point of before the change. Look at who changed it, and from where."
attack = ["T1098", "T1556"]
severity = "high"
window = "30 d"
false_positives = "A new phone that is registered and enrolled on the same day."
needs = ["happened"]
keyed = "subject"
*/
WITH written AS (
    SELECT
        *, row_number() OVER (PARTITION BY subject ORDER BY "time", id) = 1 AS is_first,
        actor_class IN ('automation', 'system') AS is_synchronised
    FROM happened
    WHERE "action" = 'recovery_info.change' AND done
),
changed AS (
    SELECT written.*
    -- What a synchronisation writes for the first time, and what a new account is given, was nobody's before.
    FROM (SELECT * FROM written WHERE (is_first AND is_synchronised) IS NOT TRUE) AS written
    ANTI JOIN happened AS created
        ON created.subject = written.subject AND created."action" = 'account.create' AND created.done
        AND created."time" <= written."time" AND created."time" >= written."time" - $window
)
SELECT
    recovery.id AS event, recovery."target", recovery.actor, recovery."time", recovery."action",
    date_diff('day', changed."time", recovery."time") AS days
FROM recovery JOIN changed
    ON changed.subject = recovery.subject AND changed."time" < recovery."time"
    AND changed."time" >= recovery."time" - $window
WHERE (changed."case" = recovery."case") IS NOT TRUE
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY changed."time" DESC, changed.id) = 1
