"""How far the reading of one log is, told while it is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import msgspec

_EVERY = 0.01
"""Seconds between two looks: each costs some microseconds."""

_COUNTS = Path("/proc/self/io")


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """Tells *tell*, if there is one, from a thread of its own, how many of the *size* bytes of a file are read.

    A log that has to be read again begins again at none. That a file is done is for the caller to tell.
    """

    tell: Callable[[int], None] | None
    size: int

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """Tell while DuckDB reads the file, in one statement that gives no progress within a file.

        An estimate, from Linux's count of what this process reads: of the file as it is stored, ahead of the
        parsing by a buffer or two, and with what is read beside it, such as evidence. Where the system has no such
        count, nothing is told.
        """
        begun = _bytes_read()
        if begun is None:
            yield
            return
        with self._telling(lambda: (_bytes_read() or begun) - begun):
            yield

    @contextmanager
    def sieving(self, raw: BinaryIO) -> Iterator[None]:
        """Tell where in *raw* the reading is, exactly, on any system."""
        with self._telling(lambda: os.lseek(raw.fileno(), 0, os.SEEK_CUR)):
            yield

    @contextmanager
    def _telling(self, position: Callable[[], int]) -> Iterator[None]:
        if (tell := self.tell) is None:
            yield
            return
        is_over = Event()

        def look() -> None:
            told = 0
            while not is_over.wait(_EVERY):
                try:
                    at = position()
                except ValueError:  # the file is closed: it was read to its end, or no further
                    return
                if (now := min(at, self.size)) > told:
                    tell(now)
                    told = now

        looking = Thread(target=look, name="meter", daemon=True)
        looking.start()
        try:
            yield
        finally:
            is_over.set()
            looking.join()


def _bytes_read() -> int | None:
    """What this process has read so far, from files of any kind; None where the system does not count it."""
    try:
        return int(_COUNTS.read_bytes().split(maxsplit=2)[1])
    except OSError:
        return None
