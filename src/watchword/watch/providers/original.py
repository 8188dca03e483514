"""What a document in the Elastic Common Schema keeps of the event that it was made of."""

from __future__ import annotations

import json
from typing import Any

from watchword.watch.providers.provider import Json


def original(value: Json) -> Json | str | None:
    """The vendor's own event in `event.original`: the JSON in it, or its text; None when there is none."""
    text = at(value, "event", "original")
    if text is None:
        text = value.get("event.original")
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        inner = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    return inner if isinstance(inner, dict) else None


def at(value: object, *path: str) -> Any:
    """What *value* has at *path*, or None."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
