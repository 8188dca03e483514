"""Whose step a case waits for: which are due, and, said to whoever can take none, why not and who can."""

from __future__ import annotations

import re
from datetime import datetime

from watchword.app import App
from watchword.core.action import Step
from watchword.core.case import (
    TERMINAL,
    AwaitingApproval,
    Case,
    Delivered,
    Failed,
    Holding,
    Paused,
    Releasable,
    Verifying,
)
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.objection import stops_care
from watchword.desk.steps import Loaded
from watchword.reception.wording import plain
from watchword.web.forms import closable

DONE = {
    "opener": "You took the request in",
    "verifier": "You verified the person",
    "approver": "You approved it",
    "releaser": "You released it",
    "executor": "You executed it",
}
"""What keeps somebody from a step, by the name a rule of separation has for it."""

TAKES = {
    Step.VERIFY: "verifies the person",
    Step.APPROVE: "approves",
    Step.RELEASE: "releases it",
    Step.LIFT_PAUSE: "lets it go on",
    Step.CLOSE: "closes it",
    Step.REVIEW: "reviews it",
}
"""What the one does who takes a step that a case can wait for."""

_SEPARATE = re.compile(r"sod-(\w+)-\w+")


def due_steps(case: Case, at: datetime) -> tuple[Step, ...]:
    """The steps that a case waits for people to take."""
    owed = (Step.REVIEW,) if owes_review(case) and isinstance(case, (*TERMINAL, Failed, Delivered)) else ()
    if stops_care(case):
        return (Step.LIFT_PAUSE, *((Step.CLOSE,) if closable(case) else ()), *owed)
    match case:
        case Verifying():
            return (Step.VERIFY,)
        case AwaitingApproval():
            return (Step.APPROVE, Step.VERIFY) if is_asked(case) else (Step.APPROVE,)
        case Paused():
            return (Step.LIFT_PAUSE,)
        case Holding() if case.until <= at:
            return (Step.RELEASE,)
        case Releasable():
            return (Step.RELEASE,)
    return (Step.CLOSE, *owed) if closable(case) else owed


def is_asked(case: Case) -> bool:
    """Whether an approver asked what the desk has not answered."""
    return any(one.answered_by is None for one in case.questions)


def owes_review(case: Case) -> bool:
    """Whether a review of it is still to come."""
    return case.review_due is not None and case.reviewer is None


def not_yours(app: App, actor: PersonId, loaded: Loaded, at: datetime) -> str:
    """Why *actor* can take no step that is due and who takes the first; empty where they can, or none is due."""
    steps, due = app.desk.steps, due_steps(loaded.case, at)
    if not due or any(steps.may(actor, step, loaded, at) for step in due):
        return ""
    step, *_ = due
    try:
        reasons = steps.rule_on(actor, step, loaded, at).reasons
    except Refused:
        return ""
    does = TAKES[step]
    if step is not Step.APPROVE:  # the seats that are still empty are said already
        does += f" ({' or '.join(plain(role) for role in steps.policy.people.permitted[step])})"
    elif any(v.person == actor for v in loaded.case.votes) or any(one.startswith("role ") for one in reasons):
        return ""
    if separate := next((found for one in reasons if (found := _SEPARATE.fullmatch(one))), None):
        return f"{DONE.get(separate[1], 'You took another step')}, so somebody else {does}."
    if "subject-never-acts" in reasons:
        return f"It is about you, so somebody else {does}."
    if not reasons or any(one.startswith("role ") for one in reasons):
        return f"Not yours to take: somebody else {does}."
    return f"Not yours to take: {', '.join(plain(one.replace('-', ' ')) for one in reasons)}."
