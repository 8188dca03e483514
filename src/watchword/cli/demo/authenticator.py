"""A WebAuthn authenticator and its browser in software, for tests and the demo: no hardware, no user, no safety.

Makes one credential per instance, on P-256 unless given another key, and answers `create()` and `get()` options as a
browser would. Every fault an attacker could bring is a keyword.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from webauthn.helpers import encode_cbor

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

NOTHING: Mapping[str, object] = MappingProxyType({})
GREASE: Mapping[str, object] = MappingProxyType(
    {"other_keys_can_be_added_here": "do not compare clientDataJSON against a template"}
)
"""Chromium adds such a member at times, so that nobody compares against a template."""


def b64(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class SoftAuthenticator:
    """One credential. *counts* False keeps the counter at 0, as synced passkeys do; *backup* sets BE and BS."""

    def __init__(self, origin: str, *, counts: bool = True, backup: bool = False, key: Key | None = None) -> None:
        self.origin = origin
        self.count = 0
        self.credential_id = secrets.token_bytes(32)
        self._counts = counts
        self._flags = BE | BS if backup else 0
        self._key = key or ec.generate_private_key(ec.SECP256R1())

    def create(
        self, options: str, *, user_verified: bool = True, origin: str | None = None, cross_origin: bool = False
    ) -> str:
        """The registration response for `PublicKeyCredentialCreationOptions` JSON, without attestation."""
        asked = json.loads(options)
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.public_key()
        data = self._data(asked["rp"]["id"], UP | AT | (UV if user_verified else 0), self.count) + attested
        client = _client("webauthn.create", asked["challenge"], origin or self.origin, cross_origin=cross_origin)
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential({"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

    def public_key(self) -> bytes:
        """The public half in COSE."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            whole = self._key.public_key().public_numbers()
            return encode_cbor({1: 3, 3: -257, -1: whole.n.to_bytes(256, "big"), -2: whole.e.to_bytes(3, "big")})
        numbers, size = self._key.public_key().public_numbers(), self._key.key_size // 8
        alg, curve = (-7, 1) if size == 32 else (-35, 2)
        x, y = (number.to_bytes(size, "big") for number in (numbers.x, numbers.y))
        return encode_cbor({1: 2, 3: alg, -1: curve, -2: x, -3: y})

    def get(
        self,
        options: str,
        *,
        user_verified: bool = True,
        user_present: bool = True,
        origin: str | None = None,
        rp_id: str | None = None,
        challenge: str | None = None,
        cross_origin: bool = False,
        count: int | None = None,
        flags: int = 0,
        kind: str = "webauthn.get",
        first: Mapping[str, object] = NOTHING,
        more: Mapping[str, object] = GREASE,
        extensions: bytes = b"",
    ) -> str:
        """The assertion for `PublicKeyCredentialRequestOptions` JSON; each keyword departs from an honest answer.

        *first* and *more* are members of the client data before and after those a browser always writes, *extensions*
        what follows the counter.
        """
        asked = json.loads(options)
        self.count += self._counts
        bits = (UP if user_present else 0) | (UV if user_verified else 0) | (ED if extensions else 0) | flags
        data = self._data(rp_id or asked["rpId"], bits, self.count if count is None else count) + extensions
        client = _client(
            kind,
            asked["challenge"] if challenge is None else challenge,
            origin or self.origin,
            cross_origin=cross_origin,
            first=first,
            more=more,
        )
        signature = self._sign(data + hashlib.sha256(client).digest())
        return self._credential(
            {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        )

    def _sign(self, signed: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(signed, ec.ECDSA(hashes.SHA256() if self._key.key_size == 256 else hashes.SHA384()))

    def _data(self, rp_id: str, flags: int, count: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags | self._flags]) + count.to_bytes(4, "big")

    def _credential(self, response: dict[str, str]) -> str:
        name = b64(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": {},
                "response": response,
            }
        )


def _client(
    kind: str,
    challenge: str,
    origin: str,
    *,
    cross_origin: bool = False,
    first: Mapping[str, object] = NOTHING,
    more: Mapping[str, object] = GREASE,
) -> bytes:
    said: dict[str, Any] = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin}
    return json.dumps({**first, **said, **more}, separators=(",", ":")).encode()
