"""Vouching: what is asked of whoever is signed in, and their answer; and whom somebody names as a recovery contact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import In, Out
from watchword.core.ids import CaseId
from watchword.desk.vouching import name_contact, name_supervisor
from watchword.reception import wording
from watchword.reception.browser import NAME as BROWSER_NAME
from watchword.reception.browser import mark_of
from watchword.reception.cases import settle
from watchword.reception.given import Now, TheActor, TheApp


class VouchOut(Out, frozen=True, kw_only=True):
    """One word that is asked: about whom, for what, by which agent; *options* are a passkey's request options."""

    case: str
    challenge: str
    method: str
    name: str
    login: str
    action: str
    by: str
    expires: datetime
    options: str


class VouchAnswer(In, frozen=True, kw_only=True):
    """A passkey's assertion as JSON text, or `no`."""

    answer: str


class NameContact(In, frozen=True, kw_only=True):
    """The login of a colleague."""

    contact: str


class Supervised(In, frozen=True, kw_only=True):
    """The site of a supervisor, as people there call it."""

    site: str


class VouchingController(Controller):
    """For whoever is asked to vouch."""

    path = "/api"
    tags = ("people",)

    @get("/vouches", sync_to_thread=True)
    def asked(self, app: TheApp, actor: TheActor, at: Now) -> tuple[VouchOut, ...]:
        """What is asked of whoever is signed in."""
        said = app.names.said
        return tuple(
            VouchOut(
                case=vouch.case,
                challenge=vouch.challenge,
                method=vouch.as_,
                name=said(vouch.subject)[1] if vouch.subject else "",
                login=said(vouch.subject)[0] if vouch.subject else "",
                action=wording.ACTIONS[vouch.action][0],
                by=said(vouch.by)[1],
                expires=vouch.expires,
                options=vouch.options,
            )
            for vouch in app.desk.verification.vouches(actor.person, at)
        )

    @post("/vouches/{case:str}/{challenge:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def answer(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        challenge: FromPath[str],
        data: JSONBody[VouchAnswer],
        request: Request[Any, Any, Any],
    ) -> None:
        """Say yes with a passkey, or no. A no is refused as a failure of the method, and kept."""
        seen = mark_of(app, request.cookies.get(BROWSER_NAME))
        app.desk.verification.vouch(actor.person, CaseId(case), challenge, data.answer, at, mark=seen)
        settle(app, CaseId(case), challenge, at)

    @post("/people/{login:str}/supervises", sync_to_thread=True)
    def supervises(
        self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], data: JSONBody[Supervised]
    ) -> None:
        """Enrol somebody as a supervisor of a site's kiosks; their word counts in thirty days."""
        name_supervisor(app.people, actor.person, app.roster.find(actor.person, login, at).person.id, data.site, at)

    @post("/people/{login:str}/recovery-contact", sync_to_thread=True)
    def name(self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], data: JSONBody[NameContact]) -> None:
        """Enrol the colleague somebody named; their word counts in thirty days."""
        person, contact = (app.roster.find(actor.person, each, at).person.id for each in (login, data.contact))
        name_contact(app.people, actor.person, person, contact, at)
