"""Duo: administrator log, activity log and authentication log; the telephony log is known and let be."""

from __future__ import annotations

import json

from watchword.watch.providers.log_analytics import custom, parsed
from watchword.watch.providers.original import at, original
from watchword.watch.providers.provider import Json, Provider

_COLUMNS = (
    ("action", "JSON"),
    ("activity_id", "VARCHAR"),
    ("txid", "VARCHAR"),
    ("ts", "VARCHAR"),
    ("timestamp", "VARCHAR"),
    ("isotimestamp", "VARCHAR"),
    ("username", "VARCHAR"),
    ("object", "VARCHAR"),
    ("description", "VARCHAR"),
    ("actor", "JSON"),
    ("target", "JSON"),
    ("old_target", "JSON"),
    ("outcome", "JSON"),
    ("access_device", "JSON"),
    ("event_type", "VARCHAR"),
    ("factor", "VARCHAR"),
    ("result", "VARCHAR"),
    ("reason", "VARCHAR"),
    ("user", "JSON"),
    ("email", "VARCHAR"),
    ("alias", "VARCHAR"),
    ("ip", "VARCHAR"),
    ("location", "JSON"),
    ("akey", "VARCHAR"),
)


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An event of the activity or authentication log, or an answer of the Admin API that holds events."""
    action = value.get("action")
    if isinstance(action, str) or (isinstance(action, dict) and isinstance(action.get("name"), str)):
        return (value,)
    if isinstance(value.get("event_type"), str) or (
        isinstance(value.get("result"), str) and (value.get("factor") or value.get("txid"))
    ):
        return (value,)
    if any(isinstance(value.get(name), str) for name in ("action_s", "action_name_s", "event_type_s", "result_s")):
        row = custom(value, _COLUMNS)
        return None if row is None else DUO.events_of(row)
    if isinstance(value.get("ActionName"), str) and "ActivityId" in value:
        return (_of_activity_row(value),)
    if isinstance(value.get("Result"), str) and "TxId" in value:
        return (_of_authentication_row(value),)
    if value.get("surfaced_timestamp") is not None and isinstance(value.get("type"), str):
        return (_of_trust_monitor(value),)
    if value.get("credits") is not None and isinstance(value.get("context"), str):
        return ({**value, "action": "telephony"},)
    inner = original(value)
    if isinstance(inner, dict):
        return DUO.events_of(inner)
    if isinstance(own := value.get("cisco_duo"), dict):
        return _from_ecs(value, own)
    answer = value.get("response")
    if isinstance(answer, dict):
        answer = next((answer[name] for name in ("authlogs", "items") if isinstance(answer.get(name), list)), None)
    if not isinstance(answer, list):
        return None
    events = [DUO.events_of(each) for each in answer]
    return tuple(event for held in events for event in held or ()) if all(events) else None


def _of_activity_row(row: Json) -> Json:
    """The event in a row of Sentinel's `DuoActivity_CL`."""
    return {
        "action": {"name": row["ActionName"], "details": row.get("ActionDetails")},
        "activity_id": row["ActivityId"],
        "akey": row.get("AccountKey"),
        "ts": row.get("Ts") or row.get("TimeGenerated"),
        "actor": _named(row, "Actor"),
        "target": _named(row, "Target"),
        "old_target": parsed(row.get("OldTarget")),
        "outcome": {"result": row.get("OutcomeResult")},
        "access_device": _access_device(row),
    }


def _of_authentication_row(row: Json) -> Json:
    """The event in a row of Sentinel's `DuoAuthentication_CL`."""
    return {
        "txid": row["TxId"],
        "timestamp": row.get("EventTimestamp"),
        "isotimestamp": row.get("IsoTimestamp") or row.get("TimeGenerated"),
        "event_type": row.get("EventType"),
        "result": row["Result"],
        "reason": row.get("Reason"),
        "factor": row.get("Factor"),
        "email": row.get("Email"),
        "alias": row.get("Alias"),
        "user": {"key": row.get("UserKey"), "name": row.get("UserName")},
        "access_device": _access_device(row),
    }


def _named(row: Json, what: str) -> Json:
    parts = ("key", "name", "type", "details")
    return {part: each for part in parts if (each := row.get(f"{what}{part.title()}")) not in (None, "")}


def _access_device(row: Json) -> Json:
    return {"ip": row.get("AccessDeviceIp"), "location": {"country": row.get("AccessDeviceCountry")}}


def _of_trust_monitor(value: Json) -> Json:
    """An event of Trust Monitor, as one of the activity log: of these, a bypass tells who lent it to whom."""
    when = value.get(f"{value['type']}_enabled") or value["surfaced_timestamp"]
    who, whom = value.get("enabled_by"), value.get("enabled_for")
    return {
        "action": {"name": f"trust_monitor_{value['type']}"},
        "activity_id": value.get("sekey"),
        "timestamp": when,
        "actor": who | {"type": "admin"} if isinstance(who, dict) else {},
        "target": whom | {"type": "user"} if isinstance(whom, dict) else {},
    }


def _from_ecs(value: Json, own: Json) -> tuple[Json, ...] | None:
    """The event that a document of Elastic's integration was made of, where the document does not keep its text."""
    when, user = value.get("@timestamp"), value.get("user")
    kind = next((name for name in ("admin", "activity", "auth", "telephony") if isinstance(own.get(name), dict)), None)
    if kind is None:
        return None
    event: Json = dict(own[kind])
    event.setdefault("isotimestamp", when)
    if kind == "admin":
        says = event.get("flattened")
        event |= {
            "action": event.get("action") or at(value, "event", "action"),
            "username": at(event, "user", "name") or at(value, "user", "name"),
            "object": event.get("action_performed_on") or at(value, "user", "target", "name"),
            "description": json.dumps(says) if isinstance(says, dict) else value.get("message"),
            "user": None,
        }
    elif kind == "activity":
        event |= {
            "activity_id": event.get("id") or at(value, "event", "id"),
            "outcome": {"result": event.get("outcome")},
        }
    elif kind == "telephony":
        event["action"] = "telephony"
    elif isinstance(user, dict):
        event |= {"user": {"key": user.get("id"), "name": user.get("name")}}
    return DUO.events_of(event)


DUO = Provider(
    name="duo",
    type_key="action",
    columns=_COLUMNS,
    wrapped=("response", "items", "authlogs", "events", "records"),
    shape=_shape,
    titles=("action_s", "action_name_s", "ActionName", "TxId"),
    tenant=("akey",),
)
"""Duo's Admin API logs: administrator (v1), activity (v2) and authentication (v1 and v2)."""
