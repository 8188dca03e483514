"""An approval signed outside any browser: `ssh-keygen -Y sign` over the exact request, with a key of the approver's.

Three kinds of key: `sk-ecdsa` and `sk-ed25519`, which live in a security key and say in each signature that somebody
was there and gave a PIN; and plain `ed25519`, of which nothing shows where it lives. Formats: PROTOCOL.sshsig and
PROTOCOL.u2f of OpenSSH, and RFC 8709. Pure, as `ledger.approval` is.
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
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from watchword.core.approval import SSH_KEY, SshMaterial, SshProof
from watchword.core.errors import Corrupt, Invalid, Refused
from watchword.ledger import sshsig
from watchword.ledger.sshsig import MalformedError, Reader

__all__ = ["SSH_KEY", "material_text", "parse_public", "verify_outside"]

PLAIN, SK_ED25519, SK_ECDSA = "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"
"""The kinds of key that may be enrolled."""

_PRESENT, _VERIFIED = 0x01, 0x04
_LONGEST = 2_000


def parse_public(line: str) -> SshMaterial:
    """Read one line of a `.pub` file; raise `Invalid` for anything but a key of the three kinds."""
    words = line.split()
    wrong = Invalid(
        "This is no public key of a kind that can approve.",
        "Give the line of a .pub file of type ed25519-sk, ecdsa-sk or ed25519 (`ssh-keygen -t ed25519-sk "
        "-O verify-required`).",
        where="key",
    )
    if len(line) > _LONGEST or len(words) < 2 or "\n" in line.strip():
        raise wrong
    try:
        blob = base64.b64decode(words[1], validate=True)
        material = SshMaterial(kind=words[0], blob=words[1])
        _key(material)
    except (binascii.Error, ValueError, MalformedError, UnicodeError) as error:
        raise wrong from error
    if base64.b64encode(blob).decode() != words[1]:
        raise wrong
    return material


def material_text(material: SshMaterial) -> str:
    """`Credential.public` of the key."""
    return msgspec.json.encode(material).decode()


def verify_outside(proof: SshProof, request: str, *, log: str, material: SshMaterial) -> None:
    """Check that the enrolled key *material* signed exactly *request* for approvals in the ledger *log*.

    Raise `Refused`, naming the check, for everything else, and for bytes that can not be read.
    """
    try:
        outer = sshsig.unarmour(proof.signature)
    except (Corrupt, Invalid) as unreadable:
        raise _no("ssh form", unreadable.what) from unreadable
    namespace = sshsig.namespace_of(log)
    if outer.namespace != namespace:
        raise _no("namespace", "it was made for something else than an approval here")
    if not hmac.compare_digest(outer.key, base64.b64decode(material.blob)):
        raise _no("credential", "another key made it")
    try:
        _verify(material, outer.signature, sshsig.signed_data(namespace, request.encode()))
    except (MalformedError, UnicodeError, ValueError) as error:
        raise _no("ssh form", "it can not be read") from error
    except InvalidSignature as error:
        raise _no("signature", "the key did not sign these bytes") from error


def _verify(material: SshMaterial, signature: bytes, signed: bytes) -> None:
    key, application = _key(material)
    inner = Reader(signature)
    if inner.string().decode() != material.kind:
        raise MalformedError
    raw = inner.string()
    if application is None:
        inner.end()
    else:
        flags, counter = inner.number(1), inner.take(4)
        inner.end()
        if not flags & _PRESENT:
            _refuse("presence", "nobody touched the security key")
        if not flags & _VERIFIED:
            _refuse("user verification", "the security key did not check who used it")
        head = hashlib.sha256(application).digest() + bytes([flags]) + counter
        signed = head + hashlib.sha256(signed).digest()
    if isinstance(key, Ed25519PublicKey):
        key.verify(raw, signed)
        return
    scalars = Reader(raw)
    der = encode_dss_signature(scalars.scalar(), scalars.scalar())
    scalars.end()
    key.verify(der, signed, ec.ECDSA(hashes.SHA256()))


def _key(material: SshMaterial) -> tuple[Ed25519PublicKey | ec.EllipticCurvePublicKey, bytes | None]:
    """The key, and what a security key calls its application; `MalformedError` or `ValueError` for what is none."""
    blob = Reader(base64.b64decode(material.blob, validate=True))
    if material.kind not in (PLAIN, SK_ED25519, SK_ECDSA) or blob.string().decode() != material.kind:
        raise MalformedError
    if material.kind == SK_ECDSA:
        curve, point, application = blob.string(), blob.string(), blob.string()
        blob.end()
        if curve != b"nistp256":
            raise MalformedError
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point), application
    raw = blob.string()
    held = blob.string() if material.kind == SK_ED25519 else None
    blob.end()
    return Ed25519PublicKey.from_public_bytes(raw), held


def _refuse(check: str, why: str) -> NoReturn:
    raise _no(check, why)


def _no(check: str, why: str) -> Refused:
    return Refused(
        f"This signature does not hold ({check}): {why}.",
        "Sign what `watchword case request` writes again, with the key enrolled for you; if nobody expects it, "
        "tell security.",
        (f"approval:{check.replace(' ', '_')}",),
    )
