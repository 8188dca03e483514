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
    ("api", "STRUCT(operation VARCHAR, service STRUCT(name VARCHAR))"),
)
_API_ACTIVITY = 6003
_SAYS_LITTLE = frozenset({3003, 3004, 3006})
"""Classes of which a record says that there was a right, a thing or a group, and not what that lets anybody do."""
_OKTA_TYPE = re.compile(r"[a-z][a-z_]*(\.[a-z0-9_]+)+")
_ABOUT_ACCOUNTS = re.compile(
    "(iam|signin|sso|sso-directory|identitystore|identitystore-scim|cognito-idp)[.]amazonaws[.]com/.*"
    "|sts[.]amazonaws[.]com/AssumeRoot|ec2[.]amazonaws[.]com/(Associate|Disassociate|Replace)IamInstanceProfile.*"
    "|(account|cloudtrail|cognito-identity|ds|ds-data|eks|elasticache|es|fsx|glue|lightsail|memorydb|mq|organizations|rds"
    "|redshift|redshift-serverless|rolesanywhere|transfer|workmail)[.]amazonaws[.]com"
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
            return (_of_cloudtrail(event) or _of_okta(event) or event,)
    inner = at(event, "ocsf")
    return _shape(inner) if isinstance(inner, dict) else None


def _of_cloudtrail(event: Json) -> Json | None:
    """The CloudTrail event that Security Lake made API Activity of, where its service keeps accounts; else None.

    Only some calls became events of the category for identities: the others say what they do by their name alone.
    """
    api, name, source = event.get("api"), at(event, "api", "operation"), at(event, "api", "service", "name")
    # As the SQL has it, which reads what is left here: of which class, and that some operation is named.
    if name is None or not isinstance(source, str) or _class_of(event) != _API_ACTIVITY:
        return None
    name = name if isinstance(name, str) else json.dumps(name)
    if not _ABOUT_ACCOUNTS.fullmatch(f"{source}/{name}"):
        return None
    who, unmapped = at(event, "actor", "user"), event.get("unmapped")
    names = [each for each in (at(who, key) for key in ("uid", "uuid", "uid_alt")) if isinstance(each, str)]
    issuer = text(at(event, "actor", "session", "issuer"))
    return {
        CARRIED: "cloudtrail",
        "eventID": at(event, "metadata", "uid"),
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
            "principalId": next((each for each in names if not each.startswith("arn:")), None),
            "accountId": at(who, "account", "uid") or at(who, "account_uid"),
            "accessKeyId": at(who, "credential_uid"),
            "userName": at(who, "name"),
            "invokedBy": at(event, "actor", "invoked_by"),
            "sessionContext": {"sessionIssuer": {"arn": issuer, "userName": issuer and issuer.rpartition("/")[2]}},
        },
        "requestParameters": parsed(at(api, "request", "data")),
        "responseElements": parsed(at(api, "response", "data")),
    }


def _class_of(event: Json) -> int:
    """The class by its number, or by that of the type, which begins with it."""
    named, typed = (text(event.get(key)) or "" for key in ("class_uid", "type_uid"))
    short = [one if one.isdecimal() and len(one) < 10 else "0" for one in (named, typed)]
    return int(short[0]) or int(short[1]) // 100


def _of_okta(event: Json) -> Json | None:
    """The System Log event that a record was made of, where its class says less than the event's type; else None."""
    metadata, client = event.get("metadata"), event.get("src_endpoint")
    code, vendor = at(metadata, "event_code"), at(metadata, "product", "vendor_name")
    if not isinstance(code, str) or not _OKTA_TYPE.fullmatch(code) or _class_of(event) not in _SAYS_LITTLE:
        return None
    if not isinstance(vendor, str) or not vendor.lower().startswith("okta"):
        return None
    status = text(event.get("status")) or {"1": "SUCCESS", "2": "FAILURE"}.get(text(event.get("status_id")) or "")
    things = (at(event, "entity", "policy"), event.get("entity"), event.get("group"), event.get("policy"))
    return {
        CARRIED: "okta",
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
        "authenticationContext": {"externalSessionId": at(event, "actor", "session", "uid")},
        "outcome": {"result": status and status.upper(), "reason": at(event, "unmapped", "outcome", "reason")},
        "securityContext": {"asNumber": at(client, "autonomous_system", "number")},
        "target": [
            *([_of_okta_s(event["user"])] if isinstance(event.get("user"), dict) else []),
            *(
                {"id": at(thing, "uid"), "type": at(thing, "type"), "alternateId": at(thing, "name")}
                for thing in things
                if at(thing, "uid") is not None
            ),
        ],
        "transaction": {"id": at(event, "unmapped", "transaction", "id")},
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
    carries=("cloudtrail", "okta"),
    tenant=("metadata.tenant_uid",),
)
"""OCSF events of the classes 3001 to 3007, one a line, and AWS' calls about accounts; others are counted and let be.

What Okta said goes to its own provider where the class says less.
"""
