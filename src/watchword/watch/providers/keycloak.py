"""Keycloak: user events and admin events."""

from __future__ import annotations

import re

from watchword.watch.providers.provider import Json, Provider
from watchword.watch.shapes_text import PASSED, KeycloakReader


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An admin event, which names its operation where a user event names its type."""
    return (value,) if isinstance(value.get("operationType"), str) else None


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
)
"""Keycloak's events as its admin REST API gives them, and the lines of its `jboss-logging` listener."""
