/*
title = "A factor enrolled by somebody else"
says = "{native_action} for a {class} account, by {actor}"
runbook = "factor-enrolled-by-another"
response = """\
  Call the person over a number of record. A factor that they do not hold is a way in like a reset, and takes \
  nothing away that they would miss: take it off, revoke sessions, and ask who did it for the request."""
attack = ["T1098.005", "T1556.006"]
severity = "high"
window = "7 d"
false_positives = """\
  Keys that are handed out enrolled, first factors of people whose accounts are older than the log, a \
  synchronisation that writes what people enrolled elsewhere: keep its account quiet."""
needs = ["happened"]
keyed = "subject"
*/
SELECT enrolled.id AS event, enrolled."target", enrolled.actor, enrolled."time", enrolled.native_action,
    coalesce(enrolled.class, 'unknown') AS class
FROM happened AS enrolled
-- The first factor of a new account is part of making it.
ANTI JOIN happened AS made
    ON made.subject = enrolled.subject AND made."action" = 'account.create' AND made.done
    AND made."time" <= enrolled."time" AND made."time" >= enrolled."time" - $window
WHERE enrolled."action" = 'mfa.factor_enroll' AND enrolled.done AND NOT enrolled.by_owner
    AND enrolled.actor_class IS DISTINCT FROM 'system'
    -- A security event token names nobody who acted.
    AND NOT (enrolled.provider = 'ssf' AND enrolled.actor = '')
