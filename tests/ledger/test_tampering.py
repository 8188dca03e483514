"""What somebody with the database in hand can do, and how it comes out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from tests.ledger.conftest import NOON, ORIGIN, Place, draft, effect, to
from watchword.core.errors import Corrupt, Invalid, Unavailable, WatchwordError
from watchword.ledger.checkpoint import Checkpoint, SigningKey, sign
from watchword.ledger.entry import Disclosure, Entry, Retention, encode
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Ledger
from watchword.ledger.merkle import hash_leaf, root_of

PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)
SIZE = 6
BAD = 3
"""The entry that is tampered with: not the first, not the last."""

PLANT = (
    "INSERT INTO entry (idx, stream, version, type, bytes, leaf) VALUES (:idx, :stream, :version, :type, :raw, :leaf)"
)


def fill(place: Place) -> Ledger:
    """Open a ledger and append six entries, each with a payload and a checkpoint of its own."""
    ledger = place.open()
    for number in range(SIZE):
        stream = f"case/{number % 2}"
        ledger.append(
            (to(stream, number // 2 - 1, draft(after=number, disclosures=(PHONE,))),), (effect(f"e{number}", stream),)
        )
    return ledger


@pytest.fixture
def filled(place: Place) -> Place:
    """A closed ledger of six entries."""
    fill(place).close()
    return place


def planted(stream: str = "case/9", version: int = 0, idx: int = SIZE) -> dict[str, object]:
    """Return the columns of an entry that looks right in itself."""
    entry = Entry(stream=stream, version=version, type="person.granted", at=NOON, actor="p-mallory", data={})
    raw = encode(entry)
    return {
        "idx": idx,
        "stream": stream,
        "version": version,
        "type": entry.type,
        "raw": raw,
        "leaf": hash_leaf(raw),
    }


def plant(place: Place, **row: object) -> None:
    place.tamper(PLANT, **row)


def corrupt(attempt: Callable[[], object]) -> Corrupt:
    with pytest.raises(Corrupt) as found:
        attempt()
    assert found.value.remedy
    return found.value


# -- a row behind the checkpoint


@pytest.mark.parametrize("idx", [SIZE, SIZE + 4])
def test_planted_row_stops_the_start(filled: Place, idx: int) -> None:
    """An entry that no signed checkpoint covers stops the ledger when it opens, and fsck, and is named."""
    plant(filled, **planted(idx=idx))
    assert corrupt(filled.open).seq == SIZE
    assert corrupt(filled.fsck).seq == SIZE


@pytest.mark.parametrize("idx", [SIZE, SIZE + 4])
@pytest.mark.parametrize(
    "act",
    [
        lambda ledger: ledger.append((to("case/0", 2, draft(after=10)),)),
        lambda ledger: ledger.refresh(),
        lambda ledger: ledger.look(),
        lambda ledger: ledger.read("case/9"),
        lambda ledger: list(ledger.entries()),
    ],
    ids=["append", "refresh", "look", "read", "entries"],
)
def test_planted_row_is_never_signed(place: Place, idx: int, act: Callable[[Ledger], object]) -> None:
    """A row planted while the ledger runs stops it at the next step, which signs nothing; it stays stopped."""
    ledger = fill(place)
    before = ledger.checkpoint
    plant(place, **planted(idx=idx))
    corrupt(lambda: act(ledger))
    assert ledger.checkpoint == before
    corrupt(lambda: ledger.append((to("case/0", 2, draft(after=10)),)))
    place.tamper("DELETE FROM entry WHERE stream = 'case/9'")
    ledger.close()
    assert place.open().checkpoint == before


def test_planted_row_with_a_head_to_match(place: Place) -> None:
    """Moving the head along with the planted row does not help: the checkpoint is not signed by our key."""
    ledger = fill(place)
    row = planted()
    leaves = [hash_leaf(appended.raw) for appended in ledger.entries()]
    root = root_of([*leaves, hash_leaf(row["raw"])])  # type: ignore[arg-type]  # it is bytes
    forged = sign(Checkpoint(origin=ORIGIN, size=SIZE + 1, root=root), SigningKey.generate(ORIGIN))
    place.tamper(PLANT, "UPDATE head SET size = size + 1, root = :root, note = :note", **row, root=root, note=forged)
    assert "no signature" in corrupt(lambda: ledger.append((to("case/0", 2, draft(after=10)),))).what
    ledger.close()
    assert "no signature" in corrupt(place.open).what


def test_row_in_a_taken_place_is_refused_by_the_table(filled: Place) -> None:
    """A second row for an index, or for a version of a stream, does not go in."""
    for row in (planted(idx=0), planted(stream="case/0", version=0), planted(idx=-1)):
        with pytest.raises(IntegrityError):
            plant(filled, **row)


# -- history changed or cut


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("DELETE FROM entry WHERE idx = 3", 3),
        ("DELETE FROM entry WHERE idx >= 4", 4),
        ("DELETE FROM entry WHERE idx = 0", 0),
        ("UPDATE entry SET idx = 70 WHERE idx = 3", 3),
        ("UPDATE entry SET stream = 'case/7' WHERE idx = 3", 3),
        ("UPDATE entry SET version = 70 WHERE idx = 3", 3),
        ("UPDATE entry SET type = 'case.closed' WHERE idx = 3", 3),
        ("UPDATE entry SET bytes = :raw WHERE idx = 3", 3),
        ("UPDATE entry SET leaf = :leaf WHERE idx = 3", 3),
        ("UPDATE entry SET bytes = :raw, leaf = :leaf, stream = 'case/9', version = 0, type = :type WHERE idx = 5", 5),
        ("UPDATE head SET size = 5", None),
        ("UPDATE head SET note = ''", 0),
        ("UPDATE head SET note = (SELECT note FROM checkpoint WHERE size = 4)", 4),
        ("UPDATE head SET root = :leaf", None),
    ],
)
def test_changed_history_is_found_and_named(filled: Place, statement: str, seq: int | None) -> None:
    """Whatever is changed or removed, the ledger does not open, and fsck says where it begins."""
    filled.tamper(statement, **planted())
    for attempt in (filled.open, filled.fsck):
        found = corrupt(attempt)
        assert found.seq == seq or (seq is None), found


def test_rewritten_entry_is_named(filled: Place) -> None:
    """An entry rewritten with all its columns in order is still found, by the first checkpoint that covers it."""
    entry = Entry(stream="case/1", version=1, type="case.noted", at=NOON, actor="p-mallory", data={})
    raw = encode(entry)
    filled.tamper("UPDATE entry SET bytes = :raw, leaf = :leaf WHERE idx = 3", raw=raw, leaf=hash_leaf(raw))
    assert corrupt(filled.open).seq == BAD
    found = corrupt(filled.fsck)
    assert found.seq == BAD
    assert "entry 3" in found.what


def test_reads_are_checked_against_memory(place: Place) -> None:
    """History changed under a running ledger comes out at the next read of it."""
    ledger = fill(place)
    raw = planted()["raw"]
    place.tamper("UPDATE entry SET bytes = :raw WHERE idx = 3", raw=raw)
    assert corrupt(lambda: ledger.read("case/1")).seq == BAD
    assert corrupt(lambda: list(ledger.entries())).seq == BAD
    assert len(ledger.read("case/0")) == 3
    place.tamper("DELETE FROM entry WHERE idx = 4")
    assert corrupt(lambda: ledger.read("case/0")).seq == 4


def test_running_ledger_notices_a_rollback(place: Place) -> None:
    """A database put back to an earlier checkpoint stops a ledger that has seen more."""
    ledger = fill(place)
    place.tamper(
        "DELETE FROM entry WHERE idx >= 5",
        "UPDATE head SET size = 5, note = (SELECT note FROM checkpoint WHERE size = 5)",
    )
    assert corrupt(ledger.refresh).seq == 5


def test_checkpoint_of_the_ledgers_own_key_alone_is_believed(filled: Place) -> None:
    """Fsck with another key, or with no key at all, proves nothing."""
    with pytest.raises(Corrupt):
        fsck(filled.url, SigningKey.generate(ORIGIN).vkey)
    with pytest.raises(Invalid):
        fsck(filled.url, "nonsense")


@pytest.mark.parametrize("column", ["stream", "type", "bytes", "leaf"])
def test_rows_that_read_alike_only_together_are_told_apart(filled: Place, column: str) -> None:
    """What a row lost to the one before it is missed, though the column reads the same from end to end."""
    first, second = (filled.fetch(f"SELECT {column} FROM entry WHERE idx = {idx}") for idx in (BAD, BAD + 1))
    joined: object = f"{first}\n{second}"
    rest: object = ""
    if isinstance(first, bytes) and isinstance(second, bytes):
        joined, rest = (first + second[:1], second[1:]) if column == "leaf" else (first + b"\n" + second, b"")
    for idx, value in ((BAD + 1, rest), (BAD, joined)):
        filled.tamper(f"UPDATE entry SET {column} = :value WHERE idx = {idx}", value=value)
    assert corrupt(filled.fsck).seq == BAD


@pytest.mark.parametrize("column", ["stream", "type", "bytes", "leaf"])
def test_what_stands_behind_the_last_value_is_found(filled: Place, column: str) -> None:
    """The last row's value with something behind it reads as it should up to its end; the row is named all the same."""
    last = SIZE - 1
    value = filled.fetch(f"SELECT {column} FROM entry WHERE idx = {last}")
    longer = value + b"\n" if isinstance(value, bytes) else f"{value}\n"
    filled.tamper(f"UPDATE entry SET {column} = :value WHERE idx = {last}", value=longer)
    assert corrupt(filled.fsck).seq == last


# -- every column, one bit


COLUMNS = {
    "entry": ("idx", "stream", "version", "type", "bytes", "leaf"),
    "checkpoint": ("size", "note"),
    "payload": ("commitment", "stream", "name", "retention", "key", "sealed"),
    "data_key": ("id", "stream", "retention", "wrapped", "wrapped_by"),
    "head": ("size", "root", "last_at", "note"),
    "effect": ("stream",),
}
ROW = {
    "entry": "idx = 3",
    "checkpoint": "size = 4",
    "payload": "commitment = :commitment",
    "data_key": "stream = 'case/1'",
    "head": "id = 1",
    "effect": "id = 'e3'",
}


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, names in COLUMNS.items() for column in names])
def test_one_bit_in_any_column_is_found(place: Place, table: str, column: str) -> None:
    """A single changed bit in any stored value is found by fsck, which names the entry it belongs to."""
    ledger = fill(place)
    values = {"commitment": next(ledger.entries(BAD)).entry.sd[0]}
    ledger.close()
    where = ROW[table]
    bound = values if ":" in where else {}
    value = place.fetch(f"SELECT {column} FROM {table} WHERE {where}", **bound)
    place.tamper(f"UPDATE {table} SET {column} = :changed WHERE {where}", changed=flipped(value), **bound)
    if column == "wrapped_by":
        with pytest.raises(Invalid, match="Name this ledger's own key file"):
            place.fsck()
        return
    found = corrupt(place.fsck)
    if (table, column) == ("checkpoint", "size"):
        assert found.seq == SIZE  # it claims a size that the ledger never had
    elif table in {"entry", "checkpoint", "effect"} or (
        table == "payload" and column in {"name", "retention", "key", "sealed"}
    ):
        # A value that the column can not hold at all is found while it is read, before its row is known.
        assert found.seq in {BAD, None} if column == "retention" else found.seq == BAD, found


def flipped(value: object) -> object:
    """Return *value* with one bit changed, of the same type."""
    if isinstance(value, int):
        return value | 64
    assert isinstance(value, str | bytes | memoryview)
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    raw[len(raw) // 2] ^= 1
    return raw.decode() if isinstance(value, str) else bytes(raw)


# -- files


def test_fsck_says_what_it_proved(filled: Place) -> None:
    """A ledger that holds together gives its size, its root, and numbered checks; progress reaches the end."""
    told: list[tuple[int, int]] = []
    report = fsck(filled.url, filled.key.vkey, filled.keys, lambda done, total: told.append((done, total)))
    assert report.size == SIZE
    assert report.root == filled.open().checkpoint[1].root
    assert [check.number for check in report.checks] == list(range(1, 10))
    assert told[-1] == (SIZE, SIZE)
    proved = " ".join(check.proved for check in report.checks)
    assert "6 payloads, opened" in proved


def test_fsck_without_keys_still_matches_payloads(filled: Place) -> None:
    """Without the key file payloads are matched to entries, and the report says they were not opened."""
    assert "not opened" in fsck(filled.url, filled.key.vkey).checks[6].proved


def test_fsck_reads_a_copy_and_leaves_no_trace(on_sqlite: Place, tmp_path: Path) -> None:
    """A copied file, in a directory where nothing can be written, is checked while the original is in use."""
    ledger = fill(on_sqlite)
    ledger.close()
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(on_sqlite.file, folder / "ledger.db")
    on_sqlite.open()
    assert fsck(f"sqlite:///{folder / 'ledger.db'}", on_sqlite.key.vkey, on_sqlite.keys).size == SIZE
    assert [path.name for path in folder.iterdir()] == ["ledger.db"]


@pytest.mark.parametrize("keep", [0, 100, 4096, 10_000, -1])
def test_file_cut_short(on_sqlite: Place, keep: int) -> None:
    """A SQLite file cut short does not open as a ledger and is not checked as one, whatever is left of it."""
    ledger = fill(on_sqlite)
    ledger.close()
    content = on_sqlite.file.read_bytes()
    on_sqlite.file.write_bytes(content[:keep])
    with pytest.raises(WatchwordError) as found:
        on_sqlite.fsck()
    assert isinstance(found.value, Corrupt | Unavailable)
    if keep:  # an empty file is a new database, to SQLite and so to us
        with pytest.raises(Corrupt):
            on_sqlite.open()


def test_missing_file_is_named(on_sqlite: Place) -> None:
    """Checking a file that is not there does not make one."""
    with pytest.raises(Unavailable, match=r"ledger\.db"):
        on_sqlite.fsck()
    assert not on_sqlite.file.exists()
