/*
title = "Factors reset, then the admin console"
says = "{native_action} {minutes} minutes after {action}"
runbook = "factors-reset-then-admin-console"
response = """\
  Call the administrator over a number of record. Until they confirm, revoke their sessions and suspend the \
  role."""
attack = ["T1556.006", "T1098.003"]
severity = "high"
window = "24 h"
false_positives = "An administrator whose own factor was replaced in an ordinary recovery."
needs = ["happened", "signed_in"]
keyed = "subject"

[parameters]
console = "admin_app|admin.?(console|center|portal)|azure portal|c44b4083-3bb0-49c1-b47d-974e53cbdf3c|consolelogin|aws console"
*/
SELECT
    recovery.id AS event, recovery."target", recovery.actor, signed_in."time", recovery."action",
    signed_in.native_action, date_diff('minute', recovery."time", signed_in."time") AS minutes
FROM recovery JOIN signed_in
    ON signed_in.subject = recovery.subject
    AND signed_in."time" BETWEEN recovery."time" AND recovery."time" + $window
WHERE recovery."action" IN ('mfa.factor_reset', 'mfa.factor_reset_all', 'mfa.bypass_grant') AND signed_in.done
    AND regexp_matches(lower(concat_ws(' ', signed_in.native_action, signed_in.detail)), $console)
QUALIFY row_number() OVER (PARTITION BY recovery.id ORDER BY signed_in."time", signed_in.id) = 1
