"""Check a whole ledger from its bytes up, trusting nothing but the verifier key."""

from __future__ import annotations

from watchword.core.errors import Corrupt
from watchword.ledger.audit import Audit, Progress, Report, report, silent
from watchword.ledger.checkpoint import Checkpoint, VerifierKey
from watchword.ledger.payload import open_payload
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import Snapshot
from watchword.ledger.vault import KeyFile
from watchword.ledger.verified import REMEDY, cover, first_change, located


def fsck(
    url: str,
    vkey: str,
    keyfile: KeyFile | None = None,
    progress: Progress = silent,
    kept: str | None = None,
) -> Report:
    """Recompute everything in the ledger at *url* and return what was proved.

    Raise `Corrupt` at the first thing that does not hold, with the index of the first bad entry where there is one.
    Reads only, of one moment; for SQLite no other process may hold the file, a copy will do. Without *keyfile* the
    payloads are matched to their entries but not opened. *kept* is a checkpoint from elsewhere that the ledger must go
    on from: without one, an older copy that is whole in itself passes. *progress* is told entries done and in all.
    """
    verifier = VerifierKey.parse(vkey)
    store = SqlStore(url, read_only=True)
    try:
        with store.snapshot() as snapshot:
            return _StoreAudit(snapshot, verifier, keyfile).run(progress, kept)
    finally:
        store.close()


class _StoreAudit:
    """One pass over a snapshot; each method makes its checks and returns what it proved."""

    def __init__(self, snapshot: Snapshot, verifier: VerifierKey, keys: KeyFile | None) -> None:
        self._snapshot = snapshot
        self._verifier = verifier
        self._keys = keys
        self._audit = Audit()

    def run(self, progress: Progress, kept: str | None) -> Report:
        self._entries(progress)
        checkpoint = self._head()
        marks = self._checkpoints()
        payloads = self._payloads()
        effects = self._effects()
        extends = () if kept is None else (self._audit.extends(kept, self._verifier),)
        opened = "opened" if self._keys is not None else "not opened: no key file was given"
        return report(
            checkpoint.size,
            checkpoint.root,
            (
                *self._audit.proved(),
                ("the entries lead to the signed root, and the head says the same", f"root {checkpoint.root.hex()}"),
                ("every stored checkpoint is signed and was true at its size", f"{marks} checkpoints"),
                ("every payload is committed to by an entry of its stream", f"{payloads} payloads, {opened}"),
                ("every effect row is for a known stream", f"{effects} effect rows"),
                *extends,
            ),
        )

    def _entries(self, progress: Progress) -> None:
        total = self._snapshot.head.size
        for chunk in self._snapshot.sweep():
            start = self._audit.size
            seqs, streams, versions, kinds, raws, leaves = zip(*chunk, strict=False)
            dense = seqs == tuple(range(start, start + len(seqs)))
            good = len(seqs) if dense else next(at for at, seq in enumerate(seqs) if seq != start + at)
            if good:
                self._audit.add(raws[:good], leaves[:good], (streams[:good], versions[:good], kinds[:good]))
            if not dense:
                odd = min(seqs[good], start + good)
                raise Corrupt(f"Entry {odd} is missing or stands where none can.", REMEDY, odd)
            progress(self._audit.size, total)

    def _head(self) -> Checkpoint:
        head = self._snapshot.head
        try:
            checkpoint = cover(head, self._audit.size, self._audit.nodes.root(self._audit.size), self._verifier)
        except Corrupt as error:
            raise located(error, self._first_change() if error.seq is None else error.seq) from error
        if head.last_at != self._audit.last_at:
            raise Corrupt("The head row has another time than the latest entry.", REMEDY)
        return checkpoint

    def _checkpoints(self) -> int:
        changed = self._first_change()
        if changed is not None:
            raise Corrupt(f"A stored checkpoint does not hold from entry {changed} on.", REMEDY, changed)
        notes = [note for _, note in self._snapshot.checkpoints()]
        if notes[-1:] != [self._snapshot.head.note]:
            raise Corrupt("The latest stored checkpoint is not the head's.", REMEDY)
        return len(notes)

    def _first_change(self) -> int | None:
        return first_change(self._snapshot.checkpoints(), self._audit.nodes, self._audit.size, self._verifier)

    def _payloads(self) -> int:
        count, carriers = 0, self._audit.carriers
        for chunk in self._snapshot.carried():
            count += len(chunk)
            for commitment, stream in chunk:
                carrier, seq = carriers.get(commitment, (None, None))
                if carrier != stream:
                    raise Corrupt(f"No entry of {stream} commits to the payload {commitment}.", REMEDY, seq)
        if self._keys is not None:
            for row in self._snapshot.payloads():
                try:
                    open_payload(row, keys=self._keys, origin=self._verifier.origin)
                except Corrupt as error:
                    _, seq = carriers[row.commitment]
                    raise Corrupt(f"A payload of entry {seq}: {error.what}", error.remedy, seq) from error
        return count

    def _effects(self) -> int:
        count = 0
        for row in self._snapshot.effects():
            count += 1
            if not self._audit.has(row.stream):
                raise Corrupt(f"The effect {row.id} is for {row.stream}, which has no entry.", REMEDY, row.asked_by)
        return count
