"""A database that is put back, cut off or forked: what passes without somebody who remembers, and what never does."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.ledger.conftest import ORIGIN, Place, draft, effect, to
from watchword.core.errors import Conflict, Corrupt, Unavailable, WatchwordError
from watchword.core.ids import Seq
from watchword.ledger.checkpoint import Checkpoint, SigningKey, sign
from watchword.ledger.entry import Entry, encode
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import EffectState, Ledger, Settle
from watchword.ledger.merkle import hash_leaf, root_of

SIZE = 6


def fill(ledger: Ledger, size: int = SIZE) -> Ledger:
    """Append until there are *size* entries, each under a checkpoint of its own."""
    for number in range(ledger.size, size):
        ledger.append((to("case/1", number - 1, draft(after=number)),))
    return ledger


# --- the write-ahead log of SQLite, which is the ledger until it is written into the file


@pytest.fixture
def copied(on_sqlite: Place, tmp_path: Path) -> tuple[Place, Path, str]:
    """A copy of a running ledger's file and of its log, as a kill leaves them; and its checkpoint."""
    ledger = fill(on_sqlite.open())
    copy = tmp_path / "copy" / "ledger.db"
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{on_sqlite.file}{suffix}", f"{copy}{suffix}")
    return on_sqlite, copy, ledger.checkpoint[0]


def size_of(place: Place, copy: Path, log: bytes, kept: str | None = None) -> int | WatchwordError:
    """How many entries a copy with this *log* has, which was checked; or what is wrong with it."""
    for leftover in copy.parent.glob("*-shm"):
        leftover.unlink()
    copy.with_name("ledger.db-wal").write_bytes(log)
    try:
        return fsck(f"sqlite:///{copy}", place.key.vkey, place.keys, kept=kept).size
    except (Corrupt, Unavailable) as fault:
        return fault


def test_log_cut_anywhere(copied: tuple[Place, Path, str]) -> None:
    """A log cut short gives an earlier ledger, whole, or none; who kept a checkpoint sees that it went back."""
    place, copy, kept = copied
    log = copy.with_name("ledger.db-wal").read_bytes()
    sizes = []
    for cut in range(0, len(log), len(log) // 60):
        found = size_of(place, copy, log[:cut])
        if isinstance(found, int):
            sizes.append(found)
            told = size_of(place, copy, log[:cut], kept)
            assert isinstance(told, Corrupt) if found < SIZE else told == SIZE
    assert sizes == sorted(sizes)
    assert set(sizes) <= set(range(SIZE + 1))
    assert len(set(sizes)) > 2
    assert size_of(place, copy, log, kept) == SIZE


def test_log_with_a_flipped_byte(copied: tuple[Place, Path, str]) -> None:
    """A byte changed in the log gives an earlier ledger, whole, or none, and never another history."""
    place, copy, kept = copied
    log = copy.with_name("ledger.db-wal").read_bytes()
    outcomes = Counter[str]()
    for at in (*range(0, 56, 5), *range(56, len(log), len(log) // 60)):
        found = size_of(place, copy, log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :])
        outcomes[type(found).__name__] += 1
        assert not isinstance(found, int) or found <= SIZE
        if isinstance(found, int):
            # It is the same history, as far as it goes: the whole log goes on from it.
            with closing(Ledger.open(f"sqlite:///{copy}", place.key.verifier, None, ORIGIN, sign=False)) as ledger:
                earlier = ledger.checkpoint[0]
            assert size_of(place, copy, log, earlier) == SIZE
    assert outcomes["int"] > 5
    assert size_of(place, copy, log, kept) == SIZE


# --- put back


def test_older_copy_passes_without_a_witness(place: Place) -> None:
    """A store put back to what it was two entries ago opens and is appended to; a kept checkpoint is what tells."""
    ledger = fill(place.open())
    kept = ledger.checkpoint[0]
    ledger.close()
    place.tamper(
        "DELETE FROM entry WHERE idx >= 4",
        "DELETE FROM checkpoint WHERE size > 4",
        "UPDATE head SET size = 4, note = (SELECT note FROM checkpoint WHERE size = 4)",
        "UPDATE head SET root = :root, last_at = '2026-01-01T12:00:03.000Z'",
        root=place_root(place, 4),
    )
    assert place.fsck().size == 4
    with pytest.raises(Corrupt, match="went back: it has 4 entries"):
        fsck(place.url, place.key.vkey, place.keys, kept=kept)
    ledger = fill(place.open(), 5)
    ledger.append((to("case/other", -1, draft(after=5)), to("case/1", 4, draft(after=5))))
    ledger.close()
    assert place.fsck().size == SIZE + 1
    with pytest.raises(Corrupt, match="another history"):
        fsck(place.url, place.key.vkey, place.keys, kept=kept)


def place_root(place: Place, size: int) -> bytes:
    """The root over the first *size* entries."""
    leaves = [place.fetch("SELECT leaf FROM entry WHERE idx = :idx", idx=idx) for idx in range(size)]
    return root_of([bytes(leaf) for leaf in leaves])  # type: ignore[call-overload]  # they are bytes


# --- forked, by whoever holds the signing key


@pytest.mark.parametrize("size", [SIZE, SIZE + 2])
def test_running_ledger_notices_a_fork(place: Place, size: int) -> None:
    """Another history under a good signature, as long or longer, stops a ledger that has seen the first."""
    ledger = fill(place.open())
    before = ledger.checkpoint
    leaves = [hash_leaf(appended.raw) for appended in ledger.entries()]
    place.tamper("DELETE FROM entry WHERE idx = :idx", idx=SIZE - 1)
    for idx in range(SIZE - 1, size):
        at = draft(after=idx).at
        raw = encode(Entry(stream="case/1", version=idx, type="case.forged", at=at, actor="p-mallory", data={}))
        leaves[idx:] = [hash_leaf(raw)]
        place.tamper(
            "INSERT INTO entry (idx, stream, version, type, bytes, leaf)"
            " VALUES (:idx, 'case/1', :idx, 'case.forged', :raw, :leaf)",
            idx=idx,
            raw=raw,
            leaf=leaves[-1],
        )
    note = forged(place.key, leaves)
    place.tamper(
        f"DELETE FROM checkpoint WHERE size >= {SIZE}",
        "INSERT INTO checkpoint (size, note) VALUES (:size, :note)",
        "UPDATE head SET size = :size, root = :root, note = :note, last_at = :at",
        size=size,
        root=root_of(leaves),
        note=note,
        at=f"2026-01-01T12:00:0{size - 1}.000Z",
    )
    for act in (ledger.refresh, lambda: ledger.append((to("case/2", -1, draft(after=9)),))):
        with pytest.raises(Corrupt):
            act()
    assert ledger.checkpoint == before
    ledger.close()
    # Whole in itself, it passes; who kept the first sees that it is another.
    with closing(place.open()) as again:
        assert again.size == size
    assert place.fsck().size == size
    with pytest.raises(Corrupt, match="another history"):
        fsck(place.url, place.key.vkey, place.keys, kept=before[0])


def forged(key: SigningKey, leaves: list[bytes]) -> str:
    """A checkpoint over *leaves* by the ledger's own key."""
    return sign(Checkpoint(origin=ORIGIN, size=len(leaves), root=root_of(leaves)), key)


# --- not before it is covered


def test_nobody_sees_an_entry_before_it_is_covered(place: Place) -> None:
    """At every write point before the commit, neither this ledger nor anybody else sees what is being written."""
    seen: dict[str, tuple[object, ...]] = {}

    def look(point: str) -> None:
        if armed:
            outside = [place.fetch(f"SELECT {what}") for what in OUTSIDE]
            seen[point] = (*outside, ledger.size, ledger.covered(next_one), ledger.streams())

    armed = False
    ledger = fill(place.open(look), 2)
    next_one = Seq(2)
    before = (2, 2, 0, 2, False, ("case/1",))
    armed = True
    none = Settle(effect_id="none", state=EffectState.DONE)  # so that PostgreSQL takes the transaction and its points
    ledger.append((to("case/2", -1, draft(after=9)),), (effect("e", "case/2"),), (none,))
    armed = False
    committed = seen.pop("append.committed")
    assert len(seen) >= 6
    assert set(seen.values()) == {before}
    # Durable, and not yet believed here: nobody is told before it is.
    assert committed == (3, 3, 1, 2, False, ("case/1",))
    assert (ledger.size, ledger.covered(next_one), ledger.streams()) == (3, True, ("case/1", "case/2"))


OUTSIDE = (
    "count(*) FROM entry",
    "size FROM head",
    "count(*) FROM effect",
)


# --- clocks


def test_clock_that_jumps_ahead_and_back(place: Place) -> None:
    """A clock that ran a day ahead is believed; set right, it can not write before then, is told why, and then can."""
    day = 24 * 3600
    ledger = place.open()
    ledger.append((to("case/1", -1, draft()),))
    ledger.append((to("case/1", 0, draft(after=day)),))
    for after in (1, 3600, day - 2.001):
        with pytest.raises(Unavailable, match="went backwards") as told:
            ledger.append((to("case/1", 1, draft(after=after)),))
        assert "ran ahead" in told.value.remedy
    assert ledger.size == 2
    ledger.append((to("case/1", 1, draft(after=day - 2)),))
    # The other order does not move the mark back.
    with pytest.raises(Unavailable):
        ledger.append((to("case/1", 2, draft(after=day - 3)),))
    ledger.append((to("case/1", 2, draft(after=day)),))
    ledger.close()
    assert place.fsck().size == 4


def test_times_within_one_append(place: Place) -> None:
    """The entries of one append may be a second apart, either way; with more than two it is refused whole."""
    ledger = place.open()
    ledger.append((to("case/1", -1, draft(after=2), draft(after=1), draft(after=3)),))
    with pytest.raises(Unavailable):
        ledger.append((to("case/1", 2, draft(after=9), draft(after=6)),))
    assert ledger.size == 3
    with pytest.raises(Conflict):
        ledger.append((to("case/1", 3, draft(after=9)),))
