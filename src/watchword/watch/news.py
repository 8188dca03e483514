"""What the watch says, for whoever makes findings of it: new verdicts, and all that its signals find now.

By way of files, so that it is the same whether the watch is in this process or in one of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from watchword.core.errors import Corrupt
from watchword.watch.signals import Hit
from watchword.watch.verdicts import VerdictRow, read_verdicts, verdict_files


class News:
    """Reads the verdict files of *verdicts* and the file of *hits*; `look` adds what is new to *rows* and *hits*."""

    def __init__(self, verdicts: Path, hits: Path) -> None:
        self._verdicts, self._file = verdicts, hits
        self._last = ""
        self._seen: tuple[int, int] | None = None
        self.rows: tuple[VerdictRow, ...] = ()
        """New since whoever reads them emptied this."""
        self.hits: tuple[Hit, ...] = ()
        """What the signals found when they last looked: another tuple whenever they looked again."""

    def look(self) -> None:
        """Read what is new; `Corrupt` where it can not be read."""
        for file in verdict_files(self._verdicts):
            if file.name > self._last:
                self.rows += read_verdicts(file)
                self._last = file.name
        try:
            state = self._file.stat()
            if (seen := (state.st_ino, state.st_mtime_ns)) != self._seen:
                self.hits = msgspec.json.decode(self._file.read_bytes(), type=tuple[Hit, ...])
                self._seen = seen
        except FileNotFoundError:
            return
        except msgspec.MsgspecError as error:
            raise Corrupt(
                f"{self._file} does not say what signals found: {error}.", "Delete it: the watch writes it again."
            ) from error


def write_hits(file: Path, hits: tuple[Hit, ...]) -> None:
    """Replace what *file* says; a reader sees all of it or what was there before."""
    partial = file.with_suffix(".partial")
    with partial.open("wb") as out:
        out.write(msgspec.json.encode(hits))
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)
