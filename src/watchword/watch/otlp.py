"""Logs as OpenTelemetry's protocol hands them on in JSON: resources, their scopes, and the records of each."""

from __future__ import annotations

from collections.abc import Iterator

from watchword.watch.providers.provider import Json

_DEEPEST = 64
"""Levels of a value that are read; what lies deeper is not there."""


def of_batch(value: Json) -> tuple[Json, ...] | None:
    """The records in *value* with their members as the objects and texts they were; None when it is no batch."""
    if not isinstance(value.get("resourceLogs"), list):
        return None
    return tuple(
        {
            "timeUnixNano": record.get("timeUnixNano"),
            "body": _plain(record.get("body")),
            "attributes": _members(record.get("attributes")),
            "resourceAttributes": about,
        }
        for resource in _objects(value["resourceLogs"])
        for about in (_members(next(_objects([resource.get("resource")]), {}).get("attributes")),)
        for scope in _objects(resource.get("scopeLogs") or resource.get("instrumentationLibraryLogs"))
        for record in _objects(scope.get("logRecords"))
    )


def _objects(value: object) -> Iterator[Json]:
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _members(given: object, levels: int = _DEEPEST) -> Json:
    """What a list of keys with their values says."""
    return {
        each["key"]: _plain(each.get("value"), levels) for each in _objects(given) if isinstance(each.get("key"), str)
    }


def _plain(value: object, levels: int = _DEEPEST) -> object:
    """The value that *value* names by its kind."""
    if not isinstance(value, dict) or not levels:
        return None
    for kind, said in value.items():
        within = next(_objects([said]), {}).get("values")
        if kind == "kvlistValue":
            return _members(within, levels - 1)
        if kind == "arrayValue":
            return [_plain(each, levels - 1) for each in within] if isinstance(within, list) else []
        if kind in ("stringValue", "boolValue", "intValue", "doubleValue", "bytesValue"):
            return said
    return None
