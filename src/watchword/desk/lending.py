"""Approving in somebody's place: a seat is lent by whoever holds it, to an employee, until an end date.

What is lent counts for as long as the lender could take the seat themself, in this very case: not once their role is
gone, not for their own recovery, not after they had a hand in it, and not to be lent on. Where approvals are signed it
counts once the lender signed it too, over exact bytes (`core.loan`), on the page on which approvals are.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from watchword.core.approval import (
    SignedProof,
    approving_key,
    approving_keys,
    demand_own_key,
    demand_own_sign_in,
    encode_proof,
    proof_of,
)
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId, Seq
from watchword.core.loan import Loan
from watchword.core.passkey import METHOD, RelyingParty
from watchword.core.person import (
    CredentialUsed,
    Kind,
    LentSeat,
    Person,
    PersonEvent,
    Role,
    SeatLent,
    SeatReturned,
)
from watchword.core.quorum import Rule
from watchword.desk.approvals import said_to_approver
from watchword.desk.lent import holds
from watchword.desk.recording import draft, event_of, person_stream
from watchword.desk.steps import Steps
from watchword.ledger.append import Append, Appended
from watchword.ledger.approval import verify
from watchword.ledger.sshsig import LOAN, namespace_of, signed_data
from watchword.methods.port import SignedAnswer, SignerPort

LONGEST = timedelta(days=30)
"""For how long a seat may be lent at once."""

RELATIONS = ("manager_of_record", "second_owner", "sponsor")
"""Seats that somebody has by how they stand to an account."""

LENDABLE = (*RELATIONS, Role.IAM_DUTY, Role.SECURITY_DUTY, Role.ACCOUNT_OWNER, Role.PLATFORM_SECURITY)
"""What can be lent. Custodians and the CISO's delegates sit for themselves alone."""

CONFIRMED = Rule(name="loan", seats=(), signed=True)
"""What any rung whose approvals are signed asks of a key."""

BOUND = Rule(name="loan", seats=(), signed=True, device_bound=True)
"""What the strictest of them ask."""

TO_SIGN = timedelta(minutes=10)
"""How long what is to be signed may be looked at."""


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """What a lender is asked to sign: the exact *statement*, for *namespace*, with `get()` *options* as JSON."""

    statement: str
    not_after: datetime
    namespace: str
    options: str


class Lending:
    """Lends seats and takes them back; each is an entry of whoever may sit there. *party* is the page that signs."""

    def __init__(self, steps: Steps, signer: SignerPort, party: RelyingParty) -> None:
        self.steps = steps
        self.signer = signer
        self.party = party

    def lend(self, actor: PersonId, login: str, seat: str, until: datetime, at: datetime) -> None:
        """Let the employee of that *login* take *actor*'s *seat* until an end date within a month, as who is signed in.

        A login nobody has and somebody who is no employee are refused in the same words.
        """
        to = self._known(login)
        version = self._version(to)  # first: what comes between it and the decision is not overlooked
        lender, taker = self._demand_lendable(actor, to, seat, until, at)
        # Who gave them their password could have a friend of theirs approve what being signed in does not.
        demand_own_sign_in(lender, at, "Wait, or approve yourself with your passkey.")
        if _lent_now(taker, actor, seat, at) is not None:
            raise Conflict("They have this seat of yours already.", "Take it back first, to change its end.")
        lent = LentSeat(by=actor, seat=seat, until=until.astimezone(UTC))
        self._append(actor, SeatLent(person=taker.id, lent=lent), version, at)

    # --- signed ------------------------------------------------------------------------------------------------------

    def signs(self, actor: PersonId, at: datetime) -> bool:
        """Whether *actor* holds a passkey that counts, confirmed and made for the page that signs."""
        try:
            self._options(self.steps.registry.person(actor), "", at)
        except Refused:
            return False
        return True

    def is_signed(self, lent: LentSeat, at: datetime) -> bool:
        """Whether *lent* counts where approvals are signed: by a key that its lender holds still."""
        return holds(lent, self.steps.registry.person(lent.by), CONFIRMED, at, self.party)

    def is_bound(self, lent: LentSeat, at: datetime) -> bool:
        """Whether *lent* counts where a key that can not be copied is asked for, as well."""
        return holds(lent, self.steps.registry.person(lent.by), BOUND, at, self.party)

    def to_sign(self, actor: PersonId, login: str, seat: str, until: datetime, at: datetime) -> Signing:
        """What *actor* signs to lend that; refused where they may not, or hold no passkey that counts."""
        lender, taker = self._demand_lendable(actor, self._known(login), seat, until, at)
        self._demand_unsigned(taker, actor, seat, until, at)
        loan = Loan(
            log=self.steps.ledger.origin,
            by=actor,
            to=taker.id,
            seat=seat,
            until=until.astimezone(UTC),  # the page that shows it knows no other zone
            nonce=secrets.token_hex(16),
            checkpoint=self.steps.not_before(),
            not_after=(at + TO_SIGN).replace(microsecond=0),
        )
        return self._signing(lender, loan.encode(), at)

    def asked(self, actor: PersonId, statement: str, at: datetime) -> Signing:
        """The same again for a *statement* that `to_sign` gave *actor*, as long as there is something to sign."""
        said = Loan.parse(statement)
        self._demand_unsigned(self.steps.registry.person(said.to), actor, said.seat, said.until, at)
        return self._signing(self.steps.registry.person(actor), statement, at)

    def lend_signed(self, actor: PersonId, statement: str, assertion: str, at: datetime) -> LentSeat:
        """Lend what *statement* says, as `to_sign` gave it, by the browser's *assertion* of *actor*'s passkey over it.

        It may take the place of the same loan without a signature that counts.
        """
        said = Loan.parse(statement)
        if said.by != actor:
            raise _outdated()
        self.steps.names.follow(self.steps.ledger)
        to = said.to if said.to in self.steps.names.people() else None
        version = self._version(to)
        lender, taker = self._demand_lendable(actor, to, said.seat, said.until, at)
        self._demand_unsigned(taker, actor, said.seat, said.until, at)
        entries = self.steps.ledger.read(person_stream(taker.id))
        self._demand_current(said, entries, Seq(self.steps.ledger.size), at)
        if _with(entries, statement):
            raise Conflict("This was lent once, and taken back.", "Open the page again from the console.")
        try:
            answer = self.signer.signed(self._challenge(statement), lender.credentials_of(METHOD), assertion)
        except Refused as refused:
            raise said_to_approver(refused) from refused
        self._hold(answer.proof, statement, lender, taker, at)
        proof = encode_proof(answer.proof)
        lent = LentSeat(by=actor, seat=said.seat, until=said.until, statement=statement, proof=proof)
        self._append(actor, SeatLent(person=taker.id, lent=lent), version, at, used=answer)
        return lent

    def recheck(self, lent: LentSeat, to: PersonId) -> bool:
        """Whether a signed loan that stands in *to*'s stream holds, from the entries alone; one of its kind only."""
        registry, entries = self.steps.registry, self.steps.ledger.read(person_stream(to))
        found, proof = _with(entries, lent.statement), proof_of(lent.proof)
        if len(found) != 1 or not isinstance(proof, SignedProof):
            return False
        (one,) = found
        try:
            said = Loan.parse(lent.statement)
            if (said.by, said.to, said.seat, said.until) != (lent.by, to, lent.seat, lent.until):
                return False
            self._demand_current(said, entries, one.seq, one.entry.at)
            lender, taker = (registry.person(who, before=one.seq) for who in (lent.by, to))
            self._hold(proof, lent.statement, lender, taker, one.entry.at)
        except (Refused, Invalid, Conflict):
            return False
        return True

    def _demand_current(self, said: Loan, entries: Sequence[Appended], seq: Seq, at: datetime) -> None:
        """Demand that *said* was of this ledger, just made and not taken back, when it came to be the entry *seq*."""
        ledger, stated = self.steps.ledger, said.checkpoint
        known = 0 < stated.size <= seq and ledger.root(stated.size).hex() == stated.root
        timely = at <= said.not_after <= at + TO_SIGN and at < said.until <= at + LONGEST
        since = (event_of(one) for one in entries if stated.size <= one.seq < seq)
        back = any(isinstance(e, SeatReturned) and (e.by, e.seat) == (said.by, said.seat) for e in since)
        if said.log != ledger.origin or not known or not timely or said.until.utcoffset() or back:
            raise _outdated()

    def _hold(self, proof: SignedProof, statement: str, lender: Person, taker: Person, at: datetime) -> None:
        _, material = approving_key(lender, proof.credential, at, CONFIRMED)
        demand_own_key(material, (taker,))
        verify(proof, statement, log=self.steps.ledger.origin, material=material, party=self.party, purpose=LOAN)

    def _signing(self, lender: Person, statement: str, at: datetime) -> Signing:
        return Signing(
            statement=statement,
            not_after=Loan.parse(statement).not_after,
            namespace=namespace_of(self.steps.ledger.origin, LOAN),
            options=self._options(lender, statement, at),
        )

    def _options(self, lender: Person, statement: str, at: datetime) -> str:
        """For keys that are bound to their device, where there is one: such a loan counts everywhere."""
        try:
            return self.signer.sign_options(self._challenge(statement), approving_keys(lender, at, BOUND))
        except Refused:
            pass
        try:
            return self.signer.sign_options(self._challenge(statement), approving_keys(lender, at, CONFIRMED))
        except Refused as refused:
            raise said_to_approver(refused) from refused

    def _challenge(self, statement: str) -> bytes:
        return signed_data(namespace_of(self.steps.ledger.origin, LOAN), statement.encode())

    def _demand_unsigned(self, taker: Person, by: PersonId, seat: str, until: datetime, at: datetime) -> None:
        """A loan that is there already may get its signature; another end, or a second signature, it may not."""
        had = _lent_now(taker, by, seat, at)
        if had is not None and (had.until != until or self.is_signed(had, at)):
            raise Conflict("They have this seat of yours already.", "Take it back first, to change its end.")

    # --- who, what and to whom ---------------------------------------------------------------------------------------

    def _demand_lendable(
        self, actor: PersonId, to: PersonId | None, seat: str, until: datetime, at: datetime
    ) -> tuple[Person, Person]:
        """The lender and the taker, where *actor* may let *to* sit there until then; raise why not."""
        self.steps.demand_active_policy()
        registry = self.steps.registry
        lender = registry.person(actor)
        if seat not in LENDABLE:
            raise Invalid("This seat can not be lent.", f"Lend one of: {', '.join(LENDABLE)}.", where="seat")
        if not at < until <= at + LONGEST:
            raise Invalid("A seat is lent for a month at most.", "Give an end date within a month.", where="until")
        if lender.kind is not Kind.EMPLOYEE or (seat not in RELATIONS and seat not in _roles(lender, at)):
            raise Refused("You do not hold this seat.", "Lend one that is yours.", ("no_seat",))
        if to == actor:
            raise Refused("This seat is yours already.", "Choose somebody else.", ("same_person",))
        taker = registry.person(to) if to else None
        if to is None or taker is None or taker.kind is not Kind.EMPLOYEE:
            raise Refused("Only an employee can sit in your place.", "Choose an employee.", ("vendor_delegate",))
        for person in (taker, lender):
            if registry.recently_recovered(person, at):
                raise Refused(
                    "An account of yours or theirs was recovered in the last seven days.",
                    "Wait, or have somebody else sit there.",
                    ("recovered",),
                )
        return lender, taker

    def take_back(self, actor: PersonId, login: str, seat: str, at: datetime) -> None:
        """End what *actor* lent, before its date."""
        to = self._known(login)
        version = self._version(to)
        if to is None or _lent_now(self.steps.registry.person(to), actor, seat, at) is None:
            raise Invalid("You have lent them no such seat.", "Look at what you lent.", where="seat")
        self._append(actor, SeatReturned(person=to, by=actor, seat=seat), version, at)

    def _version(self, person: PersonId | None) -> int:
        return -1 if person is None else self.steps.ledger.read(person_stream(person))[-1].entry.version

    def _known(self, login: str) -> PersonId | None:
        self.steps.names.follow(self.steps.ledger)
        return self.steps.names.person(login) if self.steps.names.has_person(login) else None

    def lent_by(self, actor: PersonId, at: datetime) -> tuple[tuple[PersonId, LentSeat], ...]:
        """What *actor* lent and to whom, as it stands."""
        people = (self.steps.registry.person(p) for p in self.steps.names.people())
        return tuple((p.id, one) for p in people for one in p.lent_at(at) if one.by == actor)

    def _append(
        self, actor: PersonId, event: PersonEvent, version: int, at: datetime, *, used: SignedAnswer | None = None
    ) -> None:
        """Enter what was decided on at *version*; `Conflict` where something changed since."""
        stream = person_stream(event.person)
        appends = [Append(stream=stream, expected_version=version, drafts=(draft(event, actor, at),))]
        if used is not None:  # so that no answer of that key counts twice anywhere
            counted = CredentialUsed(person=actor, credential=used.credential, counter=used.counter)
            drafts = (draft(counted, actor, at),)
            appends.append(Append(stream=person_stream(actor), expected_version=self._version(actor), drafts=drafts))
        self.steps.ledger.append(tuple(appends))


def _with(entries: Sequence[Appended], statement: str) -> list[Appended]:
    """The entries by which something was lent with that *statement*."""
    return [
        one for one in entries if isinstance(event := event_of(one), SeatLent) and event.lent.statement == statement
    ]


def _outdated() -> Conflict:
    return Conflict("What you looked at is out of date.", "Open the page again from the console.")


def _lent_now(taker: Person, by: PersonId, seat: str, at: datetime) -> LentSeat | None:
    return next((one for one in taker.lent_at(at) if one.is_of(by, seat)), None)


def _roles(person: Person, at: datetime) -> set[str]:
    return {g.role.value for g in person.grants if g.until is None or at < g.until}
