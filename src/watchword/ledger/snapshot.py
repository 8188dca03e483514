"""One moment of the ledger's database, to read all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection, select

from watchword.core.errors import Unavailable
from watchword.ledger import holdings, sweep
from watchword.ledger import tables as t
from watchword.ledger.rows import effect_row, entry_row, head, typed
from watchword.ledger.store import EffectRow, EntryRow, KeyRow, PayloadRow, RawRow

_CHUNK = 2000


class SqlSnapshot:
    """The database as it stood when its transaction began."""

    def __init__(self, connection: Connection, cursors: ExitStack) -> None:
        self._connection = connection
        self._cursors = cursors
        row = connection.execute(select(t.head)).one_or_none()
        if row is None:
            raise Unavailable("The database holds no ledger.", "Run `watchword init`.")
        self.head = head(row)

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
        return typed(lambda row: (int(row.size), str(row.note)), rows)

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
