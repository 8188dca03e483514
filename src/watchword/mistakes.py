"""What is wrong with what somebody wrote, in words: where it stands, what was expected, and the way on.

For whatever pydantic holds to a form: settings, policies, signals and their cases. What came is never repeated, but for
its kind: people write secrets where none belong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from os import PathLike, fspath
from typing import Any, Literal, get_args, get_origin

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from watchword.core.errors import Invalid
from watchword.forms import FORM

Path = tuple[str | int, ...]

_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
    (type(None), "nothing"),
)
MISSING = "this key is missing"

_EXPECTED = {
    "string": "text in quotes",
    "path": "a path in quotes",
    "int": "a whole number",
    "int_from_float": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a day such as 2026-03-02",
    "datetime": "a time such as 2026-03-02T08:00:00Z",
    "datetime_from_date": "a time such as 2026-03-02T08:00:00Z",
    "time": "a time of day such as 08:00:00",
    "time_delta": "a duration such as 1 h",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a table",
    "model": "a table",
}
"""What is expected, by the names that pydantic has for a value of another kind, without `_type` and `_parsing`."""

_BUT = " is expected, and this is "
_OTHER_KIND = "change it"

_BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: its *path* as the author wrote it, keys and places from 0; *what* is wrong, and the *remedy*.

    Both begin in lower case and end without a full stop.
    """

    path: Path
    what: str
    remedy: str

    @property
    def where(self) -> str:
        """The path in one line, places counted from 1: `directories (2nd).url`."""
        shown = ""
        for part in self.path:
            shown += f" ({_ordinal(part + 1)})" if isinstance(part, int) else f".{part}" if shown else part
        return shown or "the file"

    @property
    def sentences(self) -> tuple[str, str]:
        """Where and what, and the remedy."""
        return f"{self.where}: {self.what}.", f"{self.remedy[:1].upper()}{self.remedy[1:]}."


def listed(mistakes: tuple[Told, ...]) -> str:
    """All *mistakes*, a line each below how many they are."""
    lines = (f"\n  {one.where}: {one.what}; {one.remedy}" for one in mistakes)
    return f"{len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'}:{''.join(lines)}"


def mistakes_in(error: ValidationError, model: type[BaseModel], value: object) -> tuple[Told, ...]:
    """Every mistake that *error* found in *value*, of which *model* was to be made, in its order."""
    made: list[Told] = []
    for one in (_told(one, model, value) for one in error.errors(include_url=False)):
        last = made[-1] if made else None
        if last is not None and last.path == one.path and last.remedy == one.remedy == _OTHER_KIND:
            # What each of the types that it may have says of it: one mistake.
            this = last.what.rpartition(_BUT)
            made[-1] = msgspec.structs.replace(last, what=f"{this[0]} or {one.what.partition(_BUT)[0]}{_BUT}{this[2]}")
        else:
            made.append(one)
    return tuple(made)


def _told(error: ErrorDetails, model: type[BaseModel], value: object) -> Told:
    kind, known = error["type"], error.get("ctx", {})
    path = _written(error["loc"], value, is_missing=kind == "missing")
    if kind == "extra_forbidden":
        return Told(path=path, what="this key is not known here", remedy=_another(model, path, value))
    if kind == "missing":
        return Told(path=path, what=MISSING, remedy="write it")
    if kind == "union_tag_not_found":
        return Told(path=(*path, known["discriminator"].strip("'")), what=MISSING, remedy="write it")
    if kind == "union_tag_invalid":
        path = (*path, known["discriminator"].strip("'"))
        return Told(path=path, what="this is not known here", remedy=f"write one of {known['expected_tags']}")
    if kind in {"literal_error", "enum"}:
        return Told(path=path, what="this is not known here", remedy=f"write {known['expected']}")
    if kind == FORM:
        return Told(path=path, what="this is not written as it should be", remedy=f"write {known['words']}")
    if kind in _BOUNDS:
        return Told(path=path, what=f"{_bound(kind, known, path, value)} is expected", remedy="change the value")
    if expected := _EXPECTED.get(kind.removesuffix("_parsing").removesuffix("_type")):
        return Told(path=path, what=f"{expected}{_BUT}{_kind(error['input'])}", remedy=_OTHER_KIND)
    what = error["msg"].removeprefix("Value error, ").rstrip(".")
    return Told(path=path, what=what[:1].lower() + what[1:], remedy=str(known.get("remedy", "correct the value")))


def _bound(kind: str, known: Mapping[str, Any], path: Path, value: object) -> str:
    """The bound in words; of a duration, which is written with its unit as `4h`, in seconds."""
    bound = _BOUNDS[kind].format_map(known)
    for part in path:
        (value,) = _member(value, part) or (None,)
    is_duration = isinstance(value, str) and re.match(r"\d+ *[a-z]", value) is not None
    return f"{bound} seconds" if is_duration else bound


def _written(loc: Path, value: object, *, is_missing: bool) -> Path:
    """*loc* without what says how a value was parsed, and stands nowhere in the file: the names of types and tags.

    Where something *is_missing*, the last of it stands nowhere either.
    """
    path: list[str | int] = []
    for place, part in enumerate(loc):
        inside = _member(value, part)
        if inside is None and not (is_missing and place == len(loc) - 1):
            continue
        path.append(part)
        value = inside[0] if inside else None
    return tuple(path)


def _member(value: object, part: str | int) -> tuple[object] | None:
    """What *value* has at *part*, in a tuple; None where it has nothing there."""
    if isinstance(value, Mapping) and part in value:
        return (value[part],)
    if isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
        return (value[part],)
    return None


def _kind(value: object) -> str:
    return next((words for kind, words in _KINDS if isinstance(value, kind)), "nothing of the kind")


def _another(model: type[BaseModel], path: Path, value: object) -> str:
    """What to write in place of the key at the end of *path*."""
    names = sorted(_names(model, path[:-1], value))
    if near := get_close_matches(str(path[-1]), names, n=1):
        return f"perhaps {near[0]} is meant"
    return f"known here: {', '.join(names)}" if names else "remove it"


def _names(model: type[BaseModel], path: Path, value: object) -> set[str]:
    """The keys that are known at *path* and not written there, of the kind of table that *value* has there."""
    tables = [model]
    for part in path:
        inside = _member(value, part)
        value = inside[0] if inside else None
        if isinstance(part, int):
            continue
        inner = [field.annotation for table in tables for name, field in _fields(table) if name == part]
        tables = [table for annotation in inner for table in _tables(annotation)] or tables
    fitting = [table for table in tables if _fits(table, value)] or tables
    given = value if isinstance(value, Mapping) else {}
    return {name for table in fitting for name, _ in _fields(table) if name not in given}


def _fields(table: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    return ((field.alias or name, field) for name, field in table.model_fields.items())


def _tables(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables(inner)


def _fits(table: type[BaseModel], value: object) -> bool:
    """Whether *value* says of itself that it is this *table*, where tables are told apart by a word."""
    words = {
        name: get_args(field.annotation) for name, field in _fields(table) if get_origin(field.annotation) is Literal
    }
    return not isinstance(value, dict) or all(
        value.get(name) in allowed for name, allowed in words.items() if name in value
    )


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def unread(what: str, error: Exception, remedy: str, file: PathLike[str]) -> Invalid:
    """Why *what* can not be read from *file*: the system's reason and the path, or else *error* and what to write."""
    if isinstance(error, OSError):
        why, remedy = error.strerror or str(error), "Check the path, and who may read it."
    else:
        why = str(error)
    return Invalid(f"{what} can not be read: {why}.", remedy, where=fspath(file))
