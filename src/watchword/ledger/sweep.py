"""Every entry row of a database in the quickest way each has: a check of all of it can not pay for an object a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, LiteralString, cast

import psycopg
from sqlalchemy import Connection

from watchword.ledger.store import RawRow

_CHUNK = 200  # few enough to stay in the processor's cache while they are checked
_FETCH = 5 * _CHUNK  # a server is asked for more at once: each time costs a round trip
_ENTRIES = "SELECT idx, stream, version, type, bytes, leaf FROM entry ORDER BY idx"
_CARRIED = "SELECT commitment, stream, key, retention FROM payload"
_KEYS = "SELECT id, stream, retention FROM data_key"


def entries(connection: Connection) -> Iterator[list[RawRow]]:
    """Yield all entry rows in index order, some at a time, as of the transaction of *connection*."""
    return _swept(connection, _ENTRIES)


def carried(connection: Connection) -> Iterator[list[tuple[str, str, str, str]]]:
    """Yield the commitment, stream, data key and retention class of all payload rows, some at a time."""
    return _swept(connection, _CARRIED)


def keys(connection: Connection) -> Iterator[list[tuple[str, str, str]]]:
    """Yield the id, stream and retention class of all data keys, some at a time."""
    return _swept(connection, _KEYS)


def _swept(connection: Connection, query: LiteralString) -> Iterator[list[Any]]:
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        found = cast("sqlite3.Connection", driver).execute(query)
        while chunk := found.fetchmany(_CHUNK):
            yield chunk
        return
    # A cursor of the server's: one of the client's would hold the whole ledger in memory.
    with psycopg.ServerCursor(cast("psycopg.Connection[Any]", driver), "sweep") as cursor:
        cursor.execute(query, binary=True)
        while rows := cursor.fetchmany(_FETCH):
            for at in range(0, len(rows), _CHUNK):
                yield rows[at : at + _CHUNK]
