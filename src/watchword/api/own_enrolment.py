"""Enrolment by the person alone: the address of a page of their own, what that page asks, and taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import segno
from litestar import Controller, delete, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import In, Out
from watchword.api.people_bodies import PasskeyOffer
from watchword.app import App
from watchword.core.errors import Invalid
from watchword.desk.browsers import Visitor
from watchword.desk.links import Link, Links, take_back
from watchword.reception.given import Now, TheActor, TheApp, TheVisitor
from watchword.reception.problems import PageOver


class OwnPageOut(Out, frozen=True, kw_only=True):
    """The address of a page of somebody's own, good for one use until *expires*.

    *code* is six digits without which the page does nothing: for its owner, by another way than the address takes.
    """

    address: str
    code: str
    expires: datetime


class Spoken(In, frozen=True, kw_only=True):
    """The code of the page, as its owner was told it."""

    spoken: str


class OwnPasskey(Spoken, frozen=True, kw_only=True):
    """What the browser made: its registration response (`PublicKeyCredential`) as JSON text."""

    answer: str


class AppOffer(Out, frozen=True, kw_only=True):
    """An authenticator app to be set up until *expires*: by its `otpauth:` *address*, as a *picture*, or by hand.

    *picture* is a QR code as a `data:` address of SVG, *key* the seed in base32, *challenge* comes back with a code.
    """

    challenge: str
    address: str
    key: str
    picture: str
    expires: datetime


class AppCode(Spoken, frozen=True, kw_only=True):
    """The *challenge* of an offer, and the six digits that the app shows.

    Both in the body: the challenge holds the seed, and addresses are written down by whatever stands in between.
    """

    challenge: str
    code: str


class EnrolledAlone(Out, frozen=True, kw_only=True):
    """What was enrolled; *counts_from* is None where it counts at once."""

    method: str
    counts_from: datetime | None


class OwnEnrolmentController(Controller):
    """A credential, from the address of a page to what its owner makes there."""

    path = "/api"

    @post("/people/{login:str}/enrolment-page", sync_to_thread=True, tags=["people"])
    def link(self, app: TheApp, actor: TheActor, at: Now, visitor: TheVisitor, login: FromPath[str]) -> OwnPageOut:
        """Make the address of a page on which somebody enrols a passkey or an app by themself, once, within a day."""
        person = app.roster.find(actor.person, login, at).person.id
        made = app.own_enrolment.link(actor.person, person, at, visitor.mark)
        return own_page(app, "enrol", made)

    @delete("/people/{login:str}/pages/{page:str}", sync_to_thread=True, tags=["people"])
    def take_back(self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], page: FromPath[str]) -> None:
        """Take the address of a page of somebody's own back: it leads nowhere from now on."""
        take_back(app.roster, actor.person, app.roster.find(actor.person, login, at).person.id, page, at)

    @post("/enrol/{token:str}/passkeys", sync_to_thread=True, tags=["caller"], exclude_from_csrf=True)
    def offer_passkey(
        self, app: TheApp, at: Now, visitor: TheVisitor, token: FromPath[str], data: JSONBody[Spoken]
    ) -> PasskeyOffer:
        """Begin a passkey: what a browser needs to make one with the person's own authenticator, for five minutes."""
        with theirs(app.own_enrolment.links, token, visitor, at):
            offer = app.own_enrolment.offer_passkey(token, data.spoken, at)
        return PasskeyOffer(challenge=offer.challenge, options=offer.options, expires=offer.expires)

    @post("/enrol/{token:str}/passkeys/{challenge:str}", sync_to_thread=True, tags=["caller"], exclude_from_csrf=True)
    def passkey(
        self,
        app: TheApp,
        at: Now,
        visitor: TheVisitor,
        token: FromPath[str],
        challenge: FromPath[str],
        data: JSONBody[OwnPasskey],
    ) -> EnrolledAlone:
        """Enrol the passkey the browser made; the page is gone then."""
        with theirs(app.own_enrolment.links, token, visitor, at):
            made = app.own_enrolment.passkey(token, data.spoken, challenge, data.answer, at)
        return EnrolledAlone(method=made.method, counts_from=made.counts_from)

    @post(
        "/enrol/{token:str}/apps", sync_to_thread=True, status_code=HTTP_200_OK, tags=["caller"], exclude_from_csrf=True
    )
    def offer_app(
        self, app: TheApp, at: Now, visitor: TheVisitor, token: FromPath[str], data: JSONBody[Spoken]
    ) -> AppOffer:
        """Begin an authenticator app with a seed of its own, for fifteen minutes; it counts once its code is known."""
        with theirs(app.own_enrolment.links, token, visitor, at):
            offer = app.own_enrolment.offer_totp(token, data.spoken, at)
        return AppOffer(
            challenge=offer.challenge,
            address=offer.address,
            key=offer.key,
            picture=segno.make(offer.address, micro=False).svg_data_uri(scale=4, border=4),
            expires=offer.expires,
        )

    @post("/enrol/{token:str}/apps/code", sync_to_thread=True, tags=["caller"], exclude_from_csrf=True)
    def confirm_app(
        self, app: TheApp, at: Now, visitor: TheVisitor, token: FromPath[str], data: JSONBody[AppCode]
    ) -> EnrolledAlone:
        """Enrol the app that shows this code; the page is gone then. A wrong code of the app can be typed again."""
        with theirs(app.own_enrolment.links, token, visitor, at):
            made = app.own_enrolment.totp(token, data.spoken, data.challenge, data.code, at)
        return EnrolledAlone(method=made.method, counts_from=made.counts_from)


def own_page(app: App, room: str, link: Link) -> OwnPageOut:
    """The page of *link*, below the address people type."""
    address = f"{app.settings.console.public_url.rstrip('/')}/{room}/{link.token}"
    return OwnPageOut(address=address, code=link.code, expires=link.expires)


@contextmanager
def page_or_none() -> Iterator[None]:
    """`PageOver` for a page that was used, or never was one."""
    try:
        yield
    except Invalid as invalid:
        if invalid.where == "page":
            raise PageOver from invalid
        raise


@contextmanager
def theirs(links: Links, token: str, visitor: Visitor, at: datetime) -> Iterator[None]:
    """As `page_or_none`; `Refused` before anything where *visitor* is in a browser of the desk's."""
    with page_or_none():
        links.demand_theirs(token, visitor, at)
        yield
