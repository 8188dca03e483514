"""Tables of comma-separated values, as vendors' consoles, Splunk and PowerShell export logs, read into JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from watchword.watch.documents import LONGEST
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import nested
from watchword.watch.shapes_text import EXCERPT, Damaged, Shaped

_RAW = ("_raw", "event.original")
"""Columns that hold the event as the vendor wrote it, beside what was made of it."""
_NAME = re.compile(r"[A-Za-z_@][\w.@{} ()/\[\]-]*")
_ZONE = re.compile(r"\s*[(\[]UTC[)\]]$")
_NOTES = ("#TYPE ", "sep=")
"""How the line begins that PowerShell or a spreadsheet writes before the head."""
_OTHER_COLUMNS = "a table with other columns than this log has"
_MOST_MENDED = 1000
"""Rows over several lines that do not fit, after which the lines within such a row are no longer read anew."""


def is_table(head: bytes, provider: Provider) -> bool:
    """Whether a file that begins with *head* is a table: its first line names columns, of this log or of another."""
    if provider.preamble is not None or provider.reader is not None:
        return False
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
    while lines and (not lines[0].strip() or lines[0].startswith(_NOTES)):
        del lines[0]
    names, parted = _names(lines[0]) if lines else ((), ",")
    if not names or _why_not(names, provider) != _OTHER_COLUMNS:
        return bool(names)
    # Words with commas may stand before the events of a log.
    is_parted = len(lines) > 1 and lines[1].count(parted) >= len(names) - 1
    return is_parted and not any(line.lstrip().startswith(("{", "[", "<")) for line in lines[1:])


def rows(source: io.BufferedReader[Any], provider: Provider) -> Iterator[Shaped]:
    """Each row of the table *source* as JSON, its members the columns that it has something in."""
    text = io.TextIOWrapper(source, encoding="utf-8-sig", errors="replace", newline="")
    try:
        yield from _rows(_Lines(text), provider)
    finally:
        text.detach()  # it is not ours to close


def _why_not(names: tuple[str, ...], provider: Provider) -> str | None:
    """Why a table with the columns *names* can not be read as *provider*'s log; None where it can."""
    for columns, why in provider.unread:
        if {name.lower() for name in names} >= {name.lower() for name in columns}:
            return why
    told = {_squashed(name) for name in (provider.type_key, *provider.titles, *_RAW)}
    return None if told & {_squashed(name) for name in names} else _OTHER_COLUMNS


def _rows(lines: _Lines, provider: Provider) -> Iterator[Shaped]:
    names: tuple[str, ...] = ()
    delimiter = ","
    head = ""
    for head in lines:
        names, delimiter = _names(head)
        if names:
            break
    why_not = _why_not(names, provider)
    if {"Date and Time", "Event ID"} <= set(names) and "Message" not in names:
        names = (*names, "Message")  # Event Viewer writes it, and no name for it
    reader, mended = csv.reader(lines, delimiter=delimiter), 0
    while True:
        lines.taken.clear()
        try:
            row = next(reader, None)
        except csv.Error as error:
            row, why = [], f"a damaged row: {error}"
        else:
            why = "a row with other columns than the head"
        if row is None:
            return
        number, text = lines.number - len(lines.taken) + 1, "".join(lines.taken)
        if not text.strip() or tuple(row) == names:  # blank, or the head of the next of several tables
            continue
        if why_not is not None:
            yield number, Damaged(reason=why_not, text=_kept(head, text))
            continue
        if len(row) < len(names) or any(row[len(names) :]):
            if len(lines.taken) > 1 and mended < _MOST_MENDED:  # a quote that never ends holds good rows
                mended += 1
                text = lines.taken[0]
                lines.again()
            yield number, Damaged(reason=why, text=_kept(head, text))
            continue
        yield number, _event(dict(zip(names, row, strict=False)))


def _kept(head: str, row: str) -> str:
    """*row* with the head without which nobody could read it again."""
    return (head.rstrip("\r\n") + "\n" + row.rstrip("\r\n"))[:EXCERPT]


class _Lines:
    """The lines of a text, the last few of which can be read again."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._ahead: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else self._text.readline(LONGEST)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def again(self) -> None:
        """Give what was taken after the first line once more."""
        self._ahead.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1


def _names(line: str) -> tuple[tuple[str, ...], str]:
    """The columns that *line* names and what parts them; none when it is no head of a table."""
    best: tuple[str, ...] = ()
    parted = ","
    for delimiter in ",;\t":
        try:
            found = tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter), ()))
        except csv.Error:
            continue
        if len(found) > len(best):
            best, parted = found, delimiter
    named = [name for name in best if name]
    is_head = len(named) > 1 and len(set(named)) == len(named) and all(map(_NAME.fullmatch, named))
    return (best, parted) if is_head else ((), parted)


def _event(row: dict[str, str]) -> bytes:
    for name in _RAW:
        if (said := row.get(name, "")).lstrip()[:1] in ("{", "<"):
            return said.encode("utf-8", "replace").replace(b"\n", b" ")
    event: Json = {
        _ZONE.sub("", name): _utc(value) if _ZONE.search(name) else value
        for name, value in row.items()
        if name and value.strip()
    }
    return json.dumps(nested(event), ensure_ascii=False).encode("utf-8", "replace")


def _utc(said: str) -> str:
    """A time that Log Analytics' page wrote as its reader's browser does, in ISO 8601; other text as it is.

    Americans have the month first and `AM`; who has the day first has 24 hours, or a small `am`.
    """
    if re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}, .*", said) is None:
        return said
    order = "%m/%d/%Y" if said.endswith(("AM", "PM")) else "%d/%m/%Y"
    for clock in ("%I:%M:%S.%f %p", "%I:%M:%S %p", "%H:%M:%S.%f", "%H:%M:%S"):
        with suppress(ValueError):
            return datetime.strptime(said, f"{order}, {clock}").replace(tzinfo=UTC).isoformat()
    return said


def _squashed(name: str) -> str:
    return re.sub(r"[_ ]", "", _ZONE.sub("", name)).lower()
