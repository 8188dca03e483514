"""What we write is read by code nobody here wrote, and what it writes is read by ours."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.conftest import SIZE, Log, Run
from watchword.core.errors import Corrupt
from watchword.ledger.checkpoint import VerifierKey, verify
from watchword.ledger.exported import fsck_export
from watchword.ledger.merkle import (
    Nodes,
    empty_root,
    hash_leaf,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from watchword.ledger.tiles import parse_path, unpack_bundle, unpack_hashes

TESSERA = ("github.com/transparency-dev/tessera@v1.0.4", "h1:IXjGowubcLR0T3zUQrysSMKgtTh9KGKQ0iajUiubyP4=")
MERKLE = ("github.com/transparency-dev/merkle@v0.0.2", "h1:Q9nBoQcZcgPamMkGn7ghV8XiTZ/kRxn1yCG81+twTK4=")
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


@contextmanager
def flipped(file: Path, at: int) -> Iterator[None]:
    """Change one byte of *file* for as long."""
    data = file.read_bytes()
    try:
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        yield
    finally:
        file.write_bytes(data)


def test_go_reads_the_whole_log(outsider: Run, log: Log) -> None:
    """Go's note and tlog: signature, bundles, all tiles, root, inclusion of every entry, hundreds of prefixes."""
    read = outsider("log", str(log.folder), log.vkey)
    assert read.returncode == 0, read.stderr
    assert re.fullmatch(r"70000 entries, 277 tiles, \d{3} prefixes\n", read.stdout)
    assert fsck_export(log.folder, log.vkey).size == SIZE


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("tile/entries/000", 100),
        ("tile/entries/200", 0),
        ("tile/entries/273.p/112", -1),
        ("tile/0/137", 8191),
        ("tile/1/000", 4000),
        ("tile/1/001.p/17", 0),
        ("tile/2/000.p/1", 31),
        ("checkpoint", 21),
        ("checkpoint", 40),
        ("checkpoint", -10),
    ],
)
def test_one_flipped_byte_is_refused_by_go_and_by_us(outsider: Run, log: Log, path: str, at: int) -> None:
    """Wherever it stands, both of us find it."""
    with flipped(log.folder / path, at):
        assert outsider("log", str(log.folder), log.vkey).returncode == 1
        with pytest.raises(Corrupt):
            fsck_export(log.folder, log.vkey)


def test_torchwood_takes_our_proofs_and_no_others(outsider: Run, log: Log) -> None:
    """Our tlog-proof files verify for their entry; with the next entry's bytes, or a changed line, they do not."""
    asked = (0, 1, 255, 256, 65_535, 65_536, 69_999, *range(17, SIZE, 4_999))
    entries = {seq: next(log.ledger.entries(seq, seq + 1)).raw for seq in asked}
    proofs = {seq: log.ledger.prove(seq).text() for seq in asked}
    older = log.ledger.prove(0, SIZE - SIZE % 1400).text()

    def read(*pairs: tuple[bytes, str]) -> tuple[int, str]:
        given = [
            {"entry": base64.b64encode(entry).decode(), "proof": base64.b64encode(proof.encode()).decode()}
            for entry, proof in pairs
        ]
        told = outsider("proof", log.vkey, given=json.dumps(given))
        return told.returncode, told.stdout

    every = [(entries[seq], proofs[seq]) for seq in asked]
    assert read(*every, (entries[0], older)) == (0, f"{len(asked) + 1} proofs\n")
    assert read((entries[1], proofs[0]))[0] == 1
    assert read((entries[0], proofs[0].replace("index 0", "index 1")))[0] == 1
    assert read((entries[0], proofs[0].replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n")))[0] == 1
    path = proofs[0].split("\n")
    assert read((entries[0], "\n".join((*path[:2], *path[3:]))))[0] == 1


def test_we_take_what_transparency_dev_takes(outsider: Run) -> None:
    """Thousands of proofs, right and spoiled: each is accepted or refused as transparency-dev/merkle says.

    All but one kind: it takes an empty proof from the empty tree, which shows nothing and which we refuse.
    """
    vectors = [vector for seed in (1, 2, 3) for vector in json.loads(outsider("vectors", str(seed)).stdout)]
    assert len(vectors) > 5_000
    differ = [vector for vector in vectors if _accepted(vector) != vector["accepted"]]
    assert not [vector for vector in differ if vector["kind"] != "consistency" or vector["old"]]
    assert all(vector["accepted"] for vector in differ)


def _accepted(vector: dict[str, Any]) -> bool:
    def given(name: str) -> bytes:
        return base64.b64decode(vector[name] or "")

    proof = [base64.b64decode(node) for node in vector["proof"] or ()]
    size, root = vector["size"], given("root")
    try:
        if vector["kind"] == "inclusion":
            verify_inclusion(index=vector["index"], size=size, leaf=given("leaf"), proof=proof, root=root)
        else:
            old = {"old": vector["old"], "old_root": given("old_root")}
            verify_consistency(**old, new=size, new_root=root, proof=proof)
    except Corrupt:
        return False
    return True


def test_we_take_the_vectors_of_transparency_dev(module: Callable[[str, str], Path]) -> None:
    """What transparency-dev/merkle holds its own verifier to verifies here, and with one bit changed does not."""
    text = (module(*MERKLE) / "proof" / "verify_test.go").read_text(encoding="utf-8")
    roots, leaves = _hashes(text, "roots"), _hashes(text, "leaves")
    assert [root_of([hash_leaf(leaf) for leaf in leaves[:size]]) for size in range(1, 9)] == roots
    proved = 0
    for index, size, proof in _vectors(text, "inclusionProofs"):
        if index == 0:  # their indices count from 1, and this one stands for no leaf at all
            continue
        check = partial(
            verify_inclusion, index=index - 1, size=size, leaf=hash_leaf(leaves[index - 1]), root=roots[size - 1]
        )
        _holds_alone(check, proof)
        proved += 1
    for old, new, proof in _vectors(text, "consistencyProofs"):
        _holds_alone(
            partial(verify_consistency, old=old, new=new, old_root=roots[old - 1], new_root=roots[new - 1]), proof
        )
        proved += 1
    assert proved == 10


def _hashes(text: str, name: str) -> list[bytes]:
    """The values of a list of Go's, each `dh("hex", length)`."""
    found = re.search(rf"\t{name}\s+= \[\]\[\]byte{{\n(.*?)\n\t}}", text, re.DOTALL)
    assert found, name
    return [bytes.fromhex(value) for value in re.findall(r'dh\("([0-9a-f]*)", \d+\)', found[1])]


def _vectors(text: str, name: str) -> list[tuple[int, int, list[bytes]]]:
    """The proofs of a list of Go's: two numbers, and the nodes."""
    found = re.search(rf"\t{name} = \[\]\w+{{\n(.*?)\n\t}}\n", text, re.DOTALL)
    assert found, name
    each = re.findall(r"\t\t{(\d+), (\d+), (nil|\[\]\[\]byte{.*?\t\t})}", found[1], re.DOTALL)
    return [
        (int(one), int(two), [bytes.fromhex(node) for node in re.findall(r'dh\("([0-9a-f]{64})"', nodes)])
        for one, two, nodes in each
    ]


def _holds_alone(check: Callable[..., None], proof: list[bytes]) -> None:
    """*proof* passes; with one bit of a node changed, without a node, or with one more, it does not."""
    check(proof=proof)
    changed = [[*proof[:at], bytes([node[0] ^ 1]) + node[1:], *proof[at + 1 :]] for at, node in enumerate(proof)]
    shorter = [[*proof[:at], *proof[at + 1 :]] for at in range(len(proof))]
    for spoiled in (*changed, *shorter, [*proof, bytes(32)]):
        with pytest.raises(Corrupt):
            check(proof=spoiled)


def test_we_read_the_sample_log_of_tessera(module: Callable[[str, str], Path]) -> None:
    """Fifteen checkpoints, and tiles and bundles of every width, lead to the same roots here."""
    log = module(*TESSERA) / "testdata" / "log"
    verifier = VerifierKey.parse(TESSERA_KEY)
    latest = verify((log / "checkpoint").read_text(), verifier)
    tiles = [parse_path(path.relative_to(log).as_posix()) for path in log.glob("tile/**/*") if path.is_file()]
    whole = next(tile for tile in tiles if tile.level is None and tile.width == latest.size)
    raws = unpack_bundle(whole, (log / whole.path).read_bytes())
    nodes = Nodes([hash_leaf(raw) for raw in raws])

    sizes = set()
    for file in log.glob("checkpoint*"):
        checkpoint = verify(file.read_text(), verifier)
        assert checkpoint.root == (nodes.root(checkpoint.size) if checkpoint.size else empty_root()), file
        sizes.add(checkpoint.size)
    assert sizes == set(range(latest.size + 1))
    for tile in tiles:
        data = (log / tile.path).read_bytes()
        if tile.level is None:
            assert unpack_bundle(tile, data) == raws[: tile.width]
        else:
            assert unpack_hashes(tile, data) == nodes.row(0, 0, tile.width)
            assert root_of(unpack_hashes(tile, data)) == nodes.root(tile.width)
    assert {tile.width for tile in tiles if tile.level is None} == set(range(1, latest.size + 1))
    with pytest.raises(Corrupt):
        verify((log / "checkpoint").read_text().replace("\n15\n", "\n14\n"), verifier)
