"""Microsoft Entra directory audits and sign-ins, and what Microsoft 365's unified audit log adds about mailboxes."""

from __future__ import annotations

import json
import re
from typing import Any

from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import Spelling, at, nested, text

_CHANGED = "STRUCT(displayName VARCHAR, oldValue VARCHAR, newValue VARCHAR)[]"
_FIELDS = (
    ("id", "VARCHAR"),
    ("activityDisplayName", "VARCHAR"),
    ("activityDateTime", "VARCHAR"),
    ("correlationId", "VARCHAR"),
    ("result", "VARCHAR"),
    ("resultReason", "VARCHAR"),
    (
        "initiatedBy",
        (
            'STRUCT("user" STRUCT(id VARCHAR, displayName VARCHAR, userPrincipalName VARCHAR, ipAddress VARCHAR), '
            "app STRUCT(appId VARCHAR, displayName VARCHAR, servicePrincipalId VARCHAR))"
        ),
    ),
    (
        "targetResources",
        (
            f'STRUCT(id VARCHAR, displayName VARCHAR, "type" VARCHAR, userPrincipalName VARCHAR, '
            f"modifiedProperties {_CHANGED})[]"
        ),
    ),
    ("additionalDetails", 'STRUCT("key" VARCHAR, "value" VARCHAR)[]'),
    # What sign-ins have besides.
    ("createdDateTime", "VARCHAR"),
    ("userId", "VARCHAR"),
    ("userPrincipalName", "VARCHAR"),
    ("ipAddress", "VARCHAR"),
    ("appDisplayName", "VARCHAR"),
    ("location", "JSON"),
    ("status", "STRUCT(errorCode BIGINT)"),
    ("deviceDetail", "STRUCT(deviceId VARCHAR)"),
    ("autonomousSystemNumber", "BIGINT"),
    ("sessionId", "VARCHAR"),
    ("signInEventTypes", "VARCHAR[]"),
)

_COLUMNS = (
    *_FIELDS,
    ("time", "VARCHAR"),
    ("category", "VARCHAR"),
    ("operationName", "VARCHAR"),
    ("resultType", "VARCHAR"),
    ("resultSignature", "VARCHAR"),
    ("resultDescription", "VARCHAR"),
    ("callerIpAddress", "VARCHAR"),
    ("properties", f"STRUCT({', '.join(f'{name} {kind}' for name, kind in _FIELDS)})"),
)

_SPELLING = Spelling(
    _COLUMNS, timegenerated="time", ip="ipAddress", username="userPrincipalName", locationdetails="locationDetails"
)
_TEXTS = (
    "initiatedBy",
    "targetResources",
    "additionalDetails",
    "status",
    "deviceDetail",
    "locationDetails",
    "location",
)
_SIGN_INS = frozenset({"UserLoggedIn", "UserLoginFailed"})


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An event as Graph, an Event Hub, Sentinel's tables, Elastic or the unified audit log writes it."""
    if _is_known(value):
        return (value,)
    value = nested(value)
    azure = value.get("azure")
    if isinstance(azure, dict):
        return _from_ecs(value, azure)
    if isinstance(audit := at(value, "o365", "audit"), dict):
        return _from_unified(audit)
    if isinstance(value.get("AuditData"), str):  # as Search-UnifiedAuditLog exports it
        inner = _parsed(value["AuditData"])
        return _from_unified(inner) if isinstance(inner, dict) else None
    if isinstance(value.get("Operation"), str):
        return _from_unified(value)
    event = _put_right(_SPELLING.of(value))
    return (event,) if _is_known(event) else None


def _is_known(event: Json) -> bool:
    if isinstance(event.get("activityDisplayName"), str):
        return True
    if isinstance(event.get("properties"), dict):
        return isinstance(event.get("operationName"), str)
    return isinstance(event.get("createdDateTime"), str) and (
        isinstance(event.get("userPrincipalName"), str) or isinstance(event.get("appDisplayName"), str)
    )


def _put_right(event: Json) -> Json:
    """*event* with values that its pipeline flattened into text, or into numbered members, as they were."""
    event = {name: _listed(each) for name, each in event.items()}
    for name in _TEXTS:
        event[name] = _parsed(event.get(name))
    for target in event["targetResources"] if isinstance(event["targetResources"], list) else ():
        if isinstance(target, dict):
            target["modifiedProperties"] = _parsed(target.get("modifiedProperties"))
    if isinstance(event.get("properties"), str):
        event["properties"] = _parsed(event["properties"])
    if isinstance(event.get("properties"), dict):
        event["properties"] = _put_right(event["properties"])
        return event
    if isinstance(event.get("locationDetails"), dict):
        event["location"] = event["locationDetails"]
    table = str(event.get("category") or event.get("Type") or "")
    is_sign_in = "SignIn" in table or "Signin" in table or event.get("operationName") == "Sign-in activity"
    if is_sign_in or (event.get("userPrincipalName") and event.get("appDisplayName")):
        event["createdDateTime"] = event.get("createdDateTime") or event.get("time")
        if not isinstance(event.get("status"), dict) and event.get("resultType") is not None:
            event["status"] = {"errorCode": event["resultType"]}
    elif event.get("operationName"):
        event["activityDisplayName"] = event.get("activityDisplayName") or event["operationName"]
        event["activityDateTime"] = event.get("activityDateTime") or event.get("time")
        if event.get("resultDescription") and not event.get("resultReason"):
            event["resultReason"] = event["resultDescription"]
    return event


def _from_ecs(value: Json, azure: Json) -> tuple[Json, ...] | None:
    for name in ("auditlogs", "signinlogs"):
        if isinstance(azure.get(name), dict):
            event = _put_right(_SPELLING.of(azure[name]))
            inner = event["properties"] if isinstance(event.get("properties"), dict) else event
            inner.setdefault("correlationId", azure.get("correlation_id"))
            if name == "signinlogs":
                event.setdefault("category", "SignInLogs")
                inner.setdefault("ipAddress", at(value, "source", "ip"))
                inner.setdefault("createdDateTime", value.get("@timestamp"))
                inner.setdefault("autonomousSystemNumber", at(value, "source", "as", "number"))
                country = at(value, "source", "geo", "country_iso_code")
                if country and not isinstance(inner.get("location"), dict):
                    inner["location"] = {"countryOrRegion": country}
            event.setdefault("callerIpAddress", at(value, "source", "ip") or at(value, "client", "ip"))
            event.setdefault("time", value.get("@timestamp"))
            event.setdefault("operationName", at(value, "event", "action"))
            return (event,) if _is_known(event) else None
    return None


def _from_unified(row: Json) -> tuple[Json, ...] | None:
    """A row of the unified audit log, as the directory audit that it is or would be."""
    operation = text(row.get("Operation"))
    if operation is None:
        return None
    user = text(row.get("UserId")) or ""
    address = text(row.get("ClientIP")) or text(row.get("ClientIPAddress")) or text(row.get("ActorIpAddress"))
    if operation in _SIGN_INS:
        failed = operation == "UserLoginFailed"
        code = text(row.get("ErrorNumber")) or ("1" if failed else "0")
        return (
            {
                "id": text(row.get("Id")),
                "createdDateTime": _zoned(row.get("CreationTime")),
                "userId": text(row.get("UserKey")),
                "userPrincipalName": user,
                "appDisplayName": text(row.get("ApplicationId")),
                "ipAddress": address,
                "status": {"errorCode": int(code) if code.isdecimal() else 1},
                "correlationId": text(row.get("InterSystemsId")),
            },
        )
    name = operation.rstrip(". ")
    parameters = {str(each.get("Name")): text(each.get("Value")) for each in _dicts(row.get("Parameters"))}
    if name == "Set-Mailbox" and any(key.startswith(("Forward", "DeliverToMailbox")) for key in parameters):
        name = "Set-Mailbox/forwarding"
    mailbox = name.endswith(("InboxRule", "InboxRules")) or name.startswith("Set-Mailbox")
    target = text(row.get("MailboxOwnerUPN")) or (parameters.get("Mailbox") or user if mailbox else None)
    target = target or text(row.get("ObjectId")) or ""
    targets = [str(each.get("ID")) for each in _dicts(row.get("Target")) if text(each.get("ID"))]
    actors = [str(each.get("ID")) for each in _dicts(row.get("Actor")) if text(each.get("ID"))]
    ids = [each for each in targets if _GUID.fullmatch(each)]
    return (
        {
            "id": text(row.get("Id")),
            "activityDisplayName": name,
            "activityDateTime": _zoned(row.get("CreationTime")),
            "correlationId": text(row.get("InterSystemsId")),
            "result": _result(row.get("ResultStatus")),
            "initiatedBy": _initiator(user, actors, address),
            "targetResources": [
                {
                    "id": ids[0] if ids else target,
                    "type": "User" if "@" in target or mailbox else "Other",
                    "userPrincipalName": target,
                    "modifiedProperties": [
                        {"displayName": p.get("Name"), "oldValue": p.get("OldValue"), "newValue": p.get("NewValue")}
                        for p in _dicts(row.get("ModifiedProperties"))
                    ],
                }
            ],
            "additionalDetails": [{"key": key, "value": each} for key, each in parameters.items()],
        },
    )


_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _initiator(user: str, actors: list[str], address: str | None) -> Json:
    guids = [each for each in actors if _GUID.fullmatch(each)]
    if user.startswith("ServicePrincipal_") or ("@" not in user and guids and not _GUID.fullmatch(user)):
        return {"app": {"displayName": user, "servicePrincipalId": guids[0] if guids else user}}
    return {"user": {"id": guids[0] if guids else None, "userPrincipalName": user, "ipAddress": address}}


def _result(status: object) -> str | None:
    said = (text(status) or "").lower()
    return {"true": "success", "succeeded": "success", "false": "failure", "failed": "failure"}.get(said, said or None)


def _zoned(time: object) -> str | None:
    """The unified audit log writes UTC without saying so."""
    said = text(time)
    return said if said is None or said.endswith("Z") or "+" in said else f"{said}Z"


def _dicts(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value, strict=False)
        except (ValueError, RecursionError):
            return value
    return value


def _listed(value: Any) -> Any:
    """*value* with members called 0, 1, 2… as the list they were."""
    if isinstance(value, list):
        return [_listed(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return {name: _listed(each) for name, each in value.items()}


ENTRA = Provider(
    name="entra",
    type_key="activityDisplayName",
    columns=_COLUMNS,
    wrapped=("value", "records", "Records", "items", "data"),
    shape=_shape,
)
"""Directory audits and sign-ins as Graph lists them, or as a diagnostic setting sends them (under `properties`)."""
