"""How the databases are opened: one owner of a SQLite file, a pool for PostgreSQL, their faults in our words."""

from __future__ import annotations

import fcntl
import os
import select
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psycopg
from sqlalchemy import URL, Engine, StaticPool, create_engine, event, exc
from sqlalchemy.engine import make_url

from watchword.core.errors import Corrupt, Invalid, Unavailable, WatchwordError

_BUSY_MS = 5000
# How long the write-ahead log grows (16 MB) before a commit also copies it into the file. Every commit is on the disk
# before it is answered, whatever this says; with SQLite's own 1000 pages, one commit in 65 of 8 entries is a slow one.
_LOG_PAGES = 4000
_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ", "SQLITE_CORRUPT_INDEX"})
_SAID_OF_DAMAGE = ("malformed", "Could not decode to UTF-8")  # where the module gives no name
_FULL = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"})
REMEDY_GONE = "Name the right one under [ledger] url, bring it back from a copy, or found one with `watchword init`."
REMEDY_DAMAGED = "Stop, keep the file as it is, and restore from a copy that `watchword ledger fsck` accepts."


def parse_url(url: str) -> URL:
    """Return *url* parsed; raise `Invalid` unless it names SQLite or PostgreSQL."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise Invalid(
            "The ledger's URL can not be read.", "Write sqlite:////path/to/file or postgresql://…", "url"
        ) from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Invalid(f"{parsed.drivername} can not keep a ledger.", "Use sqlite or postgresql.", "url")
    return parsed


def demand_there(url: str) -> None:
    """Raise `Unavailable` for a SQLite file that is not there: opening would make it, and an empty ledger of it."""
    parsed = parse_url(url)
    file = parsed.database
    if parsed.get_backend_name() == "sqlite" and file and file != ":memory:" and not Path(file).exists():
        raise Unavailable(f"There is no ledger at {file}.", REMEDY_GONE)


def open_engine(url: URL, *, read_only: bool) -> Engine:
    """Return an engine for *url*; for SQLite it has exactly one connection, which the caller must guard by a lock."""
    if url.get_backend_name() == "postgresql":
        options = {"postgresql_readonly": True} if read_only else {}
        engine = create_engine(url, pool_size=4, max_overflow=28, execution_options=options)
        event.listen(engine, "checkout", _pass_over_ended)
        return engine
    path = Path(url.database) if url.database else None
    if read_only and path is not None:
        # Without a write-ahead log beside it the file is whole by itself; immutable leaves no trace next to evidence.
        wal = path.with_name(path.name + "-wal")
        mode = "mode=ro" if wal.exists() else "mode=ro&immutable=1"
        url = make_url(f"sqlite:///file:{path.absolute()}?{mode}&uri=true")
    engine = create_engine(
        url, poolclass=StaticPool, connect_args={"check_same_thread": False, "isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten, not only let go

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # By the driver: SQLAlchemy's own ways to execute cost more than this statement does.
        connection.connection.driver_connection.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _pass_over_ended(connection: psycopg.Connection, _record: object, _proxy: object) -> None:
    """Have the pool open new connections when the server ended *connection* while nobody used it.

    What the server says to an idle connection is its last word, so a look at the socket tells. SQLAlchemy's own
    `pool_pre_ping` would ask the server every time, one more round trip for every batch.
    """
    try:
        socket = select.poll()
        socket.register(connection.fileno(), select.POLLIN)
        if socket.poll(0):
            # Or it is a notice, such as a setting that was changed.
            connection.execute("SELECT 1")
            connection.rollback()
    except psycopg.Error as error:
        raise exc.InvalidatePoolError from error


def empty_log(driver: sqlite3.Connection) -> bool:
    """Write SQLite's write-ahead log into the file and cut it to nothing; False, at once, while somebody reads it."""
    driver.execute("PRAGMA busy_timeout = 0")
    busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    driver.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    return not busy


def check_whole(database: Path) -> None:
    """Raise `Corrupt` when the file is shorter than its own header says: SQLite would notice page by page, or not.

    Only where no write-ahead log waits beside it, which may hold what the file lacks.
    """
    wal = database.with_name(database.name + "-wal")
    if not database.exists() or (wal.exists() and wal.stat().st_size):
        return
    with database.open("rb") as file:
        header = file.read(32)
    size = database.stat().st_size
    # https://sqlite.org/fileformat.html §1.3: page size at 16 (1 stands for 65536), pages in the file at 28.
    page = int.from_bytes(header[16:18], "big")
    stated = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    if size and size < max(stated, len(header)):
        raise Corrupt(f"The database file is cut short: {size} bytes of {stated}.", REMEDY_DAMAGED)


class OwnerLock:
    """An exclusive lock on `<database>.lock`: SQLite in WAL mode is safe here with one owner only.

    A reader takes the lock shared, and only where the file exists, so that a copied database can be read alone.
    """

    def __init__(self, database: Path, *, read_only: bool) -> None:
        path = database.with_name(database.name + ".lock")
        self._file: IO[str] | None = None
        if read_only and not path.exists():
            check_whole(database)
            return
        try:
            file = path.open("r+" if path.exists() else "w+", encoding="ascii")
        except OSError as error:
            raise Unavailable(
                f"{path} can not be opened: {error.strerror}.", "Check its directory and owner."
            ) from error
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if read_only else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = file.read().strip() or "unknown"
            file.close()
            raise Unavailable(
                f"The ledger {database} is in use by process {owner}.",
                "Talk to that process over its API, stop it first, or work on a copy of the file.",
            ) from error
        try:
            check_whole(database)
        except Corrupt:
            file.close()
            raise
        if not read_only:
            try:
                file.truncate(0)
                file.write(f"{os.getpid()}\n")
                file.flush()
            except OSError as error:
                with suppress(OSError):  # it tries to write once more
                    file.close()
                raise Unavailable(f"{path} can not be written: {error.strerror}.", "Make room on its disk.") from error
        self._file = file

    def release(self) -> None:
        """Let the next owner in."""
        if self._file is not None:
            self._file.close()


class OneUser:
    """Lets one thread at a time at SQLite's only connection, and nobody after `close`.

    Closed under whoever uses it, the connection takes the process with it; and who asked later would open the file
    anew, which by then may be another owner's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_over = False

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._is_over:
            self._lock.release()
            raise Unavailable("The ledger is closed.", "It ends with its process; ask again once that has started.")

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def close(self) -> None:
        """Wait for whoever has it; whoever waits behind, or comes later, is told. Again, it does nothing."""
        with self._lock:
            self._is_over = True


@contextmanager
def our_words() -> Iterator[None]:
    """Turn a driver's failure into `Unavailable`, a damaged file into `Corrupt`, refused data into `Invalid`."""
    try:
        yield
    except (exc.DBAPIError, psycopg.Error, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        said = str(cause).strip()
        if isinstance(cause, sqlite3.DatabaseError) and (
            getattr(cause, "sqlite_errorname", None) in _DAMAGED or any(word in said for word in _SAID_OF_DAMAGE)
        ):
            raise Corrupt(f"The database file is damaged: {said}.", REMEDY_DAMAGED) from error
        if isinstance(cause, sqlite3.DataError | psycopg.DataError):
            raise Invalid(f"The database does not take this value: {said}.", "Change the value.") from error
        if isinstance(cause, psycopg.errors.DiskFull) or getattr(cause, "sqlite_errorname", None) in _FULL:
            raise Unavailable(
                f"The ledger's database can not write: {said}.",
                "Make room on its disk, or see why it takes no more, then try again. No answer that was given is lost.",
            ) from error
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise Unavailable(
                f"The ledger's database refuses: {cause.diag.message_primary}.",
                "The desk's login has to be a member of watchword_desk, and the tables' owner to have run "
                "`watchword ledger migrate`; then `watchword doctor` says what is missing.",
            ) from error
        raise Unavailable(f"The ledger's database failed: {said}.", "Check that it runs, then try again.") from error
    except exc.StatementError as error:
        # A value that our own column type refused, such as a time that is not UTC.
        if isinstance(error.orig, WatchwordError):
            raise error.orig from error
        raise
    except UnicodeDecodeError as error:
        # The name of a column, or what SQLite says of it, when its schema is damaged.
        raise Corrupt(f"The database file is damaged: {error}.", REMEDY_DAMAGED) from error
    except exc.TimeoutError as error:
        raise Unavailable("No connection to the ledger's database came free.", "Try again.") from error
