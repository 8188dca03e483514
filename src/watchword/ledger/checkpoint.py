"""The signed size and root of the ledger: a C2SP checkpoint in a C2SP signed note, with Ed25519.

Formats: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.keyfiles import read_private, write_private
from watchword.ledger.note import Note, Signature, key_id, parse_note

_ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,17}")
_BAD_NAME = re.compile(r"[\s+\x00-\x1f\x7f]")
_REMEDY = "Do not rely on this checkpoint; compare the verifier key with the one published at genesis."


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger named *origin* held *size* entries under the 32-byte *root*."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note text that is signed: three lines, each ended by a line feed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class VerifierKey:
    """The public half of a checkpoint key. `str()` gives its vkey: `name+id+base64(0x01 ‖ key)`."""

    def __init__(self, origin: str, public: Ed25519PublicKey) -> None:
        self.origin = _check_origin(origin)
        self._public = public
        self._raw = public.public_bytes_raw()
        self.key_id = key_id(origin, _ED25519 + self._raw)

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Return the key written as *vkey*; raise `Invalid` when it is malformed or its id is not its own."""
        try:
            origin, identifier, encoded = vkey.strip().split("+", 2)
            key = cls(origin, Ed25519PublicKey.from_public_bytes(_key_material(encoded)))
            stated = bytes.fromhex(identifier)
        except ValueError as error:
            raise Invalid(f"{vkey!r} is not a verifier key: {error}.", "Copy the whole vkey line.", "vkey") from error
        if stated != key.key_id:
            raise Invalid(f"The key id in {vkey!r} is not the key's own.", "Copy the whole vkey line.", "vkey")
        return key

    def __str__(self) -> str:
        return f"{self.origin}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self._raw).decode()}"

    def check(self, signature: bytes, text: bytes) -> bool:
        """Say whether *signature* (64 bytes) is this key's over *text*."""
        try:
            self._public.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private half of a checkpoint key, kept in a file of its own that only its owner can read."""

    def __init__(self, origin: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verifier = VerifierKey(origin, private.public_key())

    @classmethod
    def generate(cls, origin: str) -> SigningKey:
        """Make a new key for the ledger named *origin*."""
        return cls(origin, Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path | str) -> SigningKey:
        """Read the key that `save` wrote; raise `Invalid` when others can read the file or it holds no key."""
        path = Path(path)
        text = read_private(path).decode(errors="replace").strip()
        try:
            origin, identifier, encoded = text.removeprefix(_PRIVATE).split("+", 2)
            key = cls(origin, Ed25519PrivateKey.from_private_bytes(_key_material(encoded)))
            stated = bytes.fromhex(identifier)
        except ValueError as error:
            raise Invalid(
                "The file holds no signing key.", "Name the file `watchword init` wrote.", str(path)
            ) from error
        if stated != key.verifier.key_id:
            raise Invalid("The key id in the file is not the key's own.", "Restore the file from a copy.", str(path))
        return key

    def save(self, path: Path | str) -> None:
        """Write the key to a new file of mode 0600; raise `Invalid` when *path* exists already."""
        material = base64.b64encode(_ED25519 + self._private.private_bytes_raw()).decode()
        text = f"{_PRIVATE}{self.origin}+{self.verifier.key_id.hex()}+{material}\n"
        write_private(Path(path), text.encode())

    @property
    def origin(self) -> str:
        """The ledger's name, which is also the key's."""
        return self.verifier.origin

    @property
    def vkey(self) -> str:
        """The verifier key as text, to publish."""
        return str(self.verifier)

    def sign(self, text: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over *text*."""
        return self._private.sign(text)


def sign(checkpoint: Checkpoint, key: SigningKey) -> str:
    """Return *checkpoint* as a signed note; raise `Invalid` when the key has another origin."""
    if checkpoint.origin != key.origin:
        raise Invalid(
            f"The key of {key.origin} can not sign for {checkpoint.origin}.", "Use the ledger's key.", "origin"
        )
    text = checkpoint.text()
    own = Signature(name=key.origin, key_id=key.verifier.key_id, signed=key.sign(text.encode()))
    return str(Note(text=text, signatures=(own,)))


def verify(note: str, verifier: VerifierKey) -> Checkpoint:
    """Return the checkpoint in *note*; raise `Corrupt` unless *verifier* signed exactly it.

    Signatures of other keys are ignored, as the format asks; one that claims to be *verifier*'s and fails is fatal.
    """
    parsed = parse_note(note)
    # 1. the signature is the key's, over the text with its last line feed
    own = parsed.by(verifier.origin, verifier.key_id)
    if not own:
        raise Corrupt(f"The checkpoint carries no signature of {verifier.origin}.", _REMEDY)
    if not all(verifier.check(signature.signed, parsed.text.encode()) for signature in own):
        raise Corrupt(f"The signature of {verifier.origin} does not fit the checkpoint.", _REMEDY)
    # 2. the text is a checkpoint, in its only spelling
    checkpoint = parse_checkpoint(parsed.text)
    # 3. it is about this ledger
    if not hmac.compare_digest(checkpoint.origin.encode(), verifier.origin.encode()):
        raise Corrupt(f"The checkpoint is of {checkpoint.origin}, not of {verifier.origin}.", _REMEDY)
    return checkpoint


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that the text of a note says; `Corrupt` unless it is one, in its only spelling."""
    lines = text.split("\n")
    if len(lines) != 4 or not _DECIMAL.fullmatch(lines[1]):
        raise Corrupt("The signed note is not a checkpoint of three lines.", _REMEDY)
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Corrupt("The checkpoint's root is not base64.", _REMEDY) from error
    checkpoint = Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
    if len(root) != hashlib.sha256().digest_size or checkpoint.text() != text:
        raise Corrupt("The checkpoint is not in its canonical spelling.", _REMEDY)
    return checkpoint


def _key_material(encoded: str) -> bytes:
    material = base64.b64decode(encoded, validate=True)
    if material[:1] != _ED25519:
        raise ValueError("it is not an Ed25519 key")
    return material[1:]


def _check_origin(origin: str) -> str:
    if not origin or _BAD_NAME.search(origin):
        raise Invalid(f"{origin!r} can not name a ledger.", "Use text without spaces and without '+'.", "origin")
    return origin
