"""Events in the Open Cybersecurity Schema Framework: Account Change, User Management, Authentication and their kin."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from watchword.watch.providers.log_analytics import parsed
from watchword.watch.providers.provider import CARRIED, Json, Provider
from watchword.watch.providers.recased import at, nested, text

_USER = 'uid VARCHAR, uid_alt VARCHAR, name VARCHAR, email_addr VARCHAR, "domain" VARCHAR, phone_number VARCHAR'
_COLUMNS = (
    ("class_uid", "BIGINT"),
    ("activity_id", "BIGINT"),
    ("type_uid", "BIGINT"),
    ("activity_name", "VARCHAR"),
    ("time", "VARCHAR"),
    ("time_dt", "VARCHAR"),
    ("status_id", "BIGINT"),
    ("status", "VARCHAR"),
    ("status_code", "VARCHAR"),
    (
        "metadata",
        (
            "STRUCT(uid VARCHAR, correlation_uid VARCHAR, tenant_uid VARCHAR, original_time VARCHAR, "
            "event_code VARCHAR, product STRUCT(vendor_name VARCHAR))"
        ),
    ),
    ("actor", f'STRUCT("user" STRUCT({_USER}, type_id BIGINT), session STRUCT(uid VARCHAR), app_name VARCHAR)'),
    ("user", f"STRUCT({_USER})"),
    ("user_result", f"STRUCT({_USER})"),
    (
        "src_endpoint",
        'STRUCT(ip VARCHAR, uid VARCHAR, "location" STRUCT(country VARCHAR), autonomous_system STRUCT(number BIGINT))',
    ),
    ("device", "STRUCT(uid VARCHAR)"),
    ("session", "STRUCT(uid VARCHAR)"),
    ("privileges", "VARCHAR[]"),
    ("policy", "STRUCT(name VARCHAR)"),
    ("auth_factors", "STRUCT(factor_type VARCHAR)[]"),
    ("api", 'STRUCT(operation VARCHAR, service STRUCT(name VARCHAR), request STRUCT("data" VARCHAR))'),
    ("identity", "JSON"),
)
_WHOLE = frozenset({6003, 5001, 3002})
"""Classes whose records of a call have all of it: API Activity, which was called Cloud API once, and Authentication."""
_OWN_TYPE = re.compile(r"[a-z][a-z_]*(\.[a-z0-9_]+)+")
"""What Okta and GitHub call the types of their events."""
_ABOUT_ACCOUNTS = re.compile(
    "(iam|signin|sso|sso-directory|identitystore|identitystore-scim|cognito-idp)[.]amazonaws[.]com/.*"
    "|sts[.]amazonaws[.]com/AssumeRoot|ec2[.]amazonaws[.]com/(Associate|Disassociate|Replace)IamInstanceProfile.*"
    "|logs[.]amazonaws[.]com/DeleteLogGroup|s3[.]amazonaws[.]com/(DeleteBucket|PutBucketLifecycle(Configuration)?)"
    "|(account|cloudtrail|cognito-identity|ds|ds-data|eks|elasticache|es|fsx|glue|lightsail|memorydb|mq|organizations|rds"
    "|redshift|redshift-serverless|rolesanywhere|securitylake|transfer|workmail)[.]amazonaws[.]com"
    "/(Accept|Add|Assoc|Assume|Attach|Change|Close|Create|Delete|Dereg|Detach|Disa|Enable|Import|Invite|Leave|Modify|Move"
    "|Put|Register|Remove|Reset|Rotate|Set|Stop|Update).*"
    "|[a-z0-9-]+[.]amazonaws[.]com/((Set|Reset|Change|Update|Rotate)[A-Za-z]*Password"
    "|(Create|Update|Modify|Delete|Register|Deregister|Attach|Detach)[A-Za-z]*(IdentityProvider|IdentitySource"
    "|TrustProvider|SamlProperties|CertificateBasedAuth|WorkspaceAuthentication|OidcConfig|IdpConfig)[A-Za-z]*)",
    re.DOTALL,
)
"""Services of AWS' that keep accounts, and what the others change: by service and call, as `ocsf.sql` has it too."""


def _shape(value: Json) -> tuple[Json, ...] | None:
    event = nested(value)
    for name in ("class_uid", "type_uid"):
        number = text(event.get(name))
        if number is not None and number.isdecimal() and len(number) < 10:
            return (_of_cloudtrail(event) or _of_vendor(event) or event,)
    inner = at(event, "ocsf")
    return _shape(inner) if isinstance(inner, dict) else None


def _of_cloudtrail(event: Json) -> Json | None:
    """The CloudTrail event that a record was made of, where its service keeps accounts; else None.

    As API Activity, which says what was done by the call's name alone; and in the classes about identities, where the
    account is named by what was asked for, or else by who called. Security Lake's first records have `identity` for the
    actor, and what was asked for among what they could not place.
    """
    api, name, source = event.get("api"), at(event, "api", "operation"), at(event, "api", "service", "name")
    # As the SQL has it, which reads what is left here: of which class, and that some operation is named.
    if name is None or not isinstance(source, str) or not _says_all(event):
        return None
    name = name if isinstance(name, str) else json.dumps(name)
    if not _ABOUT_ACCOUNTS.fullmatch(f"{source}/{name}"):
        return None
    caller, unmapped = event.get("actor") or event.get("identity"), _pairs(event.get("unmapped"))
    who = at(caller, "user")
    names = [each for each in (at(who, key) for key in ("uid", "uuid", "uid_alt")) if isinstance(each, str)]
    principal = next((each for each in names if not each.startswith("arn:")), None)
    of_center = at(who, "type") == "IdentityCenterUser"
    more = _unmapped(unmapped, "additionalEventData")
    if of_center and (login := text(at(who, "name"))) is not None:
        more = {"UserName": login} | more
    context = _unmapped(unmapped, "userIdentity.sessionContext")
    if (issuer := text(at(caller, "session", "issuer"))) is not None:
        context["sessionIssuer"] = {"arn": issuer, "userName": issuer.rpartition("/")[2]}
    return {
        CARRIED: "cloudtrail",
        "eventID": at(event, "metadata", "uid") or event.get("ref_event_uid"),
        "eventTime": text(event.get("time_dt")) or text(event.get("time")),
        "eventSource": source,
        "eventName": name,
        "readOnly": at(unmapped, "readOnly"),
        "errorCode": at(api, "response", "error"),
        "errorMessage": at(api, "response", "message"),
        "sourceIPAddress": at(event, "src_endpoint", "ip") or at(event, "src_endpoint", "domain"),
        "userAgent": at(event, "http_request", "user_agent"),
        "requestID": at(api, "request", "uid"),
        "sharedEventID": at(unmapped, "sharedEventID"),
        "recipientAccountId": at(event, "cloud", "account", "uid") or at(unmapped, "recipientAccountId"),
        "userIdentity": {
            "type": at(who, "type"),
            "arn": next((each for each in names if each.startswith("arn:")), None),
            "principalId": None if of_center else principal,
            "onBehalfOf": {"userId": principal if of_center else None},
            "accountId": at(who, "account", "uid") or at(who, "account_uid"),
            "accessKeyId": None if of_center else at(who, "credential_uid"),
            "userName": None if of_center else at(who, "name"),
            "invokedBy": at(caller, "invoked_by"),
            "sessionContext": context,
        },
        "requestParameters": parsed(at(api, "request", "data") or unmapped.get("requestParameters")),
        "responseElements": parsed(at(api, "response", "data") or unmapped.get("responseElements")),
        "additionalEventData": more or None,
        "serviceEventDetails": _unmapped(unmapped, "serviceEventDetails") or None,
    }


def _says_all(event: Json) -> bool:
    """Whether a record of a call has what the call's own event had."""
    number, asked = _class_of(event), at(event, "api", "request", "data")
    has_asked = isinstance(asked, dict) or (isinstance(asked, str) and asked.startswith("{"))
    return number in _WHOLE or (number // 1000 == 3 and (has_asked or isinstance(event.get("identity"), dict)))


def _pairs(unmapped: object) -> Json:
    """What a record could not place: an object, or a list of names with their values."""
    if isinstance(unmapped, list):
        pairs = [each for each in unmapped if isinstance(each, list) and len(each) == 2]
        return {name: said for name, said in pairs if isinstance(name, str)}
    return unmapped if isinstance(unmapped, dict) else {}


def _unmapped(unmapped: Json, name: str) -> Json:
    """The members of *name* among what a record could not place, under their whole names or within it."""
    held = parsed(unmapped.get(name))
    out: Json = dict(held) if isinstance(held, dict) else {}
    for mark in (".", "_"):
        prefix = f"{name.replace('.', mark)}{mark}"
        out |= {each[len(prefix) :]: said for each, said in unmapped.items() if each.startswith(prefix)}
    return nested(out)


def _class_of(event: Json) -> int:
    """The class by its number, or by that of the type, which begins with it."""
    named, typed = (text(event.get(key)) or "" for key in ("class_uid", "type_uid"))
    short = [one if one.isdecimal() and len(one) < 10 else "0" for one in (named, typed)]
    return int(short[0]) or int(short[1]) // 100


def _of_vendor(event: Json) -> Json | None:
    """The event of Okta's or GitHub's that a record was made of, where it has the event's own type; else None.

    A class says less: who may do more, and keys to everything, come as things, as groups and as calls.
    """
    code, vendor = at(event, "metadata", "event_code"), at(event, "metadata", "product", "vendor_name")
    if not isinstance(code, str) or not _OWN_TYPE.fullmatch(code) or not isinstance(vendor, str):
        return None
    for name, read in (("okta", _of_okta), ("github", _of_github)):
        if vendor.lower().startswith(name):
            return {CARRIED: name, **read(event, code)}
    return None


def _of_okta(event: Json, code: str) -> Json:
    metadata, client, unmapped = event.get("metadata"), event.get("src_endpoint"), _pairs(event.get("unmapped"))
    status = text(event.get("status")) or {"1": "SUCCESS", "2": "FAILURE"}.get(text(event.get("status_id")) or "")
    things = (at(event, "entity", "policy"), event.get("entity"), event.get("group"), event.get("policy"))
    others = at(unmapped, "target")
    return {
        "uuid": at(metadata, "uid"),
        "published": _written(event.get("time")) or text(event.get("time_dt")),
        "eventType": code,
        "actor": _of_okta_s(at(event, "actor", "user")),
        "client": {
            "ipAddress": at(client, "ip"),
            "geographicalContext": {"country": at(client, "location", "country")},
            "userAgent": {"rawUserAgent": at(event, "http_request", "user_agent")},
        },
        "device": {"id": at(event, "device", "uid")},
        "authenticationContext": {
            "externalSessionId": at(event, "actor", "session", "uid"),
            "rootSessionId": at(unmapped, "authenticationContext", "rootSessionId"),
        },
        "outcome": {"result": status and status.upper(), "reason": at(unmapped, "outcome", "reason")},
        "securityContext": {"asNumber": at(client, "autonomous_system", "number")},
        "target": [
            *([_of_okta_s(event["user"])] if isinstance(event.get("user"), dict) else []),
            *(
                {"id": at(thing, "uid"), "type": at(thing, "type"), "alternateId": at(thing, "name")}
                for thing in things
                if at(thing, "uid") is not None
            ),
            *(others if isinstance(others, list) else []),
        ],
        "transaction": {"id": at(unmapped, "transaction", "id")},
        "debugContext": {"debugData": at(unmapped, "debugContext", "debugData")},
    }


_OF_GITHUB = (
    "org",
    "business",
    "request_id",
    "actor_is_bot",
    "permission",
    "old_permission",
    "programmatic_access_type",
    "external_identity_nameid",
    "external_identity_username",
    "role_name",
    "name",
    "team",
    "token_id",
    "hashed_token",
    "application_name",
    "title",
    "repo",
    "data",
)
"""Members of an entry of GitHub's that OCSF has no place for."""


def _of_github(event: Json, code: str) -> Json:
    who, held = at(event, "actor", "user"), _pairs(event.get("unmapped"))
    return {name: held.get(name) for name in _OF_GITHUB} | {
        "_document_id": at(event, "metadata", "uid"),
        "@timestamp": _written(event.get("time")) or text(event.get("time_dt")),
        "action": code,
        "actor": at(who, "name"),
        "actor_id": at(who, "uid"),
        "actor_ip": at(event, "src_endpoint", "ip"),
        "actor_location": {"country_code": at(event, "src_endpoint", "location", "country")},
        "user": at(event, "user", "name") or held.get("user"),
        "user_id": at(event, "user", "uid") or held.get("user_id"),
        "user_agent": at(event, "http_request", "user_agent"),
        "org": held.get("org") or at(who, "account", "name"),
        "team": held.get("team") or at(event, "group", "name"),
    }


def _written(time: object) -> str | None:
    """A time in seconds, milliseconds or microseconds since 1970 as text; other text as it is."""
    said = text(time)
    if said is None or not re.fullmatch(r"[0-9]{9,16}", said):
        return said
    parts = 1 if len(said) <= 10 else 1_000 if len(said) <= 13 else 1_000_000
    return datetime.fromtimestamp(int(said) / parts, UTC).isoformat()


def _of_okta_s(user: object) -> Json:
    """A user or an application of a record, by the names that the System Log has."""
    return {
        "id": at(user, "uid"),
        "alternateId": at(user, "email_addr") or at(user, "name"),
        "type": text(at(user, "type")) or "User",
    }


OCSF = Provider(
    name="ocsf",
    type_key="class_uid",
    columns=_COLUMNS,
    wrapped=("events", "records"),
    shape=_shape,
    carries=("cloudtrail", "okta", "github"),
    tenant=("metadata.tenant_uid",),
)
"""OCSF events of the classes 3001 to 3007, one a line; others are counted and let be.

AWS' calls about accounts, and what Okta and GitHub said, go to their own providers, whatever class they came in.
"""
