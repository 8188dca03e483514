"""The pages of findings, and the forms that post to them."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from watchword.reception.cases import demand_overview
from watchword.reception.findings import allow_suppression, demand_work, finding_of
from watchword.reception.given import Now, TheActor, TheApp, TheForm, Token
from watchword.web import findings_forms
from watchword.web.findings_page import finding_page, findings_page
from watchword.web.refusal import SAID_AGAIN, again
from watchword.web.render import render
from watchword.web.suppressions_page import ADDRESS, suppress, suppressions_page


class FindingPages(Controller):
    """The list, and one finding."""

    path = "/findings"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def listed(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        status: FromQuery[str] = "open",
        q: FromQuery[str] = "",
        page: FromQuery[int] = 1,
    ) -> str:
        """The findings of a status, or those that are open."""
        demand_overview(app, actor.person, at)
        return render(findings_page(app, actor.person, csrf, at, status, q, page))

    @get("/suppressions", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def suppressions(self, app: TheApp, actor: TheActor, at: Now, csrf: Token) -> str:
        """What is kept quiet."""
        demand_overview(app, actor.person, at)
        return render(suppressions_page(app, actor.person, csrf, at))

    @post("/suppressions", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def suppress(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, data: TheForm) -> Response[Any]:
        """Keep a rule quiet, from its form."""
        demand_work(app, actor.person, at)
        try:
            suppress(app, actor.person, data, at)
        except SAID_AGAIN as fault:
            return again(suppressions_page(app, actor.person, csrf, at), ADDRESS, data, fault, ADDRESS)
        return Redirect(ADDRESS, status_code=HTTP_303_SEE_OTHER)

    @post(
        "/suppressions/{suppression:str}/allow",
        include_in_schema=False,
        status_code=HTTP_303_SEE_OTHER,
        sync_to_thread=True,
    )
    def allow(self, app: TheApp, actor: TheActor, at: Now, suppression: FromPath[str]) -> Redirect:
        """Agree to a wide suppression that somebody else set."""
        allow_suppression(app, actor.person, suppression, at)
        return Redirect(ADDRESS, status_code=HTTP_303_SEE_OTHER)

    @post(
        "/suppressions/{suppression:str}/lift",
        include_in_schema=False,
        status_code=HTTP_303_SEE_OTHER,
        sync_to_thread=True,
    )
    def lift(self, app: TheApp, actor: TheActor, at: Now, suppression: FromPath[str]) -> Redirect:
        """End a suppression before its time."""
        demand_work(app, actor.person, at)
        app.findings.lift(suppression, actor.person, at)
        return Redirect(ADDRESS, status_code=HTTP_303_SEE_OTHER)

    @get("/{finding:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def one(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, finding: FromPath[str]) -> str:
        """One finding."""
        demand_overview(app, actor.person, at)
        return render(finding_page(app, finding_of(app, finding), actor.person, csrf, at))

    @post("/{finding:str}/{step:str}", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def take_step(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        finding: FromPath[str],
        step: FromPath[str],
        data: TheForm,
    ) -> Response[Any]:
        """Take a step from its form; where that is refused, the finding says why and keeps what was typed."""
        demand_work(app, actor.person, at)
        shown = finding_of(app, finding)
        here = findings_forms.address_of(shown.finding.id)
        try:
            findings_forms.take(app, actor.person, shown, step, data, at)
        except SAID_AGAIN as fault:
            page = finding_page(app, finding_of(app, finding), actor.person, csrf, at)
            return again(page, f"{here}/{step}", data, fault, here)
        return Redirect(here, status_code=HTTP_303_SEE_OTHER)
