/*
title = "A new factor from a new address"
says = "{native_action} from {address}, never seen of this account before"
runbook = "new-factor-from-new-address"
attack = ["T1098.005", "T1556.006"]
severity = "high"
window = "24 h"
false_positives = "A new phone that is set up at home."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
history = "90 d"
*/
SELECT
    enrolled.id AS event, enrolled."target", enrolled.actor, enrolled."time", enrolled.native_action, enrolled.address
FROM happened AS enrolled
JOIN recovery
    ON recovery.subject = enrolled.subject AND recovery."time" <= enrolled."time"
    AND recovery."time" >= enrolled."time" - $window
WHERE enrolled."action" IN ('mfa.factor_enroll', 'device.enroll') AND enrolled.done AND enrolled.address IS NOT NULL
    AND enrolled.subject IN (SELECT subject FROM signed_in WHERE address IS NOT NULL AND "time" < enrolled."time")
    AND NOT EXISTS (
        FROM signed_in
        WHERE signed_in.subject = enrolled.subject AND signed_in.address = enrolled.address AND signed_in.done
            AND signed_in."time" < recovery."time" AND signed_in."time" >= recovery."time" - $history
    )
QUALIFY row_number() OVER (PARTITION BY enrolled.id ORDER BY recovery."time" DESC, recovery.id) = 1
