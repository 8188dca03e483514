"""Everybody outside who vouches for this ledger: the witnesses of its checkpoints, and authorities for their time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

from watchword.core.errors import Corrupt, Unavailable, WatchwordError
from watchword.core.ids import Seq
from watchword.ledger.cosignature import policy_without_witnesses
from watchword.ledger.cosigner import Cosigner
from watchword.ledger.leader import Ledger
from watchword.ledger.testimony import Stamped
from watchword.ledger.timestamp import Stamper

_PAUSE_S = 1.0
_AWAY_S = 30.0

log = structlog.get_logger("watchword.ledger")


class Outsiders:
    """Asks them for as long as a process runs. Without any, only what no procedure wants cosigned can be released."""

    def __init__(self, ledger: Ledger, cosigner: Cosigner | None, stamper: Stamper | None) -> None:
        self._ledger = ledger
        self._cosigner = cosigner
        self._stamper = stamper
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.fault: Corrupt | None = None
        """What a witness said that this ledger can not go on with."""

    def start(self) -> None:
        """Raise `Corrupt` when the ledger is not what witnesses saw of it."""
        if self._cosigner is not None:
            self._cosigner.start()

    def demand(self, seq: Seq) -> None:
        """Raise `Unavailable` unless a quorum of witnesses has cosigned a checkpoint that covers entry *seq*."""
        if self._cosigner is None:
            raise Unavailable(
                "This procedure wants its evidence cosigned, and no witness is configured.",
                "Name witnesses under [ledger] in watchword.toml.",
            )
        self._cosigner.demand(seq)

    def vouched(self, seq: Seq) -> tuple[str, str]:
        """Return the best checkpoint over entry *seq*, and the C2SP tlog-policy of who signed it.

        Without witnesses, or while too few of them answer, the ledger's own signature is all there is.
        """
        cosigned = None if self._cosigner is None else self._cosigner.note(seq)
        if cosigned is not None and self._cosigner is not None:
            return cosigned, self._cosigner.policy()
        return self._ledger.checkpoint[0], policy_without_witnesses(self._ledger.verifier)

    def stamped(self, seq: Seq) -> tuple[tuple[Stamped, bytes], ...]:
        """Return the earliest token of each authority over a checkpoint that covers entry *seq*, with its roots."""
        return () if self._stamper is None else self._stamper.over(seq)

    def ask(self, at: datetime) -> None:
        """Have what is new cosigned and stamped. `Corrupt` when a witness saw another ledger."""
        if self._cosigner is not None:
            self._cosigner.step()
        if self._stamper is not None:
            self._stamper.step(at)

    def keep_asking(self, clock: Callable[[], datetime]) -> None:
        """Ask in a thread of its own until `close`; what can not be gone on with is kept in *fault*."""
        if self._cosigner is None and self._stamper is None:
            return
        self._thread = threading.Thread(target=self._run, args=(clock,), name="outsiders", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._cosigner is not None:
            self._cosigner.close()

    def look(self) -> Iterator[tuple[str, bool, str]]:
        """Yield of each outsider who it is, whether it is well, and what it said."""
        if self._cosigner is not None:
            yield from self._cosigner.look()
        if self._stamper is not None:
            yield from self._stamper.look()

    def _run(self, clock: Callable[[], datetime]) -> None:
        while not self._ended.wait(_PAUSE_S):
            try:
                self.ask(clock())
            except Corrupt as fault:
                log.critical("ledger.not_as_witnessed", why=fault.what)
                self.fault = fault
                return
            except WatchwordError as fault:
                log.warning("outsiders.away", why=fault.what)
                self._ended.wait(_AWAY_S)
