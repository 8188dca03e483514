"""Keycloak: user events and admin events."""

from __future__ import annotations

import re
from typing import TypeGuard

import msgspec

from watchword.watch.providers.original import at, original
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import Spelling
from watchword.watch.shapes_text import PASSED, Damaged, KeycloakReader

_COLUMNS = (
    ("id", "VARCHAR"),
    ("time", "VARCHAR"),
    ("type", "VARCHAR"),
    ("operationType", "VARCHAR"),
    ("resourceType", "VARCHAR"),
    ("resourcePath", "VARCHAR"),
    ("representation", "VARCHAR"),
    ("realmId", "VARCHAR"),
    ("realmName", "VARCHAR"),
    ("clientId", "VARCHAR"),
    ("userId", "VARCHAR"),
    ("sessionId", "VARCHAR"),
    ("ipAddress", "VARCHAR"),
    ("error", "VARCHAR"),
    ("details", "JSON"),
    ("authDetails", "JSON"),
    # What listeners that others wrote call these.
    ("uid", "VARCHAR"),
    ("eventId", "VARCHAR"),
    ("occurredAt", "VARCHAR"),
    ("timestamp", "VARCHAR"),
    ("username", "VARCHAR"),
    ("auth", "JSON"),
    ("authUserId", "VARCHAR"),
    ("authIpAddress", "VARCHAR"),
    ("detailsJson", "VARCHAR"),
    ("actorUserId", "VARCHAR"),
    ("event_time", "VARCHAR"),
)
_SPELLING = Spelling(_COLUMNS, eventtime="time", admineventtime="time", detailsjsonlongvalue="detailsJson")
_CLOUD_EVENT = "io.keycloak."
"""How the type begins of an event that a listener puts into a CloudEvent."""


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An admin event, which names its operation where a user event names its type; or either as others write it.

    Those are ECS of a log line, a CloudEvent, and a row of the server's own database.
    """
    if isinstance(value.get("operationType"), str):
        return (value,)
    if str(value.get("type")).startswith(_CLOUD_EVENT) and isinstance(held := value.get("data"), dict):
        own = {"id": held.get("keycloakEventId") or value.get("id"), "time": value.get("time")}
        own["type"] = held.get("eventType")
        # There an administrator's event has as its user whom it is about.
        return ({**held, **own, "userId": held.get("actorUserId" if held.get("kind") == "admin" else "userId")},)
    row = _SPELLING.of({name: each for name, each in value.items() if each is not None})
    if any(isinstance(row.get(name), str) for name in ("type", "operationType")) and "realmId" in row:
        return (row,)
    inner = original(value)
    if isinstance(inner, str):
        inner = next(
            (msgspec.json.decode(line) for _, line in KeycloakReader().read(1, inner.encode()) if _is_json(line)), None
        )
    if isinstance(inner, dict) and (isinstance(inner.get("type"), str) or isinstance(inner.get("operationType"), str)):
        return (inner,)
    return _of_ecs(value)


def _is_json(line: bytes | Damaged | None) -> TypeGuard[bytes]:
    return isinstance(line, bytes) and line.startswith(b"{")


def _of_ecs(value: Json) -> tuple[Json, ...] | None:
    """The event that an ECS document has under `keycloak`."""
    own = value.get("keycloak")
    if not isinstance(own, dict):
        return None
    operation, kind = at(own, "admin", "operation"), at(value, "event", "action")
    error = at(value, "event", "reason")
    is_error = str(kind).upper().endswith("_ERROR")
    if is_error or at(value, "event", "outcome") == "failure":
        # Elsewhere `error.message` is what went wrong while the line was read, of an event that was done all the same.
        why = (at(value, "error", "message"), at(value, "event", "code") if operation is None else None)
        error = error or next((each for each in why if isinstance(each, str)), None if is_error else "failure")
    common = {"time": value.get("@timestamp"), "realmId": at(own, "realm", "id"), "error": error}
    who = {
        "userId": at(value, "user", "id"),
        "ipAddress": at(value, "source", "ip") or at(value, "source", "address"),
        "clientId": at(own, "client", "id"),
    }
    if isinstance(operation, str):
        resource = at(own, "admin", "resource") or {}
        of = {"operationType": operation, "resourceType": at(resource, "type"), "resourcePath": at(resource, "path")}
        return ({**common, **of, "authDetails": who},)
    if not isinstance(kind, str):
        return None
    details = {name: at(own, "login", name) for name in ("code_id", "auth_method")}
    return ({**common, **who, "type": kind.upper(), "details": details | {"username": at(value, "user", "name")}},)


KEYCLOAK = Provider(
    name="keycloak",
    type_key="type",
    columns=_COLUMNS,
    wrapped=("events", "adminEvents"),
    shape=_shape,
    preamble=re.compile(re.escape(PASSED)),
    reader=KeycloakReader,
    apart=("data", "event_time"),
    tenant=("realmName", "realmId"),
)
"""Keycloak's events as its admin REST API gives them, and the lines of its `jboss-logging` listener."""
