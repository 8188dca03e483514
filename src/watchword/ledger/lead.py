"""Who writes what waits: whoever comes first writes for all that came by then, and the next one for those after."""

from __future__ import annotations

import threading
import time

import structlog

from watchword.core.errors import Unavailable, WatchwordError
from watchword.ledger.append import Group, Request
from watchword.ledger.commit import Committer
from watchword.ledger.store import Store

log = structlog.get_logger("watchword.ledger")

_OPEN: set[Lead] = set()  # so that no owner's lock is let go of by chance, for nobody refers to its ledger any more
_BUSY_S = 0.005  # clients that were just answered come back within it


class Lead:
    """Group commit by the callers' own threads, one group at a time.

    A thread that only writes would have to be woken for every append, and to wake the caller: that took a client alone
    longer than what it asked for.
    """

    def __init__(self, committer: Committer, store: Store) -> None:
        self._committer = committer
        self._store = store
        self._group = Group()  # that takes requests now; written by the first of them
        self._gate = threading.Lock()  # no request joins after close() or after an end
        self._leading = threading.Lock()
        self._ended: WatchwordError | None = None
        self._failed: WatchwordError | None = None
        self._written = 0
        self._busy = threading.Event()
        self._closing = threading.Event()
        self._rests: threading.Thread | None = None
        _OPEN.add(self)
        if store.takes_turns:
            self._busy.set()  # whoever opened the ledger may have written
            self._rests = threading.Thread(target=self._rest, name="ledger-turn", daemon=True)
            self._rests.start()

    def write(self, request: Request) -> None:
        """Return once *request* has its answer; raise why nothing is written any more."""
        with self._gate:
            if self._ended is not None:
                raise self._ended
            group = self._group
            group.requests.append(request)
            is_first = len(group.requests) == 1
        if is_first:
            self._write(group)
        else:
            group.wait()

    def close(self) -> None:
        """Have nothing more join, and return once everybody who did has their answer."""
        with self._gate:
            self._ended = self._ended or Unavailable("The ledger is closed.", "Open it again.")
        while True:
            with self._leading:
                if not self._group.requests:
                    break
            time.sleep(0)  # whoever came first waits for the same lock
        if self._rests is not None:
            self._closing.set()
            self._busy.set()
            self._rests.join()
        _OPEN.discard(self)

    def _write(self, group: Group) -> None:
        with self._leading:
            with self._gate:
                self._group = Group()
            try:
                self._answer(group)
            finally:
                if len(group.requests) > 1:
                    group.open()
                self._written += 1
        if not self._busy.is_set():
            self._busy.set()

    def _answer(self, group: Group) -> None:
        """Write *group*; an error nobody foresaw ends the ledger, for nobody knows what holds after it."""
        try:
            if self._failed is None:
                self._committer.commit(group.requests)
        except Exception as error:
            log.exception("ledger.ended")
            raise self._end() from error
        except BaseException:
            self._end()
            raise
        finally:
            if self._failed is not None:
                for request in group.requests:
                    if not request.answer.given:
                        request.answer.fail(self._failed)

    def _end(self) -> WatchwordError:
        """Have nothing more written, and return why."""
        self._failed = Unavailable(
            "The ledger ended on an error nobody foresaw.", "Look into the log, then open the ledger again."
        )
        with self._gate:
            self._ended = self._failed
        return self._failed

    def _rest(self) -> None:
        """Let other processes write after a moment in which nothing was written here."""
        while True:
            self._busy.wait()
            self._busy.clear()
            seen = -1
            while seen != self._written and self._ended is None:
                seen = self._written
                self._closing.wait(_BUSY_S)
            if self._ended is not None:
                return
            with self._leading:
                if seen == self._written:
                    self._store.rest()
