"""Proofs of one entry: written, read, verified, and refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.conftest import ORIGIN, Place, draft, to
from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.checkpoint import Checkpoint, SigningKey, sign
from watchword.ledger.merkle import Nodes, empty_root, hash_leaf, verify_consistency
from watchword.ledger.proof import Proof, parse, verify

KEY = SigningKey.generate(ORIGIN)
ENTRIES = [f"entry {number}".encode() for number in range(11)]
NODES = Nodes([hash_leaf(raw) for raw in ENTRIES])
NOTE = sign(Checkpoint(origin=ORIGIN, size=11, root=NODES.root(11)), KEY)
PROOF = Proof(index=6, path=NODES.inclusion(6, 11), note=NOTE, extra=b"any\nbytes")
TEXT = PROOF.text()
COSIGNED = NOTE + "\u2014 witness.example.test " + base64.b64encode(b"abcd" + bytes(72)).decode() + "\n"


def test_a_proof_is_laid_out_as_specified() -> None:
    """Header, extra, index, the path from the leaf's sibling up, a blank line, and the checkpoint as it is."""
    lines = TEXT.split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra YW55CmJ5dGVz", "index 6"]
    assert base64.b64decode(lines[3]) == hash_leaf(ENTRIES[7])
    assert TEXT.endswith(f"\n\n{NOTE}")
    assert Proof(index=6, path=PROOF.path, note=NOTE).text() == TEXT.replace("extra YW55CmJ5dGVz\n", "")


@pytest.mark.parametrize("index", range(11))
@pytest.mark.parametrize("note", [NOTE, COSIGNED], ids=["signed", "cosigned"])
def test_every_entry_is_proved_by_its_file(index: int, note: str) -> None:
    """A proof reads back whole, other signatures included, and shows index, size, root and every check."""
    proof = parse(Proof(index=index, path=NODES.inclusion(index, 11), note=note).text())
    proven = verify(proof, ENTRIES[index], KEY.verifier)
    assert (proven.origin, proven.index, proven.size, proven.root) == (ORIGIN, index, 11, NODES.root(11))
    assert len(proven.checks) == 3
    assert proof.note == note


def test_the_only_entry_needs_no_path() -> None:
    """In a tree of one the leaf is the root."""
    nodes = Nodes([hash_leaf(b"one")])
    proof = Proof(index=0, path=(), note=sign(Checkpoint(origin=ORIGIN, size=1, root=nodes.root(1)), KEY))
    assert verify(parse(proof.text()), b"one", KEY.verifier).size == 1


def _with(**changed: object) -> Proof:
    return Proof(**{"index": 6, "path": PROOF.path, "note": NOTE, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proof", "entry"),
    [
        (_with(), b"another entry"),
        (_with(index=7), ENTRIES[6]),
        (_with(index=11), ENTRIES[6]),
        (_with(path=PROOF.path[:-1]), ENTRIES[6]),
        (_with(path=(*PROOF.path, bytes(32))), ENTRIES[6]),
        (_with(path=(bytes(32),) * 63), ENTRIES[6]),
        (_with(note=sign(Checkpoint(origin=ORIGIN, size=11, root=bytes(32)), KEY)), ENTRIES[6]),
        (_with(note=sign(Checkpoint(origin=ORIGIN, size=11, root=NODES.root(11)), SigningKey.generate(ORIGIN))), b"x"),
        (_with(index=0, path=(), note=sign(Checkpoint(origin=ORIGIN, size=0, root=empty_root()), KEY)), b""),
        (_with(note=""), ENTRIES[6]),
    ],
    ids=["entry", "index", "beyond", "short", "long", "endless", "root", "key", "empty tree", "no note"],
)
def test_what_is_not_proved_is_refused(proof: Proof, entry: bytes) -> None:
    """Another entry, index, path, root or key proves nothing, and neither does an empty tree."""
    with pytest.raises(Corrupt):
        verify(parse(proof.text()), entry, KEY.verifier)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("index 6\n", 1),
        (TEXT.replace("@v1", "@v2"), 1),
        ("c2sp.org/tlog-proof@v1", 1),
        ("c2sp.org/tlog-proof@v1\n\nx", 2),
        (TEXT.replace("YW55CmJ5dGVz", "YW55CmJ5dGV"), 2),
        (TEXT.replace("index 6", "index 06"), 3),
        (TEXT.replace("index 6", "index -6"), 3),
        (TEXT.replace("index 6", "index 6 "), 3),
        (TEXT.replace("index 6", "index \u0666"), 3),
        (TEXT.replace("index 6", "index " + "9" * 20), 3),
        (TEXT.replace("index 6\n", f"index 6\n{base64.b64encode(bytes(31)).decode()}\n"), 4),
        (TEXT.replace("index 6\n", f"index 6\n{'A' * 43}B\n"), 4),
        (TEXT.replace("index 6\n", "index 6\n!\n"), 4),
        (TEXT.replace("index 6\n", "index 6\n\u00e9\n"), 4),
        (TEXT.replace("index 6\n", "index 6\n" + ("A" * 43 + "=\n") * 64), 67),
        ("c2sp.org/tlog-proof@v1\n" * 60_000, 1),
    ],
)
def test_what_is_no_proof_is_told_with_its_line(text: str, line: int) -> None:
    """Bad base64 (spare bits too), a bad index, too many hashes, another version: `Invalid`, with the line."""
    with pytest.raises(Invalid) as found:
        parse(text)
    assert found.value.where == f"line {line}"


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_a_changed_character_never_proves_more(at: int, other: str) -> None:
    """With any one character changed, a proof is refused, or differs in nothing that was signed."""
    changed = TEXT[:at] + other + TEXT[at + 1 :]
    try:
        proof = parse(changed)
        proven = verify(proof, ENTRIES[6], KEY.verifier)
    except (Invalid, Corrupt):
        return
    assert (proven.index, proven.size, proven.root, proof.path) == (6, 11, NODES.root(11), PROOF.path)


@given(st.one_of(st.text(), st.text().map(lambda rest: f"c2sp.org/tlog-proof@v1\n{rest}")))
def test_any_text_is_a_proof_or_invalid(text: str) -> None:
    """Whatever text comes in, it is written back the same, or `Invalid`."""
    try:
        proof = parse(text)
    except Invalid:
        return
    assert proof.text() == text


def test_the_ledger_proves_what_it_holds(place: Place) -> None:
    """Every entry under every checkpoint that covers it; every checkpoint a prefix of the next; nothing else."""
    ledger = place.open()
    for number in range(9):
        ledger.append((to(f"case/{number % 3}", number // 3 - 1, draft(after=number)),))
    raws = [appended.raw for appended in ledger.entries()]
    for size in range(1, 10):
        note, checkpoint = ledger.checkpoint_at(size)
        for seq in range(size):
            proof = parse(ledger.prove(seq, size).text())
            assert proof.note == note
            assert verify(proof, raws[seq], place.key.verifier).size == size
        for old in range(1, size + 1):
            _, before = ledger.checkpoint_at(old)
            verify_consistency(
                old=old,
                new=size,
                old_root=before.root,
                new_root=checkpoint.root,
                proof=ledger.consistency(old, size),
            )
    assert ledger.prove(0) == ledger.prove(0, 9)
    asked = (
        lambda: ledger.prove(9),
        lambda: ledger.prove(-1),
        lambda: ledger.prove(5, 5),
        lambda: ledger.prove(0, 0),
        lambda: ledger.prove(0, 10),
        lambda: ledger.prove(0, -1),
        lambda: ledger.consistency(0, 9),
        lambda: ledger.consistency(3, 10),
        lambda: ledger.consistency(4, 3),
    )
    for ask in asked:
        with pytest.raises(Invalid):
            ask()


def test_a_false_checkpoint_in_the_store_proves_nothing(place: Place) -> None:
    """A stored checkpoint that was swapped is found when it is asked for, also one our own key signed."""
    ledger = place.open()
    for number in range(3):
        ledger.append((to("case/1", number - 1, draft(after=number)),))
    false = sign(Checkpoint(origin=ORIGIN, size=2, root=bytes(32)), place.key)
    for note in (false, ledger.checkpoint[0], "no note"):
        place.tamper("UPDATE checkpoint SET note = :note WHERE size = 2", note=note)
        with pytest.raises(Corrupt):
            ledger.prove(0, 2)
