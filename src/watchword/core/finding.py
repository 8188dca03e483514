"""A finding: verdicts and hits that somebody must look at, as one line with a life of its own.

Pseudonyms and codes only: what a log calls whom, and what people write, are payloads of its entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from watchword.core.errors import Conflict, Corrupt, Invalid, Refused
from watchword.core.ids import PersonId

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
"""From what may wait to what may not."""

GroupedBy = Literal["caller", "vendor", "actor", "hour", "target", "feed"]
"""What the events of one finding share."""

Dismissal = Literal["false_positive", "expected", "duplicate", "test", "risk_accepted"]
"""Why a finding is none: a code, and words as a payload."""

LONGEST_SUPPRESSION = timedelta(days=366)
"""For how long at most a signal may be told to be quiet about somebody."""

LONGEST_ON_VERDICTS = timedelta(days=31)
"""For how long at most a verdict, or every rule, may be kept quiet about somebody."""

VERDICT = "verdict."
"""How the name of a rule begins that is a verdict."""


class Status(StrEnum):
    """Where a finding is in its life."""

    NEW = "new"
    TRIAGED = "triaged"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    CLOSED = "closed"


OPEN = frozenset({Status.NEW, Status.TRIAGED, Status.CONFIRMED})
"""What new events may still join; after these, the same begins a new finding."""


class FindingRaised(msgspec.Struct, frozen=True, kw_only=True, tag="finding.raised"):
    """Something to look at. *key* is the keyed digest of what its events share, which is a payload."""

    finding: str
    key: str
    by: GroupedBy


class EventsJoined(msgspec.Struct, frozen=True, kw_only=True, tag="finding.joined"):
    """Events that belong to it, each by a keyed *mark*; *rules* found them between *since* and *until*.

    What they are is a payload.
    """

    finding: str
    marks: tuple[str, ...]
    rules: tuple[str, ...]
    severity: Severity
    since: datetime
    until: datetime


class EventsCleared(msgspec.Struct, frozen=True, kw_only=True, tag="finding.cleared"):
    """Evidence arrived late: these events are none to look at any more."""

    finding: str
    marks: tuple[str, ...]


class FindingTriaged(msgspec.Struct, frozen=True, kw_only=True, tag="finding.triaged"):
    """Somebody looked, and it is theirs now unless it was somebody's."""

    finding: str
    by: PersonId


class FindingConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag="finding.confirmed"):
    """It is what it looks like."""

    finding: str
    by: PersonId


class FindingDismissed(msgspec.Struct, frozen=True, kw_only=True, tag="finding.dismissed"):
    """It is not; the words that go with the *reason* are a payload."""

    finding: str
    by: PersonId
    reason: Dismissal


class FindingClosed(msgspec.Struct, frozen=True, kw_only=True, tag="finding.closed"):
    """Nothing is left to do; *by* is None where late evidence cleared every event of it."""

    finding: str
    by: PersonId | None


class FindingOwned(msgspec.Struct, frozen=True, kw_only=True, tag="finding.owned"):
    """*owner* sees to it from now on."""

    finding: str
    by: PersonId
    owner: PersonId


class FindingNoted(msgspec.Struct, frozen=True, kw_only=True, tag="finding.noted"):
    """Somebody wrote something down; the words are a payload."""

    finding: str
    by: PersonId


FindingEvent = (
    FindingRaised
    | EventsJoined
    | EventsCleared
    | FindingTriaged
    | FindingConfirmed
    | FindingDismissed
    | FindingClosed
    | FindingOwned
    | FindingNoted
)


class Suppressed(msgspec.Struct, frozen=True, kw_only=True, tag="suppression.set"):
    """*rule* says nothing of *key* until *until*; the reason is a payload, and so is what the key stands for.

    A *rule* of `*` is every rule, a *key* of `*` everybody: never both.
    """

    suppression: str
    rule: str
    key: str
    until: datetime
    by: PersonId

    @property
    def is_wide(self) -> bool:
        """Whether it is about a whole rule, or all there is of somebody: nobody sets that alone."""
        return "*" in {self.rule, self.key}


class SuppressionAllowed(msgspec.Struct, frozen=True, kw_only=True, tag="suppression.allowed"):
    """A second person agrees to a wide one: from now on it holds."""

    suppression: str
    by: PersonId


class SuppressionLifted(msgspec.Struct, frozen=True, kw_only=True, tag="suppression.lifted"):
    """It ends before its time."""

    suppression: str
    by: PersonId


class SuppressionUsed(msgspec.Struct, frozen=True, kw_only=True, tag="suppression.used"):
    """It kept these quiet: none is lost without being counted."""

    suppression: str
    marks: tuple[str, ...]


SuppressionEvent = Suppressed | SuppressionAllowed | SuppressionLifted | SuppressionUsed


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as its entries say; *marks* are those of its events that still stand."""

    id: str
    key: str
    by: GroupedBy
    raised_at: datetime
    status: Status = Status.NEW
    severity: Severity = "info"
    rules: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    owner: PersonId | None = None
    dismissal: Dismissal | None = None
    looked_at: tuple[PersonId, ...] = ()


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """A suppression as its entries say, and what it has kept quiet so far."""

    set: Suppressed
    at: datetime
    allowed: PersonId | None = None
    lifted: PersonId | None = None
    kept: frozenset[str] = frozenset()

    def holds(self, at: datetime) -> bool:
        """Whether it keeps anything quiet now."""
        return not self.is_over(at) and (self.allowed is not None or not self.set.is_wide)

    def waits(self, at: datetime) -> bool:
        """Whether it will, once a second person allows it."""
        return not self.is_over(at) and self.allowed is None and self.set.is_wide

    def is_over(self, at: datetime) -> bool:
        """Whether it was lifted, or its time is over."""
        return self.lifted is not None or at >= self.set.until

    def covers(self, rule: str, keys: Iterable[str], at: datetime) -> bool:
        """Whether it is about *rule* and one of *keys*, now."""
        return self.holds(at) and self.set.rule in {"*", rule} and (self.set.key == "*" or self.set.key in set(keys))


def triage(finding: Finding, by: PersonId) -> tuple[FindingEvent, ...]:
    """Take a first look."""
    _demand(finding, Status.NEW)
    return (FindingTriaged(finding=finding.id, by=by),)


def confirm(finding: Finding, by: PersonId) -> tuple[FindingEvent, ...]:
    """Say that it is what it looks like."""
    _demand(finding, Status.NEW, Status.TRIAGED)
    return (FindingConfirmed(finding=finding.id, by=by),)


def dismiss(finding: Finding, by: PersonId, reason: Dismissal, about: frozenset[PersonId]) -> tuple[FindingEvent, ...]:
    """Say that it is not, for a reason; whoever it is *about* can not."""
    _demand(finding, Status.NEW, Status.TRIAGED, Status.CONFIRMED)
    _not_about(by, about)
    return (FindingDismissed(finding=finding.id, by=by, reason=reason),)


def close(finding: Finding, by: PersonId, about: frozenset[PersonId]) -> tuple[FindingEvent, ...]:
    """Say that nothing is left to do; whoever it is *about* can not."""
    _demand(finding, Status.CONFIRMED, Status.DISMISSED)
    _not_about(by, about)
    return (FindingClosed(finding=finding.id, by=by),)


def own(finding: Finding, by: PersonId, owner: PersonId, about: frozenset[PersonId]) -> tuple[FindingEvent, ...]:
    """Give it to *owner*, who is nobody it is *about*."""
    _demand(finding, *OPEN)
    _not_about(owner, about)
    if finding.owner == owner:
        raise Conflict("It is theirs already.", "Nothing needs to be done.")
    return (FindingOwned(finding=finding.id, by=by, owner=owner),)


def note(finding: Finding, by: PersonId) -> tuple[FindingEvent, ...]:
    """Write something down, at any time."""
    return (FindingNoted(finding=finding.id, by=by),)


def join(finding: Finding, joined: EventsJoined) -> tuple[FindingEvent, ...]:
    """Have events belong to it, but those that do already."""
    _demand(finding, *OPEN)
    fresh = tuple(mark for mark in joined.marks if mark not in finding.marks)
    return (msgspec.structs.replace(joined, marks=fresh),) if fresh else ()


def clear(finding: Finding, marks: Iterable[str]) -> tuple[FindingEvent, ...]:
    """Take out what late evidence speaks for; a finding nobody looked at yet, with nothing left, is closed by that."""
    gone = tuple(sorted(finding.marks & set(marks)))
    if not gone or finding.status not in OPEN:
        return ()
    cleared = EventsCleared(finding=finding.id, marks=gone)
    is_over = finding.status is Status.NEW and finding.marks == set(gone)
    return (cleared, FindingClosed(finding=finding.id, by=None)) if is_over else (cleared,)


def suppress(event: Suppressed, at: datetime) -> tuple[SuppressionEvent, ...]:
    """Keep a rule quiet for a time; `Invalid` for ever, for everything about everybody, a verdict about everybody."""
    if event.rule == "*" and event.key == "*":
        raise Invalid("That would silence the watch.", "Name a rule, or whom it is about.", where="rule")
    if not at < event.until <= at + LONGEST_SUPPRESSION:
        raise Invalid("A suppression ends, within a year.", "Give a time in the future.", where="until")
    if event.rule == "*" or event.rule.startswith(VERDICT):
        if event.key == "*":
            raise Invalid(
                "A verdict is kept quiet about somebody, not about everybody.",
                "Name whom it is about; what is no recovery at all is said in the settings of the watch.",
                where="whom",
            )
        if event.until > at + LONGEST_ON_VERDICTS:
            raise Invalid(
                "A verdict, and every rule, is kept quiet for a month at most.", "Give an earlier end.", where="until"
            )
    return (event,)


def allow(suppression: Suppression, by: PersonId, at: datetime) -> tuple[SuppressionEvent, ...]:
    """Agree to a wide one, as a second person."""
    if suppression.is_over(at):
        raise Conflict("It has ended already.", "Set it anew, if it is still wanted.")
    if not suppression.waits(at):
        raise Conflict("It holds already.", "Nothing needs to be done.")
    if by == suppression.set.by:
        raise Refused("You set it yourself.", "Somebody else has to allow it.", ("second_person",))
    return (SuppressionAllowed(suppression=suppression.set.suppression, by=by),)


def lift(suppression: Suppression, by: PersonId, at: datetime) -> tuple[SuppressionEvent, ...]:
    """End it before its time."""
    if suppression.is_over(at):
        raise Conflict("It has ended already.", "Nothing needs to be done.")
    return (SuppressionLifted(suppression=suppression.set.suppression, by=by),)


def evolve(finding: Finding | None, event: FindingEvent, at: datetime) -> Finding:
    """Fold one event appended at *at*; raise `Corrupt` for what no decision could have written."""
    replace = msgspec.structs.replace
    match finding, event:
        case None, FindingRaised():
            return Finding(id=event.finding, key=event.key, by=event.by, raised_at=at)
        case None, _:
            raise Corrupt("A finding does not begin with being raised.", "Run `watchword ledger fsck`.")
        case _, FindingRaised():
            raise Corrupt("A finding is raised twice.", "Run `watchword ledger fsck`.")
        case _, EventsJoined():
            return replace(
                finding,
                severity=max(finding.severity, event.severity, key=SEVERITIES.index),
                rules=tuple(dict.fromkeys((*finding.rules, *event.rules))),
                marks=finding.marks | set(event.marks),
                since=min(finding.since or event.since, event.since),
                until=max(finding.until or event.until, event.until),
            )
        case _, EventsCleared():
            # They may be found again, when the evidence for them goes.
            gone = set(event.marks)
            return replace(finding, marks=finding.marks - gone)
        case _, FindingTriaged():
            return _looked(replace(finding, status=Status.TRIAGED, owner=finding.owner or event.by), event.by)
        case _, FindingConfirmed():
            return _looked(replace(finding, status=Status.CONFIRMED, owner=finding.owner or event.by), event.by)
        case _, FindingDismissed():
            return _looked(replace(finding, status=Status.DISMISSED, dismissal=event.reason), event.by)
        case _, FindingClosed():
            return replace(finding, status=Status.CLOSED)
        case _, FindingOwned():
            return replace(finding, owner=event.owner)
        case _, FindingNoted():
            return _looked(finding, event.by)


def evolve_suppression(suppression: Suppression | None, event: SuppressionEvent, at: datetime) -> Suppression:
    """Fold one event of a suppression; raise `Corrupt` for what no decision could have written."""
    match suppression, event:
        case None, Suppressed():
            return Suppression(set=event, at=at)
        case Suppression(), SuppressionAllowed():
            return msgspec.structs.replace(suppression, allowed=event.by)
        case Suppression(), SuppressionLifted():
            return msgspec.structs.replace(suppression, lifted=event.by)
        case Suppression(), SuppressionUsed():
            return msgspec.structs.replace(suppression, kept=suppression.kept | set(event.marks))
        case _:
            raise Corrupt("A suppression does not begin with being set.", "Run `watchword ledger fsck`.")


def _looked(finding: Finding, person: PersonId) -> Finding:
    return msgspec.structs.replace(finding, looked_at=tuple(dict.fromkeys((*finding.looked_at, person))))


def _demand(finding: Finding, *statuses: Status) -> None:
    if finding.status not in statuses:
        if finding.status is Status.NEW:
            raise Conflict("Nobody has looked at it yet.", "Confirm or dismiss it first.")
        raise Conflict(f"This finding is {finding.status}.", "Look at it again: somebody else was there.")


def _not_about(person: PersonId, about: frozenset[PersonId]) -> None:
    if person in about:
        raise Refused("This finding is about you, or your account.", "Somebody else has to.", ("subject",))
