"""Every byte that a small ledger keeps, flipped in turn; and a sample of all the others in its file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import product
from typing import TypeVar

import pytest
from sqlalchemy import create_engine, text

from tests.ledger.conftest import ORIGIN, Place, draft, effect, to
from watchword.core.errors import WatchwordError
from watchword.ledger.audit import Report
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.leader import Ledger

T = TypeVar("T")

PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)

KEPT = {
    "entry": ("stream", "type", "bytes", "leaf"),
    "head": ("root", "last_at", "note"),
    "checkpoint": ("note",),
    "payload": ("commitment", "stream", "name", "retention", "key", "sealed"),
    "data_key": ("id", "stream", "retention", "wrapped", "wrapped_by"),
    "effect": ("stream",),
}
"""Every stored text and value. Numbers are changed in `test_tampering`, and so is all of this on PostgreSQL, once each.

Left out, because nothing is derived from it: the rest of an effect row, which is a hint that is held against the
entries before anything is done, and when a data key was made, which nobody reads.
"""


@pytest.fixture
def small(on_sqlite: Place) -> Place:
    """A closed ledger of two entries, a payload under its key, and an effect."""
    ledger = on_sqlite.open()
    ledger.append((to("case/one", -1, draft("case.opened", disclosures=(PHONE,))),), (effect("reset/1", "case/one"),))
    ledger.append((to("case/two", -1, draft("case.closed", after=1)),))
    ledger.close()
    return on_sqlite


def stored(place: Place) -> Iterator[tuple[str, bytes]]:
    """Every kept value of every row, as it lies in the file."""
    engine = create_engine(place.url)
    with closing(engine.connect()) as connection:
        for table, columns in KEPT.items():
            for row in connection.execute(text(f"SELECT {', '.join(columns)} FROM {table}")):
                for column, value in zip(columns, row, strict=True):
                    yield f"{table}.{column}", value.encode() if isinstance(value, str) else bytes(value)
    engine.dispose()


def places(content: bytes, value: bytes) -> list[int]:
    """Every offset at which *value* lies in the file: in its row, in those that repeat it, in indices."""
    found, at = [], content.find(value)
    while at >= 0:
        found.append(at)
        at = content.find(value, at + 1)
    return found


def or_fault(attempt: Callable[[], T]) -> T | WatchwordError:
    """What *attempt* gives, or the error with the way on; nothing else comes out."""
    try:
        return attempt()
    except WatchwordError as fault:
        return fault if fault.remedy else pytest.fail(f"no way on: {fault}")


def judged(place: Place) -> Report | WatchwordError:
    """What `fsck` says."""
    return or_fault(place.fsck)


def told(place: Place) -> tuple[object, frozenset[tuple[str, str]]] | WatchwordError:
    """Everything that a reader of the ledger is told: checkpoint and entries, and the payloads that are there."""

    def read() -> tuple[object, frozenset[tuple[str, str]]]:
        with closing(Ledger.open(place.url, place.key.verifier, place.keys, ORIGIN, sign=False)) as ledger:
            ledger.effects()
            entries = [appended for stream in ledger.streams() for appended in ledger.read(stream)]
            payloads = [item for appended in entries for item in ledger.disclosures(appended).items()]
            return (ledger.checkpoint, entries), frozenset(payloads)

    return or_fault(read)


class File:
    """The database file, one byte of which is changed for a moment."""

    def __init__(self, place: Place) -> None:
        self.content = place.file.read_bytes()
        self._path = place.file

    @contextmanager
    def flipped(self, at: int, bit: int) -> Iterator[None]:
        """Change *bit* of byte *at*."""
        with self._path.open("r+b", buffering=0) as file:
            os.pwrite(file.fileno(), bytes([self.content[at] ^ bit]), at)
            try:
                yield
            finally:
                os.pwrite(file.fileno(), self.content[at : at + 1], at)


def test_every_byte_of_every_value_is_found(small: Place) -> None:
    """A byte flipped on the disk in any value, in its row or in an index of it, is found by fsck."""
    file, before = File(small), judged(small)
    assert isinstance(before, Report)
    unseen = []
    for what, value in dict.fromkeys(stored(small)):
        everywhere = places(file.content, value)
        assert everywhere, what
        for start, at in product(everywhere, range(len(value))):
            # The high bit makes no text of a text any more.
            for bit in (0x01, 0x80) if at % 8 == 0 else (0x01,):
                with file.flipped(start + at, bit):
                    if isinstance(judged(small), Report):
                        unseen.append((what, start + at, bit))
    assert unseen == []
    assert judged(small) == before


def test_every_other_byte_is_found_or_changes_nothing(small: Place) -> None:
    """A byte flipped anywhere else in the file is found, or nothing that is read or checked is another.

    Harmless ones are: the free space of a page, counters in the file's header, hints of an effect row, and the time at
    which a data key was made. A payload whose index is damaged may look erased to a reader, and then fsck finds it. All
    of the first 100 bytes are tried, and every 23rd of the others that are not zero.
    """
    file, before, said = File(small), judged(small), told(small)
    assert not isinstance(said, WatchwordError)
    used = [at for at in range(100, len(file.content)) if file.content[at]]
    outcomes = Counter[str]()
    for at in (*range(100), *used[::23]):
        with file.flipped(at, 0x01):
            checked, read = judged(small), told(small)
        found = isinstance(checked, WatchwordError)
        assert found or checked == before, at
        if not isinstance(read, WatchwordError):
            assert read[0] == said[0], at
            assert read[1] < said[1] if found and read != said else read[1] == said[1], at
        outcomes["found" if found else "harmless"] += 1
    assert outcomes["found"] > outcomes["harmless"] / 4, outcomes
    assert (judged(small), told(small)) == (before, said)
