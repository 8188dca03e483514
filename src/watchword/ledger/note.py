"""Signed notes: a text, and under it one line for each signature. Format: https://c2sp.org/signed-note.

Nothing here says that a signature is good; who holds a key looks for its own line and checks it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

from watchword.core.errors import Corrupt

_EM_DASH = "\u2014"
_ID_BYTES = 4
_MAX_SIGNATURES = 64
_MAX_BYTES = 1 << 20
_REMEDY = "Do not rely on this checkpoint; compare the verifier key with the one published at genesis."


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One line under a note: the key's *name* and 4-byte *key_id*, and what that kind of key makes of the text."""

    name: str
    key_id: bytes
    signed: bytes

    def line(self) -> str:
        """Return the line, ended by a line feed."""
        return f"{_EM_DASH} {self.name} {base64.b64encode(self.key_id + self.signed).decode()}\n"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A *text*, with its last line feed, and the *signatures* under it, in their order."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    def by(self, name: str, key_id: bytes) -> tuple[Signature, ...]:
        """Return the signatures that claim to be of the key with *name* and *key_id*."""
        return tuple(s for s in self.signatures if s.name == name and s.key_id == key_id)


def key_id(name: str, material: bytes) -> bytes:
    """Return the 4-byte id of a note key: SHA-256(*name* ‖ LF ‖ *material*), cut; *material* starts with the type."""
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:_ID_BYTES]


def parse_note(note: str) -> Note:
    """Return *note* taken apart; raise `Corrupt` for anything that is not a signed note in its only spelling."""
    if len(note) > _MAX_BYTES:
        raise Corrupt("The note is larger than any checkpoint.", _REMEDY)
    try:
        note.encode()
    except UnicodeEncodeError as error:
        raise Corrupt("The note is no text that could have been signed.", _REMEDY) from error
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not text:
        raise Corrupt("The checkpoint is not a signed note: no signatures.", _REMEDY)
    return Note(text=text + "\n", signatures=parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Return the signature lines in *lines*, 1 to 64 of them, each ended by a line feed; raise `Corrupt` otherwise."""
    split = lines.split("\n")
    if split[-1] != "" or not 1 <= len(split) - 1 <= _MAX_SIGNATURES:
        raise Corrupt("The note's signature lines are malformed.", _REMEDY)
    return tuple(map(_parse_line, split[:-1]))


def _parse_line(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Corrupt("A signature line is not base64.", _REMEDY) from error
    # Base64 has spare bits at its end: with another spelling, one note would have many texts.
    canonical = base64.b64encode(blob).decode() == encoded
    if dash != _EM_DASH or not name or not canonical or len(blob) <= _ID_BYTES:
        raise Corrupt("The note's signature lines are malformed.", _REMEDY)
    return Signature(name=name, key_id=blob[:_ID_BYTES], signed=blob[_ID_BYTES:])
