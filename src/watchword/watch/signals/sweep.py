"""All signals over what a correlation holds, once its verdicts are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import duckdb
import msgspec

from watchword.core.activity import ACTIVITY
from watchword.core.errors import Invalid
from watchword.watch.signals import SHIPPED, Hit, Signal, Value

_REQUIRED = ("event", "target", "actor", "time")
_KNOWN = ("account", "caller", "vendor", "unit", "case")


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """The *hits*, by time; and the names of signals that could not look, since a table they need was not given."""

    hits: tuple[Hit, ...]
    blind: tuple[str, ...] = ()


def sweep(
    con: duckdb.DuckDBPyConnection, signals: Iterable[Signal], activity: Path | None = None, *, has_evidence: bool
) -> Swept:
    """Run *signals* after `correlation.judge`; *activity* is the folder of the desk's activity table.

    `Invalid` for a signal whose SQL fails, and for an activity table of another schema.
    """
    prepare(con, activity)
    able, blind = sighted(signals, activity, has_evidence=has_evidence)
    return Swept(hits=in_order(hit for signal in able for hit in hits_of(con, signal)), blind=blind)


def sweep_beside(
    cons: Sequence[duckdb.DuckDBPyConnection],
    signals: Iterable[Signal],
    activity: Path | None = None,
    *,
    has_evidence: bool,
) -> Swept:
    """As `sweep`, all of it prepared, over several connections to the same tables at once."""
    able, blind = sighted(signals, activity, has_evidence=has_evidence)
    # Shared: a signal goes to whichever connection is free.
    left = iter(able)

    def looked(con: duckdb.DuckDBPyConnection) -> list[Hit]:
        return [hit for signal in left for hit in hits_of(con, signal)]

    with ThreadPoolExecutor(max(len(cons) - 1, 1)) as pool:
        others = [pool.submit(looked, con) for con in cons[1:]]
        hits = looked(cons[0])
        return Swept(hits=in_order((*hits, *chain.from_iterable(other.result() for other in others))), blind=blind)


def sighted(
    signals: Iterable[Signal], activity: Path | None, *, has_evidence: bool
) -> tuple[tuple[Signal, ...], tuple[str, ...]]:
    """Those of *signals* that can look at what was given, and the names of the others."""
    given = {"happened", "signed_in", *(("evidence",) if has_evidence else ()), *(("activity",) if activity else ())}
    signals = tuple(signals)
    able = tuple(signal for signal in signals if set(signal.needs) <= given)
    return able, tuple(signal.name for signal in signals if signal not in able)


def in_order(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """*hits* by time, whatever the order they were found in."""
    return tuple(sorted(hits, key=lambda hit: (hit.at, hit.signal, hit.id)))


def prepare(con: duckdb.DuckDBPyConnection, activity: Path | None = None) -> None:
    """Make and fill the tables that signals read."""
    prepare_accounts(con)
    prepare_events(con, activity)


def prepare_accounts(con: duckdb.DuckDBPyConnection) -> None:
    """Make these tables, and fill what takes no verdicts: after `correlation.fold`."""
    for name in ("tables", "whose", "fill_signed_in"):
        con.execute(shipped(name))


def prepare_events(con: duckdb.DuckDBPyConnection, activity: Path | None = None) -> None:
    """Fill the others."""
    con.execute(shipped("fill"))
    unseen = (SHIPPED.parent / "sql" / "unseen.sql").read_text(encoding="utf-8")
    con.execute(f'INSERT INTO unseen SELECT "case", ticket, native_id, change, timezone(\'UTC\', "at") FROM ({unseen})')
    read_activity(con, activity)


def read_activity(con: duckdb.DuckDBPyConnection, activity: Path | None) -> None:
    """Fill the table `activity` from the folder of the desk's, if there is one; `Invalid` for another schema."""
    files = sorted(activity.glob("*.parquet")) if activity and activity.is_dir() else []
    columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in ACTIVITY)
    if files:
        try:
            con.execute(
                f"CREATE OR REPLACE TEMP TABLE told AS SELECT {columns} FROM read_parquet($files)",
                {"files": [str(file) for file in files]},
            )
        except duckdb.Error as error:
            raise Invalid(
                f"This is no activity table: {str(error).splitlines()[0]}.",
                "Give the folder that the desk writes.",
                where=str(activity),
            ) from error
        con.execute(shipped("fill_activity"))


def hits_of(con: duckdb.DuckDBPyConnection, signal: Signal) -> tuple[Hit, ...]:
    """The hits of one signal on the tables as they are; `Invalid` where its SQL fails."""
    try:
        cursor = con.execute(
            'SELECT to_json(hit) FROM (SELECT * REPLACE (strftime("time", \'%Y-%m-%dT%H:%M:%S.%fZ\') AS "time") '
            f"FROM ({signal.query})) AS hit",
            {name: _bound(value) for name, value in signal.parameters.items()},
        )
        rows = [msgspec.json.decode(text, type=dict[str, object]) for (text,) in cursor.fetchall()]
        governed = _governed(con, {str(row["event"]) for row in rows if row.get("event") is not None})
    except duckdb.Error as error:
        raise Invalid(
            f"The signal {signal.name} can not be run: {str(error).splitlines()[0]}",
            "Correct its SQL; docs/watch/signals.md has the tables.",
            where=str(signal.file),
        ) from error
    return tuple(_hit(signal, row, governed) for row in rows)


def _governed(con: duckdb.DuckDBPyConnection, events: set[str]) -> frozenset[object]:
    """Those of *events* that were done for a case."""
    if not events:
        return frozenset()
    query = "SELECT id FROM happened WHERE verdict = 'verified' AND id IN (SELECT unnest($ids))"
    return frozenset(id_ for (id_,) in con.execute(query, {"ids": sorted(events)}).fetchall())


def _bound(value: Value) -> object:
    """*value* as DuckDB takes it; a table is a MAP to it, not a STRUCT."""
    return {"key": list(value), "value": list(value.values())} if isinstance(value, dict) else value


def _hit(signal: Signal, row: dict[str, object], governed: frozenset[object]) -> Hit:
    if missing := [column for column in _REQUIRED if column not in row]:
        raise Invalid(
            f"The signal {signal.name} gives no column {missing[0]!r}.",
            "A hit has event, target, actor and time.",
            where=str(signal.file),
        )
    silent = {column for column in (*_REQUIRED, *_KNOWN) if f"{{{column}}}" not in signal.says}
    facts = tuple((k, _said(v)) for k, v in row.items() if k not in silent and v is not None)
    known = {column: _said(row[column]) for column in ("event", *_KNOWN) if row.get(column) is not None}
    return msgspec.convert(
        {
            **known,
            "signal": signal.name,
            "title": signal.title,
            "severity": signal.severity,
            "event": row["event"],
            "target": row["target"] or "",
            "actor": row["actor"] or "",
            "at": row["time"],
            "says": signal.says,
            "facts": facts,
            "attack": signal.attack,
            "is_governed": row["event"] in governed,
        },
        Hit,
    )


def _said(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def shipped(name: str) -> str:
    """Our own SQL that makes or fills the tables of signals."""
    return (SHIPPED / f"{name}.sql").read_text(encoding="utf-8")
