"""RFC 9162 §2.1 word for word: what every quicker way must come to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from watchword.ledger.merkle import hash_node


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of the leaf hashes *leaves* (§2.1.1)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return hash_node(defined_root(leaves[:split]), defined_root(leaves[split:]))


def defined_inclusion(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """PATH of leaf *index* (§2.1.3.1)."""
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*defined_inclusion(index, leaves[:split]), defined_root(leaves[split:]))
    return (*defined_inclusion(index - split, leaves[split:]), defined_root(leaves[:split]))


def defined_consistency(old: int, leaves: Sequence[bytes], *, whole: bool = True) -> tuple[bytes, ...]:
    """PROOF from the tree of *old* leaves, and its SUBPROOF when not *whole* (§2.1.4.1)."""
    if old == len(leaves):
        return () if whole else (defined_root(leaves),)
    split = _split(len(leaves))
    if old <= split:
        return (*defined_consistency(old, leaves[:split], whole=whole), defined_root(leaves[split:]))
    return (*defined_consistency(old - split, leaves[split:], whole=False), defined_root(leaves[:split]))


def _split(size: int) -> int:
    """The largest power of two below *size*."""
    split = 1
    while split * 2 < size:
        split *= 2
    return split
