"""The rules of the desk: which events a command makes of a case, or why it is refused.

Pure, and run by the desk, the executor and the analysis alike, so that none of them can drift. `decide` takes what it
needs, the time included, and returns events or raises `Refused` with reasons.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NoReturn, TypeVar, cast

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import FACT_WINDOW, Status
from watchword.core.case import (
    TERMINAL,
    AwaitingApproval,
    Case,
    Challenge,
    Checked,
    Contained,
    Delivered,
    Executed,
    Executing,
    Failed,
    Holding,
    Progress,
    Releasable,
    Released,
    Verifying,
    become,
    hold_of,
    participants,
    progress_of,
    replaced,
    state_of,
    yields_credential,
)
from watchword.core.change import ALLOWED, GrantOverride, IssuePass, RevokeSessions, Suspend
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import LeafHash, PersonId
from watchword.core.origin import OriginFailed
from watchword.core.person import CredentialUsed, ExecutorGrant, ExecutorGranted
from watchword.core.quorum import Approved, eligible, resolve
from watchword.core.request import Request, parse
from watchword.core.requirement import FRESH, Requirement, Satisfied, assess, lowered
from watchword.core.ruling import Ruling
from watchword.core.standing import Account, FailureRecorded, RecoveryCompleted, Thresholds

FREEZABLE = (Verifying, AwaitingApproval, Holding, Releasable, Released, Executing, Executed, Checked)
"""States in which a case still leads somewhere, so that another case's fraud stops it; nothing is handed over then."""

REVIEWABLE = (Executed, Failed, Checked, Delivered, *TERMINAL)
"""States in which there is something to look back on: the work is over, or will never be done."""

C = TypeVar("C", bound=Case)

TRIES = 3
"""Wrong answers that exhaust a challenge."""

WEEK = timedelta(days=7)

ENVELOPE = timedelta(hours=1)
"""How long a sealed credential waits for its hand-over."""

Event = past.CaseEvent | FailureRecorded | RecoveryCompleted | OriginFailed | ExecutorGranted | CredentialUsed
"""What a decision may append: to the case's own stream, the account's, the origin's, a person's."""


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
    if isinstance(command, do.Open):
        return _open(case, account, command, requirement, at)
    if case is None:
        raise Invalid("There is no such case.", "List the cases with `watchword case list`.", where="case")
    match command:
        case do.LinkTicket():
            _in(case, command, Verifying)
            if case.ticket:
                raise Refused("This case has its ticket already.", "Open another case for another ticket.")
            return (past.TicketLinked(case=case.id, by=command.by),)
        case do.Begin():
            return _begin(case, account, command, at, thresholds)
        case do.Miss():
            return _miss(case, account, command)
        case do.Prove():
            return _prove(case, command, at)
        case do.Ask():
            return _ask(case, account, command, at, thresholds)
        case do.Approve():
            return _approve(case, command, at)
        case do.Refuse():
            _in(case, command, AwaitingApproval)
            _seat(case, command.roles)
            _first_vote(case, command.person)
            return (past.ApprovalRefused(case=case.id, person=command.person, roles=command.roles),)
        case do.ElapseHold():
            holding = _in(case, command, Holding)
            if at < holding.until:
                _wait(holding)
            return (past.HoldElapsed(case=case.id),)
        case do.Release():
            return _release(case, account, command, at)
        case do.OpenHandOver():
            return _open_hand_over(case, command, at)
        case do.Start():
            return _start(case, account, command, at)
        case do.End():
            return _end(case, command, at)
        case do.RefuseExecution():
            _settled(_in(case, command, Released, Executing))
            refused = past.ExecutionRefused(case=case.id, executor=command.executor, reasons=command.reasons)
            return (refused,)
        case do.Validate():
            _in(case, command, Executed)
            return (past.Validated(case=case.id, by=command.by, sound=command.sound),)
        case do.HandOver():
            return _hand_over(case, command, at)
        case do.Escalate():
            return _escalate(case, command)
        case do.Close():
            _settled(_in(case, command, Delivered, Failed, Checked))
            return (past.CaseClosed(case=case.id, by=command.by),)
        case do.Withdraw():
            _in(case, command, Verifying, AwaitingApproval, Holding, Releasable, Released)
            return (past.CaseWithdrawn(case=case.id, by=command.by),)
        case do.Expire():
            _in(case, command, Verifying, AwaitingApproval, Holding, Releasable, Released)
            return (past.CaseExpired(case=case.id),)
        case do.Freeze():
            _in(case, command, *FREEZABLE)
            return (past.CaseFrozen(case=case.id, because=command.because),)
        case do.Contain():
            return _contain(case, command)
        case do.BreakGlass():
            return _break_glass(case, account, command, at)
        case do.OverdueReview():
            late = case.review_due is not None and at >= case.review_due
            return (past.ReviewOverdue(case=case.id),) if late and not case.reviewer and not case.review_overdue else ()
        case do.Review():
            return _review(case, command)
        case do.Open():
            raise AssertionError


def _in(case: Case, command: do.Command, *states: type[C]) -> C:
    """Return *case* where it is in exactly one of *states*, or refuse."""
    if type(case) not in states:
        _wrong_state(case, command)
    return cast("C", case)


def _wrong_state(case: Case, command: do.Command) -> NoReturn:
    raise Refused(
        f"This case is {state_of(case)}: it can not be done now ({type(command).__name__.lower()}).",
        "Look at the case for what it waits for, or open a new one.",
        ("wrong_state", state_of(case).replace(" ", "_")),
    )


def _wait(case: Holding) -> NoReturn:
    raise Refused(
        f"The waiting time runs until {case.until:%Y-%m-%d %H:%M} UTC.",
        "Wait, or prove with a method that waives it before the case is asked again.",
        ("hold",),
    )


def _open(
    case: Case | None, account: Account, command: do.Open, requirement: Requirement | None, at: datetime
) -> tuple[Event, ...]:
    if case is not None:
        raise Conflict("This case is open already.", "Read it instead.")
    if command.account_class is None:
        raise Refused(
            "This account is in no class, so no procedure answers for it.",
            "Put it in one of the groups that give a class, then open the case again.",
            ("no_class",),
        )
    if account.facts.status is Status.LEAVER:
        raise Refused(
            "This account belongs to somebody who left.", "Tell security: a leaver asks to get in.", ("leaver",)
        )
    if command.protected:
        raise Refused(
            command.protected, "Its own administrators recover it, outside the desk's rights.", ("protected",)
        )
    if requirement is None or requirement.account_class.rank < command.account_class.rank:
        raise Refused("No procedure answers for this account and action.", "Add the cell to the policy.", ("no_cell",))
    if account.recoveries_within(WEEK, at) > 1:
        raise Refused(
            "This account was recovered twice within seven days.", "Security has to look at it first.", ("third_in_7d",)
        )
    _allowed(command)
    opened = past.CaseOpened(
        case=command.case,
        account=command.account,
        account_class=command.account_class,
        unit=command.unit,
        action=command.action,
        changes=command.changes,
        context=command.context,
        requirement=requirement,
        opener=command.opener,
        subject=command.subject,
        origin=command.origin,
    )
    return (opened,)


LIFETIMES = {IssuePass: (600, 3600), GrantOverride: (60, 14_400)}
"""Shortest and longest *lifetime_s*, in seconds."""


def _allowed(command: do.Open) -> None:
    kinds = [type(c) for c in command.changes]
    asked = set(kinds) - {RevokeSessions}
    if not asked or len(set(kinds)) != len(kinds) or not asked <= set(ALLOWED[command.action]):
        raise Invalid(
            f"These changes do not belong to {command.action}.",
            f"Ask for: {', '.join(k.__name__ for k in ALLOWED[command.action])}, each once.",
            where="changes",
        )
    if any(c.account != command.account for c in command.changes):
        raise Invalid("A change names another account.", "A case changes one account.", where="changes")
    for change in command.changes:
        if not isinstance(change, IssuePass | GrantOverride):
            continue
        shortest, longest = LIFETIMES[type(change)]
        if not shortest <= change.lifetime_s <= longest:
            raise Invalid(
                f"{change.lifetime_s} s is no lifetime for {type(change).__name__}.",
                f"Ask for {shortest} to {longest} seconds.",
                where="changes",
            )


def _stands(case: Case, account: Account, at: datetime) -> None:
    """Refuse what was opened under facts that have become stricter since (invariant 7), or was overtaken."""
    now = account.strictest_class(at)
    stale = {
        "leaver": account.facts.status is Status.LEAVER,
        "no_class": now is None,
        "class_raised": now is not None and now.rank > case.account_class.rank,
        "recovered_meanwhile": any(r.case != case.id and r.at >= case.opened_at for r in account.recoveries),
    }
    if why := tuple(name for name, holds in stale.items() if holds):
        raise Refused(
            f"The account is not what it was when this case was opened: {', '.join(why).replace('_', ' ')}.",
            "Withdraw this case and open another, which is held to what is true now.",
            ("stale_facts", *why),
        )


def _begin(case: Case, account: Account, command: do.Begin, at: datetime, thresholds: Thresholds) -> tuple[Event, ...]:
    known = {m.name: m for m in case.requirement.methods}
    _asked_now(case, command, command.purpose)
    if any(c.id == command.challenge for c in case.challenges):
        raise Conflict("This challenge was begun already.", "Begin the method again.")
    if command.method not in known:
        raise Refused(
            f"{command.method} counts for nothing in this case.",
            f"Use one of: {', '.join(known)}.",
            ("unknown_method",),
        )
    method = known[command.method]
    if command.purpose == "hand_over" and not method.enforced:
        raise Refused(
            "The hand-over needs a method that the software checks.", "Use another method.", ("attested_only",)
        )
    freeze = account.freeze(at, thresholds)
    if freeze and method.remote and method.phishable:
        raise Refused(
            "Too many verifications of this account failed: its remote methods are closed.",
            "Use a passkey or have the person come in; two people can release the freeze.",
            ("frozen",),
        )
    if command.contact_changed_at and at - command.contact_changed_at < FACT_WINDOW:
        raise Refused(
            f"The contact point of record changed on {command.contact_changed_at:%Y-%m-%d}, so it proves nothing yet.",
            "Use a method that does not depend on it.",
            ("young_contact",),
        )
    begun = past.ChallengeBegun(
        case=case.id,
        challenge=command.challenge,
        method=command.method,
        purpose=command.purpose,
        by=command.by,
        prover=command.prover,
        credential=command.credential,
        contact_changed_at=command.contact_changed_at,
        expires=command.expires,
    )
    return (begun,)


def _running(case: Case, challenge: str) -> Challenge:
    found = next((c for c in case.challenges if c.id == challenge), None)
    if found is None:
        raise Refused("This challenge does not belong to this case.", "Begin the method again.", ("foreign_challenge",))
    if found.ended:
        raise Refused("This challenge was used up.", "Begin the method again.", ("used",))
    return found


def _asked_now(case: Case, command: do.Command, purpose: past.Purpose) -> None:
    """Refuse a method whose *purpose* this state does not serve: a re-proof counts once there is a key to seal to."""
    if purpose == "verify":
        _in(case, command, Verifying)
    elif _in(case, command, Released, Executing, Executed, Checked).jwk is None:
        raise Refused("Nobody has opened the hand-over yet.", "Have the person open it.", ("no_hand_over_key",))


def _miss(case: Case, account: Account, command: do.Miss) -> tuple[Event, ...]:
    challenge = _running(case, command.challenge)
    # Challenges left after a wrong answer count together, or beginning anew would make guesses free.
    missed = sum(c.misses for c in case.challenges if not c.ended)
    if not command.final and missed + 1 < TRIES:
        return (past.ChallengeMissed(case=case.id, challenge=challenge.id),)
    events: list[Event] = [
        past.MethodFailed(case=case.id, challenge=challenge.id, method=challenge.method, by=command.by),
        FailureRecorded(account=account.id, case=case.id, method=challenge.method),
    ]
    if case.origin:
        events.append(OriginFailed(origin=case.origin, case=case.id, account=case.account))
    return tuple(events)


def _prove(case: Case, command: do.Prove, at: datetime) -> tuple[Event, ...]:
    challenge = _running(case, command.challenge)
    if at > challenge.expires:
        raise Refused("This challenge is over.", "Begin the method again.", ("expired",))
    _asked_now(case, command, challenge.purpose)
    proved = past.MethodProved(
        case=case.id,
        challenge=challenge.id,
        method=challenge.method,
        purpose=challenge.purpose,
        by=command.by,
        prover=challenge.prover,
        credential=challenge.credential,
        counter=command.counter,
        contact_changed_at=challenge.contact_changed_at,
    )
    if challenge.prover is None or challenge.credential is None or command.counter is None:
        return (proved,)
    used = CredentialUsed(person=challenge.prover, credential=challenge.credential, counter=command.counter)
    return (proved, used)


def _ask(case: Case, account: Account, command: do.Ask, at: datetime, thresholds: Thresholds) -> tuple[Event, ...]:
    _in(case, command, Verifying)
    if case.ticket is None:
        _no_ticket()
    _stands(case, account, at)
    answer = assess(case.requirement, case.evidence, at, freeze=account.freeze(at, thresholds))
    if not isinstance(answer, Satisfied):
        missing = tuple(f"{s.tier}: {'; '.join(s.missing)}" for s in answer)
        raise Refused(
            f"Verification is not complete: {' or '.join(missing)}.", "Prove what is missing.", ("unverified", *missing)
        )
    not_after = at + timedelta(seconds=case.requirement.approval_s + case.requirement.hold_s)
    request = _request(case, command.log, command.nonce, answer.leaves, not_after)
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


def _request(case: Case, log: str, nonce: str, evidence: tuple[LeafHash, ...], not_after: datetime) -> Request:
    return Request(
        log=log,
        case=case.id,
        account=case.account,
        account_class=case.account_class,
        action=case.action,
        changes=case.changes,
        context=case.context,
        ticket=case.ticket,
        evidence=evidence,
        policy=case.requirement.policy,
        nonce=nonce,
        not_after=not_after,
    )


def _seat(case: Case, roles: tuple[str, ...]) -> None:
    rule = case.requirement.approve
    if rule is None or not eligible(rule, roles):
        seats = " and ".join(" or ".join(s.roles) for s in rule.seats) if rule else "nobody"
        raise Refused("None of your roles has a seat in this approval.", f"It is for: {seats}.", ("no_seat",))


def _first_vote(case: Case, person: PersonId) -> None:
    if person in {v.person for v in case.votes}:
        raise Refused(
            "You have voted on this case already.", "Another person has to; withdraw the case to stop it.", ("voted",)
        )


def _approve(case: Case, command: do.Approve, at: datetime) -> tuple[Event, ...]:
    asked = _in(case, command, AwaitingApproval)
    _seat(case, command.roles)
    if at + hold_of(asked) > asked.not_after:  # a yes whose hold outlives the request could never be released
        raise Refused("The time to approve this is over.", "Verify again in a new case.", ("expired",))
    _first_vote(case, command.person)
    if command.person == case.broke_glass:
        raise Refused("You broke the glass yourself.", "A second custodian has to agree.", ("same_person",))
    if command.request != asked.request:
        raise Conflict("What you approved is not what this case asks.", "Read the case again, then decide.")
    given = past.ApprovalGiven(
        case=case.id,
        person=command.person,
        roles=command.roles,
        request=command.request,
        proof=command.proof,
        not_after=asked.not_after,
    )
    return (given,)


def _release(case: Case, account: Account, command: do.Release, at: datetime) -> tuple[Event, ...]:
    if isinstance(case, Holding):
        if at < case.until:
            _wait(case)
        case = become(Releasable, case)
    if type(case) in (Released, Executing) and isinstance(case, Released) and _idle(case) and at >= case.until:
        case = become(Releasable, case)  # nothing was started under a grant that ran out: it may be given again
    ready = _in(case, command, Releasable)
    _stands(case, account, at)
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


def _idle(case: Case) -> bool:
    return all(p.outcome is not None for p in progress_of(case))


def _settled(case: Case) -> None:
    if not _idle(case):
        raise Refused("A change is on its way.", "Read back what became of it first.", ("in_flight",))


def _open_hand_over(case: Case, command: do.OpenHandOver, at: datetime) -> tuple[Event, ...]:
    released = _in(case, command, Released)
    if not yields_credential(case):
        raise Refused("Nothing is handed over in this case.", "Close this page.", ("no_credential",))
    if released.jwk is not None:
        raise Refused(
            "This hand-over was opened by another browser.", "Tell the desk at once if that was not you.", ("opened",)
        )
    if at >= released.until:
        raise Refused("The release is over.", "Ask the desk to release it again.", ("expired",))
    return (past.HandOverOpened(case=case.id, jwk=command.jwk),)


def _start(case: Case, account: Account, command: do.Start, at: datetime) -> tuple[Event, ...]:
    started = past.ChangeStarted(
        case=case.id,
        number=command.number,
        effect=command.effect,
        executor=command.executor,
        before=command.before,
    )
    if isinstance(case, Contained):
        _take_back(case, command.number)
        return (started,)
    if not isinstance(case, Released) or type(case) not in (Released, Executing):
        _wrong_state(case, command)
    if at >= case.until:
        raise Refused("The release is over.", "Release it again.", ("expired",))
    if yields_credential(case) and case.jwk is None:
        raise Refused("Nobody has opened the hand-over yet.", "Have the person open it.", ("no_hand_over_key",))
    _stands(case, account, at)
    _next(case.progress, command.number, len(case.changes))
    return (started,)


def _take_back(case: Contained, number: int) -> None:
    """What a containment takes back goes on past a refusal: each change stands alone, and may be tried until done."""
    mine = next((p for p in case.progress if p.number == number), None)
    if mine is not None and mine.outcome != "not_done":
        raise Refused("This change was started already.", "Read back what became of it.", ("one_use",))
    first = len(case.changes)
    if mine is None and (number != first + len(case.progress) or len(case.progress) == len(case.taken_back)):
        raise Refused("This is not the next change of the case.", "Changes are done in order.", ("order",))


def _next(progress: tuple[Progress, ...], number: int, count: int) -> None:
    """A change is started once, in order, after the one before is done; again only when read back as not done."""
    mine = next((p for p in progress if p.number == number), None)
    if mine is not None and mine.outcome == "not_done":
        return
    if mine is not None:
        raise Refused("This change was started already.", "Read back what became of it.", ("one_use",))
    if number != len(progress) or number >= count or any(p.outcome != "done" for p in progress):
        raise Refused("This is not the next change of the case.", "Changes are done in order.", ("order",))


def _end(case: Case, command: do.End, at: datetime) -> tuple[Event, ...]:
    progress = progress_of(case)
    running = next((p for p in progress if p.number == command.number), None)
    if running is None or running.outcome is not None:
        raise Refused("No such change is on its way.", "Read the case again.", ("order",))
    ended = past.ChangeEnded(case=case.id, number=command.number, outcome=command.outcome)
    own = command.number < len(case.changes)
    if not own or command.outcome != "done" or any(p.outcome == "done" for p in progress):
        return (ended,)
    # A recovery counts from its first change: what comes after may fail, or never be handed over.
    events: list[Event] = [ended, _completed(case)]
    if case.requirement.after.review_s and case.review_due is None:
        due = at + timedelta(seconds=case.requirement.after.review_s)
        events.append(past.ReviewOwed(case=case.id, due=due, why=case.requirement.cell))
    return tuple(events)


def _completed(case: Case) -> RecoveryCompleted:
    return RecoveryCompleted(
        account=case.account, case=case.id, action=case.action, probation_s=case.requirement.after.probation_s
    )


def _hand_over(case: Case, command: do.HandOver, at: datetime) -> tuple[Event, ...]:
    checked = _in(case, command, Checked)
    if any(p.ended is None or at > p.ended + ENVELOPE for p in checked.progress):
        raise Refused("The sealed credential is over.", "Open a new case; this one's change counts.", ("expired",))
    if case.reproved is None or at - case.reproved > FRESH:
        raise Refused(
            "One method has to be proven again before anything is handed over.",
            "Prove it on this page.",
            ("not_reproved",),
        )
    return (past.HandedOver(case=case.id),)


def _escalate(case: Case, command: do.Escalate) -> tuple[Event, ...]:
    _in(case, command, Verifying, AwaitingApproval, Holding, Releasable)
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
    _in(case, command, *REVIEWABLE)
    if command.by in participants(case):
        raise Refused(
            "You took a step in this case, or it is about you.", "Somebody else has to review it.", ("same_person",)
        )
    return (past.ReviewDone(case=case.id, by=command.by, sound=command.sound),)


def _contain(case: Case, command: do.Contain) -> tuple[Event, ...]:
    if isinstance(case, Contained):
        raise Refused("This case is contained already.", "Follow its changes to their end.", ("wrong_state",))
    changes = (Suspend(account=case.account), RevokeSessions(account=case.account))
    return (past.CaseContained(case=case.id, by=command.by, changes=changes),)


def _break_glass(case: Case, account: Account, command: do.BreakGlass, at: datetime) -> tuple[Event, ...]:
    _in(case, command, Verifying, AwaitingApproval, Holding)
    if case.ticket is None:
        _no_ticket()
    if case.broke_glass is not None:
        raise Refused("The glass is broken already.", "A second custodian has to agree.", ("glass_broken",))
    _stands(case, account, at)
    not_after = at + timedelta(seconds=command.expires_s)
    with_rule = replaced(case, requirement=command.requirement)
    request = _request(with_rule, command.log, command.nonce, tuple(e.leaf for e in case.evidence), not_after)
    invoked = past.BreakGlassInvoked(
        case=case.id, by=command.by, requirement=command.requirement, request=request.encode(), not_after=not_after
    )
    owed = past.ReviewOwed(case=case.id, due=at + timedelta(seconds=command.review_s), why="break_glass")
    return (invoked, owed)
