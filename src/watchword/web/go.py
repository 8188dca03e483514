"""The short address that the desk says on the telephone: where the person types the number of their own page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from watchword.app import App
from watchword.core.errors import Refused, WatchwordError
from watchword.languages.catalogue import NAMES, words
from watchword.reception.caller import asked_for, problem_in
from watchword.reception.given import Now, TheApp, TheForm, TheRecoveries, Token
from watchword.reception.problems import TooMany, problem_of
from watchword.web import view
from watchword.web.frame import caller_chrome
from watchword.web.render import render

LONGEST = 20
"""Characters of a number as it may be typed, spaces and dashes included."""


class GoPages(Controller):
    """Open to everybody, and the same whatever cases there are."""

    path = "/go"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def asks(
        self, app: TheApp, at: Now, csrf: Token, request: Request[Any, Any, Any], lang: FromQuery[str] = ""
    ) -> str:
        """Which number the desk said."""
        return _page(app, at, csrf, request, lang)

    @post("", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def goes(
        self,
        app: TheApp,
        at: Now,
        csrf: Token,
        recoveries: TheRecoveries,
        data: TheForm,
        request: Request[Any, Any, Any],
        lang: FromQuery[str] = "",
    ) -> Response[Any]:
        """To the page of that number; a wrong one is said on the form, and counted for where it comes from."""
        try:
            recoveries.take(request.client.host if request.client else "")
            case = app.desk.short_address.find(data.get("number", ""), at)
        except (Refused, TooMany) as fault:
            page = _page(app, at, csrf, request, lang, fault, data.get("number", "")[:LONGEST])
            return Response(page, media_type=MediaType.HTML, status_code=problem_of(fault).status)
        below = f"?lang={lang}" if lang in NAMES else ""
        to = f"/c/{case}/{app.desk.hand_over.page_token(case)}{below}"
        return Redirect(to, status_code=HTTP_303_SEE_OTHER)


def _page(
    app: App,
    at: datetime,
    csrf: str,
    request: Request[Any, Any, Any],
    lang: str,
    fault: WatchwordError | None = None,
    typed: str = "",
) -> str:
    say = words(asked_for(app, request.headers.get("accept-language", ""), lang))
    said = ""
    if isinstance(fault, TooMany):
        said = f"{say('refused.too_many_here.what')} {say('refused.too_many_here.remedy')}"
    elif fault is not None:
        problem = problem_in(say, problem_of(fault), fault)
        said = f"{problem.detail} {problem.remedy}"
    return render(
        view.GoPage(
            chrome=caller_chrome(app, at, csrf, say),
            language=say.language,
            chosen=say.language if lang else "",
            problem=said,
            typed=typed,
        )
    )
