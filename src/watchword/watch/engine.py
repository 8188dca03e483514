"""The engine: logs and evidence in, a verdict with reasons on each identity event out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TextIO, TypeVar

import duckdb
import msgspec

from watchword.watch import correlation
from watchword.watch.accounts import Account
from watchword.watch.cells import Enforced
from watchword.watch.meter import Meter
from watchword.watch.providers import Feed, provider_named
from watchword.watch.reading import Kept, read_log, seeing
from watchword.watch.shares import counts, share_since
from watchword.watch.sieve import Tally
from watchword.watch.sigma import Rule, hits_in
from watchword.watch.signals import Hit, Signal
from watchword.watch.signals.sweep import Swept, prepare_accounts, prepare_events, sweep_beside
from watchword.watch.tenants import tenants_seen
from watchword.watch.tickets import Ticket
from watchword.watch.unseen import unseen_changes
from watchword.watch.verdicts import Rejected, Report, VerdictRow

SHOWN = 1000

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Takes the bytes read so far and the bytes of all files; called from other threads too, never from two at once."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside logs and evidence.

    *accounts* is a file of them, *known* are those read already; *tickets* None means that none were given. Events
    before *since* are left out. In the cells *enforced* a ticket is not enough. *signals* look at what was judged, and
    at the desk's *activity* table.
    """

    accounts: Path | None = None
    known: tuple[Account, ...] = ()
    tickets: tuple[Ticket, ...] | None = None
    enforced: tuple[Enforced, ...] = ()
    since: datetime | None = None
    signals: tuple[Signal, ...] = ()
    activity: Path | None = None
    sigma: tuple[Rule, ...] = ()


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """Classifies whole log files.

    *memory* is DuckDB's share (it spills to disk beyond); the process stays under 2 GiB with the default.
    """

    memory: str = "1700MB"
    threads: int = 2

    def classify(
        self,
        provider: str,
        files: tuple[Path, ...],
        evidence: Path | None = None,
        *,
        accounts: Path | None = None,
        directory: str | None = None,
        lag: timedelta | None = None,
        rejects: Path | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Judge every identity event in *files*, all of one provider and *directory*: as `judge`."""
        feed = Feed(provider=provider_named(provider), directory=directory, files=files)
        return self.judge((feed,), evidence, accounts=accounts, lag=lag, rejects=rejects, progress=progress)

    def judge(
        self,
        feeds: tuple[Feed, ...],
        evidence: Path | None = None,
        *,
        accounts: Path | None = None,
        lag: timedelta | None = None,
        rejects: Path | None = None,
        signals: tuple[Signal, ...] = (),
        activity: Path | None = None,
        sigma: tuple[Rule, ...] = (),
        tickets: tuple[Ticket, ...] | None = None,
        enforced: tuple[Enforced, ...] = (),
        since: datetime | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Judge every identity event in the files of *feeds*, in whatever order they are given.

        *evidence* is the desk's table; without it nothing speaks for any event. *accounts* says the classes of accounts
        the desk never had a case for, and who is behind them. *lag* replaces what feeds and providers say of their
        times. *signals* look at what was judged, and at the desk's *activity* table; *sigma* rules at the lines.
        *tickets*, *enforced* and *since* are as in `Context`. Lines that are no events go, one JSON object each, to
        *rejects*. *progress* is told after each file, and within one as `Meter` can. `Invalid` for an unknown provider,
        a file that is not there, or evidence of another schema.
        """
        context = Context(
            accounts=accounts,
            signals=signals,
            activity=activity,
            sigma=sigma,
            tickets=tickets,
            enforced=enforced,
            since=since,
        )
        judging = self.judging(feeds, evidence, context, lag=lag, rejects=rejects, progress=progress)
        with judging as (_, report):
            return report

    @contextmanager
    def judging(
        self,
        feeds: tuple[Feed, ...],
        evidence: Path | None,
        context: Context,
        *,
        lag: timedelta | None = None,
        rejects: Path | None = None,
        progress: Progress | None = None,
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, Report]]:
        """As `judge`, and the tables that the report was made from stay open to be asked further."""
        tally = Tally()
        shown: list[Rejected] = []
        opened = correlation.connected(self.memory, self.threads)
        with opened as con, ThreadPoolExecutor(1) as pool, ExitStack() as stack:
            aside = None if rejects is None else stack.enter_context(rejects.open("w", encoding="utf-8"))

            def keep_aside(rejected: Rejected, text: str) -> None:
                if len(shown) < SHOWN:
                    shown.append(rejected)
                if aside is not None:
                    write_aside(aside, rejected, text)

            providers = [feed.provider for feed in feeds]
            correlation.set_up(con, providers, lag, feeds, signed_in=bool(context.signals))
            loaded = pool.submit(load, correlation.beside(con), evidence, context, whole=False)
            # What is forgotten is deleted, and so has to be copied.
            kept: Kept | None = [] if context.since is None else None
            logs = [(feed, file) for feed in feeds for file in feed.files]
            sizes = [file.stat().st_size if file.exists() else 0 for _, file in logs]
            shares = []
            for number, (feed, file) in enumerate(logs):
                tell = None if progress is None else partial(_tell, progress, sum(sizes[:number]), sum(sizes))
                before = counts(con, tally)
                read_log(con, feed, file, tally, keep_aside, Meter(tell=tell, size=sizes[number]), kept=kept)
                shares.append(share_since(before, counts(con, tally), str(file), feed.provider.name))
                if tell is not None:
                    tell(sizes[number])
            loaded.result()
            left_out = 0
            if context.since is not None:
                left_out = correlation.forget(con, context.since)
            correlation.take_evidence(con, evidence)
            verdicts, swept = self._judged(con, pool, kept or [], context, has_evidence=evidence is not None)
            yield (
                con,
                Report(
                    verdicts=verdicts,
                    types=correlation.types_seen(con),
                    lines=tally.lines,
                    preamble=tally.preamble,
                    repaired=tally.repaired,
                    rejected_lines=tally.rejected,
                    rejected=tuple(shown),
                    unseen=unseen_changes(con),
                    has_evidence=evidence is not None,
                    files=tuple(shares),
                    left_out=left_out,
                    tenants=tenants_seen(con),
                    hits=(*swept.hits, *self._sigma(con, feeds, context.sigma)),
                    blind_signals=swept.blind,
                ),
            )

    def _judged(
        self,
        con: duckdb.DuckDBPyConnection,
        pool: ThreadPoolExecutor,
        kept: Kept,
        context: Context,
        *,
        has_evidence: bool,
    ) -> tuple[tuple[VerdictRow, ...], Swept]:
        """The verdicts, and what signals find: side by side what does not wait for each other, one thread in *pool*.

        *kept* are sign-ins that are where they were read.
        """
        with seeing(con, kept):
            correlation.fold(con)
            accounts = pool.submit(_on_its_own, con, prepare_accounts) if context.signals else None
            correlation.match(con)
            if accounts is not None:
                accounts.result()
        if not context.signals:
            return correlation.decided(con), Swept(hits=())
        prepare_events(con, context.activity)
        rows = pool.submit(_on_its_own, con, correlation.decided)
        with ExitStack() as stack:
            others = [stack.enter_context(correlation.beside(con)) for _ in range(self.threads - 1)]
            swept = sweep_beside((con, *others), context.signals, context.activity, has_evidence=has_evidence)
        return rows.result(), swept

    def _sigma(
        self, con: duckdb.DuckDBPyConnection, feeds: tuple[Feed, ...], rules: tuple[Rule, ...]
    ) -> tuple[Hit, ...]:
        """What Sigma *rules* find in the files, with the names that the verdict on the same event has."""
        if not rules:
            return ()
        found = [
            hit
            for feed in feeds
            for file in feed.files
            for hit in hits_in(
                file, feed.provider, rules, memory=self.memory, threads=self.threads, unpacking=feed.unpacking
            )
        ]
        asked = sorted({hit.event for hit in found if hit.event})
        rows = con.execute('SELECT id, actor, "target" FROM event WHERE id IN (SELECT unnest($ids))', {"ids": asked})
        named = {id_: {"actor": actor, "target": target} for id_, actor, target in rows.fetchall()}
        return tuple(msgspec.structs.replace(hit, **named.get(hit.event or "", {})) for hit in found)


def load(con: duckdb.DuckDBPyConnection, evidence: Path | None, context: Context, *, whole: bool = True) -> None:
    """Fill *con* with what is known beside logs; not *whole*, without the rows that `take_evidence` chooses later."""
    read = correlation.read_evidence if whole else correlation.open_evidence
    read(con, evidence, context.accounts)
    correlation.add_accounts(con, context.known)
    if context.tickets is not None:
        correlation.add_tickets(con, context.tickets)
    correlation.enforce(con, context.enforced)


def _on_its_own(con: duckdb.DuckDBPyConnection, task: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
    """What *task* makes of another connection to the tables of *con*."""
    with correlation.beside(con) as own:
        return task(own)


def _tell(progress: Progress, before: int, total: int, read: int) -> None:
    progress(before + read, total)


def write_aside(aside: TextIO, rejected: Rejected, text: str) -> None:
    """Add one rejected line and its beginning to *aside*, as JSON."""
    aside.write(msgspec.json.encode({**msgspec.structs.asdict(rejected), "text": text}).decode() + "\n")
