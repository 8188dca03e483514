"""The two lists a desk lives in: cases, and identity events by verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from urllib.parse import urlencode

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
from watchword.core.identity_event import Verdict
from watchword.core.ids import AccountId, PersonId
from watchword.core.standing import Account
from watchword.desk.followers import CaseRow
from watchword.desk.steps import Loaded
from watchword.reception import wording
from watchword.reception.cases import listed, ticket_of
from watchword.watch.verdicts import REASONS, VerdictRow
from watchword.web import view
from watchword.web.forms import closable
from watchword.web.frame import account_of, chrome, name_of
from watchword.web.stages import stage_of, tone_of
from watchword.web.whose import due_steps, is_asked, owes_review

SHOWN = 200
"""Rows of a list at most; what is left out is counted."""

Standing = Callable[[AccountId], Account]
"""How accounts stand, each read once for a page."""

TICKETS = 1000
"""How many tickets a search opens at most."""

ORDER: tuple[tuple[Verdict, str], ...] = (
    (Verdict.SUSPICIOUS, "suspicious"),
    (Verdict.UNVERIFIED, "unverified"),
    (Verdict.OUT_OF_POLICY, "out of policy"),
    (Verdict.DOWNTIME, "in downtime"),
    (Verdict.TICKETED, "ticket only"),
    (Verdict.VERIFIED, "verified"),
    (Verdict.SELF_SERVICE, "self-service"),
    (Verdict.IGNORED, "ignored"),
)
"""Verdicts as the board shows them: what nobody can account for first."""


def cases_page(app: App, actor: PersonId, csrf: str, at: datetime, tab: str, query: str = "") -> view.CasesPage:
    """The case list, cut by *tab*: open, mine, owed, all; with a *query*, of the cases it finds."""
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
    asked = {"q": query} if query else {}
    tabs = tuple(
        view.Tab(
            label=titles[key], link=f"/cases?{urlencode({'tab': key} | asked)}", count=len(cut), current=key == chosen
        )
        for key, cut in cuts.items()
    )
    return view.CasesPage(
        chrome=frame,
        tabs=tabs,
        rows=tuple(_case_row(app, standing, r.case, at, mine=r.case.id in mine) for r in cuts[chosen][:SHOWN]),
        notices=_debts(app, cuts["owed"], at),
        query=query,
        tab=chosen,
        again=f"/cases?{urlencode({'tab': chosen, 'seen': app.ledger.size} | asked)}",
        left_out=max(len(cuts[chosen]) - SHOWN, 0),
        mine=len(mine),
    )


def found(app: App, rows: tuple[CaseRow, ...], query: str) -> tuple[CaseRow, ...]:
    """The *rows* that have every word of *query* in who, what, by whom, or the case's id; or whose ticket it is.

    A ticket's number is sealed in its payload, so it is looked for whole, in the newest `TICKETS` of them.
    """
    if not query:
        return rows
    words = query.casefold().split()
    by_words = tuple(row for row in rows if all(word in _said_of(app, row.case) for word in words))
    if by_words or not any(letter.isdigit() for letter in query):
        return by_words
    newest = tuple(row for row in rows if row.case.ticket is not None)[:TICKETS]
    return tuple(row for row in newest if (ticket_of(app, row.case) or "").casefold() == query.casefold())


def _said_of(app: App, case: Case) -> str:
    """Everything a row shows of a case that one may look for."""
    name, login = account_of(app, case.account, case.subject)
    what = wording.ACTIONS[case.action][0]
    return f"{case.id} {what} {name} {login} {name_of(app, case.opener)} {state_of(case)}".casefold()


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
            return "somebody on duty, after a “not me”"
        case Holding() if not case.told:
            return "a notice of the hold that reaches somebody"
        case Holding() if case.until <= at:
            return "the release"
        case Holding():
            return f"the hold, {wording.span(case.until - at)} more"
        case Releasable():
            return "the release"
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


def board_page(app: App, actor: PersonId, csrf: str, at: datetime, verdict: str) -> view.BoardPage:
    """The reconciliation board, cut by *verdict* where one is chosen."""
    rows = app.board()
    feed, events = tuple(r for r in rows if r.action is None), tuple(r for r in rows if r.action is not None)
    counts = Counter(r.verdict for r in events)
    slices = tuple(
        view.Slice(
            verdict=v,
            title=title,
            count=counts[v],
            link="/board" if v == verdict else f"/board?verdict={v}",
            current=v == verdict,
        )
        for v, title in ORDER
        if counts[v] or v in (Verdict.SUSPICIOUS, Verdict.UNVERIFIED, Verdict.VERIFIED)
    )
    newest = max((r.at for r in events), default=None)
    feed = tuple(r for r in feed if newest is None or r.at >= newest)  # a feed that spoke again is no longer blind
    rank = {v: i for i, (v, _) in enumerate(ORDER)}
    chosen = sorted(
        (r for r in events if not verdict or r.verdict == verdict), key=lambda r: (rank[r.verdict], -r.at.timestamp())
    )
    return view.BoardPage(
        chrome=chrome(app, at, csrf, actor, here="board"),
        title=f"{len(events)} identity events",
        slices=slices,
        rows=tuple(_event_row(app, r) for r in chosen[:SHOWN]),
        notices=_board_notices(feed, events),
        read_to=newest,
        left_out=max(len(chosen) - SHOWN, 0),
    )


def _board_notices(feed: Iterable[VerdictRow], events: tuple[VerdictRow, ...]) -> tuple[view.Notice, ...]:
    """What the board can not see, and what it took back."""
    found = [
        view.Notice(
            title=f"Blind since {row.at:%-d %b %H:%M} UTC",
            text=f"{row.provider}: {row.why}. What it would have said is not on this board.",
            tone="bad",
        )
        for row in feed
    ]
    if events and all("no_evidence" in r.reasons for r in events if r.verdict is Verdict.UNVERIFIED):
        blind = [r for r in events if "no_evidence" in r.reasons]
        if blind:
            found.append(
                view.Notice(
                    title="No evidence was given",
                    text="Nothing could be matched: every one of these events stands unverified for that reason alone.",
                )
            )
    revised = sum(1 for r in events if r.revision > 1)
    if revised:
        found.append(
            view.Notice(
                title=f"{revised} {'verdict was' if revised == 1 else 'verdicts were'} revised",
                text="Evidence arrived late; the earlier verdicts are kept beside the new ones.",
                tone="plain",
            )
        )
    return tuple(found)


def _whose(app: App, row: VerdictRow) -> str:
    """The person behind an event's target, where we know them; what the log calls it otherwise."""
    account = app.names.account(row.directory, row.target)
    owner = app.names.owner(account) if account else None
    return app.names.said(owner)[1] if owner else row.target


def _event_row(app: App, row: VerdictRow) -> view.EventRow:
    owes = row.verdict in (Verdict.SUSPICIOUS, Verdict.UNVERIFIED) and row.case is None
    what = wording.plain((row.action or "").replace(".", " ")).capitalize().replace("Mfa", "MFA")
    return view.EventRow(
        at=row.at,
        what=what,
        native=row.native_action,
        provider=row.provider,
        target=_whose(app, row),
        actor=row.actor,
        verdict=row.verdict,
        verdict_title=dict(ORDER)[row.verdict].capitalize(),
        reasons=tuple(REASONS.get(code, wording.plain(code)) for code in row.reasons),
        case=row.case,
        case_link=f"/cases/{row.case}" if row.case else None,
        open_link=f"/cases/new?{urlencode({'account': row.target})}" if owes else None,
        leaves=row.leaves,
        revised=row.revision > 1,
    )
