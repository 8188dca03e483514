"""How people sign in and prove who they are: enrolling, and revoking."""

from __future__ import annotations

from litestar import Controller, post
from litestar.params import FromPath, JSONBody

from watchword.api import people_bodies as bodies
from watchword.reception.given import Now, TheActor, TheApp


class CredentialController(Controller):
    """Credentials of one person."""

    path = "/api/people/{login:str}"
    tags = ("people",)

    @post("/credentials", sync_to_thread=True)
    def enrol(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        data: JSONBody[bodies.EnrolCredential],
    ) -> bodies.Enrolled:
        """Give somebody a sign-in, or an authenticator app whose seed is in the answer and never again."""
        person = app.roster.find(actor.person, login, at).person.id
        if data.method == "password":
            app.people.set_password(actor.person, person, data.password or "", at)
            return bodies.Enrolled(method=data.method)
        return bodies.Enrolled(method=data.method, uri=app.enrolment.totp(actor.person, person, at))

    @post("/credentials/{credential:str}/revocation", sync_to_thread=True)
    def revoke(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        credential: FromPath[str],
        data: JSONBody[bodies.RevokeCredential],
    ) -> None:
        """Let a credential count no longer, for a reason that is kept sealed."""
        person = app.roster.find(actor.person, login, at).person.id
        app.people.revoke_credential(actor.person, person, credential, data.why, at)

    @post("/workloads", sync_to_thread=True)
    def workload(
        self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], data: JSONBody[bodies.EnrolWorkload]
    ) -> bodies.Enrolled:
        """Say which workload runs as an account that this person owns."""
        made = app.workloads.enrol(
            actor.person,
            app.roster.find(actor.person, login, at).person.id,
            directory=data.directory,
            account=data.account,
            issuer=data.issuer,
            subject=data.subject,
            at=at,
        )
        return bodies.Enrolled(method=made.method)

    @post("/passkeys", sync_to_thread=True)
    def offer(self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str]) -> bodies.PasskeyOffer:
        """Begin a passkey: what a browser needs to make one with the person's own authenticator, for five minutes."""
        offer = app.enrolment.offer(actor.person, app.roster.find(actor.person, login, at).person.id, at)
        return bodies.PasskeyOffer(challenge=offer.challenge, options=offer.options, expires=offer.expires)

    @post("/passkeys/{challenge:str}", sync_to_thread=True)
    def passkey(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        challenge: FromPath[str],
        data: JSONBody[bodies.PasskeyMade],
    ) -> bodies.PasskeyOut:
        """Enrol the passkey the browser made for what this person began; a known passkey is a conflict."""
        person = app.roster.find(actor.person, login, at).person.id
        made = app.enrolment.passkey(actor.person, person, challenge, data.answer, at)
        return bodies.PasskeyOut(credential=made.id, method=made.method)
