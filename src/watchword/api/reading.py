"""A case as JSON: what the ledger's entries make of it, with people by their logins."""

from __future__ import annotations

from datetime import datetime

from watchword.api import bodies
from watchword.app import App
from watchword.core.advice import Option
from watchword.core.case import Asked, Case, Holding, Paused, Released, Verifying, progress_of, state_of
from watchword.core.contact import is_missing
from watchword.core.ids import PersonId
from watchword.core.requirement import Shortfall
from watchword.desk.decisions import request_digest
from watchword.desk.followers import CaseRow
from watchword.desk.recording import case_stream
from watchword.desk.steps import Loaded
from watchword.directories.port import kind_of
from watchword.policy import explain
from watchword.reception import countersign, wording
from watchword.reception.approver import questions_of
from watchword.reception.cases import by_whom, caller_of, kept, number_of, page_address, ticket_of
from watchword.reception.spoken import spoken


def login_of(app: App, person: PersonId | str | None) -> str | None:
    """A person's login; the pseudonym where it was erased, None for nobody."""
    return app.names.said(PersonId(person))[0] if person else None


def summary(app: App, row: CaseRow) -> bodies.CaseSummary:
    """One line of the list."""
    case = row.case
    return bodies.CaseSummary(
        case=case.id,
        state=state_of(case),
        action=case.action,
        account_class=case.account_class,
        unit=case.unit,
        opener=login_of(app, case.opener) or "",
        opened_at=case.opened_at,
        changed_at=row.changed_at,
        review_due=case.review_due,
        review_overdue=row.overdue,
    )


def whole(app: App, loaded: Loaded, reader: PersonId, at: datetime) -> bodies.CaseOut:
    """Everything about one case that *reader* may see."""
    case = loaded.case
    directory, native = app.names.native(case.account) or (None, None)
    erased, held = kept(app, case.id)
    page = page_address(app, loaded, reader, at)
    first, second = countersign.pair(app, case.id)
    missing = app.desk.verification.missing(case, at) if isinstance(case, Verifying) else ()
    ways = app.desk.ways.of(loaded, app.desk.ways.seen(loaded), at) if isinstance(case, Verifying) else ()
    return bodies.CaseOut(
        case=case.id,
        version=loaded.version,
        state=state_of(case),
        action=case.action,
        directory=directory,
        native_id=native,
        account=case.account,
        account_class=case.account_class,
        unit=case.unit,
        subject=login_of(app, case.subject),
        opener=login_of(app, case.opener) or "",
        opened_at=case.opened_at,
        ticket=ticket_of(app, case),
        requirement=explain.words(case.requirement),
        raised=case.requirement.raised,
        missing=_missing(missing),
        ways=_ways(ways),
        within_reach=app.desk.ways.enough(loaded, ways, at) if missing else None,
        challenges=_challenges(app, case),
        request=request_out(case.request, case.not_after) if isinstance(case, Asked) else None,
        approvals=tuple(login_of(app, v.person) or "" for v in case.votes if v.approve),
        questions=_questions(app, case),
        hold_until=case.until if isinstance(case, Holding) and case.told else None,
        released_until=case.until if isinstance(case, Released) else None,
        changes=_changes(app, loaded),
        waits_for_contact=isinstance(case, Verifying) and is_missing(case),
        waits_for_witnesses=app.waits_for_witnesses(case),
        typed_changes=case.changes,
        review_due=case.review_due,
        reviewer=login_of(app, case.reviewer),
        review_sound=None if case.reviewer is None else not case.unsound,
        erased=erased,
        held_since=held.since if held else None,
        page=page,
        page_number=number_of(app, case, at) if page else None,
        words=bodies.Words(first=first, second=second) if page else None,
        paused=isinstance(case, Paused),
        lane=case.lane,
        caller=caller_of(app, case),
        entries=_entries(app, case),
    )


def _missing(found: tuple[Shortfall, ...]) -> tuple[bodies.ShortfallOut, ...]:
    return tuple(
        bodies.ShortfallOut(tier=s.tier, missing=s.missing, words=", ".join(wording.shortfall(s))) for s in found
    )


def _ways(found: tuple[Option, ...]) -> tuple[bodies.WayOut, ...]:
    return tuple(
        bodies.WayOut(
            method=option.method,
            title=wording.method(option.method),
            state=option.state,
            completes=option.completes,
            why=wording.option(option),
            counts_from=option.counts_from,
        )
        for option in found
    )


def _challenges(app: App, case: Case) -> tuple[bodies.ChallengeOut, ...]:
    return tuple(
        bodies.ChallengeOut(
            challenge=c.id,
            method=c.method,
            purpose=c.purpose,
            by=login_of(app, c.by) or "",
            expires=c.expires,
            misses=c.misses,
            ended=c.ended,
            answer="caller" if app.methods[c.method].enforced else "agent",
        )
        for c in case.challenges
    )


def _questions(app: App, case: Case) -> tuple[bodies.QuestionOut, ...]:
    return tuple(
        bodies.QuestionOut(
            question=q.id,
            who=login_of(app, q.person) or "",
            words=q.question,
            answer=q.answer,
            answered_by=login_of(app, q.answered_by),
        )
        for q in questions_of(app, case)
    )


def request_out(request: str, not_after: datetime) -> bodies.RequestOut:
    """The bytes that are approved, with what people compare of them."""
    digest = request_digest(request)
    return bodies.RequestOut(text=request, digest=digest, spoken=spoken(digest), not_after=not_after)


def _changes(app: App, loaded: Loaded) -> tuple[bodies.ChangeOut, ...]:
    to = app.desk.new_contact.masked(loaded.case)
    known = {p.number: p for p in progress_of(loaded.case)}
    return tuple(
        bodies.ChangeOut(
            number=number,
            change=kind_of(change),
            words=wording.change(change, to),
            outcome=known[number].outcome if number in known else None,
            ended=known[number].ended if number in known else None,
        )
        for number, change in enumerate(loaded.case.changes)
    )


def _entries(app: App, case: Case) -> tuple[bodies.EntryOut, ...]:
    return tuple(
        bodies.EntryOut(
            seq=e.seq,
            leaf=e.leaf,
            type=e.entry.type,
            at=e.entry.at,
            actor=login_of(app, by_whom(e)) or "",
        )
        for e in app.ledger.read(case_stream(case.id))
    )
