"""Whether a signed approval holds, from stored bytes alone: what a browser checks and `ssh-keygen` does not.

The executor and whoever checks evidence years later use this one check. Pure: no clock, no network, and no WebAuthn
library.
Whose key it was, and since when, is `core.approval`; that it counts once is the case's own rule.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import NoReturn

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from watchword.core.approval import SignedProof
from watchword.core.errors import Invalid, Refused
from watchword.core.passkey import ClientData, PasskeyMaterial, RelyingParty
from watchword.ledger import sshsig

_PRESENT, _VERIFIED, _ELIGIBLE, _BACKED_UP = 0x01, 0x04, 0x08, 0x10
_LEAST = 37
"""Bytes of authenticator data without extensions: 32 of the relying party's hash, flags, and a counter of 4."""

# WebAuthn Level 3 §6.5.1.1: keys are canonical CBOR, so an ES256 key on P-256 has exactly one spelling.
_X, _Y = bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820")

CHECKS = (
    "credential",
    "type",
    "challenge",
    "origin",
    "relying party",
    "presence",
    "user verification",
    "backup",
    "signature",
    "openssh",
)
"""What is checked, in this order; a refusal names one as its reason, `approval:…`."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A yes that holds: the same assertion as an SSH *signature*, and what was *checks*-ed."""

    signature: sshsig.Signature
    checks: tuple[str, ...] = CHECKS


def verify(
    proof: SignedProof,
    request: str,
    *,
    log: str,
    material: PasskeyMaterial,
    party: RelyingParty,
    purpose: str = sshsig.APPROVAL,
) -> Signed:
    """Check that the passkey *material* signed exactly *request*, for *purpose* in the ledger *log*, on *party*'s page.

    Raise `Refused`, naming the check, for everything else, and for bytes that can not be read.
    """
    client_data, data, der = (_bytes(part) for part in (proof.client_data, proof.authenticator_data, proof.signature))
    point = point_of(material)
    # 1. The credential is the enrolled one.
    if not hmac.compare_digest(proof.credential.encode(), material.credential_id.encode()):
        _no("credential", "another passkey made it")
    # 2. It is an assertion, not the making of a key.
    client = _client(client_data)
    if client.type != "webauthn.get":
        _no("type", "it is no assertion")
    # 3. What it signs is this request, for this ledger's approvals and nothing else.
    namespace = sshsig.namespace_of(log, purpose)
    expected = _text(sshsig.signed_data(namespace, request.encode()))
    if not hmac.compare_digest(client.challenge.encode(), expected.encode()):
        _no("challenge", "it signs something else")
    # 4. Made on one of our own pages, and not inside somebody else's frame.
    if client.origin not in party.origins or client.cross_origin or client.top_origin is not None:
        _no("origin", "it was made on a page that is not ours, or inside one")
    # 5. The authenticator was asked for our domain, the one the passkey was made for.
    if len(data) < _LEAST:
        _no("relying party", "its authenticator data are cut short")
    domain = hashlib.sha256(party.id.encode()).digest()
    if material.rp_id != party.id or not hmac.compare_digest(data[:32], domain):
        _no("relying party", "it was made for another domain")
    # 6. and 7. Somebody was there, and gave a PIN or a biometric: a key that was left plugged in approves nothing.
    flags = data[32]
    if not flags & _PRESENT:
        _no("presence", "nobody touched the authenticator")
    if not flags & _VERIFIED:
        _no("user verification", "the authenticator did not check who used it")
    # 8. Backup eligibility never changes in the life of a credential, and only what is eligible is backed up.
    eligible = bool(flags & _ELIGIBLE)
    if eligible is not material.backup_eligible or (flags & _BACKED_UP and not eligible):
        _no("backup", "its backup flags are not those of this passkey")
    # 9. The key signed exactly these bytes.
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        key.verify(der, data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        _no("signature", "the key did not sign it")
    # 10. OpenSSH reads it as well, so that no approval is evidence to this program alone.
    try:
        signature = sshsig.wrap(
            namespace=namespace,
            message=request.encode(),
            point=point,
            application=party.id,
            origin=client.origin,
            client_data=client_data,
            authenticator_data=data,
            der=der,
        )
    except Invalid as unreadable:
        _no("openssh", unreadable.what)
    return Signed(signature=signature)


def is_of(party: RelyingParty, proof: SignedProof, material: PasskeyMaterial) -> bool:
    """Whether *proof* was made on one of *party*'s pages, by a passkey that is made for its domain.

    That, and nothing of the signature: it tells quickly what was signed before the page moved.
    """
    try:
        client = _client(_bytes(proof.client_data))
    except Refused:
        return False
    return material.rp_id == party.id and client.origin in party.origins


def point_of(material: PasskeyMaterial) -> bytes:
    """The point of a passkey's key, 65 bytes; raise `Refused` for a key that is not ES256 on P-256."""
    cose = _bytes(material.public_key)
    x, y = cose[len(_X) : len(_X) + 32], cose[-32:]
    if cose != _X + x + _Y + y or len(x) != 32 or len(y) != 32:
        _no("signature", "the enrolled key is no ES256 key in canonical form")
    return b"\x04" + x + y


def _client(data: bytes) -> ClientData:
    try:
        return msgspec.json.decode(data, type=ClientData)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        _no("type", "its client data can not be read")


def _bytes(text: str) -> bytes:
    """Base64url without padding, in its one spelling."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        data = b""
    if not data or _text(data) != text:
        _no("credential", "a part of it is no base64url")
    return data


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _no(check: str, why: str) -> NoReturn:
    raise Refused(
        f"This signed approval does not hold ({check}): {why}.",
        "Sign the request again on the approval page, with your own passkey; if nobody expects this, tell security.",
        (f"approval:{check.replace(' ', '_')}",),
    )
