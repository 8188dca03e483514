"""A WebAuthn authenticator and its browser in software, for tests and the demo: no hardware, no user, no safety.

Makes one P-256 credential per instance and answers `create()` and `get()` options as a browser would. Every fault an
attacker could bring is a keyword.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


def b64(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class SoftAuthenticator:
    """One credential. *counts* False keeps the counter at 0, as synced passkeys do; *backup* sets BE and BS."""

    def __init__(self, origin: str, *, counts: bool = True, backup: bool = False) -> None:
        self.origin = origin
        self.count = 0
        self.credential_id = secrets.token_bytes(32)
        self._counts = counts
        self._flags = BE | BS if backup else 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: str, *, user_verified: bool = True, origin: str | None = None) -> str:
        """The registration response for `PublicKeyCredentialCreationOptions` JSON, without attestation."""
        asked = json.loads(options)
        numbers = self._key.public_key().public_numbers()
        key = encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + key
        data = self._data(asked["rp"]["id"], UP | AT | (UV if user_verified else 0), self.count) + attested
        client = _client("webauthn.create", asked["challenge"], origin or self.origin)
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential({"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

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
    ) -> str:
        """The assertion for `PublicKeyCredentialRequestOptions` JSON; each keyword departs from an honest answer."""
        asked = json.loads(options)
        self.count += self._counts
        bits = (UP if user_present else 0) | (UV if user_verified else 0) | flags
        data = self._data(rp_id or asked["rpId"], bits, self.count if count is None else count)
        client = _client(
            kind,
            asked["challenge"] if challenge is None else challenge,
            origin or self.origin,
            cross_origin=cross_origin,
        )
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        )

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


def _client(kind: str, challenge: str, origin: str, *, cross_origin: bool = False) -> bytes:
    data: dict[str, Any] = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin}
    # Chromium adds such a field at times, so that nobody compares against a template.
    data["other_keys_can_be_added_here"] = "do not compare clientDataJSON against a template"
    return json.dumps(data, separators=(",", ":")).encode()
