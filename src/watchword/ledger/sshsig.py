"""A passkey's assertion as an SSH signature: the bytes it is asked to sign, its armour, and an `allowed_signers` line.

The challenge of the assertion is OpenSSH's own to-be-signed blob, so `ssh-keygen -Y verify` checks the stored approval
without us. Formats: OpenSSH's PROTOCOL.sshsig and PROTOCOL.u2f; ECDSA P-256 only, which is all they have for WebAuthn.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from watchword.core.errors import Corrupt, Invalid

_MAGIC = b"SSHSIG"
_VERSION = 1
_HASH = b"sha512"
_CURVE = b"nistp256"
_KEY = b"sk-ecdsa-sha2-nistp256@openssh.com"
_SIGNATURE = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH = 70
_LONGEST = 65_536
_ATTESTED, _EXTENDED = 0x40, 0x80
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256: both halves of a signature lie between 0 and it."""
_PATTERN = re.compile(r"[^\s\"',*?!\x00-\x1f\x7f]+")
"""What OpenSSH takes literally in `allowed_signers`, where names are patterns in a comma-separated list."""
_REMEDY = "Do not rely on this signature; ask where it came from."


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """A P-256 *point* (65 bytes, uncompressed) that signs for the relying party *application*."""

    point: bytes
    application: str

    def blob(self) -> bytes:
        """The key in SSH's wire form."""
        return strings(_KEY, _CURVE, self.point, self.application.encode())

    def __str__(self) -> str:
        return f"{_KEY.decode()} {base64.b64encode(self.blob()).decode()}"


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One assertion of *key* for *namespace*; *der* is the ECDSA signature, *flags* to *extensions* what it covers."""

    key: PublicKey
    namespace: str
    der: bytes
    flags: int
    counter: int
    origin: str
    client_data: bytes
    extensions: bytes = b""

    @property
    def authenticator_data(self) -> bytes:
        """The authenticator's half of what was signed: hash of the relying party, flags, counter, extensions."""
        party = hashlib.sha256(self.key.application.encode()).digest()
        return party + bytes([self.flags]) + self.counter.to_bytes(4, "big") + self.extensions

    def armour(self) -> str:
        """The text `ssh-keygen -Y verify -s` reads."""
        assertion = strings(_SIGNATURE, strings(*map(_mpint, decode_dss_signature(self.der))))
        assertion += bytes([self.flags]) + self.counter.to_bytes(4, "big")
        assertion += strings(self.origin.encode(), self.client_data, self.extensions)
        body = _MAGIC + _VERSION.to_bytes(4, "big")
        body += strings(self.key.blob(), self.namespace.encode(), b"", _HASH, assertion)
        text = base64.b64encode(body).decode()
        lines = (text[i : i + _WIDTH] for i in range(0, len(text), _WIDTH))
        return "\n".join((_BEGIN, *lines, _END, ""))


APPROVAL, AUTHORSHIP, LOAN = "reset-approval", "policy-activation", "seat-loan"
"""What a passkey signs for: that a recovery may be done, a policy become the active one, a seat be lent."""


def namespace_of(origin: str, purpose: str = APPROVAL) -> str:
    """What is signed for *purpose* in the ledger *origin*; a signature for anything else is none of theirs."""
    return f"{purpose}@{origin}"


def signed_data(namespace: str, message: bytes) -> bytes:
    """The blob a signature over *message* signs, and so the challenge of the assertion (PROTOCOL.sshsig §3)."""
    return _MAGIC + strings(namespace.encode(), b"", _HASH, hashlib.sha512(message).digest())


def wrap(
    *,
    namespace: str,
    message: bytes,
    point: bytes,
    application: str,
    origin: str,
    client_data: bytes,
    authenticator_data: bytes,
    der: bytes,
) -> Signature:
    """The assertion as an SSH signature over *message*. Raise `Invalid` where OpenSSH could not read it as one.

    Nothing is verified here but the form: that is for OpenSSH, and for `ledger.approval`.
    """
    signature = Signature(
        key=PublicKey(point=point, application=application),
        namespace=namespace,
        der=der,
        flags=authenticator_data[32] if len(authenticator_data) > 36 else 0,
        counter=int.from_bytes(authenticator_data[33:37], "big"),
        origin=origin,
        client_data=client_data,
        extensions=authenticator_data[37:],
    )
    if signature.authenticator_data != authenticator_data:
        raise _unreadable("it was made for another application")
    if why := _form(signature):
        raise _unreadable(why)
    # OpenSSH compares what client data begin with, in the order WebAuthn Level 3 §5.8.1.1 sets. So do we, or a member
    # written twice could mean one thing to us and another to it.
    challenge = base64.urlsafe_b64encode(signed_data(namespace, message)).rstrip(b"=").decode()
    begin = f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}"'
    if not client_data.startswith((f"{begin},".encode(), f"{begin}}}".encode())):
        raise _unreadable("its client data do not begin with type, challenge and origin")
    return signature


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The outside of every SSH signature: the *key* in wire form, the *namespace*, and the *signature* by that key."""

    key: bytes
    namespace: str
    signature: bytes


def unarmour(armoured: str) -> Envelope:
    """Read the outer layer of an armoured signature; raise `Corrupt` for what is none, in its one spelling."""
    lines = armoured.removesuffix("\n").split("\n")
    if len(armoured) > _LONGEST or len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise Corrupt("This is no armoured SSH signature.", _REMEDY)
    text = "".join(lines[1:-1])
    try:
        body = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Corrupt("The armour of the signature holds no base64.", _REMEDY) from error
    if base64.b64encode(body).decode() != text or not body.startswith(_MAGIC):
        raise Corrupt("The armour holds no SSH signature in its one spelling.", _REMEDY)
    try:
        outer = Reader(body[len(_MAGIC) :])
        if outer.number(4) != _VERSION:
            raise Invalid("This SSH signature is of another version.", "Ask for version 1.", "signature")
        key, namespace, reserved, hashed, inner = (outer.string() for _ in range(5))
        outer.end()
        if hashed != _HASH or reserved:
            raise Invalid("This SSH signature is over another hash.", "Ask for sha512.", "signature")
        return Envelope(key=key, namespace=namespace.decode(), signature=inner)
    except (UnicodeDecodeError, MalformedError) as error:
        raise Corrupt("The SSH signature is cut short, too long or misspelt.", _REMEDY) from error


def parse(armoured: str) -> Signature:
    """Read a passkey's armoured signature; raise `Corrupt` for what is none, `Invalid` for one of another key."""
    outer = unarmour(armoured)
    try:
        signature = _assertion(Reader(outer.signature), _public_key(Reader(outer.key)), outer.namespace)
    except (UnicodeDecodeError, MalformedError) as error:
        raise Corrupt("The SSH signature is cut short, too long or misspelt.", _REMEDY) from error
    if why := _form(signature):
        raise Corrupt(f"The SSH signature is malformed: {why}.", _REMEDY)
    return signature


def allowed_signer(
    principal: str, key: PublicKey | str, namespace: str, *, valid_after: datetime, valid_before: datetime | None = None
) -> str:
    """The `allowed_signers` line that lets *principal* sign for *namespace* between two times, to the second.

    *key* may be a key line of OpenSSH's own.

    Raise `Invalid` where a name would be read as a pattern.
    """
    for name, field in ((principal, "principal"), (namespace, "namespace")):
        if not _PATTERN.fullmatch(name):
            raise Invalid(
                f"OpenSSH would read {name!r} as a pattern.", "Use a name without spaces, quotes, , * ? and !.", field
            )
    options = [f'namespaces="{namespace}"', f'valid-after="{_second(valid_after)}"']
    if valid_before is not None:
        options.append(f'valid-before="{_second(valid_before)}"')
    return f"{principal} {','.join(options)} {key}\n"


class MalformedError(Exception):
    """A length or a number that can not be."""


class Reader:
    """SSH's wire form, read from the front; `MalformedError` for whatever does not fit."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int) -> bytes:
        """The next *count* bytes."""
        if len(self._data) < count:
            raise MalformedError
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def number(self, size: int) -> int:
        """An unsigned number of *size* bytes."""
        return int.from_bytes(self.take(size), "big")

    def string(self) -> bytes:
        """Bytes after their length."""
        return self.take(self.number(4))

    def scalar(self) -> int:
        """A positive mpint of P-256, in its shortest form."""
        data = self.string()
        value = int.from_bytes(data, "big")
        if not 0 < value < _ORDER or data != _mpint(value):
            raise MalformedError
        return value

    def end(self) -> None:
        """Nothing may follow."""
        if self._data:
            raise MalformedError


def _public_key(reader: Reader) -> PublicKey:
    if reader.string() != _KEY:
        raise Invalid("This SSH signature was not made by a P-256 security key.", "Ask for an approval.", "signature")
    if reader.string() != _CURVE:
        raise MalformedError
    point, application = reader.string(), reader.string().decode()
    reader.end()
    if len(point) != 65 or point[0] != 4:
        raise MalformedError
    return PublicKey(point=point, application=application)


def _assertion(reader: Reader, key: PublicKey, namespace: str) -> Signature:
    if reader.string() != _SIGNATURE:
        raise Invalid("This SSH signature was not made in a browser.", "Ask for an approval.", "signature")
    scalars = Reader(reader.string())
    der = encode_dss_signature(scalars.scalar(), scalars.scalar())
    scalars.end()
    flags, counter = reader.number(1), reader.number(4)
    origin, client_data, extensions = reader.string().decode(), reader.string(), reader.string()
    reader.end()
    return Signature(
        key=key,
        namespace=namespace,
        der=der,
        flags=flags,
        counter=counter,
        origin=origin,
        client_data=client_data,
        extensions=extensions,
    )


def _form(signature: Signature) -> str | None:
    """What OpenSSH would refuse of the form of *signature*, or None."""
    try:
        one, other = decode_dss_signature(signature.der)
    except ValueError:
        return "its signature is no DER"
    if not (0 < one < _ORDER and 0 < other < _ORDER) or encode_dss_signature(one, other) != signature.der:
        return "its signature is not in its one spelling"
    if '"' in signature.origin or "\\" in signature.origin:
        return "its origin holds a quote"
    if signature.flags & _ATTESTED or bool(signature.flags & _EXTENDED) is not bool(signature.extensions):
        return "its flags do not fit what follows them"
    return None


def _unreadable(why: str) -> Invalid:
    return Invalid(f"OpenSSH can not read this assertion: {why}.", "Sign with another browser.", "assertion")


def strings(*parts: bytes) -> bytes:
    """Each part after its length in four bytes: `string` of SSH's wire form."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _mpint(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}Z"
