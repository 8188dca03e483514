"""Who could still sit in the open seats of an approval, counted and never named; and which seat nobody can fill."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.action import Step
from watchword.core.case import AwaitingApproval
from watchword.core.quorum import Pending, Seat, resolve
from watchword.desk.steps import Loaded
from watchword.reception import wording
from watchword.web.view import Fact


def open_seats(app: App, loaded: Loaded, at: datetime) -> tuple[Fact, ...]:
    """Each open seat of a case that waits for approval, with how many people are free to take it."""
    case = loaded.case
    rule = case.requirement.approve
    outcome = resolve(rule, case.votes, at) if rule and isinstance(case, AwaitingApproval) else None
    if not isinstance(outcome, Pending):
        return ()
    free = _free(app, loaded, at)
    found = [_seat(seat, sum(1 for roles in free if set(seat.roles) & roles)) for seat in outcome.seats]
    lacking = (Fact(label="Still missing", value=wording.LACKS[each], tone="warn") for each in outcome.lacks)
    return (*found, *lacking)


def _free(app: App, loaded: Loaded, at: datetime) -> list[set[str]]:
    """What everybody who has not voted and whom policy lets approve could sit there as."""
    voted = {v.person for v in loaded.case.votes} | {loaded.case.broke_glass}
    return [
        set(app.desk.decisions.seats(person, loaded, at))
        for person in app.names.people()
        if person not in voted and app.desk.steps.may(person, Step.APPROVE, loaded, at)
    ]


def _seat(seat: Seat, count: int) -> Fact:
    if not count:
        note = "nobody can take it: give somebody the role, or withdraw the case"
        return Fact(label="Open seat", value=wording.seat(seat), note=note, tone="bad")
    note = f"{wording.counted(count)} could take it" if count > 1 else "one person could take it"
    return Fact(label="Open seat", value=wording.seat(seat), note=note, tone="warn")
