"""Cases as the edge sees them: which ones somebody may look at, and what follows when a method is proved."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import cache

from watchword.app import App
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.case import TERMINAL, Case, Verifying
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.ruling import CaseFacts
from watchword.desk.followers import CaseRow
from watchword.desk.intake import CALLER
from watchword.desk.recording import case_stream
from watchword.desk.steps import Loaded
from watchword.ledger.append import Appended
from watchword.ledger.entry import Retention
from watchword.ledger.erasure import Hold
from watchword.reception.problems import NotThere


def readable(app: App, person: PersonId, case: str, at: datetime) -> Loaded:
    """The case, if *person* may read it; raise `NotThere` in the same words when it is not there or not for them."""
    try:
        loaded = app.desk.steps.load(CaseId(case))
    except Invalid as invalid:
        if invalid.where == "case":
            raise NotThere from invalid
        raise
    if not app.desk.steps.may(person, Step.READ, loaded, at):
        raise NotThere
    return loaded


def caller_page(app: App, case: CaseId, token: str) -> Loaded:
    """The case behind a caller's own page; raise `NotThere` for a wrong token and for a case that never was."""
    try:
        return app.desk.hand_over.demand_page(case, token)
    except Invalid as invalid:
        if invalid.where in {"case", "page"}:
            raise NotThere from invalid
        raise


def page_address(app: App, loaded: Loaded, person: PersonId, at: datetime) -> str | None:
    """The address the desk gives the caller; shown to nobody but those who verify, and never to an AI.

    Knowing it proves nothing by itself, but whoever opens it first can keep the person from opening it.
    """
    if not app.desk.steps.may(person, Step.VERIFY, loaded, at):
        return None
    case = loaded.case.id
    return f"{app.settings.console.public_url.rstrip('/')}/c/{case}/{app.desk.hand_over.page_token(case)}"


def number_of(app: App, case: Case, at: datetime) -> str | None:
    """The number that leads to the caller's page from the short address; None once the case is over."""
    return None if isinstance(case, TERMINAL) else app.desk.short_address.number(case.id, at)


def settle(app: App, case: CaseId, challenge: str, at: datetime) -> None:
    """After a proof for verification: ask on, as whoever began it, once nothing is missing any more.

    The proof stands whatever comes of that. What else is against asking on, the desk hears when it asks itself; the
    caller, whose answer was right, is not the one to tell.
    """
    now = app.desk.steps.load(case).case
    proved = next(c for c in now.challenges if c.id == challenge)
    if proved.purpose == "verify" and isinstance(now, Verifying):
        with suppress(Refused):
            app.desk.verification.ask(proved.by, case, at)


def ticket_of(app: App, case: Case) -> str | None:
    """The ticket's number, from its payload; None when none is linked or it was erased."""
    entry = app.ledger.find(case.ticket) if case.ticket else None
    return app.ledger.disclosures(entry).get("ticket") if entry else None


def caller_of(app: App, case: Case) -> str | None:
    """Who calls for the person, from its payload; None where they call themself, or it was erased."""
    if not case.assisted:
        return None
    return app.ledger.disclosures(app.ledger.read(case_stream(case.id))[0]).get(CALLER)


def by_whom(appended: Appended) -> PersonId:
    """Whom an entry of a case is of: whoever wrote it, or in whose browser the person's page was asked for."""
    entry = appended.entry
    return PersonId(str(entry.data["person"]) if entry.type == "desk_browser.refused" else entry.actor)


def kept(app: App, case: CaseId) -> tuple[tuple[Retention, ...], Hold | None]:
    """The classes of which payloads of a case were erased, and the hold that keeps the rest."""
    app.steps.cases.follow(app.ledger)
    return app.steps.cases.erased(case), app.steps.cases.hold(case)


def listed(app: App, person: PersonId, at: datetime) -> tuple[CaseRow, ...]:
    """Every case *person* may read, newest change first."""
    app.follow()
    steps = app.desk.steps
    standing = cache(app.registry.account)  # an account that was asked for often is read once

    def may(row: CaseRow) -> bool:
        account = standing(row.case.account)
        return steps.may(person, Step.READ, Loaded(case=row.case, account=account, version=-1, account_version=-1), at)

    return tuple(row for row in steps.cases.rows() if may(row))


def demand_overview(app: App, person: PersonId, at: datetime) -> None:
    """Raise `NotThere` unless *person* may read whatever the unit: the board shows the whole directory."""
    anywhere = CaseFacts(case=None, unit="", account_class=AccountClass.STANDARD, action=Action.UNLOCK, subject=None)
    ruling = app.desk.steps.rule(person, Step.READ, anywhere, at)
    if not ruling.allowed or ruling.errors:
        raise NotThere
