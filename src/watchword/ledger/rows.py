"""Rows of the database as values, one by one or all of them as of one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select, text

from watchword.core.errors import Corrupt, Unavailable
from watchword.core.ids import Seq
from watchword.ledger import holdings, sweep
from watchword.ledger import tables as t
from watchword.ledger.engines import REMEDY_DAMAGED
from watchword.ledger.store import EffectRow, EffectState, EntryRow, Head, KeyRow, PayloadRow, RawRow

T = TypeVar("T")

_CHUNK = 2000
_SOUND = text("PRAGMA integrity_check(1)")


def typed(read: Callable[[Row[Any]], T], rows: Iterable[Row[Any]]) -> Iterator[T]:
    """Yield each row as its value; a column that holds what it never can is damage, not a bug."""
    try:
        for row in rows:
            yield read(row)
    except (TypeError, ValueError) as error:
        raise Corrupt(f"A row holds a value of the wrong kind: {error}.", REMEDY_DAMAGED) from error


def only(read: Callable[[Row[Any]], T], rows: Iterable[Row[Any]]) -> T:
    """Return the value of the row that only a database with a ledger has."""
    for value in typed(read, rows):
        return value
    raise Unavailable("The database holds no ledger.", "Run `watchword init`.")


def of(kind: type[T], value: object) -> T:
    """Return *value*; raise `TypeError` when SQLite, which keeps anything anywhere, kept something else there."""
    if isinstance(value, kind):
        return value
    raise TypeError(f"{value!r} stands where {kind.__name__} belongs")


def top(row: Row[Any]) -> tuple[Head, int]:
    """The head with the highest entry index, -1 for none."""
    return head(row), -1 if row.top is None else of(int, row.top)


def head(row: Row[Any]) -> Head:
    """A row of the head table."""
    return Head(size=of(int, row.size), root=bytes(row.root), last_at=row.last_at, note=of(str, row.note))


def entry_row(row: Row[Any]) -> EntryRow:
    """A row of the entry table."""
    return EntryRow(
        seq=of(int, row.idx),
        stream=row.stream,
        version=row.version,
        type=row.type,
        raw=bytes(row.bytes),
        leaf=bytes(row.leaf),
    )


def effect_row(row: Row[Any]) -> EffectRow:
    """A row of the effect table."""
    return EffectRow(
        id=row.id,
        stream=row.stream,
        kind=row.kind,
        due_at=row.due_at,
        state=EffectState(row.state),
        lease_owner=row.lease_owner,
        lease_until=row.lease_until,
        attempts=row.attempts,
        asked_by=None if row.asked_by is None else Seq(row.asked_by),
    )


class SqlSnapshot:
    """The database as it stood when its transaction began."""

    def __init__(self, connection: Connection, cursors: ExitStack) -> None:
        self._connection = connection
        self._cursors = cursors
        self.head = only(head, connection.execute(select(t.head)))

    def demand_sound(self) -> None:
        """Raise `Corrupt` when an index or a page is damaged: a row might be there, and not be found.

        SQLite alone: PostgreSQL has tools of its own for that (amcheck, data checksums).
        """
        if self._connection.dialect.name == "sqlite":
            said = self._connection.execute(_SOUND).scalars().all()
            if said != ["ok"]:
                raise Corrupt(f"The database file is damaged: {', '.join(map(str, said))}.", REMEDY_DAMAGED)

    def entries(self, start: int = 0) -> Iterator[EntryRow]:
        """Every entry row whose index is *start* or more, and for 0 also any below it, in index order."""
        query = select(t.entry).order_by(t.entry.c.idx)
        if start:
            query = query.where(t.entry.c.idx >= start)
        return typed(entry_row, self._rows(query))

    def sweep(self) -> Iterator[Sequence[RawRow]]:
        """Every entry row in index order, some at a time, as the database gives them."""
        return sweep.entries(self._connection)

    def carried(self) -> Iterator[Sequence[tuple[str, str]]]:
        """The commitment and stream of every payload row, some at a time."""
        return sweep.carried(self._connection)

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """Every stored (size, note), in order of size."""
        rows = self._rows(select(t.checkpoint).order_by(t.checkpoint.c.size))
        return typed(lambda row: (of(int, row.size), of(str, row.note)), rows)

    def payloads(self) -> Iterator[PayloadRow]:
        """Every payload row."""
        rows = self._rows(select(t.payload).order_by(t.payload.c.commitment))
        return typed(holdings.payload_row, rows)

    def data_keys(self) -> Iterator[KeyRow]:
        """Every wrapped data key."""
        return typed(holdings.key_row, self._rows(select(t.data_key).order_by(t.data_key.c.id)))

    def effects(self) -> Iterator[EffectRow]:
        """Every effect row."""
        return typed(effect_row, self._rows(select(t.effect).order_by(t.effect.c.id)))

    def _rows(self, query: Any) -> Iterator[Any]:
        streaming = self._connection.execution_options(yield_per=_CHUNK)
        rows = streaming.execute(query)
        self._cursors.callback(rows.close)
        return iter(rows)
