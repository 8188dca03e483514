"""One moment of the ledger's database, to read all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection, select, text

from watchword.core.errors import Corrupt
from watchword.ledger import holdings, sweep
from watchword.ledger import tables as t
from watchword.ledger.engines import REMEDY_DAMAGED
from watchword.ledger.rows import effect_row, entry_row, head, of, only, typed
from watchword.ledger.store import EffectRow, EntryRow, KeyRow, PayloadRow, RawRow

_CHUNK = 2000
_SOUND = text("PRAGMA integrity_check(1)")


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

    def carried(self) -> Iterator[Sequence[tuple[str, str, str, str]]]:
        """The commitment, stream, data key and retention class of every payload row, some at a time."""
        return sweep.carried(self._connection)

    def key_rows(self) -> Iterator[Sequence[tuple[str, str, str]]]:
        """The id, stream and retention class of every data key, some at a time."""
        return sweep.keys(self._connection)

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
