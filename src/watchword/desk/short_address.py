"""The caller's page by a number that can be said on the telephone, for as long as somebody takes to type it.

The number follows from the case and the half hour by a key of the ledger, so nothing is stored and every process knows
it. It finds the page and proves nothing; who guesses is slowed by where they come from, and has one chance in 10^12 for
each case that runs.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from watchword.core.errors import Refused
from watchword.core.ids import CaseId
from watchword.desk.steps import Steps

DIGITS = 12

SLOT = timedelta(minutes=30)
"""A number is said for this long, and found for as long again."""


class ShortAddress:
    """Says the number of a case's page, and finds the page of a number."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def number(self, case: CaseId, at: datetime) -> str:
        """Twelve digits in three groups, for the desk to say."""
        digits = self._digits(case, _slot(at))
        return " ".join(digits[n : n + 4] for n in range(0, DIGITS, 4))

    def find(self, said: str, at: datetime) -> CaseId:
        """The one case that runs and has this number now; `Refused` in the same words whatever is wrong with it."""
        typed = "".join(c for c in said if c.isascii() and c.isdigit())
        self.steps.cases.follow(self.steps.ledger)
        now = _slot(at)
        found = [
            case.id
            for case in self.steps.cases.running()
            # Every case is compared with: that one was met says nothing by how long it took.
            if sum(hmac.compare_digest(typed, self._digits(case.id, slot)) for slot in (now, now - 1))
        ]
        if len(found) != 1:
            raise Refused(
                "There is no recovery of this number.",
                "Have the desk say it again; it changes every half hour.",
                ("no_such_number",),
            )
        return found[0]

    def _digits(self, case: CaseId, slot: int) -> str:
        digest = hashlib.sha256(self.steps.ledger.keyed("short-address", f"{case} {slot}").encode()).digest()
        return f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}d}"


def _slot(at: datetime) -> int:
    return int(at.timestamp() // SLOT.total_seconds())
