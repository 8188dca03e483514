"""Everything that bears on one case, collected for an outsider: entries, proofs, signatures, what may be opened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from watchword.core import event as past
from watchword.core.action import Step
from watchword.core.approval import SignedProof, SshProof, approving_key, proof_of
from watchword.core.case import participants
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import CredentialEnrolled, CredentialRevoked
from watchword.desk.approvals import Approvals
from watchword.desk.hand_over import ENVELOPE
from watchword.desk.new_contact import CONTACT, PREVIOUS
from watchword.desk.posture import PolicyActivated
from watchword.desk.recording import POLICY_STREAM, account_stream, case_stream, event_of, person_stream
from watchword.desk.steps import Loaded, Steps
from watchword.ledger.append import Appended
from watchword.ledger.approval import verify
from watchword.ledger.bundle import Bundle, Piece, SignedYes, Stamp
from watchword.ledger.outsiders import Outsiders
from watchword.ledger.restoration import LEDGER_STREAM
from watchword.ledger.sshsig import allowed_signer

SECRET = frozenset({"secret", ENVELOPE, CONTACT, PREVIOUS})
"""Payloads that are opened for nobody: seeds, password hashes, sealed credentials, and a new contact point whole."""

_ABOUT_PEOPLE = (
    "person.registered",
    "role.granted",
    "role.revoked",
    "seat.lent",
    "seat.returned",
    "credential.enrolled",
    "credential.confirmed",
    "credential.revoked",
)


class Dossier:
    """Collects bundles. Ruled by policy like a step of the case; what was erased stays closed."""

    def __init__(self, steps: Steps, approvals: Approvals, outsiders: Outsiders) -> None:
        self.steps = steps
        self.approvals = approvals
        self.outsiders = outsiders

    def collect(self, actor: PersonId, case: CaseId, at: datetime, *, is_open: bool = True) -> Bundle:
        """The bundle of *case* as it stands; with *is_open* the personal data that *actor* may see are disclosed."""
        loaded = self.steps.load(case)
        self.steps.rule_on(actor, Step.EXPORT_EVIDENCE, loaded, at).demand()
        ledger = self.steps.ledger
        own = ledger.read(case_stream(case))
        activated = self._activation(loaded)
        chosen = {one.seq: one for one in (*own, *self._around(loaded, own[-1].seq), *activated)}
        entries = tuple(chosen[seq] for seq in sorted(chosen))
        note, policy = self.outsiders.vouched(entries[-1].seq)
        size = int(note.split("\n", 2)[1])
        signed = tuple(self._approvals(own, loaded))
        return Bundle(
            case=case,
            origin=ledger.origin,
            note=note,
            policy=policy,
            pieces=tuple(self._piece(one, note, size, is_open=is_open) for one in entries),
            approvals=tuple(yes for yes, _ in signed),
            signers=tuple(dict.fromkeys(line for _, line in signed)),
            procedures=tuple(self._procedures(activated)),
            stamps=tuple(
                Stamp(authority=each.authority, note=each.note, token=each.token, roots=roots)
                for each, roots in self.outsiders.stamped(own[-1].seq)
            ),
        )

    def _around(self, loaded: Loaded, last: int) -> tuple[Appended, ...]:
        """What else bears on the case: its account, the people in it, and what the ledger says of it."""
        ledger, case = self.steps.ledger, loaded.case
        people = sorted(participants(case) | ({case.subject} if case.subject else set()))
        of_people = [
            one
            for person in people
            for one in ledger.read(person_stream(person))
            if one.entry.type in _ABOUT_PEOPLE and one.seq < last
        ]
        of_account = [
            one
            for one in ledger.read(account_stream(case.account))
            if one.entry.type == "account.registered" or one.entry.data.get("case") == case.id
        ]
        own = (case_stream(case.id), account_stream(case.account))
        of_ledger = [one for one in ledger.read(LEDGER_STREAM) if one.entry.data.get("stream") in own]
        return (*of_people, *of_account, *of_ledger)

    def _activation(self, loaded: Loaded) -> tuple[Appended, ...]:
        """The entry that made the case's policy the active one, after the one that proposed it where there is one."""
        entries = self.steps.ledger.read(POLICY_STREAM)
        for one in reversed(entries):
            event = event_of(one)
            if isinstance(event, PolicyActivated) and event.digest == loaded.case.requirement.policy:
                return (*(e for e in entries if e.leaf == event.proposed), one)
        return ()

    def _piece(self, one: Appended, note: str, size: int, *, is_open: bool) -> Piece:
        proof = msgspec.structs.replace(self.steps.ledger.prove(one.seq, size), note=note)
        told = self.steps.ledger.openings(one) if is_open and one.entry.stream != POLICY_STREAM else {}
        return Piece(raw=one.raw, proof=proof, disclosed=tuple(told[name] for name in sorted(told.keys() - SECRET)))

    def _procedures(self, activated: tuple[Appended, ...]) -> list[tuple[str, str]]:
        """The policy's own text, as it was when it was activated."""
        return [text for one in activated[-1:] for text in sorted(self.steps.ledger.disclosures(one).items())]

    def _approvals(self, own: tuple[Appended, ...], loaded: Loaded) -> Iterator[tuple[SignedYes, str]]:
        """Each signed approval, and the `allowed_signers` line of its key: from its enrolment until it was revoked."""
        log = self.steps.ledger.origin
        for one in own:
            given = event_of(one)
            if not isinstance(given, past.ApprovalGiven):
                continue
            proof = proof_of(given.proof)
            if isinstance(proof, SshProof):
                yield self._outside(one, given, proof, loaded)
            if not isinstance(proof, SignedProof):
                continue
            then = self.steps.registry.person(given.person, before=one.seq)
            enrolled, material = approving_key(then, proof.credential, one.entry.at)
            signature = verify(proof, given.request, log=log, material=material, party=self.approvals.party).signature
            assertion = {
                "credentialId": proof.credential,
                "clientDataJSON": proof.client_data,
                "authenticatorData": proof.authenticator_data,
                "signature": proof.signature,
                "publicKey": material.public_key,
                "rpId": material.rp_id,
            }
            since, until = self._life(given.person, enrolled.id)
            yield (
                SignedYes(
                    seq=one.seq,
                    principal=given.person,
                    at=one.entry.at,
                    request=given.request,
                    assertion=msgspec.json.encode(assertion),
                    armour=signature.armour(),
                    namespace=signature.namespace,
                ),
                allowed_signer(given.person, signature.key, signature.namespace, valid_after=since, valid_before=until),
            )

    def _outside(
        self, one: Appended, given: past.ApprovalGiven, proof: SshProof, loaded: Loaded
    ) -> tuple[SignedYes, str]:
        """An approval that was signed outside the browser: it is an SSH signature already."""
        key, material = self.approvals.outside_key(loaded.case, given, proof, one.seq, one.entry.at)
        since, until = self._life(given.person, key)
        namespace = self.approvals.namespace
        yes = SignedYes(
            seq=one.seq,
            principal=given.person,
            at=one.entry.at,
            request=given.request,
            assertion=None,
            armour=proof.signature,
            namespace=namespace,
        )
        return yes, allowed_signer(given.person, str(material), namespace, valid_after=since, valid_before=until)

    def _life(self, person: PersonId, credential: str) -> tuple[datetime, datetime | None]:
        """From when until when a credential counted, as entries say."""
        since = until = None
        for one in self.steps.ledger.read(person_stream(person)):
            event = event_of(one)
            if isinstance(event, CredentialEnrolled) and event.credential.id == credential:
                since = one.entry.at
            if isinstance(event, CredentialRevoked) and event.credential == credential:
                until = one.entry.at
        assert since is not None
        return since, until
