/*
title = "A new factor from a new address"
says = "{native_action} from {address}, a network this account never signed in from"
runbook = "new-factor-from-new-address"
response = """\
  Ask the person what they enrolled, and where. If it was not they: remove the factor, revoke sessions, start \
  over in person."""
attack = ["T1098.005", "T1556.006"]
severity = "high"
window = "24 h"
false_positives = "A new phone that is set up at home."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
history = "90 d"
*/
WITH pair AS (
    SELECT
        enrolled.id, enrolled.subject, enrolled."target", enrolled.actor, enrolled."time", enrolled.native_action,
        enrolled.address, network_of(enrolled.address) AS network, enrolled.asn, recovery.id AS recovery,
        recovery."time" AS recovered
    FROM happened AS enrolled
    JOIN recovery
        ON recovery.subject = enrolled.subject AND recovery."time" <= enrolled."time"
        AND recovery."time" >= enrolled."time" - $window
    WHERE enrolled."action" IN ('mfa.factor_enroll', 'device.enroll') AND enrolled.done AND enrolled.address IS NOT NULL
),
used AS (
    SELECT subject, "time", network_of(address) AS network, asn
    FROM signed_in SEMI JOIN pair ON pair.subject = signed_in.subject
    WHERE signed_in.done AND signed_in.address IS NOT NULL
),
-- Of an account that never signed in, no address is a usual one.
seen AS (SELECT subject, min("time") AS since FROM used GROUP BY subject),
-- Addresses change within a network, and networks within a provider's.
usual AS (
    SELECT pair.id, pair.recovery
    FROM pair JOIN used
        ON used.subject = pair.subject AND used.network = pair.network
        AND used."time" < pair.recovered AND used."time" >= pair.recovered - $history
    UNION
    SELECT pair.id, pair.recovery
    FROM pair JOIN used
        ON used.subject = pair.subject AND used.asn = pair.asn
        AND used."time" < pair.recovered AND used."time" >= pair.recovered - $history
)
SELECT pair.id AS event, pair."target", pair.actor, pair."time", pair.native_action, pair.address
FROM pair
JOIN seen ON seen.subject = pair.subject AND seen.since < pair.recovered
ANTI JOIN usual ON usual.id = pair.id AND usual.recovery = pair.recovery
QUALIFY row_number() OVER (PARTITION BY pair.id ORDER BY pair.recovered DESC, pair.recovery) = 1
