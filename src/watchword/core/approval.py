"""What proves an approver's yes: the session they were signed in under, or a signature by their own passkey.

The signature itself is checked in `ledger.approval`; here stands whose key may have made it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from watchword.core.account import FACT_WINDOW
from watchword.core.errors import Refused
from watchword.core.passkey import METHOD, PasskeyMaterial, material_of
from watchword.core.person import Credential, Person


class SessionProof(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="session"
):
    """Signed in as that person; *session* is the SHA-256 of the session's id, in hexadecimal."""

    session: str


class SignedProof(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="sshsig"
):
    """A WebAuthn assertion over the exact request, whole, so that anybody can check it again in years.

    Each is base64url without padding, as the browser gave it; *credential* is the passkey's own id. Its challenge is
    the SSHSIG blob over the request, so it is an SSH signature as well (docs/approvals.md).
    """

    credential: str
    client_data: str
    authenticator_data: str
    signature: str


ApprovalProof = SessionProof | SignedProof


def encode_proof(proof: ApprovalProof) -> str:
    """The text that stands in `ApprovalGiven.proof`."""
    return msgspec.json.encode(proof).decode()


def proof_of(text: str) -> ApprovalProof | None:
    """What `ApprovalGiven.proof` says; None for anything this version would not have written."""
    try:
        proof: ApprovalProof = msgspec.json.decode(text, type=ApprovalProof)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return proof


def is_signed(text: str) -> bool:
    """Whether a proof claims to be a signature; whether it is one, only the check of the signature says."""
    return isinstance(proof_of(text), SignedProof)


def approving_keys(person: Person, at: datetime) -> tuple[Credential, ...]:
    """The passkeys *person* may sign with at *at*; raise `Refused` where every one they hold is too new."""
    held = person.credentials_of(METHOD)
    counting = tuple(c for c in held if not person.is_young(c, at))
    if held and not counting:
        raise _young(held[-1])
    return counting


def approving_key(person: Person, credential: str, at: datetime) -> tuple[Credential, PasskeyMaterial]:
    """The enrolment of *person* whose passkey is *credential*; *person* is folded up to the approval, no further.

    Raise `Refused` where they hold no such passkey (it is another's, was revoked, or comes later), and where it was
    enrolled within the window in which a new one is worth nothing.
    """
    for enrolled in reversed(person.credentials_of(METHOD)):
        material = material_of(enrolled)
        if material is None or material.credential_id != credential:
            continue
        if person.is_young(enrolled, at):
            raise _young(enrolled)
        return enrolled, material
    raise Refused(
        "This passkey is not one this approver held when they approved.",
        "Sign with your own enrolled passkey, or have an administrator enrol one.",
        ("not_enrolled",),
    )


def _young(enrolled: Credential) -> Refused:
    return Refused(
        f"This passkey was enrolled on {enrolled.enrolled_at:%Y-%m-%d}; for {FACT_WINDOW.days} days it signs nothing.",
        "Sign with one that was enrolled before, or have somebody else approve.",
        ("young_key",),
    )


def demand_own_key(material: PasskeyMaterial, others: Iterable[Person]) -> None:
    """Raise `Refused` where somebody else with a hand in the case holds the same key: it would be two people's yes."""
    for other in others:
        for enrolled in other.credentials_of(METHOD):
            theirs = material_of(enrolled)
            if theirs is not None and theirs.public_key == material.public_key:
                raise Refused(
                    "This passkey is enrolled for two people of this case.",
                    "Revoke it for both, and treat it as an attack.",
                    ("shared_key",),
                )
