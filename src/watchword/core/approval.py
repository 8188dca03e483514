"""What proves an approver's yes: the session they were signed in under, or a signature by a key of their own.

The signature itself is checked in `ledger.approval` and `ledger.sshkey`; here stands whose key may have made it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from watchword.core.account import FACT_WINDOW
from watchword.core.errors import Refused
from watchword.core.passkey import METHOD, PasskeyMaterial, material_of
from watchword.core.person import Credential, Person
from watchword.core.quorum import Rule
from watchword.core.requirement import Evidence


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


class SshProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="ssh"):
    """An armoured SSH *signature* over the exact request, made outside any browser (`ledger.sshkey`)."""

    signature: str


class SshMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of an SSH key: its *kind* as OpenSSH names it, and its *blob* in base64 as a .pub has it."""

    kind: str
    blob: str

    @property
    def in_hardware(self) -> bool:
        """Whether every signature shows that it was made by a security key."""
        return self.kind.startswith("sk-")

    def __str__(self) -> str:
        return f"{self.kind} {self.blob}"


SSH_KEY = "ssh_key"
"""`Credential.method` of a key that signs outside any browser."""

ApprovalProof = SessionProof | SignedProof | SshProof


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
    return isinstance(proof_of(text), SignedProof | SshProof)


def is_outside(text: str) -> bool:
    """Whether a proof claims to be a signature from outside any browser."""
    return isinstance(proof_of(text), SshProof)


def approving_keys(person: Person, at: datetime, rule: Rule | None = None) -> tuple[Credential, ...]:
    """The passkeys *person* may sign with at *at* under *rule*; raise `Refused`, why, where none they hold will do."""
    counting: list[Credential] = []
    unfit: Refused | None = None
    for enrolled in person.credentials_of(METHOD):
        try:
            if person.is_young(enrolled, at):
                raise _young(enrolled)
            _demand_fit(person, enrolled, rule, bound=is_bound(enrolled) is True)
        except Refused as refused:
            unfit = refused
            continue
        counting.append(enrolled)
    if unfit is not None and not counting:
        raise unfit
    return tuple(counting)


def approving_key(
    person: Person, credential: str, at: datetime, rule: Rule | None = None
) -> tuple[Credential, PasskeyMaterial]:
    """The enrolment of *person* whose passkey is *credential*; *person* is folded up to the approval, no further.

    Raise `Refused` where they hold no such passkey (it is another's, was revoked, or comes later), where it was
    enrolled within the window in which a new one is worth nothing, and where it is not what *rule* asks for.
    """
    for enrolled in reversed(person.credentials_of(METHOD)):
        material = material_of(enrolled)
        if material is None or material.credential_id != credential:
            continue
        if person.is_young(enrolled, at):
            raise _young(enrolled)
        _demand_fit(person, enrolled, rule, bound=not material.backup_eligible)
        return enrolled, material
    raise Refused(
        "This passkey is not one this approver held when they approved.",
        "Sign with your own enrolled passkey, or have an administrator enrol one.",
        ("not_enrolled",),
    )


def is_bound(enrolled: Credential) -> bool | None:
    """Whether a key for approvals can not be copied to another device; None for what is no such key."""
    if enrolled.method == METHOD:
        material = material_of(enrolled)
        return None if material is None else not material.backup_eligible
    if enrolled.method != SSH_KEY:
        return None
    try:
        return msgspec.json.decode(enrolled.public, type=SshMaterial).in_hardware
    except msgspec.MsgspecError:
        return None


def outside_keys(person: Person, at: datetime, rule: Rule | None) -> tuple[tuple[Credential, SshMaterial], ...]:
    """The SSH keys *person* may sign with at *at* under *rule*; `Refused` where there is none, with the reason."""
    refused = Refused(
        "You have no key to sign with outside the browser.",
        "Have an administrator enrol one (`watchword people ssh-key`), and another person confirm it.",
        ("not_enrolled",),
    )
    found: list[tuple[Credential, SshMaterial]] = []
    for enrolled in reversed(person.credentials_of(SSH_KEY)):
        try:
            material = msgspec.json.decode(enrolled.public, type=SshMaterial)
            if person.is_young(enrolled, at):
                raise _young(enrolled)
            _demand_fit(person, enrolled, rule, bound=material.in_hardware)
        except msgspec.MsgspecError:
            continue
        except Refused as unfit:
            refused = unfit
            continue
        found.append((enrolled, material))
    if not found:
        raise refused
    return tuple(found)


def _demand_fit(person: Person, enrolled: Credential, rule: Rule | None, *, bound: bool) -> None:
    """Raise `Refused` where *rule* asks for more than this key is: confirmed by a second person, bound to a device."""
    if rule is None or not (rule.signed or rule.device_bound):
        return
    if enrolled.confirmed_by in (None, enrolled.enrolled_by, person.id):
        raise Refused(
            "Nobody has confirmed this key yet.",
            "Have a second person who may enrol, not the one who did, compare its words with you and confirm it.",
            ("unconfirmed_key",),
        )
    if rule.device_bound and not bound:
        raise Refused(
            "This key can be copied to other devices, and this approval asks for one that can not.",
            "Sign with a security key, or a passkey that is bound to its device.",
            ("synced_key",),
        )


def demand_other_browser(evidence: tuple[Evidence, ...], browser: str | None) -> None:
    """Raise `Refused` where the approval comes from the browser in which the person was verified (*evidence*).

    Either the approver holds the caller's device or the caller the approver's. A browser without a mark says nothing.
    """
    if browser is not None and any(e.browser == browser for e in evidence):
        raise Refused(
            "The person was verified in this very browser.",
            "Approve on a device of your own; if you did not expect this, refuse the case and tell security.",
            ("same_device",),
        )


def _young(enrolled: Credential) -> Refused:
    return Refused(
        f"This passkey was enrolled on {enrolled.enrolled_at:%Y-%m-%d}; for {FACT_WINDOW.days} days it signs nothing.",
        "Sign with one that was enrolled before, or have somebody else approve.",
        ("young_key",),
    )


def demand_own_sign_in(
    person: Person, at: datetime, way_on: str = "Sign with your passkey, or have somebody else approve."
) -> None:
    """Raise `Refused` where being signed in at *at* says little of who it was: somebody else chose the password."""
    if person.was_replaced(at):
        raise Refused(
            f"Somebody else gave you a new password on {person.replaced_at:%Y-%m-%d}; for {FACT_WINDOW.days} days "
            "being signed in with it approves nothing.",
            way_on,
            ("young_password",),
        )


def demand_own_ssh_key(enrolled: Credential, others: Iterable[Person]) -> None:
    """The same as `demand_own_key`, for a key that signs outside the browser."""
    if any(enrolled.public == theirs.public for other in others for theirs in other.credentials_of(SSH_KEY)):
        raise Refused(
            "This key is enrolled for two people of this case.",
            "Revoke it for both, and treat it as an attack.",
            ("shared_key",),
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
