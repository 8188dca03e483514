"""The console whole: the API and the pages over one `App`, behind one edge that keeps sessions, tokens and headers."""

from __future__ import annotations

import traceback
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import Litestar, Request, Response
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR
from litestar.types import Message, Scope
from litestar.utils.scope.state import ScopeState

from watchword import __version__
from watchword.api.approver import ADDRESS, cors
from watchword.api.handlers import HANDLERS
from watchword.api.session import COOKIE
from watchword.app import App
from watchword.core.errors import WatchwordError
from watchword.desk.browsers import Visitor
from watchword.languages.catalogue import Words, preferred, words
from watchword.reception import approver
from watchword.reception.afterwards import Afterwards
from watchword.reception.browser import NAME as BROWSER_NAME
from watchword.reception.browser import mark_of
from watchword.reception.caller import is_callers, problem_in
from watchword.reception.landing import door
from watchword.reception.problem_docs import Described
from watchword.reception.problems import (
    MEDIA_TYPE,
    RETRY_S,
    Broken,
    Busy,
    Forged,
    Malformed,
    NotSignedIn,
    NotThere,
    problem_of,
)
from watchword.reception.scraping import PATH
from watchword.reception.sessions import Actor, Sessions, Throttle
from watchword.web import policy_page
from watchword.web.approve_page import headers_of
from watchword.web.handlers import PAGES
from watchword.web.render import CSP, STATIC
from watchword.web.trouble import caller_trouble, trouble

log = structlog.get_logger("watchword.console")

HEADERS = (
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), clipboard-write=(self)"),
)
"""Sent with every answer."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""What takes no step."""

OURS = frozenset({"same-origin", "none"})
"""Where a browser says that a step of ours comes from (`Sec-Fetch-Site`); a program says nothing."""

MOST_RECOVERIES, RECOVERIES_WITHIN = 30, timedelta(minutes=10)
"""How much one address may ask of the self-service page within a time; what is only looked at is not counted."""


class Edge:
    """What stands around every handler: who asks, what is turned away, what an answer carries, how a fault is said."""

    def __init__(self, app: App, sessions: Sessions) -> None:
        self.app, self.sessions = app, sessions
        self.secure = app.settings.console.public_url.startswith("https:")

    def actor(self, request: Request[Any, Any, Any]) -> Actor:
        """Whoever is signed in; `NotSignedIn` for anybody else."""
        return self.sessions.actor(request.cookies.get(COOKIE))

    def visitor(self, request: Request[Any, Any, Any]) -> Visitor:
        """Whoever it is, signed in or not, and in which browser."""
        mark = mark_of(self.app, request.cookies.get(BROWSER_NAME))
        return Visitor(signed_in=self.sessions.whose(request.cookies.get(COOKIE)), mark=mark)

    def at(self) -> datetime:
        """The desk's time, once for this request."""
        return self.app.clock()

    def of_ours(self, request: Request[Any, Any, Any]) -> None:
        """Raise `Forged` for a step that a page of somebody else's takes.

        A neighbour on our domain can plant a token's cookie, and SameSite sends the session along with its forms. The
        approver's page has an origin of its own, no cookie, and a pass that no other page has.
        """
        site = request.headers.get("sec-fetch-site", "none")
        if request.method not in SAFE and site not in OURS and request.url.path != ADDRESS:
            raise Forged

    async def sealed(self, message: Message, scope: Scope) -> None:
        """Set the headers that every answer has, and those of its page."""
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            path, origin = scope["path"], dict(scope["headers"]).get(b"origin", b"").decode("latin-1")
            special = headers_of(self.app.settings) if f"{path}/".startswith(approver.PATH) else ()
            if path == policy_page.MAP:  # a picture that is opened by itself has its own style
                special = (("content-security-policy", policy_page.OF_PICTURE),)
            for name, value in (*HEADERS, *special, *cors(self.app, path, origin).items()):
                headers[name] = value
            if self.secure:
                headers["strict-transport-security"] = "max-age=31536000"
            headers.setdefault("cache-control", "no-store")

    def failed(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """What went wrong: as problem details for a program, as a page for a person, in the words of whoever asked."""
        fault = _fault_of(error)
        problem = problem_of(fault)
        say = _of_caller(request)
        if say is not None:
            problem = problem_in(say, problem, fault)
        busy = {"retry-after": str(RETRY_S)} if isinstance(fault, Busy) else {}
        if problem.status >= 500 and not busy:
            # The trace as text: a renderer that shows local variables would show what was typed.
            trace = "".join(traceback.format_exception(error))
            # The template and never the path: a caller's page has its token there.
            log.error("request.failed", path=request.scope.get("path_template", ""), fault=fault.fault, trace=trace)
        if request.url.path.startswith(("/api", "/ledger/", "/.well-known/")) or request.url.path in {"/healthz", PATH}:
            body = msgspec.json.encode(problem)
            return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=busy)
        if isinstance(fault, NotSignedIn) and "hx-request" not in request.headers:
            return Redirect(door(_asked(request)))
        person = None
        with suppress(NotSignedIn):
            person = self.actor(request).person
        if say is not None:
            page = caller_trouble(self.app, problem, csrf(request), say, self.at())
        else:
            page = trouble(self.app, problem, person, csrf(request), _back(request.url.path), self.at())
        return Response(page, status_code=problem.status, media_type="text/html")


def csrf(request: Request[Any, Any, Any]) -> str:
    """The token that forms of this page carry."""
    return str(ScopeState.from_scope(request.scope).csrf_token or "")


def create_console(
    app: App,
    *,
    sessions: Sessions | None = None,
    throttle: Throttle | None = None,
    afterwards: Afterwards | None = None,
) -> Litestar:
    """The ASGI application over *app*; it closes nothing that it did not open."""
    known, slowed = sessions or Sessions(app.people.sign_in_of), throttle or Throttle()
    recoveries = Throttle(app.clock, most=MOST_RECOVERIES, within=RECOVERIES_WITHIN)
    later = afterwards or Afterwards()
    edge = Edge(app, known)
    return Litestar(
        route_handlers=[
            *HANDLERS,
            *PAGES,
            create_static_files_router(path="/static", directories=[STATIC], include_in_schema=False),
        ],
        dependencies={
            "app": Provide(lambda: app, use_cache=True, sync_to_thread=False),
            "sessions": Provide(lambda: known, use_cache=True, sync_to_thread=False),
            "throttle": Provide(lambda: slowed, use_cache=True, sync_to_thread=False),
            "recoveries": Provide(lambda: recoveries, use_cache=True, sync_to_thread=False),
            "afterwards": Provide(lambda: later, use_cache=True, sync_to_thread=False),
            "actor": Provide(edge.actor, sync_to_thread=False),
            "visitor": Provide(edge.visitor, sync_to_thread=False),
            "csrf": Provide(csrf, sync_to_thread=False),
            "at": Provide(edge.at, sync_to_thread=False),
        },
        csrf_config=CSRFConfig(
            secret=app.keys.derive("csrf").hex(),
            cookie_name="csrftoken",
            header_name="x-csrftoken",
            cookie_samesite="strict",
            cookie_secure=edge.secure,
        ),
        exception_handlers=dict.fromkeys((WatchwordError, HTTPException, HTTP_500_INTERNAL_SERVER_ERROR), edge.failed),
        before_request=edge.of_ours,
        before_send=[edge.sealed],
        on_shutdown=[later.close],
        openapi_config=OpenAPIConfig(
            title="Watchword",
            version=__version__,
            path="/api/schema",
            use_handler_docstrings=True,
            render_plugins=[Described(path="/openapi.json")],
        ),
        request_max_body_size=65_536,
        logging_config=None,
        debug=False,
    )


def _fault_of(error: Exception) -> WatchwordError:
    """What went wrong, as a fault of ours."""
    if isinstance(error, WatchwordError):
        return error
    if isinstance(error, RecursionError):
        return Malformed(("It is nested deeper than anything this step needs.",))
    if not isinstance(error, HTTPException) or error.status_code >= HTTP_500_INTERNAL_SERVER_ERROR:
        return Broken()
    match error.status_code:
        case 401:
            return NotSignedIn()
        case 403:
            return Forged()
        case 404 | 405:
            return NotThere()
    extra = error.extra if isinstance(error.extra, list) else []
    where = tuple(f"{e.get('key', '')}: {e.get('message', '')}".strip(": ") for e in extra)
    return Malformed(where or (error.detail,))


def _of_caller(request: Request[Any, Any, Any]) -> Words | None:
    """The words of the person's own page; None where it is somebody of the desk who asks."""
    if not is_callers(request.url.path):
        return None
    accept, chosen = request.headers.get("accept-language", ""), request.query_params.get("lang", "")
    return words(preferred(accept, chosen=chosen))


def _asked(request: Request[Any, Any, Any]) -> str:
    """The page that whoever signs in goes back to: the one they asked for, or the one that a form stood on."""
    if request.method != "GET":
        return _back(request.url.path)
    path = quote(request.url.path)
    return f"{path}?{query}" if (query := request.url.query) else path


def _back(path: str) -> str:
    """Where a page's trouble leads back to: the case or the person it was about, or the start."""
    parts = path.split("/")
    return quote("/".join(parts[:3])) if len(parts) > 3 and parts[1] in {"cases", "people"} else "/"
