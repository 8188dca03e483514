/*
title = "Somebody says: not me"
says = "the recovery was disowned ({channel})"
runbook = "repudiated"
response = "The case stands still already. Contain it if the person says so over a second channel."
attack = ["T1656"]
severity = "high"
window = "1 s"
false_positives = "Somebody who forgot that they called; a manager who calls for their people."
needs = ["activity"]
*/
-- Whoever opened the case is the one to talk to, not whoever wrote down what the person said.
SELECT
    NULL AS event, said."target", said.account,
    CASE WHEN opened.person <> opened."other" OR opened."other" IS NULL THEN opened.person END AS actor,
    said."time", said."case", said.detail AS channel, said.person AS heard_by
FROM (SELECT * FROM activity WHERE did = 'objected') AS said
LEFT JOIN (SELECT * FROM activity WHERE did = 'opened') AS opened ON opened."case" = said."case"
