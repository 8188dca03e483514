"""Rows of the ledger's tables as values, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Row

from watchword.core.errors import Corrupt, Unavailable
from watchword.core.ids import Seq
from watchword.ledger.engines import REMEDY_DAMAGED
from watchword.ledger.store import EffectRow, EffectState, EntryRow, Head

T = TypeVar("T")


def typed(read: Callable[[Row[Any]], T], rows: Iterable[Row[Any]]) -> Iterator[T]:
    """Yield each row as its value; a column that holds what it never can is damage, not a bug."""
    try:
        for row in rows:
            yield read(row)
    except (TypeError, ValueError) as error:
        raise Corrupt(f"A row holds a value of the wrong kind: {error}.", REMEDY_DAMAGED) from error


def only(read: Callable[[Row[Any]], T], rows: Iterable[Row[Any]]) -> T:
    """Return the value of the row that only a database with a ledger has; `Unavailable` without one."""
    for value in typed(read, rows):
        return value
    raise Unavailable("The database holds no ledger.", "Run `watchword init`.")


def of(kind: type[T], value: object) -> T:
    """Return *value*; raise `TypeError` when SQLite, which keeps anything anywhere, kept something else there."""
    if isinstance(value, kind):
        return value
    raise TypeError(f"{value!r} stands where {kind.__name__} belongs")


def top(row: Row[Any]) -> tuple[Head, int]:
    """The head row with the highest index, -1 for none."""
    return head(row), -1 if row.top is None else of(int, row.top)


def head(row: Row[Any]) -> Head:
    """The head row."""
    return Head(size=of(int, row.size), root=bytes(row.root), last_at=row.last_at, note=of(str, row.note))


def entry_row(row: Row[Any]) -> EntryRow:
    """An entry row."""
    return EntryRow(
        seq=of(int, row.idx),
        stream=row.stream,
        version=row.version,
        type=row.type,
        raw=bytes(row.bytes),
        leaf=bytes(row.leaf),
    )


def effect_values(row: EffectRow) -> dict[str, Any]:
    """An effect row, to be written."""
    return {
        "id": row.id,
        "stream": row.stream,
        "kind": row.kind,
        "due_at": row.due_at,
        "state": row.state.value,
        "lease_owner": row.lease_owner,
        "lease_until": row.lease_until,
        "attempts": row.attempts,
        "asked_by": row.asked_by,
    }


def effect_row(row: Row[Any]) -> EffectRow:
    """An effect row, as it was read."""
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
