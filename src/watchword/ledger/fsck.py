"""Check a whole ledger from its bytes up, trusting nothing but the verifier key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from watchword.core.errors import Corrupt
from watchword.ledger.checkpoint import Checkpoint, VerifierKey
from watchword.ledger.entry import decode
from watchword.ledger.payload import open_payload
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import Snapshot
from watchword.ledger.vault import KeyFile
from watchword.ledger.verified import REMEDY, SKEW, Stage, Verified, first_change, located

_REPORT_EVERY = 1000


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered check: *what* must hold, and what was *proved* of it."""

    number: int
    what: str
    proved: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger that holds together: its *size*, its *root* (32 bytes), and every check made."""

    size: int
    root: bytes
    checks: tuple[Check, ...]


def _silent(_done: int, _total: int) -> None:
    """Report to nobody."""


def fsck(
    url: str,
    vkey: str,
    keyfile: KeyFile | None = None,
    progress: Callable[[int, int], None] = _silent,
) -> Report:
    """Recompute everything in the ledger at *url* and return what was proved.

    Raise `Corrupt` at the first thing that does not hold, with the index of the first bad entry where there is one.
    Reads only, of one moment; for SQLite no other process may hold the file, a copy will do. Without *keyfile* the
    payloads are matched to their entries but not opened. *progress* is told entries done and in all.
    """
    verifier = VerifierKey.parse(vkey)
    store = SqlStore(url, read_only=True)
    try:
        with store.snapshot() as snapshot:
            return _Audit(snapshot, verifier, keyfile).run(progress)
    finally:
        store.close()


class _Audit:
    """One pass over a snapshot; each method makes its checks and returns what it proved."""

    def __init__(self, snapshot: Snapshot, verifier: VerifierKey, keys: KeyFile | None) -> None:
        self._snapshot = snapshot
        self._verifier = verifier
        self._keys = keys
        self._stage = Stage(Verified(verifier.origin))
        self._carriers: dict[str, tuple[str, int]] = {}

    def run(self, progress: Callable[[int, int], None]) -> Report:
        references = self._entries(progress)
        checkpoint = self._head()
        marks = self._checkpoints()
        payloads = self._payloads()
        effects = self._effects()
        opened = "opened" if self._keys is not None else "not opened: no key file was given"
        proved = (
            ("every entry is in canonical form and hashes to its leaf", f"{checkpoint.size} entries"),
            ("indices are dense from 0, and so are versions in each stream", f"{len(self._stage.streams)} streams"),
            ("no entry is more than 2 s older than one before it", f"the latest is of {self._stage.last_at}"),
            ("references point to earlier entries", f"{references} references"),
            ("the entries lead to the signed root, and the head says the same", f"root {checkpoint.root.hex()}"),
            ("every stored checkpoint is signed and was true at its size", f"{marks} checkpoints"),
            ("every payload is committed to by an entry of its stream", f"{payloads} payloads, {opened}"),
            ("every effect row is for a known stream", f"{effects} effect rows"),
        )
        return Report(
            size=checkpoint.size,
            root=checkpoint.root,
            checks=tuple(Check(number=number, what=what, proved=that) for number, (what, that) in enumerate(proved, 1)),
        )

    def _entries(self, progress: Callable[[int, int], None]) -> int:
        total, references = self._snapshot.head.size, 0
        for row in self._snapshot.entries():
            last_at = self._stage.last_at
            known = self._stage.knows
            self._stage.add_row(row)
            try:
                entry = decode(row.raw)
            except Corrupt as error:
                raise Corrupt(f"Entry {row.seq}: {error.what}", error.remedy, row.seq) from error
            if last_at is not None and entry.at < last_at - SKEW:
                raise Corrupt(f"Entry {row.seq} is older than one before it, by more than 2 s.", REMEDY, row.seq)
            for ref in entry.refs:
                if bytes.fromhex(ref) == row.leaf or not known(bytes.fromhex(ref)):
                    raise Corrupt(f"Entry {row.seq} refers to {ref}, which is no earlier entry.", REMEDY, row.seq)
            for commitment in entry.sd:
                if commitment in self._carriers:
                    raise Corrupt(f"Entry {row.seq} repeats the commitment {commitment}.", REMEDY, row.seq)
                self._carriers[commitment] = (entry.stream, row.seq)
            references += len(entry.refs)
            if row.seq % _REPORT_EVERY == 0:
                progress(row.seq, total)
        progress(self._stage.size, total)
        return references

    def _head(self) -> Checkpoint:
        head = self._snapshot.head
        try:
            checkpoint = self._stage.cover(head, self._verifier)
        except Corrupt as error:
            seq = first_change(self._snapshot, self._verifier) if error.seq is None else error.seq
            raise located(error, seq) from error
        if head.last_at != self._stage.last_at:
            raise Corrupt("The head row has another time than the latest entry.", REMEDY)
        return checkpoint

    def _checkpoints(self) -> int:
        changed = first_change(self._snapshot, self._verifier)
        if changed is not None:
            raise Corrupt(f"A stored checkpoint does not hold from entry {changed} on.", REMEDY, changed)
        notes = [note for _, note in self._snapshot.checkpoints()]
        if notes[-1:] != [self._snapshot.head.note]:
            raise Corrupt("The latest stored checkpoint is not the head's.", REMEDY)
        return len(notes)

    def _payloads(self) -> int:
        count = 0
        for row in self._snapshot.payloads():
            count += 1
            stream, seq = self._carriers.get(row.commitment, (None, None))
            if stream != row.stream:
                raise Corrupt(f"No entry of {row.stream} commits to the payload {row.commitment}.", REMEDY, seq)
            if self._keys is not None:
                try:
                    open_payload(row, keys=self._keys, origin=self._verifier.origin)
                except Corrupt as error:
                    raise Corrupt(f"A payload of entry {seq}: {error.what}", error.remedy, seq) from error
        return count

    def _effects(self) -> int:
        count = 0
        for row in self._snapshot.effects():
            count += 1
            if self._stage.version(row.stream) < 0:
                raise Corrupt(f"The effect {row.id} is for {row.stream}, which has no entry.", REMEDY, row.asked_by)
        return count
