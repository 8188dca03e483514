"""Approving in somebody's place: what one lent, and what was lent to one."""

from __future__ import annotations

from datetime import datetime

from litestar import Controller, get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import In, Out
from watchword.api.people_bodies import When
from watchword.app import App
from watchword.core.ids import PersonId
from watchword.reception.given import Now, TheActor, TheApp


class Lend(In, frozen=True, kw_only=True):
    """A seat of one's own (a role, or a relation such as manager_of_record) for the person *to*, until an end date."""

    to: str
    seat: str
    until: When


class TakeBack(In, frozen=True, kw_only=True):
    """A seat that was lent."""

    to: str
    seat: str


class LentOut(Out, frozen=True, kw_only=True):
    """One seat that is lent, by login."""

    by: str
    to: str
    seat: str
    until: datetime


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
        """Let an employee approve in this person's place, within a month."""
        app.lending.lend(actor.person, data.to, data.seat, data.until, at)
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
        LentOut(by=app.names.said(one.by)[0], to=app.names.said(to)[0], seat=one.seat, until=one.until)
        for to, one in (*given, *taken)
    )
