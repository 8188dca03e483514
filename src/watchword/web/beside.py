"""What else is asked for about one account: the cases that whoever looks may read, newest first."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.app import App
from watchword.core.action import Step
from watchword.core.case import TERMINAL, Case, state_of
from watchword.core.gates import WEEK
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.desk.steps import Loaded
from watchword.reception import wording
from watchword.web.frame import name_of
from watchword.web.view import Fact, Notice

SHOWN = 5
"""Cases a notice lists at most; what is left out is counted."""


def beside(
    app: App,
    actor: PersonId,
    at: datetime,
    *,
    account: AccountId,
    subject: PersonId | None,
    but: CaseId | None = None,
) -> tuple[Case, ...]:
    """Cases about *account*, or about any of *subject*'s: those that run, and those opened within a week."""
    app.follow()
    found = (
        row.case
        for row in app.steps.cases.rows()
        if row.case.id != but
        and (row.case.account == account or (subject is not None and row.case.subject == subject))
        and (not isinstance(row.case, TERMINAL) or at - row.case.opened_at < WEEK)
    )
    return tuple(case for case in found if _readable(app, actor, case, at))


def _readable(app: App, actor: PersonId, case: Case, at: datetime) -> bool:
    loaded = Loaded(case=case, account=app.registry.account(case.account), version=-1, account_version=-1)
    return app.desk.steps.may(actor, Step.READ, loaded, at)


def said_beside(app: App, cases: tuple[Case, ...], at: datetime, *, other: bool = True) -> Notice | None:
    """What to know about them before going on; None where there are none. *other*: than the one that is looked at."""
    if not cases:
        return None
    running = sum(not isinstance(case, TERMINAL) for case in cases)
    many = f"{wording.counted(len(cases)).capitalize()} {'other ' * other}case{'s' * (len(cases) > 1)}"
    left_out = (f"{len(cases) - SHOWN} more.",) if len(cases) > SHOWN else ()
    return Notice(
        title=f"{many} about this person{'' if other else ' already'}",
        text=f"{wording.counted(running).capitalize()} of them still open. Somebody who is turned away calls again."
        if len(cases) > 1
        else ("It is still open." if running else "It was opened within a week, and is over."),
        tone="warn" if running else "plain",
        facts=tuple(_line(app, case, at) for case in cases[:SHOWN]),
        lines=left_out,
    )


def _line(app: App, case: Case, at: datetime) -> Fact:
    ago = max(at - case.opened_at, timedelta(0))
    return Fact(
        label=f"{wording.span(ago)} ago",
        value=f"{wording.ACTIONS[case.action][0]}: {state_of(case)}",
        note=f"taken in by {name_of(app, case.opener)}",
        link=f"/cases/{case.id}",
    )
