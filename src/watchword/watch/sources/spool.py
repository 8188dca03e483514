"""A spool: what one feed gave, as lines on disk, in the order it came.

A folder of segments `00000000.jsonl`, each with a journal `00000000.journal` beside it. A record of the journal says up
to which byte the lines of its segment count, when they came, and how far the source was then. Lines are durable before
the record that counts them is written, so lines and checkpoint move together: what a kill leaves behind the last record
was never there, and the source gives it again.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from watchword.core.errors import Corrupt

SEGMENT = 64 * 1024 * 1024
"""Bytes after which a new segment is begun: what is read in one go, and what is removed in one go."""


class Position(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A place in a spool: *offset* bytes and *line* lines of the segment are before it."""

    segment: int = 0
    offset: int = 0
    line: int = 0


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of *file* from *since* to *until* (the same segment): whole lines. *came* are times of arrival."""

    file: Path
    since: Position
    until: Position
    came: tuple[datetime, ...]

    def read(self) -> bytes:
        """The lines themselves."""
        with self.file.open("rb") as segment:
            segment.seek(self.since.offset)
            return segment.read(self.until.offset - self.since.offset)


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a journal; *keys* name deliveries that are not taken again."""

    end: int
    lines: int
    at: datetime
    checkpoint: str | None = None
    keys: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Record).decode


class Spool:
    """One feed's lines in *folder*; several processes may append to it and read it.

    `Corrupt` when a record can not be read, or a segment is shorter than its journal says.
    """

    def __init__(self, folder: Path, *, segment: int = SEGMENT) -> None:
        self.folder = folder
        self._size = segment
        self._mutex = threading.RLock()
        self._records: list[_Record] = []
        """Those of the segment `_segment`."""
        self._segment = self._journal_read = 0
        self._checkpoint: str | None = None
        self._keys: dict[str, datetime] = {}
        self._segment = self.first

    @property
    def checkpoint(self) -> str | None:
        """How far the source was, in its own words, with the last lines that count."""
        with self._mutex:
            self._catch_up()
            return self._checkpoint

    @property
    def end(self) -> Position:
        """Behind the last line that counts."""
        with self._mutex:
            self._catch_up()
            last = self._records[-1] if self._records else None
            return Position(segment=self._segment, offset=last.end if last else 0, line=last.lines if last else 0)

    @property
    def first(self) -> int:
        """The oldest segment that is still there."""
        return min(self._segments(), default=0)

    def has(self, key: str) -> bool:
        """Whether a delivery with *key* was taken."""
        with self._mutex:
            self._catch_up()
            return key in self._keys

    def append(
        self, lines: Sequence[bytes], at: datetime, *, checkpoint: str | None = None, key: str | None = None
    ) -> bool:
        """Add *lines*, none with an end of line in it, and move the *checkpoint*: both or neither, durable on return.

        False, and nothing added, when a delivery with *key* was taken before.
        """
        data = b"".join(line + b"\n" for line in lines)
        if data.count(b"\n") != len(lines):
            raise ValueError("a line has an end of line in it")
        with self._mutex, self._alone():
            self._catch_up()
            if key is not None and key in self._keys:
                return False
            if not data and key is None and checkpoint == self._checkpoint:
                return True
            last = self._records[-1] if self._records else None
            begins = last is not None and last.end >= self._size
            if begins:
                self._segment, self._journal_read, self._records, last = self._segment + 1, 0, [], None
            record = _Record(
                end=(last.end if last else 0) + len(data),
                lines=(last.lines if last else 0) + len(lines),
                at=at,
                # A segment says it anew, so that older ones may go.
                checkpoint=checkpoint if checkpoint is not None else (self._checkpoint if last is None else None),
                keys=() if key is None else (key,),
            )
            if data:
                _write(self._data(self._segment), last.end if last else 0, data)
            _write(self._journal(self._segment), self._journal_read, msgspec.json.encode(record) + b"\n")
            if last is None:
                _sync_folder(self.folder)
            self._catch_up()
            return True

    def read(self, since: Position, most: int = SEGMENT) -> Slice | None:
        """Lines after *since*, about *most* bytes of one segment; None when there are none."""
        with self._mutex:
            self._catch_up()
            while True:
                records = self._records_of(since.segment)
                new = [record for record in records if record.end > since.offset]
                if new or since.segment >= self._segment:
                    break
                since = Position(segment=max(since.segment + 1, self.first))
            if not new:
                return None
            taken = [record for record in new if record.end <= since.offset + most] or new[:1]
        file = self._data(since.segment)
        if file.stat().st_size < taken[-1].end:
            raise Corrupt(f"{file} is shorter than its journal says.", "Restore it from a copy, or remove both.")
        return Slice(
            file=file,
            since=since,
            until=Position(segment=since.segment, offset=taken[-1].end, line=taken[-1].lines),
            came=tuple(record.at for record in taken),
        )

    def before(self, position: Position, most: int) -> bytes:
        """The whole lines of the same segment just before *position*, of about *most* bytes."""
        file, since = self._data(position.segment), max(position.offset - most, 0)
        if not position.offset or not file.exists():
            return b""
        with file.open("rb") as segment:
            segment.seek(since)
            lines = segment.read(position.offset - since)
        return lines.partition(b"\n")[2] if since else lines

    def arrivals(self, since: datetime) -> tuple[datetime, ...]:
        """When lines came, from *since* on and the last time before, oldest first."""
        with self._mutex:
            self._catch_up()
            found: list[datetime] = []
            for segment in sorted(self._segments(), reverse=True):
                end, times = 0, []
                for record in self._records_of(segment):
                    if record.end > end:
                        times.append(record.at)
                    end = record.end
                found[:0] = times
                if found and found[0] < since:
                    break
            earlier = [at for at in found if at < since][-1:]
            return (*earlier, *(at for at in found if at >= since))

    def prune(self, before: Position, older: datetime) -> int:
        """Remove the segments wholly *before* a place whose last line came before *older*; return how many."""
        with self._mutex, self._alone():
            self._catch_up()
            removed = 0
            for segment in sorted(self._segments()):
                if segment >= min(before.segment, self._segment):
                    break
                records = self._records_of(segment)
                if records and records[-1].at >= older:
                    break
                self._data(segment).unlink(missing_ok=True)
                self._journal(segment).unlink(missing_ok=True)
                removed += 1
            self._keys = {key: at for key, at in self._keys.items() if at >= older}
            return removed

    def _segments(self) -> list[int]:
        return [int(file.stem) for file in self.folder.glob("[0-9]*.journal")]

    def _data(self, segment: int) -> Path:
        return self.folder / f"{segment:08d}.jsonl"

    def _journal(self, segment: int) -> Path:
        return self.folder / f"{segment:08d}.journal"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process appends meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _catch_up(self) -> None:
        """Take in what the journals gained since the last look, by whichever process."""
        while True:
            records, read = self._new_records(self._segment, self._journal_read)
            self._records += records
            self._journal_read = read
            for record in records:
                if record.checkpoint is not None:
                    self._checkpoint = record.checkpoint
                self._keys.update(dict.fromkeys(record.keys, record.at))
            if not self._journal(self._segment + 1).exists():
                return
            self._segment, self._journal_read, self._records = self._segment + 1, 0, []

    def _records_of(self, segment: int) -> list[_Record]:
        return self._records if segment == self._segment else self._new_records(segment, 0)[0]

    def _new_records(self, segment: int, since: int) -> tuple[list[_Record], int]:
        """The whole records of a journal from byte *since*, and where they end."""
        try:
            with self._journal(segment).open("rb") as journal:
                journal.seek(since)
                text = journal.read()
        except FileNotFoundError:
            return [], since
        whole = text[: text.rfind(b"\n") + 1]
        try:
            return [_decode(line) for line in whole.splitlines()], since + len(whole)
        except msgspec.MsgspecError as error:
            raise Corrupt(
                f"{self._journal(segment)} can not be read: {error}.", "Restore it from a copy, or remove the segment."
            ) from error


def _write(file: Path, offset: int, data: bytes) -> None:
    """*data* at *offset*, in place of whatever a kill left there; durable on return."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(handle, offset)
        left = memoryview(data)
        while left:
            written = os.pwrite(handle, left, offset)
            left, offset = left[written:], offset + written
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
