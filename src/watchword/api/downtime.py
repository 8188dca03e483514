"""What was done while Watchword was down: declared by one custodian, confirmed by another, reviewed by a third."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import In, Out, Review
from watchword.api.reading import login_of
from watchword.app import App
from watchword.core.action import Action, Step
from watchword.core.downtime import Downtime
from watchword.core.ids import PersonId
from watchword.reception.ends import in_utc
from watchword.reception.given import Now, TheActor, TheApp

Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Declare(In, frozen=True, kw_only=True):
    """What was done to an account, from when until when, by whom as the directory's log calls them, and why."""

    directory: str
    account: str
    action: Action
    performer: str
    since: Time
    until: Time
    why: str


class DeclaredOut(Out, frozen=True, kw_only=True):
    """One declaration; *due* is when its review is, once a second custodian confirmed it."""

    downtime: str
    directory: str | None
    account: str
    action: Action
    performer: str | None
    since: datetime
    until: datetime
    declared_by: str
    confirmed_by: str | None
    due: datetime | None
    reviewed_by: str | None
    sound: bool | None
    overdue: bool


class DowntimeController(Controller):
    """Declarations, whose events the watch judges as downtime."""

    path = "/api/downtime"
    tags = ("downtime",)

    @get("", sync_to_thread=True)
    def listed(self, app: TheApp, actor: TheActor, at: Now) -> tuple[DeclaredOut, ...]:
        """Every declaration, newest first, for whoever may declare or review one."""
        demand_some(app, actor.person, at)
        return tuple(shown(app, one, at) for one in app.downtimes.all())

    @post("", sync_to_thread=True)
    def declare(self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[Declare]) -> DeclaredOut:
        """Declare one piece of work, as a custodian of the sealed procedure."""
        made = app.downtimes.declare(
            actor.person,
            directory=data.directory,
            query=data.account,
            action=data.action,
            performer=data.performer,
            since=in_utc(data.since, "since"),
            until=in_utc(data.until),
            why=data.why,
            at=at,
        )
        return _one(app, made, at)

    @post("/{downtime:str}/confirm", sync_to_thread=True, status_code=HTTP_200_OK)
    def confirm(self, app: TheApp, actor: TheActor, at: Now, downtime: FromPath[str]) -> DeclaredOut:
        """Stand for it as the second custodian; from then on it speaks for the events it names."""
        app.downtimes.confirm(actor.person, downtime, at)
        return _one(app, downtime, at)

    @post("/{downtime:str}/review", sync_to_thread=True, status_code=HTTP_200_OK)
    def review(
        self, app: TheApp, actor: TheActor, at: Now, downtime: FromPath[str], data: JSONBody[Review]
    ) -> DeclaredOut:
        """Look at it, as somebody who took no part."""
        app.downtimes.review(actor.person, downtime, at, sound=data.sound, account_given=data.words)
        return _one(app, downtime, at)


def sees_downtime(app: App, person: PersonId, at: datetime) -> bool:
    """Whether *person* may declare or review everywhere."""
    return any(app.roster.may(person, step, at, unit="") for step in (Step.DECLARE, Step.REVIEW))


def demand_some(app: App, person: PersonId, at: datetime) -> None:
    """Raise `Refused` unless *person* may declare or review somewhere."""
    if not sees_downtime(app, person, at):
        app.steps.demand_anywhere(person, Step.DECLARE, at)


def _one(app: App, downtime: str, at: datetime) -> DeclaredOut:
    return next(shown(app, one, at) for one in app.downtimes.all() if one.declared.downtime == downtime)


def shown(app: App, one: Downtime, at: datetime) -> DeclaredOut:
    """One declaration as people read it."""
    said = one.declared
    directory, native = app.names.native(said.account) or (None, said.account)
    return DeclaredOut(
        downtime=said.downtime,
        directory=directory,
        account=native,
        action=said.action,
        performer=app.downtimes.told(said.downtime).get("performer"),
        since=said.since,
        until=said.until,
        declared_by=login_of(app, said.by) or "",
        confirmed_by=login_of(app, one.confirmed.by) if one.confirmed else None,
        due=one.confirmed.due if one.confirmed else None,
        reviewed_by=login_of(app, one.reviewed.by) if one.reviewed else None,
        sound=one.reviewed.sound if one.reviewed else None,
        overdue=one.overdue(at),
    )
