"""What the watch says, as it becomes findings, over and over: what goes wrong is told, waited out and tried again."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from watchword.core.errors import Conflict, Unavailable, WatchwordError
from watchword.watch.findings import Findings
from watchword.watch.news import News
from watchword.watch.printable import printable, said_of
from watchword.watch.signals import Hit

log = structlog.get_logger("watchword.watch.keeping")

TROUBLE = "findings.json"
"""The file, among what the watch remembers, that says what is wrong."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=1)


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why findings are behind what the watch says, *since* when, and when it is tried *again*.

    *is_fault* says that it is no other system's doing: somebody has to see to it. *refused* counts what can not be kept
    by itself, while all else goes on.
    """

    why: str
    since: datetime
    again: datetime | None = None
    is_fault: bool = True
    refused: int = 0


def trouble_in(file: Path) -> Trouble | None:
    """What *file* says is wrong; None where nothing is, or where it can not be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Trouble)
    except (OSError, msgspec.MsgspecError):
        return None


class Keeping:
    """Has *news* of the watch join *findings*; one thread at a time. *file* says for others what is wrong meanwhile."""

    def __init__(self, findings: Findings, news: News, file: Path) -> None:
        self._findings, self._news, self._file = findings, news, file
        self._hits: tuple[Hit, ...] = ()
        self._failures = 0
        before = trouble_in(file)  # of a process that was ended meanwhile; it is tried at once
        self.trouble = None if before is None else msgspec.structs.replace(before, again=None)

    def take(self, at: datetime) -> None:
        """Have all that is new join findings. What can not be taken now stays, and is taken the next time.

        Errors are those of the ledger, of the disk, and whatever nobody foresaw.
        """
        self._findings.settle(at)
        self._news.look()
        if self._news.rows or self._news.hits is not self._hits:
            self._findings.take(self._news.rows, self._news.hits, at)
            self._hits = self._news.hits
            self._news.rows = ()

    def step(self, at: datetime) -> None:
        """`take`, unless a fault is still waited out; whatever goes wrong is told, and raised to nobody."""
        again = None if self.trouble is None else self.trouble.again
        if again is not None and timedelta() < again - at <= LONGEST_WAIT:  # or else the clock was set
            return
        try:
            self.take(at)
        except Exception as fault:
            # Whoever calls this is the watch itself: it must not end because findings have to wait.
            is_fault = not isinstance(fault, Conflict | Unavailable)
            wait = min(FIRST_WAIT * 2 ** min(self._failures, 20), LONGEST_WAIT)
            self._failures += 1
            since = at if self.trouble is None or self.trouble.refused else self.trouble.since
            trouble = Trouble(why=_words(fault), since=since, again=at + wait, is_fault=is_fault)
            if is_fault:
                log.critical("findings.fault", why=trouble.why, exc_info=fault)
            else:
                log.warning("findings.wait", why=trouble.why)
            self._tell(trouble)
            return
        self._failures = 0
        refused = self._findings.refused
        if refused:
            since = at if self.trouble is None or not self.trouble.refused else self.trouble.since
            first, (_, said) = next(iter(refused.items()))
            why = f"Of what was found {len(refused)} can not be kept, first {printable(first)}: {said}"
            self._tell(Trouble(why=why, since=since, refused=len(refused)))
        elif self.trouble is not None:
            log.info("findings.work")
            self._tell(None)

    def _tell(self, trouble: Trouble | None) -> None:
        if trouble == self.trouble:
            return
        self.trouble = trouble
        try:
            if trouble is None:
                self._file.unlink(missing_ok=True)
                return
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_suffix(".partial")
            with partial.open("wb") as out:
                out.write(msgspec.json.encode(trouble))
                out.flush()
                os.fsync(out.fileno())
            partial.replace(self._file)
        except OSError as full:  # a disk that takes nothing leaves it to the log
            log.critical("findings.untold", why=str(full))


def _words(fault: Exception) -> str:
    if isinstance(fault, WatchwordError):
        return str(fault)
    return f"An unforeseen fault, {said_of(fault)}. It is tried again; the log has all of it."
