"""A log file that grows: its new lines, across renaming, truncation and restarts.

It is UTF-8, or UTF-16 as Windows' own tools write: its lines go into the spool as UTF-8.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from watchword.core.errors import Unavailable
from watchword.watch.shapes import unmarked
from watchword.watch.sieve import LONGEST_LINE
from watchword.watch.sources.port import Told
from watchword.watch.sources.spool import Spool

_READ = 8 * 1024 * 1024
_REMEMBERED = 256
_KEPT_OF_LONG = 2000
"""Bytes that are kept of a line that is too long: enough to see what it was."""
_HEAD = 4096
"""Bytes at the beginning of a file that tell how it is encoded."""
_TURN = r"[-._]\d[-._\dTZ]*"
"""What is put behind the name of a log that is renamed away: a number, or when it was."""
_MARKED = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a file was read: its device and inode, and the bytes of whole lines.

    *before* is the SHA-256 (hex) of the last `_REMEMBERED` bytes before *offset*: a log that was cut and has grown past
    *offset* since has others there. None in a checkpoint of an earlier version.
    """

    device: int
    inode: int
    offset: int
    before: str | None = None

    def is_of(self, file: BinaryIO) -> bool:
        """Whether *file* is the one, by its number."""
        stat = os.fstat(file.fileno())
        return (stat.st_dev, stat.st_ino) == (self.device, self.inode)


class Tail:
    """Follows the file *log*.

    A log that is renamed away is read to its end before its successor is begun; across a restart its old name is
    looked for in the same folder, and so are those that were renamed away after it. Its going, its becoming shorter,
    and that what was being read is nowhere any more, are told.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._open: BinaryIO | None = None
        self._offset = 0
        self._before: str | None = None
        self._ended: int | None = None
        """When the file that was read before was written last, in nanoseconds; None where there was none."""
        self._waiting: list[Told] = []
        self._skips = self._is_gone = self._is_begun = False

    def close(self) -> None:
        """Let go of the file; the next `pull` goes on from the checkpoint."""
        self._let_go()
        self._is_begun = False

    def _let_go(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def pull(self, spool: Spool, at: datetime) -> tuple[Told, ...]:
        """Append the whole lines that are new; the rest of a line still being written waits for its end."""
        told = self._waiting  # what a pull that failed found out is told by the next
        try:
            if not self._is_begun:
                if not self._resume(spool.checkpoint):
                    told.append(self._told("log_passed", at))
                    last = spool.arrivals(at)[:1]  # whatever was written since is new
                    self._ended = int(last[0].timestamp()) * 1_000_000_000 if last else None
                self._is_begun = True
            was_gone, self._is_gone = self._is_gone, not self._log.exists()
            if self._is_gone and not was_gone:
                told.append(self._told("log_missing", at))
            if self._open is not None and self._was_cut():
                self._offset, self._before, self._skips = 0, None, False
                told.append(self._told("log_truncated", at))
            while self._begin():
                self._drain(spool, at)
                if not self._was_replaced():
                    break
                self._drain(spool, at, to_end=True)  # what is left of a line is all there will be
                self._ended = os.fstat(self._open.fileno()).st_mtime_ns if self._open is not None else None
                self._let_go()
        except OSError as error:
            raise Unavailable(f"{self._log} can not be read: {error.strerror}.", "Check its permissions.") from error
        self._waiting = []
        return tuple(told)

    def _told(self, reason: str, at: datetime) -> Told:
        return Told(reasons=(reason,), at=at, key=f"{self._log}/{reason}/{at.isoformat()}", about=str(self._log))

    def _resume(self, checkpoint: str | None) -> bool:
        """Open the file that was being read, whatever it is called now; False where it is nowhere."""
        if checkpoint is None:
            return True
        mark = msgspec.json.decode(checkpoint, type=Mark)
        self._offset, self._before = mark.offset, mark.before
        candidates = (self._log, *sorted(self._log.parent.glob(f"{glob.escape(self._log.stem)}*")))
        # By its number; of a file system that gives others after a restart, by what stands where it was read to.
        for is_it in (mark.is_of, self._has_it):
            for file in candidates:
                try:
                    opened = file.open("rb")
                except OSError:
                    continue
                if is_it(opened):
                    self._open = opened
                    return True
                opened.close()
        return not mark.offset

    def _has_it(self, file: BinaryIO) -> bool:
        return self._before is not None and self._offset > 0 and self._before == self._digest(file)

    def _begin(self) -> bool:
        if self._open is None:
            try:
                self._open = self._following().open("rb")
            except FileNotFoundError:
                return False
            self._offset, self._before, self._skips = 0, None, False
        return True

    def _following(self) -> Path:
        """The file to read next: the log, or one that was renamed away after what was read last."""
        if self._ended is None:
            return self._log
        rotated = re.compile(
            f"{re.escape(self._log.stem)}{_TURN}({re.escape(self._log.suffix)})?|{re.escape(self._log.name)}{_TURN}"
        )
        later = []
        for file in self._log.parent.glob(f"{glob.escape(self._log.stem)}*"):
            if file != self._log and rotated.fullmatch(file.name) and file.is_file():
                stat = file.stat()
                if stat.st_mtime_ns > self._ended and stat.st_size:
                    later.append((stat.st_mtime_ns, file))
        return min(later)[1] if later else self._log

    def _was_cut(self) -> bool:
        """Whether the file is shorter than it was, or holds something else where it was read to."""
        assert self._open is not None
        if os.fstat(self._open.fileno()).st_size < self._offset:
            return True
        return self._before is not None and self._before != self._digest(self._open)

    def _digest(self, file: BinaryIO) -> str:
        start = max(0, self._offset - _REMEMBERED)
        file.seek(start)
        return hashlib.sha256(file.read(self._offset - start)).hexdigest()

    def _was_replaced(self) -> bool:
        if self._open is None:
            return False
        try:
            return not os.path.samestat(os.fstat(self._open.fileno()), self._log.stat())
        except FileNotFoundError:
            return False

    def _drain(self, spool: Spool, at: datetime, *, to_end: bool = False) -> None:
        assert self._open is not None
        stat = os.fstat(self._open.fileno())
        if stat.st_size < 2 and not to_end:  # one byte does not tell UTF-16 from anything else
            return
        encoding = _encoding_of(self._open)
        while True:
            was = self._offset, self._before, self._skips
            self._open.seek(self._offset)
            read = self._open.read(_READ if not to_end else LONGEST_LINE)
            lines, used = self._lines(read, encoding, to_end=to_end)
            if not used:
                return
            self._offset += used
            self._before = self._digest(self._open)
            mark = Mark(device=stat.st_dev, inode=stat.st_ino, offset=self._offset, before=self._before)
            try:
                spool.append(lines, at, checkpoint=msgspec.json.encode(mark).decode())
            except OSError:  # a full disk: what is not kept is read again
                self._offset, self._before, self._skips = was
                raise

    def _lines(self, read: bytes, encoding: str | None, *, to_end: bool) -> tuple[list[bytes], int]:
        """The whole lines of *read*, in UTF-8, and how many bytes of it they are."""
        if not read:
            return [], 0
        used = _end_of_lines(read, encoding)
        if not used:
            if self._skips or len(read) >= _READ:  # within a line that is too long: what it began with is kept
                kept = [] if self._skips else [_utf8(read, encoding)[:_KEPT_OF_LONG]]
                self._skips = True
                return kept, len(read) if encoding is None else len(read) // 2 * 2
            return ([_utf8(read, encoding)], len(read)) if to_end else ([], 0)
        lines = _utf8(read[:used], encoding)[:-1].split(b"\n")
        if self._skips:
            lines, self._skips = lines[1:], False
        return [line if len(line) <= LONGEST_LINE else line[:_KEPT_OF_LONG] for line in lines], used


def _encoding_of(file: BinaryIO) -> str | None:
    """Which UTF-16 *file* is in, by its mark or as `unmarked` tells it; None for anything else."""
    file.seek(0)
    head = file.read(_HEAD)
    return _MARKED.get(head[:2]) or unmarked(head)


def _end_of_lines(read: bytes, encoding: str | None) -> int:
    """The bytes of *read* up to the end of its last whole line. In UTF-16 it begins with a whole character."""
    if encoding is None:
        return read.rfind(b"\n") + 1
    newline = "\n".encode(encoding)
    at = read.rfind(newline)
    while at > 0 and at % 2:  # a half of one character and a half of the next
        at = read.rfind(newline, 0, at + 1)
    return 0 if at < 0 or at % 2 else at + 2


def _utf8(read: bytes, encoding: str | None) -> bytes:
    return read if encoding is None else read.decode(encoding, "replace").lstrip("\ufeff").encode("utf-8", "replace")
