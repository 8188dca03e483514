"""Keys that approvers sign with: offered or enrolled by one person, confirmed by another."""

from __future__ import annotations

from litestar import Controller, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api import people_bodies as bodies
from watchword.api.own_enrolment import OwnPageOut
from watchword.reception.approver import page_address
from watchword.reception.given import Now, TheActor, TheApp


class ApproverKeyController(Controller):
    """The keys of one person."""

    path = "/api/people/{login:str}/approver-keys"
    tags = ("approvals",)

    @post("/offer", sync_to_thread=True)
    def offer(self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str]) -> OwnPageOut:
        """Let the person make a passkey for approvals by themself, once, within the hour: the address, and its code."""
        made = app.approver_keys.offer(actor.person, app.roster.find(actor.person, login, at).person.id, at)
        return OwnPageOut(address=page_address(app, made.token), code=made.code, expires=made.expires)

    @post("/ssh", sync_to_thread=True)
    def ssh(
        self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str], data: JSONBody[bodies.SshKey]
    ) -> bodies.PasskeyOut:
        """Enrol the public half of an SSH key, for signatures from outside the browser."""
        person = app.roster.find(actor.person, login, at).person.id
        made = app.approver_keys.ssh(actor.person, person, data.key, at)
        return bodies.PasskeyOut(credential=made.id, method=made.method)

    @post("/{credential:str}/confirmation", sync_to_thread=True, status_code=HTTP_200_OK)
    def confirm(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        login: FromPath[str],
        credential: FromPath[str],
        data: JSONBody[bodies.ConfirmCredential],
    ) -> None:
        """Say that a key is the person's own, as somebody who did not enrol it; then it may sign approvals."""
        person = app.roster.find(actor.person, login, at).person.id
        app.people.confirm_credential(actor.person, person, credential, data.fingerprint, at)
