"""What a provider is: the columns, queries and catalogue that turn lines of one kind of log into canonical events."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from watchword.watch.shapes_text import TextReader
from watchword.watch.unpacking import BOUNDED, Unpacking

_HERE = Path(__file__).parent

LAG = timedelta(seconds=120)
"""How far the clocks of a directory and of the desk may be apart, where nothing else is known."""

Json = dict[str, Any]
Shape = Callable[[Json], tuple[Json, ...] | None]
"""One JSON object of a log in, the events in it out, each with the provider's own columns; None if it is no event."""


@cache
def _structured(columns: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Which of *columns* hold an object or a list."""
    return tuple(name for name, kind in columns if kind.endswith((")", "]")))


def _whole(value: Json, columns: tuple[tuple[str, str], ...]) -> Json:
    """*value* with objects and lists that a pipeline wrote as text as what they were."""
    texts = [name for name in _structured(columns) if isinstance(value.get(name), str)]
    if not texts:
        return value
    out = dict(value)
    for name in texts:
        with suppress(ValueError, RecursionError):
            inner = json.loads(value[name], strict=False)
            out[name] = inner if isinstance(inner, dict | list) else value[name]
    return out


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of log.

    *columns* are DuckDB column names and types of a line; *type_key* is the member no event lacks; *preamble* matches
    lines that are no events and no damage either, where a log has such. *wrapped* are names of members that hold a list
    of events. *shape* reads an event as other systems write it, *text* does so for a line that is no JSON. *carries*
    are names of other providers whose events such a log may hold; an event of theirs says so in the member `CARRIED`.
    *lag* is how far the times it writes may be off from when the change was asked for. Where it *needs_sign_ins*, they
    say of a change what its own record does not.
    *titles* are columns that tell a table of this log, where an export calls them otherwise than *type_key*.
    *unread* are columns that tell a table which has not what a verdict needs, with why and what to take instead.
    *reader* makes JSON of a log that is none, where that takes more than one line: one is made for each log.
    *plain* are columns of a line beside its record, which is then kept of what is no sign-in alone.
    *apart* are members in which a line may have its data apart from where the columns look: one with such is shaped.
    *doubt* says why an event that is as the log has it is `UNSURE`, or None; its `lines` give such an event no type.
    *tenant* are members (`a.b`) that name whose an event is, of the vendor's many customers; where there are some, the
    first query has a column `tenant` besides. Where the name is a part of such a member, *tenant_in* takes it out.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    type_key: str
    preamble: re.Pattern[bytes] | None = None
    wrapped: tuple[str, ...] = ()
    shape: Shape | None = None
    text: Callable[[bytes], tuple[Json, ...] | None] | None = None
    carries: tuple[str, ...] = ()
    lag: timedelta = LAG
    needs_sign_ins: bool = True
    titles: tuple[str, ...] = ()
    unread: tuple[tuple[tuple[str, ...], str], ...] = ()
    reader: Callable[[], TextReader] | None = None
    plain: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    doubt: Callable[[Json], str | None] | None = None
    tenant: tuple[str, ...] = ()
    tenant_in: Callable[[str], str | None] | None = None

    @property
    def structured(self) -> tuple[str, ...]:
        """The columns that hold an object or a list."""
        return _structured(self.columns)

    @property
    def lines(self) -> str:
        """SQL over `log`: `native`, `stamp` (text), `record` and the *plain* columns, one row a line."""
        return self._queries()[0]

    @property
    def events(self) -> str:
        """SQL over `record` (`native`, `stamped`, `record`, *plain*): a row an event, as in `sql/tables.sql`."""
        return self._queries()[1]

    @property
    def sign_ins(self) -> str | None:
        """SQL over the same but `record`: a row each sign-in, as in `sql/tables.sql`; None where `events` has them.

        Most lines of a log are sign-ins, and have nothing of what makes a change hard to read: theirs is *plain*.
        """
        return self._queries()[2]

    @property
    def written(self) -> str | None:
        """SQL over what `events` is: what accounts were written as, where a log tells that whole (`sql/tables.sql`)."""
        file = _HERE / f"{self.name}.written.sql"
        return file.read_text(encoding="utf-8") if file.exists() else None

    @property
    def catalogue(self) -> Path:
        """CSV `native,canonical,by_owner,ignored`."""
        return _HERE / f"{self.name}.csv"

    def events_of(self, value: object) -> tuple[Json, ...] | None:
        """The events that one JSON *value* of this log is: itself, or as *shape* reads it; None when it is none."""
        if not isinstance(value, dict):
            return None
        value = _whole(value, self.columns)
        # A key that is no text in this log says nothing where it is text.
        is_own = isinstance(value.get(self.type_key), str) and (self.type_key, "VARCHAR") in self.columns
        if is_own and not any(value.get(name) for name in self.apart):
            why = None if self.doubt is None else self.doubt(value)
            return (value,) if why is None else ({**value, UNSURE: why},)
        if self.shape is None:
            return None
        return self._original(value) or self.shape(value)

    def tenants_of(self, event: Json) -> tuple[str, ...]:
        """The names that *event* has for its tenant."""
        named = list[str]()
        for path in self.tenant:
            value: Any = event
            for name in path.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            named += (str(each) for each in (value if isinstance(value, list) else [value]) if each not in (None, ""))
        return tuple(named if self.tenant_in is None else filter(None, map(self.tenant_in, named)))

    def _original(self, value: Json) -> tuple[Json, ...] | None:
        """The vendor's event as it was, which a pipeline into ECS may keep as text beside what it made of it."""
        event = value.get("event")
        said = event.get("original") if isinstance(event, dict) else value.get("event.original")
        if not isinstance(said, str) or self.shape is None:
            return None
        if said.lstrip()[:1] == "<":
            return self.text(said.encode("utf-8", "replace")) if self.text is not None else None
        try:
            inner = json.loads(said, strict=False)
        except (ValueError, RecursionError):
            return None
        if not isinstance(inner, dict):
            return None
        is_own = isinstance(inner.get(self.type_key), str) and (self.type_key, "VARCHAR") in self.columns
        return (inner,) if is_own else self.shape(inner)

    def _queries(self) -> tuple[str, str, str | None]:
        lines, events, *rest = (_HERE / f"{self.name}.sql").read_text(encoding="utf-8").split(";\n", 2)
        return lines, events, rest[0] if rest else None


CARRIED = "watchword.provider"
"""The member of a carried event that names the provider it is of."""

UNSURE = "watchword.unsure"
"""The member of an event that says why it can be read in more than one way: it is kept aside, and not judged."""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """Log files of one provider that are read together.

    *directory* names the directory they are of: then only its evidence counts. *lag* replaces the provider's.
    *unpacking* says what compressed ones may unpack to. Where *tenants* are named, events that name others and none of
    these are no events of this feed.
    """

    provider: Provider
    directory: str | None = None
    files: tuple[Path, ...] = ()
    lag: timedelta | None = None
    unpacking: Unpacking = BOUNDED
    tenants: tuple[str, ...] = ()
