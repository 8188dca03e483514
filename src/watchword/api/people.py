"""People, their roles, delegations and accounts; every one of these is ruled by policy like a step of a case."""

from __future__ import annotations

from datetime import datetime

from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody

from watchword.api import people_bodies as bodies
from watchword.app import App
from watchword.core.person import Delegation, Role, RoleGrant
from watchword.desk.roster import Known
from watchword.reception.ends import in_utc
from watchword.reception.given import Now, TheActor, TheApp


class PeopleController(Controller):
    """Administration of people. A delegate of a unit reaches the people of that unit, and nobody else."""

    path = "/api/people"
    tags = ("people",)

    @get("", sync_to_thread=True)
    def listed(self, app: TheApp, actor: TheActor, at: Now) -> tuple[bodies.KnownPerson, ...]:
        """Everybody whom this person may administer, by login; refused to who may administer nobody."""
        return tuple(_known(app, one, at) for one in app.roster.all(actor.person, at))

    @get("/{login:str}", sync_to_thread=True)
    def one(self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str]) -> bodies.KnownPerson:
        """One person; an unknown login and somebody of another unit are answered alike."""
        return _known(app, app.roster.find(actor.person, login, at), at)

    @post("", sync_to_thread=True)
    def register(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        data: JSONBody[bodies.RegisterPerson],
    ) -> bodies.PersonOut:
        """Make somebody known."""
        person = app.people.register(
            actor.person, login=data.login, name=data.name, kind=data.kind, unit=data.unit, at=at
        )
        login, name = app.names.said(person)
        return bodies.PersonOut(person=person, login=login, name=name)

    @post("/{login:str}/roles", sync_to_thread=True)
    def grant(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        data: JSONBody[bodies.GrantRole],
    ) -> None:
        """Give a role; a delegate gives those of their unit, and none that governs."""
        grant = RoleGrant(role=data.role, unit=data.unit, until=data.until and in_utc(data.until))
        app.people.grant(actor.person, app.roster.find(actor.person, login, at).person.id, grant, at)

    @delete("/{login:str}/roles/{role:str}", sync_to_thread=True)
    def revoke(self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], role: FromPath[Role]) -> None:
        """Take a role, in every unit."""
        app.people.revoke(actor.person, app.roster.find(actor.person, login, at).person.id, role, at)

    @post("/{login:str}/delegations", sync_to_thread=True)
    def delegate(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        data: JSONBody[bodies.Delegate],
    ) -> None:
        """Let an employee administer one unit until an end date, within a year."""
        delegation = Delegation(unit=data.unit, until=in_utc(data.until))
        app.people.delegate(actor.person, app.roster.find(actor.person, login, at).person.id, delegation, at)

    @post("/{login:str}/delegations/end", sync_to_thread=True)
    def end_delegation(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        data: JSONBody[bodies.EndDelegation],
    ) -> None:
        """End a delegation before its date."""
        app.people.end_delegation(actor.person, app.roster.find(actor.person, login, at).person.id, data.unit, at)

    @post("/{login:str}/accounts", sync_to_thread=True)
    def link(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        data: JSONBody[bodies.LinkAccount],
    ) -> bodies.AccountOut:
        """Say whose account one is."""
        person = app.roster.find(actor.person, login, at).person.id
        seen = app.desk.intake.find(data.directory, data.account)
        return bodies.AccountOut(account=app.people.link(actor.person, person, data.directory, seen.native_id, at))


def _known(app: App, known: Known, at: datetime) -> bodies.KnownPerson:
    person = known.person
    return bodies.KnownPerson(
        person=person.id,
        login=known.login,
        name=known.name,
        kind=person.kind,
        unit=person.unit,
        since=person.since,
        roles=tuple(
            bodies.RoleOut(role=g.role, unit=g.unit, until=g.until, in_force=g.until is None or at < g.until)
            for g in person.grants
        ),
        delegations=tuple(
            bodies.DelegationOut(unit=d.unit, until=d.until, in_force=at < d.until) for d in person.delegations
        ),
        credentials=tuple(
            bodies.CredentialOut(
                credential=c.id,
                method=c.method,
                enrolled_at=c.enrolled_at,
                made_alone=c.made_alone,
                fingerprint=c.fingerprint,
                confirmed_by=c.confirmed_by,
                device_bound=c.device_bound,
                revoked_at=c.revoked_at,
                replaced_at=c.replaced_at,
            )
            for c in known.credentials
        ),
        accounts=tuple(
            bodies.LinkedOut(account=a.id, directory=a.directory, native_id=a.native_id, account_class=a.account_class)
            for a in known.accounts
        ),
        pages=tuple(
            bodies.PageOut(
                page=p.id,
                purpose=p.purpose,
                by=app.names.said(p.by)[0],
                expires=p.expires,
                missed=p.missed,
                closed=p.is_closed,
            )
            for p in person.pages_known(at)
        ),
    )
