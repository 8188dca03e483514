/*
title = "An account made again under a name that was another's"
says = "made {days} days after {action} of the account that had the name"
runbook = "account-made-again"
response = """\
  Ask who wanted it. Whatever knows the person by that name (mail, single sign-on, resets elsewhere) lets in \
  whoever has it now: treat an account that nobody asked for as a takeover of the one before."""
attack = ["T1136", "T1078"]
severity = "medium"
window = "30 d"
false_positives = "Somebody who comes back; an account that was deleted by mistake; tests that make accounts and take them away."
needs = ["happened"]
keyed = "subject"
*/
SELECT
    made.id AS event, made."target", made.actor, made."time", gone."action",
    date_diff('day', gone."time", made."time") AS days
FROM happened AS made JOIN happened AS gone
    ON gone.subject = made.subject AND gone.provider = made.provider AND gone.directory = made.directory
    AND gone."time" <= made."time" AND gone."time" >= made."time" - $window
WHERE made."action" = 'account.create' AND made.done
    AND gone."action" IN ('account.delete', 'account.rename') AND gone.done AND gone.id <> made.id
QUALIFY row_number() OVER (PARTITION BY made.id ORDER BY gone."time" DESC, gone.id) = 1
