"""The watch while it runs: new lines of a log judged as they come, earlier verdicts revised by late evidence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Self

from watchword.core.identity_event import Verdict
from watchword.watch import correlation
from watchword.watch.engine import LAG
from watchword.watch.providers import Feed, provider_named
from watchword.watch.reading import read_lines
from watchword.watch.sieve import LONGEST_LINE, Aside, Tally, sieve_lines
from watchword.watch.sigma import Rule, hits_in_lines
from watchword.watch.signals import Hit, Signal
from watchword.watch.signals.sweep import sweep
from watchword.watch.verdicts import VerdictRow, append_verdicts

KEPT = timedelta(days=30)
"""How long an event may wait for late evidence, and is remembered as a repeat."""

SWEEP = timedelta(seconds=10)
"""How often signals look again when only the desk did something."""

_READ = 8 * 1024 * 1024


class Follow:
    """Follows one log file; `step` is called every second or so, by one thread at a time.

    A log that is renamed away is read to its end before its successor is begun. After a restart the log is read from
    its beginning: verdicts already written are not written again.
    """

    def __init__(
        self,
        provider: str,
        log: Path,
        verdicts: Path,
        evidence: Path | None = None,
        *,
        accounts: Path | None = None,
        directory: str | None = None,
        lag: timedelta = LAG,
        kept: timedelta = KEPT,
        memory: str = "256MB",
        signals: tuple[Signal, ...] = (),
        activity: Path | None = None,
        sigma: tuple[Rule, ...] = (),
    ) -> None:
        self.tally = Tally()
        self.hits: tuple[Hit, ...] = ()
        """What the signals find over all that is remembered, and Sigma rules in the lines of the last step."""
        self._signals, self._activity, self._sigma = signals, activity, sigma
        self._swept: datetime | None = None
        self._activity_seen: tuple[tuple[str, int, int], ...] = ()
        self.rejected: tuple[Aside, ...] = ()
        """The lines of the last step that were no events."""
        self._provider = provider_named(provider)
        self._log, self._verdicts, self._evidence, self._accounts = log, verdicts, evidence, accounts
        self._directory, self._kept = directory or provider, kept
        self._told: dict[str, VerdictRow] = {}
        self._open: BinaryIO | None = None
        self._line, self._tail = 1, b""
        self._is_skipping = self._is_gone = False
        self._evidence_seen: tuple[tuple[str, int, int], ...] | None = None
        self._con = correlation.connect(memory, 1)
        self._feed = Feed(provider=self._provider, directory=directory)
        correlation.set_up(self._con, (self._provider,), lag)
        correlation.read_evidence(self._con, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the log and the memory."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self._con.close()

    def step(self, at: datetime) -> tuple[VerdictRow, ...]:
        """Judge what came since the last step; return, and append to the verdict files, what is new or revised.

        A log that vanished or became shorter is a row of its own, *at* now. `Invalid` when the evidence can not be
        read: nothing of the log is then used up, and the step may be tried again.
        """
        has_new_evidence = self._read_evidence()
        if any(hit.origin == "sigma" for hit in self.hits):  # those were the last step's
            self.hits = tuple(hit for hit in self.hits if hit.origin == "signal")
        feed = tuple(self._feed_findings(at))
        sieved = tuple(sieve_lines(self._new_lines(), self._provider, self.tally))
        self.rejected = tuple(line for line in sieved if isinstance(line, Aside))
        lines = [line for line in sieved if isinstance(line, bytes)]
        if lines:
            read_lines(self._con, self._feed, lines)
            self.hits = (*self.hits, *hits_in_lines(lines, self._provider, self._sigma))
        if not (lines or has_new_evidence or feed):
            self._sweep_activity(at)
            return ()
        correlation.forget(self._con, at - self._kept)
        judged = correlation.judge(self._con)
        self._sweep(at)
        changed = [row for row in judged if (told := self._told.get(row.id)) is None or not told.says_as(row)]
        self._told = {row.id: row for row in judged}
        return append_verdicts(self._verdicts, (*feed, *changed))

    def _sweep(self, at: datetime) -> None:
        self._swept, self._activity_seen = at, _signature(self._activity)
        if self._signals:
            has_evidence = bool(self._evidence_seen)
            swept = sweep(self._con, self._signals, self._activity, has_evidence=has_evidence).hits
            self.hits = (*swept, *(hit for hit in self.hits if hit.origin == "sigma"))

    def _sweep_activity(self, at: datetime) -> None:
        """Look again where only the desk did something, now and then."""
        if self._swept and at - self._swept >= SWEEP and _signature(self._activity) != self._activity_seen:
            self._sweep(at)

    def _read_evidence(self) -> bool:
        """Load the evidence again if it changed; a table that is not written yet is none."""
        seen = _signature(self._evidence)
        if seen == self._evidence_seen:
            return False
        correlation.read_evidence(self._con, self._evidence if seen else None, self._accounts)
        self._evidence_seen = seen
        return bool(seen)

    def _feed_findings(self, at: datetime) -> Iterator[VerdictRow]:
        was_gone, self._is_gone = self._is_gone, not self._log.exists()
        if self._is_gone and not was_gone:
            yield self._about_feed("log_missing", at)
        if self._open is not None and os.fstat(self._open.fileno()).st_size < self._open.tell():
            self._open.seek(0)
            self._line, self._tail = 1, b""
            yield self._about_feed("log_truncated", at)

    def _about_feed(self, reason: str, at: datetime) -> VerdictRow:
        return VerdictRow(
            id=f"feed/{self._log}/{reason}/{at.isoformat()}",
            provider=self._provider.name,
            directory=self._directory,
            action=None,
            native_action="",
            actor="",
            target=str(self._log),
            at=at,
            outcome="",
            address=None,
            socket=None,
            correlation=None,
            folded=1,
            verdict=Verdict.SUSPICIOUS,
            reasons=(reason,),
            case=None,
            ticket=None,
            leaves=(),
        )

    def _new_lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Whole lines since the last step, numbered; the rest of a line still being written waits for its end."""
        while self._begin():
            yield from self._drain()
            if not self._was_replaced():
                return
            if self._tail:  # the old file ended within a line: what is there is all there will be
                yield self._line, self._tail
            self._close_log()

    def _begin(self) -> bool:
        if self._open is None:
            try:
                self._open = self._log.open("rb")
            except FileNotFoundError:
                return False
        return True

    def _was_replaced(self) -> bool:
        if self._open is None:
            return False
        try:
            return not os.path.samestat(os.fstat(self._open.fileno()), self._log.stat())
        except FileNotFoundError:
            return False

    def _close_log(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open, self._line, self._tail = None, 1, b""

    def _drain(self) -> Iterator[tuple[int, bytes | None]]:
        while self._open is not None and (read := self._open.read(_READ)):
            *whole, self._tail = (self._tail + read).split(b"\n")
            for line in whole:
                yield self._line, None if self._is_skipping or len(line) > LONGEST_LINE else line
                self._is_skipping = False
                self._line += 1
            if len(self._tail) > LONGEST_LINE:
                self._is_skipping, self._tail = True, b""


def _signature(evidence: Path | None) -> tuple[tuple[str, int, int], ...]:
    if evidence is None or not evidence.exists():
        return ()
    files = sorted(evidence.glob("*.parquet")) if evidence.is_dir() else [evidence]
    return tuple((str(file), (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files)
