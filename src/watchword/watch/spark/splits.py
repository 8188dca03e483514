"""Log files cut at line ends, so that several tasks read one: a part reads as a file of its own would."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from watchword.watch.providers import Provider
from watchword.watch.shapes import PEEK, are_lines, are_rendered, has_documents
from watchword.watch.sources.files import EVTX, PARQUET
from watchword.watch.unpacking import GZIP, ZSTD

_OTHER = (EVTX, GZIP, PARQUET, ZSTD)
_BOM = b"\xef\xbb\xbf"
_STEP = 1 << 20
_PIECE = 1 << 18


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes from *begin* to before *end* of a file; *file* is its number among all, *feed* that of its feed.

    *end* is None where the file is read whole: it is compressed, has no lines, or is small.
    """

    feed: int
    file: int
    path: str
    begin: int = 0
    end: int | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A split as a file that can be read."""

    path: Path


_spare: list[int] = []
"""A copy that was let go, for the next split this process reads: fresh memory costs more than filling it."""


def splits_of(path: Path, provider: Provider, *, feed: int, file: int, size: int) -> tuple[Split, ...]:
    """*path* in parts of about *size* bytes, in order.

    A part begins only with what would be read line by line at the beginning of a file too. What keeps a state over
    lines (a provider's own reader) has one part.
    """
    with path.open("rb") as log:
        total = os.fstat(log.fileno()).st_size
        if total <= size or provider.reader is not None or not _begins_lines(log, 0, provider):
            return (Split(feed=feed, file=file, path=str(path)),)
        borders = [0]
        while (border := _border(log, borders[-1] + size, provider)) < total:
            borders.append(border)
        ends = (*borders[1:], total)
    return tuple(
        Split(feed=feed, file=file, path=str(path), begin=begin, end=end)
        for begin, end in zip(borders, ends, strict=True)
    )


@contextmanager
def opened(split: Split) -> Iterator[Opened]:
    """*split* as a file: itself where it is whole, else a copy in memory for as long as it is read."""
    if split.end is None:
        yield Opened(path=Path(split.path))
        return
    copy = _spare.pop() if _spare else os.memfd_create("watchword-split")
    try:
        written = 0
        for part in _parts(split):
            left = part
            while left:
                wrote = os.pwrite(copy, left, written)
                written, left = written + wrote, left[wrote:]
        os.ftruncate(copy, written)
        yield Opened(path=Path(f"/proc/self/fd/{copy}"))
    finally:
        if _spare:
            os.close(copy)
        else:
            _spare.append(copy)


def newlines(split: Split) -> int:
    """How many lines end in *split*; 0 of a file that is read whole, which no split follows."""
    return 0 if split.end is None else sum(bytes(part).count(b"\n") for part in _parts(split))


def _parts(split: Split) -> Iterator[memoryview]:
    """The bytes of *split*, some at a time and each only until the next."""
    held = memoryview(bytearray(_PIECE))
    left = (split.end or 0) - split.begin
    with Path(split.path).open("rb", buffering=0) as log:
        log.seek(split.begin)
        while left and (read := log.readinto(held[: min(left, _PIECE)])):
            left -= read
            yield held[:read]


def _border(log: BinaryIO, after: int, provider: Provider) -> int:
    """Where the first line begins, at *after* or beyond, that a part may begin with; the end where none does."""
    log.seek(after - 1)
    while True:
        while (part := log.readline(_STEP)) and not part.endswith(b"\n"):
            pass
        border = log.tell()
        if not part or _begins_lines(log, border, provider):
            return border
        log.seek(border)


def _begins_lines(log: BinaryIO, position: int, provider: Provider) -> bool:
    log.seek(position)
    head = log.read(PEEK)
    if position and head.startswith(_BOM):
        return False
    are_many = has_documents(head, provider) or are_rendered(head, provider)
    return not head.startswith(_OTHER) and are_lines(head) and not are_many
