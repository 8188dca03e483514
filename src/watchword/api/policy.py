"""Which policy is active, and how another one becomes it: one author proposes, a second one confirms."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from watchword.api import people_bodies as bodies
from watchword.api.reading import login_of
from watchword.core.approval import is_signed
from watchword.desk.activation import Signing
from watchword.desk.posture import PolicyProposed
from watchword.reception.given import Now, TheActor, TheApp
from watchword.reception.policy import drift_of, words_of


class PolicyController(Controller):
    """Standing, proposal and activation of a policy."""

    path = "/api/policy"
    tags = ("posture",)

    @get("", sync_to_thread=True)
    def standing(self, app: TheApp, actor: TheActor, at: Now) -> bodies.PolicyOut:
        """Which policy is active, running and on disk, and what waits for a second author; for whoever signs in."""
        del actor
        now = app.activation.standing(at)
        told = drift_of(now)
        waits = now.proposal
        return bodies.PolicyOut(
            active=now.active,
            running=now.running,
            on_disk=now.on_disk,
            broken=now.broken,
            drift=bool(told),
            told=told,
            proposal=_proposed(waits, login_of(app, waits.by) or waits.by) if waits else None,
        )

    @get("/proposal/statement", sync_to_thread=True)
    def to_propose(
        self, app: TheApp, actor: TheActor, at: Now, hours: Annotated[int, QueryParameter(ge=0, le=8760)] = 24
    ) -> bodies.StatementOut:
        """What this author would sign to propose the policy on disk; ask again rather than keep it."""
        return _statement(app.activation.to_propose(actor.person, at, within=timedelta(hours=hours)))

    @post("/proposal", sync_to_thread=True)
    def propose(
        self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[bodies.ProposePolicy]
    ) -> bodies.ProposedOut:
        """Propose the policy that is on disk now; nothing changes until a second author confirms it."""
        proposed = app.activation.propose(
            actor.person,
            actor.session,
            at,
            within=timedelta(hours=data.hours),
            statement=data.statement,
            assertion=data.assertion,
        )
        return _proposed(proposed, login_of(app, actor.person) or actor.person)

    @get("/activation/statement", sync_to_thread=True)
    def to_activate(self, app: TheApp, actor: TheActor, at: Now) -> bodies.StatementOut:
        """What this author would sign to confirm the proposal that waits: the bytes the first one stood for."""
        return _statement(app.activation.to_confirm(actor.person, at))

    @post("/activation", sync_to_thread=True, status_code=HTTP_200_OK)
    def activate(
        self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[bodies.ActivatePolicy]
    ) -> bodies.PolicyActive:
        """Confirm, as a second author, exactly the proposal with this digest: new cases are opened under it."""
        active = app.activation.activate(actor.person, data.digest, actor.session, at, assertion=data.assertion)
        return bodies.PolicyActive(active=active)


def _proposed(waits: PolicyProposed, by: str) -> bodies.ProposedOut:
    return bodies.ProposedOut(
        digest=waits.digest,
        spoken=words_of(waits.digest),
        by=by,
        signed=is_signed(waits.proof),
        not_after=waits.not_after,
    )


def _statement(signing: Signing) -> bodies.StatementOut:
    return bodies.StatementOut(
        statement=signing.statement,
        not_after=signing.not_after,
        namespace=signing.namespace,
        options=signing.options,
    )
