"""The port to the database that keeps the ledger. A store moves rows; it proves nothing and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec

from watchword.core.ids import Seq
from watchword.ledger.entry import Entry, Retention
from watchword.ledger.testimony import Testimony

RawRow: TypeAlias = tuple[Any, Any, Any, Any, Any, Any]
"""Index, stream, version, type, bytes and leaf hash of an entry as a database gave them, whatever they are."""


class Joined(msgspec.Struct, frozen=True, gc=False):
    """The columns of *count* entry rows, in index order, each joined by the database into one run of bytes.

    A line feed stands between two values, nothing between two leaf hashes. It may be anything: whoever reads it has to
    know what it must be.
    """

    count: int
    raws: bytes
    leaves: bytes
    streams: bytes
    versions: bytes
    types: bytes


class EffectState(StrEnum):
    """Where an effect row stands."""

    DUE = "due"
    CLAIMED = "claimed"
    DONE = "done"
    CANCELLED = "cancelled"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One entry ready to be ordered: everything that does not depend on its index is made."""

    entry: Entry
    raw: bytes
    leaf: bytes


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as stored: *stream*, *version* and *type* repeat what *raw* says; *leaf* is its 32-byte leaf hash."""

    seq: int
    stream: str
    version: int
    type: str
    raw: bytes
    leaf: bytes


class PayloadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed disclosure, under its commitment; *key* is the id of the data key it is sealed under."""

    commitment: str
    stream: str
    name: str
    retention: Retention
    key: str
    sealed: bytes


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One data key of *stream* and *retention*, wrapped by the provider's key *wrapped_by*."""

    id: str
    stream: str
    retention: Retention
    wrapped: bytes
    wrapped_by: str
    made_at: datetime


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one stream in one class: at most 100 ids of data keys, and how many payloads lie under them."""

    stream: str
    retention: Retention
    keys: tuple[str, ...]
    payloads: int


class EffectRow(msgspec.Struct, frozen=True, kw_only=True):
    """A hint that something is due: a row here causes nothing by itself, its effect is derived again from evidence.

    *asked_by* is the index of the entry that asked for it. Everything after *due_at* is the store's to fill.
    """

    id: str
    stream: str
    kind: str
    due_at: datetime
    state: EffectState = EffectState.DUE
    lease_owner: str | None = None
    lease_until: datetime | None = None
    attempts: int = 0
    asked_by: Seq | None = None


MOST_WAITING = 1000
"""Effects that are counted at most, so that counting is quick however many wait."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How many effects of a *kind* are due and not done, and how many of these have been for too long."""

    kind: str
    due: int
    overdue: int


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """Mark the effect *effect_id* as *state*, in the transaction that stores its outcome."""

    effect_id: str
    state: EffectState


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The one row that moves: *size* entries under *root*, the latest `at`, and the signed checkpoint.

    *note* is empty and *last_at* None in a database where no ledger was opened yet.
    """

    size: int
    root: bytes
    last_at: datetime | None
    note: str


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction writes: *entries* from the index *old* on. *sign* is called once, last of all.

    It returns the signed checkpoint. *erase* goes first, and only if it is exactly what is kept; a payload's key is in
    *keys*, or stored and not erased.
    """

    old: int
    size: int
    root: bytes
    last_at: datetime | None
    entries: tuple[Prepared, ...]
    keys: tuple[KeyRow, ...]
    payloads: tuple[PayloadRow, ...]
    erase: tuple[Holding, ...]
    effects: tuple[EffectRow, ...]
    settles: tuple[Settle, ...]
    sign: Callable[[], str]


class Lost(msgspec.Struct, frozen=True):
    """Nothing was written: the head was not where the batch expected it, or its place was taken."""


class Clash(msgspec.Struct, frozen=True):
    """Nothing was written: effects that exist already, keys that are gone, or keys whose erasure does not fit."""

    effects: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()


class Written(msgspec.Struct, frozen=True):
    """Everything was written, and durably."""


class Snapshot(Protocol):
    """The database as it stood at one moment; each iterator may be walked once, in the order of its key."""

    @property
    def head(self) -> Head:
        """The head row."""

    def entries(self, start: int = 0) -> Iterator[EntryRow]:
        """Every entry row whose index is *start* or more, and for 0 also any below it, in index order."""

    def joined(self) -> Generator[Joined]:
        """Every entry row in index order, thousands at a time, up to the first that is not as a row has to be.

        Until it is walked to its end, nothing else may be asked.
        """

    def sweep(self, start: int = 0) -> Iterator[Sequence[RawRow]]:
        """Every entry row whose index is *start* or more, and for 0 also any below it, in index order, as it is."""

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """Every stored (size, note), in order of size."""

    def carried(self) -> Iterator[Sequence[tuple[str, str]]]:
        """The commitment and stream of every payload row, some at a time."""

    def keyless(self) -> tuple[str, str] | None:
        """The commitment and key of a payload whose key is not there, or is for another stream or class."""

    def stray_key(self) -> tuple[str, str] | None:
        """The id and stream of a data key whose stream has no entry, or whose class does not exist."""

    def keys_among(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of *ids* that have a data key."""

    def key_count(self) -> int:
        """How many data keys there are."""

    def payloads(self) -> Iterator[PayloadRow]:
        """Every payload row."""

    def data_keys(self) -> Iterator[KeyRow]:
        """Every wrapped data key."""

    def effects(self) -> Iterator[EffectRow]:
        """Every effect row."""


class Store(Protocol):
    """Where rows are kept.

    Contract, held by the store tests: only `Unavailable` and `Corrupt` come out; after `Unavailable` from `write` the
    batch is stored wholly or not at all, and the caller must look. A writer elsewhere may move the head at any time,
    unless the store has one owner. Nothing returned was verified.
    """

    def migrate(self) -> None:
        """Bring the tables to the version this code needs; safe to repeat and to race."""

    def guards(self) -> tuple[tuple[str, bool, str], ...]:
        """Return of each guard the database has its name, whether it is well, and what was found."""

    def write(self, batch: Batch) -> Written | Lost | Clash:
        """Store *batch* in one durable transaction if the head's size is `batch.old` and no row lies beyond it."""

    @property
    def takes_turns(self) -> bool:
        """Whether other processes write to the same ledger, and `rest` lets them."""

    def rest(self) -> None:
        """Let other processes write: nothing waits here. Each `write` may keep them waiting until then."""

    def top(self) -> tuple[Head, int]:
        """Return the head and the highest entry index (-1 when there is none), as of one moment."""

    def stands_at(self, size: int, note: str) -> bool:
        """Say whether the head is at *size* under *note*, and no entry lies beyond it, as of one moment."""

    def demand_sound(self) -> None:
        """Raise `Corrupt` when the database's own order is damaged, such as an index that leaves out a row."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Open the database as of one moment, to read all of it."""

    def stream(self, stream: str, since: int) -> tuple[EntryRow, ...]:
        """Return the rows of *stream* of version *since* or more, in index order."""

    def range(self, start: int, stop: int) -> tuple[EntryRow, ...]:
        """Return the rows with *start* <= index < *stop* in order."""

    def checkpoint(self, size: int) -> str | None:
        """Return the note stored for exactly *size*."""

    def payloads(self, commitments: tuple[str, ...]) -> tuple[tuple[PayloadRow, KeyRow], ...]:
        """Return those of *commitments* that are still there, each with its key; one without its key is as erased."""

    def sealed_under(self, keys: tuple[str, ...]) -> tuple[tuple[PayloadRow, KeyRow], ...]:
        """Return the payloads under *keys*, each with its key."""

    def holdings(self, stream: str | None) -> tuple[Holding, ...]:
        """Return what is kept of *stream*, or of every stream, by class."""

    def claim(
        self, now: datetime, owner: str, lease: timedelta, kinds: tuple[str, ...], limit: int
    ) -> tuple[EffectRow, ...]:
        """Lease to *owner* until *now* + *lease* up to *limit* rows of *kinds* that are due or whose lease ran out."""

    def effects(self, state: EffectState | None) -> tuple[EffectRow, ...]:
        """Return the effect rows in *state*, or all, in order of due time."""

    def waiting(self, at: datetime, late: datetime) -> tuple[Waiting, ...]:
        """Count by kind what is due at *at*, overdue what was due before *late*; the first `MOST_WAITING` of many."""

    def effects_named(self, ids: tuple[str, ...]) -> tuple[EffectRow, ...]:
        """Return those of *ids* that are there."""

    def ask_again(self, rows: tuple[EffectRow, ...]) -> tuple[str, ...]:
        """Insert those of *rows* whose id is not there, outside of any append; return their ids. No row is touched."""

    def put_right(self, rows: tuple[EffectRow, ...]) -> None:
        """Make rows that are there what they were when they were asked for: *rows*, due, in nobody's lease."""

    def reschedule(self, effect_id: str, due_at: datetime) -> None:
        """Make the row due at *due_at* and end its lease."""

    def settle(self, settles: tuple[Settle, ...]) -> None:
        """Mark effect rows, outside of any append; a row that is not there is passed over."""

    def cancel_effects(self, stream: str) -> int:
        """Cancel the due rows of *stream* that nobody has claimed; return how many."""

    @property
    def testimony(self) -> Testimony:
        """What outsiders said of checkpoints."""

    def copy_to(self, path: Path) -> None:
        """Write a whole copy to *path* while the ledger is in use; `Invalid` where the database has its own tools."""

    def close(self) -> None:
        """Let go of the database."""
