"""Signing in and out: over JSON, and from the sign-in page's form."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body, JSONBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from watchword.api.bodies import SignedIn, SignIn
from watchword.app import App
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.reception.browser import NAME as BROWSER_NAME
from watchword.reception.browser import browser_cookie
from watchword.reception.given import Now, TheActor, TheApp, TheSessions, TheThrottle
from watchword.reception.landing import door, landing
from watchword.reception.problems import Malformed, NotSignedIn, TooMany
from watchword.reception.sessions import ABSOLUTE, FAILURES, Throttle

COOKIE = "watchword_session"

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class SessionController(Controller):
    """The session of this browser."""

    path = "/api/session"
    tags = ("session",)

    @post("", sync_to_thread=True, opt={"exclude_from_csrf": True})
    def sign_in(
        self,
        request: Request[Any, Any, Any],
        app: TheApp,
        sessions: TheSessions,
        throttle: TheThrottle,
        at: Now,
        data: JSONBody[SignIn],
    ) -> Response[SignedIn]:
        """Sign in with a local account. Unknown people and wrong passwords are refused alike."""
        if request.content_type[0] != RequestEncodingType.JSON:  # what a form of another site could send
            raise Malformed(("Content-Type: send application/json",))
        person = _signed_in(request, app, throttle, data.login, data.password, at)
        kept = browser_cookie(app, request.cookies.get(BROWSER_NAME))
        return Response(_who(app, person), cookies=[_cookie(app, sessions.begin(person)), kept])

    @get("", sync_to_thread=True)
    def current(self, app: TheApp, actor: TheActor) -> SignedIn:
        """Who is signed in."""
        return _who(app, actor.person)

    @delete("", sync_to_thread=True)
    def sign_out(self, request: Request[Any, Any, Any], actor: TheActor, sessions: TheSessions) -> None:
        """Sign out."""
        del actor
        sessions.end(request.cookies.get(COOKIE))


@post("/session", sync_to_thread=True, include_in_schema=False, status_code=HTTP_303_SEE_OTHER)
def sign_in_form(
    request: Request[Any, Any, Any],
    app: TheApp,
    sessions: TheSessions,
    throttle: TheThrottle,
    at: Now,
    data: Form,
) -> Redirect:
    """Sign in from the page, and go on to the one that asked for it; what went wrong is a word of the address."""
    to = landing(data.get("to", ""))
    try:
        person = _signed_in(request, app, throttle, data.get("login", ""), data.get("password", ""), at)
    except TooMany:
        return Redirect(door(to, "wait"), status_code=HTTP_303_SEE_OTHER)
    except NotSignedIn:
        return Redirect(door(to, "wrong"), status_code=HTTP_303_SEE_OTHER)
    kept = browser_cookie(app, request.cookies.get(BROWSER_NAME))
    return Redirect(to, status_code=HTTP_303_SEE_OTHER, cookies=[_cookie(app, sessions.begin(person)), kept])


@post("/session/end", sync_to_thread=True, include_in_schema=False, status_code=HTTP_303_SEE_OTHER)
def sign_out_form(request: Request[Any, Any, Any], sessions: TheSessions) -> Redirect:
    """Sign out from any page."""
    sessions.end(request.cookies.get(COOKIE))
    return Redirect("/sign-in", status_code=HTTP_303_SEE_OTHER)


def _signed_in(
    request: Request[Any, Any, Any], app: App, throttle: Throttle, login: str, password: str, at: datetime
) -> PersonId:
    """Whom the words stand for; raise `NotSignedIn`, or `TooMany` for an address that guesses."""
    address = request.client.host if request.client else ""
    try:
        app.guessing.demand(address, at)
    except Refused as refused:
        raise TooMany(refused.remedy) from refused
    last = throttle.take(address)  # before the slow hash, or guesses side by side would all pass
    try:
        person = app.people.sign_in(login, password)
    except Refused as refused:
        if last:
            app.guessing.note(address, FAILURES, at)
        raise NotSignedIn(refused.what, refused.remedy) from refused
    throttle.forgive(address)
    return person


def _who(app: App, person: PersonId) -> SignedIn:
    login, name = app.names.said(person)
    known = app.registry.person(person)
    roles = tuple(sorted({g.role for g in known.grants}))
    return SignedIn(person=person, login=login, name=name, roles=roles)


def _cookie(app: App, token: str) -> Cookie:
    """A session cookie: for this site alone, unreadable for scripts, over TLS unless the console is on loopback."""
    return Cookie(
        key=COOKIE,
        value=token,
        path="/",
        httponly=True,
        samesite="strict",
        secure=app.settings.console.public_url.startswith("https:"),
        max_age=int(ABSOLUTE.total_seconds()),
    )
