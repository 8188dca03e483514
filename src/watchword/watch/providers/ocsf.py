"""Events in the Open Cybersecurity Schema Framework: Account Change, User Management, Authentication and their kin."""

from __future__ import annotations

import json
import re

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
    ("metadata", "STRUCT(uid VARCHAR, correlation_uid VARCHAR, original_time VARCHAR)"),
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
_KEEPS_ACCOUNTS = re.compile(r"(iam|signin|sso|sso-directory|identitystore|cognito-idp)\.amazonaws\.com")


def _shape(value: Json) -> tuple[Json, ...] | None:
    event = nested(value)
    for name in ("class_uid", "type_uid"):
        number = text(event.get(name))
        if number is not None and number.isdecimal() and len(number) < 10:
            return (_of_cloudtrail(event) or event,)
    inner = at(event, "ocsf")
    return _shape(inner) if isinstance(inner, dict) else None


def _of_cloudtrail(event: Json) -> Json | None:
    """The CloudTrail event that Security Lake made API Activity of, where its service keeps accounts; else None.

    Only some calls became events of the category for identities: the others say what they do by their name alone.
    """
    api, name, source = event.get("api"), at(event, "api", "operation"), at(event, "api", "service", "name")
    # As the SQL has it, which reads what is left here: of which class, by number, and that some operation is named.
    named, typed = (text(event.get(key)) or "" for key in ("class_uid", "type_uid"))
    short = [one if one.isdecimal() and len(one) < 10 else "0" for one in (named, typed)]
    kind = int(short[0]) or int(short[1]) // 100
    if kind != _API_ACTIVITY or name is None or not isinstance(source, str) or not _KEEPS_ACCOUNTS.fullmatch(source):
        return None
    name = name if isinstance(name, str) else json.dumps(name)
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


OCSF = Provider(
    name="ocsf",
    type_key="class_uid",
    columns=_COLUMNS,
    wrapped=("events", "records"),
    shape=_shape,
    carries=("cloudtrail",),
)
"""OCSF events of the classes 3001 to 3007, one a line, and AWS' calls about accounts; others are counted and let be."""
