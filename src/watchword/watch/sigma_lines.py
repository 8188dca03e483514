"""A log as Sigma rules see it: lines of JSON with an event each, whatever the log has them in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from watchword.watch.providers import CARRIED, UNSURE, Provider
from watchword.watch.shapes import PEEK, Record, are_lines, carried, has_documents
from watchword.watch.sieve import encode, opened, read_by, records_of
from watchword.watch.sources.files import kind_of, lines_of
from watchword.watch.unpacking import Unpacking

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n\v\f"


def are_events(file: Path, provider: Provider) -> bool:
    """Whether *file* has an event a line, in the members that *provider* gives it, as far as its beginning shows.

    Then rules need nothing but its lines, as they lie. False where the beginning shows no event.
    """
    with file.open("rb", buffering=0) as raw, opened(raw, file) as source:
        head = source.read(PEEK)
    if not are_lines(head) or has_documents(head, provider) or kind_of(file) == "parquet":
        return False
    parsed = (_parsed(line) for line in head.removeprefix(_BOM).splitlines())
    events = [_is_own(value, provider) for value in parsed if isinstance(value, dict)]
    return bool(events) and all(events)


@contextmanager
def as_lines(file: Path, provider: Provider, unpacking: Unpacking) -> Iterator[Path]:
    """The events of *file* as a file of lines of JSON; what is in it and no event is a line too, if it is an object.

    An event has the members that *provider* gives it, and beside them those of what it came in, if it came alone.
    """
    with tempfile.NamedTemporaryFile(prefix="watchword-") as out:
        for number, record in read_by(provider, _records(file, provider, unpacking), None):
            if not isinstance(record, bytes):
                continue
            line = record.strip(_BLANK)
            with suppress(RecursionError):  # nested too deep, which is told where the log is read
                out.write(b"".join(_events(line.removeprefix(_BOM) if number == 1 else line, provider)))
        out.flush()
        yield Path(out.name)


def _records(file: Path, provider: Provider, unpacking: Unpacking) -> Iterator[Record]:
    if kind_of(file) == "parquet":
        yield from enumerate(lines_of(file, provider, unpacking), 1)
    else:
        yield from records_of(file, provider)


def _events(line: bytes, provider: Provider) -> Iterator[bytes]:
    value = _parsed(line)
    events: tuple[dict[str, Any] | None, ...] = ()
    if value is not None:
        events = (value,) if isinstance(value, dict) and _has_key(value, provider) else tuple(carried(value, provider))
    elif provider.text is not None and line[:1] not in (b"{", b"["):
        events = provider.text(line) or ()
    if isinstance(value, dict) and len(events) == 1 and events[0] is value:
        yield _line(value) if b"\n" in line else line + b"\n"
        return
    own = (CARRIED, UNSURE)
    known = [{name: each for name, each in event.items() if name not in own} for event in events if event is not None]
    if isinstance(value, dict) and len(known) < 2:
        yield _line({**value, **(known[0] if known else {})})
        return
    yield from map(_line, known)


def _line(event: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(event) + b"\n"
    except UnicodeEncodeError:  # half a character
        return encode(event)


def _is_own(value: dict[str, Any], provider: Provider) -> bool:
    if _has_key(value, provider):
        return True
    events = provider.events_of(value)
    return events is not None and len(events) == 1 and events[0] is value


def _has_key(value: dict[str, Any], provider: Provider) -> bool:
    """Whether *value* says of itself which event it is, and has its data where the log has it."""
    is_said = isinstance(value.get(provider.type_key), str | int)
    return is_said and not any(value.get(name) for name in provider.apart)


def _parsed(line: bytes) -> object | None:
    """*line* as JSON; None where it is none, or damaged: then rules do not see it."""
    try:
        found: object = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found
