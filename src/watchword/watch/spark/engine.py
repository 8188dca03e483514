"""The engine on Spark: the same logs and evidence in, the same report out as `watch.engine.Engine`, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec
import pyarrow as pa

from watchword.core.errors import Invalid, Unavailable
from watchword.watch import correlation
from watchword.watch.cells import Enforced
from watchword.watch.engine import SHOWN, Context, Progress, load, write_aside
from watchword.watch.providers import Feed
from watchword.watch.reading import must_be_readable
from watchword.watch.shares import unknown_lines
from watchword.watch.sieve import Tally
from watchword.watch.sigma import Rule
from watchword.watch.signals import Hit, Signal
from watchword.watch.signals.sweep import hits_of, in_order, read_activity, shipped, sighted
from watchword.watch.spark import tasks
from watchword.watch.spark.keys import MACROS, beside, elsewhere, everywhere, labels, link, shared
from watchword.watch.spark.rows import MOVED, Body, batch, create, insert, packed, whole
from watchword.watch.spark.session import session
from watchword.watch.spark.splits import Split, splits_of
from watchword.watch.tenants import tenants_seen
from watchword.watch.tickets import Ticket
from watchword.watch.verdicts import FileShare, Rejected, Report, UnseenChange, VerdictRow, rows_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, GroupedData, SparkSession

_SMALLEST = 4 << 20
"""Bytes that are worth a task of their own."""

_ROWS = 100_000
"""Records of one partition, where there are that many."""


class SparkEngine(msgspec.Struct, frozen=True, kw_only=True):
    """Classifies whole log files on the Spark at *master*, whose workers have Watchword and the same paths.

    A file is read in parts of *split* bytes, by line; *memory* is DuckDB's share in each task. *partitions* is how many
    parts records are judged in: as many as there are cores, or more if there are very many records, unless it is given.
    """

    master: str = "local[2]"
    memory: str = "512MB"
    split: int = 192 << 20
    partitions: int | None = None

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
        """As `Engine.judge`; *progress* is told when all is read. `Unavailable` where there is no Spark."""
        logs = [(number, file) for number, feed in enumerate(feeds) for file in feed.files]
        for _, file in logs:
            must_be_readable(file)
        context = Context(
            accounts=accounts,
            signals=signals,
            activity=activity,
            sigma=sigma,
            tickets=tickets,
            enforced=enforced,
            since=since,
        )
        with session(self.master) as spark, correlation.connected(self.memory, 2) as con:
            correlation.set_up(con, [feed.provider for feed in feeds], lag, feeds, signed_in=bool(signals))
            con.execute(MACROS)
            load(con, evidence, context)
            run = tasks.Run(
                feeds=tuple(
                    tasks.FeedName(
                        provider=f.provider.name,
                        directory=f.directory,
                        lag=f.lag,
                        unpacking=f.unpacking,
                        tenants=f.tenants,
                    )
                    for f in feeds
                ),
                lag=lag,
                signed_in=bool(signals),
                memory=self.memory,
                parts=self.partitions or spark.sparkContext.defaultParallelism,
                since=since,
            )
            size = _even(
                sum(file.stat().st_size for _, file in logs), self.split, spark.sparkContext.defaultParallelism
            )
            splits = tuple(
                split
                for place, (number, file) in enumerate(logs)
                for split in splits_of(file, feeds[number].provider, feed=number, file=place, size=size)
            )
            judging = _Judging(self, spark, con, run, splits, context, has_evidence=evidence is not None)
            try:
                return judging.report(logs, feeds, rejects, progress)
            finally:
                judging.forget()


class _Judging:
    """One run."""

    def __init__(
        self, engine: SparkEngine, spark: SparkSession, con: duckdb.DuckDBPyConnection, run: tasks.Run,
        splits: tuple[Split, ...], context: Context, *, has_evidence: bool,
    ) -> None:  # fmt: skip
        self._engine, self._spark, self._con, self._run = engine, spark, con, run
        self._splits, self._context, self._has_evidence = splits, context, has_evidence
        self._kept: list[DataFrame] = []
        self._parts = 1

    def forget(self) -> None:
        """Let Spark have its memory back."""
        for frame in self._kept:
            frame.unpersist()

    def report(
        self, logs: list[tuple[int, Path]], feeds: tuple[Feed, ...], rejects: Path | None, progress: Progress | None
    ) -> Report:
        """The report on all splits."""
        read = self._keep(
            self._numbers().mapInArrow(
                partial(tasks.read, run=self._run, splits=self._splits, rules=self._context.sigma), MOVED
            )
        )
        told = _by_kind(_collected(read.where("kind NOT IN ('native', 'sign_in', 'aside')")))
        parts = {body.split: msgspec.json.decode(body.body, type=tasks.Part) for body in told.get("part", ())}
        if progress is not None:
            size = sum(file.stat().st_size for _, file in logs)
            progress(size, size)
        shares = self._shares(logs, feeds, parts, told.get("seen", []))
        insert(self._con, "tenant", (body.body for body in told.get("tenant", ())))
        rejected = self._rejected(read, parts, rejects)
        natives, is_placed = self._joined(read, parts.values())
        verdicts, unseen, judged = self._verdicts(natives, told, is_placed=is_placed)
        hits: tuple[Hit, ...] = ()
        blind: tuple[str, ...] = ()
        if self._context.signals:
            able, blind = sighted(self._context.signals, self._context.activity, has_evidence=self._has_evidence)
            hits = self._hits(able, read, judged, told.get("user", []), unseen)
        tally = Tally()
        for part in parts.values():
            for name in tally.__struct_fields__:
                setattr(tally, name, getattr(tally, name) + getattr(part.tally, name))
        return Report(
            verdicts=verdicts,
            types=correlation.types_seen(self._con),
            lines=tally.lines,
            preamble=tally.preamble,
            repaired=tally.repaired,
            rejected_lines=tally.rejected,
            rejected=rejected,
            unseen=unseen,
            has_evidence=self._has_evidence,
            files=shares,
            left_out=sum(part.left_out for part in parts.values()),
            tenants=tenants_seen(self._con),
            hits=(*hits, *self._sigma(told.get("sigma", []), verdicts)),
            blind_signals=blind,
        )

    # -- what was read

    def _shares(
        self, logs: list[tuple[int, Path]], feeds: tuple[Feed, ...], parts: dict[int, tasks.Part], seen: list[Body]
    ) -> tuple[FileShare, ...]:
        """Of each file what it had, in order; all types that were seen are in `seen` then."""
        shares = []
        for place, (number, file) in enumerate(logs):
            mine = {n for n, split in enumerate(self._splits) if split.file == place}
            before = unknown_lines(self._con)
            insert(self._con, "seen", (body.body for body in seen if body.split in mine))
            tallies = [parts[n].tally for n in mine]
            shares.append(
                FileShare(
                    file=str(file),
                    provider=feeds[number].provider.name,
                    lines=sum(t.lines - t.preamble for t in tallies),
                    rejected=sum(t.rejected for t in tallies),
                    unknown=unknown_lines(self._con) - before,
                    is_broken=any(t.broken for t in tallies),
                    passed=sum(t.preamble - t.pages for t in tallies),
                    elsewhere=sum(t.elsewhere for t in tallies),
                )
            )
        return tuple(shares)

    def _rejected(self, read: DataFrame, parts: dict[int, tasks.Part], rejects: Path | None) -> tuple[Rejected, ...]:
        """The first rejected lines, by their number within their file; all of them go to *rejects*."""
        shown: list[Rejected] = []
        with ExitStack() as stack:
            aside = None if rejects is None else stack.enter_context(rejects.open("w", encoding="utf-8"))
            if not any(part.tally.rejected for part in parts.values()):
                return ()
            before = self._lines_before()
            # One partition at a time, in the order of the files: there may be more of them than fit here.
            for row in read.where("kind = 'aside'").toLocalIterator():
                for one in msgspec.json.decode(row.body, type=list[tasks.Aside]):
                    path, line = self._splits[row.split].path, before[row.split] + one.line
                    rejected = Rejected(file=path, line=line, reason=one.reason)
                    if len(shown) < SHOWN:
                        shown.append(rejected)
                    elif aside is None:
                        return tuple(shown)
                    if aside is not None:
                        write_aside(aside, rejected, one.text)
        return tuple(shown)

    def _lines_before(self) -> dict[int, int]:
        """Of each split, how many lines of its file end before it: only rejected lines are told by their number."""
        counted = self._numbers().mapInArrow(partial(tasks.lines, splits=self._splits), MOVED).collect()
        ended = {row.split: msgspec.json.decode(bytes(row.body), type=int) for row in counted}
        before, so_far = dict[int, int](), dict[int, int]()
        for number, split in enumerate(self._splits):
            before[number] = so_far.get(split.file, 0)
            so_far[split.file] = before[number] + ended[number]
        return before

    def _sigma(self, found: list[Body], verdicts: tuple[VerdictRow, ...]) -> tuple[Hit, ...]:
        """What Sigma rules found, with the names that the verdict on the same event has."""
        if not found:
            return ()
        named = {row.id: {"actor": row.actor, "target": row.target} for row in verdicts}
        by_file: dict[int, list[Hit]] = {}
        for body in found:
            by_file.setdefault(self._splits[body.split].file, []).extend(msgspec.json.decode(body.body, type=list[Hit]))
        return tuple(
            msgspec.structs.replace(hit, **named.get(hit.event or "", {}))
            for file in sorted(by_file)
            for hit in in_order(by_file[file])
        )

    # -- verdicts

    def _joined(self, read: DataFrame, parts: Iterable[tasks.Part]) -> tuple[DataFrame, bool]:
        """The records, with what sign-ins say of them: by their session first, then by their address.

        And whether each is named for the partition of its own key.
        """
        parts = tuple(parts)
        self._choose(sum(part.native for part in parts))
        # What is left of a log is little: a task for each of its splits would have next to nothing to do.
        few = max(self._parts, self._spark.sparkContext.defaultParallelism)
        natives = read.where("kind = 'native'").coalesce(few)
        sign_ins = read.where("kind = 'sign_in'").coalesce(few)
        if not any(part.signed_in for part in parts):
            return natives, self._parts == self._run.parts
        was_asked = False
        for key, lacking in (
            ("session", sum(part.without_address for part in parts)),
            ("address", sum(part.without_country for part in parts)),
        ):
            if lacking:
                was_asked = True
                ask = partial(tasks.asking, key=key, parts=self._parts)
                asking = natives.unionByName(sign_ins).mapInArrow(ask, MOVED)
                answers = self._grouped(asking).applyInArrow(partial(tasks.answer, run=self._run, key=key), MOVED)
                others = natives.mapInArrow(partial(tasks.not_asking, key=key), MOVED)
                natives = others.unionByName(answers)
        if was_asked:
            return self._keep(natives), False
        return natives, self._parts == self._run.parts

    def _choose(self, rows: int) -> None:
        """How many partitions *rows* are judged in."""
        cores = self._spark.sparkContext.defaultParallelism
        self._parts = self._engine.partitions or max(cores, -(-rows // _ROWS))
        self._spark.conf.set("spark.sql.shuffle.partitions", str(self._parts))

    def _verdicts(
        self, natives: DataFrame, found: dict[str, list[Body]], *, is_placed: bool
    ) -> tuple[tuple[VerdictRow, ...], tuple[UnseenChange, ...], list[tuple[DataFrame, bytes | None]]]:
        con = self._con
        is_moved = link(con, found.get("link", []))
        route = partial(tasks.route, moved=whole(con, "FROM moved"), parts=self._parts)
        ids = shared(con, found.get("id", []), self._parts)
        routed = natives if is_placed and not is_moved else natives.mapInArrow(route, MOVED)
        judged = self._judged(routed, [*ids, *beside(con, self._parts)])
        told = _by_kind(_collected(judged.where("kind <> 'event'")))
        create(con, "verdict", (body.body for body in told.get("verdict", ())))
        unseen = [one for b in told.get("unseen", ()) for one in msgspec.json.decode(b.body, type=list[UnseenChange])]
        self._parties(told.get("party", []))
        out: list[tuple[DataFrame, bytes | None]] = [(judged, None)]
        if (
            self._has_evidence
            and (again := elsewhere(con, self._parts, told.get("alone", ()), told.get("claim", ()))) is not None
        ):
            routed = natives.mapInArrow(partial(route, only=again), MOVED)
            second = self._judged(routed, [*ids, *beside(con, self._parts, again=True)])
            anew = _by_kind(_collected(second.where("kind = 'verdict'")))
            create(con, "anew", (body.body for body in anew["verdict"]))
            con.execute("DELETE FROM verdict WHERE id IN (SELECT id FROM anew)")
            con.execute("INSERT INTO verdict BY NAME FROM anew")
            out = [(judged, whole(con, "SELECT id FROM anew")), (second, None)]
        verdicts: tuple[VerdictRow, ...] = ()
        if told.get("verdict"):
            verdicts = rows_of(con, 'SELECT * REPLACE (timezone(\'UTC\', "at") AS "at") FROM verdict')
        return verdicts, tuple(sorted(unseen, key=lambda one: (one.at, one.case, one.change))), out

    def _judged(self, routed: DataFrame, beside: list[Body]) -> DataFrame:
        """Records and what is *beside* them, judged by partition."""
        everything = routed.unionByName(self._frame(beside))
        judging = tasks.Judging(
            has_evidence=self._has_evidence,
            has_tickets=self._context.tickets is not None,
            everywhere=tuple(everywhere(self._con)),
            signals=bool(self._context.signals),
        )
        judge = partial(tasks.judge, run=self._run, judging=judging)
        judged = self._grouped(everything).applyInArrow(judge, MOVED)
        # Without signals it is asked for once.
        return self._keep(judged) if self._context.signals else judged

    # -- signals

    def _parties(self, parties: list[Body]) -> None:
        """Who the events are about and by whom, as the table `event` of the driver."""
        if not create(self._con, "event", (body.body for body in parties)):
            self._con.execute(
                'CREATE OR REPLACE TEMP TABLE event AS SELECT provider, directory, "target", target_keys, actor, '
                "actor_keys FROM native LIMIT 0"
            )

    def _hits(
        self, able: tuple[Signal, ...], read: DataFrame, judged: list[tuple[DataFrame, bytes | None]],
        users: list[Body], unseen: tuple[UnseenChange, ...],
    ) -> tuple[Hit, ...]:  # fmt: skip
        """What signals find: those with a key where its rows are, the others here over all rows."""
        con = self._con
        insert(con, "sign_in", (body.body for body in users))
        for name in ("tables", "whose"):
            con.execute(shipped(name))
        read_activity(con, self._context.activity)
        for one in unseen:
            values = (one.case, one.ticket, one.native_id, one.change, one.at)
            con.execute("INSERT INTO unseen VALUES (?, ?, ?, ?, ?)", values)
        keyed = tuple(signal for signal in able if signal.keyed != "whole")
        others = tuple(signal for signal in able if signal.keyed == "whole")
        over_log = [signal for signal in others if {"happened", "signed_in"} & set(signal.needs)]
        looking = tasks.Looking(
            whose=whole(con, "FROM whose"),
            everywhere=tuple((name, body) for name in ("declared", "gap") for body in packed(con, f"FROM {name}")),
            again=None,
            keys=tuple(sorted({tasks.key_of(signal) for signal in keyed})),
            parts=self._parts,
            whole=bool(over_log),
            whole_signed_in=any("signed_in" in signal.needs for signal in others),
        )
        few = max(self._parts, self._spark.sparkContext.defaultParallelism)
        sign_ins = read.where("kind = 'sign_in'").coalesce(few)
        filled = sign_ins.mapInArrow(partial(tasks.fill, run=self._run, looking=looking), MOVED)
        for frame, again in judged:
            told = msgspec.structs.replace(looking, again=again)
            events = frame.where("kind IN ('event', 'verdict')")
            filled = filled.unionByName(events.mapInArrow(partial(tasks.fill, run=self._run, looking=told), MOVED))
        look = partial(tasks.look, run=self._run, looking=looking, signals=keyed)
        found = _by_kind(_collected(filled.groupBy("part").applyInArrow(look, MOVED)))
        for name in ("happened", "signed_in"):
            insert(con, name, (body.body for body in found.get(name, ())))
        hits = [hit for body in found.get("hit", ()) for hit in msgspec.json.decode(body.body, type=list[Hit])]
        return in_order((*hits, *(hit for signal in others for hit in hits_of(con, signal))))

    # -- frames

    def _numbers(self) -> DataFrame:
        return self._spark.range(0, len(self._splits), 1, max(len(self._splits), 1))

    def _grouped(self, frame: DataFrame) -> GroupedData:
        """*frame* by partition, each with a task of its own: hashes of small numbers often lead two to the same."""
        from pyspark.sql import functions

        named = ", ".join(map(str, labels(self._parts)))
        return frame.groupBy(functions.expr(f"element_at(array({named}), part + 1)"))

    def _keep(self, frame: DataFrame) -> DataFrame:
        from pyspark import StorageLevel

        self._kept.append(frame.persist(StorageLevel.MEMORY_AND_DISK))
        return frame

    def _frame(self, bodies: list[Body]) -> DataFrame:
        return self._spark.createDataFrame(pa.Table.from_batches([batch(*bodies)]), MOVED)


def _even(total: int, most: int, cores: int) -> int:
    """Bytes of one split, *most* or less, so that no core waits for the last of them."""
    rounds = max(-(-total // (most * cores)), 1)
    return min(most, max(-(-total // (rounds * cores)) + 1, _SMALLEST))


def _collected(frame: DataFrame) -> list[Body]:
    """The rows of *frame* here; the first error that one tells is raised."""
    bodies = [Body(part=r.part or 0, kind=r.kind, split=r.split or 0, body=bytes(r.body)) for r in frame.collect()]
    for body in bodies:
        if body.kind == "fault":
            said = msgspec.json.decode(body.body, type=tasks.Fault)
            if said.is_unavailable:
                raise Unavailable(said.what, said.remedy)
            raise Invalid(said.what, said.remedy, where=said.where)
    return bodies


def _by_kind(bodies: list[Body]) -> dict[str, list[Body]]:
    kinds: dict[str, list[Body]] = {}
    for body in bodies:
        kinds.setdefault(body.kind, []).append(body)
    return kinds
