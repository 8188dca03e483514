"""Whether a case's history is one that the invariants allow, read off its entries alone.

Knows ARCHITECTURE's invariants and the entries, and nothing of `decide`, `evolve` or a case's states.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.core import event as past
from watchword.core.change import Change, SetContact
from watchword.core.ids import LeafHash, PersonId
from watchword.core.request import parse

ASKED = past.ApprovalAsked | past.BreakGlassInvoked
ENDS = (past.CaseClosed, past.CaseWithdrawn, past.CaseExpired, past.CaseFrozen, past.ApprovalRefused)


STANDS_STILL = (
    past.ApprovalAsked,
    past.ApprovalGiven,
    past.BreakGlassInvoked,
    past.CaseReleased,
    past.HandOverOpened,
    past.HoldElapsed,
    past.ChangeStarted,
    past.Validated,
    past.HandedOver,
)
"""What never happens while somebody's objection stands."""


def _paused(before: tuple[past.Recorded, ...]) -> bool:
    """Whether somebody objected, and nobody let it go on or took back what it gave since."""
    ended = (past.PauseLifted, past.CaseContained)
    last = next((b.event for b in reversed(before) if isinstance(b.event, (past.Objected, *ended))), None)
    return isinstance(last, past.Objected)


def lawful(history: tuple[past.Recorded, ...]) -> None:
    """Assert of every entry that those before it allow it."""
    for i, recorded in enumerate(history):
        _entry(recorded, history[:i])


def _entry(recorded: past.Recorded, before: tuple[past.Recorded, ...]) -> None:
    if _paused(before):
        assert not isinstance(recorded.event, STANDS_STILL)
    match recorded.event:
        case past.ContactEntered():
            moved = past.ApprovalAsked | past.CaseEscalated | past.BreakGlassInvoked
            assert not isinstance(next((b.event for b in reversed(before) if isinstance(b.event, moved)), None), ASKED)
        case past.BreakGlassInvoked():
            opened = before[0].event
            assert isinstance(opened, past.CaseOpened)
            assert parse(recorded.event.request).changes == _changes(opened, before)
        case past.ApprovalAsked():
            _asked(recorded.event, recorded.at, before)
        case past.CaseReleased():
            _released(recorded.event, recorded.at, before)
        case past.ChangeStarted():
            _started(recorded.event, recorded.at, before)
        case past.HandedOver():
            _handed_over(recorded.at, before)
        case past.CaseExpired():
            assert recorded.at - before[0].at >= timedelta(days=2)
        case past.ReviewDone():
            assert any(isinstance(b.event, past.ReviewOwed) for b in before)
            assert recorded.event.by not in _named(before)


def _asked(asked: past.ApprovalAsked, at: datetime, before: tuple[past.Recorded, ...]) -> None:
    """What verification cites was proven in this case within the last quarter of an hour."""
    proved = {b.leaf: b.at for b in before if isinstance(b.event, past.MethodProved) and b.event.purpose == "verify"}
    assert all(at - proved[leaf] <= timedelta(minutes=15) for leaf in asked.leaves)
    assert any(isinstance(b.event, past.TicketLinked) for b in before)
    # a proof speaks for the contact point that was there when it was given, and for no other
    opened = before[0].event
    assert isinstance(opened, past.CaseOpened)
    entries = [i for i, b in enumerate(before) if isinstance(b.event, past.ContactEntered)]
    assert bool(entries) == any(isinstance(c, SetContact) for c in opened.changes)
    earlier = {b.leaf for b in before[: entries[-1]]} if entries else set()
    assert not earlier & set(asked.leaves)
    assert parse(asked.request).changes == _changes(opened, before)


def _changes(opened: past.CaseOpened, before: tuple[past.Recorded, ...]) -> tuple[Change, ...]:
    """What was asked for when the case was opened, with the contact point that was entered last."""
    last = [b.event.commitment for b in before if isinstance(b.event, past.ContactEntered)][-1:]
    return tuple(
        SetContact(account=c.account, contact=c.contact, commitment=last[0]) if isinstance(c, SetContact) else c
        for c in opened.changes
    )


def _released(released: past.CaseReleased, at: datetime, before: tuple[past.Recorded, ...]) -> None:
    """The bytes are those last asked for; every seat's yes is to them and of another person; the hold is over."""
    opened = before[0].event
    assert isinstance(opened, past.CaseOpened)
    asks = [b for b in before if isinstance(b.event, past.ApprovalAsked | past.BreakGlassInvoked)]
    asked = asks[-1].event
    assert isinstance(asked, past.ApprovalAsked | past.BreakGlassInvoked)
    assert released.request == asked.request
    assert parse(released.request).changes == _changes(opened, before)
    assert at <= asked.not_after

    requirement = opened.requirement
    for b in before:
        if isinstance(b.event, past.CaseEscalated | past.BreakGlassInvoked):
            requirement = b.event.requirement
    given = {b.leaf: b.event for b in before if isinstance(b.event, past.ApprovalGiven)}
    yeses: list[past.ApprovalGiven] = [given[LeafHash(leaf)] for leaf in released.approvals]
    assert all(yes.request == released.request for yes in yeses)
    assert (
        len({yes.person for yes in yeses})
        == len(yeses)
        == (len(requirement.approve.seats) if requirement.approve else 0)
    )
    settled = max(asks[-1].at, *(b.at for b in before if b.event in yeses), asks[-1].at)
    told = [b.at for b in before if isinstance(b.event, past.HoldTold) and b.event.channels and b.at >= settled]
    assert not requirement.hold_s or at >= min(told) + timedelta(seconds=requirement.hold_s)

    hands = _hands(before)
    hands["release"] = {released.by}
    steps = list(hands.values())
    assert all(not (one & other) for i, one in enumerate(steps) for other in steps[i + 1 :])
    assert opened.subject not in {p for who in steps for p in who}


def _started(started: past.ChangeStarted, at: datetime, before: tuple[past.Recorded, ...]) -> None:
    """Released and in time, in order, once; after a containment only what it takes back."""
    opened = before[0].event
    assert isinstance(opened, past.CaseOpened)
    outcomes: dict[int, past.Outcome | None] = {}
    for b in before:
        if isinstance(b.event, past.ChangeStarted):
            outcomes[b.event.number] = None
        elif isinstance(b.event, past.ChangeEnded) and b.event.outcome != "unknown":
            outcomes[b.event.number] = b.event.outcome
    assert outcomes.get(started.number, "not_done") == "not_done"
    contained = next((b.event for b in before if isinstance(b.event, past.CaseContained)), None)
    if contained is not None:
        assert 0 <= started.number - len(opened.changes) < len(contained.changes)
        return
    assert not any(isinstance(b.event, ENDS) for b in before)
    releases = [b.event for b in before if isinstance(b.event, past.CaseReleased)]
    assert at < releases[-1].until
    assert started.number < len(opened.changes)
    assert all(outcomes.get(n) == "done" for n in range(started.number))
    assert any(isinstance(b.event, past.HandOverOpened) for b in before) or not any(
        c.yields_credential for c in opened.changes
    )


def _handed_over(at: datetime, before: tuple[past.Recorded, ...]) -> None:
    """Once, after a sound read-back and a fresh enforced re-proof, and never from a case that ended."""
    assert not any(isinstance(b.event, (past.HandedOver, past.CaseContained, *ENDS)) for b in before)
    assert any(isinstance(b.event, past.Validated) and b.event.sound for b in before)
    assert any(
        isinstance(b.event, past.MethodProved) and b.event.purpose == "hand_over" and at - b.at <= timedelta(minutes=15)
        for b in before
    )


def _hands(before: tuple[past.Recorded, ...]) -> dict[str, set[PersonId]]:
    """Who took which of the steps that are kept apart."""
    hands: dict[str, set[PersonId]] = {"open": set(), "verify": set(), "approve": set(), "execute": set()}
    for event in (b.event for b in before):
        match event:
            case past.CaseOpened():
                hands["open"].add(event.opener)
            case past.MethodProved(purpose="verify"):
                hands["verify"].add(event.by)
            case past.ApprovalGiven():
                hands["approve"].add(event.person)
            case past.ChangeStarted():
                hands["execute"].add(event.executor)
    return hands


def _named(before: tuple[past.Recorded, ...]) -> set[PersonId]:
    """Everybody whom any entry names as having done something."""
    fields = ("by", "opener", "person", "prover", "executor", "answered_by", "subject")
    return {getattr(b.event, name) for b in before for name in fields if getattr(b.event, name, None)}
