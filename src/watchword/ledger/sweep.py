"""Every entry row of a database in the quickest way each has: a check of all of it can not pay for an object a row.

Entries come joined: the database puts the columns of some thousand rows together, in a thread beside whoever checks the
thousands before. What can not be told apart in that form, or is not of the form it should have, is read row by row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import psycopg
from sqlalchemy import Connection

from watchword.ledger.entry import MAX_BYTES
from watchword.ledger.store import Joined, RawRow

_CHUNK = 200  # few enough to stay in the processor's cache while they are checked
_FETCH = 5 * _CHUNK  # a server is asked for more at once: each time costs a round trip
_JOINED = 5000  # one thread hands over to the other so rarely that neither waits for the interpreter
_EXTENT = "SELECT count(*), min(idx), max(idx) FROM entry"
_ENTRIES = "SELECT idx, stream, version, type, bytes, leaf FROM entry"
# A row with a value of another type, or a longer one than any may be, is left out: then they are fewer than they should
# be, and what was to be joined with it would not have fitted into memory, perhaps.
_SQLITE_JOINED = (
    "SELECT count(*), CAST(group_concat(CAST(bytes AS TEXT), char(10)) AS BLOB),"
    " CAST(group_concat(CAST(leaf AS TEXT), '') AS BLOB), CAST(group_concat(stream, char(10)) AS BLOB),"
    " CAST(group_concat(version, char(10)) AS BLOB), CAST(group_concat(type, char(10)) AS BLOB)"
    " FROM (SELECT * FROM entry WHERE idx >= ? AND idx < ?"
    " AND typeof(bytes) = 'blob' AND typeof(leaf) = 'blob' AND typeof(stream) = 'text' AND typeof(type) = 'text'"
    f" AND length(bytes) <= {MAX_BYTES} AND length(stream) <= {MAX_BYTES} AND length(type) <= {MAX_BYTES}"
    " AND length(leaf) = 32 AND typeof(version) = 'integer' ORDER BY idx)"
)
_POSTGRES_JOINED = (
    "SELECT count(*), string_agg(bytes, '\\x0a'), string_agg(leaf, ''),"
    " convert_to(string_agg(stream, chr(10)), 'UTF8'), convert_to(string_agg(version::text, chr(10)), 'UTF8'),"
    " convert_to(string_agg(type, chr(10)), 'UTF8')"
    " FROM (SELECT * FROM entry WHERE idx >= %s AND idx < %s"
    f" AND octet_length(bytes) <= {MAX_BYTES} AND octet_length(stream) <= {MAX_BYTES}"
    f" AND octet_length(type) <= {MAX_BYTES} AND octet_length(leaf) = 32 ORDER BY idx) AS found"
)
_CARRIED = "SELECT commitment, stream FROM payload"
_BINARY = {"prepare": True, "binary": True}


def entries(connection: Connection, start: int = 0) -> Iterator[list[RawRow]]:
    """Yield the entry rows from *start* on, for 0 also any below it, in index order, as of the transaction."""
    where = f" WHERE idx >= {start:d}" if start else ""
    return _swept(connection, f"{_ENTRIES}{where} ORDER BY idx")


def joined(connection: Connection) -> Generator[Joined]:
    """Yield all entry rows, joined, in index order, up to where one is not as a row has to be.

    Nothing at all where the indices are not dense from 0. *connection* is used in another thread until the last of
    them was asked for.
    """
    driver: Any = connection.connection.driver_connection
    query, options = (_SQLITE_JOINED, {}) if connection.dialect.name == "sqlite" else (_POSTGRES_JOINED, _BINARY)
    count, lowest, highest = driver.execute(_EXTENT).fetchone()
    if not count or lowest != 0 or highest != count - 1:
        return

    def ask(start: int) -> Joined:
        row = driver.execute(query, (start, start + _JOINED), **options).fetchone()
        return Joined(row[0], *((value or b"") for value in row[1:]))

    with ThreadPoolExecutor(1, "sweep") as beside:
        asked = beside.submit(ask, 0)
        for start in range(_JOINED, count + _JOINED, _JOINED):
            found = asked.result()
            if start < count:
                asked = beside.submit(ask, start)
            if found.count < min(_JOINED, count + _JOINED - start):
                return
            yield found


def carried(connection: Connection) -> Iterator[list[tuple[str, str]]]:
    """Yield the commitment and stream of all payload rows, some at a time."""
    return _swept(connection, _CARRIED)


def _swept(connection: Connection, query: str) -> Iterator[list[Any]]:
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        found = cast("sqlite3.Connection", driver).execute(query)
        while chunk := found.fetchmany(_CHUNK):
            yield chunk
        return
    # A cursor of the server's: one of the client's would hold the whole ledger in memory.
    with psycopg.ServerCursor(cast("psycopg.Connection[Any]", driver), "sweep") as cursor:
        cursor.execute(query.encode(), binary=True)
        while rows := cursor.fetchmany(_FETCH):
            for at in range(0, len(rows), _CHUNK):
                yield rows[at : at + _CHUNK]
