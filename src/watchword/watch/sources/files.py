"""Files as lines: whatever a file is, told by its first bytes and never by its name."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa

from watchword.core.errors import Invalid
from watchword.watch.providers import Provider
from watchword.watch.shapes import PEEK, Aside, are_lines, has_documents
from watchword.watch.sieve import LONGEST_LINE, records_of

GZIP, ZSTD, PARQUET, EVTX = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PAR1\x15", b"ElfFile\x00"

_KEPT_OF_LONG = 2000

Readable = BinaryIO | gzip.GzipFile | io.BufferedReader


def kind_of(file: Path) -> str:
    """What *file* is: `gzip`, `zstd`, `parquet`, `evtx`, or `lines`."""
    # A Parquet file goes on with a page's header, whose first field is always written as this byte.
    with file.open("rb") as opened:
        head = opened.read(8)
    for magic, name in ((GZIP, "gzip"), (ZSTD, "zstd"), (PARQUET, "parquet"), (EVTX, "evtx")):
        if head.startswith(magic):
            return name
    return "lines"


def lines_of(file: Path, provider: Provider) -> Iterator[bytes]:
    """Each line of *file*, without its end, for *provider*: JSON where the file is no text.

    A line that is too long is cut, so that it is rejected with its beginning. A compressed file that breaks off gives
    what it holds, and a last line that says so. `Invalid` for a file that can not be read at all.
    """
    match kind_of(file):
        case "parquet":
            return _parquet(file)
        case "evtx":
            return _shaped(file, provider)
        case "lines" if _has_shape(file, provider):
            return _shaped(file, provider)
        case "gzip":
            return _text(file, lambda raw: gzip.GzipFile(fileobj=raw))
        case "zstd":
            return _text(file, lambda raw: io.BufferedReader(pa.CompressedInputStream(raw, "zstd"), LONGEST_LINE))
    return _text(file, lambda raw: raw)


def _has_shape(file: Path, provider: Provider) -> bool:
    with file.open("rb") as opened:
        head = opened.read(PEEK)
    return not are_lines(head) or has_documents(head, provider)


def _text(file: Path, opened: Callable[[BinaryIO], Readable]) -> Iterator[bytes]:
    with file.open("rb") as raw:
        source = opened(raw)
        while True:
            try:
                line = source.readline(LONGEST_LINE)
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    kept = line[:_KEPT_OF_LONG]
                    while line and not line.endswith(b"\n"):
                        line = source.readline(LONGEST_LINE)
                    yield kept
                    continue
            except (EOFError, OSError, zlib.error) as error:
                yield f"the compressed file breaks off here: {error}".encode()
                return
            if not line:
                return
            yield line.rstrip(b"\r\n")


def _parquet(file: Path) -> Iterator[bytes]:
    """One JSON object a row, its members the columns; times as text with their zone."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        try:
            found = con.execute("SELECT to_json(row) FROM read_parquet($file) AS row", {"file": str(file)})
            while rows := found.fetchmany(1000):
                for (text,) in rows:
                    yield _without_nulls(text)
        except duckdb.Error as error:
            raise Invalid(f"It is no whole Parquet file: {_first(error)}.", "Write it anew.", str(file)) from error


def _without_nulls(text: str) -> bytes:
    # A column that a row has nothing in is null there; the log had no such member.
    row = json.loads(text)
    return json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False).encode()


def _shaped(file: Path, provider: Provider) -> Iterator[bytes]:
    """Records of a file that has not one of them a line; a line end within one is white space, as in JSON and XML."""
    for _, record in records_of(file, provider):
        if isinstance(record, Aside):
            yield record.text.encode().replace(b"\n", b" ")
        else:
            yield b"the file breaks off here" if record is None else record.strip().replace(b"\n", b" ")


def _first(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
