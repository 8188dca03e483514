"""What was done under the sealed native procedure, while Watchword itself was down: declared afterwards by two people.

It speaks for events of a directory's log as evidence of a kind of its own, and owes a review.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core.action import Action
from watchword.core.change import ALLOWED
from watchword.core.errors import Conflict, Corrupt, Invalid, Refused
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Person, Role, RoleGrant, RoleGranted

CUSTODIANS = frozenset({Role.CUSTODIAN, Role.DOWNTIME_CUSTODIAN})
"""Who breaks the glass, and who opens the envelope: two pairs of people."""

LONGEST = timedelta(days=3)
"""How long one piece of work can have taken; a longer outage is declared account by account as well."""

LATEST = timedelta(days=14)
"""How long afterwards it can be declared."""

REVIEW = timedelta(hours=24)
"""How long after its declaration is confirmed the review is due."""


class DowntimeDeclared(msgspec.Struct, frozen=True, kw_only=True, tag="downtime.declared"):
    """A custodian of the sealed procedure says that *action* was done to *account* between *since* and *until*.

    The native name of whoever did it, and why, are payloads. Nothing counts before a second custodian confirms it.
    """

    downtime: str
    account: AccountId
    action: Action
    since: datetime
    until: datetime
    by: PersonId


class DowntimeConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag="downtime.confirmed"):
    """The second custodian stands for it; somebody else looks at it by *due*."""

    downtime: str
    by: PersonId
    due: datetime


class DowntimeReviewed(msgspec.Struct, frozen=True, kw_only=True, tag="downtime.reviewed"):
    """Somebody who took no part looked at it; what they wrote is a payload."""

    downtime: str
    by: PersonId
    sound: bool


DowntimeEvent = DowntimeDeclared | DowntimeConfirmed | DowntimeReviewed


class Downtime(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration as its entries say."""

    declared: DowntimeDeclared
    confirmed: DowntimeConfirmed | None = None
    reviewed: DowntimeReviewed | None = None

    def overdue(self, at: datetime) -> bool:
        """Whether its review was due before *at* and nobody did it."""
        return self.confirmed is not None and self.reviewed is None and at >= self.confirmed.due

    @property
    def effects(self) -> tuple[str, ...]:
        """The canonical identity events it speaks for."""
        return tuple(sorted({effect for change in ALLOWED[self.declared.action] for effect in change.effects}))


def granted(known: Person, grant: RoleGrant, at: datetime) -> RoleGranted:
    """What gives *grant* to somebody *known*; `Refused` where they were custodian of this and of broken glass then.

    Whoever can act while Watchword is down is not who can have it act with less.
    """
    held = {one.role for one in known.grants if one.until is None or at < one.until} | {grant.role}
    if grant.role in CUSTODIANS and held >= CUSTODIANS:
        raise Refused(
            "Nobody is custodian of the sealed procedure and of broken glass.",
            "Give it to somebody else, or take the other role from them first.",
            ("custodian_of_both",),
        )
    return RoleGranted(person=known.id, grant=grant)


def declare(event: DowntimeDeclared, subject: PersonId | None, at: datetime) -> tuple[DowntimeEvent, ...]:
    """Take a declaration; `Invalid` for times that can not be, `Refused` for one's own account."""
    if not event.since < event.until <= at:
        raise Invalid("It ended before it began, or has not ended yet.", "Correct the times (UTC).", where="until")
    if event.until - event.since > LONGEST:
        raise Invalid(
            "That is longer than three days.", "Declare each piece of work with its own times.", where="since"
        )
    if at - event.until > LATEST:
        raise Invalid(
            "That was more than fourteen days ago.",
            "What is declared so late is for security to look into: its events stay findings.",
            where="until",
        )
    _not_own(event.by, subject)
    return (event,)


def confirm(downtime: Downtime, by: PersonId, subject: PersonId | None, at: datetime) -> tuple[DowntimeEvent, ...]:
    """Have a second custodian stand for it."""
    _not_own(by, subject)
    if downtime.confirmed is not None:
        raise Conflict("This declaration is confirmed already.", "It waits for its review.")
    if by == downtime.declared.by:
        raise Refused("You declared it yourself.", "A second custodian has to confirm it.", ("same_person",))
    return (DowntimeConfirmed(downtime=downtime.declared.downtime, by=by, due=at + REVIEW),)


def review(downtime: Downtime, by: PersonId, subject: PersonId | None, *, sound: bool) -> tuple[DowntimeEvent, ...]:
    """Look at it, as somebody who took no part."""
    _not_own(by, subject)
    if downtime.confirmed is None:
        raise Refused("Nobody has confirmed this yet.", "A second custodian confirms it first.", ("unconfirmed",))
    if downtime.reviewed is not None:
        raise Conflict("This declaration was reviewed already.", "Nothing needs to be done.")
    if by in {downtime.declared.by, downtime.confirmed.by}:
        raise Refused("You stand for it yourself.", "Somebody else has to review it.", ("same_person",))
    return (DowntimeReviewed(downtime=downtime.declared.downtime, by=by, sound=sound),)


def evolve_downtime(downtime: Downtime | None, event: DowntimeEvent) -> Downtime:
    """Fold one event of a declaration; raise `Corrupt` for what no decision could have written."""
    match downtime, event:
        case None, DowntimeDeclared():
            return Downtime(declared=event)
        case Downtime(), DowntimeConfirmed():
            return msgspec.structs.replace(downtime, confirmed=event)
        case Downtime(), DowntimeReviewed():
            return msgspec.structs.replace(downtime, reviewed=event)
        case _:
            raise Corrupt("A declaration does not begin with being declared.", "Run `watchword ledger fsck`.")


def _not_own(person: PersonId, subject: PersonId | None) -> None:
    if subject is not None and person == subject:
        raise Refused("It was done to your own account.", "Somebody else has to.", ("subject",))
