"""Payload encryption with a simple key file: one 256-bit key per retention class, and one root secret for subkeys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.entry import Retention
from watchword.ledger.keyfiles import read_private, write_private

_KEY_BYTES = 32
_NONCE_BYTES = 12


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    root: bytes
    payload: dict[Retention, bytes]


class KeyFile:
    """The keys that payloads are sealed under: without the file every payload is gone, and the evidence verifies."""

    def __init__(self, root: bytes, payload: Mapping[Retention, bytes]) -> None:
        self._root = root
        self._ciphers = {retention: AESGCM(payload[retention]) for retention in Retention}

    @classmethod
    def create(cls, path: Path | str) -> KeyFile:
        """Draw new keys and write them to a new file of mode 0600; raise `Invalid` when *path* exists."""
        content = _Content(
            version=1,
            root=os.urandom(_KEY_BYTES),
            payload={retention: os.urandom(_KEY_BYTES) for retention in Retention},
        )
        write_private(Path(path), msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        return cls(content.root, content.payload)

    @classmethod
    def load(cls, path: Path | str) -> KeyFile:
        """Read the keys; raise `Invalid` when others can read the file or it does not hold every key."""
        try:
            content = msgspec.json.decode(read_private(Path(path)), type=_Content)
        except msgspec.DecodeError as error:
            raise Invalid(f"The key file can not be read: {error}.", "Restore it from a copy.", str(path)) from error
        keys = (content.root, *content.payload.values())
        if (
            content.version != 1
            or set(content.payload) != set(Retention)
            or any(len(key) != _KEY_BYTES for key in keys)
        ):
            raise Invalid("The key file lacks a key or has another version.", "Restore it from a copy.", str(path))
        return cls(content.root, content.payload)

    def seal(self, name: str, value: bytes, retention: Retention, aad: bytes) -> bytes:
        """Return *value* under the key of *retention* as nonce ‖ AES-256-GCM, bound to *name* and *aad*."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[retention].encrypt(nonce, value, _bound(name, retention, aad))

    def open(self, name: str, sealed: bytes, retention: Retention, aad: bytes) -> bytes:
        """Return the value that `seal` took; raise `Corrupt` when any of the four differs or the key is another."""
        try:
            return self._ciphers[retention].decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(name, retention, aad)
            )
        except (InvalidTag, ValueError) as error:
            raise Corrupt(
                f"The payload {name!r} does not open under the key of {retention}.",
                "Check that the key file is this ledger's; if it is, the stored payload was changed.",
            ) from error

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte subkey for *purpose* (HKDF-SHA-256 of the root secret); the same one every time."""
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(self._root)


def _bound(name: str, retention: Retention, aad: bytes) -> bytes:
    return msgspec.json.encode((name, retention)) + aad
