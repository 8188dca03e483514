/*
title = "A contact point changed, then a recovery"
says = "{action} {days} days after a contact point was changed"
runbook = "contact-change-then-recovery"
attack = ["T1098", "T1556"]
severity = "high"
window = "30 d"
false_positives = "A new phone that is registered and enrolled on the same day."
needs = ["happened"]
keyed = "subject"
*/
SELECT
    recovery.id AS event, recovery."target", recovery.actor, recovery."time", recovery."action",
    date_diff('day', changed."time", recovery."time") AS days
FROM recovery JOIN happened AS changed
    ON changed.subject = recovery.subject AND changed."time" < recovery."time"
    AND changed."time" >= recovery."time" - $window
WHERE changed."action" = 'recovery_info.change' AND changed.done
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY changed."time" DESC, changed.id) = 1
