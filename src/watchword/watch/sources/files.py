"""Files as lines: whatever a file is, told by its first bytes and never by its name."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec

from watchword.core.errors import Invalid
from watchword.watch.providers import Provider
from watchword.watch.shapes import PEEK, Aside, are_lines, are_rendered, has_documents
from watchword.watch.sieve import LONGEST_LINE, opened, records_of
from watchword.watch.unpacking import (
    BOUNDED,
    GZIP,
    RAISE,
    ZSTD,
    Unpacked,
    Unpacking,
    broken_off,
    compression_of,
    demand_bounded,
)

PARQUET, EVTX = b"PAR1\x15", b"ElfFile\x00"

_KEPT_OF_LONG = 2000


def kind_of(file: Path) -> str:
    """What *file* is: `gzip`, `zstd`, `parquet`, `evtx`, or `lines`."""
    # A Parquet file goes on with a page's header, whose first field is always written as this byte.
    with file.open("rb") as begun:
        head = begun.read(8)
    for magic, name in ((GZIP, "gzip"), (ZSTD, "zstd"), (PARQUET, "parquet"), (EVTX, "evtx")):
        if head.startswith(magic):
            return name
    return "lines"


def lines_of(file: Path, provider: Provider, unpacking: Unpacking = BOUNDED) -> Iterator[bytes]:
    """Each line of *file*, without its end, for *provider*: JSON where the file is no text.

    A line that is too long is cut, so that it is rejected with its beginning. A compressed file that breaks off gives
    what it holds, and a last line that says so. `Invalid` for a file that can not be read at all, or unpacks to more
    than it may.
    """
    demand_bounded(file, unpacking)
    match kind_of(file):
        case "parquet":
            return _parquet(file, unpacking.limit(file.stat().st_size))
        case "evtx":
            return _shaped(file, provider)
    return _shaped(file, provider) if _has_shape(file, provider) else _text(file)


def _has_shape(file: Path, provider: Provider) -> bool:
    """Whether a record of *file*, or of what it unpacks to, is not one line of it."""
    with file.open("rb", buffering=0) as raw, opened(raw, file) as source:
        head = source.peek(PEEK)
    return not are_lines(head) or has_documents(head, provider) or are_rendered(head, provider)


def _text(file: Path) -> Iterator[bytes]:
    kind = compression_of(file)
    with file.open("rb", buffering=0) as raw:
        source = io.BufferedReader(raw if kind is None else Unpacked(raw, kind), PEEK)
        while line := source.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                yield line[:_KEPT_OF_LONG]
                while line and not line.endswith(b"\n"):
                    line = source.readline(LONGEST_LINE)
            else:
                yield line.rstrip(b"\r\n")
        if (fault := broken_off(source)) is not None:
            yield f"the compressed file breaks off here: {fault}".replace("\n", " ").encode()


def _parquet(file: Path, limit: int) -> Iterator[bytes]:
    """One JSON object a row, its members the columns; times as text with their zone. *limit* bytes of them at most."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        try:
            found = con.execute("SELECT to_json(row) FROM read_parquet($file) AS row", {"file": str(file)})
            while rows := found.fetchmany(1000):
                for (text,) in rows:
                    limit -= len(text)
                    if limit < 0:
                        raise Invalid("The compressed Parquet file unpacks to more than it may.", RAISE, str(file))
                    yield _without_nulls(text)
        except duckdb.Error as error:
            raise Invalid(f"It is no whole Parquet file: {_first(error)}.", "Write it anew.", str(file)) from error


def _without_nulls(text: str) -> bytes:
    # A column that a row has nothing in is null there; the log had no such member.
    row = json.loads(text)
    return json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False).encode()


def _shaped(file: Path, provider: Provider) -> Iterator[bytes]:
    """Records of a file that has not one of them a line; a line end within one is white space, as in JSON and XML.

    An event that Windows rendered is told by its lines: it is handed on as a message, as shippers do.
    What is no record comes as `--rejects` would keep it, with all of its lines, and is rejected where it is read.
    """
    name = file.name.encode("utf-8", "backslashreplace").decode()
    for _, record in records_of(file, provider):
        if isinstance(record, Aside):
            yield msgspec.json.encode({"file": name, "line": record.line, "reason": record.reason, "text": record.text})
        elif record is None:
            yield b"a record that is too long"
        elif are_rendered(record, provider):
            yield msgspec.json.encode({"message": record.decode("utf-8", "replace").strip("\ufeff \t\r\n")})
        else:
            yield record.strip().replace(b"\n", b" ")


def _first(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
