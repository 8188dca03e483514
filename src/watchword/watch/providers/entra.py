"""Microsoft Entra directory audits and sign-ins, and what Microsoft 365's unified audit log adds about mailboxes."""

from __future__ import annotations

from typing import Any

from watchword.watch.providers.log_analytics import parsed
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import Spelling, at, nested, text
from watchword.watch.providers.unified_audit import audits_of, unified_row

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
    # What Azure's own log has besides.
    ("requestbody", "VARCHAR"),
    ("responseBody", "VARCHAR"),
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
    ("tenantId", "VARCHAR"),
    ("auditLogRecordType", "VARCHAR"),
    ("identity", "JSON"),
    ("resourceId", "VARCHAR"),
    ("properties", f"STRUCT({', '.join(f'{name} {kind}' for name, kind in _FIELDS)})"),
)

_SPELLING = Spelling(
    _COLUMNS,
    timegenerated="time",
    ip="ipAddress",
    username="userPrincipalName",
    locationdetails="locationDetails",
    createdat="createdDateTime",  # of Elastic's integration
)
_OF_NO_ACCOUNT = frozenset(
    {
        "RiskyUsers",
        "UserRiskEvents",
        "RiskyServicePrincipals",
        "ServicePrincipalRiskEvents",
        "ProvisioningLogs",
        "MicrosoftGraphActivityLogs",
        "AzureADGraphActivityLogs",
    }
)
"""Logs of a tenant that Elastic's integration has under members of their own, and that are counted and let be."""
_OF_SIGN_INS = ("userId", "ipAddress", "status", "resultType", "correlationId", "operationName")
"""Members of a sign-in that a user of the directory, as Graph lists them, has none of."""
_DEFENDER = "AdvancedHunting"
"""How the categories begin of the tables that Defender streams; one of them has rows of the unified audit log."""
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_TEXTS = (
    "initiatedBy",
    "targetResources",
    "additionalDetails",
    "status",
    "deviceDetail",
    "locationDetails",
    "location",
)


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An event as Graph, an Event Hub, Sentinel's tables, Elastic or the unified audit log writes it."""
    if str(value.get("category")).startswith(_DEFENDER):
        held = parsed(value.get("properties"))
        row = unified_row(held) if isinstance(held, dict) else None
        return audits_of(row or {}) or ({"category": _DEFENDER, "time": value.get("time")},)
    if _is_known(value):
        return (value,)
    value = nested(value)
    azure = value.get("azure")
    if isinstance(azure, dict):
        return _from_ecs(value, azure)
    if isinstance(listed := at(value, "microsoft_entra_id", "directory_audit"), dict):  # Elastic's, of what Graph lists
        return ENTRA.events_of(_SPELLING.of(listed))
    if value.get("integration") == "ms-graph" and isinstance(held := value.get("ms-graph"), dict):  # Wazuh's
        return ENTRA.events_of(held)
    if (row := unified_row(value)) is not None:
        return audits_of(row)
    if isinstance(value.get("Activity"), str):
        return (_from_table(value),)
    if isinstance(value.get("OperationNameValue"), str):
        return (_from_azure_activity(value),)
    if isinstance(value.get("Request ID"), str) and isinstance(value.get("Username"), str):
        return (_from_sign_in_table(value),)
    event = _called(_put_right(_SPELLING.of(value)))
    # What Log Analytics calls `TenantId` is the workspace.
    event["tenantId"] = text(value.get("tenantId")) or text(value.get("AADTenantId"))
    return (event,) if _is_known(event) else None


def _called(event: Json) -> Json:
    """*event* with an operation, where only what is within names it."""
    inner = event.get("properties")
    if not isinstance(inner, dict) or isinstance(event.get("operationName"), str):
        return event
    signed_in = "Sign-in activity" if inner.get("createdDateTime") is not None else None
    return {**event, "operationName": text(inner.get("activityDisplayName")) or signed_in}


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


def _from_azure_activity(row: Json) -> Json:
    """A row of Azure's own log in Log Analytics (`AzureActivity`), as an event hub has it."""
    claims = parsed(row.get("Claims")) or parsed(row.get("Claims_d"))
    inner = parsed(row.get("Properties")) or parsed(row.get("Properties_d"))
    return {
        "properties": inner if isinstance(inner, dict) else None,
        "resourceId": text(at(inner, "entity")) or row.get("_ResourceId") or row.get("ResourceId"),
        "time": row.get("TimeGenerated"),
        "category": row.get("CategoryValue"),
        "operationName": row["OperationNameValue"],
        "resultType": row.get("ActivityStatusValue"),
        "callerIpAddress": row.get("CallerIpAddress"),
        "correlationId": row.get("CorrelationId"),
        "identity": {"claims": claims if isinstance(claims, dict) else {_UPN: row.get("Caller")}},
        "id": row.get("EventDataId"),
    }


def _from_elastic_activity(value: Json, azure: Json, own: Json) -> Json:
    """What Elastic's integration makes of Azure's own log, as an event hub has it.

    It has no dots in the names of claims, and what was asked for as an object.
    """
    claims = at(own, "identity", "claims")
    inner = own.get("properties")
    return {
        "time": value.get("@timestamp"),
        "category": text(own.get("category")) or text(own.get("event_category")),
        "operationName": text(own.get("operation_name")) or text(at(value, "event", "action")),
        "resultType": text(own.get("result_type")) or text(at(value, "event", "outcome")),
        "callerIpAddress": text(at(value, "source", "ip")) or text(at(value, "client", "ip")),
        "correlationId": azure.get("correlation_id"),
        "resourceId": at(azure, "resource", "id"),
        "tenantId": text(azure.get("tenant_id")),
        "identity": {
            "claims": {name.replace("_", "."): each for name, each in claims.items()}
            if isinstance(claims, dict)
            else {_UPN: at(own, "identity", "claims_initiated_by_user", "name")}
        },
        "properties": {name: inner.get(name) or inner.get(name.lower()) for name in ("requestbody", "responseBody")}
        if isinstance(inner, dict)
        else {},
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
    # Graph's search of the unified audit log has these two as well, and so has a user, who was made then.
    return (
        "auditLogRecordType" not in event
        and isinstance(event.get("createdDateTime"), str)
        and (
            isinstance(event.get("appDisplayName"), str)
            or str(event.get("category")).lower().endswith("signinlogs")
            or (isinstance(event.get("userPrincipalName"), str) and any(event.get(each) for each in _OF_SIGN_INS))
        )
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
                # What Entra said of the place; beside it is what was looked up of the address.
                country = at(value, "geo", "country_iso_code") or at(value, "source", "geo", "country_iso_code")
                if country and not isinstance(inner.get("location"), dict):
                    inner["location"] = {"countryOrRegion": country}
            addresses = (at(value, "source", "ip"), at(value, "client", "ip"), at(value, "source", "address"))
            event.setdefault("callerIpAddress", next((each for each in addresses if each), None))
            event.setdefault("time", value.get("@timestamp"))
            event["tenantId"] = text(azure.get("tenant_id")) or text(event.get("tenantId"))
            event.setdefault("operationName", at(value, "event", "action"))
            return (event,) if _is_known(event) else None
    if isinstance(own := azure.get("activitylogs"), dict):
        return (_from_elastic_activity(value, azure, own),)
    for each in azure.values():
        if isinstance(each, dict) and each.get("category") in _OF_NO_ACCOUNT:
            return ({"category": each["category"], "time": value.get("@timestamp")},)
    return None


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
    tenant=("tenantId",),
)
"""Directory audits and sign-ins as Graph lists them, or as a diagnostic setting sends them (under `properties`)."""
