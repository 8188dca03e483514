"""What happens in the sandbox: people sign in, administrators change things by hand, and its log has it all."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import msgspec

from watchword.core.account import AccountClass, DirectoryAccount, Status
from watchword.core.change import Change, ContactKind, Receipt, ResetPassword
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId
from watchword.directories import sandbox_audit as audit
from watchword.directories.sandbox_changes import count, perform, set_password, version_of
from watchword.directories.sandbox_store import Seed, Store, account_of, opens, seal, storable

GROUPS: Mapping[str, AccountClass] = MappingProxyType(
    {
        "All Staff": AccountClass.STANDARD,
        "Contractors": AccountClass.CONTRACTOR,
        "External Users": AccountClass.EXTERNAL,
        "Executives": AccountClass.EXECUTIVE,
        "Finance": AccountClass.FINANCE,
        "Administrators": AccountClass.PRIVILEGED,
        "Identity Control": AccountClass.IDENTITY_CONTROL,
        "Service Accounts": AccountClass.SERVICE,
        "AI Agents": AccountClass.AI_AGENT,
        "Break Glass": AccountClass.BREAK_GLASS,
    }
)
"""The class that each group of the sandbox gives; a member of several has the strictest."""

WRONG_PASSWORDS = 5
"""So many wrong passwords in a row lock an account out."""

PEOPLE_ADDRESS = "198.51.100.20"
ADMINISTRATORS_ADDRESS = "198.51.100.7"


class SignIn(StrEnum):
    """What became of an attempt to sign in."""

    OK = "ok"
    MUST_CHANGE = "must_change"
    WRONG = "wrong"
    LOCKED = "locked"
    DISABLED = "disabled"


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that *actor* (a login) did from *address* at *at*; its events share *transaction*."""

    actor: str
    address: str
    at: datetime
    transaction: str = msgspec.field(default_factory=lambda: secrets.token_hex(12))


class World:
    """A simulated directory in the SQLite file *path*, with its log in `audit.jsonl` beside it; it knows nothing of us.

    *clock* gives its time; *groups* says which class a group gives.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], datetime], name: str, groups: Mapping[str, AccountClass] = GROUPS
    ) -> None:
        self.name = name
        self._store = Store(path)
        self._clock = clock
        self._groups = groups

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def seed(self, seeds: tuple[Seed, ...]) -> None:
        """Add accounts; `Invalid` when a login is taken or a group is unknown, and then none is added."""
        with self._store.writing() as connection:
            for one in seeds:
                self._add(connection, one)

    def add(self, one: Seed) -> DirectoryAccount:
        """Add one account and return it."""
        self.seed((one,))
        with self._store.reading() as connection:
            row = connection.execute("SELECT * FROM account WHERE login = ?", (one.login,)).fetchone()
            return account_of(connection, row, directory=self.name, groups=self._groups)

    def set_groups(self, native_id: str, groups: tuple[str, ...]) -> None:
        """Put the account into exactly these groups."""
        with self._store.writing() as connection:
            self._row(connection, native_id)
            self._join(connection, native_id, groups)

    def set_status(self, native_id: str, status: Status) -> None:
        """Say whether the person behind the account is there."""
        with self._store.writing() as connection:
            self._row(connection, native_id)
            connection.execute("UPDATE account SET status = ? WHERE native_id = ?", (status.value, native_id))

    def lock(self, native_id: str) -> None:
        """Lock the account out, as too many wrong passwords do."""
        with self._store.writing() as connection:
            self._lock_out(connection, self._row(connection, native_id))

    def by_hand(
        self,
        actor: str,
        native_id: str,
        change: Change,
        *,
        secret: str | None = None,
        value: str | None = None,
        address: str = ADMINISTRATORS_ADDRESS,
    ) -> Receipt:
        """Make a change straight in the directory, as the administrator *actor*: the log has it, no case does."""
        click = Click(actor=actor, address=address, at=self._clock())
        return self._perform(click, native_id, change, secret=secret, value=value)

    def admin_reset(self, actor: str, native_id: str) -> str:
        """Reset a password straight in the directory and return the new one."""
        password = secrets.token_urlsafe(18)
        self.by_hand(actor, native_id, ResetPassword(account=AccountId("")), secret=password)
        return password

    def sign_in(self, login: str, password: str) -> SignIn:
        """Try *password*, a temporary pass or a secret still in its overlap; a pass is spent by it."""
        with self._store.writing() as connection:
            row = connection.execute("SELECT * FROM account WHERE login = ?", (login,)).fetchone()
            if row is None:
                return SignIn.WRONG
            if not row["enabled"]:
                return SignIn.DISABLED
            if row["locked"]:
                return SignIn.LOCKED
            if not opens(row["secret"], password) and not self._spend(connection, row["native_id"], password):
                connection.execute("UPDATE account SET wrong = wrong + 1 WHERE native_id = ?", (row["native_id"],))
                if row["wrong"] + 1 >= WRONG_PASSWORDS:
                    self._lock_out(connection, row)
                return SignIn.WRONG
            connection.execute("UPDATE account SET wrong = 0 WHERE native_id = ?", (row["native_id"],))
            if row["must_change"]:
                return SignIn.MUST_CHANGE
            click = self._own_click(row["login"])
            session = (secrets.token_hex(16), row["native_id"], audit.stamp(click.at))
            connection.execute("INSERT INTO session VALUES (?, ?, ?)", session)
            _log(connection, click, row, audit.SIGNED_IN)
            return SignIn.OK

    def change_own_password(self, login: str, old: str, new: str) -> None:
        """Change a password as its owner; `Refused` when *old* is wrong or *new* too short."""
        with self._store.writing() as connection:
            row = connection.execute("SELECT * FROM account WHERE login = ?", (login,)).fetchone()
            if row is None or not opens(row["secret"], old):
                raise Refused("The old password is wrong.", "Ask for a recovery if it is forgotten.")
            set_password(connection, row["native_id"], new, must_change=False)
            click = self._own_click(login)
            count(connection, row["native_id"], ResetPassword(account=AccountId("")), click.at)
            _log(connection, click, row, audit.PASSWORD_CHANGED)

    def sessions(self, native_id: str) -> int:
        """How many sessions are open."""
        with self._store.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM session WHERE account = ?", (native_id,)).fetchone()[0])

    def roles(self, native_id: str) -> tuple[str, ...]:
        """The roles lent to the account that have not ended."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT name FROM role WHERE account = ? AND until > ? ORDER BY name",
                (native_id, audit.stamp(self._clock())),
            ).fetchall()
        return tuple(row["name"] for row in rows)

    def audit_lines(self, since: datetime) -> tuple[str, ...]:
        """Return the lines of the log published at or after *since*, oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT line FROM audit WHERE published >= ? ORDER BY seq", (audit.stamp(since),)
            ).fetchall()
        return tuple(row["line"] for row in rows)

    @property
    def audit_log(self) -> Path:
        """The log as a file of JSON lines."""
        return self._store.log

    def _own_click(self, login: str) -> Click:
        return Click(actor=login, address=PEOPLE_ADDRESS, at=self._clock())

    def _add(self, connection: sqlite3.Connection, one: Seed) -> None:
        native_id = one.native_id or f"00u{secrets.token_hex(9)[:17]}"
        try:
            connection.execute(
                "INSERT INTO account (native_id, login, display_name, status, shared, unit, manager, owner,"
                " second_owner, sponsor, protected, secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    native_id, one.login, one.display_name, one.status.value, one.shared, one.unit, one.manager,
                    one.owner, one.second_owner, one.sponsor, one.protected,
                    None if one.password is None else seal(one.password),
                ),
            )  # fmt: skip
        except sqlite3.IntegrityError as error:
            raise Invalid(f"{self.name} has {one.login} already.", "Choose another login or id.", "login") from error
        changed = None if one.contacts_changed_at is None else audit.stamp(one.contacts_changed_at)
        contacts = ((ContactKind.MAIL, one.mail), (ContactKind.PHONE, one.phone))
        connection.executemany(
            "INSERT INTO contact VALUES (?, ?, ?, ?)",
            [(native_id, kind.value, value, changed) for kind, value in contacts if value is not None],
        )
        connection.executemany("INSERT INTO factor VALUES (?, ?)", [(native_id, factor) for factor in one.factors])
        if one.language is not None:
            connection.execute("INSERT INTO language VALUES (?, ?)", (native_id, one.language))
        self._join(connection, native_id, one.groups)

    def _join(self, connection: sqlite3.Connection, native_id: str, groups: tuple[str, ...]) -> None:
        if unknown := [group for group in groups if group not in self._groups]:
            raise Invalid(
                f"{self.name} has no group {', '.join(unknown)}.", f"Its groups: {', '.join(self._groups)}.", "groups"
            )
        connection.execute("DELETE FROM membership WHERE account = ?", (native_id,))
        connection.executemany("INSERT INTO membership VALUES (?, ?)", [(native_id, group) for group in groups])

    def _row(self, connection: sqlite3.Connection, native_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute(
            "SELECT * FROM account WHERE native_id = ?", (storable(native_id),)
        ).fetchone()
        if row is None:
            raise Invalid(
                f"{self.name} has no account with this id.", "Find the account again by its name.", "native_id"
            )
        return row

    def _lock_out(self, connection: sqlite3.Connection, row: sqlite3.Row) -> None:
        connection.execute("UPDATE account SET locked = 1 WHERE native_id = ?", (row["native_id"],))
        _log(connection, self._own_click(row["login"]), row, audit.LOCKED)

    def _spend(self, connection: sqlite3.Connection, native_id: str, password: str) -> bool:
        rows = connection.execute(
            "SELECT rowid, kind, secret FROM extra_secret WHERE account = ? AND until > ?",
            (native_id, audit.stamp(self._clock())),
        ).fetchall()
        for row in rows:
            if opens(row["secret"], password):
                if row["kind"] == "pass":
                    connection.execute("DELETE FROM extra_secret WHERE rowid = ?", (row["rowid"],))
                return True
        return False

    def _perform(
        self, click: Click, native_id: str, change: Change, *, secret: str | None, value: str | None
    ) -> Receipt:
        with self._store.writing() as connection:
            row = self._row(connection, native_id)
            before = version_of(connection, native_id, change)
            events = perform(connection, row, change, at=click.at, secret=secret, value=value)
            after = count(connection, native_id, change, click.at)
            _log(connection, click, row, *events)
        return Receipt(
            directory=self.name,
            principal=click.actor,
            at=click.at,
            transaction=click.transaction,
            before=before,
            after=after,
        )


def _log(connection: sqlite3.Connection, click: Click, row: sqlite3.Row, *events: str) -> None:
    """Write *events* of one click on the account in *row* into the log."""
    target = audit.Party(id=row["native_id"], alternate_id=row["login"], display_name=row["display_name"])
    known = connection.execute("SELECT native_id, display_name FROM account WHERE login = ?", (click.actor,)).fetchone()
    actor = audit.Party(
        id=click.actor if known is None else known["native_id"],
        alternate_id=click.actor,
        display_name=click.actor if known is None else known["display_name"],
    )
    lines = [
        audit.line(event, at=click.at, actor=actor, target=target, address=click.address, transaction=click.transaction)
        for event in events
    ]
    connection.executemany(
        "INSERT INTO audit (published, line) VALUES (?, ?)", [(audit.stamp(click.at), line) for line in lines]
    )
