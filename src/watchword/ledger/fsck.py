"""Check a whole ledger from its bytes up, trusting nothing but the verifier key."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import msgspec

from watchword.core.errors import Corrupt
from watchword.ledger.audit import Audit, Progress, Report, report, silent
from watchword.ledger.checkpoint import Checkpoint, VerifierKey
from watchword.ledger.entry import Entry, parse
from watchword.ledger.erasure import EvidenceErased
from watchword.ledger.keyring import Keyring
from watchword.ledger.payload import open_payload
from watchword.ledger.provider import KeyProvider
from watchword.ledger.restoration import LEDGER_STREAM
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import Snapshot
from watchword.ledger.verified import REMEDY, cover, first_change, located

ERASED = "evidence.erased"
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
        with _uncollected(), ThreadPoolExecutor(1, "soundness", _give_way) as beside, store.snapshot() as snapshot:
            sound = beside.submit(store.demand_sound)
            return _StoreAudit(snapshot, verifier, provider, sound).run(progress, kept)
    finally:
        store.close()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the search for cycles, which would go through millions of objects again and again: none are made here."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _give_way() -> None:
    """Let this thread have what the others leave of the processors, where the system knows threads apart."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


class _StoreAudit:
    """One pass over a snapshot; each method makes its checks and returns what it proved.

    *sound* ends when the database has looked over its own order, beside this.
    """

    def __init__(
        self, snapshot: Snapshot, verifier: VerifierKey, provider: KeyProvider | None, sound: Future[None]
    ) -> None:
        self._snapshot = snapshot
        self._sound = sound
        self._verifier = verifier
        self._keyring = None if provider is None else Keyring(provider, verifier.origin)
        self._erased: dict[str, int] = {}  # id of a key -> the entry that says it is gone
        self._gone = 0
        self._audit = Audit()

    def run(self, progress: Progress, kept: str | None) -> Report:
        self._entries(progress)
        with ThreadPoolExecutor(1, "keys") as beside:
            odd = beside.submit(self._odd_keys)  # the database looks while the tree is hashed
            checkpoint = self._head()
        self._sound.result()  # after the entries, which say more of what is wrong
        marks = self._checkpoints()
        payloads = self._payloads()
        self._data_keys(*odd.result())
        if self._keyring is not None:
            self._open_all(self._keyring)
        effects = self._effects()
        extends = () if kept is None else (self._audit.extends(kept, self._verifier),)
        missing = self._audit.commitments - payloads - self._gone
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
                    f"{self._snapshot.key_count()} data keys; {len(self._erased)} erased with {self._gone} payloads"
                    + (f"; {missing} more payloads are gone, and no entry says why" if missing > 0 else ""),
                ),
                *extends,
            ),
        )

    def _entries(self, progress: Progress) -> None:
        total = self._snapshot.head.size
        with closing(self._snapshot.joined()) as chunks:
            for joined in chunks:
                start = self._audit.size
                if not self._audit.add_joined(joined):
                    break
                if ERASED.encode() in joined.types:
                    self._note_erasures(joined.types.decode().split("\n"), joined.raws.split(b"\n"), start)
                progress(self._audit.size, total)
        self._rows(self._audit.size, progress)

    def _rows(self, start: int, progress: Progress) -> None:
        """Check the rows from *start* on as they come, and any that stand before the first."""
        for chunk in self._snapshot.sweep(start):
            start = self._audit.size
            seqs, streams, versions, kinds, raws, leaves = zip(*chunk, strict=False)
            dense = seqs == tuple(range(start, start + len(seqs)))
            good = len(seqs) if dense else next(at for at, seq in enumerate(seqs) if seq != start + at)
            if good:
                self._audit.add(raws[:good], leaves[:good], (streams[:good], versions[:good], kinds[:good]))
                if ERASED in kinds:
                    self._note_erasures(kinds[:good], raws[:good], start)
            if not dense:
                found = seqs[good]
                odd = min(found, start + good) if isinstance(found, int) else start + good
                raise Corrupt(f"Entry {odd} is missing or stands where none can.", REMEDY, odd)
            progress(self._audit.size, self._snapshot.head.size)

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

    def _note_erasures(self, kinds: Sequence[str], raws: Sequence[bytes], start: int) -> None:
        for at in (place for place, kind in enumerate(kinds) if kind == ERASED):
            self._note_erasure(parse(raws[at]), start + at)

    def _note_erasure(self, entry: Entry, seq: int) -> None:
        if entry.stream != LEDGER_STREAM:
            return
        try:
            erased = msgspec.convert({**entry.data, "type": entry.type}, type=EvidenceErased)
        except msgspec.ValidationError as error:
            raise Corrupt(f"Entry {seq} tells of no erasure: {error}.", REMEDY, seq) from error
        self._erased.update(dict.fromkeys(erased.keys, seq))
        self._gone += erased.payloads

    def _payloads(self) -> int:
        count = 0
        for chunk in self._snapshot.carried():
            count += len(chunk)
            commitments, streams = zip(*chunk, strict=True)
            if self._audit.carried_by(commitments) != streams:
                for commitment, stream in chunk:
                    if self._audit.carried_by((commitment,)) != (stream,):
                        seq = self._audit.carrier(commitment)
                        raise Corrupt(f"No entry of {stream} commits to the payload {commitment}.", REMEDY, seq)
        return count

    def _odd_keys(self) -> tuple[tuple[str, str] | None, frozenset[str], tuple[str, str] | None]:
        """Ask of this moment, whose entries were all checked: a stray key, erased ones, a payload without its key."""
        snapshot = self._snapshot
        return snapshot.stray_key(), snapshot.keys_among(tuple(self._erased)), snapshot.keyless()

    def _data_keys(
        self, stray: tuple[str, str] | None, undead: frozenset[str], keyless: tuple[str, str] | None
    ) -> None:
        if stray is not None:
            name, stream = stray
            raise Corrupt(f"The data key {name} is for {stream}, which has no entry, or for no class.", REMEDY)
        for name in undead:
            seq = self._erased[name]
            raise Corrupt(f"Entry {seq} says the data key {name} was erased, and it is there.", _AGAIN, seq)
        if keyless is not None:
            commitment, key = keyless
            if key in self._erased:
                seq = self._erased[key]
                raise Corrupt(f"Entry {seq} says the payload {commitment} was erased, and it is there.", _AGAIN, seq)
            carrier = self._audit.carrier(commitment)
            raise Corrupt(f"A payload of entry {carrier} has no data key of its stream and class.", REMEDY, carrier)

    def _open_all(self, keyring: Keyring) -> None:
        rows = {row.id: row for row in self._snapshot.data_keys()}
        for row in rows.values():
            try:
                keyring.open(row)
            except Corrupt as error:
                raise Corrupt(f"The data key {row.id} of {row.stream}: {error.what}", error.remedy) from error
        for payload in self._snapshot.payloads():
            try:
                open_payload(payload, key=keyring.open(rows[payload.key]), origin=self._verifier.origin)
            except Corrupt as error:
                seq = self._audit.carrier(payload.commitment)
                raise Corrupt(f"A payload of entry {seq}: {error.what}", error.remedy, seq) from error

    def _effects(self) -> int:
        count = 0
        for row in self._snapshot.effects():
            count += 1
            if not self._audit.has(row.stream):
                raise Corrupt(f"The effect {row.id} is for {row.stream}, which has no entry.", REMEDY, row.asked_by)
        return count
