"""The Merkle tree, against vectors that others published and against its own definition."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.definition import defined_consistency, defined_inclusion, defined_root
from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.merkle import (
    Frontier,
    Nodes,
    empty_root,
    hash_leaf,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The eight inputs and roots of certificate-transparency's own Merkle tree tests.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAVES = [hash_leaf(data) for data in INPUTS]

sizes = st.integers(1, 70)


def leaves_of(size: int) -> list[bytes]:
    return [hash_leaf(str(number).encode()) for number in range(size)]


def test_empty_root_is_known() -> None:
    """The root of no leaves is the hash of nothing."""
    assert empty_root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == empty_root()


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    """The roots of certificate-transparency's test tree come out at each size."""
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_published_proofs() -> None:
    """Audit paths and consistency proofs of the same tree are those published with it."""
    assert [node.hex() for node in Nodes(LEAVES).inclusion(5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [node.hex() for node in Nodes(LEAVES).consistency(6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(sizes)
def test_frontier_keeps_the_defined_root(size: int) -> None:
    """Growing leaf by leaf gives the root of the definition at every size, and a copy grows alone."""
    leaves, frontier = leaves_of(size), Frontier()
    for number, leaf in enumerate(leaves, 1):
        twin = frontier.copy()
        frontier.append(leaf)
        assert (frontier.size, frontier.root()) == (number, defined_root(leaves[:number]))
        assert twin.root() == defined_root(leaves[: number - 1])


@given(st.data(), sizes)
def test_inclusion_holds_and_nothing_else_does(data: st.DataObject, size: int) -> None:
    """Every leaf has a proof; another leaf, index, size, root or path has none."""
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = Nodes(leaves).inclusion(index, size), root_of(leaves)
    verify_inclusion(index=index, size=size, leaf=leaves[index], proof=proof, root=root)
    wrong: list[tuple[int, int, bytes, tuple[bytes, ...], bytes]] = [
        (index, size, hash_leaf(b"other"), proof, root),
        (index, size, leaves[index], (*proof, root), root),
        (index, size, leaves[index], proof, hash_leaf(b"other")),
        (size, size, leaves[index], proof, root),
        (-1, size, leaves[index], proof, root),
    ]
    if proof:
        wrong.append((index, size, leaves[index], proof[:-1], root))
        wrong.append((index ^ 1 if index ^ 1 < size else index - 1, size, leaves[index], proof, root))
    for at, of, leaf, path, top in wrong:
        with pytest.raises(Corrupt):
            verify_inclusion(index=at, size=of, leaf=leaf, proof=path, root=top)


@given(st.data(), sizes)
def test_consistency_holds_and_nothing_else_does(data: st.DataObject, size: int) -> None:
    """Every tree is a prefix of its later self; a fork, a longer or a shorter proof is refused."""
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size))
    proof, old_root, new_root = Nodes(leaves).consistency(old, size), root_of(leaves[:old]), root_of(leaves)
    verify_consistency(old=old, new=size, old_root=old_root, new_root=new_root, proof=proof)
    fork = hash_leaf(b"fork")
    wrong = [(fork, new_root, proof), (old_root, fork, proof), (old_root, new_root, (*proof, fork))]
    if proof:
        wrong.append((old_root, new_root, proof[:-1]))
    for first, last, path in wrong:
        with pytest.raises(Corrupt):
            verify_consistency(old=old, new=size, old_root=first, new_root=last, proof=path)


@pytest.mark.parametrize("old", [0, 3])
def test_no_consistency_outside_the_tree(old: int) -> None:
    """A size the tree never had has no proof, and none verifies."""
    with pytest.raises(Invalid):
        Nodes(LEAVES).consistency(old, 2)
    with pytest.raises(Corrupt):
        verify_consistency(old=old, new=2, old_root=LEAVES[0], new_root=LEAVES[0], proof=())


@pytest.mark.parametrize("index", [-1, 2])
def test_no_inclusion_outside_the_tree(index: int) -> None:
    """A leaf that is not there has no proof."""
    with pytest.raises(Invalid):
        Nodes(LEAVES).inclusion(index, 2)


@given(st.data(), sizes)
def test_the_table_agrees_with_the_definition_while_it_grows(data: st.DataObject, size: int) -> None:
    """Roots, audit paths and consistency proofs of every earlier size are the defined ones, in whatever order asked."""
    leaves: list[bytes] = []
    nodes = Nodes(leaves)
    for leaf in leaves_of(size):
        leaves.append(leaf)
        if data.draw(st.booleans()):
            continue
        at = data.draw(st.integers(1, len(leaves)))
        index, old = data.draw(st.integers(0, at - 1)), data.draw(st.integers(1, at))
        assert nodes.root(at) == root_of(leaves[:at]) == defined_root(leaves[:at])
        assert nodes.inclusion(index, at) == defined_inclusion(index, leaves[:at])
        assert nodes.consistency(old, at) == defined_consistency(old, leaves[:at])


def test_the_table_has_what_it_was_given_and_no_more() -> None:
    """Rows of complete subtrees end with the leaves; a size beyond them is refused, and no leaves have a root."""
    nodes = Nodes(LEAVES[:5])
    assert nodes.root(0) == root_of([]) == empty_root()
    assert nodes.row(0, 3, 5) == LEAVES[3:5]
    assert nodes.row(2, 0, 1) == [defined_root(LEAVES[:4])]
    for beyond in (lambda: nodes.root(6), lambda: nodes.row(1, 2, 3), lambda: nodes.root(-1)):
        with pytest.raises(Invalid):
            beyond()


def test_the_table_is_grown_by_many_threads_once() -> None:
    """Threads that ask for proofs while leaves are appended all get those of the size they asked for."""
    leaves = leaves_of(3000)
    shared: list[bytes] = []
    nodes = Nodes(shared)
    wrong: list[int] = []

    def ask() -> None:
        while (size := len(shared)) < len(leaves):
            if size:
                proof, root = nodes.inclusion(size // 2, size), nodes.root(size)
                try:
                    verify_inclusion(index=size // 2, size=size, leaf=leaves[size // 2], proof=proof, root=root)
                except Corrupt:
                    wrong.append(size)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for at in range(0, len(leaves), 7):
        shared.extend(leaves[at : at + 7])
    for thread in threads:
        thread.join()
    assert not wrong
    assert nodes.root(len(leaves)) == root_of(leaves)
