"""What an attacker can do who writes signed entries: approvals and enrolments that no decision made."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.desk.office import Office
from watchword.cli.demo.authenticator import SoftAuthenticator, b64
from watchword.core import event as past
from watchword.core.approval import SessionProof, SignedProof, encode_proof
from watchword.core.case import Asked
from watchword.core.ids import CaseId, PersonId
from watchword.core.passkey import PasskeyMaterial
from watchword.core.person import Credential, CredentialConfirmed, CredentialEnrolled, SeatLent
from watchword.core.request import parse
from watchword.core.standing import RecoveryCompleted
from watchword.desk.recording import case_stream, draft, event_of
from watchword.desk.verification import PROOF
from watchword.ledger.append import Append, Appended
from watchword.ledger.sshsig import namespace_of, signed_data

SESSION = encode_proof(SessionProof(session="00" * 32))


Planted = past.ApprovalGiven | CredentialEnrolled | CredentialConfirmed | SeatLent | RecoveryCompleted


def plant(office: Office, stream: str, event: Planted, actor: PersonId) -> Appended:
    """Append an entry that no decision made, as whoever holds the ledger's signing key can."""
    version = office.app.ledger.read(stream)[-1].entry.version
    drafts = (draft(event, actor, office.at),)
    (appended,) = office.app.ledger.append((Append(stream=stream, expected_version=version, drafts=drafts),))
    return appended


def plant_yes(
    office: Office,
    case: CaseId,
    proof: str,
    login: str = "boss.one",
    *,
    request: str | None = None,
    role: str = "manager_of_record",
    unit: str = "",
) -> None:
    """An entry that says that *login* agreed, as somebody of that *unit*."""
    now = office.case(case)
    assert isinstance(now, Asked)
    event = past.ApprovalGiven(
        case=case,
        person=office[login],
        roles=(role,),
        request=now.request if request is None else request,
        proof=proof,
        not_after=now.not_after,
        unit=unit,
    )
    plant(office, case_stream(case), event, office[login])


def planted(office: Office, case: CaseId, proof: str, login: str = "boss.one", request: str | None = None) -> None:
    """The same, released by somebody who believes it; then the executor runs."""
    plant_yes(office, case, proof, login, request=request)
    office.release(case)
    office.run()


def proof_by(office: Office, case: CaseId, by: str | SoftAuthenticator = "boss.one", **fault: Any) -> str:
    """What an authenticator makes of what *case* asks, without anybody at the desk looking at it."""
    own = office.keys.passkeys[by] if isinstance(by, str) else by
    now = office.case(case)
    assert isinstance(now, Asked)
    challenge = b64(signed_data(namespace_of(office.app.ledger.origin), now.request.encode()))
    answer = json.loads(own.get(json.dumps({"challenge": challenge, "rpId": "localhost"}), **fault))
    return encode_proof(
        SignedProof(
            credential=answer["id"],
            client_data=answer["response"]["clientDataJSON"],
            authenticator_data=answer["response"]["authenticatorData"],
            signature=answer["response"]["signature"],
        )
    )


def replanted(
    office: Office,
    case: CaseId,
    question: Appended,
    asked: dict[str, Any],
    needed: dict[str, Any] | None = None,
    proof: str | None = None,
) -> CaseId:
    """The history of *case* up to the question under a new name, approved by a session and released.

    The question has other fields as *asked* says, and the requirement as *needed* says; *proof* takes the place of what
    the methods left behind.
    """
    forged = CaseId(office.app.ledger.pseudonym("c"))
    leaves: dict[str, str] = {}
    for entry in office.app.ledger.read(case_stream(case)):
        if entry.seq > question.seq:
            break
        text = msgspec.json.encode(event_of(entry)).decode().replace(case, forged)
        for old, new in leaves.items():
            text = text.replace(old, new)
        event = msgspec.json.decode(text, type=past.CaseEvent)
        if isinstance(event, past.ApprovalAsked):
            request = msgspec.json.decode(event.request)
            altered = msgspec.convert(request | asked, type(parse(event.request)))
            event = msgspec.structs.replace(event, request=altered.encode())
        if isinstance(event, past.CaseOpened) and needed:
            lowered = msgspec.convert(msgspec.to_builtins(event.requirement) | needed, type(event.requirement))
            event = msgspec.structs.replace(event, requirement=lowered)
        told = tuple(opened for one in entry.entry.sd if (opened := office.app.ledger.open_payload(one)) is not None)
        if proof is not None:
            told = tuple(msgspec.structs.replace(o, value=proof) if o.name == PROOF else o for o in told)
        made = draft(event, entry.entry.actor, office.at, told)
        append = Append(stream=case_stream(forged), expected_version=entry.entry.version - 1, drafts=(made,))
        (appended,) = office.app.ledger.append((append,))
        leaves[entry.leaf] = appended.leaf
    plant_yes(office, forged, SESSION)
    office.release(forged)
    return forged


def material_for(own: SoftAuthenticator, key: bytes | None = None) -> str:
    """`Credential.public` for *own*, whatever kind of key it has."""
    return msgspec.json.encode(
        PasskeyMaterial(
            credential_id=b64(own.credential_id),
            public_key=b64(own.public_key() if key is None else key),
            sign_count=0,
            aaguid="00000000-0000-0000-0000-000000000000",
            backup_eligible=False,
            rp_id="localhost",
        )
    ).decode()


def enrol(office: Office, login: str, own: SoftAuthenticator, key: bytes | None = None) -> str:
    """Enrol *own* for *login*; returns the enrolment."""
    name = office.app.ledger.pseudonym("k")
    credential = Credential(id=name, method="passkey", enrolled_at=office.at, public=material_for(own, key))
    office.app.people.enrol(office["root.admin"], office[login], credential, None, office.at)
    office.confirm(login)
    office.keys.passkeys[login] = own
    return name
