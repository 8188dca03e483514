"""Someone who acts: roles, unit, kind, linked accounts and credentials, folded from their `person/…` stream."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from watchword.core.account import FACT_WINDOW
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.own_page import OwnPage, PageMade, PageMissed, PageTakenBack, PageTurnedAway

SIGN_IN = "password"
"""The credential a console sign-in is checked against; it proves nobody to the desk."""

FIRST_DAY = timedelta(days=1)
"""Enrolments within this time of becoming known are how somebody began, not a change."""

REMEMBERED = 10
"""How many of the latest prompts are kept of somebody; `core.prompt` allows fewer."""

RECOVERED = timedelta(days=7)
"""An approver whose own account was recovered within this time can not approve (invariant 3)."""


class Kind(StrEnum):
    """Who somebody is; `system` is Watchword's own runner and executor."""

    EMPLOYEE = "employee"
    VENDOR = "vendor"
    AI = "ai"
    SYSTEM = "system"


class Role(StrEnum):
    """What somebody may do. Held by ledger entries only, never by a directory group."""

    AGENT = "agent"
    VERIFIER = "verifier"
    APPROVER = "approver"
    IAM_DUTY = "iam_duty"
    SECURITY_DUTY = "security_duty"
    ACCOUNT_OWNER = "account_owner"
    PLATFORM_SECURITY = "platform_security"
    CISO_DELEGATE = "ciso_delegate"
    CUSTODIAN = "custodian"
    DOWNTIME_CUSTODIAN = "downtime_custodian"
    EXECUTOR = "executor"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    POLICY_AUTHOR = "policy_author"
    ADMINISTRATOR = "administrator"


CONTROLLING = frozenset(Role) - {Role.ACCOUNT_OWNER, Role.AUDITOR}
"""Roles that have a say in who gets in: whoever holds one is part of the control of identities."""


class RoleGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A role within a *unit* (None: everywhere) until a time (None: until revoked)."""

    role: Role
    unit: str | None = None
    until: datetime | None = None


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """The right to administer people of one *unit*, always with an end date."""

    unit: str
    until: datetime


class ExecutorGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A just-in-time right to execute one case."""

    case: CaseId
    until: datetime


class LentSeat(msgspec.Struct, frozen=True, kw_only=True):
    """The *seat* of somebody else (a role, or a relation to the account), to sit in their place until an end date.

    Where *by* signed it, *statement* is what (`core.loan`), and *proof* a `SignedProof`.
    """

    by: PersonId
    seat: str
    until: datetime
    statement: str = ""
    proof: str = ""

    def is_of(self, by: PersonId, seat: str) -> bool:
        """Whether this is what *by* lent of that *seat*, signed or not."""
        return (self.by, self.seat) == (by, seat)


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment: *method*, random *id*, *public* material where there is any; a secret is a payload of its entry.

    *counter* is the last one accepted (a TOTP step, a passkey's sign count), so that no answer counts twice anywhere.
    *enrolled_by* is who wrote the entry that enrolled it, *confirmed_by* who said since that it is their own key.
    *made_alone*: on a page of their own, to which whoever enrolled it gave them the address.
    """

    id: str
    method: str
    enrolled_at: datetime
    public: str = ""
    counter: int | None = None
    enrolled_by: str | None = None
    confirmed_by: PersonId | None = None
    made_alone: bool = False


class PersonRegistered(msgspec.Struct, frozen=True, kw_only=True, tag="person.registered"):
    """A person is known from now on; name and login are payloads."""

    person: PersonId
    kind: Kind
    unit: str


class RoleGranted(msgspec.Struct, frozen=True, kw_only=True, tag="role.granted"):
    """A role begins."""

    person: PersonId
    grant: RoleGrant


class RoleRevoked(msgspec.Struct, frozen=True, kw_only=True, tag="role.revoked"):
    """A role ends, in every unit."""

    person: PersonId
    role: Role


class AccountLinked(msgspec.Struct, frozen=True, kw_only=True, tag="account.linked"):
    """This account is this person's."""

    person: PersonId
    account: AccountId


class CredentialEnrolled(msgspec.Struct, frozen=True, kw_only=True, tag="credential.enrolled"):
    """A way to prove or to sign in begins to count."""

    person: PersonId
    credential: Credential


class CredentialUsed(msgspec.Struct, frozen=True, kw_only=True, tag="credential.used"):
    """It proved something; an answer with this *counter* or a lower one proves nothing any more."""

    person: PersonId
    credential: str
    counter: int


class Prompted(msgspec.Struct, frozen=True, kw_only=True, tag="person.prompted"):
    """A prompt appeared before them *at* this time, because of *case*."""

    person: PersonId
    case: CaseId
    at: datetime


class CredentialConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag="credential.confirmed"):
    """A second person said that this key is the person's own, so that it may sign approvals."""

    person: PersonId
    credential: str
    by: PersonId


class BrowserSubscribed(msgspec.Struct, frozen=True, kw_only=True, tag="browser.subscribed"):
    """A browser that answers prompts can be woken from now on; where, is a payload."""

    person: PersonId
    credential: str


class CredentialRevoked(msgspec.Struct, frozen=True, kw_only=True, tag="credential.revoked"):
    """It counts no longer; the reason is a payload."""

    person: PersonId
    credential: str


class DelegationGranted(msgspec.Struct, frozen=True, kw_only=True, tag="delegation.granted"):
    """Administration of one unit, until an end date."""

    person: PersonId
    delegation: Delegation


class DelegationEnded(msgspec.Struct, frozen=True, kw_only=True, tag="delegation.ended"):
    """Administration of one unit is over, before its end date."""

    person: PersonId
    unit: str


class SeatLent(msgspec.Struct, frozen=True, kw_only=True, tag="seat.lent"):
    """Somebody lets *person* approve in their place; it replaces what they lent them of that seat until that date."""

    person: PersonId
    lent: LentSeat


class SeatReturned(msgspec.Struct, frozen=True, kw_only=True, tag="seat.returned"):
    """What *by* lent to *person* is over, before its end date."""

    person: PersonId
    by: PersonId
    seat: str


class ExecutorGranted(msgspec.Struct, frozen=True, kw_only=True, tag="executor.granted"):
    """Just-in-time right to execute one case."""

    person: PersonId
    grant: ExecutorGrant


PersonEvent = (
    PersonRegistered
    | RoleGranted
    | RoleRevoked
    | AccountLinked
    | CredentialEnrolled
    | CredentialUsed
    | CredentialConfirmed
    | CredentialRevoked
    | BrowserSubscribed
    | Prompted
    | PageMade
    | PageMissed
    | PageTakenBack
    | PageTurnedAway
    | DelegationGranted
    | DelegationEnded
    | SeatLent
    | SeatReturned
    | ExecutorGranted
)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person as their stream says; ask `roles_at` and friends, never the raw grants.

    *since* is when they became known, *prompted* when prompts last appeared before them. *sign_in* is the one sign-in
    that counts (empty after it was revoked, None where there never was one), *replaced_at* when somebody else last gave
    them another than they began with, and *retired* the public material of what was revoked. *pages* are their own ones
    that were not used; ask `pages_at`.
    """

    id: PersonId
    kind: Kind
    unit: str
    grants: tuple[RoleGrant, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    credentials: tuple[Credential, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    executions: tuple[ExecutorGrant, ...] = ()
    lent: tuple[LentSeat, ...] = ()
    since: datetime | None = None
    prompted: tuple[datetime, ...] = ()
    sign_in: str | None = None
    replaced_at: datetime | None = None
    retired: tuple[str, ...] = ()
    pages: tuple[OwnPage, ...] = ()

    def pages_at(self, at: datetime) -> tuple[OwnPage, ...]:
        """The pages of their own whose address can be used at *at*."""
        return tuple(p for p in self.pages_known(at) if not p.is_closed)

    def pages_known(self, at: datetime) -> tuple[OwnPage, ...]:
        """As `pages_at`, with those that wrong codes closed before their time was over."""
        return tuple(p for p in self.pages if at < p.expires)

    def roles_at(self, at: datetime, unit: str | None = None) -> frozenset[Role]:
        """Roles in force at *at* for a case of *unit*; None asks for those held everywhere."""
        return frozenset(g.role for g in self.grants if (g.until is None or at < g.until) and g.unit in (None, unit))

    def delegated_at(self, at: datetime) -> frozenset[str]:
        """Units this person may administer at *at*."""
        return frozenset(d.unit for d in self.delegations if at < d.until)

    def controls_at(self, at: datetime) -> bool:
        """Whether they are part of the control of identities in any unit, or were until lately (invariant 7)."""
        ends = [g.until for g in self.grants if g.role in CONTROLLING]
        ends += [d.until for d in self.delegations]
        return any(until is None or at - FACT_WINDOW < until for until in ends)

    def lent_at(self, at: datetime) -> tuple[LentSeat, ...]:
        """Seats of others this person may take at *at*."""
        return tuple(one for one in self.lent if at < one.until)

    def may_execute(self, case: CaseId, at: datetime) -> bool:
        """Whether a just-in-time grant for *case* is in force."""
        return any(g.case == case and at < g.until for g in self.executions)

    def credentials_of(self, method: str) -> tuple[Credential, ...]:
        """Enrolments of *method* that still count."""
        return tuple(c for c in self.credentials if c.method == method)

    def began_with(self, credential: Credential) -> bool:
        """Whether it was enrolled as they became known, so that it replaced nothing."""
        return self.since is None or credential.enrolled_at - self.since <= FIRST_DAY

    def is_young(self, credential: Credential, at: datetime) -> bool:
        """Whether it was enrolled lately and later than they became known: worth nothing yet (invariant 7)."""
        return not self.began_with(credential) and at - credential.enrolled_at < FACT_WINDOW

    def was_replaced(self, at: datetime) -> bool:
        """Whether somebody else gave them another sign-in lately: who that was can sign in as them (invariant 7)."""
        return self.replaced_at is not None and at - self.replaced_at < FACT_WINDOW


def evolve_person(person: Person | None, event: PersonEvent) -> Person:
    """Fold one event; the first must be `PersonRegistered`."""
    replace = msgspec.structs.replace
    match person, event:
        case None, PersonRegistered():
            return Person(id=event.person, kind=event.kind, unit=event.unit)
        case None, _:
            raise Invalid("This person was never registered.", "Register the person first.", where="person")
        case _, PersonRegistered():
            return replace(person, kind=event.kind, unit=event.unit)
        case _, RoleGranted():
            return replace(person, grants=(*person.grants, event.grant))
        case _, RoleRevoked():
            return replace(person, grants=tuple(g for g in person.grants if g.role != event.role))
        case _, AccountLinked():
            return replace(person, accounts=tuple(dict.fromkeys((*person.accounts, event.account))))
        case _, CredentialEnrolled():
            held = replace(
                person, credentials=(*person.credentials, event.credential), pages=_without(person, event.credential.id)
            )
            return _signing_in(held, event.credential) if event.credential.method == SIGN_IN else held
        case _, CredentialUsed():
            used = tuple(
                replace(c, counter=event.counter) if c.id == event.credential else c for c in person.credentials
            )
            return replace(person, credentials=used)
        case _, CredentialConfirmed():
            confirmed = tuple(
                replace(c, confirmed_by=event.by) if c.id == event.credential else c for c in person.credentials
            )
            return replace(person, credentials=confirmed)
        case _, CredentialRevoked():
            gone = tuple(c.public for c in person.credentials if c.id == event.credential and c.public)
            return replace(
                person,
                credentials=tuple(c for c in person.credentials if c.id != event.credential),
                sign_in="" if person.sign_in == event.credential else person.sign_in,
                retired=(*person.retired, *gone),
            )
        case _, BrowserSubscribed():
            return person
        case _, Prompted():
            return replace(person, prompted=(*person.prompted, event.at)[-REMEMBERED:])
        case _, PageMade():
            return replace(person, pages=(*person.pages_known(event.page.made_at), event.page))
        case _, PageMissed():
            counted = (replace(p, missed=p.missed + 1) if p.id == event.page else p for p in person.pages)
            return replace(person, pages=tuple(counted))
        case _, PageTurnedAway():
            noted = (p.turns_away(event.by) if p.id == event.page else p for p in person.pages)
            return replace(person, pages=tuple(noted))
        case _, PageTakenBack():
            return replace(person, pages=_without(person, event.page))
        case _, DelegationGranted():
            return replace(person, delegations=(*person.delegations, event.delegation))
        case _, DelegationEnded():
            return replace(person, delegations=tuple(d for d in person.delegations if d.unit != event.unit))
        case _, SeatLent():
            lent = event.lent
            kept = (one for one in person.lent if not (one.is_of(lent.by, lent.seat) and one.until == lent.until))
            return replace(person, lent=(*kept, lent))
        case _, SeatReturned():
            return replace(person, lent=tuple(one for one in person.lent if not one.is_of(event.by, event.seat)))
        case _, ExecutorGranted():
            return replace(person, executions=(*person.executions, event.grant))


def _without(person: Person, page: str) -> tuple[OwnPage, ...]:
    return tuple(p for p in person.pages if p.id != page)


def _signing_in(person: Person, given: Credential) -> Person:
    """Take note of a sign-in: the newest one counts alone, and where it replaced another, whoever gave it knows it."""
    own = given.enrolled_by in (None, person.id)
    began = person.sign_in is None and person.began_with(given)
    replaced_at = person.replaced_at if own or began else given.enrolled_at
    return msgspec.structs.replace(person, sign_in=given.id, replaced_at=replaced_at)
