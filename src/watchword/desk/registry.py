"""People, accounts and origins as the ledger holds them, and the accounts of directories as they are seen now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from watchword.core.account import PEOPLE, AccountClass, DirectoryAccount, strictest
from watchword.core.case import Case
from watchword.core.errors import Invalid, Refused
from watchword.core.event import Recorded
from watchword.core.fold import evolve, fold
from watchword.core.ids import AccountId, CaseId, OriginId, PersonId, Seq
from watchword.core.origin import Origin, OriginEvent, evolve_origin
from watchword.core.person import RECOVERED, CredentialEnrolled, Person, PersonEvent, evolve_person
from watchword.core.standing import (
    Account,
    AccountEvent,
    AccountObserved,
    AccountRegistered,
    Thresholds,
    evolve_account,
)
from watchword.desk.folds import MOST, Folds
from watchword.desk.followers import Names
from watchword.desk.posture import PolicyEvent, Posture, evolve_posture
from watchword.desk.recording import (
    POLICY_STREAM,
    account_stream,
    case_stream,
    draft,
    event_of,
    origin_stream,
    person_stream,
    recorded,
)
from watchword.ledger.append import Append, Appended
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.leader import Ledger

T = TypeVar("T")


class Registry:
    """Folds streams into values; every entry is verified by the ledger. Knows no rule of its own."""

    def __init__(self, ledger: Ledger, names: Names, thresholds: Thresholds) -> None:
        self.ledger = ledger
        self.folds = Folds(ledger)
        self._enrolments: dict[tuple[PersonId, str], Appended] = {}
        self.names = names
        self.thresholds = thresholds

    def person(self, person: PersonId, *, before: Seq | None = None) -> Person:
        """Somebody as their stream says, up to the entry *before* where given.

        `Invalid` when they were never registered (an unknown person is refused).
        """
        stream = person_stream(person)
        folded = self.folds.of(stream, _known)[0] if before is None else self._then(stream, _known, before)
        if folded is None:
            raise Invalid("This person is unknown.", "Register the person first.", where="person")
        return folded

    def account(self, account: AccountId, *, before: Seq | None = None) -> Account:
        """An account's standing, up to the entry *before* where given; `Invalid` when it was never seen."""
        return self.standing(account)[0] if before is None else _seen(self._account_then(account, before))

    def standing(self, account: AccountId) -> tuple[Account, int]:
        """An account's standing with the version its stream is at then; `Invalid` when it was never seen."""
        folded, version = self.folds.of(account_stream(account), self._stood)
        return _seen(folded), version

    def origin(self, origin: OriginId | None) -> Origin:
        """What came from an origin; nothing where none is known."""
        folded = self.folds.of(origin_stream(origin), _came)[0] if origin else None
        return folded or Origin()

    def posture(self, *, before: Seq | None = None) -> Posture:
        """Which policy is active and whether the threat is elevated; up to the entry *before* where given."""
        folded = (
            self.folds.of(POLICY_STREAM, _posed)[0] if before is None else self._then(POLICY_STREAM, _posed, before)
        )
        return folded or Posture()

    def case(self, case: CaseId) -> tuple[Case, int]:
        """A case with the version its stream is at then; `Invalid` when there is none."""
        folded, version = self.folds.of(case_stream(case), _moved)
        return (fold(()) if folded is None else folded), version

    def _account_then(self, account: AccountId, before: Seq) -> Account | None:
        return self._then(account_stream(account), self._stood, before)

    def _stood(self, folded: Account | None, appended: Appended) -> Account:
        event = event_of(appended)
        assert isinstance(event, AccountEvent)
        return evolve_account(folded, event, appended.entry.at, self.thresholds)

    def _then(self, stream: str, step: Callable[[T | None, Appended], T], before: Seq) -> T | None:
        """What *stream* folded to before an entry, from its entries read anew."""
        folded: T | None = None
        for appended in self.ledger.read(stream):
            if appended.seq >= before:
                break
            folded = step(folded, appended)
        return folded

    def history(self, case: CaseId) -> tuple[Recorded, ...]:
        """A case's entries as events."""
        return tuple(recorded(a) for a in self.ledger.read(case_stream(case)))

    def enrolment(self, person: PersonId, credential: str) -> Appended | None:
        """The entry that enrolled *credential* of *person*, None where there is none; once found, it stays."""
        key = (person, credential)
        if not self.folds.is_afresh and key in self._enrolments:
            return self._enrolments[key]
        for one in self.ledger.read(person_stream(person)):
            event = event_of(one) if one.entry.type == "credential.enrolled" else None
            if isinstance(event, CredentialEnrolled) and event.credential.id == credential:
                if len(self._enrolments) >= MOST:
                    self._enrolments.clear()
                self._enrolments[key] = one
                return one
        return None

    def recently_recovered(self, person: Person, at: datetime) -> bool:
        """Whether any account of this person was recovered within seven days."""
        return any(self.account(a).recoveries_within(RECOVERED, at) for a in person.accounts)

    def native_id(self, account: AccountId) -> tuple[str, str]:
        """Directory and native id, opened from the committed payload of the registration; never from a read model.

        `Refused` (`erased`) where the payload is gone.
        """
        first = self.ledger.read(account_stream(account))[0]
        event = event_of(first)
        assert isinstance(event, AccountRegistered)
        native = self.ledger.disclosures(first).get("native_id")
        if native is None:
            raise Refused("The native id of this account was erased.", "Open a new case for it.", ("erased",))
        return event.directory, native

    def observe(self, seen: DirectoryAccount, actor: PersonId, at: datetime) -> Account:
        """Record what a directory says of an account, where it is new or differs, and return its standing."""
        self.names.follow(self.ledger)
        account = self.names.account(seen.directory, seen.native_id)
        if account is None:
            account = AccountId(self.ledger.pseudonym("a"))
            registered = AccountRegistered(account=account, directory=seen.directory)
            native = Disclosure(name="native_id", value=seen.native_id, retention=Retention.CORE)
            observed = draft(self._facts(account, seen), actor, at)
            drafts = (draft(registered, actor, at, (native,)), observed)
            self.ledger.append((Append(stream=account_stream(account), expected_version=-1, drafts=drafts),))
            self.names.follow(self.ledger)
            account = self.names.account(seen.directory, seen.native_id) or account
        standing, version = self.standing(account)
        facts = self._facts(account, seen)
        if standing.observations and standing.facts == facts:
            return standing
        append = Append(
            stream=account_stream(account),
            expected_version=version,
            drafts=(draft(facts, actor, at),),
        )
        self.ledger.append((append,))
        return self.account(account)

    def _facts(self, account: AccountId, seen: DirectoryAccount) -> AccountObserved:
        return AccountObserved(
            account=account,
            account_class=seen.account_class,
            status=seen.status,
            shared=seen.shared,
            unit=seen.unit or "",
            manager=self._holder(seen.directory, seen.manager),
            owner=self._holder(seen.directory, seen.owner),
            second_owner=self._holder(seen.directory, seen.second_owner),
            sponsor=self._holder(seen.directory, seen.sponsor),
        )

    def _holder(self, directory: str, native_id: str | None) -> PersonId | None:
        """The person behind a native id the directory names as manager, owner or sponsor; None where we know nobody."""
        account = self.names.account(directory, native_id) if native_id else None
        return self.names.owner(account) if account else None

    def strictest_class(self, account: Account, subject: PersonId | None, at: datetime) -> AccountClass | None:
        """The strictest class of the last 30 days, over all accounts of the person (invariant 7).

        Whoever has a role here that is part of the control of identities is held as such, whatever the directory's
        groups say: what lets an attacker in as an approver is not an ordinary recovery.
        """
        own = account.strictest_class(at)
        if own not in PEOPLE or subject is None:
            # Software somebody owns says nothing of how strictly they are held themselves, nor the other way round.
            return own
        person = self.person(subject)
        others = [self.account(a).strictest_class(at) for a in person.accounts if a != account.id]
        held = (AccountClass.IDENTITY_CONTROL,) if person.controls_at(at) else ()
        return strictest((own, *(c for c in others if c in PEOPLE), *held))


def _known(folded: Person | None, appended: Appended) -> Person:
    event = event_of(appended)
    assert isinstance(event, PersonEvent)
    if isinstance(event, CredentialEnrolled):  # the entry's place in time, not what it says of itself
        enrolled = msgspec.structs.replace(
            event.credential,
            enrolled_at=appended.entry.at,
            enrolled_by=appended.entry.actor,
            confirmed_by=None,
        )
        event = msgspec.structs.replace(event, credential=enrolled)
    folded = evolve_person(folded, event)
    if folded.since is None:
        folded = msgspec.structs.replace(folded, since=appended.entry.at)
    return folded


def _came(folded: Origin | None, appended: Appended) -> Origin:
    event = event_of(appended)
    assert isinstance(event, OriginEvent)
    return evolve_origin(folded or Origin(), event, appended.entry.at)


def _posed(folded: Posture | None, appended: Appended) -> Posture:
    event = event_of(appended)
    assert isinstance(event, PolicyEvent)
    return evolve_posture(folded or Posture(), event)


def _moved(folded: Case | None, appended: Appended) -> Case:
    return evolve(folded, recorded(appended))


def _seen(folded: Account | None) -> Account:
    if folded is None:
        raise Invalid("This account is unknown.", "Find it in its directory first.", where="account")
    return folded
