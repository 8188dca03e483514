"""What the approver's page asks and answers: one address, no cookie, a pass in a header.

The page has an origin of its own. No browser adds the pass by itself, so no page but that one can make a request that
counts; and a yes from here is always signed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from litestar import Controller, Request, get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import In, Out
from watchword.api.own_enrolment import page_or_none
from watchword.app import App
from watchword.core.case import AwaitingApproval, Case
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.loan import Loan
from watchword.core.quorum import Pending, resolve
from watchword.core.request import parse
from watchword.core.visible import visible
from watchword.desk.approvals import Signing
from watchword.desk.decisions import request_digest
from watchword.desk.passes import LoanPass, Pass
from watchword.desk.people import fingerprint
from watchword.reception import wording
from watchword.reception.approver import questions_of
from watchword.reception.given import Now, TheApp
from watchword.reception.problems import NotSignedIn
from watchword.reception.spoken import spoken

ADDRESS = "/api/approver"

AnyRequest = Request[Any, Any, Any]


class Act(In, frozen=True, kw_only=True):
    """What the approver does: *approve* with their *assertion*, *refuse* and why, *ask* in *words*.

    Where a seat is lent: *lend* it with their *assertion*. Where a key is made: *begin* it, then *enrol* with the
    browser's registration in *assertion*, for *challenge*; both with the page's code, *spoken*. *digest* is of what
    they see.
    """

    act: Literal["approve", "refuse", "ask", "lend", "begin", "enrol"]
    digest: str = ""
    spoken: str = ""
    assertion: str = ""
    challenge: str = ""
    words: str = ""


class EntryText(Out, frozen=True, kw_only=True):
    """The exact text of an entry that the request names by its leaf hash, so that the page can hash it itself."""

    leaf: str
    text: str


class Who(Out, frozen=True, kw_only=True):
    """The name behind a pseudonym: the desk's word."""

    id: str
    name: str
    login: str
    unit: str = ""


class SaidOut(Out, frozen=True, kw_only=True):
    """A question, and its answer where there is one."""

    who: str
    question: str
    answer: str | None
    answered_by: str | None


class ApproverOut(Out, frozen=True, kw_only=True):
    """What the page shows: the exact *request*, the *entries* it names, and what only the desk can say of them.

    *options* None where the approver has no key that will do; *hindrance* then says why.
    """

    kind: Literal["approve"] = "approve"
    me: str
    at: datetime
    request: str
    namespace: str
    options: str | None
    hindrance: str
    signed: bool
    account: Who
    contact: str
    people: tuple[Who, ...]
    entries: tuple[EntryText, ...]
    raised: tuple[str, ...]
    agreed: tuple[str, ...]
    seats: tuple[str, ...]
    questions: tuple[SaidOut, ...]


class LoanOut(Out, frozen=True, kw_only=True):
    """What the page shows of a seat that is to be lent: the exact *statement*, and who sits there: the desk's word."""

    kind: Literal["lend"] = "lend"
    me: str
    statement: str
    namespace: str
    options: str
    to: Who


class EnrolOut(Out, frozen=True, kw_only=True):
    """A passkey for signing approvals can be made, by whoever was told the page's code; by whom it was offered."""

    kind: Literal["enrol"] = "enrol"
    me: str
    offered_by: str


class KeyBegun(Out, frozen=True, kw_only=True):
    """What a browser needs to make the passkey, for five minutes; *challenge* comes back with it."""

    kind: Literal["begun"] = "begun"
    challenge: str
    options: str
    until: datetime


class Done(Out, frozen=True, kw_only=True):
    """What became of it; *words* is the fingerprint of a new key, to be compared with whoever confirms it."""

    kind: Literal["done"] = "done"
    told: str
    words: str = ""


class ApproverController(Controller):
    """The approver's page: what it shows, and what is done on it."""

    path = ADDRESS
    tags = ("approvals",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)

    @get("", sync_to_thread=True)
    def shown(self, app: TheApp, at: Now, request: AnyRequest) -> ApproverOut | LoanOut | EnrolOut:
        """What the pass or the token in the `Authorization` header is for."""
        text = _text(request)
        if _is_link(text):
            return _offered(app, text, at)
        one = _pass(app, text, at)
        return _loan(app, one, at) if isinstance(one, LoanPass) else _asked(app, one, at)

    @post("", sync_to_thread=True, status_code=HTTP_200_OK)
    def act(self, app: TheApp, at: Now, request: AnyRequest, data: JSONBody[Act]) -> ApproverOut | KeyBegun | Done:
        """Approve or lend by a signature, refuse, ask a question, or enrol a passkey."""
        text = _text(request)
        if data.act == "begin":
            with page_or_none():
                offer = app.approver_keys.options(text, data.spoken, at)
            return KeyBegun(challenge=offer.challenge, options=offer.options, until=offer.expires)
        if data.act == "enrol":
            with page_or_none():
                made = app.approver_keys.enrol(text, data.spoken, data.challenge, data.assertion, at)
            told = "Your key is enrolled. It counts for approvals once somebody else has confirmed it."
            return Done(told=told, words=spoken(fingerprint(made)))
        one = _pass(app, text, at)
        if isinstance(one, LoanPass) or data.act == "lend":
            return _lent(app, one, data, at)
        case = one.case
        decisions = app.desk.decisions
        if data.act == "ask":
            decisions.ask_question(one.person, case, data.words, at)
            return _asked(app, one, at)
        if data.act == "approve":
            if not data.assertion:
                raise Invalid("On this page a yes is signed.", "Sign it with your passkey.", where="assertion")
            decisions.approve(one.person, case, data.digest, "", at, assertion=data.assertion, browser=one.browser)
            return Done(told="Approved. What you signed stands in the ledger; you are told by mail as well.")
        now = app.desk.steps.load(case).case
        if isinstance(now, AwaitingApproval) and request_digest(now.request) != data.digest:
            raise Conflict("What you looked at is not what this case asks now.", "Read it again, then decide.")
        decisions.refuse(one.person, case, data.words, at)
        return Done(told="Refused. The case is over.")


def cors(app: App, path: str, origin: str) -> dict[str, str]:
    """The headers that let the page of another origin speak to this address, and to no other."""
    if path != ADDRESS or app.settings.approvals.origin is None or origin != app.settings.approvals_origin:
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "600",
        "vary": "origin",
    }


def _text(request: AnyRequest) -> str:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _pass(app: App, text: str, at: datetime) -> Pass | LoanPass:
    try:
        return app.passes.read(text, at)
    except Refused as refused:
        raise NotSignedIn(refused.what, refused.remedy) from refused


def _is_link(text: str) -> bool:
    """Whether this has the form of a link's token, which is in three parts; a pass is in two."""
    return text.count(".") == 2


def _offered(app: App, text: str, at: datetime) -> EnrolOut:
    with page_or_none():
        given = app.approver_keys.offered(text, at)
    return EnrolOut(me=app.names.said(given.person)[1], offered_by=app.names.said(given.maker)[1])


def _loan(app: App, one: LoanPass, at: datetime) -> LoanOut:
    signing = app.lending.asked(one.person, one.statement, at)
    return LoanOut(
        me=app.names.said(one.person)[1],
        statement=signing.statement,
        namespace=signing.namespace,
        options=signing.options,
        to=_who(app, Loan.parse(one.statement).to),
    )


def _lent(app: App, one: Pass | LoanPass, data: Act, at: datetime) -> Done:
    """Lend by a pass that is for it, and by no other; nothing else is done with that one."""
    if not isinstance(one, LoanPass) or data.act != "lend":
        raise Invalid("This page is open for something else.", "Open it again from the console.", where="act")
    lent = app.lending.lend_signed(one.person, one.statement, data.assertion, at)
    but = "" if app.lending.is_bound(lent, at) else ", but not where a key is asked for that can not be copied"
    return Done(told=f"Lent. What you signed stands in the ledger. It counts where approvals are signed, too{but}.")


def _asked(app: App, one: Pass, at: datetime) -> ApproverOut:
    case = app.desk.approvals.demand_seat(one.person, one.case, at).case
    assert isinstance(case, AwaitingApproval)
    asked: Signing | None = None
    hindrance = ""
    try:
        asked = app.desk.approvals.options(one.person, case.id, at)
    except Refused as refused:
        hindrance = f"{refused.what} {refused.remedy}"
    request = parse(case.request)
    rule = case.requirement.approve
    outcome = resolve(rule, case.votes, at) if rule else None
    empty = outcome.seats if isinstance(outcome, Pending) else ()
    return ApproverOut(
        me=app.names.said(one.person)[1],
        at=at,
        request=case.request,
        namespace=app.desk.approvals.namespace,
        options=asked.options if asked else None,
        hindrance=hindrance,
        signed=rule is not None and rule.signed,
        account=_account(app, case),
        contact=app.desk.new_contact.masked(case) or "",
        people=_people(app, case),
        entries=tuple(
            EntryText(leaf=leaf, text=entry.raw.decode())
            for leaf in (*((request.ticket,) if request.ticket else ()), *request.evidence)
            if (entry := app.ledger.find(leaf)) is not None
        ),
        raised=case.requirement.raised,
        agreed=tuple(app.names.said(v.person)[1] for v in case.votes if v.approve),
        seats=tuple(wording.seat(seat) for seat in empty),
        questions=tuple(
            SaidOut(
                who=app.names.said(q.person)[1],
                question=q.question,
                answer=q.answer,
                answered_by=app.names.said(q.answered_by)[1] if q.answered_by else None,
            )
            for q in questions_of(app, case)
        ),
    )


def _account(app: App, case: Case) -> Who:
    """The account as its directory names it now."""
    directory, native = app.registry.native_id(case.account)
    seen = app.desk.steps.directory(directory).read(native)
    return Who(id=case.account, name=seen.called, login=visible(seen.login), unit=visible(seen.unit or ""))


def _people(app: App, case: Case) -> tuple[Who, ...]:
    """Whoever had a hand in the verifications, by name."""
    hands = {e.agent for e in case.evidence} | {e.prover for e in case.evidence if e.prover} | {case.opener}
    return tuple(_who(app, person) for person in sorted(hands))


def _who(app: App, person: PersonId) -> Who:
    login, name = app.names.said(person)
    return Who(id=person, name=name, login=login, unit=app.registry.person(person).unit)
