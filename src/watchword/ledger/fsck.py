"""Check a whole ledger from its bytes up, trusting nothing but the verifier key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from watchword.core.errors import Corrupt
from watchword.ledger.checkpoint import Checkpoint, VerifierKey
from watchword.ledger.entry import Entry, decode
from watchword.ledger.erasure import EvidenceErased
from watchword.ledger.keyring import Keyring
from watchword.ledger.payload import open_payload
from watchword.ledger.provider import KeyProvider
from watchword.ledger.restoration import LEDGER_STREAM
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import KeyRow, Snapshot
from watchword.ledger.verified import REMEDY, SKEW, Stage, Verified, first_change, located

_REPORT_EVERY = 1000
_AGAIN = "Rows were put back past Watchword, from a backup perhaps: find out by whom, and take them away again."


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
    provider: KeyProvider | None = None,
    progress: Callable[[int, int], None] = _silent,
) -> Report:
    """Recompute everything in the ledger at *url* and return what was proved.

    Raise `Corrupt` at the first thing that does not hold, with the index of the first bad entry where there is one.
    Reads only, of one moment; for SQLite no other process may hold the file, a copy will do. Without *provider* (the
    key file, as a rule) payloads are matched to entries but not opened. *progress* is told entries done and in all.
    """
    verifier = VerifierKey.parse(vkey)
    store = SqlStore(url, read_only=True)
    try:
        with store.snapshot() as snapshot:
            return _Audit(snapshot, verifier, provider).run(progress)
    finally:
        store.close()


class _Audit:
    """One pass over a snapshot; each method makes its checks and returns what it proved."""

    def __init__(self, snapshot: Snapshot, verifier: VerifierKey, provider: KeyProvider | None) -> None:
        self._snapshot = snapshot
        self._verifier = verifier
        self._keyring = None if provider is None else Keyring(provider, verifier.origin)
        self._keys: dict[str, KeyRow] = {}
        self._erased: dict[str, int] = {}  # id of a key -> the entry that says it is gone
        self._gone = 0
        self._stage = Stage(Verified(verifier.origin))
        self._carriers: dict[str, tuple[str, int]] = {}

    def run(self, progress: Callable[[int, int], None]) -> Report:
        references = self._entries(progress)
        checkpoint = self._head()
        marks = self._checkpoints()
        self._data_keys()
        payloads = self._payloads()
        effects = self._effects()
        missing = len(self._carriers) - payloads - self._gone
        opened = "opened" if self._keyring is not None else "not opened: no key file was given"
        proved = (
            ("every entry is in canonical form and hashes to its leaf", f"{checkpoint.size} entries"),
            ("indices are dense from 0, and so are versions in each stream", f"{len(self._stage.streams)} streams"),
            ("no entry is more than 2 s older than one before it", f"the latest is of {self._stage.last_at}"),
            ("references point to earlier entries", f"{references} references"),
            ("the entries lead to the signed root, and the head says the same", f"root {checkpoint.root.hex()}"),
            ("every stored checkpoint is signed and was true at its size", f"{marks} checkpoints"),
            ("every payload is committed to by an entry of its stream", f"{payloads} payloads, {opened}"),
            ("every effect row is for a known stream", f"{effects} effect rows"),
            (
                "every payload has its data key, every key a stream, and what was erased is gone",
                f"{len(self._keys)} data keys; {len(self._erased)} erased with {self._gone} payloads"
                + (f"; {missing} more payloads are gone, and no entry says why" if missing > 0 else ""),
            ),
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
            self._note_erasure(entry, row.seq)
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

    def _note_erasure(self, entry: Entry, seq: int) -> None:
        if (entry.stream, entry.type) != (LEDGER_STREAM, "evidence.erased"):
            return
        try:
            erased = msgspec.convert({**entry.data, "type": entry.type}, type=EvidenceErased)
        except msgspec.ValidationError as error:
            raise Corrupt(f"Entry {seq} tells of no erasure: {error}.", REMEDY, seq) from error
        self._erased.update(dict.fromkeys(erased.keys, seq))
        self._gone += erased.payloads

    def _data_keys(self) -> None:
        for row in self._snapshot.data_keys():
            self._keys[row.id] = row
            if row.id in self._erased:
                seq = self._erased[row.id]
                raise Corrupt(f"Entry {seq} says the data key {row.id} was erased, and it is there.", _AGAIN, seq)
            if self._stage.version(row.stream) < 0:
                raise Corrupt(f"The data key {row.id} is for {row.stream}, which has no entry.", REMEDY)
            if self._keyring is not None:
                try:
                    self._keyring.open(row)
                except Corrupt as error:
                    raise Corrupt(f"The data key {row.id} of {row.stream}: {error.what}", error.remedy) from error

    def _payloads(self) -> int:
        count = 0
        for row in self._snapshot.payloads():
            count += 1
            stream, seq = self._carriers.get(row.commitment, (None, None))
            if stream != row.stream:
                raise Corrupt(f"No entry of {row.stream} commits to the payload {row.commitment}.", REMEDY, seq)
            if row.key in self._erased:
                seq = self._erased[row.key]
                raise Corrupt(
                    f"Entry {seq} says the payload {row.commitment} was erased, and it is there.", _AGAIN, seq
                )
            key = self._keys.get(row.key)
            if key is None or (key.stream, key.retention) != (row.stream, row.retention):
                raise Corrupt(f"A payload of entry {seq} has no data key of its stream and class.", REMEDY, seq)
            if self._keyring is not None:
                try:
                    open_payload(row, key=self._keyring.open(key), origin=self._verifier.origin)
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
