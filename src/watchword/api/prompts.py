"""Prompts in a browser that was enrolled for them: no session, the browser signs what it asks and answers."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api import people_bodies
from watchword.api.bodies import In, Out
from watchword.api.own_enrolment import OwnPageOut, Spoken, theirs
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.prompt import DUO_DEVICE
from watchword.desk.prompts import Held
from watchword.languages.catalogue import preferred, words, written
from watchword.notices.port import Subscription
from watchword.reception.caller import of_accounts
from watchword.reception.cases import settle
from watchword.reception.given import Now, TheActor, TheApp, TheVisitor


class EnrolBrowser(Spoken, frozen=True, kw_only=True):
    """What stands behind the address, the page's code, and the public half of the browser's P-256 key as in a JWK."""

    offer: str
    x: str
    y: str


class BrowserEnrolled(Out, frozen=True, kw_only=True):
    """What the browser keeps."""

    person: str
    credential: str


class Greeting(Out, frozen=True, kw_only=True):
    """What the browser signs next."""

    greeting: str


class SignedGreeting(In, frozen=True, kw_only=True):
    """A greeting, and the signature of the browser over it (base64url)."""

    greeting: str
    signature: str


class SignedNumber(In, frozen=True, kw_only=True):
    """What the browser signed, as JSON text."""

    answer: str


class PromptOut(Out, frozen=True, kw_only=True):
    """A prompt; *statement* (base64url) is what its answer is signed over."""

    challenge: str
    case: str
    action: str
    statement: str
    expires: datetime


class PromptsOut(Out, frozen=True, kw_only=True):
    """What waits, and the next greeting."""

    greeting: str
    prompts: tuple[PromptOut, ...]


class Wakeable(In, frozen=True, kw_only=True):
    """Where the browser is woken, as its push service and it agreed, and its signature over that and a greeting."""

    greeting: str
    signature: str
    endpoint: str
    p256dh: str
    auth: str


class EnrolFactor(In, frozen=True, kw_only=True):
    """Which *factor* of which *user* at Okta is a person's Okta Verify: their ids there."""

    user: str
    factor: str


class EnrolDevice(In, frozen=True, kw_only=True):
    """Which *device* of which *user* at Duo is a person's Duo Mobile: their ids there."""

    user: str
    device: str


class FactorController(Controller):
    """The apps of a provider that answer prompts."""

    path = "/api/people/{login:str}"
    tags = ("people",)

    @post("/okta-verify", sync_to_thread=True)
    def enrol(
        self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], data: JSONBody[EnrolFactor]
    ) -> people_bodies.Enrolled:
        """Enrol somebody's Okta Verify."""
        person = app.roster.find(actor.person, login, at).person.id
        made = app.factors.enrol(actor.person, person, user=data.user, factor=data.factor, at=at)
        return people_bodies.Enrolled(method=made.method)

    @post("/duo-mobile", sync_to_thread=True)
    def enrol_duo(
        self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], data: JSONBody[EnrolDevice]
    ) -> people_bodies.Enrolled:
        """Enrol somebody's Duo Mobile."""
        person = app.roster.find(actor.person, login, at).person.id
        made = app.factors.enrol(actor.person, person, user=data.user, factor=data.device, at=at, kind=DUO_DEVICE)
        return people_bodies.Enrolled(method=made.method)


class PromptController(Controller):
    """What an enrolled browser asks and says."""

    path = "/api/prompts"
    tags = ("prompts",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)

    @post("/browsers", sync_to_thread=True)
    def enrol(self, app: TheApp, at: Now, visitor: TheVisitor, data: JSONBody[EnrolBrowser]) -> BrowserEnrolled:
        """Enrol the browser that opened the address of a page for it; the page is gone then."""
        with theirs(app.prompts.links, data.offer, visitor, at):
            held = app.prompts.enrol(data.offer, data.spoken, data.x, data.y, at)
        return BrowserEnrolled(person=held.person, credential=held.credential)

    @get("/greeting", sync_to_thread=True)
    def greeting(self, app: TheApp, at: Now) -> Greeting:
        """What to sign before asking."""
        return Greeting(greeting=app.prompts.greeting(at))

    @post("/{person:str}/{credential:str}/waiting", sync_to_thread=True, status_code=HTTP_200_OK)
    def waiting(
        self,
        app: TheApp,
        at: Now,
        person: FromPath[str],
        credential: FromPath[str],
        data: JSONBody[SignedGreeting],
        request: Request[Any, Any, Any],
    ) -> PromptsOut:
        """What waits for this browser, in the language of its page."""
        say = words(preferred(request.headers.get("accept-language", "")))
        held = Held(person=PersonId(person), credential=credential)
        found = app.prompts.waiting(held, data.greeting, data.signature, at)
        return PromptsOut(
            greeting=app.prompts.greeting(at),
            prompts=tuple(
                PromptOut(
                    challenge=one.challenge,
                    case=one.case[:8],
                    action=say(f"action.{one.action}"),
                    statement=base64.urlsafe_b64encode(one.statement).rstrip(b"=").decode(),
                    expires=one.expires,
                )
                for one in found
            ),
        )

    @post("/{person:str}/{credential:str}/subscription", sync_to_thread=True, status_code=HTTP_200_OK)
    def subscribe(
        self, app: TheApp, at: Now, person: FromPath[str], credential: FromPath[str], data: JSONBody[Wakeable]
    ) -> Greeting:
        """Say where this browser is woken; `Refused` where browsers are not woken here."""
        if app.waking is None:
            raise Refused("Browsers are not woken here.", "Keep the page open.", ("not_woken",))
        held = Held(person=PersonId(person), credential=credential)
        where = Subscription(endpoint=data.endpoint, p256dh=data.p256dh, auth=data.auth)
        app.waking.subscribe(held, data.greeting, data.signature, where, at)
        return Greeting(greeting=app.prompts.greeting(at))

    @post("/{person:str}/{credential:str}/answers/{challenge:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def answer(
        self,
        app: TheApp,
        at: Now,
        person: FromPath[str],
        credential: FromPath[str],
        challenge: FromPath[str],
        data: JSONBody[SignedNumber],
    ) -> Greeting:
        """Answer a prompt; a wrong number, or saying that it was not you, ends it."""
        held = Held(person=PersonId(person), credential=credential)
        settle(app, app.prompts.answer(held, challenge, data.answer, at), challenge, at)
        return Greeting(greeting=app.prompts.greeting(at))


class PromptOfferController(Controller):
    """Enrolling somebody's browser, by whoever may enrol credentials."""

    path = "/api/people/{login:str}/prompts"
    tags = ("people",)

    @post("", sync_to_thread=True)
    def link(self, app: TheApp, actor: TheActor, at: Now, visitor: TheVisitor, login: FromPath[str]) -> OwnPageOut:
        """Make the address of a page on which somebody enrols a browser of theirs by themself, once, within a day."""
        person = app.roster.find(actor.person, login, at).person.id
        made = app.prompts.link(actor.person, person, at, visitor.mark)
        tag = written(of_accounts(app, app.registry.person(person).accounts))
        # Behind the fragment, which no server is told and no log keeps.
        address = f"{app.settings.console.public_url.rstrip('/')}/prompts{f'?lang={tag}' if tag else ''}#{made.token}"
        return OwnPageOut(address=address, code=made.code, expires=made.expires)
