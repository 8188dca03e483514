"""The sandbox's database: accounts and what belongs to them, in a SQLite file of its own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from watchword.core.account import AccountClass, Contact, DirectoryAccount, Status, strictest
from watchword.core.change import ContactKind
from watchword.core.errors import Unavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    native_id TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE COLLATE NOCASE, display_name TEXT NOT NULL,
    status TEXT NOT NULL, shared INTEGER NOT NULL, enabled INTEGER NOT NULL DEFAULT 1,
    locked INTEGER NOT NULL DEFAULT 0, wrong INTEGER NOT NULL DEFAULT 0, unit TEXT, manager TEXT, owner TEXT,
    second_owner TEXT, sponsor TEXT, protected TEXT, secret TEXT, must_change INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS membership (account TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) STRICT;
CREATE TABLE IF NOT EXISTS contact (
    account TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, changed_at TEXT, PRIMARY KEY (account, kind)
) STRICT;
CREATE TABLE IF NOT EXISTS factor (account TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) STRICT;
CREATE TABLE IF NOT EXISTS suspended (account TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) STRICT;
CREATE TABLE IF NOT EXISTS language (account TEXT PRIMARY KEY, tag TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, account TEXT NOT NULL, started TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS extra_secret (
    account TEXT NOT NULL, kind TEXT NOT NULL, secret TEXT NOT NULL, until TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS role (account TEXT NOT NULL, name TEXT NOT NULL, until TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS version (
    account TEXT NOT NULL, aspect TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (account, aspect)
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, published TEXT NOT NULL, line TEXT NOT NULL,
    exported INTEGER NOT NULL DEFAULT 0
) STRICT;
"""


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """An account to put into the sandbox; *manager*, *owner*, *second_owner* and *sponsor* are logins.

    *contacts_changed_at* None means that the mail and phone have been as they are for longer than anyone knows.
    """

    login: str
    display_name: str
    groups: tuple[str, ...] = ("All Staff",)
    native_id: str | None = None
    status: Status = Status.ACTIVE
    shared: bool = False
    unit: str | None = None
    manager: str | None = None
    owner: str | None = None
    second_owner: str | None = None
    sponsor: str | None = None
    mail: str | None = None
    phone: str | None = None
    contacts_changed_at: datetime | None = None
    factors: tuple[str, ...] = ()
    protected: str | None = None
    password: str | None = None
    language: str | None = None


class Store:
    """One connection to the sandbox's file, one user at a time; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path.with_name("audit.jsonl")
        self._lock = threading.RLock()
        with _as_unavailable():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            self._connection.row_factory = sqlite3.Row
            self._connection.create_function("fold", 1, str.casefold, deterministic=True)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(SCHEMA)
            self.log.touch()  # a log that is not there yet would look like one that was taken away

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for statements that write nothing."""
        with self._lock, _as_unavailable():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside one transaction, kept when the block ends well; then bring the log file up."""
        with self._lock, _as_unavailable():
            with self._transaction() as connection:
                yield connection
            self._export()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _export(self) -> None:
        """Append what is committed to the log file: after a crash a line may stand there twice, none is lost."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT seq, line FROM audit WHERE exported = 0 ORDER BY seq").fetchall()
            if rows:
                with self.log.open("a", encoding="utf-8") as log:
                    log.writelines(f"{row['line']}\n" for row in rows)
                connection.execute("UPDATE audit SET exported = 1 WHERE seq <= ?", (rows[-1]["seq"],))


def account_of(
    connection: sqlite3.Connection, row: sqlite3.Row, *, directory: str, groups: Mapping[str, AccountClass]
) -> DirectoryAccount:
    """Return the account in *row* with what belongs to it."""
    native_id = row["native_id"]

    def names(query: str) -> tuple[str, ...]:
        return tuple(found["name"] for found in connection.execute(query, (native_id,)))

    def related(login: str | None) -> str | None:
        found = connection.execute("SELECT native_id FROM account WHERE login = ?", (login,)).fetchone()
        return None if found is None else str(found["native_id"])

    contacts = connection.execute("SELECT * FROM contact WHERE account = ? ORDER BY kind", (native_id,)).fetchall()
    classes = [groups[group] for group in names("SELECT name FROM membership WHERE account = ?") if group in groups]
    mail = [contact["value"] for contact in contacts if contact["kind"] == ContactKind.MAIL]
    return DirectoryAccount(
        directory=directory,
        native_id=native_id,
        login=row["login"],
        display_name=row["display_name"],
        keys=tuple(dict.fromkeys(key.lower() for key in (native_id, row["login"], *mail))),
        account_class=strictest(classes),
        status=Status(row["status"]),
        shared=bool(row["shared"]),
        locked=bool(row["locked"]),
        enabled=bool(row["enabled"]),
        unit=row["unit"],
        manager=related(row["manager"]),
        owner=related(row["owner"]),
        second_owner=related(row["second_owner"]),
        sponsor=related(row["sponsor"]),
        contacts=tuple(
            Contact(
                kind=contact["kind"],
                value=contact["value"],
                changed_at=None if contact["changed_at"] is None else datetime.fromisoformat(contact["changed_at"]),
            )
            for contact in contacts
        ),
        factors=names("SELECT name FROM factor WHERE account = ? ORDER BY name"),
        suspended_factors=names("SELECT name FROM suspended WHERE account = ? ORDER BY name"),
        protected=row["protected"],
        language=next(iter(names("SELECT tag AS name FROM language WHERE account = ?")), None),
    )


def storable(text: str) -> str:
    """Return *text* as SQLite can take it: half of a surrogate pair is no character, and names nobody."""
    return text.encode("utf-8", "backslashreplace").decode()


def seal(secret: str) -> str:
    """Return a salted hash of a credential; light on purpose, since nothing here guards a real account."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(secret, salt).hex()}"


def opens(sealed: str | None, secret: str) -> bool:
    """Whether *secret* is the one that was sealed."""
    if sealed is None:
        return False
    salt, _, digest = sealed.partition("$")
    return hmac.compare_digest(_scrypt(secret, bytes.fromhex(salt)), bytes.fromhex(digest))


def _scrypt(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**10, r=8, p=1)


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise Unavailable(
            f"The sandbox's files do not answer ({error}).", "See that they are there, writable, and the disk not full."
        ) from error
