"""Prepared statements straight through libpq: for what every append and every look pays.

psycopg's cursors adapt each value and wait in Python, at several times the cost of the statement itself. Values come as
the bytes that PostgreSQL's binary format has for them: text and bytea as they are, an integer big-endian.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, pq

TEXT, BYTEA, INT4, INT8, TEXTS = 25, 17, 23, 20, 1009
"""Ids of PostgreSQL's types (pg_type); `TEXTS` is an array of text."""

Value = tuple[int, bytes | None]
"""A type's id, and the value's bytes; None for NULL."""

_NUMBERS = count()
_BINARY = pq.Format.BINARY
_NAMES: WeakKeyDictionary[psycopg.Connection, dict[bytes, bytes]] = WeakKeyDictionary()


class Text(NamedTuple):
    """Makes values of one connection: text is sent in the encoding it has."""

    encoding: str

    def __call__(self, text: str | None) -> Value:
        """*text*, or NULL."""
        return TEXT, None if text is None else text.encode(self.encoding)


def int8(number: int | None) -> Value:
    """A bigint, or NULL."""
    return INT8, None if number is None else number.to_bytes(8, signed=True)


def int4(number: int) -> Value:
    """An integer."""
    return INT4, number.to_bytes(4, signed=True)


def bytea(value: bytes) -> Value:
    """Bytes."""
    return BYTEA, value


def texts(values: Sequence[str], text: Text) -> Value:
    """An array of text without NULL: dimensions, flags, type, then length and lower bound, then each value."""
    sent = [value.encode(text.encoding) for value in values]
    head = b"".join(number.to_bytes(4) for number in (1 if sent else 0, 0, TEXT))
    bounds = len(sent).to_bytes(4) + (1).to_bytes(4) if sent else b""
    return TEXTS, head + bounds + b"".join(len(one).to_bytes(4) + one for one in sent)


def run(driver: psycopg.Connection, query: bytes, values: Sequence[Value]) -> pq.abc.PGresult:
    """Run *query*, whose values are $1 and so on, prepared once for each connection; returns the rows in binary.

    One statement outside of any transaction, or inside the one *driver* is in. Raise what psycopg raises.
    """
    names = _NAMES.setdefault(driver, {})
    try:
        return _execute(driver.pgconn, names, query, values)
    except errors.InvalidSqlStatementName:
        names.clear()  # psycopg lets go of every prepared statement now and then: nothing was done, so once more
        return _execute(driver.pgconn, names, query, values)


def _execute(
    connection: pq.abc.PGconn, names: dict[bytes, bytes], query: bytes, values: Sequence[Value]
) -> pq.abc.PGresult:
    name = names.get(query)
    if name is None:
        name = b"watchword-%d" % next(_NUMBERS)
        _demand(connection, connection.prepare(name, query, [kind for kind, _ in values]))
        names[query] = name
    sent = cast("list[bytes]", [value for _, value in values])  # None, for NULL, is left out of its type there
    return _demand(connection, connection.exec_prepared(name, sent, [_BINARY] * len(sent), _BINARY))


def _demand(connection: pq.abc.PGconn, result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    if connection.status == pq.ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message() or connection.get_error_message())
    raise errors.error_from_result(result)
