"""Microsoft Entra directory audits and sign-ins, and what Microsoft 365's unified audit log adds about mailboxes."""

from __future__ import annotations

import re
from typing import Any

from watchword.watch.providers.log_analytics import parsed
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
# fmt: off
_UNIFIED = {name.lower(): name for name in (
    "Operation", "Id", "CreationTime", "UserId", "UserKey", "UserType", "ClientIP", "ClientIPAddress", "ActorIpAddress",
    "Actor", "Target", "ObjectId", "MailboxOwnerUPN", "Parameters", "ExtendedProperties", "ModifiedProperties",
    "InterSystemsId", "ApplicationId", "ErrorNumber", "ResultStatus", "AffectedItems", "Item",
)}
"""Members of the unified audit log by their names in lower case, as some pipelines write them."""
# fmt: on
_SIGN_INS = frozenset({"UserLoggedIn", "UserLoginFailed"})
_TEXT_LISTS = ("Parameters", "ExtendedProperties", "ModifiedProperties", "AffectedItems", "Item")
_DELETIONS = frozenset({"HardDelete", "SoftDelete", "MoveToDeletedItems"})
_NOTICE = re.compile(
    r"pass(word|wort|code)|kennwort|mot de passe|contrase[ñn]a|mfa|2fa|two-step|multi-?factor|authenti[ckf]"
    r"|(security|sicherheits)[ -]?(info|code|alert|hinweis)|sign-?in|anmeldung|v[eé]rifi[ck]a[tc]i[oó]n"
    r"|account recovery|kontowiederherstellung|\((case|vorgang|dossier|caso) ",
    re.IGNORECASE,
)
"""What the subject of a notice about a way in says; the last are the desk's own (`languages/*.toml`)."""
_RENAMED = {
    "added-user-account": "Add user.",
    "modified-user-account": "Update user.",
    "deleted-user-account": "Delete user.",
}
"""Operations that Elastic's integration gives another name."""


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An event as Graph, an Event Hub, Sentinel's tables, Elastic or the unified audit log writes it."""
    if _is_known(value):
        return (value,)
    value = nested(value)
    azure = value.get("azure")
    if isinstance(azure, dict):
        return _from_ecs(value, azure)
    if isinstance(audit := at(value, "o365", "audit") or value.get("o365audit"), dict):
        return _from_unified(_of_elastic(value) | audit)
    if isinstance(value.get("AuditData"), str):  # as Search-UnifiedAuditLog exports it
        inner = parsed(value["AuditData"])
        return _from_unified(inner) if isinstance(inner, dict) else None
    if isinstance(value.get("Operation"), str):
        return _from_unified(_of_sentinel(value) if "OfficeWorkload" in value else value)
    if isinstance(value.get("operation"), str) and "creationtime" in value:
        return _from_unified({_UNIFIED.get(name, name): each for name, each in value.items()})
    if isinstance(value.get("Activity"), str):
        return (_from_table(value),)
    if isinstance(value.get("Request ID"), str) and isinstance(value.get("Username"), str):
        return (_from_sign_in_table(value),)
    event = _put_right(_SPELLING.of(value))
    return (event,) if _is_known(event) else None


def _from_table(row: Json) -> Json:
    """A row of the directory's audits as the admin centre exports them."""
    is_app = row.get("ActorType") == "Application" or not (
        row.get("ActorObjectId") or row.get("ActorUserPrincipalName")
    )
    app = {
        "displayName": row.get("ActorServicePrincipalName") or row.get("ActorDisplayName"),
        "servicePrincipalId": row.get("ActorServicePrincipalId") or row.get("ActorObjectId"),
    }
    user = {
        "id": row.get("ActorObjectId"),
        "userPrincipalName": row.get("ActorUserPrincipalName"),
        "displayName": row.get("ActorDisplayName"),
        "ipAddress": row.get("IPAddress"),
    }
    return {
        "id": row.get("Id"),
        "activityDisplayName": row["Activity"],
        "activityDateTime": row.get("Date"),
        "correlationId": row.get("CorrelationId"),
        "result": text(row.get("Result")),
        "resultReason": row.get("ResultReason"),
        "callerIpAddress": row.get("IPAddress"),
        "initiatedBy": {"app": app} if is_app else {"user": user},
        "targetResources": [
            {
                "id": row.get(f"{target}ObjectId"),
                "displayName": row.get(f"{target}DisplayName"),
                "type": row.get(f"{target}Type"),
                "userPrincipalName": row.get(f"{target}UserPrincipalName"),
                "modifiedProperties": [
                    {
                        "displayName": row[f"{change}Name"],
                        "oldValue": row.get(f"{change}OldValue"),
                        "newValue": row.get(f"{change}NewValue"),
                    }
                    for change in _numbered(row, f"{target}ModifiedProperty", "Name")
                ],
            }
            for target in _numbered(row, "Target", "Type")
        ],
        "additionalDetails": [
            {"key": row[f"{detail}Key"], "value": row.get(f"{detail}Value")}
            for detail in _numbered(row, "AdditionalDetail", "Key")
        ],
    }


def _from_sign_in_table(row: Json) -> Json:
    """A row of the sign-ins as the admin centre exports them; its place ends with the country."""
    code = text(row.get("Sign-in error code")) or ""
    failed = "0" if text(row.get("Status")) == "Success" else "1"
    return {
        "id": row.get("Request ID"),
        "createdDateTime": row.get("Date"),
        "userId": row.get("User ID"),
        "userPrincipalName": row.get("Username"),
        "appDisplayName": row.get("Application"),
        "ipAddress": row.get("IP address"),
        "location": {"countryOrRegion": (text(row.get("Location")) or "").rpartition(",")[2].strip() or None},
        "status": {"errorCode": int(code if code.isdecimal() else failed)},
        "correlationId": row.get("Correlation ID"),
        "category": "SignInLogs",
    }


def _numbered(row: Json, name: str, part: str) -> list[str]:
    """Which of the columns *name* 1, 2, 3… the *row* has a *part* in."""
    return [f"{name}{number}" for number in range(1, 10) if row.get(f"{name}{number}{part}")]


def _is_known(event: Json) -> bool:
    if isinstance(event.get("activityDisplayName"), str):
        return True
    if isinstance(event.get("properties"), dict):
        return isinstance(event.get("operationName"), str)
    return isinstance(event.get("createdDateTime"), str) and (
        isinstance(event.get("userPrincipalName"), str)
        or isinstance(event.get("appDisplayName"), str)
        or str(event.get("category")).lower().endswith("signinlogs")
    )


def _put_right(event: Json) -> Json:
    """*event* with values that its pipeline flattened into text, or into numbered members, as they were."""
    event = {name: _listed(each) for name, each in event.items()}
    for name in _TEXTS:
        event[name] = parsed(event.get(name))
    for target in event["targetResources"] if isinstance(event["targetResources"], list) else ():
        if isinstance(target, dict):
            target["modifiedProperties"] = parsed(target.get("modifiedProperties"))
    if isinstance(event.get("properties"), str):
        event["properties"] = parsed(event["properties"])
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
            inner.setdefault("result", at(value, "event", "outcome"))
            if name == "signinlogs":
                event.setdefault("category", "SignInLogs")
                inner.setdefault("ipAddress", at(value, "source", "ip"))
                inner.setdefault("createdDateTime", value.get("@timestamp"))
                inner.setdefault("autonomousSystemNumber", at(value, "source", "as", "number"))
                country = at(value, "source", "geo", "country_iso_code") or at(value, "geo", "country_iso_code")
                if country and not isinstance(inner.get("location"), dict):
                    inner["location"] = {"countryOrRegion": country}
            event.setdefault("callerIpAddress", at(value, "source", "ip") or at(value, "client", "ip"))
            event.setdefault("time", value.get("@timestamp"))
            event.setdefault("operationName", at(value, "event", "action"))
            return (event,) if _is_known(event) else None
    return None


def _of_elastic(value: Json) -> Json:
    """What Elastic's integration takes out of a row of the unified audit log, from where it puts it."""
    operation = text(at(value, "event", "action"))
    return {
        "Operation": _RENAMED.get(operation or "", operation),
        "Id": at(value, "event", "id"),
        "CreationTime": value.get("@timestamp"),
        "ClientIP": at(value, "client", "ip") or at(value, "source", "ip"),
        "UserId": at(value, "user", "id"),
        "MailboxOwnerUPN": at(value, "user", "email") if at(value, "event", "code") == "ExchangeItem" else None,
    }


def _of_sentinel(row: Json) -> Json:
    """A row of Sentinel's `OfficeActivity` with the names that the unified audit log has."""
    kind = {"DcAdmin": _CENTRE, "System": _SYSTEM, "Application": "5", "ServicePrincipal": "6"}
    return row | {
        "Id": row.get("OfficeId"),
        "ObjectId": row.get("OfficeObjectId"),
        "CreationTime": row.get("TimeGenerated"),
        "ClientIP": row.get("ClientIP") or row.get("Client_IPAddress"),
        "UserType": kind.get(str(row.get("UserType")), row.get("UserType")),
        **{name: parsed(row.get(name)) for name in _TEXT_LISTS},
    }


_AUDITS = {
    ("Set-AdminAuditLogConfig", "UnifiedAuditLogIngestionEnabled"): ("/less", "/more"),
    ("Set-MailboxAuditBypassAssociation", "AuditBypassEnabled"): ("/more", "/less"),
    ("Set-Mailbox", "AuditEnabled"): ("/less", ""),
}
"""Commands that set what is logged, by their parameter: what it makes of the log, false and true."""


def _of_audit(command: str, parameters: dict[str, str | None]) -> str:
    """What *command* makes of the log, to stand after its name; nothing where it is no such command."""
    for (name, parameter), made in _AUDITS.items():
        if name == command and (said := parameters.get(parameter)) is not None:
            return made[said.strip("$ ").lower() == "true"]
    return ""


def _from_unified(row: Json) -> tuple[Json, ...] | None:
    """A row of the unified audit log, as the directory audit that it is or would be."""
    operation = text(row.get("Operation"))
    if operation is None:
        return None
    user = text(row.get("UserId")) or ""
    address = text(row.get("ClientIP")) or text(row.get("ClientIPAddress")) or text(row.get("ActorIpAddress"))
    extended = _named(row.get("ExtendedProperties"))
    correlation = text(row.get("InterSystemsId")) or text(extended.get("correlationId"))
    if operation in _SIGN_INS:
        failed = operation == "UserLoginFailed"
        code = text(row.get("ErrorNumber")) or ("1" if failed else "0")
        return (
            {
                "id": text(row.get("Id")),
                "createdDateTime": _zoned(row.get("CreationTime")),
                "userId": _object(row.get("Actor"))[1] or text(row.get("UserKey")),
                "userPrincipalName": user,
                "appDisplayName": text(row.get("ApplicationId")),
                "ipAddress": address,
                "status": {"errorCode": int(code) if code.isdecimal() else 1},
                "correlationId": correlation,
            },
        )
    name = operation.rstrip(". ")
    parameters = {key: text(each) for key, each in _named(row.get("Parameters")).items()}
    name += _of_audit(name, parameters)
    if name == "Set-Mailbox" and any(key.startswith(("Forward", "DeliverToMailbox")) for key in parameters):
        name = "Set-Mailbox/forwarding"
    deleted = _notices(row) if name in _DELETIONS else ()
    if deleted:
        name = f"{name}/notice"
    mailbox = name.endswith(("InboxRule", "InboxRules")) or name.startswith("Set-Mailbox") or bool(deleted)
    # Of a mailbox's settings the object is the mailbox, by its path; of a rule in it, the rule.
    named = (text(row.get("ObjectId")) or "").rpartition("/")[2] if name.startswith("Set-Mailbox") else None
    target = text(row.get("MailboxOwnerUPN")) or (
        parameters.get("Mailbox") or (parameters.get("Identity") if named is not None else None) or named or user
        if mailbox
        else text(row.get("ObjectId")) or ""
    )
    kind, whom = _object(row.get("Target"))
    return (
        {
            "id": text(row.get("Id")),
            "activityDisplayName": name,
            "activityDateTime": _zoned(row.get("CreationTime")),
            "correlationId": correlation,
            "result": _result(row.get("ResultStatus")),
            "resultReason": deleted[0] if deleted else None,
            "initiatedBy": _initiator(user, row, extended, address),
            "targetResources": [
                {
                    "id": whom or target,
                    "type": "User" if kind == "User" or "@" in target or mailbox else kind or "Other",
                    "userPrincipalName": target if target != whom else None,
                    "modifiedProperties": [
                        {"displayName": key, "oldValue": at(each, "OldValue"), "newValue": at(each, "NewValue")}
                        for key, each in _named(row.get("ModifiedProperties")).items()
                    ],
                }
            ],
            "additionalDetails": [{"key": key, "value": each} for key, each in parameters.items()],
        },
    )


_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OBJECT = re.compile(rf"([A-Za-z]+)_({_GUID.pattern})")
_CENTRE, _SYSTEM, _APPLICATIONS = "3", "4", frozenset({"5", "6"})
"""Kinds of user in the unified audit log (`UserType`): Microsoft's administrators, its services, applications."""


def _object(names: Any) -> tuple[str | None, str | None]:
    """The kind and the id of the object that a list of names (`ID`) names.

    Such a list has names of several kinds; the one of the object itself says the object's kind before its id.
    """
    said = [name for each in _dicts(names) if (name := text(each.get("ID"))) is not None]
    for name in said:
        if found := _OBJECT.fullmatch(name):
            return found[1], found[2]
    return None, next((name for name in said if _GUID.fullmatch(name)), None)


def _initiator(user: str, row: Json, extended: dict[str, Any], address: str | None) -> Json:
    kind, own = _object(row.get("Actor"))
    own = text(extended.get("actorObjectId")) or own
    user_type = text(row.get("UserType"))
    if user_type == _SYSTEM or user.startswith("NT AUTHORITY\\"):
        return {"app": {"displayName": f"Microsoft {user}", "servicePrincipalId": own}}
    if user_type == _CENTRE:
        return {"app": {"displayName": "Microsoft administrator", "servicePrincipalId": own or user}}
    is_named = "@" in user or _GUID.fullmatch(user) is not None
    if user.startswith("ServicePrincipal_") or kind == "ServicePrincipal" or user_type in _APPLICATIONS:
        return {"app": {"displayName": user, "servicePrincipalId": own or user}}
    if not is_named and own is not None and kind != "User":
        return {"app": {"displayName": user, "servicePrincipalId": own}}
    return {"user": {"id": own, "userPrincipalName": user, "ipAddress": address}}


def _named(value: Any) -> dict[str, Any]:
    """A list of named values, or the object Elastic makes of it, by their names; a change of a value is whole."""
    if isinstance(value, dict):
        return {name.replace("_", " "): each for name, each in value.items()}
    return {
        str(each.get("Name")): each if "NewValue" in each or "OldValue" in each else each.get("Value")
        for each in _dicts(value)
    }


def _notices(row: Json) -> tuple[str, ...]:
    """The subjects of what was deleted that read like a notice about a way in."""
    items = [*_dicts(row.get("AffectedItems")), *_dicts([row.get("Item")])]
    return tuple(said for each in items if (said := text(each.get("Subject"))) is not None and _NOTICE.search(said))


def _result(status: object) -> str | None:
    said = (text(status) or "").lower()
    return {"true": "success", "succeeded": "success", "false": "failure", "failed": "failure"}.get(said, said or None)


def _zoned(time: object) -> str | None:
    """The unified audit log writes UTC without saying so."""
    said = text(time)
    return said if said is None or said.endswith("Z") or "+" in said else f"{said}Z"


def _dicts(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


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
    wrapped=("value", "records", "Records", "items", "data", "events"),
    shape=_shape,
    titles=("Activity", "Request ID", "AuditData", "Operation", "OperationName"),
)
"""Directory audits and sign-ins as Graph lists them, or as a diagnostic setting sends them (under `properties`)."""
