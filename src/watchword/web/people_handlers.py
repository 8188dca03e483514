"""The pages of people and of the elevated-threat switch, and the forms that post to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from watchword.app import App
from watchword.core.errors import Invalid
from watchword.core.ids import PersonId
from watchword.desk.roster import Known
from watchword.reception.ends import end_of
from watchword.reception.given import Now, TheActor, TheApp, TheForm, Token
from watchword.reception.problems import NotThere
from watchword.web import people_forms
from watchword.web.people_pages import people_page, person_page, threat_page
from watchword.web.refusal import SAID_AGAIN, again
from watchword.web.render import render


class PeoplePages(Controller):
    """The list, and one person."""

    path = "/people"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def listed(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, q: FromQuery[str] = "") -> str:
        """Everybody whom this person may administer, or those of them whom *q* finds."""
        return render(people_page(app, actor.person, csrf, at, q))

    @post("", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def register(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, data: TheForm) -> Response[Any]:
        """Register somebody."""
        try:
            return _to(people_forms.registered(app, actor.person, data, at))
        except SAID_AGAIN as fault:
            return again(people_page(app, actor.person, csrf, at), "/people", data, fault, "/people")

    @get("/{login:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def one(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, login: FromPath[str]) -> str:
        """One person."""
        return render(person_page(app, _found(app, actor.person, login, at), actor.person, csrf, at))

    @post("/{login:str}/{step:str}", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def take_step(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        login: FromPath[str],
        step: FromPath[str],
        data: TheForm,
    ) -> Response[Any]:
        """Take a step from its form; where that is refused, the person's page says why and keeps what was typed."""
        known = _found(app, actor.person, login, at)
        try:
            people_forms.take(app, actor.person, known.person.id, step, data, at)
        except SAID_AGAIN as fault:
            page = person_page(app, _found(app, actor.person, login, at), actor.person, csrf, at)
            here = people_forms.address_of(known.login)
            return again(page, f"{here}/{step}", data, fault, here)
        return _to(known.login)


class ThreatPages(Controller):
    """The elevated-threat switch."""

    path = "/threat"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def shown(self, app: TheApp, actor: TheActor, at: Now, csrf: Token) -> str:
        """How the switch stands."""
        return render(threat_page(app, actor.person, csrf, at))

    @post("", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def turn_on(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, data: TheForm) -> Response[Any]:
        """Turn it on, or let it last."""
        try:
            app.people.raise_threat(actor.person, end_of(data.get("until", ""), at), data.get("why", ""), at)
        except SAID_AGAIN as fault:
            return again(threat_page(app, actor.person, csrf, at), "/threat", data, fault, "/threat")
        return Redirect("/threat", status_code=HTTP_303_SEE_OTHER)

    @post("/lower", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def turn_off(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, data: TheForm) -> Response[Any]:
        """Agree that it is turned off; two people have to. What is refused keeps what was typed."""
        try:
            app.people.lower_threat(actor.person, data.get("why", ""), at)
        except SAID_AGAIN as fault:
            return again(threat_page(app, actor.person, csrf, at), "/threat/lower", data, fault, "/threat")
        return Redirect("/threat", status_code=HTTP_303_SEE_OTHER)


def _found(app: App, actor: PersonId, login: str, at: datetime) -> Known:
    """Somebody by login; `NotThere` in the same words for nobody and for whom *actor* may not administer."""
    try:
        return app.roster.find(actor, login, at)
    except Invalid as invalid:
        raise NotThere from invalid


def _to(login: str) -> Redirect:
    return Redirect(people_forms.address_of(login), status_code=HTTP_303_SEE_OTHER)
