"""Approving in somebody's place: what one lent, and what was lent to one."""

from __future__ import annotations

from datetime import datetime

from litestar import Controller, get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from watchword.api.bodies import In, Out
from watchword.api.people_bodies import StatementOut, When
from watchword.app import App
from watchword.core.ids import PersonId
from watchword.reception.ends import in_utc
from watchword.reception.given import Now, TheActor, TheApp


class Lend(In, frozen=True, kw_only=True):
    """A seat of one's own (a role, or a relation such as manager_of_record) for the person *to*, until an end date."""

    to: str
    seat: str
    until: When


class LendSigned(In, frozen=True, kw_only=True):
    """The *statement* that was asked for, with the browser's *assertion* of the lender's passkey over it."""

    statement: str
    assertion: str


class TakeBack(In, frozen=True, kw_only=True):
    """A seat that was lent."""

    to: str
    seat: str


class LentOut(Out, frozen=True, kw_only=True):
    """One seat that is lent, by login; what is not *signed* counts where approvals need no signature."""

    by: str
    to: str
    seat: str
    until: datetime
    signed: bool


class SeatController(Controller):
    """The seats of whoever is signed in."""

    path = "/api/seats"
    tags = ("approvals",)

    @get("", sync_to_thread=True)
    def listed(self, app: TheApp, actor: TheActor, at: Now) -> tuple[LentOut, ...]:
        """What this person lent, and what was lent to them."""
        return _standing(app, actor.person, at)

    @post("", sync_to_thread=True)
    def lend(self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[Lend]) -> tuple[LentOut, ...]:
        """Let an employee approve in this person's place, within a month, where approvals need no signature."""
        app.lending.lend(actor.person, data.to, data.seat, in_utc(data.until), at)
        return _standing(app, actor.person, at)

    @post("/statement", sync_to_thread=True, status_code=HTTP_200_OK)
    def to_sign(self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[Lend]) -> StatementOut:
        """What this person would sign to lend that seat, within ten minutes; the same loan may stand unsigned."""
        signing = app.lending.to_sign(actor.person, data.to, data.seat, in_utc(data.until), at)
        return StatementOut(
            statement=signing.statement,
            not_after=signing.not_after,
            namespace=signing.namespace,
            options=signing.options,
        )

    @post("/signed", sync_to_thread=True, status_code=HTTP_201_CREATED)
    def lend_signed(self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[LendSigned]) -> tuple[LentOut, ...]:
        """Lend what the statement says, by a signature: it counts where approvals are signed, too."""
        app.lending.lend_signed(actor.person, data.statement, data.assertion, at)
        return _standing(app, actor.person, at)

    @post("/back", sync_to_thread=True, status_code=HTTP_200_OK)
    def take_back(self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[TakeBack]) -> tuple[LentOut, ...]:
        """Take a seat back before its date."""
        app.lending.take_back(actor.person, data.to, data.seat, at)
        return _standing(app, actor.person, at)


def _standing(app: App, person: PersonId, at: datetime) -> tuple[LentOut, ...]:
    given = app.lending.lent_by(person, at)
    taken = ((person, one) for one in app.registry.person(person).lent_at(at))
    return tuple(
        LentOut(
            by=app.names.said(one.by)[0],
            to=app.names.said(to)[0],
            seat=one.seat,
            until=one.until,
            signed=app.lending.is_signed(one, at),
        )
        for to, one in (*given, *taken)
    )
