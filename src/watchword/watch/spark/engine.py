"""The engine on Spark: the same logs and evidence in, the same report out as `watch.engine.Engine`, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec
import pyarrow as pa

from watchword.core.errors import Invalid, Unavailable
from watchword.watch import correlation
from watchword.watch.engine import SHOWN, Context, Progress, load, write_aside
from watchword.watch.providers import Feed
from watchword.watch.reading import must_be_readable
from watchword.watch.sieve import Tally
from watchword.watch.sigma import Rule
from watchword.watch.signals import Hit, Signal
from watchword.watch.signals.sweep import hits_of, in_order, read_activity, shipped, sighted
from watchword.watch.spark import tasks
from watchword.watch.spark.keys import LINKS, MACROS, PART, united
from watchword.watch.spark.rows import MOVED, Body, arrow, batch, create, insert, pack, packed
from watchword.watch.spark.session import session
from watchword.watch.spark.splits import Split, splits_of
from watchword.watch.verdicts import FileShare, Rejected, Report, UnseenChange, VerdictRow, rows_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROWS = 100_000
"""Records of one partition, where there are that many."""


class SparkEngine(msgspec.Struct, frozen=True, kw_only=True):
    """Classifies whole log files on the Spark at *master*, whose workers have Watchword and the same paths.

    A file is read in parts of *split* bytes, by line; *memory* is DuckDB's share in each task. *partitions* is how many
    parts records are judged in: as many as there are cores, or more if there are very many records, unless it is given.
    """

    master: str = "local[2]"
    memory: str = "512MB"
    split: int = 64 << 20
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
        progress: Progress | None = None,
    ) -> Report:
        """As `Engine.judge`; *progress* is told when all is read. `Unavailable` where Spark, or what it needs, is not."""
        logs = [(number, file) for number, feed in enumerate(feeds) for file in feed.files]
        for _, file in logs:
            must_be_readable(file)
        splits = tuple(
            split
            for place, (number, file) in enumerate(logs)
            for split in splits_of(file, feeds[number].provider, feed=number, file=place, size=self.split)
        )
        context = Context(accounts=accounts, signals=signals, activity=activity, sigma=sigma)
        with session(self.master) as spark, correlation.connected(self.memory, 2) as con:
            correlation.set_up(con, [feed.provider for feed in feeds], lag, feeds, signed_in=bool(signals))
            con.execute(MACROS)
            load(con, evidence, context)
            run = tasks.Run(
                feeds=tuple(tasks.FeedName(provider=f.provider.name, directory=f.directory, lag=f.lag) for f in feeds),
                lag=lag,
                signed_in=bool(signals),
                memory=self.memory,
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
        numbers = self._spark.range(0, len(self._splits), 1, max(len(self._splits), 1))
        read = self._keep(
            numbers.mapInArrow(
                partial(tasks.read, run=self._run, splits=self._splits, rules=self._context.sigma), MOVED
            )
        )
        told = _by_kind(_collected(read.where("kind NOT IN ('native', 'sign_in', 'aside')")))
        parts = {body.split: msgspec.json.decode(body.body, type=tasks.Part) for body in told.get("part", ())}
        if progress is not None:
            size = sum(file.stat().st_size for _, file in logs)
            progress(size, size)
        shares = self._shares(logs, feeds, parts, told.get("seen", []))
        rejected = self._rejected(read, parts, rejects)
        natives = self._joined(read, parts.values())
        verdicts, unseen, judged = self._verdicts(natives, told.get("link", []))
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
            before = correlation.unknown_lines(self._con)
            insert(self._con, "seen", (body.body for body in seen if body.split in mine))
            tallies = [parts[n].tally for n in mine]
            shares.append(
                FileShare(
                    file=str(file),
                    provider=feeds[number].provider.name,
                    lines=sum(t.lines - t.preamble for t in tallies),
                    rejected=sum(t.rejected for t in tallies),
                    unknown=correlation.unknown_lines(self._con) - before,
                )
            )
        return tuple(shares)

    def _rejected(self, read: DataFrame, parts: dict[int, tasks.Part], rejects: Path | None) -> tuple[Rejected, ...]:
        """The first rejected lines, by their number within their file; all of them go to *rejects*."""
        before: dict[int, int] = {}
        lines: dict[int, int] = {}
        for number, split in enumerate(self._splits):
            before[number] = lines.get(split.file, 0)
            lines[split.file] = before[number] + parts[number].newlines
        shown: list[Rejected] = []
        with ExitStack() as stack:
            aside = None if rejects is None else stack.enter_context(rejects.open("w", encoding="utf-8"))
            if not any(part.tally.rejected for part in parts.values()):
                return ()
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

    def _joined(self, read: DataFrame, parts: Iterable[tasks.Part]) -> DataFrame:
        """The records, with what sign-ins say of them: by their session first, then by their address."""
        parts = tuple(parts)
        self._choose(sum(part.native for part in parts))
        # What is left of a log is little: a task for each of its splits would have next to nothing to do.
        few = max(self._parts, self._spark.sparkContext.defaultParallelism)
        natives = read.where("kind = 'native'").coalesce(few)
        sign_ins = read.where("kind = 'sign_in'").coalesce(few)
        if not any(part.signed_in for part in parts):
            return natives
        was_asked = False
        for key, lacking in (
            ("session", sum(part.without_address for part in parts)),
            ("address", sum(part.without_country for part in parts)),
        ):
            if lacking:
                was_asked = True
                ask = partial(tasks.asking, key=key, parts=self._parts)
                asking = natives.unionByName(sign_ins).mapInArrow(ask, MOVED)
                answers = asking.groupBy("part").applyInArrow(partial(tasks.answer, run=self._run, key=key), MOVED)
                others = natives.mapInArrow(partial(tasks.not_asking, key=key), MOVED)
                natives = others.unionByName(answers)
        return self._keep(natives) if was_asked else natives

    def _choose(self, rows: int) -> None:
        """How many partitions *rows* are judged in."""
        cores = self._spark.sparkContext.defaultParallelism
        self._parts = self._engine.partitions or max(cores, -(-rows // _ROWS))
        self._spark.conf.set("spark.sql.shuffle.partitions", str(self._parts))

    def _verdicts(
        self, natives: DataFrame, links: list[Body]
    ) -> tuple[tuple[VerdictRow, ...], tuple[UnseenChange, ...], list[tuple[DataFrame, bytes | None]]]:
        con = self._con
        self._link(links)
        moved = _whole(con, "FROM moved")
        route = partial(tasks.route, moved=moved, parts=self._parts)
        of_id = natives.mapInArrow(partial(tasks.ids, moved=moved, parts=self._parts), MOVED).groupBy("part")
        frames = [natives.mapInArrow(route, MOVED), of_id.applyInArrow(tasks.shared, MOVED)]
        judged = self._judged(frames, self._beside(self._parts))
        told = _by_kind(_collected(judged.where("kind <> 'event'")))
        create(con, "verdict", (body.body for body in told.get("verdict", ())))
        unseen = [one for b in told.get("unseen", ()) for one in msgspec.json.decode(b.body, type=list[UnseenChange])]
        self._parties(told.get("party", []))
        out: list[tuple[DataFrame, bytes | None]] = [(judged, None)]
        if self._has_evidence and (again := self._elsewhere(told)) is not None:
            frames[0] = natives.mapInArrow(partial(route, only=again), MOVED)
            second = self._judged(frames, self._beside(self._parts, again=True))
            anew = _by_kind(_collected(second.where("kind = 'verdict'")))
            create(con, "anew", (body.body for body in anew["verdict"]))
            con.execute("DELETE FROM verdict WHERE id IN (SELECT id FROM anew)")
            con.execute("INSERT INTO verdict BY NAME FROM anew")
            out = [(judged, _whole(con, "SELECT id FROM anew")), (second, None)]
        verdicts: tuple[VerdictRow, ...] = ()
        if told.get("verdict"):
            verdicts = rows_of(con, 'SELECT * REPLACE (timezone(\'UTC\', "at") AS "at") FROM verdict')
        return verdicts, tuple(sorted(unseen, key=lambda one: (one.at, one.case, one.change))), out

    def _judged(self, frames: list[DataFrame], beside: list[Body]) -> DataFrame:
        """The frames and what is *beside* them, judged by partition."""
        everything = frames[0]
        for frame in (*frames[1:], self._frame(beside)):
            everything = everything.unionByName(frame)
        judging = tasks.Judging(
            has_evidence=self._has_evidence,
            everywhere=tuple(self._everywhere()),
            signals=bool(self._context.signals),
        )
        judge = partial(tasks.judge, run=self._run, judging=judging)
        return self._keep(everything.groupBy("part").applyInArrow(judge, MOVED))

    def _link(self, links: list[Body]) -> None:
        """Find the accounts that several names lead to, in logs, evidence and accounts: table `moved`, key to key."""
        con = self._con
        con.execute("CREATE OR REPLACE TEMP TABLE link (k VARCHAR, names VARCHAR[])")
        insert(con, "link", (body.body for body in links))
        con.execute("INSERT INTO link SELECT DISTINCT coalesce(list_min(target_keys), ''), target_keys FROM evidence")
        con.execute("INSERT INTO link SELECT min(name), list(DISTINCT name) FROM account GROUP BY account")
        moved = united(keys for (keys,) in con.execute(LINKS).fetchall())
        con.complete()
        con.register("told", pa.table({"k": list(moved), "rep": list(moved.values())}, schema=_PAIRS))
        con.execute("CREATE OR REPLACE TEMP TABLE moved AS FROM told")
        con.unregister("told")
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE home AS SELECT evidence, coalesce(moved.rep, k) AS rep
            FROM (SELECT evidence, coalesce(list_min(target_keys), '') AS k FROM evidence) LEFT JOIN moved USING (k)
            """
        )

    def _beside(self, parts: int, *, again: bool = False) -> list[Body]:
        """Evidence and accounts, where the records of the same account are; *again* for those in `wanted`."""
        con, values = self._con, {"parts": parts}
        of_rep = PART.replace("moved.rep, k", "rep")
        chosen = "SEMI JOIN wanted USING (rep)" if again else ""
        of_those = "WHERE coalesce(moved.rep, k) IN (SELECT rep FROM wanted)" if again else ""
        found = arrow(
            con,
            f"SELECT evidence.*, {of_rep} AS part FROM evidence JOIN home USING (evidence) {chosen} ORDER BY part",
            values,
        )
        made = list(tasks.parted(found, "evidence"))
        if again:
            made += tasks.parted(arrow(con, "FROM foreign_case ORDER BY part"), "evidence")
        found = arrow(
            con,
            f"SELECT account.*, {PART} AS part FROM account JOIN (SELECT account, min(name) AS k FROM account GROUP BY account) "
            f"USING (account) LEFT JOIN moved USING (k) {of_those} ORDER BY part",
            values,
        )
        return [*made, *tasks.parted(found, "account")]

    def _everywhere(self) -> Iterator[tuple[str, bytes]]:
        """What is small and may concern any event."""
        con = self._con
        queries = {
            # Executors are known by their name in any case: a row of evidence that is for nobody says them all.
            "evidence": "SELECT list(DISTINCT name) AS principal_keys, CAST([] AS VARCHAR[]) AS target_keys, "
            "CAST([] AS VARCHAR[]) AS effects, -1 AS evidence FROM (SELECT unnest(principal_keys) AS name FROM evidence)",
            "account": "FROM account WHERE shared OR status = 'leaver'",
            "gap": "FROM gap",
            "declared": "FROM declared",
            "seen": "FROM seen",
        }
        for name, query in queries.items():
            for body in packed(con, query):
                yield name, body

    def _elsewhere(self, told: dict[str, list[Body]]) -> bytes | None:
        """Accounts that are judged again, with cases of others that were open: tables `wanted` and `foreign_case`."""
        con = self._con
        if not create(con, "alone", (body.body for body in told.get("alone", ()))):
            return None
        con.execute("CREATE OR REPLACE TEMP TABLE claimed (evidence BIGINT)")
        insert(con, "claimed", (body.body for body in told.get("claim", ())))
        values = {"parts": self._parts}
        of_case, of_event = (PART.replace("moved.rep, k", f"{whose}.rep") for whose in ("home", "acting"))
        # Hours are enough to find them by: which of them were open then, the verdict's own SQL says.
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE near AS
            WITH acting AS (
                SELECT rep, name, unnest(range(
                    CAST(floor((epoch("time") - epoch(lag)) / 3600) AS BIGINT),
                    CAST(floor((epoch("time") + epoch(lag)) / 3600) AS BIGINT) + 1
                )) AS hour
                FROM (
                    SELECT coalesce(moved.rep, k) AS rep, "time", lag, unnest(actor_keys) AS name
                    FROM alone LEFT JOIN moved USING (k)
                    WHERE "time" > TIMESTAMPTZ '1971-01-01 00:00:00+00' AND "time" < TIMESTAMPTZ '9999-01-01 00:00:00+00'
                )
            ),
            open_case AS (
                SELECT evidence, name, unnest(range(
                    CAST(floor(epoch(started) / 3600) AS BIGINT), CAST(floor(epoch(until) / 3600) AS BIGINT) + 1
                )) AS hour
                FROM (
                    SELECT evidence, unnest(principal_keys) AS name, started,
                        least(coalesce(ended, expires), started + INTERVAL 7 DAYS) AS until
                    FROM evidence WHERE started IS NOT NULL
                )
            )
            SELECT DISTINCT acting.rep, open_case.evidence, {of_event} AS part, {of_case} AS home
            FROM acting JOIN open_case USING (name, hour) JOIN home USING (evidence)
            """,
            values,
        )
        con.execute("CREATE OR REPLACE TEMP TABLE wanted AS SELECT DISTINCT rep FROM near WHERE part <> home")
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE foreign_case AS
            SELECT evidence.* REPLACE (
                CASE WHEN claimed.evidence IS NULL THEN effects ELSE [] END AS effects, [] AS target_keys
            ), part
            FROM (SELECT DISTINCT near.evidence, near.part, near.part = near.home AS is_home FROM near SEMI JOIN wanted USING (rep)) AS near
            JOIN evidence USING (evidence)
            LEFT JOIN (SELECT DISTINCT evidence FROM claimed) AS claimed ON claimed.evidence = evidence.evidence
            -- What is of an account that is judged there again is there, and nothing is there twice.
            WHERE NOT (near.is_home AND evidence.evidence IN (SELECT home.evidence FROM home SEMI JOIN wanted USING (rep)))
            """
        )
        row = con.execute("SELECT count(*) FROM wanted").fetchone()
        return _whole(con, "FROM wanted") if row is not None and row[0] else None

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
        whole = tuple(signal for signal in able if signal.keyed == "whole")
        over_log = [signal for signal in whole if {"happened", "signed_in"} & set(signal.needs)]
        looking = tasks.Looking(
            whose=_whole(con, "FROM whose"),
            everywhere=tuple((name, body) for name in ("declared", "gap") for body in packed(con, f"FROM {name}")),
            again=None,
            keys=tuple(sorted({tasks.key_of(signal) for signal in keyed})),
            parts=self._parts,
            whole=bool(over_log),
            whole_signed_in=any("signed_in" in signal.needs for signal in whole),
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
        return in_order((*hits, *(hit for signal in whole for hit in hits_of(con, signal))))

    # -- frames

    def _keep(self, frame: DataFrame) -> DataFrame:
        from pyspark import StorageLevel

        self._kept.append(frame.persist(StorageLevel.MEMORY_AND_DISK))
        return frame

    def _frame(self, bodies: list[Body]) -> DataFrame:
        return self._spark.createDataFrame(pa.Table.from_batches([batch(*bodies)]), MOVED)


_PAIRS = pa.schema([("k", pa.string()), ("rep", pa.string())])


def _whole(con: duckdb.DuckDBPyConnection, query: str) -> bytes:
    """All rows of *query* in one body, even if there are none."""
    return pack(arrow(con, query))


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
