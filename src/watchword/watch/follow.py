"""The watch while it runs: what its feeds spooled is judged as it comes, earlier verdicts revised by late evidence."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.core.identity_event import Verdict
from watchword.watch import correlation
from watchword.watch.cells import Enforced
from watchword.watch.evidence_diff import EvidenceDiff, signature
from watchword.watch.meter import Meter
from watchword.watch.providers import Feed, Provider
from watchword.watch.pulse import Pulse, row_about, unusable
from watchword.watch.reading import read_log
from watchword.watch.settling import Settling
from watchword.watch.shapes_text import TextReader
from watchword.watch.shares import counts, share_since, unknown_type
from watchword.watch.sieve import Tally
from watchword.watch.sigma import Rule, hits_in
from watchword.watch.signals import Hit, Signal
from watchword.watch.signals.sweep import sweep
from watchword.watch.sources.canary import Canary
from watchword.watch.sources.port import Local, Told
from watchword.watch.sources.spool import Position, Spool
from watchword.watch.sources.understood import SHARE
from watchword.watch.tenants import lines_of_tenants
from watchword.watch.tickets import read_tickets
from watchword.watch.unseen import unseen_rows
from watchword.watch.verdicts import (
    FileShare,
    Rejected,
    VerdictRow,
    latest_verdicts,
    newest_step,
    revised,
    verdicts_of,
    write_step,
)
from watchword.watch.window import MANY, Window

KEPT = timedelta(days=30)
"""How long an event may wait for late evidence, and is remembered as a repeat."""

_BATCH = 32 * 1024 * 1024
"""Bytes of one feed that one step reads: what bounds the time of a step."""

SWEEP = timedelta(seconds=10)
"""How often all that is remembered is looked over, at most."""

_HALF = 256 * 1024
"""Bytes within which a record of several lines ends, where the provider's reader puts it together."""

_TIDY = timedelta(hours=1)


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed that is followed: its *spool*, and the *source* that is read within each step, where it is a local one.

    *directory* names the directory it is of: then only its evidence counts. *quiet* is how long it may be silent, when
    that is not learned; *share* how much of it may be nothing that its provider is known to write; *tenants* are as in
    `Feed`.
    """

    name: str
    provider: Provider
    spool: Spool
    directory: str | None = None
    source: Local | None = None
    quiet: timedelta | None = None
    share: float = SHARE
    tenants: tuple[str, ...] = ()

    @property
    def log_of(self) -> str:
        """Whose log it is, in words."""
        return f"{self.provider.name} of {', '.join(self.tenants)}" if self.tenants else self.provider.name


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What one step did: lines read, verdicts told, and how long after their arrival, in milliseconds.

    *behind* says that a feed has more than one step reads.
    """

    at: datetime
    lines: int = 0
    verdicts: int = 0
    findings: int = 0
    seconds: float = 0
    median_ms: float | None = None
    p99_ms: float | None = None
    behind: bool = False
    blind: tuple[str, ...] = ()


class Follow:
    """Follows *feeds*; `step` is called every second or so, by one thread at a time.

    *clock* times what is done with what came. What is remembered is in *state*, a folder of its own: `Unavailable` when
    another process follows there. Verdicts go to *verdicts*, rejected lines into `rejected` in *state*.
    """

    def __init__(
        self,
        feeds: tuple[Followed, ...],
        state: Path,
        verdicts: Path,
        evidence: Path | None = None,
        *,
        accounts: Path | None = None,
        lag: timedelta | None = None,
        kept: timedelta = KEPT,
        memory: str = "256MB",
        clock: Callable[[], datetime],
        canary: Canary | None = None,
        signals: tuple[Signal, ...] = (),
        activity: Path | None = None,
        sigma: tuple[Rule, ...] = (),
        tickets: Path | None = None,
        enforced: tuple[Enforced, ...] = (),
    ) -> None:
        self.tally = Tally()
        self._settling = Settling()
        self.hits: tuple[Hit, ...] = ()
        """What the signals found when they last looked at all that is remembered, and Sigma rules within a day."""
        self._matched: tuple[Hit, ...] = ()
        self._signals, self._activity, self._sigma = signals, activity, sigma
        self._activity_seen: tuple[tuple[str, int, int], ...] = ()
        self._sweep_at: datetime | None = None
        self._is_unswept = True
        self._readers: dict[str, TextReader] = {}
        self._tickets, self._tickets_seen = tickets, signature(None)
        self.rejected: tuple[Rejected, ...] = ()
        """The lines of the last step that were no events."""
        self.mixed: tuple[tuple[str, str], ...] = ()
        """Feeds that the last step saw to be of several tenants, or of another one more, and that in words."""
        self.tick = Tick(at=clock())
        self._feeds, self._state, self._verdicts, self._kept, self._clock = feeds, state, verdicts, kept, clock
        self._canary = canary
        self._tidied: datetime | None = None
        self._is_written = False
        self._is_whole = True
        """Whether the whole window has to be judged: at first, since the evidence or the rules may be others."""
        self._failing: dict[str, datetime] = {}
        self._untold: list[tuple[Followed | None, Told]] = []
        state.mkdir(parents=True, exist_ok=True)
        verdicts.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            self._con = correlation.connect(memory, 1)
            opened.callback(self._con.close)
            self._con.execute(f"SET temp_directory = '{str(state / 'spill').replace(chr(39), chr(39) * 2)}'")
            correlation.set_up(self._con, [feed.provider for feed in feeds], lag)
            correlation.read_evidence(self._con, None)
            correlation.enforce(self._con, enforced)
            self._window = Window(self._con, state / "window.duckdb")
            opened.callback(self._window.close)
            if not self._window.step:  # made anew, beside verdicts that are told already
                self._window.seed(latest_verdicts(verdicts), newest_step(verdicts), clock())
            self.hits = self._window.matched
            self._evidence = EvidenceDiff(self._con, evidence, accounts)
            now = clock()
            self.pulses = {feed.name: Pulse(feed.name, feed.spool, feed.quiet, feed.share, now) for feed in feeds}
            self._finish()
            opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the logs and the memory."""
        for feed in self._feeds:
            if feed.source is not None:
                feed.source.close()
        try:
            self._window.close()
        finally:
            self._con.close()

    def step(self, at: datetime, told: tuple[Told, ...] = ()) -> tuple[VerdictRow, ...]:
        """Judge what came since the last step; return, and append to the verdict files, what is new or revised.

        What feeds tell of themselves is a row of its own; so is *told*. `Invalid` when the evidence can not be read:
        nothing that was spooled is then used up, and the step may be tried again.
        """
        begun = time.monotonic()
        lines = self.tally.lines
        self._matched = ()
        if not self._is_written:
            self._finish()
        named = {feed.name: feed for feed in self._feeds}
        about = self._untold  # what a step that failed was told is told by the next
        about += ((named.get(one.about), one) for one in told)
        about += ((feed, one) for feed in self._feeds for one in self._pull(feed, at))
        about += self._read_tickets(at)
        has_new_evidence = self._evidence.read(before=self._window.clear)
        if has_new_evidence and self._evidence.fault is not None:
            about.append((None, unusable("accounts", self._evidence.fault, at)))
        positions, came = self._read()
        about += ((feed, one) for feed in self._feeds for one in self.pulses[feed.name].beat(at))
        new = self._window.take()
        due = self._settling.due(at)
        is_whole = self._is_whole or self._evidence.is_whole or new > MANY
        changed = judged = tuple[VerdictRow, ...]()
        early: frozenset[str] = frozenset()
        if new or has_new_evidence or self._is_whole or due:
            self._window.gather(due, whole=is_whole)
            every = correlation.judge(self._con)
            judged = self._window.asked(every)
            early = self._settling.leave(self._con, at)
            changed = self._changes(judged, early, [row.id for row in every])
        if self._canary is not None:
            about += ((None, one) for one in self._canary.told(at))
        rows = (*self._about(about), *changed)
        if positions or rows:
            self._is_whole = self._is_unswept = True  # until all is done: what a fault leaves undone is looked at again
            self._keep(positions, rows, at)
        self._untold = []
        self._settling.keep(early, judged, due, at)
        self._evidence.settle()
        self._is_whole = False
        self._is_unswept = self._is_unswept or has_new_evidence
        rows += self._sweep(at)
        self._tidy(at)
        self.mixed = tuple((name, said) for name, one in self.pulses.items() if (said := one.several()) is not None)
        self._measure(begun, lines, rows, came)
        return rows

    def _read_tickets(self, at: datetime) -> list[tuple[Followed | None, Told]]:
        """Load the export of tickets again if it changed: each may speak for any event that has no evidence.

        One that can not be used speaks for nothing, and is told; verdicts do not wait for it.
        """
        if self._tickets is None or (seen := signature(self._tickets)) == self._tickets_seen:
            return []
        self._tickets_seen, self._is_whole = seen, True
        try:
            correlation.add_tickets(self._con, read_tickets(self._tickets)[0] if seen else ())
        except Invalid as fault:
            correlation.add_tickets(self._con, ())
            return [(None, unusable("tickets", fault, at))]
        return []

    def _sweep(self, at: datetime) -> tuple[VerdictRow, ...]:
        """Look over all that is remembered, now and then: what signals find, what is said done and no log shows."""
        seen = signature(self._activity)
        is_due = self._sweep_at is None or at >= self._sweep_at
        if not is_due or (not self._is_unswept and seen == self._activity_seen):
            return ()
        begun = time.monotonic()
        self._window.whole()
        correlation.judge(self._con)
        early = self._settling.leave(self._con, at)
        since = at - self._kept * 29 / 30  # an event may be a little earlier than its change
        correlation.remember(self._con, since)
        told = (row for row in self._window.told_because("unseen") if row.at >= since)
        unseen = unseen_rows(self._con, told)
        has_evidence = correlation.has_evidence(self._con)
        if self._signals:
            swept = sweep(self._con, self._signals, self._activity, has_evidence=has_evidence).hits
            self.hits = (*swept, *(hit for hit in self.hits if hit.origin == "sigma"))
        self._window.clear()
        before = self._window.told([row.id for row in unseen])
        rows = tuple(new for row in unseen if (new := revised(row, before.get(row.id))) is not None)
        if rows:
            self._keep({}, rows, at)
        self._is_unswept, self._activity_seen = bool(early), seen
        # The more is remembered the longer it takes: a twentieth of the time at most, so that verdicts do not wait.
        self._sweep_at = at + max(SWEEP, 20 * timedelta(seconds=time.monotonic() - begun))
        return rows

    def _keep(self, positions: dict[str, Position], rows: tuple[VerdictRow, ...], at: datetime) -> None:
        """Remember a step, and write its verdicts; where that fails, the next step does it first."""
        step = self._window.step + 1
        self._window.commit(step, positions, rows, at=at, kept=self._kept, matched=self._matched)
        if self._matched:
            self.hits = (*(hit for hit in self.hits if hit.origin == "signal"), *self._window.matched)
        self._is_written = False
        write_step(self._verdicts, step, rows)
        self._is_written, self._matched = True, ()

    def _pull(self, feed: Followed, at: datetime) -> tuple[Told, ...]:
        """Have a local source fill its spool; one that can not be read is told, and the others go on."""
        if feed.source is None:
            return ()
        try:
            told = feed.source.pull(feed.spool, at)
        except Unavailable as fault:
            if feed.name in self._failing:
                return ()
            self._failing[feed.name] = at
            key = f"{feed.name}/feed_failing/{at.isoformat()}"
            return (Told(reasons=("feed_failing",), at=at, key=key, about=feed.name, detail=fault.what),)
        self._failing.pop(feed.name, None)
        return told

    def _read(self) -> tuple[dict[str, Position], dict[str, tuple[datetime, ...]]]:
        """Read a batch of each feed into the tables; return where each is then, and when its lines came."""
        positions: dict[str, Position] = {}
        came: dict[str, tuple[datetime, ...]] = {}
        rejected: list[Rejected] = []
        texts: list[str] = []
        self._behind = False
        with ExitStack() as stack:
            for feed in self._feeds:
                part = feed.spool.read(self._window.position(feed.name), _BATCH)
                if part is None:
                    continue
                file = part.file
                if part.since.offset or part.until.segment == feed.spool.end.segment:  # it may still grow
                    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="watchword-"))
                    file = Path(folder) / "lines.jsonl"
                    file.write_bytes(part.read())
                name, line = f"{feed.name}/{part.file.name}", part.since.line

                def keep(one: Rejected, text: str, name: str = name, line: int = line) -> None:
                    placed = msgspec.structs.replace(one, file=name, line=one.line + line)
                    rejected.append(placed)
                    texts.append(text)

                before, named = counts(self._con, self.tally), lines_of_tenants(self._con)
                read_log(
                    self._con,
                    Feed(provider=feed.provider, directory=feed.directory, tenants=feed.tenants),
                    file,
                    self.tally,
                    keep,
                    Meter(tell=None, size=0),
                    self._reader_of(feed),
                )
                share = share_since(before, counts(self._con, self.tally), name, feed.log_of)
                named = lines_of_tenants(self._con) - named if not feed.tenants else Counter()
                self.pulses[feed.name].take(part, share, self._example(feed, share, rejected), named)
                if self._sigma:
                    self._matched += tuple(hits_in(file, feed.provider, self._sigma, threads=1))
                positions[feed.name], came[feed.name] = part.until, part.came
                self._behind = self._behind or feed.spool.end != part.until
        self.rejected = tuple(rejected)
        if rejected:
            self._keep_aside(zip(rejected, texts, strict=True))
        return positions, came

    def _example(self, feed: Followed, share: FileShare, rejected: list[Rejected]) -> str:
        """Something of what was just read of *feed* and is not known: a type, or why a line is none."""
        if share.unknown:
            return f"the type {unknown_type(self._con, feed.provider.name) or '?'}"
        return f"a line that is {rejected[-1].reason}" if share.rejected and rejected else ""

    def _reader_of(self, feed: Followed) -> TextReader | None:
        """The reader of a log whose records are of several lines; after a start it has seen the last of them again."""
        if feed.provider.reader is None:
            return None
        if feed.name not in self._readers:
            reader = self._readers[feed.name] = feed.provider.reader()
            for line in feed.spool.before(self._window.position(feed.name), _HALF).splitlines():
                for _ in reader.read(0, line):
                    """What it completes was judged before."""
        return self._readers[feed.name]

    def _keep_aside(self, rejected: Iterable[tuple[Rejected, str]]) -> None:
        """Write them into the file of the step to come: one that is killed writes the same file again."""
        folder = self._state / "rejected"
        folder.mkdir(exist_ok=True)
        partial = folder / "step.partial"
        with partial.open("wb") as aside:
            for one, text in rejected:
                aside.write(msgspec.json.encode({**msgspec.structs.asdict(one), "text": text}) + b"\n")
            aside.flush()
            os.fsync(aside.fileno())
        partial.rename(folder / f"step{self._window.step + 1:08d}.jsonl")

    def _changes(
        self, judged: tuple[VerdictRow, ...], early: frozenset[str], every: list[str]
    ) -> tuple[VerdictRow, ...]:
        """Of what was judged, what says something new, each as the next revision of its event; *early* is not told.

        *every* id is one that there is now: what was said under another is part of another event.
        """
        if self._canary is not None:
            judged = self._canary.mark(judged)
        told = self._told(judged)
        rows = [new for row in judged if row.id not in early and (new := revised(row, told.get(row.id))) is not None]
        for row in self._window.gone(every):
            part = msgspec.structs.replace(row, verdict=Verdict.IGNORED, reasons=("part_of_another",))
            if (new := revised(part, row)) is not None:
                rows.append(new)
        return tuple(rows)

    def _told(self, rows: Iterable[VerdictRow]) -> dict[str, VerdictRow]:
        """What was last said of the event of each of *rows*: from the verdict files, where the window forgot it."""
        rows = tuple(rows)
        told, until = self._window.told(row.id for row in rows), self._window.forgotten
        if until is not None and (old := {row.id for row in rows if row.id not in told and row.at <= until}):
            told |= {row.id: row for row in verdicts_of(self._verdicts, old)}
        return told

    def _about(self, told: list[tuple[Followed | None, Told]]) -> tuple[VerdictRow, ...]:
        """Rows about feeds, but what was told before."""
        rows = {}
        for feed, one in told:
            provider = feed.provider.name if feed else "watch"
            row = row_about(one, provider, feed.directory if feed else None)
            rows[row.id] = row
        before = self._window.told(rows)
        return tuple(new for row in rows.values() if (new := revised(row, before.get(row.id))) is not None)

    def _finish(self) -> None:
        """Write the verdicts of the last step, where a kill or a full disk kept them from their file."""
        step, rows = self._window.step, self._window.pending()
        if newest_step(self._verdicts) < step:
            write_step(self._verdicts, step, rows)
        self._is_written = True

    def _tidy(self, at: datetime) -> None:
        if self._tidied is not None and at - self._tidied < _TIDY:
            return
        self._tidied = at
        self._window.compact(at - self._kept)
        for feed in self._feeds:
            feed.spool.prune(self._window.position(feed.name), at - self._kept)

    def _measure(
        self, begun: float, lines: int, rows: tuple[VerdictRow, ...], came: dict[str, tuple[datetime, ...]]
    ) -> None:
        now = self._clock()
        waited = sorted((now - one).total_seconds() * 1000 for each in came.values() for one in each)
        self.tick = Tick(
            at=now,
            lines=self.tally.lines - lines,
            verdicts=len(rows),
            findings=sum(row.is_finding for row in rows),
            seconds=time.monotonic() - begun,
            median_ms=waited[len(waited) // 2] if waited else None,
            p99_ms=waited[(len(waited) * 99) // 100] if waited else None,
            behind=self._behind,
            blind=tuple(name for name, pulse in self.pulses.items() if pulse.blind_since is not None),
        )
