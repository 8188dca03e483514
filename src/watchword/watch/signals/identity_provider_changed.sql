/*
title = "Another's word is taken for who people are"
says = "{native_action} of {place}"
runbook = "identity-provider-changed"
response = """\
  Whoever can say for a directory who somebody is, is everybody: ask for the change request at once. Without one, \
  take the provider, key or trust off, and look at every sign-in that came by it."""
attack = ["T1484.002", "T1556.007"]
severity = "high"
window = "1 s"
false_positives = "A planned move of single sign-on; a certificate of it that is renewed."
needs = ["happened"]
keyed = "event"

[parameters]
vouches = '''identity[ _.-]?provider|\bidp\b|external.?idp|saml|oidc|openid|federat|inbound_sso|sso_(settings|enabled|update)|single_sign_on|(workforce|workload_identity)_pool_provider|trusted_(server|domain)|trusted.?token.?issuer|trust.?anchor|domain authentication|publickeyinfrastructure|certificate_?authorit|register connector|pass-?through|desktop sso|kerberos domain|\biwa|agent\.ad|remote_directory|authserver|partnerapplication|policy key|registrationassignments/|^(4706|4716|4865|4867)$'''
ends = "delet|remov|disabl|deactivat|disassociat|user to managed"
*/
SELECT id AS event, "target", actor, "time", native_action,
    coalesce(nullif("target", ''), nullif(detail, ''), directory) AS place
FROM happened
WHERE "action" = 'trust.change' AND done
    AND regexp_matches(lower(native_action), $vouches) AND NOT regexp_matches(lower(native_action), $ends)
