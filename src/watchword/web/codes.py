"""The page on which somebody sees their recovery codes, once."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery

from watchword.core.errors import Invalid
from watchword.languages.catalogue import words
from watchword.reception.caller import language_for
from watchword.reception.given import Now, TheApp, TheVisitor, Token
from watchword.reception.problems import PageOver
from watchword.web import view
from watchword.web.frame import caller_chrome
from watchword.web.render import render


@get("/codes/{token:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
def codes_page(
    app: TheApp,
    at: Now,
    csrf: Token,
    visitor: TheVisitor,
    token: FromPath[str],
    request: Request[Any, Any, Any],
    lang: FromQuery[str] = "",
) -> str:
    """The page before it shows anything: to look at it, as a preview does, uses nothing up."""
    try:
        app.saved_codes.links.demand_theirs(token, visitor, at)
        person = app.saved_codes.demand(token, at)
    except Invalid as invalid:
        raise PageOver from invalid
    accounts = app.registry.person(person).accounts
    say = words(language_for(app, accounts, request.headers.get("accept-language", ""), lang))
    return render(
        view.CodesPage(chrome=caller_chrome(app, at, csrf, say), api=f"/api/codes/{token}", language=say.language)
    )
