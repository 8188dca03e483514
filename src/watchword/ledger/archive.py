"""An archive of what is erased: files only an offline key opens, with the standard `age` tool."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from uuid import uuid4

import msgspec
import pyrage

from watchword.core.errors import Invalid, Unavailable


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """One archived file: the SHA-256 of its bytes, in hex, and how many they are."""

    sha256: str
    size: int


class Archive:
    """A folder of age files (https://age-encryption.org/v1), each named after its SHA-256, encrypted to *recipient*."""

    def __init__(self, folder: Path, recipient: str) -> None:
        self.folder = folder
        self.recipient = recipient
        try:
            self._key = pyrage.x25519.Recipient.from_str(recipient)
        except pyrage.RecipientError as error:
            raise Invalid(
                "The archive key is no age recipient.",
                "Make a pair with `age-keygen`, keep the secret half offline, and give the half that begins with age1.",
                "ledger.archive_key",
            ) from error

    def write(self, content: bytes) -> Filed:
        """Encrypt *content* into a new file, durably; raise `Unavailable` when it can not be written."""
        sealed = pyrage.encrypt(content, [self._key])
        filed = Filed(sha256=hashlib.sha256(sealed).hexdigest(), size=len(sealed))
        beside = self.folder / f".{uuid4().hex}.tmp"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(sealed)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(self.path(filed.sha256))
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Unavailable(
                f"The archive {self.folder} can not be written: {error.strerror}. Nothing was erased.",
                "Make room or set its owner right, then erase again.",
            ) from error
        return filed

    def discard(self, filed: Filed) -> None:
        """Take a file away again whose erasure did not come about."""
        self.path(filed.sha256).unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the file with that SHA-256 is."""
        return self.folder / f"{sha256}.age"
