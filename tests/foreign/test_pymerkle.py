"""pymerkle, an implementation of its own: roots, audit paths and consistency proofs agree on random trees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from watchword.ledger.merkle import Nodes, hash_leaf, verify_consistency


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=80), st.data())
def test_pymerkle_agrees(raws: list[bytes], data: st.DataObject) -> None:
    """The root of every size, the path of a leaf in any of them, and what lies between two sizes are the same."""
    tree = InmemoryTree(algorithm="sha256")
    for raw in raws:
        tree.append_entry(raw)
    nodes = Nodes([hash_leaf(raw) for raw in raws])
    for size in range(1, len(raws) + 1):
        assert nodes.root(size) == tree.get_root(size)
    size = data.draw(st.integers(1, len(raws)))
    index = data.draw(st.integers(0, size - 1))
    # pymerkle counts from 1, and begins its path with the leaf itself.
    path = [bytes.fromhex(node) for node in tree.prove_inclusion(index + 1, size).serialize()["path"]]
    assert path == [hash_leaf(raws[index]), *nodes.inclusion(index, size)]
    old = data.draw(st.integers(1, size))
    proof = nodes.consistency(old, size)
    verify_consistency(old=old, new=size, old_root=tree.get_root(old), new_root=tree.get_root(size), proof=proof)
