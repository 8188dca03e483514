"""The key file: the key that wraps data keys, and one root secret for subkeys, readable by their owner alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.keyfiles import read_private, write_private
from watchword.ledger.provider import Wrapped

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = 2


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    version: int


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    root: bytes
    wrapping: bytes


class KeyFile:
    """The default key provider: without the file every payload is gone, and the evidence verifies."""

    def __init__(self, root: bytes, wrapping: bytes) -> None:
        self._root = root
        self._cipher = AESGCM(wrapping)
        # Named after itself, so that another ledger's file is told from a changed secret.
        self.name = f"file-{hashlib.sha256(b'watchword wrapping key' + wrapping).hexdigest()[:16]}"

    @classmethod
    def create(cls, path: Path | str) -> KeyFile:
        """Draw new keys and write them to a new file of mode 0600; raise `Invalid` when *path* exists."""
        content = _Content(version=_VERSION, root=os.urandom(_KEY_BYTES), wrapping=os.urandom(_KEY_BYTES))
        write_private(Path(path), msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        return cls(content.root, content.wrapping)

    @classmethod
    def load(cls, path: Path | str) -> KeyFile:
        """Read the keys; raise `Invalid` when others can read the file or it does not hold both."""
        raw = read_private(Path(path))
        try:
            if msgspec.json.decode(raw, type=_Version).version == 1:
                raise Invalid(
                    "This key file is of the format before data keys, whose ledgers this version does not read.",
                    "Found a new ledger with `watchword init`; read the old one with the version that wrote it.",
                    str(path),
                )
            content = msgspec.json.decode(raw, type=_Content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(f"The key file can not be read: {error}.", "Restore it from a copy.", str(path)) from error
        if content.version != _VERSION or {len(content.root), len(content.wrapping)} != {_KEY_BYTES}:
            raise Invalid("The key file lacks a key or has another version.", "Restore it from a copy.", str(path))
        return cls(content.root, content.wrapping)

    def wrap(self, key: bytes, context: bytes) -> Wrapped:
        """Return *key* as nonce ‖ AES-256-GCM under the wrapping key, bound to *context*."""
        nonce = os.urandom(_NONCE_BYTES)
        return Wrapped(by=self.name, secret=nonce + self._cipher.encrypt(nonce, key, context))

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Return the key that `wrap` took; `Invalid` for what another file wrapped, `Corrupt` for what was changed."""
        if wrapped.by != self.name:
            raise Invalid(
                f"The data key is wrapped by {wrapped.by}, and this key file holds {self.name}.",
                "Name this ledger's own key file.",
                "key_file",
            )
        try:
            return self._cipher.decrypt(wrapped.secret[:_NONCE_BYTES], wrapped.secret[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise Corrupt(
                "A wrapped data key does not open in its place: it was changed, or moved from another stream or class.",
                "Keep the database as it is, and find out who can write to the key table.",
            ) from error

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte subkey for *purpose* (HKDF-SHA-256 of the root secret); the same one every time."""
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(self._root)
