"""Verification: methods are begun at the desk, answered by the person, and held against the requirement."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import Contact
from watchword.core.action import Step
from watchword.core.case import Case
from watchword.core.change import contact_of
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.origin import AGENTS, of_agent
from watchword.core.person import Credential, Person, Role
from watchword.core.progress import Challenge
from watchword.core.prompt import PROMPTING
from watchword.core.proving import KIOSK, demand_few_left
from watchword.core.requirement import Satisfied, Shortfall, assess
from watchword.core.workload import METHOD as WORKLOAD
from watchword.core.workload import runs_as
from watchword.desk.recording import case_stream, person_stream
from watchword.desk.steps import NOTHING_TOLD, Expect, Loaded, Steps, Told, nothing_expected, words
from watchword.desk.vouching import CONTACT as CONTACT_METHOD
from watchword.desk.vouching import PORTAL, Vouch, asked_of, named_at, voucher
from watchword.ledger.entry import Disclosure, Retention
from watchword.methods.port import NO, Ask, Begun, MethodPort, Proof

CONTACT = "contact"
"""Name of the disclosure that holds the contact point a challenge was begun with; a later change is not followed."""

OWNED = frozenset({"owner_passkey", "workload"})
"""Methods that are enrolled on the owner of record of the account."""

PROMPT = "prompt"
"""Name of the disclosure that holds what a provider said of the prompt it sent."""

NOT_A_MISS = frozenset({"pending", "expired", "replayed", "exhausted", "not_enrolled"})
"""Reasons of a refused answer that say nothing about who is answering."""

PROOF = "proof"
"""Name of the disclosure that holds a method's whole proof, for the executor's own check."""


class Verification:
    """Is this the person? Each method answers for itself; policy says which of them count."""

    def __init__(self, steps: Steps, methods: Mapping[str, MethodPort]) -> None:
        self.steps = steps
        self.methods = methods
        # Guesses sent side by side would all be checked before the first miss is recorded.
        self._one_at_a_time = tuple(threading.Lock() for _ in range(64))

    def begin(
        self,
        actor: PersonId,
        case: CaseId,
        method: str,
        at: datetime,
        *,
        custodian: PersonId | None = None,
        challenge: str | None = None,
        mark: str | None = None,
    ) -> tuple[str, Begun]:
        """Start a method for verification; what it sends goes out as an effect. Returns the challenge.

        *custodian* is whoever holds the sealed key; at a kiosk, the supervisor who stands beside the person.
        *challenge* is a new pseudonym where it was given away before. *mark* is of the desk's browser it is begun in:
        what the person answers comes from another one.
        """
        with self.steps.registry.folds.moment():
            return self._begin(actor, Step.VERIFY, case, method, "verify", at, custodian, challenge, mark)

    def begin_again(self, case: CaseId, method: str, at: datetime, *, mark: str | None = None) -> tuple[str, Begun]:
        """Start the enforced method that is proven again before anything is handed over.

        *mark* is of the browser that takes it over: a supervisor gives their word in that one or not at all.
        """
        with self.steps.registry.folds.moment():
            return self._begin(self.steps.runner, Step.HAND_OVER, case, method, "hand_over", at, None, mark=mark)

    def _begin(
        self,
        actor: PersonId,
        step: Step,
        case: CaseId,
        method: str,
        purpose: past.Purpose,
        at: datetime,
        custodian: PersonId | None,
        challenge: str | None = None,
        mark: str | None = None,
    ) -> tuple[str, Begun]:
        port = self.methods.get(method)
        if port is None:
            raise Invalid(f"There is no method {method!r}.", f"Use one of: {', '.join(self.methods)}.", where="method")
        loaded = self.steps.load(case)
        self._unhurried(loaded.case, actor, at)
        if method in PROMPTING and contact_of(loaded.case.changes) is not None:
            raise Refused(
                "A new contact point is proven in the browser that entered it, and a prompt is answered in another.",
                "Use a method that is answered on the person's own page.",
                ("other_browser",),
            )
        challenge = challenge or self.steps.ledger.pseudonym("h")
        prover = self._prover(loaded, method, purpose, custodian, at)
        if prover is not None and prover.id == actor:
            raise Refused(
                "Nobody verifies themself.", "Have somebody else at the desk begin this method.", ("same_person",)
            )
        ask = self._ask(loaded.case, port, challenge, purpose, prover, at)
        begun = port.begin(ask)
        command = do.Begin(
            challenge=challenge,
            method=method,
            purpose=purpose,
            by=actor,
            prover=prover.id if prover else None,
            credential=ask.credential.id if ask.credential else None,
            contact_changed_at=self._later(_changed_at(ask, prover), loaded.case, method, at),
            expires=begun.expires,
            browser=mark if method == KIOSK or purpose == "verify" else None,
        )
        told = {past.ChallengeBegun: words(CONTACT, msgspec.json.encode(ask.contact).decode())} if ask.contact else {}
        prompts = prover.id if prover is not None and method in PROMPTING else None

        def build(_: Loaded) -> do.Command:
            if prompts is None:
                return command
            return msgspec.structs.replace(command, prompted=self.steps.registry.person(prompts).prompted)

        # Two prompts begun side by side are counted one after the other: the second finds the first.
        self.steps.step(case, actor, step, build, at, disclosures=told, expect=lambda: self._version_of(prompts))
        return challenge, begun

    def _later(self, changed: datetime | None, case: Case, method: str, at: datetime) -> datetime | None:
        """A recovery contact is as young as their naming, or as their passkey, whichever is younger."""
        named = named_at(self.steps.registry, case.subject, at) if method == CONTACT_METHOD else None
        return max((t for t in (changed, named) if t is not None), default=None)

    def _unhurried(self, case: Case, agent: PersonId, at: datetime) -> None:
        """Raise `Refused` while where the caller comes from has to wait, or the agent; the target comes after both."""
        for place in case.sources:
            self.steps.registry.origin(place).demand(at, self.steps.throttle)
        # Everybody who recovers alone does it through the one, and every hand-over is asked for through the other.
        if agent not in (self.steps.portal, self.steps.runner):
            self.steps.registry.origin(of_agent(agent)).demand(at, AGENTS)

    def _guessed(self, case: Case, at: datetime) -> tuple[Case, ...]:
        """The other cases of the account with wrong answers in them; self-service is counted by itself."""
        self.steps.cases.follow(self.steps.ledger)
        since = at - timedelta(seconds=self.steps.thresholds.window_s)
        alone = case.opener == self.steps.portal
        found = self.steps.cases.guessed(case.account, since)
        return tuple(o for o in found if o.id != case.id and (o.opener == self.steps.portal) is alone)

    def _prover(
        self, loaded: Loaded, method: str, purpose: past.Purpose, custodian: PersonId | None, at: datetime
    ) -> Person | None:
        """Whose enrolment a method proves: the subject's, the owner of record's, or a custodian's."""
        case, registry = loaded.case, self.steps.registry
        if method in PORTAL:
            if custodian is None and purpose == "hand_over":
                custodian = next((e.prover for e in case.evidence if e.method == method), None)
            return voucher(registry, loaded, method, at, custodian)
        if method in OWNED:
            owner = loaded.account.facts.owner
            if owner is None or "owner_of_record" not in loaded.account.relations(owner, at):
                raise Refused(
                    "This account has no owner of record who was that for the last 30 days.",
                    "Have a second owner or the platform's security approve a case of their own.",
                    ("no_owner",),
                )
            return registry.person(owner)
        if method == "custodian_passkey":
            if custodian is None and purpose == "hand_over":
                custodian = next((e.prover for e in case.evidence if e.method == method), None)
            person = registry.person(custodian) if custodian else None
            if person is not None and Role.CUSTODIAN not in person.roles_at(at, case.unit):
                raise Refused("This person is no custodian.", "Name one who is.", ("no_custodian",))
            return person
        return registry.person(case.subject) if case.subject else None

    def _ask(
        self,
        case: Case,
        port: MethodPort,
        challenge: str,
        purpose: past.Purpose,
        prover: Person | None,
        at: datetime,
    ) -> Ask:
        enrolled = prover.credentials_of(port.enrolment) if prover and port.enrolment else ()
        if port.enrolment == WORKLOAD:  # one owner has several, each for an account of its own
            enrolled = tuple(c for c in enrolled if runs_as(c) == case.account)
        counting = tuple(c for c in enrolled if prover and not prover.is_young(c, at))
        # A new one does not take the place of one that counts.
        credential: Credential | None = next(reversed(counting or enrolled), None)
        running = next((c for c in case.challenges if c.id == challenge), None)
        if running is not None:
            # What it was begun with or nothing: one enrolled since was judged by nobody, and may be a minute old.
            credential = next((c for c in enrolled if c.id == running.credential), None)
        return Ask(
            challenge=challenge,
            case=case.id,
            account=case.account,
            purpose=purpose,
            at=running.begun if running else at,
            credential=credential,
            secret=self._secret(prover, credential.id) if prover and credential else None,
            contact=self._contact(case, port, running) if port.contact else None,
            attempts=running.misses if running else 0,
            spent=running.ended if running else False,
            prompt=self._prompt(case, running),
        )

    def _contact(self, case: Case, port: MethodPort, running: Challenge | None) -> Contact | None:
        """The contact point of record: read when the challenge is begun, and the same one for as long as it runs."""
        if running is not None:
            for appended in self.steps.ledger.read(case_stream(case.id)):
                if appended.entry.type == "challenge.begun" and appended.entry.data["challenge"] == running.id:
                    told = self.steps.ledger.disclosures(appended)
                    return msgspec.json.decode(told[CONTACT].encode(), type=Contact) if CONTACT in told else None
            return None
        directory, native = self.steps.registry.native_id(case.account)
        seen = self.steps.directory(directory).read(native)
        return next((c for c in seen.contacts if c.kind == port.contact), None)

    def _prompt(self, case: Case, running: Challenge | None) -> str | None:
        """What was kept of the prompt a provider sent for a challenge."""
        if running is None or not running.sent:
            return None
        for appended in self.steps.ledger.read(case_stream(case.id)):
            if appended.entry.type == "prompt.sent" and appended.entry.data["challenge"] == running.id:
                return self.steps.ledger.disclosures(appended).get(PROMPT)
        return None

    def _secret(self, prover: Person, credential: str) -> bytes | None:
        enrolled = self.steps.registry.enrolment(prover.id, credential)
        told = {} if enrolled is None else self.steps.ledger.disclosures(enrolled)
        return bytes.fromhex(told["secret"]) if "secret" in told else None

    def answer(
        self,
        case: CaseId,
        challenge: str,
        answer: str,
        at: datetime,
        *,
        attesting: PersonId | None,
        portal: bool = False,
        mark: str | None = None,
    ) -> str:
        """Check an answer. From the caller's own page *attesting* is None; an agent may only answer attested methods.

        What is answered in the *portal*, by whoever vouches, is answered nowhere else.

        Returns `proved`. A wrong answer is recorded before `Refused` says so; the third one sticks to the account.
        """
        account = self.steps.load(case).case.account
        with self._one_at_a_time[hash(account) % len(self._one_at_a_time)], self.steps.registry.folds.moment():
            return self._answer(case, challenge, answer, at, attesting, mark, portal=portal)

    def _answer(
        self,
        case: CaseId,
        challenge: str,
        answer: str,
        at: datetime,
        attesting: PersonId | None,
        mark: str | None,
        *,
        portal: bool,
    ) -> str:
        loaded = self.steps.load(case)
        running = next((c for c in loaded.case.challenges if c.id == challenge), None)
        if running is None:
            raise Refused("This challenge does not belong to this case.", "Begin the method again.", ("foreign",))
        port = self.methods[running.method]
        if (attesting is not None) == port.enforced:
            raise Refused(
                "The person answers this one, on their own page." if port.enforced else "An agent has to attest this.",
                "Give the person the address of their page." if port.enforced else "Answer it at the desk.",
                ("wrong_hands",),
            )
        if portal != (running.method in PORTAL):
            raise Refused(
                "Whoever vouches for the person answers this one, signed in as themself.",
                "Ask them to sign in to the console and open the page Vouch.",
                ("wrong_hands",),
            )
        if attesting is not None and attesting != running.by:
            raise Refused("Whoever began this method attests it.", "Begin it yourself.", ("wrong_hands",))
        self._unhurried(loaded.case, running.by, at)
        if running.purpose == "verify":
            demand_few_left(loaded.case, running.method, self._guessed(loaded.case, at))
        expect = self._version_of(running.prover)
        prover = self._prover_of(running.prover)
        ask = self._ask(loaded.case, port, challenge, running.purpose, prover, at)
        try:
            proof = port.check(ask, answer, at)
        except Refused as refused:
            final = "final" in refused.reasons
            if final or not set(refused.reasons) & NOT_A_MISS:
                self._answered(case, do.Miss(challenge=challenge, by=running.by, final=final), at, attesting)
                if not final and any(c.id == challenge and c.ended for c in self.steps.load(case).case.challenges):
                    raise _last(refused) from refused
            raise
        told = (Disclosure(name=PROOF, value=msgspec.json.encode(proof).decode(), retention=Retention.IDENTITY),)
        command = do.Prove(challenge=challenge, by=running.by, counter=proof.counter, browser=mark)
        self._answered(case, command, at, attesting, {past.MethodProved: told}, lambda: expect)
        return "proved"

    def vouches(self, actor: PersonId, at: datetime) -> tuple[Vouch, ...]:
        """What *actor* is asked to say about somebody, over all cases; those they may no longer answer left out."""
        self.steps.cases.follow(self.steps.ledger)
        found = []
        for case in self.steps.cases.running():
            for challenge in asked_of(case, actor, at):
                port, ask = self.ask_of(case, challenge.id, at)
                try:
                    begun = port.begin(ask)
                except Refused:
                    continue
                found.append(
                    Vouch(
                        case=case.id,
                        challenge=challenge.id,
                        as_=challenge.method,
                        action=case.action,
                        subject=case.subject,
                        by=challenge.by,
                        expires=challenge.expires,
                        options=begun.show_caller or "",
                    )
                )
        return tuple(found)

    def vouch(
        self, actor: PersonId, case: CaseId, challenge: str, answer: str, at: datetime, *, mark: str | None = None
    ) -> str:
        """Take the word of *actor*, who is signed in, in the browser of that *mark*: their signature, or `no`.

        Whether their word counts is asked again: who managed the account or had no hand in the case then may now. At
        the hand-over it is about the browser that takes the credential, so it is given there: whoever opened the page
        first, far from the kiosk, has no supervisor beside them.
        """
        loaded = self.steps.load(case)
        mine = next((c for c in loaded.case.challenges if c.id == challenge and c.method in PORTAL), None)
        if mine is None or mine.prover != actor:
            raise Refused("Nobody asks you to vouch here.", "Ask the desk what it is about.", ("foreign",))
        if voucher(self.steps.registry, loaded, mine.method, at, mine.prover).id != actor:
            raise Refused("It is no longer you who may vouch.", "Tell the desk.", ("no_voucher",))
        if mine.purpose == "hand_over" and answer.strip().lower() != NO and (mark is None or mark != mine.browser):
            raise Refused(
                "The page of this recovery is open in another browser than this one.",
                "Sign in at the kiosk, where their page is open; if that says another browser opened it, say no.",
                ("other_browser",),
            )
        return self.answer(case, challenge, answer, at, attesting=None, portal=True)

    def _version_of(self, prover: PersonId | None) -> Mapping[str, int]:
        """The version the prover's stream is at before an answer is checked: a counter used since is a lost race."""
        if prover is None:
            return {}
        stream = person_stream(prover)
        return {stream: self.steps.registry.folds.version(stream)}

    def _answered(
        self,
        case: CaseId,
        command: do.Command,
        at: datetime,
        attesting: PersonId | None,
        told: Told = NOTHING_TOLD,
        expect: Expect = nothing_expected,
    ) -> None:
        """Record an answer: the person's own as bookkeeping, an attestation as the agent's word, ruled on by policy."""
        if attesting is None:
            self.steps.system_step(case, lambda _: command, at, disclosures=told, expect=expect)
        else:
            self.steps.step(case, attesting, Step.VERIFY, lambda _: command, at, disclosures=told)

    def _prover_of(self, person: PersonId | None) -> Person | None:
        return self.steps.registry.person(person) if person else None

    def ask_of(self, case: Case, challenge: str, at: datetime) -> tuple[MethodPort, Ask]:
        """A running challenge's method, and the ask it was begun with."""
        running = next(c for c in case.challenges if c.id == challenge)
        port = self.methods[running.method]
        return port, self._ask(case, port, challenge, running.purpose, self._prover_of(running.prover), at)

    def recheck(self, case: Case, challenge: str, proof: Proof, at: datetime) -> None:
        """Let the method check a stored proof again; the executor calls this and trusts nothing else."""
        port, ask = self.ask_of(case, challenge, at)
        port.recheck(ask, proof)

    def missing(self, case: Case, at: datetime) -> tuple[Shortfall, ...]:
        """What verification still lacks, for each way to satisfy it; empty when it holds."""
        account = self.steps.registry.account(case.account)
        answer = assess(case.requirement, case.evidence, at, freeze=account.freeze(at, self.steps.thresholds))
        return () if isinstance(answer, Satisfied) else answer

    def ask(self, actor: PersonId, case: CaseId, at: datetime) -> None:
        """Ask for approval, or hold, or release: whatever comes next when verification holds."""
        nonce = secrets.token_hex(16)

        def build(_: Loaded) -> do.Command:
            return do.Ask(log=self.steps.ledger.origin, nonce=nonce, checkpoint=self.steps.not_before())

        self.steps.step(case, actor, Step.VERIFY, build, at)


def _last(refused: Refused) -> Refused:
    """*refused* as the last wrong answer hears it: there is nothing to try again."""
    return Refused(
        f"{refused.what} It was the last try: the challenge is over, and counts as a failure.",
        "Use another method the procedure names.",
        (*refused.reasons, "exhausted"),
    )


def _changed_at(ask: Ask, prover: Person | None) -> datetime | None:
    """When what a challenge stands on last changed: the contact point of record, or a later enrolment (invariant 7).

    What was enrolled on the day somebody became known here replaced nothing, so it counts at once.
    """
    changed = ask.contact.changed_at if ask.contact else None
    if ask.credential is None or prover is None or prover.since is None:
        return changed
    if prover.began_with(ask.credential):
        return changed
    enrolled = ask.credential.enrolled_at
    return max(enrolled, changed) if changed else enrolled
