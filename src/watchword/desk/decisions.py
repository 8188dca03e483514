"""Decisions: approve, refuse, release, and the ways a case ends or is looked at afterwards."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.approval import SessionProof, demand_own_sign_in, encode_proof
from watchword.core.case import AwaitingApproval, Case, Contained, beneath, verifiers
from watchword.core.change import Change
from watchword.core.decision import FREEZABLE
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.person import Role
from watchword.core.quorum import eligible
from watchword.core.ruling import CaseFacts
from watchword.core.standing import Account, release_freeze
from watchword.core.visible import legible
from watchword.desk.approvals import Approvals
from watchword.desk.recording import GLASS_STREAM, account_stream, draft, person_stream
from watchword.desk.steps import RACES, Loaded, Steps, words
from watchword.desk.threat import demand_raised
from watchword.ledger.append import Append
from watchword.policy.rows import broken_glass

log = structlog.get_logger("watchword.desk")


class Decisions:
    """Who says yes or no, and what follows from it."""

    def __init__(self, steps: Steps, approvals: Approvals) -> None:
        self.steps = steps
        self.approvals = approvals

    def approve(
        self,
        actor: PersonId,
        case: CaseId,
        digest: str,
        session: str,
        at: datetime,
        *,
        assertion: str | None = None,
        signature: str | None = None,
        browser: str | None = None,
    ) -> None:
        """Say yes to the request whose SHA-256 is *digest* (hex), as the person who is signed in under *session*.

        *assertion* is the browser's answer to `Approvals.options`, *signature* an armoured SSH signature made outside
        any browser; without either the session is the proof, where the procedure is content with that. *browser* is the
        mark of the browser they approve in (`desk.browsers`).
        """
        signed_in = encode_proof(SessionProof(session=hashlib.sha256(session.encode()).hexdigest()))

        def build(loaded: Loaded) -> do.Command:
            request = loaded.case.request if isinstance(loaded.case, AwaitingApproval) else ""
            if not hmac.compare_digest(request_digest(request).encode(), digest.encode()):
                raise Conflict("What you looked at is not what this case asks now.", "Read it again, then decide.")
            approve = do.Approve(
                person=actor,
                roles=self.seats(actor, loaded, at),
                request=request,
                proof=signed_in,
                unit=self.steps.registry.person(actor).unit,
                browser=browser,
                lent_by=self._lenders(actor, loaded, at),
            )
            if signature is not None:
                outside = self.approvals.take_outside(actor, loaded.case, request, signature, at)
                return msgspec.structs.replace(approve, proof=encode_proof(outside))
            if assertion is None:
                demand_own_sign_in(self.steps.registry.person(actor), at)
                return approve
            answer = self.approvals.take(actor, loaded.case, request, assertion, at)
            return msgspec.structs.replace(
                approve, proof=encode_proof(answer.proof), credential=answer.credential, counter=answer.counter
            )

        self.steps.step(case, actor, Step.APPROVE, build, at)

    def refuse(self, actor: PersonId, case: CaseId, why: str, at: datetime) -> None:
        """Say no; the case ends. `Invalid` without a reason."""
        if not why.strip():
            raise Invalid("A reason is missing.", "Say why, in a few words; they are kept sealed.", where="why")
        self.steps.step(
            case,
            actor,
            Step.REFUSE,
            lambda loaded: do.Refuse(person=actor, roles=self.seats(actor, loaded, at, to_approve=False)),
            at,
            disclosures={past.ApprovalRefused: words("why", why)},
        )

    def ask_question(self, actor: PersonId, case: CaseId, question: str, at: datetime) -> str:
        """Ask the desk something before deciding, as somebody who has a seat; returns the question's id.

        It moves nothing, and the request's time runs on.
        """
        named = self.steps.ledger.pseudonym("q")
        self.steps.step(
            case,
            actor,
            Step.APPROVE,
            lambda loaded: do.AskQuestion(person=actor, roles=self.seats(actor, loaded, at), question=named),
            at,
            disclosures={past.QuestionAsked: words("question", _asked(question))},
        )
        return named

    def answer_question(self, actor: PersonId, case: CaseId, question: str, answer: str, at: datetime) -> None:
        """Answer what an approver asked, once, as somebody who may verify in this case."""
        told = {past.QuestionAnswered: words("answer", _asked(answer))}
        build = do.AnswerQuestion(by=actor, question=question)
        self.steps.step(case, actor, Step.VERIFY, lambda _: build, at, disclosures=told)

    def seats(self, actor: PersonId, loaded: Loaded, at: datetime, *, to_approve: bool = True) -> tuple[str, ...]:
        """Roles and relations that may fill a seat of this case's approval, *to_approve* or to say no."""
        person = self.steps.registry.person(actor)
        own = (*sorted(person.roles_at(at, loaded.case.unit)), *loaded.account.relations(actor, at))
        rule = loaded.case.requirement.approve
        if rule is not None and eligible(rule, own):
            return own
        return tuple(dict.fromkeys((*own, *self.steps.lent(person, loaded, at, to_approve=to_approve).seats)))

    def _lenders(self, actor: PersonId, loaded: Loaded, at: datetime) -> tuple[PersonId, ...]:
        """In whose place *actor* sits: nobody's, where what they hold themself is enough."""
        person = self.steps.registry.person(actor)
        own = (*person.roles_at(at, loaded.case.unit), *loaded.account.relations(actor, at))
        rule = loaded.case.requirement.approve
        return () if rule is None or eligible(rule, own) else self.steps.lent(person, loaded, at).by

    def release(self, actor: PersonId, case: CaseId, at: datetime, changes: tuple[Change, ...] | None = None) -> None:
        """Let the executor act on what was approved; *changes* is what the releaser believes that is."""

        def build(loaded: Loaded) -> do.Command:
            believed = changes if changes is not None else loaded.case.changes
            return do.Release(by=actor, executor=self.steps.executor, changes=believed)

        if self.steps.registry.posture().elevated(at):
            self.steps.rule_on(actor, Step.RELEASE, self.steps.load(case), at).demand()
            demand_raised(self.steps, case, at)
        self.steps.step(case, actor, Step.RELEASE, build, at)

    def escalate(self, actor: PersonId, case: CaseId, at: datetime) -> None:
        """Ask for more than policy does: every part of the requirement a rung higher."""

        def build(loaded: Loaded) -> do.Command:
            context = msgspec.structs.replace(loaded.case.context, risk="high")
            more = self.steps.policy.procedures.require(loaded.case.account_class, loaded.case.action, context)
            raised = self.steps.policy.procedures.raise_from(loaded.case.requirement, more)
            if raised == loaded.case.requirement:
                raise Refused("This case asks for the most there is already.", "Refuse it instead.", ("highest",))
            return do.Escalate(by=actor, requirement=raised)

        self.steps.step(case, actor, Step.ESCALATE, build, at)

    def break_glass(self, actor: PersonId, case: CaseId, why: str, at: datetime) -> None:
        """Ask for the predefined procedure: no verification, a second custodian, a review that is then owed."""
        rule = self.steps.policy.procedures.break_glass
        if not why.strip():
            raise Invalid("Breaking the glass needs a justification.", "Write why it can not wait.", where="why")
        nonce = secrets.token_hex(16)

        def build(loaded: Loaded) -> do.Command:
            self.steps.demand_unrecovered(actor, at, "Have another custodian break the glass.")
            return do.BreakGlass(
                by=actor,
                requirement=broken_glass(rule, loaded.case.requirement),
                log=self.steps.ledger.origin,
                nonce=nonce,
                checkpoint=self.steps.not_before(),
                expires_s=rule.expires_s,
                review_s=rule.review_s,
            )

        self.steps.step(
            case,
            actor,
            Step.BREAK_GLASS,
            build,
            at,
            disclosures={past.BreakGlassInvoked: words("why", why)},
            expect=self._all_reviewed,
        )

    def _all_reviewed(self) -> Mapping[str, int]:
        """Refuse while a use of break-glass waits for its review; the version at which none did, to be expected.

        The version is read first: a use that the list does not show yet has then moved it, and is seen the next time.
        """
        entries = self.steps.ledger.read(GLASS_STREAM)
        self.steps.cases.follow(self.steps.ledger)
        unreviewed = [r for r in self.steps.cases.debts() if r.case.broke_glass is not None]
        if unreviewed:
            raise Refused(
                f"A use of break-glass is not reviewed yet ({unreviewed[0].case.id}).",
                "Have it reviewed by somebody who took no part in it.",
                ("unreviewed_break_glass",),
            )
        return {GLASS_STREAM: entries[-1].entry.version if entries else -1}

    def close(self, actor: PersonId, case: CaseId, at: datetime) -> None:
        """End a case whose work is done."""
        self.steps.step(case, actor, Step.CLOSE, lambda _: do.Close(by=actor), at)

    def withdraw(self, actor: PersonId, case: CaseId, why: str, at: datetime) -> None:
        """End a case nobody wants any more."""
        told = {past.CaseWithdrawn: words("why", why)}
        self.steps.step(case, actor, Step.WITHDRAW, lambda _: do.Withdraw(by=actor), at, disclosures=told)

    def contain(self, actor: PersonId, case: CaseId, why: str, at: datetime) -> tuple[str, ...]:
        """A recovery was found fraudulent: suspend and cut off, list what it enabled.

        Stops the open cases of the account, in the same append, and then those of its agents.
        """
        responders = {Role.SECURITY_DUTY, Role.IAM_DUTY}
        if not responders & self.steps.registry.person(actor).roles_at(at, self.steps.load(case).case.unit):
            # By the ledger as well as by the policy: this is open while the policy on disk is not the active one.
            raise Refused("Only security or IAM on duty contains a case.", "Tell them.", ("not_on_duty",))
        told = {past.CaseContained: words("why", why)}
        self.steps.step(case, actor, Step.CONTAIN, lambda _: do.Contain(by=actor), at, disclosures=told)
        self.freeze_related(case, at)
        return self.enabled_by(self.steps.load(case).case)

    def freeze_related(self, case: CaseId, at: datetime) -> None:
        """Stop every case that was running when *case* was contained and went through its hands.

        Safe to repeat, after a crash half-way or for a row that was lost: no case is stopped that was opened since.
        """
        contained = self.steps.load(case).case
        if not isinstance(contained, Contained):
            raise Refused("This case is not contained, so it stops no other.", "Contain it first.", ("not_contained",))
        # Whoever recovers alone came through the portal: it is no agent that their cases have in common.
        agents = {contained.opener, *verifiers(contained)} - {self.steps.portal}
        self.steps.cases.follow(self.steps.ledger)
        for other in self.steps.cases.running():
            if (
                other.id == case
                or type(beneath(other)) not in FREEZABLE
                or not agents & {other.opener, *verifiers(other)}
            ):
                continue
            if other.opened_at > contained.contained_at:
                continue
            try:
                self.steps.system_step(other.id, lambda _: do.Freeze(because=case), at)
            except Refused as refused:  # it came to its end meanwhile
                log.info("case.not_frozen", case=other.id, because=case, why=refused.what)

    def enabled_by(self, case: Case) -> tuple[str, ...]:
        """What the person behind a case could do and did since it was released: cases touched, votes, credentials."""
        if case.subject is None:
            return ()
        since = max((c.begun for c in case.challenges), default=case.opened_at)
        found: list[str] = []
        for appended in self.steps.ledger.entries():
            if appended.entry.at < since:
                continue
            if appended.entry.actor == case.subject:
                found.append(f"{appended.entry.at:%Y-%m-%d %H:%M} {appended.entry.type} in {appended.entry.stream}")
            elif appended.entry.stream == person_stream(case.subject) and appended.entry.type.startswith("credential."):
                found.append(f"{appended.entry.at:%Y-%m-%d %H:%M} {appended.entry.type} for the person")
        return tuple(found)

    def review(self, actor: PersonId, case: CaseId, *, sound: bool, account_given: str, at: datetime) -> None:
        """Look at a case afterwards, as somebody who took no step in it."""
        if not account_given.strip():
            raise Invalid("A review says what was looked at.", "Write a sentence.", where="words")
        told = {past.ReviewDone: words("words", account_given)}
        self.steps.step(case, actor, Step.REVIEW, lambda _: do.Review(by=actor, sound=sound), at, disclosures=told)

    def release_freeze(self, actor: PersonId, account: AccountId, at: datetime) -> bool:
        """Agree that an account's freeze ends; True when this was the second person and it did."""
        for attempt in range(RACES):
            # What comes between this version and the ruling is decided on again.
            standing, version = self.steps.registry.standing(account)
            facts = CaseFacts(
                case=None,
                unit=standing.facts.unit,
                account_class=standing.facts.account_class or AccountClass.IDENTITY_CONTROL,
                action=Action.UNLOCK,
                subject=self.steps.names.owner(account),
                relations=standing.relations(actor, at),
            )
            ruling = self.steps.rule(actor, Step.RELEASE_FREEZE, facts, at)
            ruling.demand()
            self.steps.demand_unrecovered(actor, at, "Have somebody else on duty agree.")
            standing = self._still_on_duty(standing, facts, at)
            events = release_freeze(standing, actor, ruling, at, self.steps.thresholds)
            drafts = tuple(draft(e, actor, at) for e in events)
            try:
                self.steps.ledger.append(
                    (Append(stream=account_stream(account), expected_version=version, drafts=drafts),)
                )
            except Conflict:
                if attempt == RACES - 1:
                    raise
                continue
            return len(events) > 1
        raise AssertionError

    def _still_on_duty(self, standing: Account, facts: CaseFacts, at: datetime) -> Account:
        """An account with the votes of those who might still give them: a vote ends with the role it was given by.

        And with a recovery of whoever gave it.
        """

        def may(who: PersonId) -> bool:
            own = msgspec.structs.replace(facts, relations=standing.relations(who, at))
            ruling = self.steps.rule(who, Step.RELEASE_FREEZE, own, at)
            recovered = self.steps.registry.recently_recovered(self.steps.registry.person(who), at)
            return ruling.allowed and not ruling.errors and not recovered

        return msgspec.structs.replace(standing, release_votes=tuple(filter(may, standing.release_votes)))


def _asked(words_of: str) -> str:
    """What somebody wrote, in one paragraph of at most a thousand characters."""
    said = " ".join(words_of.split())
    if not said or len(said) > 1000:
        raise Invalid("A question or an answer has 1 to 1000 characters.", "Write a sentence.", where="words")
    if not legible(said):
        raise Invalid("It holds characters that do not show.", "Write it as plain text.", where="words")
    return said


def request_digest(request: str) -> str:
    """SHA-256 of the exact bytes an approver looks at, in hexadecimal."""
    return hashlib.sha256(request.encode()).hexdigest()
