"""What this process has verified of the ledger, in memory: every later read is checked against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from watchword.core.errors import Corrupt
from watchword.core.ids import LeafHash, Seq
from watchword.ledger import merkle
from watchword.ledger.append import Appended
from watchword.ledger.checkpoint import Checkpoint, VerifierKey, verify
from watchword.ledger.entry import Entry, parse
from watchword.ledger.store import EntryRow, Head

REMEDY = (
    "Stop every process of this ledger, keep the database as it is, run `watchword ledger fsck` on a copy, "
    "and go on from a copy that checks."
)


SKEW = timedelta(seconds=2)
"""How far an entry's time may lie behind the latest: clocks of threads and machines differ a little."""


class Verified:
    """The leaf hashes, streams and checkpoint that hold together. Grows by whole stages only."""

    def __init__(self, origin: str) -> None:
        self.leaves: list[bytes] = []
        self.nodes = merkle.Nodes(self.leaves)
        self.streams: dict[str, list[int]] = {}
        self.places: dict[bytes, int] = {}
        self.frontier = merkle.Frontier()
        self.last_at: datetime | None = None
        self.note = ""
        self.checkpoint = Checkpoint(origin=origin, size=0, root=merkle.empty_root())

    @property
    def size(self) -> int:
        """How many entries are verified and covered by the checkpoint."""
        return self.checkpoint.size

    def version(self, stream: str) -> int:
        """Return the last version of *stream*, -1 when it has no entry."""
        return len(self.streams.get(stream, ())) - 1

    def check(self, row: EntryRow) -> Appended:
        """Return the entry in *row*; raise `Corrupt` unless its bytes are those verified at its index."""
        if not 0 <= row.seq < self.size:
            raise Corrupt(f"Entry {row.seq} is not covered by the signed checkpoint.", REMEDY, row.seq)
        leaf = merkle.hash_leaf(row.raw)
        if leaf != self.leaves[row.seq] or leaf != row.leaf:
            raise Corrupt(f"Entry {row.seq} was changed after it was verified.", REMEDY, row.seq)
        return Appended(seq=Seq(row.seq), leaf=LeafHash(leaf.hex()), entry=_entry_of(row), raw=row.raw)

    def check_all(self, rows: Sequence[EntryRow], expected: Sequence[int]) -> tuple[Appended, ...]:
        """Return the entries in *rows*, which must be exactly those at the indices *expected*; else `Corrupt`."""
        for row, seq in zip(rows, expected, strict=False):
            if row.seq != seq:
                break
        else:
            if len(rows) == len(expected):
                return tuple(map(self.check, rows))
        odd = min(set(expected) ^ {row.seq for row in rows})
        raise Corrupt(f"Entry {odd} is missing or stands where none was signed.", REMEDY, odd)

    def adopt(self, stage: Stage, note: str, checkpoint: Checkpoint) -> None:
        """Make *stage* part of what is verified, under *checkpoint*."""
        for leaf, stream in stage.added:
            seq = len(self.leaves)
            self.leaves.append(leaf)
            self.places[leaf] = seq
            self.streams.setdefault(stream, []).append(seq)
        self.frontier = stage.frontier
        self.last_at = stage.last_at
        self.note = note
        # Last: a reader in another thread goes by the size.
        self.checkpoint = checkpoint


class Stage:
    """Entries that are to follow what is verified, and do not count until a checkpoint covers them."""

    def __init__(self, base: Verified) -> None:
        self._base = base
        self._versions: dict[str, int] = {}
        self._leaves: set[bytes] = set()
        self.frontier = base.frontier.copy()
        self.last_at = base.last_at
        self.added: list[tuple[bytes, str]] = []
        self.effects: set[str] = set()

    @property
    def size(self) -> int:
        """The number of entries with those staged."""
        return self.frontier.size

    def version(self, stream: str) -> int:
        """Return the last version of *stream*, staged entries included; -1 when it has none."""
        staged = self._versions.get(stream)
        return self._base.version(stream) if staged is None else staged

    @property
    def streams(self) -> frozenset[str]:
        """The streams that have a staged entry."""
        return frozenset(self._versions)

    def knows(self, leaf: bytes) -> bool:
        """Say whether an entry with the leaf hash *leaf* stands before the next."""
        return leaf in self._leaves or leaf in self._base.places

    def add(self, leaf: bytes, entry: Entry) -> None:
        """Put one entry after the others."""
        self.frontier.append(leaf)
        self._versions[entry.stream] = entry.version
        self._leaves.add(leaf)
        self.added.append((leaf, entry.stream))
        if self.last_at is None or entry.at > self.last_at:
            self.last_at = entry.at

    def add_row(self, row: EntryRow) -> Entry:
        """Put a stored row after the others and return its entry; raise `Corrupt`, naming it, unless it fits there."""
        if row.seq != self.size:
            odd = min(row.seq, self.size)
            raise Corrupt(f"Entry {odd} is missing or stands where none can.", REMEDY, odd)
        leaf = merkle.hash_leaf(row.raw)
        if leaf != row.leaf:
            raise Corrupt(f"Entry {row.seq} does not hash to its leaf.", REMEDY, row.seq)
        entry = _entry_of(row)
        if entry.version != self.version(entry.stream) + 1:
            raise Corrupt(f"Entry {row.seq} breaks the numbering of its stream.", REMEDY, row.seq)
        self.add(leaf, entry)
        return entry

    def cover(self, head: Head, verifier: VerifierKey) -> Checkpoint:
        """Return the checkpoint in *head*; raise `Corrupt` unless it is signed and covers exactly the stage."""
        return cover(head, self.size, self.frontier.root(), verifier)


def cover(head: Head, size: int, root: bytes, verifier: VerifierKey) -> Checkpoint:
    """Return the checkpoint in *head*; raise `Corrupt` unless it is signed and is of exactly *size* under *root*."""
    if not head.note:
        raise Corrupt("The ledger has no signed checkpoint.", REMEDY, 0)
    checkpoint = verify(head.note, verifier)
    if checkpoint.size > size:
        raise Corrupt(f"Entry {size} is covered by the checkpoint but missing.", REMEDY, size)
    if checkpoint.size < size:
        raise Corrupt(f"Entry {checkpoint.size} is not covered by a signed checkpoint.", REMEDY, checkpoint.size)
    if checkpoint.root != root:
        raise Corrupt("The entries do not lead to the signed root.", REMEDY)
    if head.size != checkpoint.size or head.root != checkpoint.root:
        raise Corrupt("The head row differs from the signed checkpoint.", REMEDY)
    return checkpoint


def first_change(
    checkpoints: Iterable[tuple[int, str]], nodes: merkle.Nodes, size: int, verifier: VerifierKey
) -> int | None:
    """Return where *size* entries first part from a stored checkpoint, None when every checkpoint holds.

    The answer is exact where each entry has a checkpoint of its own, else it is the first entry of the group that one
    checkpoint covered.
    """
    good = 0
    for at, note in checkpoints:
        try:
            stated = verify(note, verifier)
        except Corrupt:
            return good
        if not 0 <= at <= size or (stated.size, stated.root) != (at, nodes.root(at)):
            return good
        good = at
    return None


def located(error: Corrupt, seq: int | None) -> Corrupt:
    """Return *error* naming entry *seq* as where things go wrong."""
    where = "" if seq is None else f" They part at entry {seq}, or at one of those signed with it."
    return Corrupt(f"{error.what}{where}", error.remedy, seq)


def _entry_of(row: EntryRow) -> Entry:
    try:
        entry = parse(row.raw)
    except Corrupt as error:
        raise Corrupt(f"Entry {row.seq}: {error.what}", error.remedy, row.seq) from error
    if (entry.stream, entry.version, entry.type) != (row.stream, row.version, row.type):
        raise Corrupt(f"Entry {row.seq} is filed under another stream, version or type.", REMEDY, row.seq)
    return entry
