"""Rows of Microsoft 365's unified audit log, in each shape it comes in, as the directory audits that they are."""

from __future__ import annotations

import re
from typing import Any

from watchword.watch.providers.exchange import EMPTIED, Told, told
from watchword.watch.providers.log_analytics import parsed
from watchword.watch.providers.provider import Json
from watchword.watch.providers.recased import at, text

# fmt: off
_UNIFIED = {name.lower(): name for name in (
    "Operation", "Id", "CreationTime", "UserId", "UserKey", "UserType", "ClientIP", "ClientIPAddress", "ActorIpAddress",
    "Actor", "Target", "ObjectId", "MailboxOwnerUPN", "Parameters", "ExtendedProperties", "ModifiedProperties",
    "InterSystemsId", "ApplicationId", "ErrorNumber", "ResultStatus", "AffectedItems", "Item",
    "OrganizationId",
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
_NOTHING = frozenset({"Not Available", "Unknown", "__NULL__", "00000000-0000-0000-0000-000000000000"})
"""What the unified audit log says of an account or an object that it does not name."""


def unified_row(value: Json) -> Json | None:
    """The row of the unified audit log in *value*, by that log's own names; None where there is none.

    Without `Operation` it is one that was damaged.
    """
    if isinstance(audit := at(value, "o365", "audit") or value.get("o365audit"), dict):
        return _of_elastic(value) | audit
    if value.get("integration") == "office365" and isinstance(held := value.get("office365"), dict):  # Wazuh's
        return {name: parsed(each) for name, each in held.items()}
    if isinstance(value.get("auditLogRecordType"), str):
        return _of_graph(value)
    for name in ("AuditData", "RawEventData"):  # of Search-UnifiedAuditLog's export; of Defender's `CloudAppEvents`
        if isinstance(value.get(name), str | dict):
            inner = parsed(value[name])
            return inner if isinstance(inner, dict) else {}
    if isinstance(value.get("Operation"), str) and "AdditionalProperties" in value:
        return _of_enriched(value)
    if isinstance(value.get("Operation"), str):
        return _of_sentinel(value) if "OfficeWorkload" in value else value
    if isinstance(value.get("operation"), str) and "creationtime" in value:
        return _respelled(value)
    return None


def _respelled(value: Json) -> Json:
    return {_UNIFIED.get(name.lower(), name): each for name, each in value.items()}


def _of_graph(record: Json) -> Json:
    """An `auditLogRecord` of Graph's audit search, whose own members stand in where the row within lacks them.

    What it calls `userId` is the row's `UserKey`, and `userPrincipalName` its `UserId`.
    """
    inner = parsed(record.get("auditData"))
    row = _respelled(inner) if isinstance(inner, dict) else {}
    return {
        "Id": record.get("id"),
        "CreationTime": record.get("createdDateTime"),
        "Operation": record.get("operation"),
        "UserKey": record.get("userId"),
        "UserId": record.get("userPrincipalName"),
        "UserType": _kind_of_user(record.get("userType")),
        "ObjectId": record.get("objectId"),
        "ClientIP": record.get("clientIp"),
        "OrganizationId": record.get("organizationId"),
    } | {name: each for name, each in row.items() if each is not None}


def _kind_of_user(said: object) -> object:
    """The number of a kind of user that is written as a word."""
    words = {"dcadmin": _CENTRE, "system": _SYSTEM, "application": "5", "serviceprincipal": "6"}
    return words.get(str(said).lower(), said)


def _of_elastic(value: Json) -> Json:
    """What Elastic's integration takes out of a row of the unified audit log, from where it puts it."""
    operation = text(at(value, "event", "action"))
    return {
        "Operation": _RENAMED.get(operation or "", operation),
        "Id": at(value, "event", "id"),
        "CreationTime": value.get("@timestamp"),
        "ClientIP": at(value, "client", "ip") or at(value, "source", "ip"),
        "UserId": at(value, "user", "id"),
        "OrganizationId": at(value, "organization", "id"),
        "MailboxOwnerUPN": at(value, "user", "email") if at(value, "event", "code") == "ExchangeItem" else None,
    }


def _of_sentinel(row: Json) -> Json:
    """A row of Sentinel's `OfficeActivity` with the names that the unified audit log has."""
    return row | {
        "Id": row.get("OfficeId"),
        "ObjectId": row.get("OfficeObjectId"),
        "CreationTime": row.get("TimeGenerated"),
        "ClientIP": row.get("ClientIP") or row.get("Client_IPAddress"),
        "UserType": _kind_of_user(row.get("UserType")),
        **{name: parsed(row.get(name)) for name in _TEXT_LISTS},
    }


def _of_enriched(row: Json) -> Json:
    """A row of Sentinel's `EnrichedMicrosoft365AuditLogs`, which keeps what is not of every row in one member."""
    inner = parsed(row.get("AdditionalProperties"))
    return (
        ({name: parsed(each) for name, each in inner.items()} if isinstance(inner, dict) else {})
        | {name: each for name, each in row.items() if each not in (None, "")}
        | {
            "CreationTime": row.get("CreationTime") or row.get("TimeGenerated"),
            "ClientIP": row.get("ClientIp") or row.get("ClientIP"),
            "UserType": _kind_of_user(row.get("UserType")),
        }
    )


_COMMAND = re.compile(r"[A-Z][a-z]+-[A-Z]\w+")
"""How a command of Exchange is called: what it is done to is named by a path."""
_OF_MAILBOX = ("Set-Mailbox", "Set-MailUser", "Set-User", "Remove-Mailbox", "Remove-MailUser", "Undo-SoftDeleted")
_NEW = ("New-Mailbox", "New-MailUser", "New-RemoteMailbox", "Undo-SoftDeletedMailbox")
_LOGINS = ("MicrosoftOnlineServicesID", "UserPrincipalName", "WindowsLiveID", "Name")


def audits_of(row: Json) -> tuple[Json, ...] | None:
    """A row of the unified audit log, as the directory audit that it is or would be."""
    operation = text(row.get("Operation"))
    if operation is None:
        return None
    user = _told(row.get("UserId")) or ""
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
                "userId": _object(row.get("Actor"))[1] or _told(row.get("UserKey")),
                "userPrincipalName": user,
                "appDisplayName": text(row.get("ApplicationId")),
                "ipAddress": address,
                "status": {"errorCode": int(code) if code.isdecimal() else 1},
                "correlationId": correlation,
                "tenantId": text(row.get("OrganizationId")),
            },
        )
    name = operation.rstrip(". ")
    asked = _named(row.get("Parameters"))
    # A list that nobody is left in has no value; one that is not told may be anybody's.
    emptied = {key: "$null" for key, each in asked.items() if key in EMPTIED and each in ("", [])}
    parameters = {key: text(each) for key, each in asked.items()} | emptied
    if name.endswith("FolderPermissions") and isinstance(folder := at(row, "Item", "ParentFolder"), dict):
        shared = {"User": "MemberUpn", "AccessRights": "MemberRights", "Identity": "Path"}
        parameters |= {ours: text(at(folder, theirs)) for ours, theirs in shared.items()}
    deleted = _notices(row) if name in _DELETIONS else ()
    did = told(name, parameters, by_service=_is_service(user))
    if deleted:
        did = (Told(f"{name}/notice", given=deleted[0]),)
    whom = _whom(row, name, parameters, user, bool(deleted))
    kind, whose = _object(row.get("Target"))
    common = {
        "activityDateTime": _zoned(row.get("CreationTime")),
        "correlationId": correlation,
        "tenantId": text(row.get("OrganizationId")),
        "result": _result(row.get("ResultStatus")),
        "initiatedBy": _initiator(user, row, extended, address),
        "additionalDetails": [{"key": key, "value": each} for key, each in parameters.items()],
    }
    changed = [
        {"displayName": key, "oldValue": at(each, "OldValue"), "newValue": at(each, "NewValue")}
        for key, each in _named(row.get("ModifiedProperties")).items()
    ]
    if name == "Change user license" and (details := text(extended.get("additionalDetails"))):
        before, _, after = details.rpartition("NewValue")
        changed.append({"displayName": "AssignedLicense", "oldValue": before, "newValue": after})
    is_person = kind == "User" or _is_of_mailbox(name, bool(deleted))
    return tuple(
        {
            "id": text(row.get("Id")),
            "activityDisplayName": one.name,
            "resultReason": one.given,
            "targetResources": [
                {
                    "id": whose or target,
                    "type": "User" if one.whom or "@" in target or is_person else kind or "Other",
                    "userPrincipalName": target if target != whose else None,
                    "modifiedProperties": changed,
                }
                for target in one.whom or (whom,)
            ],
        }
        | common
        for one in did
    )


def _is_of_mailbox(name: str, deleted: bool) -> bool:
    return name.endswith(("InboxRule", "InboxRules")) or name.startswith((*_OF_MAILBOX, *_NEW)) or deleted


def _whom(row: Json, name: str, parameters: dict[str, str | None], user: str, deleted: bool) -> str:
    """Whom a row is about: of a rule in a mailbox the object is the rule, of a command a path."""
    if owner := text(row.get("MailboxOwnerUPN")):
        return owner
    named = (_told(row.get("ObjectId")) or "").rpartition("/")[2] if _COMMAND.fullmatch(name) else None
    if name in _NEW:
        return next((said for login in _LOGINS if (said := parameters.get(login))), named or "")
    identity = (parameters.get("Identity") or "").rpartition("/")[2].partition(":\\")[0]  # A folder is behind a colon.
    if name.endswith(("TransportRule", "JournalRule")):
        return user  # It is about everybody's mail.
    if _is_of_mailbox(name, deleted):
        is_rule = name.endswith(("InboxRule", "InboxRules")) or deleted
        return parameters.get("Mailbox") or ("" if is_rule else identity or named) or user
    return (named or identity) if named is not None else _told(row.get("ObjectId")) or ""


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


_TITLE = "1"
"""What the unified audit log calls a name among those of an actor that is a title (`Type`)."""


def _application(names: Any, own: str | None) -> tuple[str | None, str | None]:
    """The title and the application id among a list of names of an actor, whose object's id is *own*."""
    title = next((text(each.get("ID")) for each in _dicts(names) if text(each.get("Type")) == _TITLE), None)
    ids = (text(each.get("ID")) or "" for each in _dicts(names))
    return title, next((name for name in ids if name != own and _GUID.fullmatch(name)), None)


def _initiator(user: str, row: Json, extended: dict[str, Any], address: str | None) -> Json:
    kind, own = _object(row.get("Actor"))
    own = text(extended.get("actorObjectId")) or own
    user_type = text(row.get("UserType"))
    title, app = _application(row.get("Actor"), own)
    if user_type == _SYSTEM or _is_service(user):
        # So are applications of anybody's called, which their own title tells from Microsoft's services.
        return {"app": {"displayName": title or f"Microsoft {user}", "appId": app, "servicePrincipalId": own}}
    if user_type == _CENTRE:
        return {"app": {"displayName": "Microsoft administrator", "servicePrincipalId": own or user}}
    is_named = "@" in user or _GUID.fullmatch(user) is not None
    if user.startswith("ServicePrincipal_") or kind == "ServicePrincipal" or user_type in _APPLICATIONS:
        return {"app": {"displayName": title or user, "appId": app, "servicePrincipalId": own or user}}
    if not is_named and own is not None and kind != "User":
        return {"app": {"displayName": user, "servicePrincipalId": own}}
    return {"user": {"id": own, "userPrincipalName": user, "ipAddress": address}}


def _is_service(user: str) -> bool:
    """Whether *user* is what a service of Exchange's calls itself: whom a tenant has is called by an address."""
    return user.startswith("NT AUTHORITY\\")


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


def _told(name: object) -> str | None:
    """The account or the object that is called *name*, where that is no word for none."""
    said = text(name)
    return None if said in _NOTHING else said


def _result(status: object) -> str | None:
    said = (text(status) or "").lower()
    return {"true": "success", "succeeded": "success", "false": "failure", "failed": "failure"}.get(said, said or None)


def _zoned(time: object) -> str | None:
    """The unified audit log writes UTC without saying so."""
    said = text(time)
    return said if said is None or said.endswith("Z") or "+" in said else f"{said}Z"


def _dicts(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
