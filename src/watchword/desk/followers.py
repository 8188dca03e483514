"""Read models: projections of the ledger that say how far they have read. Decisions never stand on them.

`Names` finds whom a login or a native id stands for; `CaseList` keeps every case folded, for lists and debts.
"""

from __future__ import annotations

import threading
from datetime import datetime

import msgspec

from watchword.core import event as past
from watchword.core.case import TERMINAL, Case, evolve
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.passkey import material_of
from watchword.core.person import AccountLinked, CredentialEnrolled, PersonRegistered
from watchword.core.standing import AccountRegistered
from watchword.desk.recording import event_of, recorded
from watchword.ledger.leader import Ledger


class Names:
    """Native names of people and accounts, opened from their payloads; an erased name is simply not found."""

    name = "names"

    def __init__(self) -> None:
        self.position = 0
        self._lock = threading.Lock()
        self._people: dict[str, PersonId] = {}
        self._said: dict[PersonId, tuple[str, str]] = {}
        self._accounts: dict[tuple[str, str], AccountId] = {}
        self._native: dict[AccountId, tuple[str, str]] = {}
        self._owners: dict[AccountId, PersonId] = {}
        self._passkeys: dict[str, PersonId] = {}

    def follow(self, ledger: Ledger) -> int:
        """Read what is new."""
        with self._lock:
            for appended in ledger.entries(self.position):
                match appended.entry.type:
                    case "person.registered":
                        event = event_of(appended)
                        assert isinstance(event, PersonRegistered)
                        told = ledger.disclosures(appended)
                        if "login" in told:
                            self._people.setdefault(told["login"].casefold(), event.person)
                            self._said[event.person] = (told["login"], told.get("name", told["login"]))
                    case "account.registered":
                        event = event_of(appended)
                        assert isinstance(event, AccountRegistered)
                        native = ledger.disclosures(appended).get("native_id")
                        if native is not None:
                            # The first registration stands: two processes may have seen the same account at once.
                            self._accounts.setdefault((event.directory, native.casefold()), event.account)
                            self._native[event.account] = (event.directory, native)
                    case "account.linked":
                        event = event_of(appended)
                        assert isinstance(event, AccountLinked)
                        self._owners[event.account] = event.person
                    case "credential.enrolled":
                        event = event_of(appended)
                        assert isinstance(event, CredentialEnrolled)
                        if (material := material_of(event.credential)) is not None:
                            self._passkeys.setdefault(material.public_key, event.person)
                self.position = appended.seq + 1
            return self.position

    def person(self, login: str) -> PersonId:
        """Whom *login* stands for; `Invalid` when nobody."""
        with self._lock:
            found = self._people.get(login.casefold())
        if found is None:
            raise Invalid(
                f"Nobody is known as {login!r}.", "Register the person first, or check the spelling.", where="login"
            )
        return found

    def has_person(self, login: str) -> bool:
        """Whether somebody is known as *login*."""
        with self._lock:
            return login.casefold() in self._people

    def said(self, person: PersonId) -> tuple[str, str]:
        """Login and name of a person; the pseudonym twice where they were erased."""
        with self._lock:
            return self._said.get(person, (person, person))

    def account(self, directory: str, native_id: str) -> AccountId | None:
        """The pseudonym of an account, None when it was never seen."""
        with self._lock:
            return self._accounts.get((directory, native_id.casefold()))

    def native(self, account: AccountId) -> tuple[str, str] | None:
        """Directory and native id behind a pseudonym; for display, the executor opens the payload itself."""
        with self._lock:
            return self._native.get(account)

    def owner(self, account: AccountId) -> PersonId | None:
        """Whose account it is."""
        with self._lock:
            return self._owners.get(account)

    def passkey_holder(self, public_key: str) -> PersonId | None:
        """Whose a passkey's key was first; a key that was seen in two hands is nobody's."""
        with self._lock:
            return self._passkeys.get(public_key)


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One case for a list."""

    case: Case
    changed_at: datetime
    overdue: bool


class CaseList:
    """Every case folded, newest change first; what is owed and who has what in hand."""

    name = "cases"

    def __init__(self) -> None:
        self.position = 0
        self._lock = threading.Lock()
        self._rows: dict[CaseId, CaseRow] = {}

    def follow(self, ledger: Ledger) -> int:
        """Read what is new."""
        with self._lock:
            for appended in ledger.entries(self.position):
                if appended.entry.stream.startswith("case/"):
                    fact = recorded(appended)
                    before = self._rows.get(CaseId(appended.entry.stream.removeprefix("case/")))
                    after = evolve(before.case if before else None, fact)
                    overdue = isinstance(fact.event, past.ReviewOverdue) or (before is not None and before.overdue)
                    self._rows[after.id] = CaseRow(
                        case=after, changed_at=fact.at, overdue=overdue and after.reviewer is None
                    )
                self.position = appended.seq + 1
            return self.position

    def rows(self) -> tuple[CaseRow, ...]:
        """Every case, newest change first."""
        with self._lock:
            return tuple(sorted(self._rows.values(), key=lambda r: r.changed_at, reverse=True))

    def running(self) -> tuple[Case, ...]:
        """Cases that are not at their end."""
        return tuple(r.case for r in self.rows() if not isinstance(r.case, TERMINAL))

    def debts(self) -> tuple[CaseRow, ...]:
        """Cases that owe a review, the oldest due first."""
        owed = [r for r in self.rows() if r.case.review_due is not None and r.case.reviewer is None]
        return tuple(sorted(owed, key=lambda r: r.case.review_due or r.changed_at))
