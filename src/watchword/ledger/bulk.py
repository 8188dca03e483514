"""The writes that every append pays for, in the quickest spelling of each database, below SQLAlchemy's expressions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol, cast

import psycopg
from sqlalchemy import Connection

from watchword.ledger.entry import format_time
from watchword.ledger.store import Batch, EffectRow, KeyRow, PayloadRow, Prepared

ENTRY = "entry (idx, stream, version, type, bytes, leaf)"
PAYLOAD = "payload (commitment, stream, name, retention, key, sealed)"
KEY = "data_key (id, stream, retention, wrapped, wrapped_by, made_at)"
EFFECT = "effect (id, stream, kind, due_at, state, attempts, asked_by)"
"""The tables with their columns, in the order of the values below."""


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
            f"INSERT INTO {ENTRY} VALUES (?, ?, ?, ?, ?, ?)",
            entry_values(old, entries),
        )

    def payloads(self, connection: Connection, rows: Sequence[PayloadRow]) -> None:
        """Insert *rows*."""
        _sqlite(connection).executemany(
            f"INSERT INTO {PAYLOAD} VALUES (?, ?, ?, ?, ?, ?)", [payload_values(row) for row in rows]
        )

    def keys(self, connection: Connection, rows: Sequence[KeyRow]) -> None:
        """Insert *rows*."""
        _sqlite(connection).executemany(
            f"INSERT INTO {KEY} VALUES (?, ?, ?, ?, ?, ?)", [key_values(row) for row in rows]
        )

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
            (*head_values(batch, note), batch.old),
        ).fetchall()
        if not moved:
            return None
        driver.execute("INSERT INTO checkpoint (size, note) VALUES (?, ?)", (batch.size, note))
        return int(moved[0][0])


class PostgresBulk:
    """Binary COPY for the rows; one statement for the head and its checkpoint, to save a round trip."""

    def entries(self, connection: Connection, old: int, entries: Sequence[Prepared]) -> None:
        """Insert *entries* from the index *old* on."""
        _copy(connection, ENTRY, ("int8", "text", "int8", "text", "bytea", "bytea"), entry_values(old, entries))

    def payloads(self, connection: Connection, rows: Sequence[PayloadRow]) -> None:
        """Insert *rows*."""
        _copy(
            connection,
            PAYLOAD,
            ("text", "text", "text", "text", "text", "bytea"),
            [payload_values(row) for row in rows],
        )

    def keys(self, connection: Connection, rows: Sequence[KeyRow]) -> None:
        """Insert *rows*."""
        _copy(connection, KEY, ("text", "text", "text", "bytea", "text", "text"), [key_values(row) for row in rows])

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
                (*head_values(batch, note), batch.old, note),
                prepare=True,
            )
            .fetchone()
        )
        return None if moved is None else int(moved[0])


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


def entry_values(old: int, entries: Sequence[Prepared]) -> list[tuple[int, str, int, str, bytes, bytes]]:
    """The columns of *entries* from the index *old* on."""
    return [
        (seq, prepared.entry.stream, prepared.entry.version, prepared.entry.type, prepared.raw, prepared.leaf)
        for seq, prepared in enumerate(entries, old)
    ]


def payload_values(row: PayloadRow) -> tuple[str, str, str, str, str, bytes]:
    """The columns of a payload."""
    return row.commitment, row.stream, row.name, row.retention.value, row.key, row.sealed


def key_values(row: KeyRow) -> tuple[str, str, str, bytes, str, str]:
    """The columns of a data key."""
    return row.id, row.stream, row.retention.value, row.wrapped, row.wrapped_by, format_time(row.made_at)


def effect_values(row: EffectRow) -> tuple[str, str, str, str, str, int, int | None]:
    """The columns of an effect that is due."""
    due_at = format_time(row.due_at.replace(microsecond=row.due_at.microsecond // 1000 * 1000))
    return row.id, row.stream, row.kind, due_at, row.state.value, row.attempts, row.asked_by


def head_values(batch: Batch, note: str) -> tuple[int, bytes, str | None, str]:
    """The columns of the head once *batch* is written."""
    return batch.size, batch.root, None if batch.last_at is None else format_time(batch.last_at), note
