"""The Merkle tree of RFC 6962 and RFC 9162 with SHA-256: roots, and proofs of inclusion and consistency.

Hashes are 32 bytes. A tree of n leaves splits at the largest power of two below n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from watchword.core.errors import Corrupt, Invalid

_REMEDY = (
    "Do not rely on this evidence; ask the ledger's operator for a new proof and check where the old one came from."
)


def empty_root() -> bytes:
    """Return the root of the tree without leaves: SHA-256 of nothing."""
    return hashlib.sha256().digest()


def hash_leaf(data: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ *data*)."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ *left* ‖ *right*)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append leaf hashes and know the root, in O(log n) memory."""

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self._size = 0

    @property
    def size(self) -> int:
        """How many leaves were appended."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add the leaf hash *leaf* on the right."""
        complete = self._size
        while complete & 1:
            leaf = hash_node(self._peaks.pop(), leaf)
            complete >>= 1
        self._peaks.append(leaf)
        self._size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self._peaks:
            return empty_root()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = hash_node(peak, root)
        return root

    def copy(self) -> Frontier:
        """Return a frontier that grows on its own from here."""
        twin = Frontier()
        twin._peaks = self._peaks.copy()
        twin._size = self._size
        return twin


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the leaf hashes *leaves*."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the audit path of leaf *index*, the leaf's sibling first; raise `Invalid` outside the tree."""
    if not 0 <= index < len(leaves):
        raise Invalid(f"Leaf {index} is not in a tree of {len(leaves)}.", "Ask for a leaf below the size.", "index")
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*inclusion_proof(index, leaves[:split]), root_of(leaves[split:]))
    return (*inclusion_proof(index - split, leaves[split:]), root_of(leaves[:split]))


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that *leaf* stands at *index* in the tree of *size* with *root* (RFC 9162 §2.1.3.2); raise `Corrupt`."""
    if not 0 <= index < size:
        raise Corrupt(f"Leaf {index} is not in a tree of {size}.", _REMEDY, index)
    node, last, reached = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Corrupt("The inclusion proof is too long.", _REMEDY, index)
        if node & 1 or node == last:
            reached = hash_node(sibling, reached)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            reached = hash_node(reached, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise Corrupt("The inclusion proof is too short.", _REMEDY, index)
    if reached != root:
        raise Corrupt("The inclusion proof leads to another root.", _REMEDY, index)


def consistency_proof(old: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the proof that the tree of the first *old* leaves is a prefix of the whole; `Invalid` for no such tree."""
    if not 0 < old <= len(leaves):
        raise Invalid(f"A tree of {len(leaves)} has no proof from {old}.", "Ask from 1 to the size.", "old")
    return _subproof(old, leaves, whole=True)


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the *old* tree is a prefix of the *new* one (RFC 9162 §2.1.4.2); raise `Corrupt`."""
    if not 0 < old <= new:
        raise Corrupt(f"A tree of {old} is no prefix of one of {new}.", _REMEDY)
    if old == new:
        if proof or old_root != new_root:
            raise Corrupt("Two trees of one size differ.", _REMEDY)
        return
    # RFC 9162 §2.1.4.2: when the old tree is complete, its root is the first node and is left out of the proof.
    path = (old_root, *proof) if old & (old - 1) == 0 else tuple(proof)
    if not path:
        raise Corrupt("The consistency proof is empty.", _REMEDY)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_reached = new_reached = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Corrupt("The consistency proof is too long.", _REMEDY)
        if node & 1 or node == last:
            old_reached = hash_node(sibling, old_reached)
            new_reached = hash_node(sibling, new_reached)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_reached = hash_node(new_reached, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise Corrupt("The consistency proof is too short.", _REMEDY)
    if old_reached != old_root or new_reached != new_root:
        raise Corrupt("The consistency proof leads to other roots.", _REMEDY)


def _subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> tuple[bytes, ...]:
    size = len(leaves)
    if old == size:
        return () if whole else (root_of(leaves),)
    split = _split(size)
    if old <= split:
        return (*_subproof(old, leaves[:split], whole=whole), root_of(leaves[split:]))
    return (*_subproof(old - split, leaves[split:], whole=False), root_of(leaves[:split]))


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)
