"""The rules of the desk: which events a command makes of a case, or why it is refused.

Pure, and run by the desk, the executor and the analysis alike, so that none of them can drift. `decide` takes what it
needs, the time included, and returns events or raises `Refused` with reasons.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NoReturn

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.aftercare import confirm_care, miss_care
from watchword.core.approval import demand_other_browser, is_signed
from watchword.core.case import (
    TERMINAL,
    AwaitingApproval,
    Case,
    Checked,
    Contained,
    Delivered,
    Executed,
    Executing,
    Failed,
    Holding,
    Releasable,
    Released,
    Verifying,
    become,
    beneath,
    hold_of,
    participants,
    progress_of,
    replaced,
)
from watchword.core.contact import demand_entered, enter
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.execution import account_told, end, hand_over, open_hand_over, say_code, start
from watchword.core.gates import (
    CASE_LIFE,
    Event,
    demand_settled,
    demand_standing,
    demand_unfrozen,
    in_state,
    is_idle,
)
from watchword.core.ids import LeafHash, PersonId
from watchword.core.objection import lift, object_to, taken_back
from watchword.core.opening import open_case, see_caller
from watchword.core.person import CredentialUsed, ExecutorGrant, ExecutorGranted
from watchword.core.protection import demand_waited, protect, restart_hold
from watchword.core.proving import abandoned, begin, miss, note_prompt, prove, turn_away
from watchword.core.question import demand_open, demand_room
from watchword.core.quorum import Approved, eligible, resolve
from watchword.core.request import Request, parse
from watchword.core.requirement import Requirement, Satisfied, assess, lowered
from watchword.core.ruling import Ruling
from watchword.core.standing import Account, RecoveryContained, Thresholds, shielded

FREEZABLE = (Verifying, AwaitingApproval, Holding, Releasable, Released, Executing, Executed, Checked)
"""States in which a case still leads somewhere, so that another case's fraud stops it; nothing is handed over then."""

REVIEWABLE = (Executed, Failed, Checked, Delivered, *TERMINAL)
"""States in which there is something to look back on: the work is over, or will never be done."""


def decide(
    case: Case | None,
    account: Account,
    command: do.Command,
    ruling: Ruling,
    requirement: Requirement | None,
    at: datetime,
    thresholds: Thresholds = Thresholds(),  # noqa: B008  (a frozen value)
) -> tuple[Event, ...]:
    """Return the events *command* makes at *at*, or raise `Refused` with reasons.

    *requirement* is the procedure's for a case being opened; elsewhere None, because a running case has its own.
    """
    ruling.demand()
    events = _decided(case, account, command, requirement, at, thresholds)
    return (*events, *account_told(case, events, at))


def _decided(
    case: Case | None,
    account: Account,
    command: do.Command,
    requirement: Requirement | None,
    at: datetime,
    thresholds: Thresholds,
) -> tuple[Event, ...]:
    if isinstance(command, do.Open):
        return open_case(case, account, command, requirement, at)
    if case is None:
        raise Invalid("There is no such case.", "List the cases with `watchword case list`.", where="case")
    match command:
        case do.SeeCaller():
            return see_caller(case, command)
        case do.TurnAway():
            return turn_away(case, command)
        case do.LinkTicket():
            in_state(case, command, Verifying)
            if case.ticket:
                raise Refused("This case has its ticket already.", "Open another case for another ticket.")
            return (past.TicketLinked(case=case.id, by=command.by),)
        case do.EnterContact():
            return enter(case, command)
        case do.Begin():
            return begin(case, account, command, at, thresholds)
        case do.NotePrompt():
            return note_prompt(case, command)
        case do.Miss():
            return miss(case, account, command)
        case do.Prove():
            return prove(case, command, at)
        case do.Ask():
            return _ask(case, account, command, at, thresholds)
        case do.Approve():
            return _approve(case, account, command, at, thresholds)
        case do.AskQuestion():
            in_state(case, command, AwaitingApproval)
            _seat(case, command.roles)
            demand_room(case.questions)
            return (past.QuestionAsked(case=case.id, question=command.question, person=command.person),)
        case do.AnswerQuestion():
            in_state(case, command, AwaitingApproval)
            question = demand_open(case.questions, command.question)
            if question.person == command.by:
                raise Refused("Nobody answers their own question.", "Have the desk answer it.", ("same_person",))
            return (past.QuestionAnswered(case=case.id, question=command.question, by=command.by),)
        case do.Refuse():
            in_state(case, command, AwaitingApproval)
            _seat(case, command.roles)
            _first_vote(case, command.person)
            return (past.ApprovalRefused(case=case.id, person=command.person, roles=command.roles),)
        case do.ElapseHold():
            demand_waited(in_state(case, command, Holding), account, at)
            return (past.HoldElapsed(case=case.id),)
        case do.Protect():
            return protect(case, account, command, at)
        case do.RestartHold():
            return restart_hold(case, command, at)
        case do.TellHold():
            in_state(case, command, Holding)
            return (past.HoldTold(case=case.id, channels=command.channels),)
        case do.ConfirmCare():
            return confirm_care(case, command)
        case do.MissCare():
            return miss_care(case, command, at)
        case do.Release():
            return _release(case, account, command, at, thresholds)
        case do.OpenHandOver():
            return open_hand_over(case, command, at)
        case do.Start():
            return start(case, account, command, at, thresholds)
        case do.End():
            return end(case, command, at)
        case do.RefuseExecution():
            demand_settled(in_state(case, command, Released, Executing))
            refused = past.ExecutionRefused(case=case.id, executor=command.executor, reasons=command.reasons)
            return (refused,)
        case do.Validate():
            in_state(case, command, Executed)
            return (past.Validated(case=case.id, by=command.by, sound=command.sound),)
        case do.SayCode():
            return say_code(case, command)
        case do.HandOver():
            return hand_over(case, command, at)
        case do.Escalate():
            return _escalate(case, command)
        case do.Close():
            demand_settled(in_state(case, command, Delivered, Failed, Checked))
            return (past.CaseClosed(case=case.id, by=command.by),)
        case do.Withdraw():
            in_state(beneath(case), command, Verifying, AwaitingApproval, Holding, Releasable, Released)
            return (past.CaseWithdrawn(case=case.id, by=command.by), *abandoned(case, account))
        case do.Expire():
            if at < case.opened_at + CASE_LIFE + timedelta(seconds=case.requirement.hold_s):
                raise Refused("This case still has time.", "Withdraw it, if nobody wants it.", ("too_early",))
            in_state(beneath(case), command, Verifying, AwaitingApproval, Holding, Releasable, Released)
            return (past.CaseExpired(case=case.id), *(() if command.alone else abandoned(case, account)))
        case do.Freeze():
            in_state(beneath(case), command, *FREEZABLE)
            return (past.CaseFrozen(case=case.id, because=command.because), *abandoned(case, account))
        case do.Object():
            return object_to(case, command)
        case do.LiftPause():
            return lift(case, command)
        case do.Contain():
            return _contain(case, command)
        case do.BreakGlass():
            return _break_glass(case, account, command, at)
        case do.TellApprovers():
            return (past.ApproversTold(case=case.id, told=command.told, untold=command.untold),)
        case do.OverdueReview():
            late = case.review_due is not None and at >= case.review_due
            return (past.ReviewOverdue(case=case.id),) if late and not case.reviewer and not case.review_overdue else ()
        case do.Review():
            return _review(case, command)
        case do.Open():
            raise AssertionError


def _ask(case: Case, account: Account, command: do.Ask, at: datetime, thresholds: Thresholds) -> tuple[Event, ...]:
    in_state(case, command, Verifying)
    if case.ticket is None:
        _no_ticket()
    demand_entered(case)
    demand_standing(case, account, at)
    answer = assess(case.requirement, case.evidence, at, freeze=account.freeze(at, thresholds))
    if not isinstance(answer, Satisfied):
        missing = tuple(f"{s.tier}: {'; '.join(s.missing)}" for s in answer)
        raise Refused(
            f"Verification is not complete: {' or '.join(missing)}.", "Prove what is missing.", ("unverified", *missing)
        )
    not_after = at + timedelta(seconds=case.requirement.approval_s + case.requirement.hold_s)
    request = _request(case, command, answer.leaves, not_after)
    asked = past.ApprovalAsked(
        case=case.id,
        tier=answer.tier,
        leaves=answer.leaves,
        methods=answer.methods,
        request=request.encode(),
        not_after=not_after,
    )
    return (asked,)


def _no_ticket() -> NoReturn:
    raise Refused("No ticket is linked.", "Link the ticket this request came with.", ("no_ticket",))


def _request(
    case: Case, command: do.Ask | do.BreakGlass, evidence: tuple[LeafHash, ...], not_after: datetime
) -> Request:
    return Request(
        log=command.log,
        case=case.id,
        account=case.account,
        account_class=case.account_class,
        action=case.action,
        changes=case.changes,
        context=case.context,
        ticket=case.ticket,
        evidence=evidence,
        policy=case.requirement.policy,
        nonce=command.nonce,
        checkpoint=command.checkpoint,
        not_after=not_after,
    )


def _seat(case: Case, roles: tuple[str, ...]) -> None:
    rule = case.requirement.approve
    if rule is None or not eligible(rule, roles):
        seats = " and ".join(" or ".join(s.roles) for s in rule.seats) if rule else "nobody"
        raise Refused("None of your roles has a seat in this approval.", f"It is for: {seats}.", ("no_seat",))


def _first_vote(case: Case, person: PersonId, lent_by: tuple[PersonId, ...] = ()) -> None:
    """One person has one voice, given by themself or by whoever sits in their place."""
    heard = {p for v in case.votes for p in (v.person, *v.lent_by)}
    if heard & {person, *lent_by}:
        raise Refused(
            "You have voted on this case already, or somebody in whose place you sit has.",
            "Another person has to; withdraw the case to stop it.",
            ("voted",),
        )


def _approve(
    case: Case, account: Account, command: do.Approve, at: datetime, thresholds: Thresholds
) -> tuple[Event, ...]:
    asked = in_state(case, command, AwaitingApproval)
    _seat(case, command.roles)
    demand_standing(case, account, at)
    demand_unfrozen(asked, account, at, thresholds)
    if at + hold_of(asked) > asked.not_after:  # a yes whose hold outlives the request could never be released
        raise Refused("The time to approve this is over.", "Verify again in a new case.", ("expired",))
    _first_vote(case, command.person, command.lent_by)
    if case.broke_glass in (command.person, *command.lent_by):
        raise Refused("You broke the glass yourself.", "A second custodian has to agree.", ("same_person",))
    demand_other_browser(case.evidence, command.browser)
    if command.request != asked.request:
        raise Conflict("What you approved is not what this case asks.", "Read the case again, then decide.")
    if case.requirement.approve is not None and case.requirement.approve.signed and not is_signed(command.proof):
        raise Refused(
            "This approval has to be signed with your own passkey.",
            "Sign the request with a passkey that is enrolled for you; being signed in is not enough here.",
            ("unsigned",),
        )
    given = past.ApprovalGiven(
        case=case.id,
        person=command.person,
        roles=command.roles,
        request=command.request,
        proof=command.proof,
        not_after=asked.not_after,
        unit=command.unit,
        browser=command.browser,
        lent_by=command.lent_by,
    )
    if command.credential is None or command.counter is None:
        return (given,)
    return (given, CredentialUsed(person=command.person, credential=command.credential, counter=command.counter))


def _release(
    case: Case, account: Account, command: do.Release, at: datetime, thresholds: Thresholds
) -> tuple[Event, ...]:
    begun = bool(progress_of(case))
    if isinstance(case, Holding):
        demand_waited(case, account, at)
        case = become(Releasable, case)
    if type(case) in (Released, Executing) and isinstance(case, Released) and is_idle(case) and at >= case.until:
        case = become(Releasable, case)  # nothing was started under a grant that ran out: it may be given again
    ready = in_state(case, command, Releasable)
    if command.by == case.broke_glass:
        raise Refused("You broke the glass yourself.", "Somebody else has to release it.", ("same_person",))
    demand_standing(case, account, at)
    if not begun:  # what has begun is not left half done for failures of somebody else
        demand_unfrozen(ready, account, at, thresholds)
    if at > ready.not_after:
        raise Refused("The approval is over.", "Verify and approve again in a new case.", ("expired",))
    asked = parse(ready.request).changes
    if command.changes != asked:
        raise Refused(
            "That is not what was approved.",
            f"Approved: {', '.join(type(c).__name__ for c in asked)}, nothing more. Open another case for the rest.",
            ("wider_than_approved",),
        )
    approvals: tuple[LeafHash, ...] = ()
    if (rule := case.requirement.approve) is not None:
        outcome = resolve(rule, case.votes, at)
        if not isinstance(outcome, Approved):
            raise Refused("An approval is missing or over.", "Ask the approvers again in a new case.", ("expired",))
        approvals = outcome.leaves
    until = min(at + timedelta(seconds=case.requirement.grant_s), ready.not_after)
    released = past.CaseReleased(case=case.id, by=command.by, request=ready.request, approvals=approvals, until=until)
    grant = ExecutorGrant(case=case.id, until=until)
    return (released, ExecutorGranted(person=command.executor, grant=grant))


def _escalate(case: Case, command: do.Escalate) -> tuple[Event, ...]:
    in_state(case, command, Verifying, AwaitingApproval, Holding, Releasable)
    if case.broke_glass is not None:
        raise Refused(
            "The glass is broken: there is nothing to raise.", "Refuse or withdraw it instead.", ("glass_broken",)
        )
    if less := lowered(case.requirement, command.requirement):
        raise Refused(
            f"A requirement may only be raised; this lowers: {', '.join(less)}.",
            "Escalate to something stricter.",
            ("lowered", *less),
        )
    return (past.CaseEscalated(case=case.id, by=command.by, requirement=command.requirement),)


def _review(case: Case, command: do.Review) -> tuple[Event, ...]:
    if case.review_due is None or case.reviewer:
        raise Refused("No review is owed on this case.", "Nothing needs to be done.", ("no_review",))
    in_state(case, command, *REVIEWABLE)
    if command.by in participants(case):
        raise Refused(
            "You took a step in this case, or it is about you.", "Somebody else has to review it.", ("same_person",)
        )
    return (past.ReviewDone(case=case.id, by=command.by, sound=command.sound),)


def _contain(case: Case, command: do.Contain) -> tuple[Event, ...]:
    if isinstance(case, Contained):
        raise Refused("This case is contained already.", "Follow its changes to their end.", ("wrong_state",))
    changes = taken_back(case)
    return (
        past.CaseContained(case=case.id, by=command.by, changes=changes),
        past.ProtectionSpent(case=case.id, by=command.by),
        *shielded(case.account, case.id, command.by, changes),
        RecoveryContained(account=case.account, case=case.id),
    )


def _break_glass(case: Case, account: Account, command: do.BreakGlass, at: datetime) -> tuple[Event, ...]:
    in_state(case, command, Verifying, AwaitingApproval, Holding)
    if case.ticket is None:
        _no_ticket()
    demand_entered(case)
    if case.broke_glass is not None:
        raise Refused("The glass is broken already.", "A second custodian has to agree.", ("glass_broken",))
    demand_standing(case, account, at)
    not_after = at + timedelta(seconds=command.expires_s)
    with_rule = replaced(case, requirement=command.requirement)
    request = _request(with_rule, command, tuple(e.leaf for e in case.evidence), not_after)
    invoked = past.BreakGlassInvoked(
        case=case.id, by=command.by, requirement=command.requirement, request=request.encode(), not_after=not_after
    )
    owed = past.ReviewOwed(case=case.id, due=at + timedelta(seconds=command.review_s), why="break_glass")
    return (invoked, owed, past.GlassBroken(case=case.id, by=command.by))
