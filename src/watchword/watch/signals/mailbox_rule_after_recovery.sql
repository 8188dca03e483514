/*
title = "A mailbox rule right after a recovery"
says = "{native_action} {hours} hours after {action}"
runbook = "mailbox-rule-after-recovery"
response = "Read the rule. If it forwards or hides: contain, remove it, and look at what left the mailbox since."
attack = ["T1564.008", "T1114.003"]
severity = "high"
window = "24 h"
false_positives = "Somebody who sorts their mail on the day they get back in."
needs = ["happened"]
keyed = "subject"
*/
SELECT
    rule.id AS event, rule."target", rule.actor, rule."time", rule.native_action, recovery."action",
    date_diff('hour', recovery."time", rule."time") AS hours
FROM recovery JOIN happened AS rule
    ON rule.subject = recovery.subject AND rule."time" >= recovery."time" AND rule."time" <= recovery."time" + $window
WHERE rule."action" = 'mailbox.rule' AND rule.done
QUALIFY row_number() OVER (PARTITION BY rule.id ORDER BY recovery."time" DESC, recovery.id) = 1
