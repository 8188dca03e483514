"""How a policy becomes the active one: a first author proposes it, a second one confirms exactly that, in time.

Both stand for the same bytes (`core.statement`): with a signature of their own passkey where they have one that counts,
else with the session they are signed in under, and the entry says which. What keeps two authors apart is written in
people.cedar; it is held here as well, because a policy that is to be activated could leave it out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec

from watchword.core.account import FACT_WINDOW, AccountClass
from watchword.core.action import Action, Step
from watchword.core.approval import SessionProof, approving_key, approving_keys, demand_own_sign_in, encode_proof
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import LeafHash, PersonId
from watchword.core.passkey import METHOD, RelyingParty
from watchword.core.person import (
    SIGN_IN,
    CredentialEnrolled,
    CredentialRevoked,
    CredentialUsed,
    Kind,
    Person,
    Role,
    RoleGranted,
    RoleRevoked,
)
from watchword.core.ruling import CaseFacts
from watchword.core.statement import Statement
from watchword.desk.posture import PolicyActivated, PolicyProposed, Posture
from watchword.desk.recording import POLICY_STREAM, draft, event_of, person_stream
from watchword.desk.steps import Steps
from watchword.ledger.append import Append, Draft
from watchword.ledger.approval import verify
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.sshsig import AUTHORSHIP, namespace_of, signed_data
from watchword.methods.port import SignedAnswer, SignerPort
from watchword.policy.bundle import FILES, Policy, PolicyFolder
from watchword.policy.check import demand_sound

WITHIN = timedelta(hours=24)
"""How long a proposal waits for its second author, where the first one says nothing else."""

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=7)

SLACK = timedelta(minutes=10)
"""How long the first author may look at a statement before they sign it."""


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """What an author stands for: the exact *statement*, for *namespace*.

    *options* are for `navigator.credentials.get()`, as JSON; None where this author has no passkey that counts.
    """

    statement: str
    not_after: datetime
    namespace: str
    options: str | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy the ledger says is *active*, which this process is *running* under, and which is *on_disk* now.

    The latter is None, and *broken* says why, where it can not be read. *proposal* waits for a second author.
    """

    active: str | None
    running: str
    on_disk: str | None
    broken: str
    proposal: PolicyProposed | None


class Activation:
    """Proposes and confirms. *on_disk* reads the policy anew, so that one can be proposed while another one runs."""

    def __init__(self, steps: Steps, on_disk: PolicyFolder, signer: SignerPort, party: RelyingParty) -> None:
        self.steps = steps
        self.on_disk = on_disk
        self.signer = signer
        self.party = party

    def standing(self, at: datetime) -> Standing:
        """How things stand; asks nobody's role."""
        posture, on_disk, broken = self.steps.registry.posture(), None, ""
        try:
            on_disk = self.on_disk.digest()
        except Invalid as fault:
            broken = fault.what
        return Standing(
            active=posture.digest,
            running=self.steps.policy.digest,
            on_disk=on_disk,
            broken=broken,
            proposal=posture.waiting(at),
        )

    # --- the first author --------------------------------------------------------------------------------------------

    def to_propose(self, actor: PersonId, at: datetime, *, within: timedelta = WITHIN) -> Signing:
        """What *actor* would stand for by proposing the policy on disk, to be confirmed *within* that time."""
        self._author(actor, at, signs=bool(self._keys(actor, at)))
        policy = self._sound()
        return self._signing(actor, self._statement(policy.digest, at, within), at)

    def propose(
        self,
        actor: PersonId,
        session: str,
        at: datetime,
        *,
        within: timedelta = WITHIN,
        statement: str | None = None,
        assertion: str | None = None,
    ) -> PolicyProposed:
        """Propose the policy on disk; it replaces any earlier proposal and changes nothing yet.

        With a passkey, *statement* is what `to_propose` gave and *assertion* the browser's answer to it. Raise
        `Refused` for whoever may not, for a policy with findings, and without a signature where one can be had.
        """
        self._author(actor, at, signs=assertion is not None)
        policy = self._sound()
        text = statement if statement is not None else self._statement(policy.digest, at, within)
        said = self._demand_current(text, policy.digest, at)
        proof, used = self._prove(actor, session, text, assertion, at)
        proposed = PolicyProposed(digest=policy.digest, by=actor, statement=text, proof=proof, not_after=said.not_after)
        self._append(draft(proposed, actor, at, _texts(policy)), self._version(), actor, used, at)
        return proposed

    def _statement(self, digest: str, at: datetime, within: timedelta) -> str:
        if not SHORTEST <= within <= LONGEST:
            raise Refused(
                "A proposal waits between an hour and a week.", "Give a time between `1h` and `7d`.", ("within",)
            )
        until = (at + within).replace(microsecond=0)
        return Statement(
            log=self.steps.ledger.origin,
            policy=digest,
            replaces=self.steps.registry.posture().digest,
            nonce=secrets.token_hex(16),
            checkpoint=self.steps.not_before(),
            not_after=until,
        ).encode()

    def _demand_current(self, text: str, policy: str, at: datetime) -> Statement:
        """The statement, which came back from a browser: of this ledger, this policy, and made just now."""
        said = Statement.parse(text)
        ledger = self.steps.ledger
        if said.log != ledger.origin or said.policy != policy:
            raise Conflict("The policy on disk is not the one you looked at.", "Read it again, then propose it.")
        stated, active = said.checkpoint, self.steps.registry.posture().digest
        known = 0 < stated.size <= ledger.size and ledger.root(stated.size).hex() == stated.root
        if not known or said.replaces != active or not at + SHORTEST - SLACK <= said.not_after <= at + LONGEST:
            raise Conflict("What you looked at is out of date.", "Ask for the statement again, then propose it.")
        return said

    # --- the second author -------------------------------------------------------------------------------------------

    def to_confirm(self, actor: PersonId, at: datetime) -> Signing:
        """What *actor* would stand for by confirming what waits: the same bytes as the first author."""
        _, waiting, _ = self._waiting(at)
        self._author(actor, at, signs=bool(self._keys(actor, at)), proposal=waiting)
        return self._signing(actor, waiting.statement, at)

    def activate(
        self, actor: PersonId, digest: str, session: str, at: datetime, *, assertion: str | None = None
    ) -> str:
        """Confirm, as a second author, the proposal of exactly *digest*; from now on it is active. Returns the digest.

        Raise `Refused` for the first author, for whoever may not, and once its time is over; `Conflict` where something
        else waits than *digest*, or the policy on disk is another one meanwhile.
        """
        version, waiting, leaf = self._waiting(at)
        if not hmac.compare_digest(waiting.digest.encode(), digest.encode()):
            raise Conflict("What you looked at is not what is proposed now.", "Read it again, then confirm it.")
        self._author(actor, at, signs=assertion is not None, proposal=waiting)
        policy = self._sound()
        if policy.digest != waiting.digest:
            raise Conflict(
                "The policy on disk is no longer what was proposed.",
                "Put the file back, or have a policy author run `watchword policy propose` again.",
            )
        proof, used = self._prove(actor, session, waiting.statement, assertion, at)
        activated = PolicyActivated(
            digest=policy.digest, by=actor, proposer=waiting.by, proposed=leaf, proof=proof, founding=False
        )
        # Its text goes along, so that in years it can be said what a case was held to.
        self._append(draft(activated, actor, at, _texts(policy)), version, actor, used, at)
        return policy.digest

    def _waiting(self, at: datetime) -> tuple[int, PolicyProposed, LeafHash]:
        """The stream's version, the proposal that waits in it, and its leaf."""
        version, leaf, posture = -1, LeafHash(""), self.steps.registry.posture()
        for one in self.steps.ledger.read(POLICY_STREAM):
            version = one.entry.version
            if event_of(one) == posture.proposal:
                leaf = one.leaf
        if posture.proposal is None or not leaf:
            raise Refused(
                "Nobody has proposed a policy.",
                "Have a policy author run `watchword policy propose`; another one then activates it.",
                ("not_proposed",),
            )
        if posture.waiting(at) is None:
            raise Refused(
                f"The proposal was to be confirmed by {posture.proposal.not_after:%Y-%m-%d %H:%M} UTC.",
                "Have a policy author run `watchword policy propose` again.",
                ("expired",),
            )
        proposer = self.steps.registry.person(posture.proposal.by)
        if Role.POLICY_AUTHOR not in proposer.roles_at(at, ""):
            raise Refused(
                "Whoever proposed this is no policy author any more.",
                "Look at why, then have a policy author run `watchword policy propose` again.",
                ("proposer_gone",),
            )
        if Statement.parse(posture.proposal.statement).replaces != posture.digest:
            raise Conflict(
                "Another policy was activated meanwhile.", "Have a policy author run `watchword policy propose` again."
            )
        return version, posture.proposal, leaf

    # --- who, and with which proof -----------------------------------------------------------------------------------

    def _author(self, actor: PersonId, at: datetime, *, signs: bool, proposal: PolicyProposed | None = None) -> None:
        """Raise `Refused` unless *actor* may: by the ledger first, then by the policy this process runs under.

        The role is read from the ledger, not from a policy that is to be activated: that one could name anybody.
        """
        person = self.steps.registry.person(actor)
        if person.kind is not Kind.EMPLOYEE or Role.POLICY_AUTHOR not in person.roles_at(at, ""):
            raise Refused("Only a policy author activates a policy.", "Ask one.", ("not_policy_author",))
        unsettled = self._unsettled(person, at, signs=signs)
        facts = CaseFacts(
            case=None,
            unit="",
            account_class=AccountClass.IDENTITY_CONTROL,
            action=Action.UNLOCK,
            subject=None,
            proposer=proposal.by if proposal else None,
            unsettled=unsettled,
        )
        self.steps.rule(actor, Step.ACTIVATE_POLICY, facts, at).demand()
        if unsettled:
            raise Refused(
                f"This author's role or way in was changed within {FACT_WINDOW.days} days.",
                "Sign with a passkey that was enrolled before, or have another policy author do it.",
                ("author-changed-lately",),
            )
        if proposal is not None and proposal.by == actor:
            raise Refused(
                "Whoever proposed a policy does not confirm it.", "Ask another author.", ("proposer-never-confirms",)
            )

    def _unsettled(self, person: Person, at: datetime, *, signs: bool) -> bool:
        """Whether somebody gave *person* the role, or a way to sign in, within the window (invariant 7).

        One administrator could make two authors of their own, or sign in as two that are there. In the first days of a
        ledger they choose everybody anyway. A signature by a key that counts needs no settled way in.
        """
        founded = next((e.entry.at for e in self.steps.ledger.read(POLICY_STREAM)), at)
        since = max(at - FACT_WINDOW, founded + FACT_WINDOW)
        granted: list[tuple[datetime | None, datetime]] = []
        touched = False
        for one in self.steps.ledger.read(person_stream(person.id)):
            event, when = event_of(one), one.entry.at
            match event:
                case RoleGranted(grant=grant) if grant.role is Role.POLICY_AUTHOR and not grant.unit:
                    granted.append((grant.until, when))
                case RoleRevoked(role=Role.POLICY_AUTHOR):
                    granted.clear()
                case CredentialEnrolled(credential=credential) if credential.method == SIGN_IN:
                    touched = touched or when > since
                case CredentialRevoked():
                    touched = touched or when > since
                case _:
                    pass
        role_since = min((when for until, when in granted if until is None or at < until), default=at)
        return role_since > since or (touched and not signs)

    def _keys(self, actor: PersonId, at: datetime) -> tuple[str, ...]:
        """The passkeys *actor* can sign with; none where every one of them is too new to count."""
        try:
            return tuple(c.id for c in approving_keys(self.steps.registry.person(actor), at))
        except Refused:
            return ()

    def _signing(self, actor: PersonId, text: str, at: datetime) -> Signing:
        namespace, options = namespace_of(self.steps.ledger.origin, AUTHORSHIP), None
        if self._keys(actor, at):
            keys = approving_keys(self.steps.registry.person(actor), at)
            options = self.signer.sign_options(signed_data(namespace, text.encode()), keys)
        return Signing(statement=text, not_after=Statement.parse(text).not_after, namespace=namespace, options=options)

    def _prove(
        self, actor: PersonId, session: str, text: str, assertion: str | None, at: datetime
    ) -> tuple[str, SignedAnswer | None]:
        """The proof to store, and the signature it is, if it is one; refused without one where one can be had."""
        if assertion is None:
            if self._keys(actor, at):
                raise Refused(
                    "You have a passkey, so being signed in is not enough.",
                    "Sign the statement with it, on the console's page of the policy.",
                    ("unsigned",),
                )
            demand_own_sign_in(self.steps.registry.person(actor), at)
            return encode_proof(SessionProof(session=hashlib.sha256(session.encode()).hexdigest())), None
        person, origin = self.steps.registry.person(actor), self.steps.ledger.origin
        challenge = signed_data(namespace_of(origin, AUTHORSHIP), text.encode())
        answer = self.signer.signed(challenge, person.credentials_of(METHOD), assertion)
        _, material = approving_key(person, answer.proof.credential, at)
        verify(answer.proof, text, log=origin, material=material, party=self.party, purpose=AUTHORSHIP)
        return encode_proof(answer.proof), answer

    # --- what is written ---------------------------------------------------------------------------------------------

    def _sound(self) -> Policy:
        policy = self.on_disk.read()
        demand_sound(policy)
        return policy

    def _version(self) -> int:
        entries = self.steps.ledger.read(POLICY_STREAM)
        return entries[-1].entry.version if entries else -1

    def _append(self, entry: Draft, version: int, actor: PersonId, used: SignedAnswer | None, at: datetime) -> None:
        appends = [Append(stream=POLICY_STREAM, expected_version=version, drafts=(entry,))]
        if used is not None:  # so that no answer of that key counts twice anywhere
            stream = person_stream(actor)
            event = CredentialUsed(person=actor, credential=used.credential, counter=used.counter)
            last = self.steps.ledger.read(stream)[-1].entry.version
            appends.append(Append(stream=stream, expected_version=last, drafts=(draft(event, actor, at),)))
        self.steps.ledger.append(tuple(appends))


def found_policy(steps: Steps, actor: PersonId, at: datetime) -> str:
    """The founding activation, by one person because nobody else is there yet; returns the digest.

    Raise `Refused` once a policy is active: from then on there are two authors.
    """
    if steps.registry.posture().digest is not None:
        raise Refused("The ledger was founded already.", "Propose a policy, and have it confirmed.", ("founded",))
    demand_sound(steps.policy)
    event = PolicyActivated(digest=steps.policy.digest, by=actor, founding=True)
    drafts = (draft(event, actor, at, _texts(steps.policy)),)
    steps.ledger.append((Append(stream=POLICY_STREAM, expected_version=-1, drafts=drafts),))
    return steps.policy.digest


def active_texts(steps: Steps) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Digest and files (name, text) of the active policy, as they were kept when it was activated."""
    posture: Posture = steps.registry.posture()
    for one in reversed(steps.ledger.read(POLICY_STREAM)):
        if event_of(one) == posture.activated:
            kept = steps.ledger.disclosures(one)
            return str(posture.digest), tuple((name, kept[name]) for name in FILES if name in kept)
    raise Refused("No policy is active.", "Found the ledger with `watchword init`.", ("not_founded",))


def _texts(policy: Policy) -> tuple[Disclosure, ...]:
    return tuple(Disclosure(name=name, value=text, retention=Retention.CORE) for name, text in policy.texts)
