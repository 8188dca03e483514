"""How often people were verified, and how often a case was frozen: counted from the ledger, so a start forgets none."""

from __future__ import annotations

import threading
from collections import Counter

from watchword.ledger.leader import Ledger

_VERIFYING = {"challenge.begun": "begun", "method.proved": "passed", "method.failed": "failed"}


class Tallies:
    """Follows the ledger and counts. Safe to use from many threads."""

    name = "tallies"

    def __init__(self) -> None:
        self.position = 0
        self._lock = threading.Lock()
        self._verifications: Counter[tuple[str, str]] = Counter()
        self._freezes = 0

    def follow(self, ledger: Ledger) -> int:
        """Read what is new."""
        with self._lock:
            for appended in ledger.news(self.position):
                entry = appended.entry
                if (came := _VERIFYING.get(entry.type)) is not None:
                    self._verifications[str(entry.data["method"]), came] += 1
                elif entry.type == "case.frozen":
                    self._freezes += 1
                self.position = appended.seq + 1
            return self.position

    @property
    def verifications(self) -> dict[tuple[str, str], int]:
        """How many were begun (with a challenge), passed and failed, by method and which of the three."""
        with self._lock:
            return dict(self._verifications)

    @property
    def freezes(self) -> int:
        """How many cases were frozen."""
        with self._lock:
            return self._freezes
