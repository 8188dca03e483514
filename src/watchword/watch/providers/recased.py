"""Names as pipelines write them, brought back to the vendor's own: another case, or snake_case."""

from __future__ import annotations

import re
from typing import Any

from watchword.watch.providers.provider import Json

_WORD = re.compile(r"[A-Za-z_]\w*")
_KINDS = frozenset({"VARCHAR", "BIGINT", "STRUCT", "MAP", "JSON", "BOOLEAN", "DOUBLE"})


class Spelling:
    """The names that the columns of a provider use; `of` gives an event those names."""

    def __init__(self, columns: tuple[tuple[str, str], ...], **aliases: str) -> None:
        words = {name for name, _ in columns}
        words |= {word for _, kind in columns for word in _WORD.findall(kind) if word not in _KINDS}
        self._words: dict[str, str] = {_squashed(word): word for word in words} | aliases

    def of(self, value: Any, depth: int = 0) -> Any:
        """*value* with every name that we know spelled as we know it; the first of two spellings is kept."""
        if isinstance(value, list):
            return [self.of(each, depth + 1) for each in value]
        if not isinstance(value, dict) or depth > 8:
            return value
        out: Json = {}
        for name, each in value.items():
            key = self._words.get(_squashed(str(name)), str(name))
            out.setdefault(key, self.of(each, depth + 1))
        return out


def nested(value: Json) -> Json:
    """*value* with dotted names (`a.b`) as members within members."""
    if not any("." in name for name in value):
        return value
    out: Json = {}
    for name, each in value.items():
        here = out
        *path, last = name.split(".")
        for part in path:
            inner = here.get(part)
            if not isinstance(inner, dict):
                inner = here[part] = {}
            here = inner
        if isinstance(each, dict) and isinstance(here.get(last), dict):
            here[last] = {**here[last], **each}
        else:
            here.setdefault(last, each)
    return out


def at(value: object, *path: str) -> Any:
    """What *value* has at *path*, or None."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: object) -> str | None:
    """*value* as text, where it is text or a number, and not one of the words for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return None if (said := str(value).strip()) in ("", "null", "-", "None", "undefined") else said


def _squashed(name: str) -> str:
    return name.replace("_", "").lower()
