"""Approving in somebody's place: a seat is lent by whoever holds it, to an employee, until an end date.

What is lent counts for as long as the lender could take the seat themself, in this very case: not once their role is
gone, not for their own recovery, not after they had a hand in it, and not to be lent on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.core.approval import demand_own_sign_in
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.person import Kind, LentSeat, Person, PersonEvent, Role, SeatLent, SeatReturned
from watchword.desk.recording import draft, person_stream
from watchword.desk.steps import Steps
from watchword.ledger.append import Append

LONGEST = timedelta(days=30)
"""For how long a seat may be lent at once."""

RELATIONS = ("manager_of_record", "second_owner", "sponsor")
"""Seats that somebody has by how they stand to an account."""

LENDABLE = (*RELATIONS, Role.IAM_DUTY, Role.SECURITY_DUTY, Role.ACCOUNT_OWNER, Role.PLATFORM_SECURITY)
"""What can be lent. Custodians and the CISO's delegates sit for themselves alone."""


class Lending:
    """Lends seats and takes them back; each is an entry of whoever may sit there."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def lend(self, actor: PersonId, login: str, seat: str, until: datetime, at: datetime) -> None:
        """Let the employee of that *login* take *actor*'s *seat* until an end date within a month.

        A login nobody has and somebody who is no employee are refused in the same words.
        """
        self.steps.demand_active_policy()
        registry = self.steps.registry
        to = self._known(login)
        version = self._version(to)  # first: what comes between it and the decision is not overlooked
        lender = registry.person(actor)
        if seat not in LENDABLE:
            raise Invalid("This seat can not be lent.", f"Lend one of: {', '.join(LENDABLE)}.", where="seat")
        if not at < until <= at + LONGEST:
            raise Invalid("A seat is lent for a month at most.", "Give an end date within a month.", where="until")
        if lender.kind is not Kind.EMPLOYEE or (seat not in RELATIONS and seat not in _roles(lender, at)):
            raise Refused("You do not hold this seat.", "Lend one that is yours.", ("no_seat",))
        if to == actor:
            raise Refused("This seat is yours already.", "Choose somebody else.", ("same_person",))
        # Who gave them their password could have a friend of theirs approve what being signed in does not.
        demand_own_sign_in(lender, at, "Wait, or approve yourself with your passkey.")
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
        if any((one.by, one.seat) == (actor, seat) for one in taker.lent_at(at)):
            raise Conflict("They have this seat of yours already.", "Take it back first, to change its end.")
        self._append(actor, SeatLent(person=to, lent=LentSeat(by=actor, seat=seat, until=until)), version, at)

    def take_back(self, actor: PersonId, login: str, seat: str, at: datetime) -> None:
        """End what *actor* lent, before its date."""
        to = self._known(login)
        version = self._version(to)
        if to is None or not any(
            (one.by, one.seat) == (actor, seat) for one in self.steps.registry.person(to).lent_at(at)
        ):
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

    def _append(self, actor: PersonId, event: PersonEvent, version: int, at: datetime) -> None:
        """Enter what was decided on at *version*; `Conflict` where something changed since."""
        drafts = (draft(event, actor, at),)
        append = Append(stream=person_stream(event.person), expected_version=version, drafts=drafts)
        self.steps.ledger.append((append,))


def _roles(person: Person, at: datetime) -> set[str]:
    return {g.role.value for g in person.grants if g.until is None or at < g.until}
