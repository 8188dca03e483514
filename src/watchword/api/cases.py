"""The steps of a case, each one use case of the desk."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api import bodies, caller_bodies
from watchword.api.reading import request_out, summary, whole
from watchword.core.case import Asked, state_of
from watchword.core.errors import Conflict
from watchword.core.ids import AccountId
from watchword.core.requirement import Context
from watchword.desk.decisions import request_digest
from watchword.desk.intake import Wish
from watchword.reception.browser import NAME as BROWSER_NAME
from watchword.reception.browser import mark_of
from watchword.reception.cases import listed, page_address, readable, settle
from watchword.reception.given import Now, TheActor, TheApp, TheVisitor


class CaseController(Controller):
    """Recovery cases. A case somebody may not read is answered like one that never was."""

    path = "/api/cases"
    tags = ("cases",)

    @post("", sync_to_thread=True)
    def open(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        data: JSONBody[bodies.OpenCase],
    ) -> bodies.Opened:
        """Take a request in."""
        case = app.desk.intake.open(
            actor.person,
            directory=data.directory,
            query=data.account,
            wish=Wish(
                action=data.action,
                factors=data.factors,
                contact=data.contact,
                role=data.role,
            ),
            context=Context(
                channel=data.channel,
                location=data.location,
                device=data.device,
                risk=data.risk,
                situation=data.situation,
            ),
            origin=data.origin,
            reason=data.reason,
            at=at,
            lane=data.lane,
            caller=data.caller,
        )
        return bodies.Opened(case=case, page=page_address(app, app.desk.steps.load(case), actor.person, at))

    @get("", sync_to_thread=True)
    def list(self, app: TheApp, actor: TheActor, at: Now) -> tuple[bodies.CaseSummary, ...]:
        """Every case this person may read, newest change first."""
        return tuple(summary(app, row) for row in listed(app, actor.person, at))

    @get("/{case:str}", sync_to_thread=True)
    def read(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
    ) -> bodies.CaseOut:
        """One case whole."""
        return whole(app, readable(app, actor.person, case, at), actor.person, at)

    @post("/{case:str}/ticket", sync_to_thread=True, status_code=HTTP_200_OK)
    def link_ticket(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.LinkTicket],
    ) -> bodies.CaseOut:
        """Tie the case to its ticket."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.intake.link_ticket(actor.person, opened, data.ticket, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/methods", sync_to_thread=True)
    def begin(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        visitor: TheVisitor,
        case: FromPath[str],
        data: JSONBody[bodies.BeginMethod],
    ) -> bodies.Begun:
        """Begin a method; what it has to send goes out by itself."""
        opened = readable(app, actor.person, case, at).case.id
        custodian = app.names.person(data.custodian) if data.custodian else None
        challenge, begun = app.desk.verification.begin(
            actor.person, opened, data.method, at, custodian=custodian, mark=visitor.mark
        )
        return bodies.Begun(challenge=challenge, expires=begun.expires, show_agent=begun.show_agent)

    @post("/{case:str}/methods/{challenge:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def attest(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        challenge: FromPath[str],
        data: JSONBody[bodies.Answer],
    ) -> bodies.Proved:
        """Answer an attested method, as the agent who began it. What software checks is answered by the person."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.verification.answer(opened, challenge, data.answer, at, attesting=actor.person)
        settle(app, opened, challenge, at)
        return bodies.Proved(state=state_of(app.desk.steps.load(opened).case))

    @post("/{case:str}/ask", sync_to_thread=True, status_code=HTTP_200_OK)
    def ask(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
    ) -> bodies.CaseOut:
        """Fix the request and ask for what comes next: approval, the hold, or the release."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.verification.ask(actor.person, opened, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @get("/{case:str}/approval", sync_to_thread=True)
    def sign(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
    ) -> bodies.SigningOut:
        """What this approver's passkey would sign; ask again rather than keep it."""
        now = readable(app, actor.person, case, at).case
        asked = app.desk.approvals.options(actor.person, now.id, at)
        return bodies.SigningOut(
            request=request_out(asked.request, asked.not_after),
            namespace=asked.namespace,
            options=asked.options,
            needed=asked.needed,
        )

    @post("/{case:str}/approval", sync_to_thread=True, status_code=HTTP_200_OK)
    def approve(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Decide],
        request: Request[Any, Any, Any],
    ) -> bodies.CaseOut:
        """Say yes or no to exactly the request with this digest; a yes may carry a passkey's signature."""
        now = readable(app, actor.person, case, at).case
        if data.approve:
            app.desk.decisions.approve(
                actor.person,
                now.id,
                data.digest,
                actor.session,
                at,
                assertion=data.assertion,
                signature=data.signature,
                browser=mark_of(app, request.cookies.get(BROWSER_NAME)),
            )
        else:
            if isinstance(now, Asked) and request_digest(now.request) != data.digest:
                raise Conflict("What you looked at is not what this case asks now.", "Read it again, then decide.")
            app.desk.decisions.refuse(actor.person, now.id, data.why, at)
        return whole(app, app.desk.steps.load(now.id), actor.person, at)

    @post("/{case:str}/questions", sync_to_thread=True)
    def ask_question(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.AskedWords],
    ) -> bodies.CaseOut:
        """Ask the desk something before deciding, as an approver; the time to decide runs on."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.ask_question(actor.person, opened, data.words, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/questions/{question:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def answer_question(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        question: FromPath[str],
        data: JSONBody[bodies.AskedWords],
    ) -> bodies.CaseOut:
        """Answer what an approver asked, once."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.answer_question(actor.person, opened, question, data.words, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/release", sync_to_thread=True, status_code=HTTP_200_OK)
    def release(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Release],
    ) -> bodies.CaseOut:
        """Let the executor do exactly what was approved."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.release(actor.person, opened, at, data.changes)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/escalate", sync_to_thread=True, status_code=HTTP_200_OK)
    def escalate(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
    ) -> bodies.CaseOut:
        """Ask for more than policy does."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.escalate(actor.person, opened, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/break-glass", sync_to_thread=True, status_code=HTTP_200_OK)
    def break_glass(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Why],
    ) -> bodies.CaseOut:
        """Ask for the predefined procedure without verification; a second custodian has to agree, a review is owed."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.break_glass(actor.person, opened, data.why, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/withdraw", sync_to_thread=True, status_code=HTTP_200_OK)
    def withdraw(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Why],
    ) -> bodies.CaseOut:
        """End a case nobody wants any more."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.withdraw(actor.person, opened, data.why, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/close", sync_to_thread=True, status_code=HTTP_200_OK)
    def close(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
    ) -> bodies.CaseOut:
        """End a case whose work is done."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.close(actor.person, opened, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/object", sync_to_thread=True, status_code=HTTP_200_OK)
    def object(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[caller_bodies.Said],
    ) -> bodies.CaseOut:
        """Record that the person says it is not theirs: the case stands still, and a second signal takes it back."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.objections.object(actor.person, opened, data.said, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/lift", sync_to_thread=True, status_code=HTTP_200_OK)
    def lift(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Why],
    ) -> bodies.CaseOut:
        """Let a case go on that was objected to, as somebody who took no part in it."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.objections.lift(actor.person, opened, data.why, at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/contain", sync_to_thread=True, status_code=HTTP_200_OK)
    def contain(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Why],
    ) -> bodies.Contained:
        """A recovery was found fraudulent: take back what it gave, and list what it enabled."""
        opened = readable(app, actor.person, case, at).case.id
        return bodies.Contained(enabled=app.desk.decisions.contain(actor.person, opened, data.why, at))

    @post("/{case:str}/protect", sync_to_thread=True, status_code=HTTP_200_OK)
    def protect(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Protect],
    ) -> bodies.CaseOut:
        """Take access away at once: one proof is enough, or a responder on duty; ends the case."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.protection.protect(actor.person, opened, data.why, at, lock=data.lock, factors=data.factors)
        return whole(app, app.desk.steps.load(opened), actor.person, at)

    @post("/{case:str}/review", sync_to_thread=True, status_code=HTTP_200_OK)
    def review(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        case: FromPath[str],
        data: JSONBody[bodies.Review],
    ) -> bodies.CaseOut:
        """Look back, as somebody who took no step in it."""
        opened = readable(app, actor.person, case, at).case.id
        app.desk.decisions.review(actor.person, opened, sound=data.sound, account_given=data.words, at=at)
        return whole(app, app.desk.steps.load(opened), actor.person, at)


class AccountController(Controller):
    """What can be done to an account outside a case."""

    path = "/api/accounts"
    tags = ("accounts",)

    @post("/{account:str}/freeze-release", sync_to_thread=True, status_code=HTTP_200_OK)
    def release_freeze(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        account: FromPath[str],
    ) -> bodies.FreezeOut:
        """Agree that a freeze ends; it takes two people."""
        released = app.desk.decisions.release_freeze(actor.person, AccountId(account), at)
        return bodies.FreezeOut(released=released)
