"""The two lists a desk lives in: cases, and identity events by verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from watchword.app import App
from watchword.core.action import Step
from watchword.core.case import (
    TERMINAL,
    AwaitingApproval,
    Case,
    Holding,
    Paused,
    Releasable,
    Verifying,
    state_of,
)
from watchword.core.ids import AccountId, PersonId
from watchword.core.objection import stops_care
from watchword.core.standing import Account
from watchword.desk.followers import CaseRow
from watchword.desk.steps import Loaded
from watchword.reception import wording
from watchword.reception.cases import listed, ticket_of
from watchword.web import view
from watchword.web.forms import closable
from watchword.web.frame import account_of, chrome, name_of
from watchword.web.letters import folded
from watchword.web.paging import SHOWN, address, paged
from watchword.web.stages import stage_of, tone_of
from watchword.web.whose import due_steps, is_asked, owes_review

Standing = Callable[[AccountId], Account]
"""How accounts stand, each read once for a page."""

AFTER_OBJECTION = "somebody on duty, after a “not me”"

TICKETS = 1000
"""How many tickets a search opens at most."""


def cases_page(
    app: App, actor: PersonId, csrf: str, at: datetime, tab: str, query: str = "", page: int = 1
) -> view.CasesPage:
    """A page of the case list, cut by *tab*: open, mine, owed, all; with a *query*, of the cases it finds."""
    frame = chrome(app, at, csrf, actor, here="cases")
    query = query.strip()
    rows = found(app, listed(app, actor, at), query)
    standing = cache(app.registry.account)
    cuts = {
        "open": tuple(r for r in rows if not isinstance(r.case, TERMINAL)),
        "mine": tuple(r for r in rows if _mine(app, standing, actor, r.case, at)),
        "owed": tuple(r for r in rows if owes_review(r.case)),
        "all": rows,
    }
    titles = {"open": "Open", "mine": "Yours to take", "owed": "Review owed", "all": "All"}
    chosen = tab if tab in cuts else "all" if query else "open"
    mine = {r.case.id for r in cuts["mine"]}
    first, pages = paged(len(cuts[chosen]), page, "/cases", tab=chosen, q=query)
    shown = cuts[chosen][first : first + SHOWN]
    tabs = tuple(
        view.Tab(label=titles[key], link=address("/cases", tab=key, q=query), count=len(cut), current=key == chosen)
        for key, cut in cuts.items()
    )
    return view.CasesPage(
        chrome=frame,
        tabs=tabs,
        rows=tuple(_case_row(app, standing, r.case, at, mine=r.case.id in mine) for r in shown),
        notices=_debts(app, cuts["owed"], at),
        query=query,
        tab=chosen,
        again=address("/cases", tab=chosen, q=query, page=page, seen=app.ledger.size),
        pages=pages,
        mine=len(mine),
    )


def found(app: App, rows: tuple[CaseRow, ...], query: str) -> tuple[CaseRow, ...]:
    """The *rows* that have every word of *query* in who, what, by whom, or the case's id; or whose ticket it is.

    A ticket's number is sealed in its payload, so it is looked for whole, in the newest `TICKETS` of them.
    """
    if not query:
        return rows
    words = folded(query).split()
    by_words = tuple(row for row in rows if all(word in _said_of(app, row.case) for word in words))
    if by_words or not any(letter.isdigit() for letter in query):
        return by_words
    newest = tuple(row for row in rows if row.case.ticket is not None)[:TICKETS]
    return tuple(row for row in newest if (ticket_of(app, row.case) or "").casefold() == query.casefold())


def _said_of(app: App, case: Case) -> str:
    """Everything a row shows of a case that one may look for."""
    name, login = account_of(app, case.account, case.subject)
    what = wording.ACTIONS[case.action][0]
    return folded(f"{case.id} {what} {name} {login} {name_of(app, case.opener)} {state_of(case)}")


def _mine(app: App, standing: Standing, actor: PersonId, case: Case, at: datetime) -> bool:
    """Whether a step that is due could be this person's."""
    due = due_steps(case, at)
    if any(v.person == actor for v in case.votes):
        due = tuple(step for step in due if step is not Step.APPROVE)
    if not due:
        return False
    loaded = Loaded(case=case, account=standing(case.account), version=-1, account_version=-1)
    return any(app.desk.steps.may(actor, step, loaded, at) for step in due)


def _case_row(app: App, standing: Standing, case: Case, at: datetime, *, mine: bool) -> view.CaseRow:
    name, login = account_of(app, case.account, case.subject)
    return view.CaseRow(
        case=case.id,
        link=f"/cases/{case.id}",
        action=wording.ACTIONS[case.action][0],
        name=name,
        login=login,
        account_class=wording.plain(case.account_class),
        state=state_of(case).capitalize(),
        tone=tone_of(case),
        stage=min(stage_of(case) + 1, 8),
        waits_for=_waits_for(case, at),
        opened=case.opened_at,
        opener=name_of(app, case.opener),
        mine=mine,
        portal=app.steps.portal is not None and case.opener == app.steps.portal,
        frozen=not isinstance(case, TERMINAL) and standing(case.account).freeze(at, app.desk.steps.thresholds) > 0,
    )


def _waits_for(case: Case, at: datetime) -> str:
    match case:
        case Verifying():
            return "the ticket" if case.ticket is None else "the person to be verified"
        case AwaitingApproval() if case.requirement.approve:
            asked = ", and an answer to an approver’s question" if is_asked(case) else ""
            return f"approval ({case.requirement.approve.name}){asked}"
        case Paused():
            return AFTER_OBJECTION
        case Holding() if not case.told:
            return "a notice of the hold that reaches somebody"
        case Holding() if case.until <= at:
            return "the release"
        case Holding():
            return f"the hold, {wording.span(case.until - at)} more"
        case Releasable():
            return "the release"
    if stops_care(case):
        return AFTER_OBJECTION
    if closable(case):
        return "somebody to close it, and a review" if owes_review(case) else "somebody to close it"
    if owes_review(case):
        return "a review"
    return "" if isinstance(case, TERMINAL) else "the executor or the person"


def _debts(app: App, owed: tuple[CaseRow, ...], at: datetime) -> tuple[view.Notice, ...]:
    """Uses of break-glass that nobody has looked at: they can not be hidden."""
    broken = sorted((r for r in owed if r.case.broke_glass), key=lambda r: r.case.opened_at)
    if not broken:
        return ()
    case = broken[0].case
    name, _ = account_of(app, case.account, case.subject)
    due = case.review_due or at
    when = f"due in {wording.span(due - at)}" if due > at else f"overdue for {wording.span(at - due)}"
    return (
        view.Notice(
            title="Break-glass owes a review",
            text=f"{wording.counted(len(broken)).capitalize()} not reviewed; the oldest is on {name}, {when}.",
            link=f"/cases/{case.id}",
            link_text="Look at it",
            tone="bad",
        ),
    )
