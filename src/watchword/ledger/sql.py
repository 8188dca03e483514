"""The store on SQLite and PostgreSQL, through SQLAlchemy Core."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, and_, bindparam, exc, func, or_, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.ledger import holdings, migration
from watchword.ledger import tables as t
from watchword.ledger.at_once import at_once
from watchword.ledger.bulk import Bulk, PostgresBulk, SqliteBulk
from watchword.ledger.engines import REMEDY_DAMAGED, OneUser, OwnerLock, empty_log, open_engine, our_words, parse_url
from watchword.ledger.guards import look
from watchword.ledger.hardening import harden
from watchword.ledger.questions import Questions
from watchword.ledger.rows import effect_row, effect_values, entry_row, only, top, typed
from watchword.ledger.snapshot import SqlSnapshot
from watchword.ledger.store import (
    Batch,
    Clash,
    EffectRow,
    EffectState,
    EntryRow,
    Head,
    Holding,
    KeyRow,
    Lost,
    PayloadRow,
    Settle,
    Waiting,
    Written,
)
from watchword.ledger.testimony import Testimony
from watchword.ledger.turn import Turn
from watchword.ledger.waiting import count_waiting


def no_faults(_point: str) -> None:
    """Let every write point pass."""


class SqlStore:
    """Keeps the rows of one ledger. Safe to use from many threads.

    *faults* is called with the name of each write point, before and after it, so that tests can fail or end there.
    """

    def __init__(self, url: str, *, read_only: bool = False, faults: Callable[[str], None] = no_faults) -> None:
        parsed = self._url = parse_url(url)
        self._faults = faults
        self._sqlite = parsed.get_backend_name() == "sqlite"
        self._owner: OwnerLock | None = None
        database = parsed.database
        if self._sqlite and database and database != ":memory:":
            path = Path(database)
            if read_only and not path.exists():
                raise Unavailable(f"There is no database {path}.", "Name the right file, or run `watchword init`.")
            self._owner = OwnerLock(path, read_only=read_only)
        self._bulk: Bulk = SqliteBulk() if self._sqlite else PostgresBulk()
        self._engine = open_engine(parsed, read_only=read_only)
        # SQLite has one connection for all threads; PostgreSQL's pool needs no guard.
        self._guard = OneUser() if self._sqlite else nullcontext()
        self._turn = None if self._sqlite or read_only else Turn(self._engine)
        self._questions = None if self._sqlite else Questions(self._engine)
        self.testimony = Testimony(self._begin, lambda: self._acting("testimony"))
        self._unscrubbed = self._sqlite and not read_only
        if read_only:
            self._demand_current()

    def migrate(self) -> None:
        """Bring the tables to the version this code needs; safe to repeat and to race."""
        with our_words(), self._guard, self._engine.connect() as connection:
            self._scrub(connection)  # what a crash right after an erasure left
        with self._begin() as connection:
            migration.upgrade(connection)

    def _demand_current(self) -> None:
        try:
            with self._begin() as connection:
                migration.demand_current(connection)
        except BaseException:
            self.close()
            raise

    def harden(self) -> None:
        """Put the guards of PostgreSQL in place where they are missing or changed, as the owner of the tables."""
        with self._begin() as connection:
            harden(connection)

    def guards(self) -> tuple[tuple[str, bool, str], ...]:
        """Return of each guard the database has whether it is well, and what was found."""
        with self._begin() as connection:
            return tuple(look(connection))

    def write(self, batch: Batch) -> Written | Lost | Clash:
        """Store *batch* in one durable transaction if the head's size is `batch.old` and no row lies beyond it."""
        if self._turn is None:
            return self._transact(batch)
        try:
            driver = self._turn.take(batch.old)
        except LookupError:
            return Lost()
        outcome: Written | Lost | Clash | None = None
        since = time.monotonic()
        if driver is not None and not (batch.erase or batch.settles):
            outcome = self._at_once(driver, batch)
        if outcome is None:
            outcome = self._transact(batch)
        if isinstance(outcome, Written):
            self._turn.moved(batch.size, since)
        return outcome

    def _at_once(self, driver: psycopg.Connection, batch: Batch) -> Written | Lost | None:
        """Store *batch* in one statement on the connection that has the turn; None to go by the transaction."""
        assert self._turn is not None
        with our_words():
            try:
                self._faults("append.turn")
                written = at_once(driver, batch, batch.sign())
                self._faults("append.at_once")
            except psycopg.IntegrityError as error:
                # An effect may be asked for outside of any append: the transaction tells which is there.
                return None if error.diag.table_name == t.effect.name else Lost()
            except BaseException:
                self._turn.drop()
                raise
        return Written() if written else None

    @property
    def takes_turns(self) -> bool:
        """Whether other processes write to the same ledger, and `rest` lets them."""
        return self._turn is not None

    def rest(self) -> None:
        """Let other processes write: nothing waits here."""
        if self._turn is not None:
            self._turn.rest()

    def _transact(self, batch: Batch) -> Written | Lost | Clash:
        with our_words(), self._guard, self._engine.connect() as connection:
            self._faults("append.begin")
            transaction = connection.begin()
            try:
                outcome = self._write(connection, batch)
            except (exc.IntegrityError, psycopg.IntegrityError, sqlite3.IntegrityError):
                # Another writer holds the next index, or somebody planted a row there: the caller looks which.
                transaction.rollback()
                return Lost()
            except BaseException:
                transaction.rollback()
                raise
            if not isinstance(outcome, Written):
                transaction.rollback()
                return outcome
            self._faults("append.commit")
            self._unscrubbed |= self._sqlite and bool(batch.erase)
            transaction.commit()
            self._faults("append.committed")
            self._scrub(connection)
            return outcome

    def _write(self, connection: Connection, batch: Batch) -> Written | Lost | Clash:
        if batch.entries:
            self._bulk.entries(connection, batch.old, batch.entries)
        self._faults("append.entries")
        if batch.erase:
            changed = holdings.erase(connection, batch.erase)
            if changed is not None:
                return changed
            self._faults("append.erase")
        if batch.payloads:
            if batch.keys:
                self._bulk.keys(connection, batch.keys)
            self._bulk.payloads(connection, batch.payloads)
            # Who erases moves the head as well: a key that is there now is there when the head moves, or this is lost.
            reused = frozenset(row.key for row in batch.payloads) - {key.id for key in batch.keys}
            if reused and (gone := reused - self._bulk.known(connection, reused)):
                return Clash(gone=gone)
        self._faults("append.payloads")
        if batch.effects:
            made = set(connection.execute(self._effects_insert(batch.effects)).scalars())
            if len(made) < len(batch.effects):
                return Clash(frozenset(row.id for row in batch.effects) - made)
        self._faults("append.effects")
        if batch.settles:
            _settle(connection, batch.settles)
        self._faults("append.settle")
        if self._bulk.head(connection, batch, batch.sign()) != batch.size - 1:
            return Lost()
        self._faults("append.head")
        return Written()

    def _scrub(self, connection: Connection) -> None:
        """Empty SQLite's write-ahead log, where erased bytes would outlive their rows; again later while it is read."""
        if self._unscrubbed:
            self._unscrubbed = not empty_log(cast("sqlite3.Connection", connection.connection.driver_connection))

    def top(self) -> tuple[Head, int]:
        """Return the head and the highest entry index (-1 when there is none), as of one moment."""
        if self._questions is not None:
            return self._questions.top()
        with self._begin() as connection:
            return only(top, connection.execute(_TOP))

    def stands_at(self, size: int, note: str) -> bool:
        """Say whether the head is at *size* under *note*, and no entry lies beyond it, as of one moment.

        *note* is the one this process verified or wrote last.
        """
        if self._turn is not None and self._turn.is_at(size):
            return True
        if self._questions is not None:
            return self._questions.stands_at(size, note)
        head, highest = self.top()
        return (head.size, head.note, highest) == (size, note, size - 1)

    def demand_sound(self) -> None:
        """Raise `Corrupt` when an index or a page is damaged: a row might be there, and not be found.

        SQLite alone: PostgreSQL has tools of its own for that (amcheck, data checksums). On a connection of its own, so
        that it can go on beside whatever else is read.
        """
        if not self._sqlite:
            return
        engine = open_engine(self._url, read_only=True)
        try:
            with our_words(), engine.connect() as connection:
                said = connection.execute(_SOUND).scalars().all()
        finally:
            engine.dispose()
        if said != ["ok"]:
            raise Corrupt(f"The database file is damaged: {', '.join(map(str, said))}.", REMEDY_DAMAGED)

    @contextmanager
    def snapshot(self) -> Iterator[SqlSnapshot]:
        """Open the database as of one moment, to read all of it."""
        with our_words(), self._guard, self._engine.connect() as connection:
            if not self._sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")  # noqa: PLW2901
            with connection.begin(), ExitStack() as cursors:
                yield SqlSnapshot(connection, cursors)

    def stream(self, stream: str, since: int) -> tuple[EntryRow, ...]:
        """Return the rows of *stream* of version *since* or more, in index order."""
        if self._questions is not None:
            return self._questions.stream(stream, since)
        with self._begin() as connection:
            statement = _SINCE if since else _STREAM
            return tuple(typed(entry_row, connection.execute(statement, {"stream": stream, "since": since})))

    def range(self, start: int, stop: int) -> tuple[EntryRow, ...]:
        """Return the rows with *start* <= index < *stop* in order."""
        if self._questions is not None:
            return self._questions.range(start, stop)
        with self._begin() as connection:
            return tuple(typed(entry_row, connection.execute(_RANGE, {"start": start, "stop": stop})))

    def checkpoint(self, size: int) -> str | None:
        """Return the note stored for exactly *size*."""
        with self._begin() as connection:
            return connection.execute(select(t.checkpoint.c.note).where(t.checkpoint.c.size == size)).scalar()

    def payloads(self, commitments: tuple[str, ...]) -> tuple[tuple[PayloadRow, KeyRow], ...]:
        """Return those of *commitments* that are still there, each with its key; one without its key is as erased."""
        if not commitments:
            return ()
        if self._questions is not None:
            return self._questions.payloads(commitments)
        with self._begin() as connection:
            return tuple(typed(holdings.payload_with_key, connection.execute(holdings.by_commitment(commitments))))

    def sealed_under(self, keys: tuple[str, ...]) -> tuple[tuple[PayloadRow, KeyRow], ...]:
        """Return the payloads under *keys*, each with its key."""
        with self._begin() as connection:
            return tuple(typed(holdings.payload_with_key, connection.execute(holdings.by_key(keys))))

    def holdings(self, stream: str | None) -> tuple[Holding, ...]:
        """Return what is kept of *stream*, or of every stream, by class."""
        with self._begin() as connection:
            return holdings.holdings(connection.execute(holdings.held(stream)))

    def claim(
        self, now: datetime, owner: str, lease: timedelta, kinds: tuple[str, ...], limit: int
    ) -> tuple[EffectRow, ...]:
        """Lease to *owner* until *now* + *lease* up to *limit* rows of *kinds* that are due or whose lease ran out."""
        effect = t.effect.c
        ready = (
            select(effect.id)
            .where(
                effect.kind.in_(kinds),
                or_(
                    and_(effect.state == EffectState.DUE, effect.due_at <= now),
                    and_(effect.state == EffectState.CLAIMED, effect.lease_until <= now),
                ),
            )
            .order_by(effect.due_at, effect.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._acting("claim") as connection:
            ids = tuple(connection.execute(ready).scalars())
            if not ids:
                return ()
            connection.execute(
                update(t.effect)
                .where(effect.id.in_(ids))
                .values(
                    state=EffectState.CLAIMED,
                    lease_owner=owner,
                    lease_until=now + lease,
                    attempts=effect.attempts + 1,
                )
            )
            rows = connection.execute(select(t.effect).where(effect.id.in_(ids)).order_by(effect.due_at, effect.id))
            return tuple(typed(effect_row, rows))

    def effects(self, state: EffectState | None) -> tuple[EffectRow, ...]:
        """Return the effect rows in *state*, or all, in order of due time."""
        query = select(t.effect).order_by(t.effect.c.due_at, t.effect.c.id)
        if state is not None:
            query = query.where(t.effect.c.state == state)
        with self._begin() as connection:
            return tuple(typed(effect_row, connection.execute(query)))

    def waiting(self, at: datetime, late: datetime) -> tuple[Waiting, ...]:
        """Count by kind what is due at *at*, overdue what was due before *late*."""
        with self._begin() as connection:
            return count_waiting(connection, at, late)

    def effects_named(self, ids: tuple[str, ...]) -> tuple[EffectRow, ...]:
        """Return those of *ids* that are there."""
        query = select(t.effect).where(t.effect.c.id.in_(ids)).order_by(t.effect.c.id)
        with self._begin() as connection:
            return tuple(typed(effect_row, connection.execute(query)))

    def ask_again(self, rows: tuple[EffectRow, ...]) -> tuple[str, ...]:
        """Insert those of *rows* whose id is not there, outside of any append; return their ids. No row is touched."""
        with self._acting("ask_again") as connection:
            return tuple(connection.execute(self._effects_insert(rows)).scalars())

    def put_right(self, rows: tuple[EffectRow, ...]) -> None:
        """Make rows that are there what they were when they were asked for: *rows*, due, in nobody's lease."""
        with self._acting("put_right") as connection:
            for row in rows:
                connection.execute(update(t.effect).where(t.effect.c.id == row.id).values(**effect_values(row)))

    def reschedule(self, effect_id: str, due_at: datetime) -> None:
        """Make the row due at *due_at* and end its lease."""
        with self._acting("reschedule") as connection:
            connection.execute(
                update(t.effect)
                .where(t.effect.c.id == effect_id)
                .values(state=EffectState.DUE, due_at=due_at, lease_owner=None, lease_until=None)
            )

    def settle(self, settles: tuple[Settle, ...]) -> None:
        """Mark effect rows, outside of any append; a row that is not there is passed over."""
        with self._acting("settle") as connection:
            _settle(connection, settles)

    def cancel_effects(self, stream: str) -> int:
        """Cancel the due rows of *stream* that nobody has claimed; return how many."""
        with self._acting("cancel") as connection:
            result = connection.execute(
                update(t.effect)
                .where(t.effect.c.stream == stream, t.effect.c.state == EffectState.DUE)
                .values(state=EffectState.CANCELLED)
            )
            return int(result.rowcount)

    def copy_to(self, path: Path) -> None:
        """Write a whole copy to *path*, which must not exist, while the ledger is in use; SQLite only."""
        if not self._sqlite:
            raise Invalid("A PostgreSQL ledger is copied by its own tools.", "Use pg_dump or a base backup.", "url")
        if path.exists():
            raise Invalid(f"{path} is there already.", "Name a new file.", "path")
        # VACUUM can not run inside a transaction, so the driver's own connection is used, under the same guard.
        with our_words(), self._guard, closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(path),))

    def close(self) -> None:
        """Let go of the database."""
        self.rest()
        if self._questions is not None:
            self._questions.close()
        if isinstance(self._guard, OneUser):
            self._guard.close()
        self._engine.dispose()
        if self._owner is not None:
            self._owner.release()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with our_words(), self._guard, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _acting(self, act: str) -> Iterator[Connection]:
        """A transaction that writes outside of any append, with the write points of *act*."""
        with self._begin() as connection:
            self._faults(f"{act}.begin")
            yield connection
            self._faults(f"{act}.commit")
        with our_words():
            self._faults(f"{act}.committed")

    def _effects_insert(self, rows: Sequence[EffectRow]) -> Any:
        make = sqlite_dialect.insert if self._sqlite else postgresql.insert
        values = [effect_values(row) for row in rows]
        return make(t.effect).values(values).on_conflict_do_nothing(index_elements=["id"]).returning(t.effect.c.id)


_SOUND = text("PRAGMA integrity_check(1)")
_HIGHEST = select(func.max(t.entry.c.idx)).scalar_subquery().label("top")
_TOP = select(t.head, _HIGHEST)
_STREAM = select(t.entry).where(t.entry.c.stream == bindparam("stream")).order_by(t.entry.c.idx)
_SINCE = _STREAM.where(t.entry.c.version >= bindparam("since"))
_RANGE = (
    select(t.entry)
    .where(t.entry.c.idx >= bindparam("start"), t.entry.c.idx < bindparam("stop"))
    .order_by(t.entry.c.idx)
)


def _settle(connection: Connection, settles: Sequence[Settle]) -> None:
    for settle in settles:
        connection.execute(
            update(t.effect)
            .where(t.effect.c.id == settle.effect_id)
            .values(state=settle.state, lease_owner=None, lease_until=None)
        )
