"""The Merkle tree of RFC 6962 and RFC 9162 with SHA-256: roots, and proofs of inclusion and consistency.

Hashes are 32 bytes. A tree of n leaves splits at the largest power of two below n.
"""

from __future__ import annotations

import hashlib
import threading
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


class Nodes:
    """Every complete subtree over a growing list of leaf hashes, by level: a root or a proof takes O(log n).

    *leaves* is shared with whoever appends to it, and only ever grows: appending costs nothing here. What is new is
    hashed when a size beyond it is first asked for. Safe to ask from many threads.
    """

    __slots__ = ("_growing", "_levels", "_size")

    def __init__(self, leaves: list[bytes]) -> None:
        self._levels = [leaves]
        self._size = 0
        self._growing = threading.Lock()

    def row(self, level: int, start: int, stop: int) -> list[bytes]:
        """Return the hashes of the complete subtrees *start* to before *stop* of 2**level leaves each."""
        self._reach(stop << level)
        return self._levels[level][start:stop] if level < len(self._levels) else []

    def root(self, size: int) -> bytes:
        """Return the root over the first *size* leaves; raise `Invalid` when there are fewer."""
        self._reach(size)
        return self._edge(size, size) if size else empty_root()

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the audit path of leaf *index* in the tree of *size*, its sibling first; `Invalid` outside of it."""
        if not 0 <= index < size:
            raise Invalid(f"Leaf {index} is not in a tree of {size}.", "Ask for a leaf below the size.", "index")
        self._reach(size)
        return tuple(self._climb([], index, 0, size))

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of *old* leaves is a prefix of that of *new*; `Invalid` for no such tree."""
        if not 0 < old <= new:
            raise Invalid(f"A tree of {new} has no proof from {old}.", "Ask from 1 to the size.", "old")
        self._reach(new)
        if old == new:
            return ()
        # The last subtree of the old tree is complete where its size has its lowest bit; both trees have it.
        level = (old & -old).bit_length() - 1
        node = (old >> level) - 1
        # RFC 9162 §2.1.4.1: when that is the old tree itself, whoever checks knows its root already.
        return tuple(self._climb([self._levels[level][node]] if node else [], node, level, new))

    def _climb(self, path: list[bytes], node: int, level: int, size: int) -> list[bytes]:
        """Put after *path* the sibling of each subtree on the way from *node* of *level* to the root over *size*."""
        levels = self._levels
        last = (size - 1) >> level
        while last:
            if node & 1:
                path.append(levels[level][node - 1])
            elif node + 1 < last:
                path.append(levels[level][node + 1])
            elif node + 1 == last:
                path.append(self._edge(size, size - (last << level)))
            # A last node without a sibling goes up as it is.
            node, last, level = node >> 1, last >> 1, level + 1
        return path

    def _edge(self, size: int, count: int) -> bytes:
        """Return the hash over the last *count* of *size* leaves, which are one subtree, complete or at the edge."""
        found, level = b"", 0
        while count:
            if count & 1:
                complete = self._levels[level][(size >> level) - 1]
                found = hash_node(complete, found) if found else complete
                size -= 1 << level
            count, level = count >> 1, level + 1
        return found

    def _reach(self, size: int) -> None:
        """Hash the complete subtrees of the first *size* leaves; raise `Invalid` when there are fewer."""
        if 0 <= size <= self._size:
            return
        with self._growing:
            if not 0 <= size <= len(self._levels[0]):
                raise Invalid(f"The tree has not {size} leaves.", "Ask for a size up to its own.", "size")
            level = 0
            while count := size >> (level + 1):
                if len(self._levels) == level + 1:
                    self._levels.append([])
                above = self._levels[level + 1]
                above.extend(_pairs(self._levels[level][2 * len(above) : 2 * count]))
                level += 1
            self._size = max(self._size, size)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the leaf hashes *leaves*, in O(n)."""
    if not leaves:
        return empty_root()
    level = list(leaves)
    while len(level) > 1:
        # RFC 9162 §2.1.1: with a split at the largest power of two, an odd last node goes up as it is.
        level = [*_pairs(level), *level[len(level) & ~1 :]]
    return level[0]


def _pairs(level: Sequence[bytes]) -> list[bytes]:
    """Return the parent of each pair in *level*; an odd last node has none."""
    sha256, each = hashlib.sha256, iter(level)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=False)]


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
