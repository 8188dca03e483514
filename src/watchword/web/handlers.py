"""Every page, and the forms that post to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_303_SEE_OTHER

from watchword.app import App
from watchword.core.change import contact_of
from watchword.core.ids import CaseId
from watchword.languages.catalogue import words
from watchword.reception import whence
from watchword.reception.approver import approver_address
from watchword.reception.browser import NAME as BROWSER_NAME
from watchword.reception.browser import browser_cookie, mark_of
from watchword.reception.caller import asked_for, handed, language_of
from watchword.reception.cases import caller_page, demand_overview, readable
from watchword.reception.given import Now, TheActor, TheApp, TheForm, TheVisitor, Token
from watchword.reception.landing import landing
from watchword.reception.sessions import Actor
from watchword.web import view
from watchword.web.approve_site import approve_file, approve_page
from watchword.web.board_page import board_page
from watchword.web.case_page import case_page
from watchword.web.codes import codes_page
from watchword.web.downtime_page import DowntimePages
from watchword.web.enrol import enrol_page
from watchword.web.findings_handlers import FindingPages
from watchword.web.forms import BROWSER, take
from watchword.web.frame import caller_chrome, chrome
from watchword.web.go import GoPages
from watchword.web.intake import intake_page, needs, open_case
from watchword.web.lists import cases_page
from watchword.web.people_handlers import PeoplePages, ThreatPages
from watchword.web.policy_page import PolicyPages
from watchword.web.recover import RecoverPages
from watchword.web.refusal import SAID_AGAIN, again
from watchword.web.render import STATIC, render, render_needs
from watchword.web.seats_page import SeatPages
from watchword.web.vouch import vouch_page

PROBLEMS = {
    "wrong": "Login or password is wrong. Try again, or ask an administrator.",
    "wait": "Too many failed sign-ins came from your address. Wait a minute, or up to 15 where it goes on.",
}
"""What the sign-in page may say, by the word in its address."""


@get("/", include_in_schema=False, sync_to_thread=False)
def home() -> Redirect:
    """The case list."""
    return Redirect("/cases")


@get("/sign-in", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
def sign_in_page(app: TheApp, at: Now, csrf: Token, problem: FromQuery[str] = "", to: FromQuery[str] = "") -> str:
    """The door; *to* is where it leads, where that is a page of ours."""
    fields = (
        view.Field(name="to", label="", kind="hidden", value=landing(to)),
        view.Field(name="login", label="Login", autocomplete="username", first=True),
        view.Field(name="password", label="Password", kind="password", autocomplete="current-password"),
    )
    form = view.Form(action="/session", button="Sign in", fields=fields)
    return render(view.SignInPage(chrome=chrome(app, at, csrf), form=form, problem=PROBLEMS.get(problem, "")))


class CasePages(Controller):
    """The case list, the intake, and one case."""

    # One class for what shares a path: Litestar 2.25 starts a lone handler again when another joins its path, and one
    # that runs in a thread does not survive that (it answers with a coroutine nobody awaits).
    path = "/cases"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def listed(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        tab: FromQuery[str] = "",
        q: FromQuery[str] = "",
        page: FromQuery[int] = 1,
        seen: FromQuery[int | None] = None,
    ) -> Response[str | None]:
        """The case list; nothing when the ledger is still of the size that was *seen*, which the page asks."""
        if seen is not None and seen == app.ledger.size:
            return Response(None, status_code=HTTP_204_NO_CONTENT)
        return Response(render(cases_page(app, actor.person, csrf, at, tab, q, page)), media_type=MediaType.HTML)

    @get("/new", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def new(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        request: Request[Any, Any, Any],
    ) -> str:
        """The intake form."""
        return render(intake_page(app, actor.person, csrf, at, dict(request.query_params)))

    @get("/needs", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def preview(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        request: Request[Any, Any, Any],
    ) -> str:
        """What the case described so far would need."""
        return render_needs(needs(app, actor.person, at, dict(request.query_params)))

    @post("", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def open(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, data: TheForm) -> Response[Any]:
        """Open a case; where that is refused, the form stays with what was typed and says why."""
        try:
            case = open_case(app, actor.person, at, data)
        except SAID_AGAIN as fault:
            page = intake_page(app, actor.person, csrf, at, data)
            return again(page, "/cases", data, fault, "/cases/new")
        if data.get("ticket", "").strip():  # opened it is, whatever comes of its ticket: asked again, it would be two
            return _taken(app, actor, case, "ticket", data, csrf, at)
        return Redirect(f"/cases/{case}", status_code=HTTP_303_SEE_OTHER)

    @get("/{case:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def one(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        case: FromPath[str],
        version: FromQuery[int | None] = None,
    ) -> Response[str | None]:
        """One case; nothing when it is still at *version*, which the page asks every few seconds."""
        loaded = readable(app, actor.person, case, at)
        if version == loaded.version:
            return Response(None, status_code=HTTP_204_NO_CONTENT)
        return Response(render(case_page(app, loaded, actor.person, csrf, at)), media_type=MediaType.HTML)

    @get("/{case:str}/approver-page", include_in_schema=False, sync_to_thread=True)
    def approver_page(
        self, app: TheApp, actor: TheActor, at: Now, case: FromPath[str], request: Request[Any, Any, Any]
    ) -> Redirect:
        """To the page on which approvers sign, with a pass for this case that lasts minutes."""
        opened = readable(app, actor.person, case, at).case.id
        seen = mark_of(app, request.cookies.get(BROWSER_NAME))
        address = approver_address(app, actor.person, opened, seen, at)
        return Redirect(address, status_code=HTTP_303_SEE_OTHER)

    @post("/{case:str}/{step:str}", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def take_step(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        case: FromPath[str],
        step: FromPath[str],
        data: TheForm,
        request: Request[Any, Any, Any],
    ) -> Response[Any]:
        """Take a step from its form."""
        said = data | {BROWSER: request.cookies.get(BROWSER_NAME, "")}
        return _taken(app, actor, case, step, said, csrf, at)


def _taken(
    app: App, actor: Actor, case: str, step: str, said: dict[str, str], csrf: str, at: datetime
) -> Response[Any]:
    """Take a step of a case; where that is refused, its page says why and keeps what was typed."""
    loaded = readable(app, actor.person, case, at)
    here = f"/cases/{loaded.case.id}"
    try:
        take(app, actor, loaded.case, step, said, at)
    except SAID_AGAIN as fault:
        page = case_page(app, readable(app, actor.person, case, at), actor.person, csrf, at)
        return again(page, f"{here}/{step}", said, fault, here)
    return Redirect(here, status_code=HTTP_303_SEE_OTHER)


@get("/board", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
def board(
    app: TheApp,
    actor: TheActor,
    at: Now,
    csrf: Token,
    verdict: FromQuery[str] = "",
    q: FromQuery[str] = "",
    page: FromQuery[int] = 1,
) -> str:
    """The reconciliation board."""
    demand_overview(app, actor.person, at)
    return render(board_page(app, actor.person, csrf, at, verdict, q, page))


@get("/c/{case:str}/{token:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
def caller(
    app: TheApp,
    at: Now,
    csrf: Token,
    case: FromPath[str],
    token: FromPath[str],
    request: Request[Any, Any, Any],
    visitor: TheVisitor,
    lang: FromQuery[str] = "",
) -> Response[str]:
    """The locked-out person's own page, in the language they chose or have.

    Where it is opened from is noted, since one caller for two people is a sign; a browser of the desk's is turned away.
    """
    loaded = caller_page(app, CaseId(case), token)
    app.desk.their_page.demand(loaded, visitor, at)
    opened = loaded.case
    kept = browser_cookie(app, request.cookies.get(BROWSER_NAME))
    whence.note(app, opened.id, request.client.host if request.client else "", kept.value or "", at)
    contact = contact_of(opened.changes)
    say = words(language_of(app, opened, request.headers.get("accept-language", ""), lang))
    page = render(
        view.CallerPage(
            chrome=caller_chrome(app, at, csrf, say),
            case=opened.id,
            action=say(f"contact.{contact.contact}.title") if contact else say(f"action.{opened.action}"),
            contact=contact.contact if contact else None,
            written=opened.lane == "text" or opened.context.channel == "chat",
            what=handed(opened.changes),
            api=f"/api/caller/{opened.id}/{token}",
            language=say.language,
        )
    )
    return Response(page, media_type=MediaType.HTML, cookies=[kept])


@get("/prompts", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
def prompts(app: TheApp, at: Now, csrf: Token, request: Request[Any, Any, Any], lang: FromQuery[str] = "") -> str:
    """The page of a browser that answers prompts; the address that enrols it says the language of record."""
    say = words(asked_for(app, request.headers.get("accept-language", ""), lang))
    key = app.waking.waker.key if app.waking else ""
    return render(view.PromptsPage(chrome=caller_chrome(app, at, csrf, say), language=say.language, waker=key))


@get("/prompts/worker.js", include_in_schema=False, media_type="text/javascript", sync_to_thread=True)
def prompts_worker() -> bytes:
    """What runs in a browser that is woken: served where it may speak for the prompts and for nothing else."""
    return (STATIC / "prompts_worker.js").read_bytes()


PAGES = (
    home,
    sign_in_page,
    CasePages,
    board,
    FindingPages,
    PeoplePages,
    ThreatPages,
    DowntimePages,
    PolicyPages,
    SeatPages,
    caller,
    RecoverPages,
    GoPages,
    codes_page,
    enrol_page,
    vouch_page,
    prompts,
    prompts_worker,
    approve_page,
    approve_file,
)
