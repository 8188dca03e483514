"""Okta System Log."""

from __future__ import annotations

import re

from watchword.watch.providers.log_analytics import custom, parsed
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import Spelling, at, nested

_COLUMNS = (
    ("uuid", "VARCHAR"),
    ("published", "VARCHAR"),
    ("eventType", "VARCHAR"),
    ("actor", 'STRUCT(id VARCHAR, alternateId VARCHAR, "type" VARCHAR)'),
    (
        "client",
        (
            "STRUCT(ipAddress VARCHAR, geographicalContext STRUCT(country VARCHAR), "
            "userAgent STRUCT(rawUserAgent VARCHAR))"
        ),
    ),
    ("device", "STRUCT(id VARCHAR)"),
    ("authenticationContext", "STRUCT(externalSessionId VARCHAR, rootSessionId VARCHAR)"),
    ("outcome", "STRUCT(result VARCHAR, reason VARCHAR)"),
    ("securityContext", "STRUCT(asNumber BIGINT)"),
    ("target", 'STRUCT(id VARCHAR, "type" VARCHAR, alternateId VARCHAR, displayName VARCHAR, changeDetails JSON)[]'),
    ("transaction", "STRUCT(id VARCHAR)"),
    (
        "debugContext",
        "STRUCT(debugData STRUCT(changedAttributes VARCHAR, dtHash VARCHAR, factor VARCHAR, privilegeGranted VARCHAR))",
    ),
)

_SPELLING = Spelling(_COLUMNS)


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An event whose names another pipeline wrote in lower case, or in snake_case under `okta`; or an event hook's."""
    value = _listed(nested(value))
    hooked = at(value, "data", "events")
    if isinstance(hooked, list):
        found = [OKTA.events_of(each) for each in hooked]
        return tuple(event for events in found for event in events or ()) if all(found) else None
    event = _SPELLING.of(value)
    if "timestamp" in event:
        event.setdefault("published", event["timestamp"])
    if isinstance(value.get("eventType_s"), str):
        event = custom(value, _COLUMNS) or {}
    elif isinstance(value.get("EventOriginalType"), str):
        event = _from_sentinel({name: each for name, each in value.items() if each != ""})
    elif not isinstance(event.get("eventType"), str):
        event = _from_ecs(value)
    return (event,) if isinstance(event.get("eventType"), str) else None


def _listed(value: Json) -> Json:
    """*value* with the targets that the console's table numbers (`target0`) as the list they were."""
    numbered = sorted(name for name in value if re.fullmatch(r"target\d", name) and isinstance(value[name], dict))
    if not numbered:
        return value
    return {**value, "target": [value[name] for name in numbered]}


def _from_ecs(value: Json) -> Json:
    """The System Log event that an ECS document has under `okta`; what it moved elsewhere is put back."""
    event: Json = _SPELLING.of(value.get("okta")) if isinstance(value.get("okta"), dict) else {}
    if not event and not str(at(value, "event", "dataset")).startswith("okta"):
        return {}
    event.setdefault("uuid", at(value, "event", "id"))
    event.setdefault("published", value.get("@timestamp") or at(value, "event", "created") or value.get("ts"))
    event.setdefault("eventType", at(value, "event", "action"))
    event.setdefault("outcome", {"result": at(value, "event", "outcome")})
    event.setdefault("actor", _user(value.get("user")))
    event.setdefault("target", [_user(at(value, "user", "target"))])
    client = event.setdefault("client", {})
    if isinstance(client, dict):
        client.setdefault("ipAddress", client.get("ip") or at(value, "client", "ip") or at(value, "source", "ip"))
        country = at(value, "client", "geo", "country_name") or at(value, "source", "geo", "country_name")
        client.setdefault("geographicalContext", {"country": country})
    security = event.setdefault("securityContext", {})
    if isinstance(security, dict):
        security.setdefault("asNumber", at(security, "as", "number") or at(value, "source", "as", "number"))
    debug = at(event, "debugContext", "debugData")
    if isinstance(debug, dict) and isinstance(debug.get("flattened"), dict):
        event["debugContext"] = {"debugData": debug["flattened"] | debug}
    return event


def _from_sentinel(row: Json) -> Json:
    """The event in a row of Sentinel's `OktaV2_CL`, which has names of its own for the vendor's members."""
    return {
        "uuid": row.get("EventOriginalUid"),
        "published": row.get("TimeGenerated"),
        "eventType": row["EventOriginalType"],
        "actor": {
            "id": row.get("OriginalUserId") or row.get("ActorUserId"),
            "alternateId": row.get("OriginalActorAlternateId") or row.get("ActorUsername"),
            "type": row.get("OriginalUserType"),
        },
        "client": {
            "ipAddress": row.get("SrcIpAddr"),
            "geographicalContext": {"country": row.get("SrcGeoCountry")},
            "userAgent": {"rawUserAgent": row.get("HttpUserAgent")},
        },
        "authenticationContext": {"externalSessionId": row.get("ActorSessionId")},
        "outcome": {"result": row.get("OriginalOutcomeResult"), "reason": row.get("EventOriginalResultDetails")},
        "securityContext": {"asNumber": row.get("SecurityContextAsNumber")},
        "target": parsed(row.get("OriginalTarget")),
        "transaction": {"id": row.get("TransactionId")},
        "debugContext": {"debugData": parsed(row.get("DebugData"))},
    }


def _user(value: object) -> Json | None:
    who = at(value, "id") or at(value, "email") or at(value, "name")
    return {"id": who, "type": "User", "alternateId": at(value, "email") or at(value, "name")} if who else None


OKTA = Provider(
    needs_sign_ins=False,
    plain=(
        "uuid",
        "apart",
        "who",
        "login",
        "kind",
        "address",
        "country",
        "device",
        "session",
        "result",
        "reason",
        "asn",
    ),
    name="okta",
    type_key="eventType",
    columns=_COLUMNS,
    wrapped=("events", "items", "value", "records"),
    shape=_shape,
    titles=("eventType_s", "EventOriginalType"),
    apart=("data",),
)
"""Okta System Log, one event a line, as the API and the log streams give it."""
