"""The approver's page as the edge sees it: its address with a pass, and what approvers asked."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.app import App
from watchword.core import event as past
from watchword.core.case import Case
from watchword.core.ids import CaseId, PersonId
from watchword.desk.passes import LIFE, LoanPass, Pass
from watchword.desk.recording import case_stream, event_of

PATH = "/approve/"
"""Where the page lies, on the console and on an origin of its own alike."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A question by its *id* with its words, who asked and when; and the answer, where there is one.

    Words that were erased are empty.
    """

    id: str
    person: PersonId
    at: datetime
    question: str
    answer: str | None = None
    answered_by: PersonId | None = None


def approver_address(app: App, person: PersonId, case: CaseId, browser: str | None, at: datetime) -> str:
    """The address at which *person* reads and decides on *case*; refused where they may not approve it.

    The pass stands behind the #, which browsers send to nobody.
    """
    app.desk.approvals.demand_seat(person, case, at)
    one = Pass(person=person, case=case, until=at + LIFE, browser=browser)
    return page_address(app, app.passes.give(one))


def loan_address(app: App, person: PersonId, login: str, seat: str, until: datetime, at: datetime) -> str:
    """The address at which *person* signs that they lend the *seat* to that *login*; refused where they may not."""
    signing = app.lending.to_sign(person, login, seat, until, at)
    return page_address(
        app, app.passes.give(LoanPass(person=person, statement=signing.statement, until=signing.not_after))
    )


def page_address(app: App, text: str) -> str:
    """The page's address with a pass, or with the token of a link."""
    return f"{app.settings.approvals_origin}{PATH}#{text}"


def questions_of(app: App, case: Case) -> tuple[Said, ...]:
    """What approvers asked, oldest first."""
    found: dict[str, Said] = {}
    for one in app.ledger.read(case_stream(case.id)) if case.questions else ():
        event = event_of(one)
        if isinstance(event, past.QuestionAsked):
            words = app.ledger.disclosures(one).get("question", "")
            found[event.question] = Said(id=event.question, person=event.person, at=one.entry.at, question=words)
        elif isinstance(event, past.QuestionAnswered):
            words = app.ledger.disclosures(one).get("answer", "")
            asked = found[event.question]
            found[asked.id] = msgspec.structs.replace(asked, answer=words, answered_by=event.by)
    return tuple(found.values())
