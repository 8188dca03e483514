"""The people somebody may administer, and what is known of each: roles, delegations, credentials, linked accounts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.approval import is_bound
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import (
    SIGN_IN,
    CredentialConfirmed,
    CredentialEnrolled,
    CredentialRevoked,
    Kind,
    Person,
    Role,
)
from watchword.core.ruling import CaseFacts, Ruling
from watchword.desk.people import APPROVING, EVERYWHERE, GOVERNING, concerned_by, fingerprint
from watchword.desk.recording import event_of, person_stream
from watchword.desk.steps import Steps

ADMINISTERING = (Step.ADMINISTER_PEOPLE, Step.ENROL_CREDENTIAL)
"""Whoever may take one of these for a unit sees its people."""


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that counts, or counted until it was revoked or a newer password took its place; no secret.

    Of a key that may sign approvals: its *fingerprint* (hex), the login of who confirmed it, and whether it is bound to
    its device. *enrolled_by* is whoever enrolled it, or made the page on which its owner *made* it *alone*.
    """

    id: str
    method: str
    enrolled_at: datetime
    revoked_at: datetime | None = None
    replaced_at: datetime | None = None
    enrolled_by: str = ""
    made_alone: bool = False
    fingerprint: str = ""
    confirmed_by: str | None = None
    device_bound: bool | None = None

    @property
    def counts(self) -> bool:
        """Whether it still proves or signs in."""
        return self.revoked_at is None and self.replaced_at is None


class Powers(msgspec.Struct, frozen=True, kw_only=True):
    """What to offer somebody on a person's page; every step is ruled again.

    *gives* are the roles they could give, *everywhere* whether in every unit and by delegation, *enrols* whether
    credentials are theirs to change.
    """

    gives: tuple[Role, ...] = ()
    everywhere: bool = False
    enrols: bool = False


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """An account of somebody, as it was last observed; *account_class* None where it never was."""

    id: AccountId
    directory: str
    native_id: str
    account_class: AccountClass | None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with everything an administrator may see of them."""

    person: Person
    login: str
    name: str
    credentials: tuple[Enrolled, ...]
    accounts: tuple[Linked, ...]


class Roster:
    """Reads the ledger for whoever administers people; appends nothing."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def all(self, actor: PersonId, at: datetime) -> tuple[Known, ...]:
        """Everybody in the units *actor* may administer, by login; `Refused` where there is no such unit."""
        self._demand_some(actor, at)
        registry = self.steps.registry
        people = [registry.person(person) for person in self.steps.names.people()]
        units = {unit for unit in {p.unit for p in people} if self._sees(actor, unit, at)}
        return tuple(sorted((self._known(p) for p in people if p.unit in units), key=lambda k: k.login.casefold()))

    def find(self, actor: PersonId, login: str, at: datetime) -> Known:
        """Somebody by login.

        `Invalid` in the same words for a login nobody has and for somebody *actor* may not administer, `Refused` for
        an actor who may administer nobody: who is known here is not to be tried out.
        """
        self._demand_some(actor, at)
        names = self.steps.names
        person = self.steps.registry.person(names.person(login)) if names.has_person(login) else None
        if person is None or not self._sees(actor, person.unit, at):
            raise Invalid(
                f"Nobody whom you may administer is known as {login!r}.",
                "Register the person first, or check the spelling.",
                where="login",
            )
        return self._known(person)

    def may(self, actor: PersonId, step: Step, at: datetime, *, unit: str, subject: PersonId | None = None) -> bool:
        """Whether to offer a step for a unit, or for the person *subject*; the step itself is ruled again."""
        try:
            ruling = self._ruling(actor, step, unit, at, subject)
        except Refused:  # the policy on disk is not the active one
            return False
        return ruling.allowed and not ruling.errors

    def powers(self, actor: PersonId, person: Person, at: datetime) -> Powers:
        """What *actor* may do with *person*."""

        def throughout(step: Step) -> bool:
            units = concerned_by(person, self.steps.registry.person, at)
            return all(self.may(actor, step, at, unit=unit, subject=person.id) for unit in units)

        administers = throughout(Step.ADMINISTER_PEOPLE)
        everywhere = administers and self.may(actor, Step.ADMINISTER_PEOPLE, at, unit=EVERYWHERE, subject=person.id)
        return Powers(
            gives=tuple(r for r in Role if administers and (everywhere or r not in GOVERNING)),
            everywhere=everywhere,
            enrols=person.kind is not Kind.SYSTEM and throughout(Step.ENROL_CREDENTIAL),
        )

    def demand(self, actor: PersonId, step: Step, person: PersonId, at: datetime) -> None:
        """Raise `Refused` unless *actor* may take *step* for *person*."""
        self._ruling(actor, step, self.steps.registry.person(person).unit, at, person).demand()

    def administers(self, actor: PersonId, at: datetime) -> bool:
        """Whether there is a unit whose people *actor* may see."""
        return any(self._sees(actor, unit, at) for unit in self._units(actor, at))

    def _demand_some(self, actor: PersonId, at: datetime) -> None:
        self.steps.names.follow(self.steps.ledger)
        if not self.administers(actor, at):
            self._ruling(actor, Step.ADMINISTER_PEOPLE, EVERYWHERE, at, None).demand()

    def _units(self, actor: PersonId, at: datetime) -> tuple[str, ...]:
        """Where a right of *actor* could be: everywhere, where they are, where a role or a delegation of theirs is."""
        person = self.steps.registry.person(actor)
        held = (g.unit for g in person.grants if g.unit is not None)
        return tuple(dict.fromkeys((EVERYWHERE, person.unit, *held, *sorted(person.delegated_at(at)))))

    def _sees(self, actor: PersonId, unit: str, at: datetime) -> bool:
        return any(self.may(actor, step, at, unit=unit) for step in ADMINISTERING)

    def _ruling(self, actor: PersonId, step: Step, unit: str, at: datetime, subject: PersonId | None) -> Ruling:
        facts = CaseFacts(
            case=None, unit=unit, account_class=AccountClass.IDENTITY_CONTROL, action=Action.UNLOCK, subject=subject
        )
        return self.steps.rule(actor, step, facts, at)

    def _known(self, person: Person) -> Known:
        login, name = self.steps.names.said(person.id)
        return Known(
            person=person,
            login=login,
            name=name,
            credentials=self._credentials(person.id),
            accounts=tuple(self._linked(account) for account in person.accounts),
        )

    def _credentials(self, person: PersonId) -> tuple[Enrolled, ...]:
        found: dict[str, Enrolled] = {}
        for appended in self.steps.ledger.read(person_stream(person)):
            match event_of(appended):
                case CredentialEnrolled(credential=made):
                    if made.method == SIGN_IN:
                        found |= {i: _replaced(c, appended.entry.at) for i, c in found.items() if c.method == SIGN_IN}
                    found[made.id] = Enrolled(
                        id=made.id,
                        method=made.method,
                        enrolled_at=made.enrolled_at,
                        enrolled_by=appended.entry.actor,
                        made_alone=made.made_alone,
                        fingerprint=fingerprint(made) if made.method in APPROVING else "",
                        device_bound=is_bound(made),
                    )
                case CredentialConfirmed(credential=own, by=by) if own in found:
                    who = self.steps.names.said(by)[0]
                    found[own] = msgspec.structs.replace(found[own], confirmed_by=who)
                case CredentialRevoked(credential=gone) if gone in found:
                    found[gone] = msgspec.structs.replace(found[gone], revoked_at=appended.entry.at)
        return tuple(found.values())

    def _linked(self, account: AccountId) -> Linked:
        directory, native = self.steps.names.native(account) or ("", account)
        standing = self.steps.registry.account(account)
        observed = standing.facts.account_class if standing.observations else None
        return Linked(id=account, directory=directory, native_id=native, account_class=observed)


def _replaced(credential: Enrolled, at: datetime) -> Enrolled:
    """A password after a newer one was set."""
    return msgspec.structs.replace(credential, replaced_at=at) if credential.counts else credential
