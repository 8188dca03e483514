"""The executor's own judgement: whether the recorded evidence allows a change, read from the approved bytes alone.

Nothing here trusts a read model or an earlier decision: every check is made again over the case's entries. Raises
`Refused` naming the check that failed; returns what may be done and what was checked.
"""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

import msgspec

from watchword.core import event as past
from watchword.core.approval import is_signed
from watchword.core.case import Case, Contained, Executing, Holding, Released, hold_of, people_of, state_of
from watchword.core.change import Change, contact_of
from watchword.core.errors import Corrupt, Refused
from watchword.core.fold import fold
from watchword.core.ids import AccountId, LeafHash, PersonId
from watchword.core.quorum import Approved, resolve
from watchword.core.request import Request, parse
from watchword.core.requirement import Satisfied, assess


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done: exactly *changes* to *account*; *evidence* are the leaves that carry it; *checks* what held.

    *request* is what was released; None where the entry that contained the case is all there is.
    """

    account: AccountId
    changes: tuple[Change, ...]
    evidence: tuple[LeafHash, ...]
    checks: tuple[str, ...]
    request: Request | None = None


def clear(history: tuple[past.Recorded, ...], at: datetime, executor: PersonId | None = None) -> Cleared:
    """Judge one case at *at* from its recorded *history* alone; *executor* is who is about to change something."""
    case = fold(history)
    if isinstance(case, Contained):
        return _contained(case)
    # (1) released, and the grant still runs
    if not isinstance(case, Released) or type(case) not in (Released, Executing):
        _no("released", f"the case is {state_of(case)}")
    if at >= case.until:
        _no("in time", "the executor's grant is over")
    # (2) every approver signed the very bytes that were released
    released = [r.event for r in history if isinstance(r.event, past.CaseReleased)][-1]
    given = {r.leaf: r.event for r in history if isinstance(r.event, past.ApprovalGiven)}
    request = parse(released.request)
    if any(leaf not in given or given[leaf].request != released.request for leaf in released.approvals):
        _no("same bytes", "an approval is of other bytes")
    # (3) they name this case as it was opened, and the contact point as the person entered it last
    opened = history[0].event
    assert isinstance(opened, past.CaseOpened)
    _same_case(request, opened, case)
    # (4) the evidence they cite is of this case, not from before that entry, and holds under the case's own requirement
    _evidence(case, request, history)
    # (5) the policy they were made under is the case's
    if request.policy != case.requirement.policy:
        _no("policy", "they were made under another policy")
    # (6) the seats are filled, at the release and now
    _quorum(case, released, at)
    # (7) each yes is a signature, where the requirement asks for one; what it signs is for the desk to check
    rule = case.requirement.approve
    if rule is not None and rule.signed and any(not is_signed(given[leaf].proof) for leaf in released.approvals):
        _no("signed", "an approval carries no signature")
    # (8) the hold was waited out before the release, by somebody who was told of it
    _hold(case, history)
    # (9) nobody took two steps that this procedure keeps apart
    _separation(case, executor)
    # (10) they are not over
    if at > request.not_after:
        _no("expiry", "the approval is over")
    decided = ("released", "same bytes", "same case", "evidence", "policy", "quorum", "signed")
    return Cleared(
        account=request.account,
        changes=request.changes,
        evidence=request.evidence,
        checks=(*decided, "hold", "separation", "expiry"),
        request=request,
    )


def _no(check: str, why: str) -> NoReturn:
    raise Refused(
        f"The executor's check failed ({check}): {why}.",
        "Open a new case; if nobody expects this, tell security.",
        (f"clearance:{check.replace(' ', '_')}",),
    )


def _contained(case: Contained) -> Cleared:
    """What takes access away needs no more than the entry that asked for it."""
    return Cleared(account=case.account, changes=case.taken_back, evidence=(), checks=("contained",))


def _same_case(request: Request, opened: past.CaseOpened, case: Case) -> None:
    told = (request.case, request.account, request.account_class, request.action, request.changes, request.context)
    held = (opened.case, opened.account, opened.account_class, opened.action, case.changes, opened.context)
    if told != held:
        _no("same case", "account, action, parameters or context differ from the case")
    contact = contact_of(request.changes)
    if contact is not None and not contact.commitment:
        _no("entered", "nobody entered the new contact point")


def _evidence(case: Released, request: Request, history: tuple[past.Recorded, ...]) -> None:
    proved = {e.leaf: e for e in case.evidence}
    if request.ticket is None or request.ticket != case.ticket:
        _no("evidence", "the ticket is not the case's")
    if any(leaf not in proved for leaf in request.evidence):
        _no("evidence", "a verification it cites is not of this case")
    if case.broke_glass:
        return
    asked = [r for r in history if isinstance(r.event, past.ApprovalAsked)][-1]
    if not isinstance(assess(case.requirement, tuple(proved[leaf] for leaf in request.evidence), asked.at), Satisfied):
        _no("evidence", "the verifications do not meet the requirement")


def _quorum(case: Released, released: past.CaseReleased, at: datetime) -> None:
    if case.requirement.approve is None:
        if released.approvals:
            raise Corrupt("A release cites approvals nobody asked for.", "Run `watchword ledger fsck`.")
        return
    outcome = resolve(case.requirement.approve, case.votes, at)
    if not isinstance(outcome, Approved) or not set(released.approvals) >= set(outcome.leaves):
        _no("quorum", "a seat is empty or an approval is over")


def _hold(case: Released, history: tuple[past.Recorded, ...]) -> None:
    if not (hold := hold_of(case)):
        return
    settling = past.ApprovalAsked | past.ApprovalGiven | past.BreakGlassInvoked | past.HoldRestarted
    settled = max(
        r.at for i, r in enumerate(history, 1) if isinstance(r.event, settling) or _waits_anew(r, history[:i])
    )
    released = max(r.at for r in history if isinstance(r.event, past.CaseReleased))
    said = (r for r in history if isinstance(r.event, past.HoldTold) and r.event.channels)
    told = min((r.at for r in said if r.at >= settled), default=None)
    if told is None:
        _no("hold", "nobody was told that it waits")
    if released < told + hold:
        _no("hold", "it was released before the waiting time was over")


def _waits_anew(said: past.Recorded, until_then: tuple[past.Recorded, ...]) -> bool:
    """Whether a hold began anew, because somebody had objected while it ran."""
    return isinstance(said.event, past.PauseLifted) and isinstance(fold(until_then), Holding)


def _separation(case: Released, executor: PersonId | None) -> None:
    people = people_of(case)
    if executor is not None:
        people["execute"] |= {executor}
    for one, other in case.requirement.separate:
        if not {one, other} <= people.keys():
            _no("separation", f"nobody knows who did {one} and {other}")
        if people[one] & people[other]:
            _no("separation", f"one person did both {one} and {other}")
    if case.subject is not None and any(case.subject in who for who in people.values()):
        _no("separation", "the subject took a step of their own case")
