"""What witnesses sign: that a checkpoint follows from every one they saw before. And how many of them are enough.

Formats: https://c2sp.org/tlog-cosignature (Ed25519, `cosignature/v1`) and https://c2sp.org/tlog-policy.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.checkpoint import Checkpoint, VerifierKey, verify
from watchword.ledger.note import Signature, key_id, parse_note

_COSIGNATURE = b"\x04"
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_BAD_NAME = re.compile(r"[\s+#\x00-\x1f\x7f]")
_GROUP = "witnesses"
_REMEDY = "Compare the witness's verifier key with the one its operator publishes."


class WitnessKey:
    """The public key of one witness. `str()` gives its vkey: `name+id+base64(0x04 ‖ key)`."""

    def __init__(self, name: str, public: Ed25519PublicKey) -> None:
        if not name or _BAD_NAME.search(name):
            raise Invalid(f"{name!r} can not name a witness.", "Copy the whole vkey line.", "vkey")
        self.name = name
        self._public = public
        self._raw = public.public_bytes_raw()
        self.key_id = key_id(name, _COSIGNATURE + self._raw)

    @classmethod
    def parse(cls, vkey: str) -> WitnessKey:
        """Return the key written as *vkey*; `Invalid` when it is malformed, of another kind, or its id is not its own.

        An Ed25519 vkey of type 0x01, which some witnesses print, is another kind: its id does not fit cosignatures.
        """
        try:
            name, identifier, encoded = vkey.strip().split("+", 2)
            key = cls(name, Ed25519PublicKey.from_public_bytes(_key_material(encoded)))
            stated = bytes.fromhex(identifier)
        except ValueError as error:
            raise Invalid(
                f"{vkey!r} is not a witness's verifier key: {error}.", "Copy the whole vkey line.", "vkey"
            ) from error
        if stated != key.key_id:
            raise Invalid(f"The key id in {vkey!r} is not the key's own.", "Copy the whole vkey line.", "vkey")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_COSIGNATURE + self._raw).decode()}"

    def check(self, signature: Signature, text: str) -> datetime:
        """Return when this witness cosigned *text*, to the second; `Corrupt` when it did not, or cosigned another."""
        stamp, signed = signature.signed[:_TIME_BYTES], signature.signed[_TIME_BYTES:]
        seconds = int.from_bytes(stamp, "big")
        message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
        try:
            if len(signed) != _SIGNATURE_BYTES:
                raise InvalidSignature  # noqa: TRY301  (one answer for both)
            self._public.verify(signed, message)
            return datetime.fromtimestamp(seconds, UTC)
        except (InvalidSignature, OverflowError, OSError, ValueError) as error:
            raise Corrupt(f"The cosignature of {self.name} does not fit the checkpoint.", _REMEDY) from error


class Cosigned(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that enough witnesses vouch for: their names, and when each said so (UTC)."""

    checkpoint: Checkpoint
    by: tuple[tuple[str, datetime], ...]


class Quorum:
    """Which witnesses there are, and how many of them have to cosign a checkpoint before it counts."""

    def __init__(self, witnesses: tuple[WitnessKey, ...], threshold: int) -> None:
        if len({w.name for w in witnesses}) < len(witnesses) or len({w.key_id for w in witnesses}) < len(witnesses):
            raise Invalid("One witness is named twice.", "Name each witness once.", "witnesses")
        if not 1 <= threshold <= len(witnesses):
            raise Invalid(
                f"A quorum of {threshold} can not come from {len(witnesses)} witnesses.",
                "Ask for at least one, and for no more than there are.",
                "witness_quorum",
            )
        self.witnesses = witnesses
        self.threshold = threshold

    def cosigners(self, note: str) -> tuple[tuple[str, datetime], ...]:
        """Return which witnesses cosigned *note*, and when; `Corrupt` when a line claims to be one's and is not."""
        parsed = parse_note(note)
        found: dict[str, datetime] = {}
        for witness in self.witnesses:
            for signature in parsed.by(witness.name, witness.key_id):
                at = witness.check(signature, parsed.text)
                found[witness.name] = min(at, found.get(witness.name, at))
        return tuple(found.items())

    def verify(self, note: str, verifier: VerifierKey) -> Cosigned:
        """Return what *note* says, once the ledger's key and enough witnesses signed it; raise `Corrupt` otherwise."""
        checkpoint = verify(note, verifier)
        by = self.cosigners(note)
        if len(by) < self.threshold:
            raise Corrupt(
                f"{len(by)} of the {self.threshold} witnesses asked for cosigned this checkpoint.",
                "Ask the ledger's operator for a checkpoint that enough witnesses saw.",
            )
        return Cosigned(checkpoint=checkpoint, by=by)

    def policy(self, verifier: VerifierKey) -> str:
        """Return this quorum over *verifier*'s ledger as a C2SP tlog-policy, which other verifiers read."""
        names = [f"w{number}" for number, _ in enumerate(self.witnesses, 1)]
        lines = [f"log {verifier}"]
        lines += [f"witness {name} {witness}" for name, witness in zip(names, self.witnesses, strict=True)]
        lines += [f"group {_GROUP} {self.threshold} {' '.join(names)}", f"quorum {_GROUP}"]
        return "\n".join(lines) + "\n"


def policy_without_witnesses(verifier: VerifierKey) -> str:
    """Return the tlog-policy of a ledger that nobody cosigns: its own key is all there is."""
    return f"log {verifier}\nquorum none\n"


def _key_material(encoded: str) -> bytes:
    material = base64.b64decode(encoded, validate=True)
    if material[:1] != _COSIGNATURE:
        raise ValueError("it is not an Ed25519 cosignature key (type 0x04)")
    return material[1:]
