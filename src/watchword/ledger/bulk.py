"""The writes that every append pays for, in the quickest spelling of each database, below SQLAlchemy's expressions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol, cast

import psycopg
from sqlalchemy import Connection

from watchword.ledger.entry import format_time
from watchword.ledger.store import Batch, EffectRow, KeyRow, PayloadRow, Prepared

_ENTRY = "entry (idx, stream, version, type, bytes, leaf)"
_PAYLOAD = "payload (commitment, stream, name, retention, key, sealed)"
_KEY = "data_key (id, stream, retention, wrapped, wrapped_by, made_at)"
_EFFECT = "effect (id, stream, kind, due_at, state, attempts, asked_by)"


class Bulk(Protocol):
    """Writes inside the transaction of the connection it is given; raises what the driver or SQLAlchemy raises."""

    def entries(self, connection: Connection, old: int, entries: Sequence[Prepared]) -> None:
        """Insert *entries* from the index *old* on."""

    def payloads(self, connection: Connection, rows: Sequence[PayloadRow]) -> None:
        """Insert *rows*."""

    def keys(self, connection: Connection, rows: Sequence[KeyRow]) -> None:
        """Insert *rows*."""

    def known(self, connection: Connection, keys: frozenset[str]) -> frozenset[str]:
        """Return those of *keys* that are stored."""

    def head(self, connection: Connection, batch: Batch, note: str) -> int | None:
        """Move the head from `batch.old` and file its checkpoint; return the highest index, -1 for none.

        Return None, with nothing filed, when the head was elsewhere.
        """


class SqliteBulk:
    """Prepared statements, run for many rows."""

    def entries(self, connection: Connection, old: int, entries: Sequence[Prepared]) -> None:
        """Insert *entries* from the index *old* on."""
        _sqlite(connection).executemany(
            f"INSERT INTO {_ENTRY} VALUES (?, ?, ?, ?, ?, ?)",
            _entries(old, entries),
        )

    def payloads(self, connection: Connection, rows: Sequence[PayloadRow]) -> None:
        """Insert *rows*."""
        _sqlite(connection).executemany(
            f"INSERT INTO {_PAYLOAD} VALUES (?, ?, ?, ?, ?, ?)", [_payload(row) for row in rows]
        )

    def keys(self, connection: Connection, rows: Sequence[KeyRow]) -> None:
        """Insert *rows*."""
        _sqlite(connection).executemany(f"INSERT INTO {_KEY} VALUES (?, ?, ?, ?, ?, ?)", [_key(row) for row in rows])

    def known(self, connection: Connection, keys: frozenset[str]) -> frozenset[str]:
        """Return those of *keys* that are stored."""
        marks = ", ".join("?" * len(keys))
        rows = _sqlite(connection).execute(f"SELECT id FROM data_key WHERE id IN ({marks})", tuple(keys))
        return frozenset(row[0] for row in rows)

    def head(self, connection: Connection, batch: Batch, note: str) -> int | None:
        """Move the head and file its checkpoint."""
        driver = _sqlite(connection)
        moved = driver.execute(
            "UPDATE head SET size = ?, root = ?, last_at = ?, note = ? WHERE size = ?"
            " RETURNING coalesce((SELECT max(idx) FROM entry), -1)",
            (*_head(batch, note), batch.old),
        ).fetchall()
        if not moved:
            return None
        driver.execute("INSERT INTO checkpoint (size, note) VALUES (?, ?)", (batch.size, note))
        return int(moved[0][0])


class PostgresBulk:
    """Binary COPY for the rows; one statement for the head and its checkpoint, to save a round trip."""

    def entries(self, connection: Connection, old: int, entries: Sequence[Prepared]) -> None:
        """Insert *entries* from the index *old* on."""
        _copy(connection, _ENTRY, ("int8", "text", "int8", "text", "bytea", "bytea"), _entries(old, entries))

    def payloads(self, connection: Connection, rows: Sequence[PayloadRow]) -> None:
        """Insert *rows*."""
        _copy(connection, _PAYLOAD, ("text", "text", "text", "text", "text", "bytea"), [_payload(row) for row in rows])

    def keys(self, connection: Connection, rows: Sequence[KeyRow]) -> None:
        """Insert *rows*."""
        _copy(connection, _KEY, ("text", "text", "text", "bytea", "text", "text"), [_key(row) for row in rows])

    def known(self, connection: Connection, keys: frozenset[str]) -> frozenset[str]:
        """Return those of *keys* that are stored."""
        query = "SELECT id FROM data_key WHERE id = ANY(%s)"
        return frozenset(row[0] for row in _postgres(connection).execute(query, (list(keys),), prepare=True))

    def head(self, connection: Connection, batch: Batch, note: str) -> int | None:
        """Move the head and file its checkpoint."""
        moved = (
            _postgres(connection)
            .execute(
                "WITH moved AS ("
                "UPDATE head SET size = %s, root = %s, last_at = %s, note = %s WHERE size = %s RETURNING size),"
                " filed AS (INSERT INTO checkpoint (size, note) SELECT size, %s FROM moved)"
                " SELECT coalesce((SELECT max(idx) FROM entry), -1) FROM moved",
                (*_head(batch, note), batch.old, note),
                prepare=True,
            )
            .fetchone()
        )
        return None if moved is None else int(moved[0])


def at_once(driver: psycopg.Connection, batch: Batch, note: str) -> bool:
    """Write *batch* in one statement that commits by itself; False, with nothing written, when its place is not free.

    For a batch that erases and settles nothing; a key that is gone, or an effect that exists, makes it False as well.
    One wait for the server and its disk instead of five.
    """
    reused = {row.key for row in batch.payloads} - {key.id for key in batch.keys}
    query, values = [_MOVE], [*_head(batch, note), batch.old]
    if reused:
        query.append(_IF_KNOWN)
        values += [list(reused), len(reused)]
    if batch.effects:
        query.append(_IF_NEW)
        values.append([effect.id for effect in batch.effects])
    query.append(_FILE)
    values.append(batch.old)
    for text, rows in (
        (_WRITE, [row[1:] for row in _entries(batch.old, batch.entries)]),
        (_KEEP_KEYS, [_key(row) for row in batch.keys]),
        (_KEEP_PAYLOADS, [_payload(row) for row in batch.payloads]),
        (_ASK, [_effect(row) for row in batch.effects]),
    ):
        if rows:
            query.append(text)
            values += [list(column) for column in zip(*rows, strict=True)]
    query.append(_SAY)
    return driver.execute("".join(query).encode(), values, prepare=True, binary=True).fetchone() is not None


_MOVE = (
    "WITH moved AS (UPDATE head SET size = %b, root = %b, last_at = %b, note = %b"
    " WHERE size = %b AND coalesce((SELECT max(idx) FROM entry), -1) = size - 1"
)
_IF_KNOWN = " AND (SELECT count(*) FROM data_key WHERE id = ANY(%b)) = %b"
_IF_NEW = " AND NOT EXISTS (SELECT 1 FROM effect WHERE id = ANY(%b))"
_FILE = (
    " RETURNING size, note), filed AS (INSERT INTO checkpoint (size, note) SELECT size, note FROM moved),"
    " old AS (SELECT %b::int8 AS size FROM moved)"
)
_WRITE = (
    f", written AS (INSERT INTO {_ENTRY} SELECT size + place - 1, stream, version, type, bytes, leaf"
    " FROM old, unnest(%b::text[], %b::int8[], %b::text[], %b::bytea[], %b::bytea[])"
    " WITH ORDINALITY AS made (stream, version, type, bytes, leaf, place))"
)
_KEEP_KEYS = (
    f", keyed AS (INSERT INTO {_KEY} SELECT made.* FROM old,"
    " unnest(%b::text[], %b::text[], %b::text[], %b::bytea[], %b::text[], %b::text[]) AS made)"
)
_KEEP_PAYLOADS = (
    f", kept AS (INSERT INTO {_PAYLOAD} SELECT made.* FROM old,"
    " unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[]) AS made)"
)
_ASK = (
    f", asked AS (INSERT INTO {_EFFECT} SELECT made.* FROM old,"
    " unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::int4[], %b::int8[]) AS made)"
)
_SAY = " SELECT size FROM moved"


def _sqlite(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _postgres(connection: Connection) -> psycopg.Connection:
    return cast("psycopg.Connection", connection.connection.driver_connection)


def _copy(connection: Connection, target: str, types: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    with (
        _postgres(connection).cursor() as cursor,
        cursor.copy(f"COPY {target} FROM STDIN (FORMAT BINARY)".encode()) as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _entries(old: int, entries: Sequence[Prepared]) -> list[tuple[object, ...]]:
    return [
        (seq, prepared.entry.stream, prepared.entry.version, prepared.entry.type, prepared.raw, prepared.leaf)
        for seq, prepared in enumerate(entries, old)
    ]


def _payload(row: PayloadRow) -> tuple[object, ...]:
    return row.commitment, row.stream, row.name, row.retention.value, row.key, row.sealed


def _key(row: KeyRow) -> tuple[object, ...]:
    return row.id, row.stream, row.retention.value, row.wrapped, row.wrapped_by, format_time(row.made_at)


def _effect(row: EffectRow) -> tuple[object, ...]:
    due_at = format_time(row.due_at.replace(microsecond=row.due_at.microsecond // 1000 * 1000))
    return row.id, row.stream, row.kind, due_at, row.state.value, row.attempts, row.asked_by


def _head(batch: Batch, note: str) -> tuple[object, ...]:
    return batch.size, batch.root, None if batch.last_at is None else format_time(batch.last_at), note
