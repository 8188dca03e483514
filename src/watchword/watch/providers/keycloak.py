"""Keycloak: user events and admin events."""

from __future__ import annotations

import re
from typing import TypeGuard

import msgspec

from watchword.watch.providers.original import at, original
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.shapes_text import PASSED, Damaged, KeycloakReader


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An admin event, which names its operation where a user event names its type; or what ECS makes of a log line."""
    if isinstance(value.get("operationType"), str):
        return (value,)
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
    common = {
        "time": value.get("@timestamp"),
        "realmId": at(own, "realm", "id"),
        "error": at(value, "error", "message"),
    }
    common["error"] = common["error"] or at(value, "event", "reason")
    who = {
        "userId": at(value, "user", "id"),
        "ipAddress": at(value, "source", "ip"),
        "clientId": at(own, "client", "id"),
    }
    operation, kind = at(own, "admin", "operation"), at(value, "event", "action")
    if isinstance(operation, str):
        resource = at(own, "admin", "resource") or {}
        of = {"operationType": operation, "resourceType": at(resource, "type"), "resourcePath": at(resource, "path")}
        return ({**common, **of, "authDetails": who},)
    if isinstance(kind, str):
        return ({**common, **who, "type": kind.upper(), "details": {"username": at(value, "user", "name")}},)
    return None


KEYCLOAK = Provider(
    name="keycloak",
    type_key="type",
    columns=(
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
    ),
    wrapped=("events", "adminEvents"),
    shape=_shape,
    preamble=re.compile(re.escape(PASSED)),
    reader=KeycloakReader,
    tenant=("realmName", "realmId"),
)
"""Keycloak's events as its admin REST API gives them, and the lines of its `jboss-logging` listener."""
