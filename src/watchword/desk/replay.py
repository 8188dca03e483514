"""The cases of the last days against a draft policy: what it would have asked more or less, and whom it would refuse.

Reads what the ledger holds and writes nothing. Of each case stand its class, action and context as they were when it
was opened, how often its account had been recovered by then, and who took which step: all of it is put to the draft.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.case import Case, state_of
from watchword.core.errors import Invalid, Refused
from watchword.core.facts import facts_of
from watchword.core.fold import evolve
from watchword.core.ids import AccountId, CaseId, PersonId, Seq
from watchword.core.person import RECOVERED
from watchword.core.requirement import Requirement
from watchword.core.ruling import CaseFacts
from watchword.core.standing import Account
from watchword.desk.recording import recorded
from watchword.desk.registry import Registry
from watchword.ledger.append import Appended
from watchword.policy.bundle import Policy
from watchword.policy.minutes import Effort, effort


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One case: what was *asked* of it, and what the *draft* would ask, None where it would refuse to open it.

    *refused* says why it would not be opened, *stopped* which of the steps that were taken somebody would be refused.
    """

    case: CaseId
    account_class: AccountClass
    action: Action
    opened_at: datetime
    state: str
    asked: Effort
    draft: Effort | None
    refused: str = ""
    stopped: tuple[str, ...] = ()


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Of some cases: how many, and by the draft how many more (or, below 0, fewer) of each than were asked.

    *refused* are cases it would not open, which count in no difference; *stopped* those that somebody would have had to
    be replaced in.
    """

    cases: int = 0
    refused: int = 0
    stopped: int = 0
    verifications: int = 0
    approvals: int = 0
    work_minutes: int = 0
    hold_minutes: int = 0


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one class and action."""

    account_class: AccountClass
    action: Action
    sums: Sums


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was replayed from *since* on against the policy with digest *draft*."""

    draft: str
    since: datetime
    cases: tuple[Replayed, ...]
    total: Sums
    groups: tuple[Group, ...]


def replay(registry: Registry, draft: Policy, since: datetime) -> Replay:
    """Play every case that was opened from *since* on against *draft*, in the order they were opened."""
    cases = tuple(_replayed(registry, draft, stream) for stream in _opened(registry, since))
    cells = dict.fromkeys((one.account_class, one.action) for one in cases)
    groups = tuple(
        Group(account_class=c, action=a, sums=_sums(tuple(o for o in cases if (o.account_class, o.action) == (c, a))))
        for c, a in sorted(cells, key=lambda cell: (cell[0].rank, list(Action).index(cell[1])))
    )
    return Replay(draft=draft.digest, since=since, cases=cases, total=_sums(cases), groups=groups)


def _opened(registry: Registry, since: datetime) -> Iterator[str]:
    for appended in registry.ledger.entries(0):
        if appended.entry.type == "case.opened" and appended.entry.at >= since:
            yield appended.entry.stream


def _replayed(registry: Registry, draft: Policy, stream: str) -> Replayed:
    entries = registry.ledger.read(stream)
    first = recorded(entries[0]).event
    assert isinstance(first, past.CaseOpened)
    account = registry.account(first.account, before=entries[0].seq)
    required, refused = _required(draft, first, account, entries[0].entry.at)
    case: Case | None = None
    stopped: dict[str, None] = {}
    for appended in entries:
        if required is not None:
            for who, step in _steps(recorded(appended).event):
                told = _ruled(registry, draft, case or first, required, who, step, appended)
                if told:
                    stopped.setdefault(told)
        case = evolve(case, recorded(appended))
    assert case is not None
    proved = {e.method for e in case.evidence}
    return Replayed(
        case=case.id,
        account_class=first.account_class,
        action=first.action,
        opened_at=case.opened_at,
        state=state_of(case),
        asked=effort(first.requirement, proved),
        draft=effort(required, proved) if required is not None else None,
        refused=refused,
        stopped=tuple(stopped),
    )


def _required(draft: Policy, opened: past.CaseOpened, account: Account, at: datetime) -> tuple[Requirement | None, str]:
    """What the draft asks of a case as it came in, or None and why it would not be opened."""
    recoveries = account.recoveries_within(draft.procedures.repeat.window, at)
    try:
        asked = draft.procedures.require(
            opened.account_class, opened.action, opened.context, completed_recoveries_7d=recoveries
        )
    except (Refused, Invalid) as error:
        return None, error.what
    if not effort(asked).methods:
        return None, "No set of methods satisfies what the draft asks here."
    return asked, ""


def _steps(event: past.CaseEvent) -> Iterator[tuple[PersonId, Step]]:
    """Who took which step by this event; what the program itself does is nobody's step."""
    match event:
        case past.CaseOpened():
            yield event.opener, Step.OPEN
        case past.TicketLinked():
            yield event.by, Step.LINK_TICKET
        case past.ChallengeBegun(purpose="verify"):
            yield event.by, Step.VERIFY
        case past.ApprovalGiven():
            yield event.person, Step.APPROVE
        case past.ApprovalRefused():
            yield event.person, Step.REFUSE
        case past.CaseReleased():
            yield event.by, Step.RELEASE
        case past.CaseEscalated():
            yield event.by, Step.ESCALATE
        case past.CaseWithdrawn():
            yield event.by, Step.WITHDRAW
        case past.Objected() if event.channel not in {"page", "prompt"}:
            yield event.by, Step.OBJECT
        case past.PauseLifted():
            yield event.by, Step.LIFT_PAUSE
        case past.BreakGlassInvoked():
            yield event.by, Step.BREAK_GLASS
        case past.ReviewDone():
            yield event.by, Step.REVIEW
        case _:
            return


def _ruled(
    registry: Registry,
    draft: Policy,
    case: Case | past.CaseOpened,
    required: Requirement,
    who: PersonId,
    step: Step,
    appended: Appended,
) -> str:
    """Why the draft would have refused *who* this step, in words; empty where it would not."""
    at, before = appended.entry.at, appended.seq
    person = registry.person(who, before=before)
    account = registry.account(case.account, before=before)
    if isinstance(case, past.CaseOpened):
        facts = CaseFacts(
            case=None,
            unit=case.unit,
            account_class=case.account_class,
            action=case.action,
            subject=case.subject,
            opener=case.opener,
            relations=account.relations(who, at),
        )
    else:
        lately = any(_recovered(registry, owned, before, at) for owned in person.accounts)
        facts = facts_of(case, account, who, at, recovered=lately)
        facts = msgspec.structs.replace(facts, separate=tuple(dict.fromkeys((*required.separate, *_kept(case)))))
    ruling = draft.people.rule(person, step, facts, at)
    if ruling.allowed and not ruling.errors:
        return ""
    return f"{step}: {', '.join(ruling.errors or ruling.reasons)}"


def _kept(case: Case) -> tuple[tuple[str, str], ...]:
    """The pairs a case that broke the glass is under, whatever the draft asks of the plain cell."""
    return case.requirement.separate if case.broke_glass is not None else ()


def _recovered(registry: Registry, account: AccountId, before: Seq, at: datetime) -> bool:
    try:
        return bool(registry.account(account, before=before).recoveries_within(RECOVERED, at))
    except Invalid:  # linked, and not seen yet at that time
        return False


def _sums(cases: tuple[Replayed, ...]) -> Sums:
    both = [(one.asked, one.draft) for one in cases if one.draft is not None]
    return Sums(
        cases=len(cases),
        refused=sum(1 for one in cases if one.draft is None),
        stopped=sum(1 for one in cases if one.stopped),
        verifications=sum(draft.verifications - asked.verifications for asked, draft in both),
        approvals=sum(draft.approvals - asked.approvals for asked, draft in both),
        work_minutes=sum(draft.work_minutes - asked.work_minutes for asked, draft in both),
        hold_minutes=sum(draft.hold_minutes - asked.hold_minutes for asked, draft in both),
    )
