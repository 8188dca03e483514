"""A recovery case: its states, what each of them knows, and what can be read from any of them.

Pure values. The state is the class, so an impossible state can not be built. `fold` says how recorded events move a
case from one state to the next, `decision.decide` which events a command makes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import msgspec

from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import Change
from watchword.core.errors import Corrupt
from watchword.core.hands import APART, Hand, Part
from watchword.core.ids import AccountId, CaseId, LeafHash, OriginId, PersonId
from watchword.core.progress import Challenge, Progress
from watchword.core.question import Question
from watchword.core.quorum import Vote
from watchword.core.requirement import Context, Evidence, Requirement


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What every state knows. *entered*: how often the new contact point was; *pages*: where theirs was opened from.

    *objections* are those since somebody last looked at them; *code_spoken* and *code_misses* are of the hand-over;
    *hands* are who took which step, in the order they first did, and are never let go of.
    *turned_away* are people of the desk in whose browsers the person's page was asked for.
    *unsound*: whoever reviewed it says that something was wrong.
    *confirmed*: after it was delivered the person said that it was them; *unconfirmed*: the time for that ran out.
    """

    id: CaseId
    account: AccountId
    account_class: AccountClass
    unit: str
    action: Action
    changes: tuple[Change, ...]
    context: Context
    requirement: Requirement
    opener: PersonId
    subject: PersonId | None
    origin: OriginId | None
    opened_at: datetime
    lane: past.Lane
    assisted: bool
    pages: tuple[OriginId, ...] = ()
    turned_away: tuple[PersonId, ...] = ()
    ticket: LeafHash | None = None
    entered: int = 0
    challenges: tuple[Challenge, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    votes: tuple[Vote, ...] = ()
    questions: tuple[Question, ...] = ()
    reproved: datetime | None = None
    broke_glass: PersonId | None = None
    review_due: datetime | None = None
    review_overdue: bool = False
    reviewer: PersonId | None = None
    unsound: bool = False
    objections: tuple[past.Objected, ...] = ()
    code_spoken: bool = False
    code_misses: int = 0
    hands: tuple[Hand, ...] = ()
    delivered_at: datetime | None = None
    confirmed: bool = False
    unconfirmed: bool = False

    @property
    def sources(self) -> tuple[OriginId, ...]:
        """Where the caller comes from: the number the desk noted, and what their page was opened from."""
        return (*((self.origin,) if self.origin else ()), *self.pages)


class Verifying(Case, frozen=True, kw_only=True):
    """Taken in; the person is being verified."""


class Asked(Case, frozen=True, kw_only=True):
    """Verification held at *asked_at*: *request* is what is approved, until *not_after*."""

    request: str
    asked_at: datetime
    methods: tuple[str, ...]
    not_after: datetime


class AwaitingApproval(Asked, frozen=True, kw_only=True):
    """Seats are still empty."""


class Holding(Asked, frozen=True, kw_only=True):
    """Approved (or none asked); waiting while the old channels can say no, by those *told* from the first of them on.

    The waiting is over at *until*; while nobody is told it is only when it would be, had they been told at once.
    """

    until: datetime
    told: tuple[str, ...] = ()


class Releasable(Asked, frozen=True, kw_only=True):
    """Nothing is missing but the release."""


class Released(Asked, frozen=True, kw_only=True):
    """The executor may act until *until*. *jwk* is the hand-over key, once a browser has made one."""

    releaser: PersonId
    until: datetime
    jwk: str | None = None
    progress: tuple[Progress, ...] = ()


class Executing(Released, frozen=True, kw_only=True):
    """At least one change was started and not all are done."""


class Executed(Released, frozen=True, kw_only=True):
    """Every change is done, by the directory's own word."""


class Failed(Released, frozen=True, kw_only=True):
    """A change was not done, or its credential was lost before hand-over; a new case is needed."""


class Checked(Released, frozen=True, kw_only=True):
    """Read back and found sound."""


class Delivered(Released, frozen=True, kw_only=True):
    """The credential is with the person, or none was born."""


class Closed(Delivered, frozen=True, kw_only=True):
    """Done."""


class Declined(Case, frozen=True, kw_only=True):
    """An approver said no."""


class Withdrawn(Case, frozen=True, kw_only=True):
    """Nobody wants it any more."""


class Expired(Case, frozen=True, kw_only=True):
    """Nothing happened in time."""


class Frozen(Case, frozen=True, kw_only=True):
    """Stopped because of another case; what was on its way in *progress* is still read back."""

    progress: tuple[Progress, ...] = ()


class Paused(Case, frozen=True, kw_only=True):
    """Somebody objected: nothing further runs; *resumes* is the state it goes on in, if somebody lets it."""

    resumes: Case


class Contained(Case, frozen=True, kw_only=True):
    """Found fraudulent; *taken_back* is being done, numbered on from the case's own changes (*earlier*)."""

    contained_at: datetime
    taken_back: tuple[Change, ...]
    earlier: tuple[Progress, ...] = ()
    progress: tuple[Progress, ...] = ()


class Protected(Contained, frozen=True, kw_only=True):
    """Access was taken away while somebody looks, by *taken_back*; what was asked for needs a case of its own."""


UNBEGUN: tuple[type[Case], ...] = (Verifying, AwaitingApproval, Holding, Releasable, Released)
"""Nothing was changed yet, so the case can simply end."""

OPEN: tuple[type[Case], ...] = (Verifying, AwaitingApproval, Holding, Releasable)
"""Nothing was released yet."""

PAUSABLE: tuple[type[Case], ...] = (*UNBEGUN, Executing, Executed, Checked)
"""A case that still leads somewhere stops at the first objection."""

TERMINAL = (Closed, Declined, Withdrawn, Expired, Frozen, Contained, Protected)

C = TypeVar("C", bound=Case)


def state_of(case: Case) -> str:
    """The state in words for people: the name of its class."""
    return "".join(f" {c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(type(case).__name__))


def beneath(case: Case) -> Case:
    """The state a paused case goes on in; any other case as it is."""
    return case.resumes if isinstance(case, Paused) else case


def progress_of(case: Case) -> tuple[Progress, ...]:
    """How far the changes of *case* got, in any state; empty where none was started."""
    if isinstance(case, Contained):
        return (*case.earlier, *case.progress)
    case = beneath(case)
    return case.progress if isinstance(case, Released | Frozen) else ()


def change_of(case: Case, number: int) -> Change:
    """The change a *number* stands for: the case's own first, then what a containment takes back."""
    return (*case.changes, *(case.taken_back if isinstance(case, Contained) else ()))[number]


def took(case: Case, *parts: Part) -> tuple[PersonId, ...]:
    """Everyone who took one of these steps, in the order they first did, whatever became of it since."""
    return tuple(dict.fromkeys(hand.person for hand in case.hands if hand.part in parts))


def verifiers(case: Case) -> tuple[PersonId, ...]:
    """Everyone at the desk whose hands a verification went through: who began it, and whose word proved it."""
    return took(case, "verify")


def participants(case: Case) -> frozenset[PersonId]:
    """Everyone who took a step in *case*, and its subject: none of them may review it."""
    return frozenset({h.person for h in case.hands} | ({case.subject} if case.subject else set()))


def people_of(case: Case) -> dict[str, frozenset[PersonId]]:
    """Who took which of the steps that procedures keep apart."""
    return {part: frozenset(took(case, part)) for part in APART}


def yields_credential(case: Case) -> bool:
    """Whether any of the case's changes gives birth to a secret that has to be handed over."""
    return any(change.yields_credential for change in case.changes)


def hold_of(case: Asked) -> timedelta:
    """How long *case* waits once it is approved: nothing where a method that was proven waives it."""
    waived = set(case.methods) & set(case.requirement.hold_waived_by)
    return timedelta(0) if waived else timedelta(seconds=case.requirement.hold_s)


def replaced(case: C, **fields: Any) -> C:
    """The same case in the same state with *fields* changed."""
    return msgspec.structs.replace(case, **fields)


def become(kind: type[C], case: Case, **fields: Any) -> C:
    """The same case in another state: every field both states know, and *fields*."""
    kept = {name: getattr(case, name) for name in _shared(kind, type(case))}
    try:
        return kind(**(kept | fields))
    except TypeError as error:
        raise Corrupt(
            f"A case can not go from {state_of(case)} to {kind.__name__}.", "Run `watchword ledger fsck`."
        ) from error


@cache
def _shared(kind: type[Case], other: type[Case]) -> tuple[str, ...]:
    """The fields that both states know."""
    return tuple(name for name in kind.__struct_fields__ if hasattr(other, name))
