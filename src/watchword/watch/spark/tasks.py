"""What Spark runs where the data is: each function is one task, over rows that are bodies, with a DuckDB of its own."""

from __future__ import annotations

import gc
import sys
import zipimport
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from watchword.core.errors import Invalid, Unavailable, WatchwordError
from watchword.watch import correlation
from watchword.watch.meter import Meter
from watchword.watch.providers import Feed, provider_named
from watchword.watch.reading import read_log
from watchword.watch.sieve import Tally
from watchword.watch.sigma import Rule, hits_in
from watchword.watch.signals import Signal
from watchword.watch.signals.sweep import hits_of, shipped
from watchword.watch.spark.keys import IDS, KEY, MACROS, PART
from watchword.watch.spark.rows import Body, arrow, batch, bodies_of, create, insert, packed, parted, table
from watchword.watch.spark.splits import Split, newlines, opened
from watchword.watch.unpacking import BOUNDED, Unpacking
from watchword.watch.unseen import unseen_changes
from watchword.watch.verdicts import Rejected

Batches = Iterator[pa.RecordBatch]

ASIDES = 1000
"""Rejected lines of one body."""


class FeedName(msgspec.Struct, frozen=True, kw_only=True):
    """A feed as it goes to where tasks run: its provider by name, and no files."""

    provider: str
    directory: str | None
    lag: timedelta | None
    unpacking: Unpacking = BOUNDED
    tenants: tuple[str, ...] = ()

    def feed(self) -> Feed:
        """The feed again."""
        return Feed(
            provider=provider_named(self.provider),
            directory=self.directory,
            lag=self.lag,
            unpacking=self.unpacking,
            tenants=self.tenants,
        )


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What all tasks of one run know: *memory* is DuckDB's share in each, *parts* is where records go that are read.

    Events before *since* are left out. The rest is as `correlation.set_up` takes it.
    """

    feeds: tuple[FeedName, ...]
    lag: timedelta | None
    signed_in: bool
    memory: str
    parts: int
    since: datetime | None = None

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A correlation of one thread."""
        settle()
        feeds = [name.feed() for name in self.feeds]
        with closing(correlation.connect(self.memory, 1)) as con:
            correlation.set_up(con, [feed.provider for feed in feeds], self.lag, feeds, signed_in=self.signed_in)
            con.execute(MACROS)
            yield con


def settle() -> None:
    """Spare this worker what it would do again for each task, two tenths of a second of it."""
    # It looks for rubbish after each task: among what the task made, and not in all that was imported.
    gc.freeze()
    # And before each it has every importer forget what it knows, for which those of Spark's archives read them anew;
    # one that is wanted again is made again, and knows what it knew.
    for path, importer in tuple(sys.path_importer_cache.items()):
        if isinstance(importer, zipimport.zipimporter):
            del sys.path_importer_cache[path]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What the reading of one split came to, how many rows were left out, and how many wait for what sign-ins say."""

    tally: Tally
    left_out: int
    native: int
    without_address: int
    without_country: int
    signed_in: int


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected line by its number within the split, why, and its beginning."""

    line: int
    reason: str
    text: str


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An error with its words, as it is told to whoever asked."""

    what: str
    remedy: str
    where: str
    is_unavailable: bool


def fault_of(error: WatchwordError, where: str = "") -> Body:
    """*error* as a row."""
    said = Fault(
        what=error.what,
        remedy=error.remedy,
        where=where or getattr(error, "where", ""),
        is_unavailable=isinstance(error, Unavailable),
    )
    return Body(kind="fault", body=msgspec.json.encode(said))


def telling(task: Callable[..., pa.Table]) -> Callable[..., pa.Table]:
    """*task* over one group, with an error of ours as its only row."""

    @wraps(task)
    def told(rows: pa.Table, **options: Any) -> pa.Table:
        try:
            return task(rows, **options)
        except (Invalid, Unavailable) as error:
            return table([fault_of(error)])

    return told


# -- reading


def read(batches: Batches, *, run: Run, splits: tuple[Split, ...], rules: tuple[Rule, ...]) -> Batches:
    """Numbers of splits in, what is in them out."""
    for numbers in batches:
        for number in numbers.column(0).to_pylist():
            for body in _read(run, splits[number], number, rules):
                yield batch(body)


def lines(batches: Batches, *, splits: tuple[Split, ...]) -> Batches:
    """Numbers of splits in, how many lines end in each out."""
    for numbers in batches:
        for number in numbers.column(0).to_pylist():
            yield batch(Body(kind="lines", split=number, body=msgspec.json.encode(newlines(splits[number]))))


def _read(run: Run, split: Split, number: int, rules: tuple[Rule, ...]) -> Iterator[Body]:
    feed, tally, asides = run.feeds[split.feed].feed(), Tally(), list[Aside]()

    def keep_aside(rejected: Rejected, text: str) -> None:
        asides.append(Aside(line=rejected.line, reason=rejected.reason, text=text))

    def bodies(kind: str, query: str) -> Iterator[Body]:
        return (Body(kind=kind, split=number, body=body) for body in packed(con, query))

    with run.connected() as con, opened(split) as log:
        try:
            read_log(con, feed, log.path, tally, keep_aside, Meter(tell=None, size=0))
            hits = hits_in(log.path, feed.provider, rules, memory=run.memory, threads=1, unpacking=feed.unpacking)
        except (Invalid, Unavailable) as error:
            yield fault_of(error, split.path)
            return
        left_out = 0 if run.since is None else correlation.forget(con, run.since)
        counts = con.execute(
            """
            SELECT
                count(*), count(*) FILTER (address IS NULL AND session IS NOT NULL),
                count(*) FILTER (country IS NULL AND coalesce(address, session) IS NOT NULL),
                (SELECT count(*) FROM sign_in)
            FROM native
            """
        ).fetchone()
        native, without_address, without_country, signed_in = counts or (0, 0, 0, 0)
        part = Part(
            tally=tally,
            left_out=left_out,
            native=native,
            without_address=without_address,
            without_country=without_country,
            signed_in=signed_in,
        )
        yield Body(kind="part", split=number, body=msgspec.json.encode(part))
        for begin in range(0, len(asides), ASIDES):
            yield Body(kind="aside", split=number, body=msgspec.json.encode(asides[begin : begin + ASIDES]))
        if hits:
            yield Body(kind="sigma", split=number, body=msgspec.json.encode(hits))
        yield from bodies(
            "seen",
            "SELECT provider, directory, native, CAST(sum(lines) AS BIGINT) AS lines, min(since) AS since, "
            "max(until) AS until FROM seen GROUP BY provider, directory, native",
        )
        yield from bodies("tenant", "FROM tenant")
        native = f"SELECT *, CAST(hash({KEY}) % $parts AS INTEGER) AS part FROM native ORDER BY part"
        for body in parted(arrow(con, native, {"parts": run.parts}), "native"):
            yield msgspec.structs.replace(body, split=number)
        yield from bodies("id", IDS)
        yield from bodies("link", 'SELECT DISTINCT key_of(target_keys, "target", actor) AS k, '
                          'names_of_event(target_keys, "target", actor) AS names FROM native')  # fmt: skip
        yield from bodies("sign_in", "FROM sign_in")
        if run.signed_in:
            yield from bodies(
                "user", 'SELECT DISTINCT provider, directory, "target", target_keys FROM sign_in WHERE "target" <> \'\''
            )


# -- what records of a change leave out and sign-ins say

_LACKS = {
    "session": "address IS NULL AND session IS NOT NULL",
    "address": "country IS NULL AND address IS NOT NULL",
}
_SAYS = {
    "session": "session IS NOT NULL AND address IS NOT NULL AND done",
    "address": "address IS NOT NULL AND (country IS NOT NULL OR asn IS NOT NULL)",
}


def asking(batches: Batches, *, key: str, parts: int) -> Batches:
    """Records that lack something, and sign-ins that may say it, each where the other of its *key* goes."""
    yield from _sorted_out(
        batches,
        {"native": f"WHERE {_LACKS[key]}", "sign_in": f"WHERE {_SAYS[key]}"},
        f'CAST(hash("{key}") % {parts} AS INTEGER)',
    )


def not_asking(batches: Batches, *, key: str) -> Batches:
    """The other records."""
    yield from _sorted_out(batches, {"native": f"WHERE ({_LACKS[key]}) IS NOT TRUE"}, "0")


@telling
def answer(rows: pa.Table, *, run: Run, key: str) -> pa.Table:
    """Records of one part with what its sign-ins say of them."""
    bodies = tuple(bodies_of(rows))
    with run.connected() as con:
        insert(con, "native", (b.body for b in bodies if b.kind == "native"))
        # By its session a record is given an address and no more: where that is, the whole log's sign-ins say.
        columns = "* REPLACE (NULL AS country, NULL AS asn)" if key == "session" else "*"
        insert(con, "sign_in", (b.body for b in bodies if b.kind == "sign_in"), columns)
        correlation.join_sign_ins(con)
        return table(Body(kind="native", body=body) for body in packed(con, "FROM native"))


# -- to the partition that judges


def route(batches: Batches, *, moved: bytes, parts: int, only: bytes | None = None) -> Batches:
    """Records, each for the partition of its target; of the accounts in *only* alone, where that is given."""
    with closing(_local()) as con:
        create(con, "moved", [moved])
        if only is not None:
            create(con, "wanted", [only])
        chosen = "" if only is None else "WHERE coalesce(moved.rep, k) IN (SELECT rep FROM wanted)"
        query = (
            f"SELECT keyed.* EXCLUDE (k), {PART} AS part FROM (SELECT *, {KEY} AS k FROM came) AS keyed "
            f"LEFT JOIN moved USING (k) {chosen}"
        )
        for body in _bodies(batches, "native"):
            yield from _by_part(con, body, query, {"parts": parts})


class Judging(msgspec.Struct, frozen=True, kw_only=True):
    """What is known in every partition: small tables as bodies, and whether there is evidence, or tickets, at all."""

    has_evidence: bool
    has_tickets: bool
    everywhere: tuple[tuple[str, bytes], ...]
    signals: bool


@telling
def judge(rows: pa.Table, *, run: Run, judging: Judging) -> pa.Table:
    """Records, evidence and accounts of one partition in, verdicts out, and what is left to be asked elsewhere."""
    bodies = tuple(bodies_of(rows))
    part = bodies[0].part
    with run.connected() as con:
        correlation.read_evidence(con, None)
        con.execute(
            "UPDATE setting SET has_evidence = $evidence, has_tickets = $tickets",
            {"evidence": judging.has_evidence, "tickets": judging.has_tickets},
        )
        for name, body in judging.everywhere:
            insert(con, name, [body])
        for kind, name in _JUDGED.items():
            insert(con, name, (b.body for b in bodies if b.kind == kind))
        correlation.decide(con)
        made = [Body(kind="verdict", part=part, body=body) for body in packed(con, "FROM verdict")]
        if unseen := unseen_changes(con):
            made.append(Body(kind="unseen", part=part, body=msgspec.json.encode(unseen)))
        wanted = {"claim": "SELECT evidence FROM claim", "alone": _ALONE} if judging.has_evidence else {}
        if judging.signals:
            wanted |= {
                "event": "FROM event",
                "party": 'SELECT DISTINCT provider, directory, "target", target_keys, actor, actor_keys FROM event',
            }
        made += [Body(kind=kind, part=part, body=body) for kind, query in wanted.items() for body in packed(con, query)]
    return table(made)


_JUDGED = {"native": "native", "shared": "shared_id", "evidence": "evidence", "account": "account"}

_ALONE = f"""
    SELECT id, actor_keys, directory, "time", lag, {KEY} AS k
    FROM event SEMI JOIN (SELECT id FROM verdict WHERE list_contains(reasons, 'no_released_case')) AS said USING (id)
"""
"""Events by an executor that no evidence here is for: whether its case for another account was open is asked of all."""


# -- signals


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """What signals need everywhere: *again* are ids judged once more, *keys* by which to part; *whole* or not."""

    whose: bytes | None
    everywhere: tuple[tuple[str, bytes], ...]
    again: bytes | None
    keys: tuple[str, ...]
    parts: int
    whole: bool
    whole_signed_in: bool


KEYS = {"subject": "subject", "actor": "actor", "address": "address", "directory": "provider || '|' || directory"}
"""By what a signal's key parts the rows of `happened`."""

WHOLE = -1
"""The part that is handed to whoever asked."""


def fill(batches: Batches, *, run: Run, looking: Looking) -> Batches:
    """Events with their verdicts, and sign-ins, as signals read them, each where its key goes."""
    with run.connected() as con:
        events, verdicts, sign_ins = list[bytes](), list[bytes](), list[bytes]()
        for rows in batches:
            for body in bodies_of(rows):
                for kind, kept in (("event", events), ("verdict", verdicts), ("sign_in", sign_ins)):
                    if body.kind == kind:
                        kept.append(body.body)
        if looking.whose is None or not (events or sign_ins):
            return
        con.execute(shipped("tables"))
        create(con, "whose", [looking.whose])
        insert(con, "sign_in", sign_ins)
        con.execute(shipped("fill_signed_in"))
        if events:
            create(con, "event", events)
            create(con, "verdict", verdicts)
            if looking.again is not None:
                create(con, "again", [looking.again])
                con.execute("DELETE FROM verdict WHERE id IN (SELECT id FROM again)")
            con.execute(shipped("fill"))
        for number, key in enumerate(looking.keys):
            at = f"CAST(hash({KEYS[key]}) % {looking.parts} AS INTEGER) + {number * looking.parts}"
            yield from _tables(con, at, signed_in=key == "subject")
        if looking.whole:
            yield from _tables(con, str(WHOLE), signed_in=looking.whole_signed_in)


def _tables(con: duckdb.DuckDBPyConnection, at: str, *, signed_in: bool) -> Batches:
    for name in ("happened", "signed_in")[: 1 + signed_in]:
        found = arrow(con, f"SELECT *, {at} AS part FROM {name} ORDER BY part")
        for body in parted(found, name):
            yield batch(body)


@telling
def look(rows: pa.Table, *, run: Run, looking: Looking, signals: tuple[Signal, ...]) -> pa.Table:
    """The hits in the rows of one key; rows of no key are handed on."""
    bodies = tuple(bodies_of(rows))
    part = bodies[0].part
    if part == WHOLE:
        return table(bodies)
    key = looking.keys[part // looking.parts]
    with run.connected() as con:
        con.execute(shipped("tables"))
        for name, body in looking.everywhere:
            insert(con, name, [body])
        for name in ("happened", "signed_in"):
            insert(con, name, (b.body for b in bodies if b.kind == name))
        hits = [hit for signal in signals if key_of(signal) == key for hit in hits_of(con, signal)]
    return table([Body(kind="hit", part=part, body=msgspec.json.encode(hits))] if hits else ())


def key_of(signal: Signal) -> str:
    """By what the rows of *signal* are parted: those that stand for themselves go along with their account's."""
    return "subject" if signal.keyed == "event" else signal.keyed


# -- rows


def _local() -> duckdb.DuckDBPyConnection:
    settle()
    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(MACROS)
    return con


def _bodies(batches: Batches, kind: str) -> Iterator[Body]:
    return (body for rows in batches for body in bodies_of(rows) if body.kind == kind)


def _sorted_out(batches: Batches, wheres: dict[str, str], at: str) -> Batches:
    with closing(_local()) as con:
        for rows in batches:
            for body in bodies_of(rows):
                if (where := wheres.get(body.kind)) is not None:
                    yield from _by_part(con, body, f"SELECT *, {at} AS part FROM came {where}", {})


def _by_part(con: duckdb.DuckDBPyConnection, body: Body, query: str, values: dict[str, Any]) -> Batches:
    """The rows of *query* over those of *body*, by their column `part`."""
    create(con, "came", [body.body])
    for made in parted(arrow(con, f"FROM ({query}) ORDER BY part", values), body.kind):
        yield batch(made)
