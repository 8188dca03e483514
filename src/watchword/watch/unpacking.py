"""Compressed files: read as far as they go, and no further than is sane."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import pyarrow as pa

from watchword.core.errors import Invalid

GZIP, ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"

RAISE = "Unpack it yourself if it is a log, or raise watch.unpack_mib or watch.unpack_ratio."
"""What to do about a file that unpacks to more than it may."""

_STEP = 1 << 20
_GZIP_MOST = 1032
"""How many times its size a gzip file can unpack to at most: that is in its format."""


class Unpacking(msgspec.Struct, frozen=True, kw_only=True):
    """What a compressed file may unpack to: *most* bytes, or *ratio* times its own size where that is more."""

    most: int = 1 << 30
    ratio: int = 200

    def limit(self, size: int) -> int:
        """Bytes that a file of *size* bytes may unpack to."""
        return max(self.most, self.ratio * size)


BOUNDED = Unpacking()
"""What is sane where nothing is set: logs unpack to some ten times their size, at most to a hundred."""


class Unpacked(io.RawIOBase):
    """What *raw* unpacks to. Where it breaks off, or is damaged, the stream ends, and *fault* says why.

    Unless *is_exact* it may end some bytes before that.
    """

    def __init__(self, raw: BinaryIO, kind: str, *, is_exact: bool = True) -> None:
        self.fault: str | None = None
        self._raw, self._kind, self._given = raw, kind, 0
        self._read = self._begun()
        self._step = _STEP
        self._is_exact = is_exact

    def _begun(self) -> Callable[[int], bytes]:
        self._raw.seek(0)
        if self._kind == "gzip":
            return cast("Callable[[int], bytes]", gzip.GzipFile(fileobj=self._raw).read1)
        return cast("Callable[[int], bytes]", pa.CompressedInputStream(pa.PythonFile(self._raw, "r"), "zstd").read)

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, into: Any, /) -> int:
        """See `io.RawIOBase`; no error, but the end."""
        while self.fault is None:
            try:
                read = self._read(min(len(into), self._step))
            except (EOFError, OSError, zlib.error, pa.ArrowException) as error:
                if self._step == 1 or not self._is_exact:
                    self.fault = str(error) or type(error).__name__
                else:
                    self._go_slowly()
                continue
            into[: len(read)] = read
            self._given += len(read)
            return len(read)
        return 0

    def _go_slowly(self) -> None:
        """Begin again and skip what was given: all before the fault counts, to its last byte."""
        self._former = self._read  # let go of, it would close what is read
        self._read, left, self._step = self._begun(), self._given, 1
        while left and (skipped := self._read(min(left, _STEP))):
            left -= len(skipped)


def compression_of(file: Path) -> str | None:
    """How *file* is packed, `gzip` or `zstd`, told by its first bytes and not by its name; None when it is not."""
    with file.open("rb") as raw:
        head = raw.read(4)
    return "gzip" if head.startswith(GZIP) else "zstd" if head == ZSTD else None


def demand_bounded(file: Path, unpacking: Unpacking) -> None:
    """`Invalid` where *file* is compressed and unpacks to more than it may: nothing of it is kept meanwhile."""
    kind = compression_of(file)
    size = file.stat().st_size
    limit = unpacking.limit(size)
    if kind is None or (kind == "gzip" and size * _GZIP_MOST <= limit):
        return
    with file.open("rb") as raw:
        source, held, left = Unpacked(raw, kind, is_exact=False), memoryview(bytearray(_STEP)), limit
        while left >= 0 and (read := source.readinto(held)):
            left -= read
    if left < 0:
        raise Invalid(
            f"The compressed file, of {size:,} bytes, unpacks to more than {limit:,}, and is not read.",
            RAISE,
            where=str(file),
        )


def is_bounded(file: Path, unpacking: Unpacking) -> bool:
    """Whether *file* unpacks to no more than it may."""
    try:
        demand_bounded(file, unpacking)
    except Invalid:
        return False
    return True


def broken_off(source: io.BufferedReader[Any]) -> str | None:
    """Why the compressed stream below *source* ended before its end; None where it did not, or is not compressed."""
    raw = cast("object", source.raw)
    return raw.fault if isinstance(raw, Unpacked) else None
