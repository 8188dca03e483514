/*
title = "An approver whose own account was just recovered"
says = "approved {days} days after the approver's own account was recovered"
runbook = "approver-recovered"
response = "Have the approval reviewed by somebody else, and the approver's own recovery confirmed in person."
attack = ["T1098", "T1078"]
severity = "high"
window = "7 d"
false_positives = "None: policy refuses such an approval, so one that stands went round it or was given before the link was known."
needs = ["activity"]
*/
SELECT
    NULL AS event, approved."target", approved.account, approved.person AS actor, approved."time", approved."case",
    date_diff('day', recovered."time", approved."time") AS days
FROM (SELECT * FROM activity WHERE did = 'approved') AS approved
JOIN (SELECT * FROM activity WHERE did = 'recovered') AS recovered
    ON recovered."other" = approved.person AND recovered."time" < approved."time"
    AND recovered."time" >= approved."time" - $window
QUALIFY row_number() OVER (PARTITION BY approved.seq ORDER BY recovered."time" DESC) = 1
