"""Addresses that passwords of staff were guessed from, as every process of one ledger knows them.

Each process counts for itself, in memory, before it hashes anything (`reception.sessions.Throttle`). What is shared is
that an address reached the most it may fail: one entry, under a keyed pseudonym, so that another process or the same
one after a restart does not begin to count anew, and nobody grows the ledger by an entry for each guess.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from watchword.core.errors import Conflict
from watchword.core.ids import OriginId
from watchword.core.origin import OriginGuessed
from watchword.desk.origins import plain
from watchword.desk.recording import draft, origin_stream
from watchword.desk.steps import Steps
from watchword.ledger.append import Append


class Guessing:
    """Who has to wait before they sign in, and since when."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def demand(self, address: str, at: datetime) -> None:
        """Raise `Refused` while *address* has to wait, whichever process it guessed at."""
        self.steps.registry.origin(self._origin(address)).demand_sign_in(at)

    def note(self, address: str, failures: int, at: datetime) -> None:
        """Write down that *address* made all the *failures* it may; another process that did so too is enough."""
        origin = self._origin(address)
        stream = origin_stream(origin)
        entry = draft(OriginGuessed(origin=origin, failures=failures), self.steps.runner, at)
        version = self.steps.registry.folds.version(stream)
        with suppress(Conflict):
            self.steps.ledger.append((Append(stream=stream, expected_version=version, drafts=(entry,)),))

    def _origin(self, address: str) -> OriginId:
        return OriginId("o-" + self.steps.ledger.keyed("origin sign-in", plain("address", address)))
