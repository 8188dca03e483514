"""The eight stages of a case: which one a state is in, which one an entry stands in, and how loudly each is said."""

from __future__ import annotations

from watchword.core.case import (
    TERMINAL,
    AwaitingApproval,
    Case,
    Checked,
    Closed,
    Delivered,
    Executed,
    Failed,
    Holding,
    Paused,
    Releasable,
    Released,
    Verifying,
)
from watchword.web import view

STAGES = ("intake", "verify", "approve", "hold", "execute", "validate", "hand-over", "close")
TITLES = ("Intake", "Verify", "Approve", "Hold", "Execute", "Validate", "Hand over", "Close")

STAGE_OF = {
    "case.opened": 0,
    "caller.seen": 0,
    "desk_browser.refused": 1,
    "ticket.linked": 0,
    "approval.given": 2,
    "approval.refused": 2,
    "question.asked": 2,
    "question.answered": 2,
    "hold.elapsed": 3,
    "case.released": 4,
    "change.started": 4,
    "change.ended": 4,
    "execution.refused": 4,
    "case.validated": 5,
    "hand_over.opened": 6,
    "hand_over.spoken": 6,
    "hand_over.missed": 6,
    "hand_over.completed": 6,
    "case.closed": 7,
    "case.withdrawn": 7,
    "case.expired": 7,
    "case.frozen": 7,
    "case.contained": 7,
    "protection.taken": 7,
    "hold.told": 3,
    "hold.restarted": 3,
    "care.confirmed": 6,
    "care.missed": 7,
    "approvers.told": 2,
    "case.objected": 7,
    "pause.lifted": 7,
    "review.owed": 7,
    "review.overdue": 7,
    "review.done": 7,
}
"""Which stage an entry stands in; every other one belongs to verification, or to the hand-over by its purpose."""

WARN = frozenset({"challenge.missed", "case.escalated", "break_glass.invoked", "review.owed", "hand_over.opened"})
BAD = frozenset(
    {
        "desk_browser.refused",
        "method.failed",
        "approval.refused",
        "execution.refused",
        "case.frozen",
        "case.contained",
        "case.objected",
        "hand_over.missed",
        "care.missed",
        "review.overdue",
    }
)

_TONES: dict[type[Case], view.Tone] = {
    AwaitingApproval: "warn",
    Holding: "warn",
    Failed: "bad",
    Paused: "bad",
    Closed: "good",
}


def stage_of(case: Case) -> int:
    """The stage a state is in, from 0; 8 when all of them are over."""
    match case:
        case Paused():
            return stage_of(case.resumes)
        case Verifying():
            return 1
        case AwaitingApproval():
            return 2
        case Holding():
            return 3
        case Closed():
            return 8
        case Delivered():
            return 7
        case Checked():
            return 6
        case Executed():
            return 5
        case Failed() | Released() | Releasable():
            return 4
    return 8


def tone_of(case: Case) -> view.Tone:
    """How loudly a state is said."""
    return _TONES.get(type(case), "bad" if isinstance(case, TERMINAL) else "plain")
