"""The questions to PostgreSQL that every step of a case pays for: prepared, on connections kept for them.

Below SQLAlchemy, whose ways to execute and to lend a connection cost several times what the question does.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import psycopg
from sqlalchemy import Connection, Engine

from watchword.core.errors import Corrupt, Unavailable
from watchword.ledger.engines import REMEDY_DAMAGED, our_words
from watchword.ledger.entry import Retention, format_time, parse_time
from watchword.ledger.store import EntryRow, Head, KeyRow, PayloadRow
from watchword.ledger.turn import driver_of
from watchword.ledger.wire import Text, int8, run

KEPT = 8
"""Connections that wait for the next question; what is asked beside more than so many at once goes through the pool."""

T = TypeVar("T")


class _Line(NamedTuple):
    connection: Connection
    driver: psycopg.Connection
    socket: select.poll


class Questions:
    """Asks outside of any transaction. Safe to use from many threads; each question has a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[_Line] = []

    def stands_at(self, size: int, note: str) -> bool:
        """Say whether the head is at *size* under *note*, and no entry lies beyond it, as of one moment."""
        with our_words(), self._lent() as driver:
            text = Text(driver.info.encoding)
            return run(driver, _STANDS, (int8(size), text(note))).ntuples == 1

    def top(self) -> tuple[Head, int]:
        """Return the head and the highest entry index (-1 when there is none), as of one moment."""
        for row in self._ask(_TOP, (), _top):
            return row
        raise Unavailable("The database holds no ledger.", "Run `watchword init`.")

    def stream(self, stream: str, since: int) -> tuple[EntryRow, ...]:
        """Return the rows of *stream* of version *since* or more, in index order."""
        return self._ask(_STREAM, (stream, since), _entry)

    def range(self, start: int, stop: int) -> tuple[EntryRow, ...]:
        """Return the rows with *start* <= index < *stop* in order."""
        return self._ask(_RANGE, (start, stop), _entry)

    def payloads(self, commitments: tuple[str, ...]) -> tuple[tuple[PayloadRow, KeyRow], ...]:
        """Return those of *commitments* that are still there, each with its key; one without its key is as erased."""
        return self._ask(_PAYLOADS, (list(commitments),), _payload)

    def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            self._idle.pop().connection.close()

    def _ask(self, query: bytes, values: Sequence[object], read: Callable[..., T]) -> tuple[T, ...]:
        with our_words(), self._lent() as driver:
            rows = driver.execute(query, values, prepare=True, binary=True).fetchall()
        try:
            return tuple([read(*row) for row in rows])
        except ValueError as error:
            raise Corrupt(f"A row holds a value of the wrong kind: {error}.", REMEDY_DAMAGED) from error

    @contextmanager
    def _lent(self) -> Iterator[psycopg.Connection]:
        line = self._line()
        try:
            yield line.driver
        except BaseException:
            _drop(line)
            raise
        if len(self._idle) < KEPT:
            self._idle.append(line)
        else:
            line.connection.close()

    def _line(self) -> _Line:
        """Return a connection that nobody uses, and that the server has not ended since."""
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                break
            if not line.socket.poll(0):  # to a connection that nobody asks, the server says its last word alone
                return line
            _drop(line)
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        driver, socket = driver_of(connection), select.poll()
        socket.register(driver.fileno(), select.POLLIN)
        return _Line(connection, driver, socket)


def _drop(line: _Line) -> None:
    line.connection.invalidate()
    line.connection.close()


def _time(text: str) -> Any:
    at = parse_time(text)
    if format_time(at) != text:
        raise ValueError(f"{text!r} is not as a time is written here")
    return at


def _top(size: int, root: bytes, last_at: str | None, note: str, highest: int | None) -> tuple[Head, int]:
    head = Head(size=size, root=root, last_at=None if last_at is None else _time(last_at), note=note)
    return head, -1 if highest is None else highest


def _entry(seq: int, stream: str, version: int, kind: str, raw: bytes, leaf: bytes) -> EntryRow:
    return EntryRow(seq=seq, stream=stream, version=version, type=kind, raw=raw, leaf=leaf)


def _payload(
    commitment: str,
    stream: str,
    name: str,
    retention: str,
    key: str,
    sealed: bytes,
    key_stream: str,
    key_retention: str,
    wrapped: bytes,
    wrapped_by: str,
    made_at: str,
) -> tuple[PayloadRow, KeyRow]:
    return (
        PayloadRow(
            commitment=commitment, stream=stream, name=name, retention=Retention(retention), key=key, sealed=sealed
        ),
        KeyRow(
            id=key,
            stream=key_stream,
            retention=Retention(key_retention),
            wrapped=wrapped,
            wrapped_by=wrapped_by,
            made_at=_time(made_at),
        ),
    )


_STANDS = b"SELECT 1 FROM head WHERE size = $1 AND note = $2 AND coalesce((SELECT max(idx) FROM entry), -1) = size - 1"
_TOP = b"SELECT size, root, last_at, note, (SELECT max(idx) FROM entry) FROM head"
_ENTRY = b"SELECT idx, stream, version, type, bytes, leaf FROM entry"
_STREAM = _ENTRY + b" WHERE stream = %b AND version >= %b ORDER BY idx"
_RANGE = _ENTRY + b" WHERE idx >= %b AND idx < %b ORDER BY idx"
_PAYLOADS = (
    b"SELECT p.commitment, p.stream, p.name, p.retention, p.key, p.sealed,"
    b" k.stream, k.retention, k.wrapped, k.wrapped_by, k.made_at"
    b" FROM payload p JOIN data_key k ON p.key = k.id WHERE p.commitment = ANY(%b)"
)
