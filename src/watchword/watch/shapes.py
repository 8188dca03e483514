"""How a file becomes records: lines, documents of JSON over many lines, tables, XML events, or Windows' own EVTX.

Each record comes with the number of the line it begins on (of an EVTX file, its place in the file).
"""

from __future__ import annotations

import io
import itertools
import json
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeAlias

import msgspec
from evtx import PyEvtxParser

from watchword.watch.documents import LONGEST, documents
from watchword.watch.otlp import of_batch
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.shapes_table import is_table, rows
from watchword.watch.shapes_text import EXCERPT, Damaged

EVTX = b"ElfFile\x00"
_EVTX_HEAD = (128).to_bytes(4, "little")
_MOST_ERRORS = 100_000
"""Damaged records after which an EVTX file is left: no reader goes round for ever."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SURE = 4096
"""Bytes of which every second one is zero in UTF-16 that is told without a mark."""
PEEK = 64 * 1024
"""Bytes at the beginning of a file that tell what it has."""
_PAGES = ("results", "hits", "logEvents", "records", "Records", "value", "items")
"""What searches, shippers and pages of an API call the list of what they found, whoever's log it is of."""
_BLANK = b" \t\r\n\v\f"
_BOM = b"\xef\xbb\xbf"
_DEPTH = 8


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """One line kept aside: its number from 1, why, its beginning; or that the file ends too early (*is_end*).

    Where it is an event of a *tenant* that the log is not of, that is named.
    """

    line: int
    reason: str
    text: str
    is_end: bool = False
    tenant: str | None = None


Peekable: TypeAlias = "io.BufferedReader[Any]"
"""A stream whose beginning can be looked at."""

Record = tuple[int, bytes | Aside | None]
"""A numbered record; None is one that is too long."""


def are_lines(head: bytes) -> bool:
    """Whether a file that begins with *head* has one record a line, as far as that shows: it is no EVTX and no XML."""
    return not head.startswith((EVTX, *_UTF16)) and not _begins_xml(head) and unmarked(head) is None


def unmarked(head: bytes) -> str | None:
    """The encoding of a file that begins with *head*, where that looks like UTF-16 without a byte-order mark.

    It has characters of Latin-1 alone, so that one byte of each two is zero, and the other never is.
    """
    even, odd = head[:_SURE:2], head[1:_SURE:2]
    for text, zeros, encoding in ((even, odd, "utf-16-le"), (odd, even, "utf-16-be")):
        if zeros and not zeros.strip(b"\0") and b"\0" not in text:
            return encoding
    return None


def page_names(provider: Provider) -> tuple[str, ...]:
    """The members that hold a list of events of *provider*, whoever made a page of them."""
    return tuple(dict.fromkeys((*provider.wrapped, *_PAGES)))


def has_documents(head: bytes, provider: Provider) -> bool:
    """Whether a file that begins with *head* is JSON over many lines or a table, and not one object a line."""
    text = head.removeprefix(_BOM).lstrip(_BLANK)
    if text[:1] not in (b"{", b"["):
        return is_table(head, provider)
    first, newline, _ = text.partition(b"\n")
    if not newline:  # all of the head is one line: if it is long, it is a list, or one event
        return len(head) >= PEEK and (text[:1] == b"[" or _may_wrap(text, provider) or _runs_on(text))
    first = first.rstrip(_BLANK)
    return first[-1:] in b"{[," and not _is_json(first)


def are_rendered(head: bytes, provider: Provider) -> bool:
    """Whether a file that begins with *head* has events of Windows as it renders them, each of many lines."""
    return provider.text is not None and _RENDERED.match(head) is not None


def records(source: Peekable, lines: Callable[[BinaryIO], Iterator[Record]], provider: Provider) -> Iterator[Record]:
    """The records of *source*, a stream at its beginning; *lines* reads one line by line where that is what it has."""
    yield from _records(source, lines, provider)


def _records(source: Peekable, lines: Callable[[BinaryIO], Iterator[Record]], provider: Provider) -> Iterator[Record]:
    head = source.peek(PEEK)
    if head.startswith(EVTX):
        yield from _evtx(source)
    elif head.startswith(_UTF16):
        with utf8(source, "utf-16") as text:
            yield from _records(text, lines, provider)
    elif provider.text is not None and _begins_xml(head):
        yield from _xml(source)
    elif are_rendered(head, provider):
        yield from _rendered(lines(source))
    elif is_table(head, provider):
        for number, row in rows(source, provider):
            yield number, Aside(line=number, reason=row.reason, text=row.text) if isinstance(row, Damaged) else row
    elif has_documents(head, provider):
        source.read(len(_BOM) if head.startswith(_BOM) else 0)
        for number, document in documents(source, (*provider.wrapped, *_PAGES[:3])):
            if isinstance(document, str):
                yield number, Aside(line=number, reason="not JSON", text=document)
            else:
                yield number, document
    else:
        yield from lines(source)


def carried(value: object, provider: Provider, depth: int = 0) -> Iterator[Json | None]:
    """The events within *value*: itself, a list of them, or wrapped; None for each part that is no event.

    Shippers wrap an event as they pass it on: in a list of records, in a search result (`_source`, `_raw`), or as text
    in a message.
    """
    if isinstance(value, list):
        for each in value:
            yield from carried(each, provider, depth + 1)
        return
    if isinstance(value, str):
        inner = _parsed(value, provider)
        if inner is not None and depth < _DEPTH:
            yield from carried(inner, provider, depth + 1)
        else:
            yield None
        return
    # Splunk's answer has the event as it was, beside members that it took out of it.
    raw = _parsed(value["_raw"], provider) if isinstance(value, dict) and isinstance(value.get("_raw"), str) else None
    if raw is not None and depth < _DEPTH:
        yield from carried(raw, provider, depth + 1)
        return
    batch = of_batch(value) if isinstance(value, dict) and depth < _DEPTH else None
    if batch is not None:
        for each in batch:
            yield from carried(each, provider, depth + 1)
        return
    events = provider.events_of(value)
    if events is not None:
        yield from events
        return
    if isinstance(value, dict) and depth < _DEPTH:
        for name in page_names(provider):
            if isinstance(value.get(name), list):
                yield from carried(value[name], provider, depth + 1)
                return
        for inner in _inside(value):
            found = tuple(carried(inner, provider, depth + 1))
            if found and None not in found:
                yield from found
                return
    yield None


_HOLDERS = (
    "_source",
    "_raw",
    "result",
    "hits",
    "message",
    "Message",
    "MESSAGE",
    "@message",
    "event",
    "log",
    "body",
    "detail",
    "payload",
    "value",
    "record",
    "data",
    "attributes",
    "jsonPayload",
    "full_message",
    "raw",
    "RawData",
)
"""Members in which an event is handed on: by searches, collectors, EventBridge, Kafka, Datadog, Cloud Logging, GELF."""


_EVENT_TEXT = re.compile(
    r"\s*(?:[{\[<]|(?:DSDB|Password|Group) Change \[|(?:Successful AuthZ|Auth): \[)"
    r"|(?:[\d/: .]+[AP]M\s+)?LogName=|Log Name: "
)
"""How text begins that is an event: JSON, XML, Samba's audit, or an event as Splunk and Event Viewer render it."""


def _inside(value: Json) -> Iterator[object]:
    # Wazuh names the integration, and has what that read in a member of the same name.
    if isinstance(named := value.get("integration"), str) and isinstance(value.get(named), dict):
        yield value[named]
    for name in _HOLDERS:
        inner = value.get(name)
        if isinstance(inner, dict) or (isinstance(inner, str) and _EVENT_TEXT.match(inner)):
            yield inner
    if len(value) == 1 and isinstance(only := next(iter(value.values())), list):  # a page, whatever it calls its list
        yield only


def _parsed(text: str, provider: Provider) -> object | None:
    if text.lstrip()[:1] not in ("{", "["):
        return _by_text(text, provider)
    try:
        parsed: object = json.loads(text, strict=False)
    except RecursionError:
        return None
    except ValueError:
        several = run_together(text)
        return _by_text(text, provider) if several is None else list(several)
    return parsed


def _by_text(text: str, provider: Provider) -> object | None:
    found = None if provider.text is None else provider.text(text.encode("utf-8", "replace"))
    return None if found is None else list(found)


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _runs_on(text: bytes) -> bool:
    """Whether another document follows the first at once, as shippers write that part records by nothing."""
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(said := text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return said[end:].lstrip()[:1] == "{"


_BETWEEN = re.compile(r"[ \t\r\n,]*")


def run_together(text: str) -> tuple[object, ...] | None:
    """The documents that stand one after the other in *text* with nothing between; None when it is no such text."""
    found = list[object]()
    decoder, end = json.JSONDecoder(strict=False), 0
    while end < len(text):
        try:
            value, end = decoder.raw_decode(text, end)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict | list):
            return None
        found.append(value)
        end = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]  # it matches nothing as well
    return tuple(found)


def _may_wrap(text: bytes, provider: Provider) -> bool:
    names = "|".join(re.escape(name) for name in (*provider.wrapped, *_PAGES[:3])).encode()
    before = rb'\{\s*("[^"]*"\s*:\s*("[^"]*"|\d+|null)\s*,\s*)*'
    return re.match(before + b'"(' + names + rb')"\s*:\s*\[', text) is not None


def _begins_xml(head: bytes) -> bool:
    # A browser's view of XML, as people copy it, has a dash before what can be folded.
    return re.match(rb"(\xef\xbb\xbf)?[\s-]*<(\?xml|Events?[\s>])", head) is not None


_RENDERED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:(?:[\d/]+ [\d:.]+ [AP]M\s*\n)?LogName=[^\n]*\n\w+=|Log Name: [^\n]*\nSource: )"
)
_STAMP = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\d/]+ [\d:.]+ [AP]M\s*")
_MEMBER = re.compile(rb"\w+=")
_APART = re.compile(rb"(?:\A|\n[ \t\r]*\n|</Event>[ \t\r]*\n)\Z")
"""What is before an event that Event Viewer copied: nothing, a blank line, or the XML of another."""
_HEAD = (b"Log Name: ", b"Source: ", b"Date: ", b"Event ID: ")
_TELLING = (b"LogName=", b"Source: ", b"Event ID: ")
"""Lines at which it may show that an event has begun; the one after the first of these is another."""


def _rendered(lines: Iterator[Record]) -> Iterator[Record]:
    """Events of many lines, each of which begins with its time, or with the name of its log where it has none.

    One longer than `LONGEST` comes as None.
    """
    first, held, is_long, is_next = 0, bytearray(), False, False
    last = deque[tuple[int, int]](maxlen=len(_HEAD))
    """Numbers of the last lines, and where each begins in *held*."""
    for number, line in lines:
        if not isinstance(line, bytes):
            yield number, line
            continue
        first = first or number
        last.append((number, len(held)))
        held += line
        may_begin, is_next = is_next or line.startswith(_TELLING), line.startswith(b"LogName=")
        if may_begin and (begun := _begun(held, list(last))) is not None:
            begin, cut = begun
            if not is_long and held[:cut].strip(_BOM + _BLANK):
                yield first, bytes(held[:cut])
            first, is_long = begin, False
        elif len(held) > LONGEST:
            if not is_long:
                yield first, None
            is_long, cut = True, last[0][1]
        else:
            continue
        del held[:cut]
        last = deque(((each, at - cut) for each, at in last if at >= cut), len(_HEAD))
    if not is_long and held.strip():
        yield first, bytes(held)


def _begun(held: bytearray, last: list[tuple[int, int]]) -> tuple[int, int] | None:
    """The line of the *last* at which an event begins, as far as the newest of them shows; None for text of one's own.

    A value may have a line like the first one of an event: it takes a second to be sure.
    """
    if len(last) < 2:
        return None
    before, begin = last[-2][1], last[-1][1]
    if held.startswith(b"LogName=", begin) and _STAMP.fullmatch(held, before, begin):
        return last[-2]
    if held.startswith(b"LogName=", before) and _MEMBER.match(held, begin):
        return last[-3] if len(last) > 2 and _STAMP.fullmatch(held, last[-3][1], before) else last[-2]
    heads = [name for name, (_, at) in zip(_HEAD, last, strict=False) if held.startswith(name, at)]
    if heads == list(_HEAD):
        return last[0]
    is_head = held.startswith(_HEAD[0], before) and held.startswith(_HEAD[1], begin)
    return last[-2] if is_head and _APART.search(held[max(0, before - 64) : before]) else None


def utf8(source: BinaryIO, encoding: str) -> Peekable:
    """*source*, in UTF-16 as Windows' own tools export, as UTF-8."""
    out = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the stream that is returned
    text = io.TextIOWrapper(source, encoding=encoding, errors="replace", newline="")
    while part := text.read(1 << 20):
        out.write(part.encode("utf-8", "replace"))
    text.detach()
    out.seek(0)
    return io.BufferedReader(out, PEEK)


_BEGIN = re.compile(rb"<Event[\s>]")
_EVENT = re.compile(rb"<Event[\s>](?:(?!<Event[\s>]).)*?</Event\s*>", re.DOTALL)


def _xml(source: BinaryIO) -> Iterator[Record]:
    """Each `<Event>` element, as text; one that does not end is kept aside."""
    line, rest = 1, b""
    while read := source.read(1 << 20):
        rest += read
        end = 0
        for found in _EVENT.finditer(rest):
            yield from _cut_short(rest[end : found.start()], line)
            line += rest.count(b"\n", end, found.start())
            yield line, found[0]
            line += found[0].count(b"\n")
            end = found.end()
        rest = rest[end:]
        if len(rest) > LONGEST:
            yield line, None
            line += rest.count(b"\n")
            rest = b""
    yield from _cut_short(rest, line)


def _cut_short(text: bytes, line: int) -> Iterator[Record]:
    begins = [found.start() for found in _BEGIN.finditer(text)]
    for begin, end in itertools.pairwise((*begins, len(text))):
        number = line + text.count(b"\n", 0, begin)
        begun = text[begin : min(end, begin + EXCERPT)].rstrip(_BLANK).decode("utf-8", "backslashreplace")
        yield number, Aside(line=number, reason="an XML event without its end", text=begun)


def _evtx(source: BinaryIO) -> Iterator[Record]:
    """Each record of an EVTX file as JSON; a damaged one is kept aside, and the rest is read."""
    with tempfile.TemporaryFile() as whole:  # a compressed stream can not be sought in cheaply
        shutil.copyfileobj(source, whole)
        whole.seek(0)
        number = errors = 0
        if whole.read(36)[32:] != _EVTX_HEAD:
            yield 1, Aside(line=1, reason="damaged EVTX: its head is none", text="")
            return
        whole.seek(0)
        try:
            found: Iterator[Any] = iter(PyEvtxParser(whole).records_json())
        except (RuntimeError, OSError, ValueError) as error:
            yield 1, Aside(line=1, reason=f"damaged EVTX: {error}"[:300], text="")
            return
        while True:
            number += 1
            try:
                record = next(found, None)
            except (RuntimeError, OSError, ValueError) as error:
                yield number, Aside(line=number, reason=f"damaged EVTX record: {error}"[:300], text="")
                errors += 1
                if errors == _MOST_ERRORS:
                    return
                continue
            if record is None:
                return
            yield number, record["data"].encode("utf-8", "replace")
