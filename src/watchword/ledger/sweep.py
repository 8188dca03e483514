"""Every entry row of a database in the quickest way each has: a check of all of it can not pay for an object a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, cast

import psycopg
from sqlalchemy import Connection

from watchword.ledger.store import RawRow

_CHUNK = 1000
_ALL = "SELECT idx, stream, version, type, bytes, leaf FROM entry ORDER BY idx"


def sweep(connection: Connection) -> Iterator[list[RawRow]]:
    """Yield all rows in index order, some at a time, as of the transaction of *connection*."""
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        rows = cast("sqlite3.Connection", driver).execute(_ALL)
        while chunk := rows.fetchmany(_CHUNK):
            yield chunk
        return
    # A cursor of the server's: one of the client's would hold the whole ledger in memory.
    with psycopg.ServerCursor(cast("psycopg.Connection[Any]", driver), "sweep") as cursor:
        cursor.execute(_ALL, binary=True)
        while chunk := cursor.fetchmany(_CHUNK):
            yield chunk
