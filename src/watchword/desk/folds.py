"""What streams fold to, kept in memory for as long as they do not grow.

A stream only ever gets longer, and what was folded came from entries that a signed checkpoint covers. So a fold stays
true, and is carried on by the entries that came since. Whether other processes wrote any is asked before each look, or
once for all looks of a `moment`, which is never long. Nobody who has to judge raw evidence reads from here: see
`afresh`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from watchword.ledger.append import Appended
from watchword.ledger.leader import Ledger

MOST = 4096
"""Streams whose folds are kept; the one kept longest goes first."""

MOMENT_S = 0.02
"""How old the answer whether others wrote anything may be, in seconds, when a moment within a moment begins.

So what is read before a decision and the decision itself ask once, unless something slow lay between them.
"""

T = TypeVar("T")


class _Mine(threading.local):
    moments = 0
    afresh = 0
    looked = 0.0


class Folds:
    """Folds by stream; each stream has one way to be folded. Safe to use from many threads: folds are frozen."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: dict[str, tuple[int, Any]] = {}
        self._gate = threading.Lock()
        self._mine = _Mine()

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Look for what other processes wrote now, and then no more in this thread: keep it as short as a decision.

        What this process writes is seen at once all the same. Within another moment it looks again after `MOMENT_S`.
        """
        mine = self._mine
        if not mine.afresh and not (mine.moments and time.monotonic() - mine.looked < MOMENT_S):
            mine.looked = time.monotonic()
            self._ledger.look()
        mine.moments += 1
        try:
            yield
        finally:
            self._mine.moments -= 1

    @contextmanager
    def afresh(self) -> Iterator[None]:
        """Have this thread read and check every entry anew, and keep nothing of it."""
        self._mine.afresh += 1
        try:
            yield
        finally:
            self._mine.afresh -= 1

    @property
    def is_afresh(self) -> bool:
        """Whether this thread reads afresh."""
        return self._mine.afresh > 0

    def of(self, stream: str, step: Callable[[T | None, Appended], T]) -> tuple[T | None, int]:
        """Return what *stream* folds to by *step*, None without an entry, and the version it is at then (-1).

        Raise what `Ledger.read` and `Ledger.look` raise.
        """
        if self._mine.afresh:
            entries = self._ledger.read(stream)
            return _fold(None, entries, step), len(entries) - 1
        length = self.version(stream) + 1
        count, folded = self._kept.get(stream, (0, None))
        if count >= length:
            return folded, count - 1
        entries = self._ledger.grown(stream, count)
        folded, count = _fold(folded, entries, step), count + len(entries)
        with self._gate:
            self._kept[stream] = (count, folded)
            if len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
        return folded, count - 1

    def version(self, stream: str) -> int:
        """Return the last version of *stream*, -1 without an entry."""
        if not self._mine.moments or self._mine.afresh:
            self._ledger.look()
        return self._ledger.version(stream)


def _fold(folded: T | None, entries: tuple[Appended, ...], step: Callable[[T | None, Appended], T]) -> T | None:
    for appended in entries:
        folded = step(folded, appended)
    return folded
