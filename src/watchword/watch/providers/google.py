"""Google Workspace's activity reports."""

from __future__ import annotations

import re
from typing import Any

from watchword.watch.providers.google_cloud import event_of, from_cloud, is_entry, microseconds, of_table, parameters_of
from watchword.watch.providers.log_analytics import parsed
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import at, nested, text

_COLUMNS = (
    ("id", 'STRUCT("time" VARCHAR, uniqueQualifier VARCHAR, applicationName VARCHAR, customerId VARCHAR)'),
    ("actor", 'STRUCT(email VARCHAR, profileId VARCHAR, callerType VARCHAR, "key" VARCHAR)'),
    ("ipAddress", "VARCHAR"),
    ("networkInfo", "STRUCT(ipAsn JSON, regionCode VARCHAR)"),
    (
        "events",
        (
            'STRUCT("type" VARCHAR, name VARCHAR, status JSON, parameters STRUCT(name VARCHAR, "value" VARCHAR, '
            "multiValue VARCHAR[], intValue VARCHAR, boolValue VARCHAR)[])[]"
        ),
    ),
)


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An activity as the Reports API, Cloud Logging, BigQuery's export or Elastic writes it."""
    if _is_activity(value):
        return (value,)
    value = nested(value)
    value = of_table(value) or value
    if is_entry(value):
        return from_cloud(value)
    if isinstance(text(value.get("event_name")), str) and isinstance(text(value.get("record_type")), str):
        return _from_export(value)
    if isinstance(value.get("EventName"), str) and isinstance(value.get("IdApplicationName"), str):
        return _from_sentinel(value)
    if isinstance(value.get("event_name_s"), str):
        return _from_custom(value)
    if "id" not in value and isinstance(value.get("events"), list):  # a page of activities, and not one
        held = [GOOGLE.events_of(each) for each in value["events"]]
        return tuple(event for events in held for event in events or ()) if held and all(held) else None
    if isinstance(value.get("google_workspace"), dict):
        return _from_ecs(value, value["google_workspace"])
    events = value.get("events", value.get("event", value if isinstance(value.get("name"), str) else None))
    if isinstance(value.get("id"), dict) and isinstance(events, dict | list):
        put = [event_of(each) for each in (events if isinstance(events, list) else [events]) if isinstance(each, dict)]
        event = {**value, "events": [each for each in put if each is not None]}
        return (event,) if _is_activity(event) else None
    return None


def _is_activity(value: Json) -> bool:
    events = value.get("events")
    return (
        isinstance(value.get("id"), dict)
        and isinstance(events, list)
        and bool(events)
        and all(
            isinstance(each, dict)
            and isinstance(each.get("name"), str)
            and isinstance(each.get("parameters"), list | None)
            for each in events
        )
    )


def _from_export(value: Json) -> tuple[Json, ...] | None:
    application = str(value["record_type"]).lower()
    given = value.get(application)
    parameters = (
        parameters_of({str(name).upper(): each for name, each in given.items()}) if isinstance(given, dict) else []
    )
    return (
        {
            "id": {
                "time": microseconds(value.get("time_usec")) or text(value.get("time")),
                "uniqueQualifier": text(value.get("unique_identifier")),
                "applicationName": application,
            },
            "actor": {"email": text(value.get("email")) or text(value.get("actor_email"))},
            "ipAddress": text(value.get("ip_address")),
            "events": [
                {"name": str(value["event_name"]), "type": text(value.get("event_type")), "parameters": parameters}
            ],
        },
    )


def _from_sentinel(row: Json) -> tuple[Json, ...]:
    """The activity in a row of Sentinel's `GoogleWorkspaceReports`."""
    given = parsed(row.get("EventParameters"))
    asn = parsed(row.get("NetworkIpAsn"))
    parameters = parameters_of(given) if isinstance(given, dict) else given if isinstance(given, list) else []
    return (
        {
            "id": {
                "time": text(row.get("IdTime")) or text(row.get("TimeGenerated")),
                "uniqueQualifier": _whole(row.get("IdUniqueQualifier")),
                "applicationName": str(row["IdApplicationName"]),
                "customerId": text(row.get("IdCustomerId")),
            },
            "actor": {
                "email": text(row.get("ActorEmail")),
                "profileId": text(row.get("ActorProfileId")),
                "callerType": text(row.get("ActorCallerType")),
                "key": text(row.get("ActorKey")),
            },
            "ipAddress": text(row.get("SrcIpAddr")),
            "networkInfo": {
                "ipAsn": asn if isinstance(asn, list) else None,
                "regionCode": text(row.get("NetworkInfoRegionCode")),
            },
            "events": [{"name": str(row["EventName"]), "type": text(row.get("EventType")), "parameters": parameters}],
        },
    )


_PARAMETER = re.compile(r"(?!id_|actor_|event_(name|type)_|networkInfo_|ipAddress_|kind_|etag_)[A-Za-z]\w*_[sdbtg]")
"""A column of such a row that is a parameter, and not of the activity itself."""


def _from_custom(row: Json) -> tuple[Json, ...]:
    """The activity in a row of `GWorkspace_ReportsAPI_..._CL`: each parameter is a column by its own name."""
    own = {name[:-2]: parsed(each) for name, each in row.items() if _PARAMETER.fullmatch(name) and each != ""}
    asn = parsed(row.get("networkInfo_ipAsn_s"))
    return (
        {
            "id": {
                "time": text(row.get("id_time_t")) or text(row.get("TimeGenerated")),
                "uniqueQualifier": _whole(row.get("id_uniqueQualifier_s")),
                "applicationName": text(row.get("id_applicationName_s")),
                "customerId": text(row.get("id_customerId_s")),
            },
            "actor": {
                "email": text(row.get("actor_email_s")),
                "profileId": text(row.get("actor_profileId_s")),
                "callerType": text(row.get("actor_callerType_s")),
                "key": text(row.get("actor_key_s")),
            },
            "ipAddress": text(row.get("IPAddress")) or text(row.get("ipAddress_s")),
            "networkInfo": {
                "ipAsn": asn if isinstance(asn, list) else None,
                "regionCode": text(row.get("networkInfo_regionCode_s")),
            },
            "events": [
                {
                    "name": str(row["event_name_s"]),
                    "type": text(row.get("event_type_s")),
                    "parameters": parameters_of(own),
                }
            ],
        },
    )


def _whole(value: Any) -> str | None:
    """A number as it was written; None where a spreadsheet rounded it, and many have the same."""
    said = text(value)
    return said if said is not None and re.fullmatch(r"-?\d+", said) else None


_PLACED = (
    ("USER_EMAIL", ("admin", "user", "email")),
    ("USER_EMAIL", ("groups", "member", "email")),
    ("USER_EMAIL", ("group_enterprise", "member", "id")),
    ("GROUP_EMAIL", ("admin", "group", "email")),
    ("GROUP_EMAIL", ("groups", "email")),
    ("GROUP_EMAIL", ("group_enterprise", "group", "id")),
    ("ROLE_NAME", ("admin", "role", "name")),
    ("PRIVILEGE_NAME", ("admin", "privilege", "name")),
    ("SETTING_NAME", ("admin", "setting", "name")),
    ("ORG_UNIT_NAME", ("admin", "org_unit", "name")),
    ("DOMAIN_NAME", ("admin", "domain", "name")),
    ("DOMAIN_ALIAS", ("admin", "domain", "alias")),
    ("API_CLIENT_NAME", ("admin", "api", "client", "name")),
    ("DEVICE_ID", ("admin", "device", "id")),
    ("DEVICE_ID", ("device", "id")),
    ("RESOURCE_ID", ("device", "resource", "id")),
)
"""Where Elastic's integration puts a parameter that it parts into an object; the others keep their names."""
_SECTIONS = ("admin", "login", "user_accounts", "token", "saml", "device")


def _from_ecs(value: Json, own: Json) -> tuple[Json, ...] | None:
    name = text(at(value, "event", "action"))
    if name is None:
        return None
    dataset = (text(at(value, "event", "dataset")) or "").rpartition(".")[2]
    application = text(at(value, "event", "provider")) or dataset
    mails = at(value, "user", "email")  # of a device, who acts and whose it is
    mails = [mail for each in (mails if isinstance(mails, list) else [mails]) if (mail := text(each))]
    given = [("USER_EMAIL", text(at(value, "user", "target", "email")))]
    given += [(to, text(at(own, *path))) for to, path in _PLACED]
    for section in _SECTIONS:
        held = own.get(section)
        prefix = f"{section}_" if section in ("login", "saml") else ""
        for leaf, said in held.items() if isinstance(held, dict) else ():
            given += [((prefix + leaf).upper(), text(said)), (leaf.upper(), text(said))]
    if application == "mobile" and mails:
        given.append(("USER_EMAIL", mails[-1]))
    parameters = [{"name": to, "value": said} for to, said in dict.fromkeys(given) if said is not None]
    return (
        {
            "id": {
                "time": value.get("@timestamp"),
                "uniqueQualifier": text(at(value, "event", "id")),
                "applicationName": application,
                "customerId": text(at(value, "organization", "id")),
            },
            "actor": {
                "email": text(at(value, "source", "user", "email")) or next(iter(mails), None) or _mail(value),
                "profileId": text(at(value, "user", "id")),
                "callerType": text(at(own, "actor", "type")),
                "key": text(at(own, "actor", "key")),
            },
            "ipAddress": text(at(value, "source", "ip")),
            "networkInfo": {
                "ipAsn": [at(value, "source", "as", "number")] if at(value, "source", "as", "number") else None,
                "regionCode": text(at(value, "source", "geo", "country_iso_code")),
            },
            "events": [{"name": name, "type": text(at(own, "event", "type")), "parameters": parameters}],
        },
    )


def _mail(value: Json) -> str | None:
    name, domain = text(at(value, "user", "name")), text(at(value, "user", "domain"))
    return f"{name}@{domain}" if name and domain and "@" not in name else name


GOOGLE = Provider(
    name="google",
    type_key="events",
    columns=_COLUMNS,
    wrapped=("items", "value", "records", "entries"),
    shape=_shape,
    titles=("EventName", "event_name_s", "MethodName", "ProtoPayload"),
    tenant=("id.customerId",),
    unread=tuple(
        (columns, "the console's table, which names event and account in words alone: take the Reports API's answer")
        for columns in (("Event name", "Event description"), ("Event", "Description", "Actor"))
    ),
)
"""Activities of the Reports API (admin, login, user_accounts, token, mobile), each with one event or several."""
