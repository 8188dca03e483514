"""What a caller asks the ledger to write, and what it gets back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from watchword.core.errors import Conflict, Invalid, Unavailable
from watchword.core.ids import LeafHash, Seq
from watchword.ledger import merkle
from watchword.ledger.entry import JSON, Disclosure, Entry, Retention, check_name, encode
from watchword.ledger.keyring import DataKey, Keyring
from watchword.ledger.payload import seal_payload
from watchword.ledger.store import EffectRow, Holding, PayloadRow, Prepared, Settle


class KeyGone(Conflict):
    """A data key at hand was erased meanwhile: nothing was written, and sealing under a new one is all it takes."""


class Late(Unavailable):
    """The entry is older than the ledger: a clock that went back, or somebody who decided long before they wrote."""


_THROUGH = 0.005  # seconds


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry to be: *disclosures* become payloads, and the entry commits to each. *at* is cut to the millisecond."""

    type: str
    at: datetime
    actor: str
    data: Mapping[str, JSON]
    refs: tuple[LeafHash, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """Put *drafts* after *expected_version* of *stream*; -1 means the stream is new."""

    stream: str
    expected_version: int
    drafts: tuple[Draft, ...]


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """One entry in its place: index, leaf hash, meaning and exact bytes."""

    seq: Seq
    leaf: LeafHash
    entry: Entry
    raw: bytes


class Answer:
    """What became of one request. The leader sets it; the caller reads it once the group is through."""

    __slots__ = ("_appended", "_error", "given")

    def __init__(self) -> None:
        self._appended: tuple[Appended, ...] = ()
        self._error: Exception | None = None
        self.given = False

    def give(self, appended: tuple[Appended, ...]) -> None:
        """The request was written as *appended*."""
        self._appended = appended
        self.given = True

    def fail(self, error: Exception) -> None:
        """The request was not written, or nobody knows, because of *error*."""
        self._error = error
        self.given = True

    def take(self) -> tuple[Appended, ...]:
        """Return what was given, or raise what failed."""
        if self._error is not None:
            raise self._error
        return self._appended


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One caller's atomic append. *expected* maps each stream to the version it must be at.

    *drawn* are the data keys it is the first to use, *erase* what it deletes, exactly.
    """

    expected: Mapping[str, int]
    entries: tuple[Prepared, ...]
    drawn: tuple[DataKey, ...]
    payloads: tuple[PayloadRow, ...]
    erase: tuple[Holding, ...]
    effects: tuple[EffectRow, ...]
    settles: tuple[Settle, ...]
    answer: Answer


class Group:
    """Requests that are written together, and the turnstile that their callers wait at.

    One lock serves them all: whoever gets through lets the next one through. A lock for each would wake all threads at
    once, to fight for the interpreter: at 32 clients that took more time than the appends themselves.
    """

    __slots__ = ("_all_through", "_through", "_turnstile", "requests")

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._through = 0
        self._turnstile = _locked()
        self._all_through = _locked()

    def wait(self) -> None:
        """Wait until every request of the group has its answer; the first one does not, who writes them."""
        with self._turnstile:
            self._through += 1
            if self._through == len(self.requests) - 1:
                self._all_through.release()

    def open(self) -> None:
        """Let the callers through, and return when they are, so that what they append at once makes the next group.

        It is not waited for what they do then. A caller that was interrupted never comes: hence the limit.
        """
        self._turnstile.release()
        self._all_through.acquire(timeout=_THROUGH)


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def prepare(
    appends: tuple[Append, ...],
    effects: tuple[EffectRow, ...],
    settle: tuple[Settle, ...],
    *,
    keyring: Keyring,
    erase: tuple[Holding, ...] = (),
) -> Request:
    """Make bytes, hashes, commitments and sealed payloads in the caller's thread; raise `Invalid` for bad input.

    An entry has no index inside, so the bytes made here stay the same however often the head moves first.
    """
    expected: dict[str, int] = {}
    entries: list[Prepared] = []
    payloads: list[PayloadRow] = []
    drawn: dict[tuple[str, Retention], DataKey] = {}

    def key(stream: str, retention: Retention, at: datetime) -> DataKey:
        found = drawn.get((stream, retention)) or keyring.current(stream, retention)
        if found is None:
            found = drawn[stream, retention] = keyring.draw(stream, retention, at)
        return found

    for append in appends:
        if append.stream in expected:
            raise Invalid(f"{append.stream} is named twice in one append.", "Join its drafts.", "appends")
        if not append.drafts:
            raise Invalid(f"Nothing is to be written to {append.stream}.", "Leave the stream out.", "appends")
        expected[append.stream] = append.expected_version
        for version, draft in enumerate(append.drafts, append.expected_version + 1):
            at = draft.at.replace(microsecond=draft.at.microsecond // 1000 * 1000)
            sealed = [
                seal_payload(told, key=key(append.stream, told.retention, at), origin=keyring.origin)
                for told in draft.disclosures
            ]
            entry = Entry(
                stream=append.stream,
                version=version,
                type=draft.type,
                at=at,
                actor=draft.actor,
                data=draft.data,
                refs=draft.refs,
                sd=tuple(row.commitment for row in sealed),
            )
            raw = encode(entry)
            entries.append(Prepared(entry=entry, raw=raw, leaf=merkle.hash_leaf(raw)))
            payloads.extend(sealed)
    check_effects(effects)
    for mark in settle:
        check_name(mark.effect_id, "settle")
    return Request(
        expected=expected,
        entries=tuple(entries),
        drawn=tuple(drawn.values()),
        payloads=tuple(payloads),
        erase=erase,
        effects=effects,
        settles=settle,
        answer=Answer(),
    )


def check_effects(effects: tuple[EffectRow, ...]) -> None:
    """Raise `Invalid` for two rows of one id, a name the ledger does not take, or a time that is not UTC."""
    if len({effect.id for effect in effects}) < len(effects):
        raise Invalid("Two effects have one id.", "Name each effect after the change it makes.", "effects")
    for effect in effects:
        check_name(effect.id, "effects.id")
        check_name(effect.kind, "effects.kind")
        if effect.due_at.utcoffset() != timedelta(0):
            raise Invalid(f"The effect {effect.id} is due at a time that is not UTC.", "Pass UTC.", "effects.due_at")
