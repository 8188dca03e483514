"""The reconciliation board: identity events by verdict, what nobody can account for first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from watchword.app import App
from watchword.core.identity_event import Verdict
from watchword.core.ids import PersonId
from watchword.reception import wording
from watchword.watch.board import DAYS, Board, board_of
from watchword.watch.verdicts import REASONS, VerdictRow
from watchword.watching import VERDICTS
from watchword.web import view
from watchword.web.board_view import Bar, BoardPage, Day, EventRow, Slice
from watchword.web.frame import chrome
from watchword.web.paging import SHOWN, address, paged

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

OWES = (Verdict.SUSPICIOUS, Verdict.UNVERIFIED)
"""What an account is recovered for through a case, where no case speaks for it."""

WIDE, HIGH = 1000, 72
"""The size of the picture of the last days, in its own units."""


def board_page(
    app: App, actor: PersonId, csrf: str, at: datetime, verdict: str = "", query: str = "", page: int = 1
) -> BoardPage:
    """The reconciliation board, cut by *verdict* where one is chosen, and by what is looked for."""
    query = query.strip()

    def look(first: int) -> Board:
        return board_of(
            app.settings.path(Path(VERDICTS)),
            tuple(v for v, _ in ORDER),
            verdict=verdict,
            query=query,
            said=lambda directory, target: _owner(app, directory, target) or target,
            first=first,
            many=SHOWN,
        )

    board = look(max(page - 1, 0) * SHOWN)
    first, pages = paged(board.found, page, "/board", verdict=verdict, q=query)
    if not board.rows and board.found:
        board = look(first)  # a page there is not is the first
    slices = tuple(
        Slice(
            verdict=v,
            title=title,
            count=board.counts.get(v, 0),
            link=address("/board", verdict="" if v == verdict else v, q=query),
            current=v == verdict,
        )
        for v, title in ORDER
        if board.counts.get(v) or v in (Verdict.SUSPICIOUS, Verdict.UNVERIFIED, Verdict.VERIFIED)
    )
    return BoardPage(
        chrome=chrome(app, at, csrf, actor, here="board"),
        title=f"{sum(board.counts.values())} identity events",
        slices=slices,
        rows=tuple(_event_row(app, r) for r in board.rows),
        notices=_board_notices(board),
        read_to=board.newest,
        pages=pages,
        query=query,
        verdict=verdict,
        found=board.found,
        days=_days(board.days),
    )


def _days(days: tuple[tuple[date, Mapping[Verdict, int]], ...]) -> tuple[Day, ...]:
    """The last days as columns, what nobody can account for at the foot; none where there is only one to show.

    What is ignored is left out: there is so much of it that nothing else would be seen.
    """
    counted: dict[date, dict[Verdict, int]] = {
        day: {v: n for v, n in many.items() if v is not Verdict.IGNORED} for day, many in days
    }
    if sum(1 for many in counted.values() if many) < 2:
        return ()
    most = max(sum(many.values()) for many in counted.values())
    last = max(counted)
    step = WIDE / DAYS
    columns: list[Day] = []
    for place in range(DAYS):
        day = last - timedelta(days=DAYS - 1 - place)
        many = counted.get(day, {})
        bars: list[Bar] = []
        foot = float(HIGH)
        for verdict, _ in ORDER:
            if count := many.get(verdict):
                high = max(count / most * HIGH, 1.0)
                foot -= high
                bars.append(Bar(verdict=verdict, x=place * step, y=max(foot, 0.0), wide=step - 3, high=high))
        said = ", ".join(f"{many[v]} {title}" for v, title in ORDER if many.get(v))
        columns.append(Day(title=f"{day:%-d %b}: {said or 'none'}", bars=tuple(bars)))
    return tuple(columns)


def _board_notices(board: Board) -> tuple[view.Notice, ...]:
    """What the board can not see, and what it took back."""
    found = [
        view.Notice(
            title=f"Blind since {row.at:%-d %b %H:%M} UTC",
            text=f"{row.provider}: {row.why}. What it would have said is not on this board.",
            tone="bad",
        )
        for row in reversed(board.silent)
    ]
    if board.unmatched:
        found.append(
            view.Notice(
                title="No evidence was given",
                text="Nothing could be matched: every one of these events stands unverified for that reason alone.",
            )
        )
    if board.revised:
        found.append(
            view.Notice(
                title=f"{board.revised} {'verdict was' if board.revised == 1 else 'verdicts were'} revised",
                text="Evidence arrived late; the earlier verdicts are kept beside the new ones.",
                tone="plain",
            )
        )
    return tuple(found)


def _owner(app: App, directory: str, target: str) -> str | None:
    """The person behind an event's target, where we know them."""
    account = app.names.account(directory, target)
    owner = app.names.owner(account) if account else None
    return app.names.said(owner)[1] if owner else None


def new_case(target: str) -> str:
    """Where a case of *target*, as its directory writes it, is opened."""
    return f"/cases/new?{urlencode({'account': target})}"


def _event_row(app: App, row: VerdictRow) -> EventRow:
    owes = row.verdict in OWES and row.case is None
    owner = _owner(app, row.directory, row.target)
    what = wording.plain((row.action or "").replace(".", " ")).capitalize().replace("Mfa", "MFA")
    return EventRow(
        at=row.at,
        what=what,
        native=row.native_action,
        provider=row.provider,
        target=owner or row.target_login or row.target,
        known=owner is not None,
        actor=row.actor_login or row.actor,
        verdict=row.verdict,
        verdict_title=dict(ORDER)[row.verdict].capitalize(),
        reasons=tuple(REASONS.get(code, wording.plain(code)) for code in row.reasons),
        case=row.case,
        case_link=f"/cases/{row.case}" if row.case else None,
        open_link=new_case(row.target) if owes else None,
        leaves=row.leaves,
        revised=row.revision > 1,
    )
