"""Rows of Azure Monitor's tables, which Sentinel fills from other vendors' logs, brought back to the vendor's event."""

from __future__ import annotations

import json
import re
from typing import Any

from watchword.watch.providers.provider import Json

_KIND = re.compile(r"_[sdbtg]$")
"""What the Data Collector API adds to a name: text, number, truth, time or GUID."""


def custom(value: Json, columns: tuple[tuple[str, str], ...], *, parted: bool = True) -> Json | None:
    """The event in a row of a custom table (`..._CL`), as *columns* name its members; None when it is no such row.

    There `actor_id_s` is the text at `actor.id`. *parted* says that a member within another has no `_` in its name.
    """
    if not any(_KIND.search(name) for name in value):
        return None
    members = sorted((name for name, _ in columns), key=len, reverse=True)
    texts = {name for name, kind in columns if kind == "VARCHAR"}
    out: Json = {}
    for name, each in value.items():
        if each == "":  # so a query answers what is not there
            continue
        plain = _KIND.sub("", name)
        member = next((m for m in members if plain == m or plain.startswith(f"{m}_")), plain)
        path = [member]
        if rest := plain[len(member) + 1 :]:
            path += rest.split("_") if parted else [rest]
        _put(out, path, each if plain in texts else parsed(each))
    return out


def parsed(value: Any) -> Any:
    """*value*, or what is in it where it is a list or an object as text: so a table holds a dynamic column."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value, strict=False)
    except (ValueError, RecursionError):
        return value


def _put(out: Json, path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = out.setdefault(part, {})
        if not isinstance(inner, dict):  # `os` and `os_version` side by side
            return
        out = inner
    out.setdefault(path[-1], value)
