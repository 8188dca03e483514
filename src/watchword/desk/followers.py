"""Read models: projections of the ledger that say how far they have read. Decisions never stand on them.

`Names` finds whom a login or a native id stands for; `CaseList` keeps every case folded, for lists and debts; `Starts`
counts what executors began lately, for their caps. What `evidence.erased` says is gone, they let go of.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from datetime import datetime, timedelta

import msgspec

from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.case import TERMINAL, Case, state_of
from watchword.core.errors import Invalid
from watchword.core.fold import evolve
from watchword.core.ids import AccountId, CaseId, PersonId, Seq
from watchword.core.passkey import PasskeyMaterial, material_of
from watchword.core.person import AccountLinked, CredentialEnrolled, PersonRegistered
from watchword.core.proving import guessed_at
from watchword.core.standing import AccountRegistered
from watchword.desk.asks import may_owe
from watchword.desk.credential_words import TOLD
from watchword.desk.recording import event_of, recorded
from watchword.ledger.append import Appended
from watchword.ledger.entry import Retention
from watchword.ledger.erasure import EvidenceErased, Hold, LedgerEvent, evolve_holds
from watchword.ledger.leader import Ledger
from watchword.ledger.restoration import LEDGER_STREAM

HOUR = timedelta(hours=1)

BOUND = frozenset(kind.__struct_config__.tag for kind in TOLD)
"""The types of entries that somebody is told of who they are about."""

REMEMBERED = timedelta(days=1)
"""For how long it is known which of those there were."""


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
        self._known: dict[PersonId, None] = {}
        self._passkeys: dict[str, PersonId] = {}
        self._bound: deque[Appended] = deque()

    def follow(self, ledger: Ledger) -> int:
        """Read what is new."""
        with self._lock:
            for appended in ledger.news(self.position):
                if appended.entry.type in BOUND:
                    self._bound.append(appended)
                    while appended.entry.at - self._bound[0].entry.at > REMEMBERED:
                        self._bound.popleft()
                match appended.entry.type:
                    case "person.registered":
                        event = event_of(appended)
                        assert isinstance(event, PersonRegistered)
                        self._known.setdefault(event.person)
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
                        # Of two that were entered side by side the first one counts, for every process alike.
                        self._owners.setdefault(event.account, event.person)
                    case "credential.enrolled":
                        event = event_of(appended)
                        assert isinstance(event, CredentialEnrolled)
                        if (material := material_of(event.credential)) is not None:
                            for known in (material.public_key, material.credential_id):
                                self._passkeys.setdefault(known, event.person)
                    case "evidence.erased":
                        event = event_of(appended)
                        assert isinstance(event, EvidenceErased)
                        self._let_go(event)
                self.position = appended.seq + 1
            return self.position

    def bound(self, at: datetime) -> tuple[Appended, ...]:
        """What was changed within a day of how people show who they are."""
        with self._lock:
            return tuple(one for one in self._bound if at - one.entry.at <= REMEMBERED)

    def people(self) -> tuple[PersonId, ...]:
        """Everybody who was ever registered, in that order."""
        with self._lock:
            return tuple(self._known)

    def _let_go(self, erased: EvidenceErased) -> None:
        if erased.retention is not Retention.CORE:  # of the names kept here, every one is of that class
            return
        kind, _, name = erased.stream.partition("/")
        if kind == "person":
            self._said.pop(PersonId(name), None)
            self._people = {login: person for login, person in self._people.items() if person != name}
        elif kind == "account":
            self._native.pop(AccountId(name), None)
            self._accounts = {native: account for native, account in self._accounts.items() if account != name}

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

    def accounts_of(self, person: PersonId) -> tuple[AccountId, ...]:
        """The accounts that are somebody's."""
        with self._lock:
            return tuple(account for account, owner in self._owners.items() if owner == person)

    def passkey_holder(self, material: PasskeyMaterial) -> PersonId | None:
        """Who was the first to enrol a passkey of this key or this credential id, revoked since or not."""
        with self._lock:
            return self._passkeys.get(material.public_key) or self._passkeys.get(material.credential_id)


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """One change an executor began: entry *seq* of the ledger."""

    case: CaseId
    at: datetime
    seq: Seq


class Starts:
    """The changes that were begun within the last hour, by class of account, whichever executor began them."""

    name = "starts"

    def __init__(self) -> None:
        self.position = 0
        self._lock = threading.Lock()
        self._classes: dict[str, AccountClass] = {}
        self._starts: dict[AccountClass, deque[Start]] = {}

    def follow(self, ledger: Ledger) -> int:
        """Read what is new."""
        with self._lock:
            for appended in ledger.news(self.position):
                entry = appended.entry
                if entry.type == "case.opened":
                    self._classes[entry.stream] = AccountClass(str(entry.data["account_class"]))
                elif entry.type == "change.started":
                    recent = self._starts.setdefault(self._classes[entry.stream], deque())
                    recent.append(Start(case=CaseId(entry.stream.removeprefix("case/")), at=entry.at, seq=appended.seq))
                    while entry.at - recent[0].at >= HOUR:
                        recent.popleft()
                self.position = appended.seq + 1
            return self.position

    def within_the_hour(self, account_class: AccountClass, at: datetime) -> tuple[Start, ...]:
        """What was begun in the hour before *at*, in the order of the ledger."""
        with self._lock:
            return tuple(s for s in self._starts.get(account_class, ()) if at - s.at < HOUR)


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
        self._erased: dict[CaseId, tuple[Retention, ...]] = {}
        self._holds: dict[CaseId, Hold] = {}
        self._stages: Counter[str] = Counter()
        self._owing: dict[CaseId, bool] = {}
        self._guessed: dict[AccountId, set[CaseId]] = {}

    def follow(self, ledger: Ledger) -> int:
        """Read what is new."""
        with self._lock:
            for appended in ledger.news(self.position):
                if appended.entry.stream.startswith("case/"):
                    fact = recorded(appended)
                    before = self._rows.get(CaseId(appended.entry.stream.removeprefix("case/")))
                    after = evolve(before.case if before else None, fact)
                    overdue = isinstance(fact.event, past.ReviewOverdue) or (before is not None and before.overdue)
                    self._rows[after.id] = CaseRow(
                        case=after, changed_at=fact.at, overdue=overdue and after.reviewer is None
                    )
                    self._count(before, self._rows[after.id])
                elif appended.entry.stream == LEDGER_STREAM:
                    self._kept(appended)
                self.position = appended.seq + 1
            return self.position

    def _count(self, before: CaseRow | None, after: CaseRow) -> None:
        if before is not None and not isinstance(before.case, TERMINAL):
            self._stages[state_of(before.case)] -= 1
        if not isinstance(after.case, TERMINAL):
            self._stages[state_of(after.case)] += 1
        guessed = self._guessed.setdefault(after.case.account, set())
        (guessed.add if guessed_at(after.case) else guessed.discard)(after.case.id)
        self._owing.pop(after.case.id, None)
        if after.case.review_due is not None and after.case.reviewer is None:
            self._owing[after.case.id] = after.overdue

    def counts(self) -> tuple[dict[str, int], int, int]:
        """Cases that are not at their end, by state; how many cases owe a review, and how many of these are overdue."""
        with self._lock:
            return dict(self._stages), len(self._owing), sum(self._owing.values())

    def _kept(self, appended: Appended) -> None:
        event = event_of(appended)
        assert isinstance(event, LedgerEvent)
        self._holds = evolve_holds(self._holds, event, appended.entry.at)
        if isinstance(event, EvidenceErased) and event.stream.startswith("case/"):
            case = CaseId(event.stream.removeprefix("case/"))
            self._erased[case] = tuple(dict.fromkeys((*self._erased.get(case, ()), event.retention)))

    def erased(self, case: CaseId) -> tuple[Retention, ...]:
        """The classes of which payloads of this case were erased, as far as this has read."""
        with self._lock:
            return self._erased.get(case, ())

    def hold(self, case: CaseId) -> Hold | None:
        """The hold this case is under, as far as this has read."""
        with self._lock:
            return self._holds.get(case)

    def rows(self) -> tuple[CaseRow, ...]:
        """Every case, newest change first."""
        with self._lock:
            return tuple(sorted(self._rows.values(), key=lambda r: r.changed_at, reverse=True))

    def running(self) -> tuple[Case, ...]:
        """Cases that are not at their end."""
        return tuple(r.case for r in self.rows() if not isinstance(r.case, TERMINAL))

    def guessed(self, account: AccountId, since: datetime) -> tuple[Case, ...]:
        """The open cases of *account* in which wrong answers stand; see `core.proving.guessed_at`."""
        with self._lock:
            found = (self._rows[case].case for case in self._guessed.get(account, ()))
            return tuple(case for case in found if guessed_at(case, since))

    def may_owe(self, at: datetime) -> tuple[CaseId, ...]:
        """Cases that may wait for an effect at *at*, so that nobody has to read the others."""
        return tuple(r.case.id for r in self.rows() if may_owe(r.case, r.changed_at, at))

    def overdue(self) -> tuple[CaseRow, ...]:
        """Reviews that nobody did in time, the oldest due first: the debt."""
        return tuple(row for row in self.debts() if row.overdue)

    def debts(self) -> tuple[CaseRow, ...]:
        """Cases that owe a review, the oldest due first."""
        owed = [r for r in self.rows() if r.case.review_due is not None and r.case.reviewer is None]
        return tuple(sorted(owed, key=lambda r: r.case.review_due or r.changed_at))
