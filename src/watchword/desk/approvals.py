"""Signed approvals: what an approver's passkey is asked to sign, and whether what came back holds, then and now.

The challenge is the request itself (`ledger.sshsig`), so nothing is kept between asking and answering, and an answer
fits no other case, ledger or question. At the desk a WebAuthn library and our own check have to agree; the executor
checks again with our own alone.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core import event as past
from watchword.core.action import Step
from watchword.core.approval import (
    SignedProof,
    SshMaterial,
    SshProof,
    approving_key,
    approving_keys,
    demand_own_key,
    demand_own_ssh_key,
    outside_keys,
)
from watchword.core.case import AwaitingApproval, Case, participants
from watchword.core.errors import Refused
from watchword.core.ids import CaseId, PersonId, Seq
from watchword.core.passkey import METHOD, RelyingParty
from watchword.core.person import Person
from watchword.desk.steps import Loaded, Steps
from watchword.ledger.approval import verify
from watchword.ledger.sshkey import verify_outside
from watchword.ledger.sshsig import namespace_of, signed_data
from watchword.methods.port import SignedAnswer, SignerPort


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """What one approver is asked to sign: the exact *request*, for *namespace*, with `get()` *options* as JSON.

    *needed* False says that a session would be proof enough.
    """

    request: str
    not_after: datetime
    namespace: str
    options: str
    needed: bool


class Approvals:
    """Asks for signatures of approvers and checks them; *party* says on whose pages they are made."""

    def __init__(self, steps: Steps, signer: SignerPort, party: RelyingParty) -> None:
        self.steps = steps
        self.signer = signer
        self.party = party

    @property
    def namespace(self) -> str:
        """What approvals here are signed for."""
        return namespace_of(self.steps.ledger.origin)

    def demand_seat(self, actor: PersonId, case: CaseId, at: datetime) -> Loaded:
        """The case, where *actor* may approve it now; `Refused` otherwise."""
        loaded = self.steps.load(case)
        self.steps.rule_on(actor, Step.APPROVE, loaded, at).demand()
        if not isinstance(loaded.case, AwaitingApproval):
            raise Refused("This case asks for no approval now.", "Look at what it waits for.", ("wrong_state",))
        return loaded

    def options(self, actor: PersonId, case: CaseId, at: datetime) -> Signing:
        """What *actor* would sign now; refused where they may not approve, or hold no passkey that counts."""
        loaded = self.demand_seat(actor, case, at)
        assert isinstance(loaded.case, AwaitingApproval)
        person = self.steps.registry.person(actor)
        try:
            rule = loaded.case.requirement.approve
            options = self.signer.sign_options(self._challenge(loaded.case.request), approving_keys(person, at, rule))
        except Refused as refused:
            raise said_to_approver(refused) from refused
        return Signing(
            request=loaded.case.request,
            not_after=loaded.case.not_after,
            namespace=self.namespace,
            options=options,
            needed=rule is not None and rule.signed,
        )

    def take(self, actor: PersonId, case: Case, request: str, assertion: str, at: datetime) -> SignedAnswer:
        """Check the browser's *assertion* by *actor* over *request*, as the library has it and as the executor will."""
        person = self.steps.registry.person(actor)
        try:
            answer = self.signer.signed(self._challenge(request), person.credentials_of(METHOD), assertion)
        except Refused as refused:
            raise said_to_approver(refused) from refused
        self._hold(person, case, request, answer.proof, at)
        return answer

    def take_outside(self, actor: PersonId, case: Case, request: str, signature: str, at: datetime) -> SshProof:
        """Check the armoured SSH *signature* by *actor* over *request*, as the executor will."""
        proof = SshProof(signature=signature)
        self._hold_outside(self.steps.registry.person(actor), case, request, proof, at)
        return proof

    def recheck(
        self, case: Case, given: past.ApprovalGiven, proof: SignedProof | SshProof, seq: Seq, at: datetime
    ) -> str:
        """Check an approval that stands at *seq* since *at* again, from what it left behind and what stood before it.

        Returns the enrolment that signed it; `Refused` where anything fails.
        """
        then = self.steps.registry.person(given.person, before=seq)
        if isinstance(proof, SshProof):
            return self._hold_outside(then, case, given.request, proof, at)[0]
        return self._hold(then, case, given.request, proof, at)

    def _hold(self, person: Person, case: Case, request: str, proof: SignedProof, at: datetime) -> str:
        """Check everything about *proof* but what came later; returns the enrolment it was made with."""
        credential, material = approving_key(person, proof.credential, at, case.requirement.approve)
        others = (self.steps.registry.person(other) for other in participants(case) - {person.id})
        demand_own_key(material, others)
        verify(proof, request, log=self.steps.ledger.origin, material=material, party=self.party)
        return credential.id

    def _hold_outside(
        self, person: Person, case: Case, request: str, proof: SshProof, at: datetime
    ) -> tuple[str, SshMaterial]:
        """The same for a signature from outside the browser: the enrolment it was made with, and its key."""
        unfit: Refused | None = None
        for credential, material in outside_keys(person, at, case.requirement.approve):
            try:
                verify_outside(proof, request, log=self.steps.ledger.origin, material=material)
            except Refused as refused:
                unfit = refused
                continue
            others = (self.steps.registry.person(other) for other in participants(case) - {person.id})
            demand_own_ssh_key(credential, others)
            return credential.id, material
        assert unfit is not None
        raise unfit

    def outside_key(
        self, case: Case, given: past.ApprovalGiven, proof: SshProof, seq: Seq, at: datetime
    ) -> tuple[str, SshMaterial]:
        """The enrolment and the key that made *proof*, for whoever shows it to an outsider."""
        return self._hold_outside(self.steps.registry.person(given.person, before=seq), case, given.request, proof, at)

    def _challenge(self, request: str) -> bytes:
        return signed_data(self.namespace, request.encode())


def said_to_approver(refused: Refused) -> Refused:
    """A method's words are for somebody who is being verified; whoever approves hears the same reason in their own."""
    if refused.reasons[0] not in _SAID:
        return refused
    what, remedy = _SAID[refused.reasons[0]]
    return Refused(what, remedy, refused.reasons)


_SAID = {
    "wrong_answer": (
        "This is no signature of yours over what was asked.",
        "Read it again, and sign it with a passkey that is enrolled for you.",
    ),
    "not_enrolled": (
        "You have no passkey to sign with.",
        "Have an administrator enrol one that checks a PIN or a biometric.",
    ),
    "origin": (
        "It was signed on a page that is not ours.",
        "Treat this as phishing: close that page, and open the console from its known address.",
    ),
}
