"""Check a whole ledger from its bytes up, trusting nothing but the verifier key."""

from __future__ import annotations

import msgspec

from watchword.core.errors import Corrupt
from watchword.ledger.audit import Audit, Progress, Report, report, silent
from watchword.ledger.checkpoint import Checkpoint, VerifierKey
from watchword.ledger.entry import Entry, Retention, parse
from watchword.ledger.erasure import EvidenceErased
from watchword.ledger.keyring import Keyring
from watchword.ledger.payload import open_payload
from watchword.ledger.provider import KeyProvider
from watchword.ledger.restoration import LEDGER_STREAM
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import Snapshot
from watchword.ledger.verified import REMEDY, cover, first_change, located

ERASED = "evidence.erased"
_CLASSES = frozenset(each.value for each in Retention)
_AGAIN = "Rows were put back past Watchword, from a backup perhaps: find out by whom, and take them away again."


def fsck(
    url: str,
    vkey: str,
    provider: KeyProvider | None = None,
    progress: Progress = silent,
    kept: str | None = None,
) -> Report:
    """Recompute everything in the ledger at *url* and return what was proved.

    Raise `Corrupt` at the first thing that does not hold, with the index of the first bad entry where there is one.
    Reads only, of one moment; for SQLite no other process may hold the file, a copy will do. Without *provider* (the
    key file, as a rule) payloads are matched to entries but not opened. *kept* is a checkpoint from elsewhere that the
    ledger must go on from: without one, an older copy that is whole in itself passes. *progress* is told entries done
    and in all.
    """
    verifier = VerifierKey.parse(vkey)
    store = SqlStore(url, read_only=True)
    try:
        with store.snapshot() as snapshot:
            return _StoreAudit(snapshot, verifier, provider).run(progress, kept)
    finally:
        store.close()


class _StoreAudit:
    """One pass over a snapshot; each method makes its checks and returns what it proved."""

    def __init__(self, snapshot: Snapshot, verifier: VerifierKey, provider: KeyProvider | None) -> None:
        self._snapshot = snapshot
        self._verifier = verifier
        self._keyring = None if provider is None else Keyring(provider, verifier.origin)
        self._keys: dict[str, tuple[str, str]] = {}  # id -> stream and class
        self._erased: dict[str, int] = {}  # id of a key -> the entry that says it is gone
        self._gone = 0
        self._audit = Audit()

    def run(self, progress: Progress, kept: str | None) -> Report:
        self._entries(progress)
        self._snapshot.demand_sound()  # after the entries, which say more of what is wrong
        checkpoint = self._head()
        marks = self._checkpoints()
        self._data_keys()
        payloads = self._payloads()
        effects = self._effects()
        extends = () if kept is None else (self._audit.extends(kept, self._verifier),)
        missing = len(self._audit.carriers) - payloads - self._gone
        opened = "opened" if self._keyring is not None else "not opened: no key file was given"
        return report(
            checkpoint.size,
            checkpoint.root,
            (
                *self._audit.proved(),
                ("the entries lead to the signed root, and the head says the same", f"root {checkpoint.root.hex()}"),
                ("every stored checkpoint is signed and was true at its size", f"{marks} checkpoints"),
                ("every payload is committed to by an entry of its stream", f"{payloads} payloads, {opened}"),
                ("every effect row is for a known stream", f"{effects} effect rows"),
                (
                    "every payload has its data key, every key a stream, and what was erased is gone",
                    f"{len(self._keys)} data keys; {len(self._erased)} erased with {self._gone} payloads"
                    + (f"; {missing} more payloads are gone, and no entry says why" if missing > 0 else ""),
                ),
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
                if ERASED in kinds:
                    for at in (place for place in range(good) if kinds[place] == ERASED):
                        self._note_erasure(parse(raws[at]), start + at)
            if not dense:
                found = seqs[good]
                odd = min(found, start + good) if isinstance(found, int) else start + good
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

    def _note_erasure(self, entry: Entry, seq: int) -> None:
        if entry.stream != LEDGER_STREAM:
            return
        try:
            erased = msgspec.convert({**entry.data, "type": entry.type}, type=EvidenceErased)
        except msgspec.ValidationError as error:
            raise Corrupt(f"Entry {seq} tells of no erasure: {error}.", REMEDY, seq) from error
        self._erased.update(dict.fromkeys(erased.keys, seq))
        self._gone += erased.payloads

    def _data_keys(self) -> None:
        for chunk in self._snapshot.key_rows():
            self._keys.update((name, (stream, retention)) for name, stream, retention in chunk)
            streams, classes = {stream for _, stream, _ in chunk}, {retention for _, _, retention in chunk}
            if not (self._audit.has_all(streams) and classes <= _CLASSES):
                odd = next(row for row in chunk if not (self._audit.has(row[1]) and row[2] in _CLASSES))
                raise Corrupt(f"The data key {odd[0]} is for {odd[1]}, which has no entry, or for no class.", REMEDY)
        for name in self._erased.keys() & self._keys.keys():
            seq = self._erased[name]
            raise Corrupt(f"Entry {seq} says the data key {name} was erased, and it is there.", _AGAIN, seq)

    def _payloads(self) -> int:
        count, carriers, keys = 0, self._audit.carriers, self._keys
        for chunk in self._snapshot.carried():
            count += len(chunk)
            for commitment, stream, key, retention in chunk:
                carrier, seq = carriers.get(commitment, (None, None))
                if carrier != stream:
                    raise Corrupt(f"No entry of {stream} commits to the payload {commitment}.", REMEDY, seq)
                if keys.get(key) == (stream, retention):
                    continue
                if key in self._erased:
                    seq = self._erased[key]
                    raise Corrupt(
                        f"Entry {seq} says the payload {commitment} was erased, and it is there.", _AGAIN, seq
                    )
                raise Corrupt(f"A payload of entry {seq} has no data key of its stream and class.", REMEDY, seq)
        if self._keyring is not None:
            self._open_all(self._keyring)
        return count

    def _open_all(self, keyring: Keyring) -> None:
        rows = {row.id: row for row in self._snapshot.data_keys()}
        for row in rows.values():
            try:
                keyring.open(row)
            except Corrupt as error:
                raise Corrupt(f"The data key {row.id} of {row.stream}: {error.what}", error.remedy) from error
        for payload in self._snapshot.payloads():
            _, seq = self._audit.carriers[payload.commitment]
            try:
                open_payload(payload, key=keyring.open(rows[payload.key]), origin=self._verifier.origin)
            except Corrupt as error:
                raise Corrupt(f"A payload of entry {seq}: {error.what}", error.remedy, seq) from error

    def _effects(self) -> int:
        count = 0
        for row in self._snapshot.effects():
            count += 1
            if not self._audit.has(row.stream):
                raise Corrupt(f"The effect {row.id} is for {row.stream}, which has no entry.", REMEDY, row.asked_by)
        return count
