"""One moment of the ledger's database, to read all of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select

from watchword.ledger import holdings, sweep
from watchword.ledger import tables as t
from watchword.ledger.entry import Retention
from watchword.ledger.rows import effect_row, entry_row, head, of, only, typed
from watchword.ledger.store import EffectRow, EntryRow, Joined, KeyRow, PayloadRow, RawRow

_CHUNK = 2000
_NAMED = 500  # ids in one question: a database takes only so many parameters
_key, _payload = t.data_key.c, t.payload.c
_KEYLESS = (
    select(_payload.commitment, _payload.key)
    .join_from(
        t.payload,
        t.data_key,
        and_(_key.id == _payload.key, _key.stream == _payload.stream, _key.retention == _payload.retention),
        isouter=True,
    )
    .where(_key.id.is_(None))
    .limit(1)
)
_STRAY_KEY = (
    select(_key.id, _key.stream)
    .where(
        or_(
            _key.retention.not_in([each.value for each in Retention]),
            ~exists().where(t.entry.c.stream == _key.stream),
        )
    )
    .limit(1)
)


class SqlSnapshot:
    """The database as it stood when its transaction began."""

    def __init__(self, connection: Connection, cursors: ExitStack) -> None:
        self._connection = connection
        self._cursors = cursors
        self.head = only(head, connection.execute(select(t.head)))

    def entries(self, start: int = 0) -> Iterator[EntryRow]:
        """Every entry row whose index is *start* or more, and for 0 also any below it, in index order."""
        query = select(t.entry).order_by(t.entry.c.idx)
        if start:
            query = query.where(t.entry.c.idx >= start)
        return typed(entry_row, self._rows(query))

    def joined(self) -> Generator[Joined]:
        """Every entry row in index order, thousands at a time, up to the first that is not as a row has to be."""
        return sweep.joined(self._connection)

    def sweep(self, start: int = 0) -> Iterator[Sequence[RawRow]]:
        """Every entry row whose index is *start* or more, and for 0 also any below it, in index order, as it is."""
        return sweep.entries(self._connection, start)

    def carried(self) -> Iterator[Sequence[tuple[str, str]]]:
        """The commitment and stream of every payload row, some at a time."""
        return sweep.carried(self._connection)

    def keyless(self) -> tuple[str, str] | None:
        """The commitment and key of a payload whose key is not there, or is for another stream or class."""
        found = self._connection.execute(_KEYLESS).first()
        return None if found is None else (str(found.commitment), str(found.key))

    def stray_key(self) -> tuple[str, str] | None:
        """The id and stream of a data key whose stream has no entry, or whose class does not exist."""
        found = self._connection.execute(_STRAY_KEY).first()
        return None if found is None else (str(found.id), str(found.stream))

    def keys_among(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of *ids* that have a data key."""
        key = t.data_key.c.id
        parts = (ids[at : at + _NAMED] for at in range(0, len(ids), _NAMED))
        found = (self._connection.execute(select(key).where(key.in_(part))).scalars() for part in parts)
        return frozenset(chain.from_iterable(found))

    def key_count(self) -> int:
        """How many data keys there are."""
        return int(self._connection.execute(select(func.count()).select_from(t.data_key)).scalar_one())

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
