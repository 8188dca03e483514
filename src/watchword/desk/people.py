"""People, their roles, accounts and credentials: who can get in, and the switch under which everything needs more.

Each use case is ruled by the same policy as the steps of a case, and is an entry in the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

import argon2
import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.approval import SSH_KEY, demand_own_sign_in
from watchword.core.downtime import granted
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import AccountId, PersonId
from watchword.core.login import is_plain
from watchword.core.passkey import METHOD, material_of
from watchword.core.person import (
    SIGN_IN,
    AccountLinked,
    Credential,
    CredentialConfirmed,
    CredentialEnrolled,
    CredentialRevoked,
    Delegation,
    DelegationEnded,
    DelegationGranted,
    Kind,
    Person,
    PersonEvent,
    PersonRegistered,
    Role,
    RoleGrant,
    RoleRevoked,
)
from watchword.core.ruling import CaseFacts
from watchword.core.visible import legible
from watchword.desk.credential_words import asked
from watchword.desk.posture import PolicyEvent, ThreatLowered, ThreatLowerVoted, ThreatRaised
from watchword.desk.recording import POLICY_STREAM, draft, event_of, person_stream
from watchword.desk.steps import RACES, Steps, words
from watchword.desk.threat import raise_running
from watchword.ledger.append import Append
from watchword.ledger.entry import Disclosure, Retention

GOVERNING = frozenset(
    {Role.ADMINISTRATOR, Role.POLICY_AUTHOR, Role.CUSTODIAN, Role.DOWNTIME_CUSTODIAN, Role.CISO_DELEGATE}
)
"""Roles that no delegate of a unit may give."""

EVERYWHERE = ""
"""The unit of what concerns every unit: nobody's delegation covers it."""

SHORTEST = 12

LONGEST = timedelta(days=3660)
"""For how long a role can be given that has an end."""

_hasher = argon2.PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")

APPROVING = (METHOD, SSH_KEY)
"""The methods whose keys sign approvals."""


def fingerprint(credential: Credential) -> str:
    """SHA-256 (hex) of what was enrolled: what a second person compares before they confirm."""
    return hashlib.sha256(msgspec.json.encode((credential.method, credential.public))).hexdigest()


class People:
    """Who is who. The genesis of a ledger goes through the same door, ruled by nobody because nobody is there yet."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    # --- genesis and administration ----------------------------------------------------------------------------------

    def register(self, actor: PersonId, *, login: str, name: str, kind: Kind, unit: str, at: datetime) -> PersonId:
        """Make somebody known."""
        self._ruled(actor, Step.ADMINISTER_PEOPLE, unit, at)
        return self._register(actor, login=login, name=name, kind=kind, unit=unit, at=at)

    def register_part(self, login: str, name: str, at: datetime) -> PersonId:
        """Make a part of Watchword known that the operator switched on: it gets no role and no way to sign in."""
        return self._register(self.steps.runner, login=login, name=name, kind=Kind.SYSTEM, unit=EVERYWHERE, at=at)

    def _register(self, actor: str, *, login: str, name: str, kind: Kind, unit: str, at: datetime) -> PersonId:
        login, name = login.strip(), name.strip() or login.strip()
        self.steps.names.follow(self.steps.ledger)
        taken = Conflict(f"Somebody is known as {login!r} already.", "Choose another login.")
        if self.steps.names.has_person(login):
            raise taken
        if not login or not login.isprintable() or len(login) > 200 or "/" in login or set(login) <= {"."}:
            # A slash, and dots alone, could not be told apart in the address of somebody's page.
            raise Invalid("That is no login.", "Use printable characters but `/`, at most 200.", where="login")
        if not is_plain(login):
            raise Invalid(
                "That login can be taken for another one.",
                "Spell it in one alphabet, with the plain form of each character and no invisible ones.",
                where="login",
            )
        if not legible(name) or len(name) > 200:
            raise Invalid("That is no name.", "Use at most 200 characters, all of which are seen.", where="name")
        person = PersonId(self.steps.ledger.pseudonym("p"))
        said = (("login", login), ("name", name))
        told = tuple(Disclosure(name=what, value=value, retention=Retention.CORE) for what, value in said)
        drafts = (draft(PersonRegistered(person=person, kind=kind, unit=unit), actor, at, told),)
        self.steps.ledger.append((Append(stream=person_stream(person), expected_version=-1, drafts=drafts),))
        self.steps.names.follow(self.steps.ledger)
        if self.steps.names.person(login) != person:
            raise taken  # by somebody at the same moment
        return person

    def grant(self, actor: PersonId, person: PersonId, grant: RoleGrant, at: datetime) -> None:
        """Give a role, in one unit or everywhere, until a time or until revoked.

        A delegate gives roles of their unit to people of their unit; what governs, and what holds everywhere, is an
        administrator's to give.
        """
        if grant.until is not None and grant.until <= at:
            raise Invalid("A role does not end before it begins.", "Give an end date in the future.", where="until")
        if grant.until is not None and grant.until > at + LONGEST:
            raise Invalid(
                "A role with an end ends within ten years.", "Leave the end out: it holds until revoked.", where="until"
            )
        if not grant.unit or grant.role in GOVERNING:
            self._ruled(actor, Step.ADMINISTER_PEOPLE, EVERYWHERE, at, subject=person)
        self._administer(actor, person, at, lambda known: (granted(known, grant, at), ()), unit=grant.unit)

    def revoke(self, actor: PersonId, person: PersonId, role: Role, at: datetime) -> None:
        """Take a role, in every unit; `Invalid` where it is not held."""

        def build(known: Person) -> tuple[PersonEvent, tuple[Disclosure, ...]]:
            if role not in {g.role for g in known.grants}:
                raise Invalid(f"This person does not hold the role {role}.", "Look at what they hold.", where="role")
            return RoleRevoked(person=person, role=role), ()

        self._administer(actor, person, at, build)

    def delegate(self, actor: PersonId, person: PersonId, delegation: Delegation, at: datetime) -> None:
        """Let somebody administer one unit until an end date; never somebody of a vendor, never longer than a year."""
        self._ruled(actor, Step.ADMINISTER_PEOPLE, EVERYWHERE, at, subject=person)
        if delegation.unit == EVERYWHERE:
            raise Invalid("A delegation is for one unit.", "Name the unit.", where="unit")
        if not at < delegation.until <= at + timedelta(days=366):
            raise Invalid("A delegation ends within a year.", "Give an end date in the future.", where="until")
        if self.steps.registry.person(person).kind is not Kind.EMPLOYEE:
            raise Refused("Only an employee can be a delegate.", "Choose an employee.", ("vendor_delegate",))
        self._administer(actor, person, at, lambda _: (DelegationGranted(person=person, delegation=delegation), ()))

    def end_delegation(self, actor: PersonId, person: PersonId, unit: str, at: datetime) -> None:
        """Let somebody administer a unit no longer; as giving it, this is an administrator's."""
        self._ruled(actor, Step.ADMINISTER_PEOPLE, EVERYWHERE, at, subject=person)

        def build(known: Person) -> tuple[PersonEvent, tuple[Disclosure, ...]]:
            if unit not in known.delegated_at(at):
                raise Invalid("This person does not administer that unit.", "Look at what they hold.", where="unit")
            return DelegationEnded(person=person, unit=unit), ()

        self._administer(actor, person, at, build)

    def link(self, actor: PersonId, person: PersonId, directory: str, native_id: str, at: datetime) -> AccountId:
        """Say whose account one is. One account has one person.

        A delegate links standard accounts of their unit; whose any other account is, an administrator says.
        """
        self._ruled(actor, Step.ADMINISTER_PEOPLE, self.steps.registry.person(person).unit, at, subject=person)
        seen = self.steps.directory(directory).read(native_id)
        guarded = seen.unit is None or seen.account_class is not AccountClass.STANDARD
        self._ruled(
            actor, Step.ADMINISTER_PEOPLE, EVERYWHERE if guarded else seen.unit or EVERYWHERE, at, subject=person
        )
        at = self.steps.now(at)  # a directory may take its time
        account = self.steps.registry.observe(seen, actor, at).id
        self._demand_unlinked(account, person)
        self._administer(actor, person, at, lambda _: (AccountLinked(person=person, account=account), ()))
        # Of two at one moment whoever came second is told that theirs counts for nothing.
        self._demand_unlinked(account, person)
        return account

    def _demand_unlinked(self, account: AccountId, person: PersonId) -> None:
        self.steps.names.follow(self.steps.ledger)
        if self.steps.names.owner(account) not in (None, person):
            raise Conflict("This account is somebody else's.", "Correct the other link first.")

    def enrol(
        self,
        actor: PersonId,
        person: PersonId,
        credential: Credential,
        secret: str | None,
        at: datetime,
        *,
        version: int | None = None,
    ) -> None:
        """Let a credential count from *at*; a secret (a TOTP seed in hexadecimal, a password hash) is a payload.

        One passkey has one person: a key that stood for two could be two people's approval. With *version*, only while
        that is the last one of the person's stream: what may be taken once is taken once, also by two at one time.
        """
        if self.steps.registry.person(person).kind is Kind.SYSTEM:
            raise Refused("Watchword's own parts neither sign in nor prove.", "Choose a person.", ("system",))
        credential = msgspec.structs.replace(credential, enrolled_at=at)
        self._demand_own(person, credential)
        told = (Disclosure(name="secret", value=secret, retention=Retention.IDENTITY),) if secret else ()

        def build(known: Person) -> tuple[PersonEvent, tuple[Disclosure, ...]]:
            if any(c.id == credential.id or (c.public and c.public == credential.public) for c in known.credentials):
                raise Conflict("This credential is enrolled already.", "Enrol another one, or leave it as it is.")
            return CredentialEnrolled(person=person, credential=credential), told

        self._administer(actor, person, at, build, step=Step.ENROL_CREDENTIAL, version=version)

    def _demand_own(self, person: PersonId, credential: Credential) -> None:
        material = material_of(credential)
        self.steps.names.follow(self.steps.ledger)
        holder = self.steps.names.passkey_holder(material) if material else None
        if holder is not None and holder != person:
            raise Refused(
                "This passkey is somebody else's.",
                "Have the person make one of their own; if both are meant to be one person, treat it as an attack.",
                ("shared_key",),
            )

    def revoke_credential(self, actor: PersonId, person: PersonId, credential: str, why: str, at: datetime) -> None:
        """Let a credential count no longer, for a reason that is kept sealed; `Invalid` where it counts no longer."""
        _demand_reason(why)

        def build(known: Person) -> tuple[PersonEvent, tuple[Disclosure, ...]]:
            if credential not in {c.id for c in known.credentials}:
                raise Invalid(
                    "This person has no such credential, or it is revoked already.",
                    "Look at what they have enrolled.",
                    where="credential",
                )
            return CredentialRevoked(person=person, credential=credential), words("why", why.strip())

        self._administer(actor, person, at, build, step=Step.ENROL_CREDENTIAL)

    def confirm_credential(self, actor: PersonId, person: PersonId, credential: str, shown: str, at: datetime) -> None:
        """Say that a key is the person's own, as a second person who may enrol; it may sign approvals from then on.

        *shown* is the fingerprint (hex) of what they looked at. `Refused` for whoever enrolled it and for the person.
        """

        def build(known: Person) -> tuple[PersonEvent, tuple[Disclosure, ...]]:
            held = next((c for c in known.credentials if c.id == credential), None)
            if held is None or held.method not in APPROVING or not hmac.compare_digest(fingerprint(held), shown):
                raise Invalid(
                    "This person has no such key, or it is another one than you looked at.",
                    "Look at what they have enrolled.",
                    where="credential",
                )
            if held.confirmed_by is not None:
                raise Conflict("This key is confirmed already.", "Leave it as it is.")
            # Whoever gave them their password may be the one who enrolled it.
            demand_own_sign_in(self.steps.registry.person(actor), at, "Have another person who may enrol confirm it.")
            if actor in (held.enrolled_by, person):
                raise Refused(
                    "You enrolled this key, or it is yours.",
                    "Have a second person who may enrol confirm it.",
                    ("same_person",),
                )
            return CredentialConfirmed(person=person, credential=credential, by=actor), ()

        self._administer(actor, person, at, build, step=Step.ENROL_CREDENTIAL)

    def set_password(self, actor: PersonId, person: PersonId, password: str, at: datetime) -> None:
        """Give somebody a local sign-in; at least twelve characters, kept as an argon2id hash."""
        if len(password) < SHORTEST:
            raise Invalid("That password is too short.", f"Use at least {SHORTEST} characters.", where="password")
        credential = Credential(id=self.steps.ledger.pseudonym("k"), method=SIGN_IN, enrolled_at=at)
        self.enrol(actor, person, credential, _hasher.hash(password), at)

    def raise_threat(self, actor: PersonId, until: datetime, why: str, at: datetime) -> None:
        """Turn the elevated-threat switch on until a time, at most a week.

        Every case that is open or is opened then needs more.
        """
        self._ruled(actor, Step.RELEASE_FREEZE, EVERYWHERE, at)
        _demand_reason(why)
        if self.steps.registry.posture().elevated(at) and until < (self.steps.registry.posture().threat_until or at):
            raise Refused("The switch is on for longer already.", "It ends by itself.", ("lowers",))
        if not at < until <= at + timedelta(days=7):
            raise Invalid("The switch is on for a week at most.", "Give an end within seven days.", where="until")
        self._policy(ThreatRaised(by=actor, until=until), actor, at, words("why", why.strip()))
        raise_running(self.steps, at)

    def lower_threat(self, actor: PersonId, why: str, at: datetime) -> bool:
        """Agree that the switch is turned off before its time; True when this was the second person and it is."""
        _demand_reason(why)
        for attempt in range(RACES):
            self._demand_lowers(actor, at)
            entries = self.steps.ledger.read(POLICY_STREAM)
            posture = self.steps.registry.posture()
            if not posture.elevated(at):
                raise Refused("The switch is off.", "Nothing needs to be done.", ("not_elevated",))
            votes = self.lower_votes(at)
            if actor in votes:
                raise Refused("You have agreed to this already.", "A second person has to as well.", ("same_person",))
            vote = draft(ThreatLowerVoted(by=actor), actor, at, words("why", why.strip()))
            off = (draft(ThreatLowered(by=actor), actor, at),) if votes else ()
            append = Append(stream=POLICY_STREAM, expected_version=entries[-1].entry.version, drafts=(vote, *off))
            try:
                self.steps.ledger.append((append,))
            except Conflict:
                if attempt == RACES - 1:
                    raise
                continue
            return bool(off)
        raise AssertionError

    def lower_votes(self, at: datetime) -> tuple[PersonId, ...]:
        """Who wants the switch off and might still say so: whoever was taken off duty since is none of two."""
        return tuple(who for who in self.steps.registry.posture().lower_votes if self._may_lower(who, at))

    def _demand_lowers(self, who: PersonId, at: datetime) -> None:
        self._ruled(who, Step.RELEASE_FREEZE, EVERYWHERE, at)
        self.steps.demand_unrecovered(who, at, "Have somebody else on duty agree.")

    def _may_lower(self, who: PersonId, at: datetime) -> bool:
        try:
            self._demand_lowers(who, at)
        except Refused:
            return False
        return True

    # --- signing in ------------------------------------------------------------------------------------------------

    def sign_in(self, login: str, password: str) -> PersonId:
        """Whom a login and password stand for. Unknown people and wrong passwords are refused alike, and as slowly."""
        self.steps.names.follow(self.steps.ledger)
        known = self.steps.names.has_person(login)
        hashed = self._password_hash(self.steps.names.person(login)) if known else None
        try:
            _hasher.verify(hashed or _NOBODY, password)
        except argon2.exceptions.VerificationError:
            hashed = None
        if hashed is None:
            raise Refused("Login or password is wrong.", "Try again, or ask an administrator.", ("sign_in",))
        return self.steps.names.person(login)

    def sign_in_of(self, person: PersonId) -> str:
        """The id of the one password that *person* can sign in with; empty where there is none."""
        return self.steps.registry.person(person).sign_in or ""

    def _password_hash(self, person: PersonId) -> str | None:
        counting = self.sign_in_of(person)
        found: str | None = None
        for appended in self.steps.ledger.read(person_stream(person)):
            event = event_of(appended) if appended.entry.type == "credential.enrolled" else None
            if isinstance(event, CredentialEnrolled) and event.credential.method == SIGN_IN:
                # The newest one alone: where it was erased or revoked, the one before does not come back.
                told = self.steps.ledger.disclosures(appended)
                found = told.get("secret") if event.credential.id == counting else None
        return found

    # --- one entry -------------------------------------------------------------------------------------------------

    def _administer(
        self,
        actor: PersonId,
        person: PersonId,
        at: datetime,
        build: Callable[[Person], tuple[PersonEvent, tuple[Disclosure, ...]]],
        *,
        step: Step = Step.ADMINISTER_PEOPLE,
        unit: str | None = None,
        version: int | None = None,
    ) -> None:
        for attempt in range(RACES):
            # The version first: what comes between it and the ruling is decided on again.
            last = self.steps.ledger.read(person_stream(person))[-1].entry.version
            if version not in (None, last):
                raise Refused("This offer was taken, or something changed since.", "Ask for a new one.", ("pass",))
            known = self.steps.registry.person(person)
            for concerned in {*concerned_by(known, self.steps.registry.person, at), unit or known.unit}:
                self._ruled(actor, step, concerned, at, subject=person)
            event, told = build(known)
            append = Append(
                stream=person_stream(person), expected_version=last, drafts=(draft(event, actor, at, told),)
            )
            try:
                self.steps.ledger.append((append,), asked(known, event, last + 1, at))
            except Conflict:
                if attempt == RACES - 1:
                    raise
                continue
            return

    def _policy(self, event: PolicyEvent, actor: PersonId, at: datetime, told: tuple[Disclosure, ...] = ()) -> None:
        entries = self.steps.ledger.read(POLICY_STREAM)
        version = entries[-1].entry.version if entries else -1
        drafts = (draft(event, actor, at, told),)
        self.steps.ledger.append((Append(stream=POLICY_STREAM, expected_version=version, drafts=drafts),))

    def _ruled(self, actor: PersonId, step: Step, unit: str, at: datetime, *, subject: PersonId | None = None) -> None:
        if actor == GENESIS:
            self._demand_genesis()
            return
        facts = CaseFacts(
            case=None, unit=unit, account_class=AccountClass.IDENTITY_CONTROL, action=Action.UNLOCK, subject=subject
        )
        self.steps.rule(actor, step, facts, at).demand()

    def _demand_genesis(self) -> None:
        """The founding actor may act only until a policy is active: from then on everything is ruled."""
        if self.steps.registry.posture().digest is not None:
            raise Refused("The ledger was founded already.", "Ask an administrator.", ("founded",))


def concerned_by(person: Person, others: Callable[[PersonId], Person], at: datetime) -> frozenset[str]:
    """The units whose administrator one has to be at *at* to change anything of *person*.

    Their own, those that a role of theirs or a delegation is for, and those of whoever (*others*) lent them a seat.
    Somebody who governs, or whose role holds everywhere, concerns every unit: no delegate signs in as one of these.
    """
    grants = [g for g in person.grants if g.until is None or at < g.until]
    governs = any(not g.unit or g.role in GOVERNING for g in grants)
    lenders = {one.by for one in person.lent_at(at)} - {person.id}
    return frozenset(
        {
            person.unit,
            *(g.unit for g in grants if g.unit),
            *person.delegated_at(at),
            *(unit for by in lenders for unit in concerned_by(_lending_nothing(others(by)), others, at)),
            *((EVERYWHERE,) if governs else ()),
        }
    )


def _lending_nothing(person: Person) -> Person:
    """*person* with what they hold themself alone: a seat that was lent can not be lent on."""
    return msgspec.structs.replace(person, lent=())


def _demand_reason(why: str) -> None:
    if not why.strip():
        raise Invalid("A reason is missing.", "Say why, in a few words; they are kept sealed.", where="why")


GENESIS = PersonId("genesis")
"""Who acts while a ledger is founded, before any policy is active."""
