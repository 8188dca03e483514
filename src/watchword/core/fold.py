"""How recorded events move a case: the fold of its ledger entries, and of nothing else.

Pure. `evolve` takes whatever decisions could have written and calls anything else corrupt. The states it moves between
are those of `case`.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core import event as past
from watchword.core.approval import is_outside
from watchword.core.case import (
    OPEN,
    PAUSABLE,
    UNBEGUN,
    Asked,
    AwaitingApproval,
    Case,
    Checked,
    Closed,
    Contained,
    Declined,
    Delivered,
    Executed,
    Executing,
    Expired,
    Failed,
    Frozen,
    Holding,
    Paused,
    Protected,
    Releasable,
    Released,
    Verifying,
    Withdrawn,
    become,
    beneath,
    hold_of,
    progress_of,
    replaced,
    state_of,
    yields_credential,
)
from watchword.core.change import contact_of, with_contact
from watchword.core.confirmation import CareConfirmed, CareMissed, DeskBrowserRefused
from watchword.core.errors import Corrupt, Invalid
from watchword.core.hands import hands_of
from watchword.core.ids import LeafHash
from watchword.core.progress import Progress, challenge_of, mark
from watchword.core.question import told
from watchword.core.quorum import Approved, Rejected, Rule, Vote, resolve
from watchword.core.requirement import Evidence

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
