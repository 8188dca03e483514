"""People, roles, accounts and credentials; every one of these is ruled by policy like a step of a case."""

from __future__ import annotations

from litestar import Controller, post
from litestar.params import FromPath, JSONBody

from watchword.api import bodies
from watchword.core.person import Credential, RoleGrant
from watchword.reception.given import Now, TheActor, TheApp


class PeopleController(Controller):
    """Administration of people."""

    path = "/api/people"
    tags = ("people",)

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
        """Give a role."""
        grant = RoleGrant(role=data.role, unit=data.unit, until=data.until)
        app.people.grant(actor.person, app.names.person(login), grant, at)

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
        person = app.names.person(login)
        seen = app.desk.intake.find(data.directory, data.account)
        return bodies.AccountOut(account=app.people.link(actor.person, person, data.directory, seen.native_id, at))

    @post("/{login:str}/credentials", sync_to_thread=True)
    def enrol(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        data: JSONBody[bodies.EnrolCredential],
    ) -> bodies.Enrolled:
        """Give somebody a way to sign in, or to prove who they are."""
        person = app.names.person(login)
        if data.method == "password":
            app.people.set_password(actor.person, person, data.password or "", at)
            return bodies.Enrolled(method=data.method)
        seed, uri = app.totp.enrol(app.names.said(person)[0])
        credential = Credential(id=app.ledger.pseudonym("k"), method=data.method, enrolled_at=at)
        app.people.enrol(actor.person, person, credential, seed.hex(), at)
        return bodies.Enrolled(method=data.method, uri=uri)
