"""A recovery case: its states, and how recorded events move it. `decision.decide` says which events a command makes.

Pure: a case is the fold of its ledger entries and of nothing else. The state is the class, so an impossible state can
not be built. `evolve` takes whatever decisions could have written and calls anything else corrupt.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import msgspec

from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.approval import is_outside
from watchword.core.change import Change, contact_of, with_contact
from watchword.core.confirmation import CareConfirmed, CareMissed, DeskBrowserRefused
from watchword.core.errors import Corrupt, Invalid
from watchword.core.hands import APART, Hand, Part, hands_of
from watchword.core.ids import AccountId, CaseId, LeafHash, OriginId, PersonId
from watchword.core.progress import Challenge, Progress, challenge_of, mark
from watchword.core.question import Question, told
from watchword.core.quorum import Approved, Rejected, Rule, Vote, resolve
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
    lane: past.Lane = "voice"
    assisted: bool = False
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

POSSIBLE: dict[type[past.CaseEvent], tuple[type[Case], ...]] = {
    past.TicketLinked: (Verifying,),
    past.ContactEntered: (Verifying,),
    past.ApprovalAsked: (Verifying,),
    past.ApprovalGiven: (AwaitingApproval,),
    past.ApprovalRefused: (AwaitingApproval,),
    past.QuestionAsked: (AwaitingApproval,),
    past.QuestionAnswered: (AwaitingApproval,),
    past.BreakGlassInvoked: (Verifying, AwaitingApproval, Holding),
    past.HoldElapsed: (Holding,),
    past.CaseReleased: (Holding, Releasable, Released, Executing),
    past.HandOverOpened: (Released,),
    past.ChangeStarted: (Released, Executing, Contained, Protected),
    past.ChangeEnded: (Executing, Contained, Protected, Frozen, Paused),
    past.ProtectionTaken: OPEN,
    past.HoldRestarted: (Holding,),
    past.HoldTold: (Holding,),
    CareConfirmed: (Delivered, Closed),
    CareMissed: (Delivered, Closed),
    past.ExecutionRefused: (Released, Executing),
    past.Validated: (Executed,),
    past.CodeSpoken: (Released, Executing, Executed, Checked),
    past.CodeMissed: (Released, Executing, Executed, Checked),
    past.HandedOver: (Checked,),
    past.CaseEscalated: (Verifying, AwaitingApproval, Holding, Releasable),
    past.CaseClosed: (Delivered, Failed, Checked),
    past.CaseWithdrawn: (*UNBEGUN, Paused),
    past.CaseExpired: (*UNBEGUN, Paused),
    past.CaseFrozen: (*PAUSABLE, Paused),
    past.Objected: (*PAUSABLE, Paused, Delivered, Failed, Closed),
    past.PauseLifted: (Paused, Delivered, Closed),
}
"""The states in which an event that moves a case can stand; what is not named here moves none."""

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


def evolve(case: Case | None, recorded: past.Recorded) -> Case:
    """Fold one recorded event. Raise `Corrupt` for a stream that no sequence of decisions could have written."""
    after = _evolved(case, recorded)
    new = tuple(hand for hand in hands_of(recorded.event) if hand not in after.hands)
    return replaced(after, hands=tuple(dict.fromkeys((*after.hands, *new)))) if new else after


def _evolved(case: Case | None, recorded: past.Recorded) -> Case:
    event, at = recorded.event, recorded.at
    if case is None:
        if not isinstance(event, past.CaseOpened):
            raise Corrupt("A case's stream does not begin with its opening.", "Run `watchword ledger fsck`.")
        return _opened(event, at)
    if type(case) not in POSSIBLE.get(type(event), (type(case),)):
        raise Corrupt(
            f"An entry ({type(event).__name__}) stands in a case that is {state_of(case)}.",
            "Run `watchword ledger fsck`.",
        )
    match event:
        case past.CallerSeen():
            return replaced(case, pages=tuple(dict.fromkeys((*case.pages, event.origin))))
        case DeskBrowserRefused():
            return replaced(case, turned_away=tuple(dict.fromkeys((*case.turned_away, event.person))))
        case past.TicketLinked():
            return replaced(case, ticket=recorded.leaf)
        case past.ContactEntered():
            return _entered(case, event)
        case past.ChallengeBegun():
            return replaced(case, challenges=(*case.challenges, challenge_of(event, at)))
        case past.PromptSent():
            return replaced(case, challenges=mark(case.challenges, event.challenge, sent=True))
        case past.ChallengeMissed():
            return replaced(case, challenges=mark(case.challenges, event.challenge, missed=True))
        case past.MethodFailed():
            return replaced(case, challenges=mark(case.challenges, event.challenge, ended=True))
        case past.MethodProved():
            return _proved(case, event, at, recorded.leaf)
        case past.ApprovalAsked():
            asked = become(
                AwaitingApproval,
                case,
                request=event.request,
                asked_at=at,
                methods=event.methods,
                not_after=event.not_after,
            )
            return asked if case.requirement.approve else _approved(asked, at)
        case past.ApprovalGiven() | past.ApprovalRefused():
            return _voted(case, event, at, recorded.leaf)
        case past.QuestionAsked() | past.QuestionAnswered():
            return replaced(case, questions=told(case.questions, event))
        case past.BreakGlassInvoked():
            return become(
                AwaitingApproval,
                case,
                requirement=event.requirement,
                request=event.request,
                asked_at=at,
                methods=(),
                not_after=event.not_after,
                votes=(),
                broke_glass=event.by,
            )
        case past.HoldRestarted():
            return replaced(case, until=event.until, told=())
        case past.HoldTold():
            return _told(case, event, at)
        case past.ProtectionTaken():
            return become(Protected, case, contained_at=at, taken_back=event.changes)
        case CareConfirmed():
            return replaced(case, confirmed=True)
        case CareMissed():
            earlier = progress_of(case)
            back = {"taken_back": event.changes, "earlier": earlier, "progress": ()}
            return become(Protected, case, contained_at=at, unconfirmed=True, **back)
        case past.HoldElapsed():
            return become(Releasable, case)
        case past.CaseReleased():
            begun = bool(progress_of(case))
            return become(Executing if begun else Released, case, releaser=event.by, until=event.until)
        case past.HandOverOpened():
            return replaced(case, jwk=event.jwk)
        case past.ChangeStarted() | past.ChangeEnded():
            return _progressed(case, event, at, recorded.leaf)
        case past.ExecutionRefused():
            return become(Failed, case)
        case past.Validated():
            if not event.sound:
                return become(Failed, case)
            return become(Checked, case) if yields_credential(case) else become(Delivered, case, delivered_at=at)
        case past.CodeSpoken():
            return replaced(case, code_spoken=True)
        case past.CodeMissed():
            return replaced(case, code_misses=case.code_misses + 1)
        case past.HandedOver():
            return become(Delivered, case, delivered_at=at)
        case past.CaseEscalated():
            return become(Verifying, case, requirement=event.requirement, votes=())
        case past.CaseClosed():
            return become(Closed, case)
        case past.CaseWithdrawn():
            return become(Withdrawn, case)
        case past.CaseExpired():
            return become(Expired, case)
        case past.CaseFrozen():
            return become(Frozen, case, progress=progress_of(case))
        case past.Objected():
            return _objected(case, event)
        case past.PauseLifted():
            return _resumed(case, at)
        case past.CaseContained():
            earlier = progress_of(case)
            return become(Contained, case, contained_at=at, taken_back=event.changes, earlier=earlier, progress=())
        case past.ApproversTold():
            return case
        case past.ReviewOwed():
            return replaced(case, review_due=event.due)
        case past.ReviewDone():
            return replaced(case, reviewer=event.by, unsound=not event.sound)
        case past.ReviewOverdue():
            return replaced(case, review_overdue=True)
        case past.CaseOpened():
            raise Corrupt("A case is opened twice.", "Run `watchword ledger fsck`.")


def fold(history: tuple[past.Recorded, ...]) -> Case:
    """The case its entries make."""
    case: Case | None = None
    for recorded in history:
        case = evolve(case, recorded)
    if case is None:
        raise Invalid("There is no such case.", "List the cases with `watchword case list`.", where="case")
    return case


def yields_credential(case: Case) -> bool:
    """Whether any of the case's changes gives birth to a secret that has to be handed over."""
    return any(change.yields_credential for change in case.changes)


def hold_of(case: Asked) -> timedelta:
    """How long *case* waits once it is approved: nothing where a method that was proven waives it."""
    waived = set(case.methods) & set(case.requirement.hold_waived_by)
    return timedelta(0) if waived else timedelta(seconds=case.requirement.hold_s)


def _opened(event: past.CaseOpened, at: datetime) -> Verifying:
    return Verifying(
        id=event.case,
        account=event.account,
        account_class=event.account_class,
        unit=event.unit,
        action=event.action,
        changes=event.changes,
        context=event.context,
        requirement=event.requirement,
        opener=event.opener,
        subject=event.subject,
        origin=event.origin,
        opened_at=at,
        lane=event.lane,
        assisted=event.assisted,
    )


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


def _entered(case: Case, event: past.ContactEntered) -> Case:
    """What was proven before speaks for another value or for none, so it goes; whose hands it went through stays."""
    if contact_of(case.changes) is None:
        raise Corrupt("A contact point was entered in a case that changes none.", "Run `watchword ledger fsck`.")
    return replaced(case, changes=with_contact(case.changes, event.commitment), entered=case.entered + 1, evidence=())


def _proved(case: Case, event: past.MethodProved, at: datetime, leaf: LeafHash) -> Case:
    case = replaced(case, challenges=mark(case.challenges, event.challenge, ended=True, proved=True))
    if event.purpose == "hand_over":
        return replaced(case, reproved=at)
    proof = Evidence(
        method=event.method,
        prover=event.prover,
        agent=event.by,
        at=at,
        challenge=event.challenge,
        leaf=leaf,
        contact_changed_at=event.contact_changed_at,
        browser=event.browser,
    )
    return replaced(case, evidence=(*case.evidence, proof))


def _objected(case: Case, event: past.Objected) -> Case:
    """The first objection stops what still leads somewhere; what is over keeps it for the second."""
    heard = replaced(case, objections=(*case.objections, event))
    return become(Paused, heard, resumes=case) if type(case) in PAUSABLE else heard


def _resumed(case: Case, at: datetime) -> Case:
    """On from where it stood, with what was recorded meanwhile; a hold begins anew, since nobody could count on it.

    What was done stands where it is, and what was said of it counts no more.
    """
    under = beneath(case)
    kept = {name: getattr(case, name) for name in Case.__struct_fields__}
    again = become(type(under), under, **(kept | {"objections": ()}))
    return replaced(again, until=at + hold_of(again), told=()) if isinstance(again, Holding) else again


def _told(case: Case, event: past.HoldTold, at: datetime) -> Case:
    """The waiting is counted from the first notice that went out: before it nobody could say no."""
    if isinstance(case, Holding) and event.channels and not case.told:
        case = replaced(case, until=at + hold_of(case))
    return replaced(case, told=event.channels)


def _voted(case: Case, event: past.ApprovalGiven | past.ApprovalRefused, at: datetime, leaf: LeafHash) -> Case:
    if not isinstance(case, AwaitingApproval) or case.requirement.approve is None:
        raise Corrupt("A vote stands where none was asked.", "Run `watchword ledger fsck`.")
    vote = Vote(
        person=event.person,
        roles=event.roles,
        approve=isinstance(event, past.ApprovalGiven),
        at=at,
        not_after=case.not_after,
        leaf=leaf,
        unit=event.unit if isinstance(event, past.ApprovalGiven) else "",
        outside=isinstance(event, past.ApprovalGiven) and is_outside(event.proof),
        lent_by=event.lent_by if isinstance(event, past.ApprovalGiven) else (),
    )
    case = replaced(case, votes=(*case.votes, vote))
    match resolve(case.requirement.approve or Rule(name="", seats=()), case.votes, at):
        case Approved():
            return _approved(case, at)
        case Rejected():
            return become(Declined, case)
        case _:
            return case


def _approved(case: Asked, at: datetime) -> Case:
    if hold := hold_of(case):
        return become(Holding, case, until=at + hold)
    return become(Releasable, case)


def _progressed(case: Case, event: past.ChangeStarted | past.ChangeEnded, at: datetime, leaf: LeafHash) -> Case:
    done = {p.number: p for p in progress_of(case)}
    if isinstance(event, past.ChangeStarted):
        done[event.number] = Progress(
            number=event.number, before=event.before, executor=event.executor, started=leaf, begun=at
        )
    elif event.number not in done:
        raise Corrupt("A change ended that never started.", "Run `watchword ledger fsck`.")
    elif event.outcome == "unknown":
        done[event.number] = msgspec.structs.replace(done[event.number], silent=True)
    else:
        done[event.number] = msgspec.structs.replace(done[event.number], outcome=event.outcome, ended=at)
    progress = tuple(done[n] for n in sorted(done))
    if isinstance(case, Contained):
        own = len(case.changes)
        earlier, taken = (tuple(p for p in progress if (p.number < own) is first) for first in (True, False))
        return replaced(case, earlier=earlier, progress=taken)
    if isinstance(case, Paused):
        return replaced(case, resumes=_progressed(case.resumes, event, at, leaf))
    if not isinstance(case, Released):
        return replaced(case, progress=progress)
    if any(p.outcome == "refused" for p in progress):
        return become(Failed, case, progress=progress)
    whole = len(progress) == len(case.changes) and all(p.outcome == "done" for p in progress)
    return become(Executed if whole else Executing, case, progress=progress)
