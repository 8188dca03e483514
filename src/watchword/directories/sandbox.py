"""A directory to try things in: no account in it is real, and it says so.

It keeps accounts, groups, factors, sessions and contact points in a database of its own, writes its own log, and knows
nothing of cases: what it says of a change is worth as much as what a real directory says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from watchword.core.account import AccountClass, DirectoryAccount
from watchword.core.change import Change, Receipt
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.directories import sandbox_audit as audit
from watchword.directories.port import KINDS, Changed, Confirmation
from watchword.directories.sandbox_changes import SHORTEST_PASSWORD, aspect_of, version_of
from watchword.directories.sandbox_store import Seed, account_of, storable
from watchword.directories.sandbox_world import GROUPS, Click, SignIn, World

__all__ = ["GROUPS", "SHORTEST_PASSWORD", "Outage", "Sandbox", "Seed", "SignIn"]

Outage = Literal["before", "during", "after"]


class Sandbox(World):
    """The simulated directory, and the port onto it as *principal*, calling from *address*.

    *outage* makes it fail on purpose: `before`, nothing is answered and nothing is done until it is cleared; `during`,
    the next change is done, its answer is lost, and then all is well; `after`, the next change is done, its answer is
    lost, and nothing is answered until it is cleared.
    """

    simulated = True

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime],
        name: str = "sandbox",
        principal: str = "watchword-executor",
        groups: Mapping[str, AccountClass] = GROUPS,
        address: str = "192.0.2.10",
    ) -> None:
        super().__init__(path, clock=clock, name=name, groups=groups)
        self.outage: Outage | None = None
        self._principal = principal
        self._address = address

    @property
    def principal_keys(self) -> tuple[str, ...]:
        """The login and the address by which the log names us."""
        principal = self._principal.lower()
        return (principal, f"{principal}@example.test")

    def find(self, query: str) -> tuple[DirectoryAccount, ...]:
        """Return every account of that login, mail, display name or native id."""
        self._answer()
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT a.* FROM account a"
                " LEFT JOIN contact c ON c.account = a.native_id AND c.kind = 'mail'"
                " WHERE :query != '' AND fold(:query) IN"
                " (fold(a.login), fold(a.display_name), fold(a.native_id), fold(coalesce(c.value, '')))"
                " ORDER BY a.login",
                {"query": storable(query.strip())},
            ).fetchall()
            return tuple(account_of(connection, row, directory=self.name, groups=self._groups) for row in rows)

    def read(self, native_id: str) -> DirectoryAccount:
        """Return the account as it is now."""
        self._answer()
        with self._store.reading() as connection:
            row = self._row(connection, native_id)
            return account_of(connection, row, directory=self.name, groups=self._groups)

    def before(self, native_id: str, change: Change) -> str:
        """Return how often what *change* touches has changed, as `aspect=count`."""
        self._answer()
        with self._store.reading() as connection:
            self._row(connection, native_id)
            return version_of(connection, native_id, change)

    def apply(
        self, native_id: str, change: Change, effect_id: str, secret: str | None = None, value: str | None = None
    ) -> Receipt:
        """Do the change as the executor's principal; accounts the sandbox protects are refused."""
        del effect_id
        self._answer()
        if protected := self.read(native_id).protected:
            raise Refused(
                f"{self.name} keeps this account from the executor: {protected}.",
                "Ask an administrator of the directory, with a second one watching, to make the change there.",
            )
        click = Click(actor=self._principal, address=self._address, at=self._clock())
        receipt = self._perform(click, native_id, change, secret=secret, value=value)
        if self.outage is not None:
            self.outage = None if self.outage == "during" else "before"
            raise Unavailable(f"{self.name} did not answer.", "Read the account back before anything is tried again.")
        return receipt

    def confirm(self, native_id: str, change: Change, before: str) -> Confirmation:
        """Compare the count taken before with the one now; more than one step up was somebody else too."""
        aspect, _, count = before.partition("=")
        if aspect != aspect_of(change) or not count.isdigit():
            raise Invalid("This is no version of what the change touches.", "Pass what `before` returned.", "before")
        now = self.before(native_id, change)
        steps = int(now.partition("=")[2]) - int(count)
        return {0: Confirmation.NOT_DONE, 1: Confirmation.DONE}.get(steps, Confirmation.UNKNOWN)

    def changes(self, since: datetime) -> tuple[Changed, ...]:
        """Return the last change of each aspect of each account."""
        self._answer()
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT account, aspect, at FROM version WHERE at >= ? ORDER BY at", (audit.stamp(since),)
            ).fetchall()
        return tuple(
            Changed(native_id=row["account"], attribute=row["aspect"], at=datetime.fromisoformat(row["at"]))
            for row in rows
        )

    def capabilities(self) -> frozenset[str]:
        """Every kind of change."""
        return KINDS

    def check(self) -> tuple[str, ...]:
        """Say that this is the sandbox, and how many accounts it has."""
        self._answer()
        with self._store.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM account").fetchone()
        return (
            f"{self.name}: sandbox, no account in it is real",
            f"{self.name}: {count} accounts in {self._store.path}, log in {self._store.log}",
        )

    def _answer(self) -> None:
        if self.outage == "before":
            raise Unavailable(f"{self.name} does not answer.", "Try again when it is back; nothing was done.")
