/*
title = "The evidence of a change is broken"
says = "{chain} is not whole: {reasons}"
runbook = "evidence-chain-broken"
response = "Run `watchword ledger fsck`. Keep the database as it is; review the change as if nothing spoke for it."
attack = ["T1565.001", "T1070"]
severity = "critical"
window = "1 s"
false_positives = "A restored ledger whose lost hours are still to be reviewed."
needs = ["happened", "evidence"]
keyed = "event"

[parameters]
broken = "^missing:|^recorded_as_not_done$|^ledger_restored$"
*/
SELECT
    id AS event, "target", actor, "time", 'the chain of ' || coalesce('case ' || "case", 'a change') AS chain,
    list_filter(reasons, lambda r: regexp_matches(r, $broken)) AS reasons
FROM happened
WHERE len(list_filter(reasons, lambda r: regexp_matches(r, $broken))) > 0
UNION ALL
SELECT NULL, NULL, NULL, since, 'the ledger', ['it lost its record until ' || strftime(until, '%Y-%m-%d %H:%M')]
FROM gap
