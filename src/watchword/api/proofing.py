"""The ways to an identity provider and back: the person's browser is sent and returns, or the provider posts."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery, JSONBody, RawBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER

from watchword.api import people_bodies
from watchword.api.bodies import In, Out
from watchword.core.errors import Invalid, Refused
from watchword.core.identity import PROOFING
from watchword.core.ids import CaseId
from watchword.reception import countersign
from watchword.reception.cases import caller_page, settle
from watchword.reception.given import Now, TheActor, TheApp, TheVisitor
from watchword.reception.problems import NotThere

SENT = "proofing"
"""Cookie of the browser that was sent to a provider."""


class Sent(Out, frozen=True, kw_only=True):
    """Where the person goes."""

    address: str


class Taken(Out, frozen=True, kw_only=True):
    """What became of a posted result: it proved, it did not, or its challenge had ended before (`known`)."""

    result: Literal["taken", "refused", "known"]


class EnrolIdentity(In, frozen=True, kw_only=True):
    """The name and date of birth on somebody's documents; kept as a sealed digest alone."""

    given_name: str
    family_name: str
    birthdate: str


class IdentityController(Controller):
    """The record a provider's result is held against."""

    path = "/api/people/{login:str}/identity"
    tags = ("people",)

    @post("", sync_to_thread=True)
    def enrol(
        self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], data: JSONBody[EnrolIdentity]
    ) -> people_bodies.Enrolled:
        """Enrol who somebody is on their documents."""
        made = app.proofings.enrol(
            actor.person,
            app.roster.find(actor.person, login, at).person.id,
            given_name=data.given_name,
            family_name=data.family_name,
            birthdate=data.birthdate,
            at=at,
        )
        return people_bodies.Enrolled(method=made.method)


class ProofingController(Controller):
    """To the provider, and back."""

    path = "/api/proofing"
    tags = ("proofing",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)

    @post("/{case:str}/{token:str}/{challenge:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def send(
        self,
        app: TheApp,
        at: Now,
        case: FromPath[str],
        token: FromPath[str],
        challenge: FromPath[str],
        request: Request[Any, Any, Any],
        visitor: TheVisitor,
    ) -> Response[Sent]:
        """Send the browser of a caller's page to the provider, and bind the way back to it by a cookie."""
        loaded = caller_page(app, CaseId(case), token)
        app.desk.their_page.demand(loaded, visitor, at)
        countersign.demand_heard(app, loaded.case, request.cookies)
        running = next((c for c in loaded.case.challenges if c.id == challenge and not c.ended), None)
        if running is None:
            raise Refused("This challenge is over.", "Ask the desk to begin it again.", ("expired",))
        port, ask = app.desk.verification.ask_of(loaded.case, challenge, at)
        address = port.begin(ask).options
        if port.name not in PROOFING or address is None:
            raise NotThere
        cookie = Cookie(
            key=SENT,
            value=app.proofings.browser(app.proofings.reference_of(ask, port.name)),
            path="/api/proofing/return",
            httponly=True,
            samesite="lax",  # the provider's page leads back here, and strict would leave the cookie at home
            secure=app.settings.console.public_url.startswith("https:"),
        )
        return Response(Sent(address=address), cookies=[cookie])

    @get("/return", sync_to_thread=True, status_code=HTTP_303_SEE_OTHER)
    def back(
        self,
        app: TheApp,
        at: Now,
        request: Request[Any, Any, Any],
        code: FromQuery[str] = "",
    ) -> Redirect:
        """Bring the browser that was sent back to its page, with the provider's code behind the fragment."""
        reference = str(request.query_params.get("state", ""))  # a name that handlers can not take as their own
        app.proofings.demand_browser(reference, request.cookies.get(SENT, ""))
        try:
            case, token, challenge = app.proofings.page_of(reference, at)
        except Invalid as unknown:
            raise NotThere from unknown
        back = f"/c/{case}/{token}"
        if code:  # without one they turned back, which is no answer
            back += f"#proofing={challenge}.{quote(code, safe='')}"
        return Redirect(back, status_code=HTTP_303_SEE_OTHER)

    @post("/results/{provider:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def deliver(
        self, app: TheApp, at: Now, provider: FromPath[str], body: RawBody, request: Request[Any, Any, Any]
    ) -> Taken:
        """Take a result that a provider posts, signed; once, however often it is delivered.

        The headers `x-watchword-timestamp` (seconds since 1970) and `x-watchword-signature` (HMAC-SHA256 in hexadecimal
        over the timestamp, a full stop and the body) say that it is the provider's. One that is not is refused before
        anything counts; one that does not prove the person is taken, and counts against the account.
        """
        posts = app.proofing_posts.get(provider)
        if posts is None:
            raise NotThere
        delivery = posts.read(
            body, request.headers.get("x-watchword-timestamp", ""), request.headers.get("x-watchword-signature", "")
        )
        reference = posts.reference(delivery, at)
        try:
            taken = app.proofings.deliver(reference, msgspec.json.encode(delivery).decode(), at)
        except Invalid as unknown:
            raise NotThere from unknown
        except Refused as refused:
            if "wrong_answer" not in refused.reasons:
                raise
            return Taken(result="refused")
        if taken is None:
            return Taken(result="known")
        settle(app, *taken, at)
        return Taken(result="taken")
