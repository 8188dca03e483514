"""A proof that one entry stands in the ledger, which needs nothing but itself, the entry and a verifier key.

Format: https://c2sp.org/tlog-proof: index, audit path, and a checkpoint with every signature it carries.
"""

from __future__ import annotations

import base64
import binascii
import re

import msgspec

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger import checkpoint, merkle
from watchword.ledger.checkpoint import VerifierKey

_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_HASH = 32
_MAX_PATH = 63
_MAX_TEXT = 1 << 20
_REMEDY = "Take the proof again, whole and as it was written."


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Entry *index* stands under *note*, a signed checkpoint, by the audit *path*; *extra* is the application's own."""

    index: int
    path: tuple[bytes, ...]
    note: str
    extra: bytes | None = None

    def text(self) -> str:
        """Return the proof as it is written to a file."""
        extra = () if self.extra is None else (f"{_EXTRA}{_base64(self.extra)}",)
        return "\n".join((_HEADER, *extra, f"index {self.index}", *map(_base64, self.path), "", self.note))


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """Entry *index* stands in the tree of *size* under *root* (32 bytes), which *origin* signed; every check made."""

    origin: str
    index: int
    size: int
    root: bytes
    checks: tuple[str, ...]


def parse(text: str) -> Proof:
    """Return the proof written in *text*; raise `Invalid`, naming the line, for anything that is none."""
    if len(text) > _MAX_TEXT:
        raise _wrong(1, f"it has {len(text)} characters; a proof has {_MAX_TEXT} at most")
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != _HEADER:
        raise _wrong(1, f"it does not begin with {_HEADER!r}")
    if not blank:
        raise _wrong(len(lines), "it ends before its checkpoint")
    at, extra = 1, None
    if lines[at:] and lines[at].startswith(_EXTRA):
        extra = _decoded(lines[at].removeprefix(_EXTRA), at + 1)
        at += 1
    index = _INDEX.fullmatch(lines[at]) if lines[at:] else None
    if index is None:
        raise _wrong(at + 1, "it has no index there")
    hashes = lines[at + 1 :]
    if len(hashes) > _MAX_PATH:
        raise _wrong(at + 2 + _MAX_PATH, f"its path has {len(hashes)} hashes; no tree needs more than {_MAX_PATH}")
    path = tuple(_decoded(line, number) for number, line in enumerate(hashes, at + 2))
    for number, node in enumerate(path, at + 2):
        if len(node) != _HASH:
            raise _wrong(number, f"a hash has {_HASH} bytes, not {len(node)}")
    return Proof(index=int(index[1]), path=path, note=note, extra=extra)


def verify(proof: Proof, entry: bytes, verifier: VerifierKey) -> Proven:
    """Return what *proof* shows of the exact bytes *entry* under the key *verifier*; raise `Corrupt` if it does not.

    Nothing is said of `extra`, nor of signatures by other keys.
    """
    # 1. the checkpoint is signed by the ledger's key
    signed = checkpoint.verify(proof.note, verifier)
    # 2. the index lies below its size: a proof from an empty tree proves nothing
    if not proof.index < signed.size:
        raise Corrupt(
            f"The proof is of entry {proof.index}; its checkpoint covers {signed.size}.",
            "Ask for a proof from a checkpoint that covers the entry.",
            proof.index,
        )
    # 3. the entry's own bytes lead along the path to the signed root
    leaf = merkle.hash_leaf(entry)
    merkle.verify_inclusion(index=proof.index, size=signed.size, leaf=leaf, proof=proof.path, root=signed.root)
    return Proven(
        origin=signed.origin,
        index=proof.index,
        size=signed.size,
        root=signed.root,
        checks=(
            f"the checkpoint is signed by {verifier}",
            f"entry {proof.index} lies below its size, {signed.size}",
            f"the leaf {leaf.hex()} leads over {len(proof.path)} hashes to its root",
        ),
    )


def _decoded(text: str, line: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(line, "it is not base64 there") from error
    # Base64 has spare bits at its end: one proof has one text.
    if _base64(data) != text:
        raise _wrong(line, "its base64 is not in the canonical spelling there")
    return data


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _wrong(line: int, why: str) -> Invalid:
    return Invalid(f"This is not a tlog-proof: {why}.", _REMEDY, f"line {line}")
