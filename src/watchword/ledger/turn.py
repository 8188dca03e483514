"""Whose turn it is to move the head, among the processes that share one PostgreSQL.

A lock that a session holds while its process is busy. It keeps honest processes from signing for the same place; that
nobody forks the log is still held by the head, which moves only from where it is. So whoever gets no turn in time, for
the other process may be gone without a word, goes on without: its transaction signs once the place is its own.
"""

from __future__ import annotations

import select
import time
from typing import NamedTuple, cast

import psycopg
from sqlalchemy import Connection, Engine

from watchword.ledger.engines import our_words

WAIT_S = 2.0
"""How long a process waits for its turn before it goes on without."""

LONGEST_S = 0.1
"""How long a busy process keeps its turn from others that wait; the lock queues, so the next one gets it then."""

SURE_S = 0.02
"""How long after our own last write its turn says where the head is, unasked.

While the turn lasts nobody else writes, but for who waited `WAIT_S` for it in vain.
"""

LOCK = "1467, 'head'::regclass::oid::int"  # the number is ours, the table this ledger's
_AWAITED = b"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 1467 LIMIT 1"


def take_statement(wait_s: float) -> bytes:
    """What waits for the turn, at most *wait_s* seconds; the lock outlives the transaction, the limit does not.

    Rows are looked up by their keys alone, whatever size their table had when the statement was prepared: a plan made
    for an empty table reads all of it, and is kept until the server next counts the rows. A scan that is left all the
    same, of the one row of the head, counts as dear with servers before 18, and is not worth compiling.
    """
    return (
        f"BEGIN; SET LOCAL lock_timeout = {round(wait_s * 1000)}; SELECT pg_advisory_lock({LOCK});"
        " SET enable_seqscan = off; SET jit = off; COMMIT"
    ).encode()


_GIVE = f"RESET enable_seqscan; RESET jit; SELECT pg_advisory_unlock({LOCK})".encode()


TAKE = take_statement(WAIT_S)


class _Sure(NamedTuple):
    size: int
    since: float
    fileno: int


class Turn:
    """The lock, on a connection of its own. For one thread at a time, but for `is_at`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._since = 0.0
        self._size = -1  # where the head is, for as long as the turn lasts
        self._sure: _Sure | None = None

    def take(self, old: int) -> psycopg.Connection | None:
        """Return the connection that holds the turn, the head being at *old*; None when there is no turn to be had.

        Raise `LookupError` when the head is elsewhere: somebody was here since.
        """
        if self._connection is not None and (self._ended() or self._is_over()):
            self.rest()
        if self._connection is None and not self._acquire():
            return None
        if self._size != old:
            self._size = self._look()
            if self._size != old:
                raise LookupError(self._size)
        return self._driver

    def moved(self, size: int, since: float) -> None:
        """Take note that the head is at *size* by our own hand, moved at *since* or later (monotonic seconds)."""
        self._size = size
        if self._connection is not None:
            self._sure = _Sure(size, since, self._driver.fileno())

    def is_at(self, size: int) -> bool:
        """Say whether the head is at *size* for certain, without a question; False where it takes one.

        For any thread. It lasts as long as the turn, the server's silence and `SURE_S`: so what is certain is true
        of this moment, or at worst, had this process stood still for seconds, of one that long ago.
        """
        sure = self._sure
        if sure is None or sure.size != size or time.monotonic() - sure.since > SURE_S:
            return False
        return not _spoke(sure.fileno) and self._sure is sure

    def rest(self) -> None:
        """Let others write: nothing waits here."""
        self._sure = None  # before the lock is let go of
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            driver_of(connection).execute(_GIVE)
        except psycopg.Error:
            connection.invalidate()
        finally:
            connection.close()

    def drop(self) -> None:
        """End the connection, and the turn with it: nobody knows what it is still about to do."""
        self._sure = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    @property
    def _driver(self) -> psycopg.Connection:
        assert self._connection is not None
        return driver_of(self._connection)

    def _acquire(self) -> bool:
        with our_words():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            driver = driver_of(connection)
            try:
                driver.execute(TAKE)
            except psycopg.errors.LockNotAvailable:
                driver.rollback()
                connection.close()
                return False
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        self._connection, self._since, self._size = connection, time.monotonic(), -1
        return True

    def _look(self) -> int:
        with our_words():
            row = self._driver.execute("SELECT size FROM head").fetchone()
        return -1 if row is None else int(row[0])

    def _is_over(self) -> bool:
        """Whether the turn has lasted long, and somebody waits for it."""
        if time.monotonic() - self._since < LONGEST_S:
            return False
        self._since = time.monotonic()
        with our_words():
            return self._driver.execute(_AWAITED, prepare=True).fetchone() is not None

    def _ended(self) -> bool:
        """Whether the server has said anything: to a connection that nobody asks, its last word."""
        return _spoke(self._driver.fileno())


def _spoke(fileno: int) -> bool:
    """Whether the server has said anything on its connection that nobody has read."""
    socket = select.poll()  # one for each question: threads can not share it
    socket.register(fileno, select.POLLIN)
    return bool(socket.poll(0))


def driver_of(connection: Connection) -> psycopg.Connection:
    """Return the driver's own connection under *connection*."""
    return cast("psycopg.Connection", connection.connection.driver_connection)
