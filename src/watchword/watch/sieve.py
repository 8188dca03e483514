"""What is done with a log that is not whole: its good lines pass, damaged ones are read all the same or kept aside.

DuckDB reads a clean log fast and gives a line it can not parse as a row of nulls, without saying which. So a log with
such a row, or one DuckDB refuses, is read again here line by line. Nothing is dropped without its file and line.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from watchword.watch.documents import LONGEST
from watchword.watch.meter import Meter
from watchword.watch.providers import CARRIED, UNSURE, Provider, provider_named
from watchword.watch.providers.provider import Json
from watchword.watch.shapes import PEEK, Aside, Record, carried, records, run_together, unmarked, utf8
from watchword.watch.shapes_text import EXCERPT, Damaged, Shaped, TextReader
from watchword.watch.tenants import ELSEWHERE, Ours
from watchword.watch.unpacking import Unpacked, broken_off, compression_of

__all__ = [
    "LONGEST_LINE",
    "Aside",
    "Carried",
    "Sieved",
    "Tally",
    "encode",
    "opened",
    "read_by",
    "records_of",
    "sieve",
    "sieve_lines",
]

LONGEST_LINE = LONGEST
"""Bytes of the longest line that is read: DuckDB's own limit for one JSON object."""

_BOM = b"\xef\xbb\xbf"
_KEPT_BEGINS = b'{"file":'
_KEPT = {"file", "line", "reason", "text"}
"""The members of a line that was rejected before, as it was kept aside."""


class Tally(msgspec.Struct, kw_only=True):
    """What the lines of a log were.

    *lines* counts those that are not blank, *broken* the files that end too early, *elsewhere* what was rejected since
    it is of another tenant. *preamble* are no events and no damage; *pages* of them are pages of a list that has none.
    """

    lines: int = 0
    preamble: int = 0
    pages: int = 0
    repaired: int = 0
    rejected: int = 0
    broken: int = 0
    elsewhere: int = 0


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the other provider *provider* that a log carried, as one line of JSON."""

    provider: str
    line: bytes


Sieved = bytes | Aside | Carried
"""One event as a line of JSON, ending in a newline; or what was no event."""


def sieve(
    path: Path,
    provider: Provider,
    tally: Tally,
    meter: Meter,
    reader: TextReader | None = None,
    ours: Ours | None = None,
) -> Iterator[Sieved]:
    """Each record of *path* as whole JSON, or as kept aside; count them in *tally*. The rest as in `sieve_lines`."""
    with path.open("rb", buffering=0) as raw, meter.sieving(raw), opened(raw, path) as source:
        yield from sieve_lines(_all_of(source, provider), provider, tally, reader, ours)


def records_of(path: Path, provider: Provider) -> Iterator[Record]:
    """Each record of *path* as it stands in the file, with its number: not judged yet."""
    with path.open("rb", buffering=0) as raw, opened(raw, path) as source:
        yield from _all_of(source, provider)


def opened(raw: io.FileIO, path: Path) -> io.BufferedReader:
    """*raw*, which is *path*, as what it unpacks to."""
    kind = compression_of(path)
    return io.BufferedReader(raw if kind is None else Unpacked(raw, kind), PEEK)


def _all_of(source: io.BufferedReader, provider: Provider) -> Iterator[Record]:
    """Each record of *source*, and one kept aside where it is compressed and ends before its end."""
    number = 0
    with ExitStack() as stack:
        text, head = source, source.peek(PEEK)
        if (encoding := unmarked(head)) is not None and _has_events(head.decode(encoding, "replace"), provider):
            text = stack.enter_context(utf8(source, encoding))
        for number, record in records(text, _numbered, provider):
            yield number, record
    if (fault := broken_off(source)) is not None:
        reason = f"the compressed file breaks off here: {fault}"[:300]
        yield number + 1, Aside(line=number + 1, reason=reason, text="", is_end=True)


def _has_events(text: str, provider: Provider) -> bool:
    """Whether there is an event of *provider* in *text*, with which a log begins."""
    tally, log = Tally(), io.BufferedReader(io.BytesIO(text.encode("utf-8", "replace")), PEEK)
    for _ in sieve_lines(records(log, _numbered, provider), provider, tally):
        """They are counted."""
    return tally.lines > tally.rejected + tally.preamble


def sieve_lines(
    lines: Iterator[Record],
    provider: Provider,
    tally: Tally,
    reader: TextReader | None = None,
    ours: Ours | None = None,
) -> Iterator[Sieved]:
    """As `sieve`, over numbered *lines*; None is a line longer than `LONGEST_LINE`.

    *reader* is the provider's, where its log is read in parts; else what it still holds at the end comes too. What is
    not *ours* is kept aside.
    """
    ours = ours or Ours(())
    for number, raw in read_by(provider, lines, reader):
        if isinstance(raw, Aside):
            tally.lines += 1
            tally.rejected += 1
            tally.broken += raw.is_end
            yield raw
            continue
        line = b"" if raw is None else raw.strip(b" \t\r\n\v\f")
        if number == 1:
            line = line.removeprefix(_BOM)
        if raw is not None and not line:
            continue
        tally.lines += 1
        if raw is None:
            tally.rejected += 1
            yield Aside(line=number, reason=f"longer than {LONGEST_LINE} bytes", text="")
        elif provider.preamble is not None and provider.preamble.match(line):
            tally.preamble += 1
        elif (event := _whole(line, provider)) is not None:
            yield _of_another(number, event, provider, ours, tally) or line + b"\n"
        else:
            # All of a line or nothing: what one step can not take is let go of with what came before it.
            before = msgspec.structs.replace(tally)
            try:
                yield from tuple(_mend(number, line, provider, tally, ours))
            except Exception as fault:  # noqa: BLE001  (told of the line, which ends no watch)
                for name in tally.__struct_fields__:
                    setattr(tally, name, getattr(before, name))
                tally.rejected += 1
                yield Aside(line=number, reason=_mistake(fault), text=excerpt(line))


def _mend(number: int, line: bytes, provider: Provider, tally: Tally, ours: Ours) -> Iterator[Sieved]:
    """*line* made whole where that needs no guess: bytes that are no UTF-8, raw control characters, lists, wrappers."""
    events: tuple[dict[str, object] | None, ...] = ()
    why = ""
    try:
        value = json.loads(line.decode("utf-8", "replace"), strict=False)
    except RecursionError:
        why = "nested too deep"
    except ValueError:
        several = run_together(line.decode("utf-8", "replace")) or ()
        events = tuple(event for value in several for event in carried(value, provider))
        events = events or (provider.text(line) if provider.text is not None else None) or ()
        why = "cut short, or damaged JSON" if line[:1] in (b"{", b"[") else "not JSON"
        if provider.text is not None and b"<Event" in line:
            why = "damaged XML"
    else:
        events = tuple(carried(value, provider))
        why = f"no {provider.type_key}" if isinstance(value, dict) else "a JSON value that is no event"
        if not events and isinstance(value, dict):  # a page of a list that has none
            tally.preamble += 1
            tally.pages += 1
            return
    if any(event is not None for event in events):
        tally.repaired += 1
    tally.lines += max(len(events) - 1, 0)
    for event in events or (None,):
        if event is None:
            tally.rejected += 1
            yield Aside(line=number, reason=why, text=excerpt(line))
        elif UNSURE in event:
            tally.rejected += 1
            yield Aside(line=number, reason=str(event[UNSURE]), text=excerpt(line))
        elif CARRIED in event:
            of = provider_named(str(event.pop(CARRIED)))
            yield _of_another(number, event, of, ours, tally) or Carried(provider=of.name, line=encode(event))
        else:
            yield _of_another(number, event, provider, ours, tally) or encode(event)


def _of_another(number: int, event: Json, provider: Provider, ours: Ours, tally: Tally) -> Aside | None:
    """*event* as kept aside, where it is of a tenant that is not *ours*."""
    if (tenant := ours.other(event, provider)) is None:
        return None
    tally.rejected += 1
    tally.elsewhere += 1
    return Aside(line=number, reason=f"{ELSEWHERE}: {tenant}", text=excerpt(encode(event)[:-1]), tenant=tenant)


def _kept_aside(number: int, line: bytes, provider: Provider) -> Iterator[Record] | None:
    """What *line*, number *number*, says was rejected, read again as a log of its own; None when it is no such line."""
    try:
        kept = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(kept, dict) or kept.keys() != _KEPT or not isinstance(kept["text"], str):
        return None
    if not kept["text"].strip():
        return iter([(number, Aside(line=number, reason=f"kept without its text: {kept['reason']}", text=""))])
    return _read_again(number, kept["text"].strip("\r\n").encode("utf-8", "replace"), provider)


def _read_again(number: int, text: bytes, provider: Provider) -> Iterator[Record]:
    """The records of *text*, which goes over no line of the log it is in; all have its *number*."""
    lines = iter([(1, text)])
    several = records(io.BufferedReader(io.BytesIO(text)), _numbered, provider) if b"\n" in text else lines
    for _, record in read_by(provider, several, None):
        yield number, msgspec.structs.replace(record, line=number) if isinstance(record, Aside) else record


def excerpt(line: bytes) -> str:
    """*line* as it is kept aside."""
    return line[:EXCERPT].decode("utf-8", "backslashreplace")


def read_by(provider: Provider, lines: Iterator[Record], reader: TextReader | None) -> Iterator[Record]:
    """*lines* as the provider's reader makes JSON of them, where it has one; *reader* as in `sieve_lines`.

    What was rejected before, and is a line of what was kept aside, is read again, whatever stands around it.
    """
    held = reader or (None if provider.reader is None else provider.reader())
    for number, line in lines:
        if isinstance(line, Aside):
            yield number, line
        elif (
            line is not None
            and _KEPT_BEGINS in line[:16]
            and (again := _kept_aside(number, line, provider)) is not None
        ):
            yield from again
        elif held is None:
            yield number, line
        else:
            yield from _read(number, line, held)
    if held is not None and reader is None:
        yield from map(_told, held.end())


def _read(number: int, line: bytes | None, reader: TextReader) -> Iterator[Record]:
    """What *reader* makes of *line*; a fault that nobody foresaw costs the line, and what it would have completed."""
    try:
        yield from tuple(map(_told, reader.read(number, line)))
    except Exception as fault:  # noqa: BLE001  (told of the line, which ends no watch)
        yield number, Aside(line=number, reason=_mistake(fault), text=excerpt(line or b""))


def _mistake(fault: Exception) -> str:
    """The reason why a line is kept aside that our own code fails at."""
    if isinstance(fault, RecursionError):
        return "nested too deep"
    return f"a mistake of ours: {type(fault).__name__}; report this line"


def _told(shaped: Shaped) -> Record:
    number, raw = shaped
    return number, Aside(line=number, reason=raw.reason, text=raw.text) if isinstance(raw, Damaged) else raw


def _whole(line: bytes, provider: Provider) -> Json | None:
    """The one event that *line* is as it stands."""
    try:
        value = msgspec.json.decode(line)
        events = provider.events_of(value)
    except Exception:  # noqa: BLE001  (`_mend` meets it as well, and says of the line what is wrong)
        return None
    return events[0] if events is not None and len(events) == 1 and events[0] is value and b"\n" not in line else None


def encode(event: dict[str, object]) -> bytes:
    """*event* as one line of JSON that every parser reads alike."""
    # A lone surrogate is an escape in JSON and yet no character: it becomes the replacement character.
    text = json.dumps(event, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.encode() + b"\n"


def _numbered(source: BinaryIO) -> Iterator[Record]:
    """Lines with their numbers, from 1; None for one that is too long."""
    number = 1
    while line := source.readline(LONGEST_LINE):
        too_long = len(line) == LONGEST_LINE and not line.endswith(b"\n")
        yield number, None if too_long else line
        while too_long and line and not line.endswith(b"\n"):
            line = source.readline(LONGEST_LINE)
        number += 1
