"""Data keys: one or more for each stream and retention class, drawn at random, wrapped by the key provider.

A stream's class is erased by deleting its wrapped keys with the payloads under them. Unwrapped keys are kept in memory,
within bounds, and serve only together with their row as it was read just now: no process opens or seals anything under
a key that another one erased.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.core.errors import Corrupt
from watchword.ledger.entry import Retention
from watchword.ledger.provider import KeyProvider, Wrapped, context_of
from watchword.ledger.store import KeyRow

Name = TypeVar("Name")

_KEY_BYTES = 32
_ID_BYTES = 16


class DataKey(msgspec.Struct, frozen=True, kw_only=True):
    """An unwrapped key with the row it came from."""

    row: KeyRow
    cipher: AESGCM


class Keyring:
    """The data keys of one ledger as this process knows them. Safe to use from many threads."""

    def __init__(self, provider: KeyProvider, origin: str, *, bound: int = 4096) -> None:
        self.origin = origin
        self._provider = provider
        self._bound = bound
        self._guard = threading.Lock()
        self._opened: OrderedDict[str, DataKey] = OrderedDict()
        self._current: OrderedDict[tuple[str, Retention], DataKey] = OrderedDict()

    def draw(self, stream: str, retention: Retention, at: datetime) -> DataKey:
        """Return a new key for *stream* and *retention*; it counts once its row is stored (`keep`)."""
        key, name = os.urandom(_KEY_BYTES), os.urandom(_ID_BYTES).hex()
        wrapped = self._provider.wrap(key, context_of(self.origin, name, stream, retention))
        row = KeyRow(
            id=name, stream=stream, retention=retention, wrapped=wrapped.secret, wrapped_by=wrapped.by, made_at=at
        )
        return DataKey(row=row, cipher=AESGCM(key))

    def current(self, stream: str, retention: Retention) -> DataKey | None:
        """Return a stored key for *stream* and *retention* that this process has at hand."""
        with self._guard:
            return self._current.get((stream, retention))

    def open(self, row: KeyRow) -> DataKey:
        """Return the key in *row*, which was read just now; `Corrupt` when it was changed or moved there."""
        with self._guard:
            known = self._opened.get(row.id)
            if known is not None and known.row == row:
                self._opened.move_to_end(row.id)
                return known
        wrapped = Wrapped(by=row.wrapped_by, secret=row.wrapped)
        key = self._provider.unwrap(wrapped, context_of(self.origin, row.id, row.stream, row.retention))
        if len(key) != _KEY_BYTES:
            raise Corrupt(f"The data key {row.id} has {len(key)} bytes.", "Look at the key provider.")
        opened = DataKey(row=row, cipher=AESGCM(key))
        with self._guard:
            self._put(self._opened, row.id, opened)
        return opened

    def keep(self, keys: Iterable[DataKey]) -> None:
        """Take in *keys* whose rows are stored now: others may be sealed under them from here on."""
        with self._guard:
            for key in keys:
                self._put(self._opened, key.row.id, key)
                self._put(self._current, (key.row.stream, key.row.retention), key)

    def forget(self, streams: Iterable[str]) -> None:
        """Seal nothing more for *streams* under a key at hand: another process may have erased it."""
        with self._guard:
            for stream in streams:
                for retention in Retention:
                    key = self._current.pop((stream, retention), None)
                    if key is not None:
                        self._opened.pop(key.row.id, None)

    def _put(self, cache: OrderedDict[Name, DataKey], name: Name, key: DataKey) -> None:
        cache[name] = key
        cache.move_to_end(name)
        while len(cache) > self._bound:
            cache.popitem(last=False)
