"""The self-service page: who asks, what is lost, and then one way after another to prove it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery

from watchword.app import App
from watchword.languages.catalogue import words
from watchword.reception.alone import demand_on, page_of, title_of
from watchword.reception.browser import NAME as BROWSER_NAME
from watchword.reception.browser import browser_cookie
from watchword.reception.caller import asked_for
from watchword.reception.given import Now, TheApp, Token
from watchword.web import view
from watchword.web.frame import caller_chrome
from watchword.web.render import render


class RecoverPages(Controller):
    """Open to everybody where it is on, and the same for every name."""

    path = "/recover"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def begin(
        self, app: TheApp, at: Now, csrf: Token, request: Request[Any, Any, Any], lang: FromQuery[str] = ""
    ) -> Response[str]:
        """Who asks, and what is lost."""
        demand_on(app)
        return _page(app, request, csrf, "", lang, at)

    @get("/{case:str}/{token:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def prove(
        self,
        app: TheApp,
        at: Now,
        csrf: Token,
        case: FromPath[str],
        token: FromPath[str],
        request: Request[Any, Any, Any],
        lang: FromQuery[str] = "",
    ) -> Response[str]:
        """Which way to prove it, and the answer; a case that was never opened has the same page."""
        mine = page_of(app, case, token)
        return _page(app, request, csrf, f"/{mine}/{token}", lang, at)


def _page(app: App, request: Request[Any, Any, Any], csrf: str, below: str, lang: str, at: datetime) -> Response[str]:
    say = words(asked_for(app, request.headers.get("accept-language", ""), lang))
    page = view.RecoverPage(
        chrome=caller_chrome(app, at, csrf, say),
        api=f"/api/recover{below}",
        proving=bool(below),
        ways=tuple((name, title_of(name, say)) for name in app.self_service.ways) if below else (),
        language=say.language,
    )
    kept = browser_cookie(app, request.cookies.get(BROWSER_NAME))
    return Response(render(page), media_type=MediaType.HTML, cookies=[kept])
