"""A folder that files are put into: each is read once, whatever it is called later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from watchword.core.errors import Invalid, Unavailable, WatchwordError
from watchword.watch.providers import Provider
from watchword.watch.sources.files import lines_of
from watchword.watch.sources.port import Told
from watchword.watch.sources.spool import Spool
from watchword.watch.unpacking import BOUNDED, Unpacking

SETTLED = timedelta(seconds=2)
"""A file that was touched later than this before now may still be written."""

_BATCH = 10_000
"""Lines between two checkpoints within a file."""

_Seen = tuple[int, int, int]
"""Inode, size, and time of the last change in nanoseconds."""


class _Mark(msgspec.Struct, kw_only=True):
    """The files that are read, by name; and of the one being read how many lines are."""

    done: dict[str, _Seen] = {}
    reading: str | None = None
    lines: int = 0


class Folder:
    """Follows the files of *folder* whose names match *pattern*, in the order of their names.

    A file is known by its inode, size and time of change, so one that is renamed is not read again, and one that is
    written anew is. A file that can not be read is told once, and tried again when it changes; so is one that unpacks
    to more than *unpacking* allows.
    """

    def __init__(self, folder: Path, provider: Provider, pattern: str = "*", unpacking: Unpacking = BOUNDED) -> None:
        self._folder, self._provider, self._pattern, self._unpacking = folder, provider, pattern, unpacking
        self._told: set[_Seen] = set()
        self._waiting: list[Told] = []

    def close(self) -> None:
        """Nothing is held open."""

    def pull(self, spool: Spool, at: datetime) -> tuple[Told, ...]:
        """Append the lines of each file that is new and settled."""
        if not self._folder.is_dir():
            raise Unavailable(f"There is no folder {self._folder}.", "Make it, or correct the path.")
        mark = msgspec.json.decode(spool.checkpoint, type=_Mark) if spool.checkpoint else _Mark()
        told = self._waiting  # what a pull that failed found out is told by the next
        here: dict[str, _Seen] = {}
        for file in sorted(self._folder.glob(self._pattern)):
            if not file.is_file() or file.name.startswith("."):
                continue
            try:
                stat = file.stat()
            except OSError:
                continue  # gone meanwhile
            here[_named(file.name)] = seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if seen in mark.done.values() or seen in self._told:
                continue
            if at - datetime.fromtimestamp(stat.st_mtime, at.tzinfo) < SETTLED and stat.st_mtime < at.timestamp():
                continue
            try:
                self._take(file, seen, mark, spool, at)
            except (OSError, WatchwordError) as fault:
                if isinstance(fault, Unavailable):
                    raise
                self._told.add(seen)
                why = fault.what if isinstance(fault, Invalid) else str(fault)
                told.append(
                    Told(
                        reasons=("file_unread",),
                        at=at,
                        key=f"{_named(str(file))}/{seen}",
                        about=_named(str(file)),
                        detail=_named(why[:300]),
                    )
                )
        # What left the folder needs no remembering: were it to come back, its time of change would be another.
        stale = [name for name in mark.done if name not in here]
        if stale and len(mark.done) > 10_000:
            for name in stale:
                del mark.done[name]
        self._waiting = []
        return tuple(told)

    def _take(self, file: Path, seen: _Seen, mark: _Mark, spool: Spool, at: datetime) -> None:
        name = _named(file.name)
        known = f"{name}/{seen}"
        lines = iter(lines_of(file, self._provider, self._unpacking))
        skipped = mark.lines if mark.reading == known else 0
        next(islice(lines, skipped, skipped), None)
        mark.reading, mark.lines = known, skipped
        while batch := list(islice(lines, _BATCH)):
            mark.lines += len(batch)
            _keep(spool, batch, mark, at)
        mark.done[name] = seen
        mark.reading, mark.lines = None, 0
        _keep(spool, (), mark, at)


def _keep(spool: Spool, lines: Sequence[bytes], mark: _Mark, at: datetime) -> None:
    """Add *lines* to *spool*; `Unavailable` where it can not take them now, which is no fault of the file."""
    try:
        spool.append(lines, at, checkpoint=msgspec.json.encode(mark).decode())
    except OSError as full:
        raise Unavailable(
            f"Lines can not be kept in {spool.folder}: {full.strerror}.", "Look at the disk; it is tried again."
        ) from full


def _named(text: str) -> str:
    """*text*, with escapes for what is no UTF-8 in the name of a file: whoever puts it there chooses that."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
