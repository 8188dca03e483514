/*
title = "The log itself was made to say less"
says = "{native_action} of {place}"
runbook = "log-tampered"
response = """\
  Put the logging back first: what is done from here on is not seen. Then ask who did it and read, in another \
  log or at the receiver, what came between. A log that then falls silent is a finding of its own (blind \
  since)."""
attack = ["T1562.008", "T1562.002", "T1070.001"]
severity = "high"
window = "1 s"
false_positives = "A planned move of where logs are sent, or of what is written; a policy that sets auditing anew."
needs = ["happened"]
keyed = "event"
*/
SELECT
    id AS event, "target", actor, "time", native_action,
    coalesce(nullif("target", ''), nullif(detail, ''), directory) AS place
FROM happened
WHERE "action" = 'log.tampered' AND done
