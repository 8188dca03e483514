"""The ledger as a folder of tiles: written, extended, and checked from its files alone."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ledger.conftest import ORIGIN, Place, draft, to
from watchword.core.errors import Corrupt, Invalid, Unavailable, WatchwordError
from watchword.ledger.checkpoint import Checkpoint, SigningKey, sign
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.export import export
from watchword.ledger.exported import fsck_export
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Ledger
from watchword.ledger.merkle import hash_leaf, root_of
from watchword.ledger.tiles import pack_bundle

PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)


def grow(ledger: Ledger, size: int, stream: str = "case/1") -> Ledger:
    """Append to *stream* in one go until the ledger has *size* entries."""
    version = len(ledger.read(stream)) - 1
    drafts = [draft(after=0.001 * number, number=number) for number in range(ledger.size, size)]
    ledger.append((to(stream, version, *drafts),))
    return ledger


def files(folder: Path) -> dict[str, bytes]:
    """Every file under *folder* by its path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def corrupt(attempt: Callable[[], object]) -> Corrupt:
    with pytest.raises(Corrupt) as found:
        attempt()
    assert found.value.remedy
    return found.value


@pytest.fixture
def small(on_sqlite: Place) -> Place:
    """A place whose ledger of five entries, with references and commitments, is exported to `out`."""
    ledger = on_sqlite.open()
    first = ledger.append((to("case/1", -1, draft(disclosures=(PHONE,)), draft(after=1)),))
    ledger.append(
        (to("case/2", -1, draft(after=2, refs=(first[0].leaf,))), to("case/1", 1, draft(after=2), draft(after=3)))
    )
    export(ledger, on_sqlite.folder / "out")
    return on_sqlite


def check(place: Place, folder: str = "out", kept: str | None = None) -> object:
    return fsck_export(place.folder / folder, place.key.vkey, kept=kept)


def test_an_export_has_the_layout_and_checks(place: Place) -> None:
    """600 entries: full tiles and bundles, partial ones, the level above, the checkpoint as signed; all is proved."""
    ledger = grow(place.open(), 600)
    told: list[tuple[int, int]] = []
    done = export(ledger, place.folder / "out", lambda *progress: told.append(progress))
    found = files(place.folder / "out")
    assert list(found) == [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ]
    assert (done.before, done.written, done.checkpoint) == (0, 7, ledger.checkpoint[1])
    assert told == [(number, 7) for number in range(8)]
    assert found["checkpoint"].decode() == ledger.checkpoint[0]
    leaves = [hash_leaf(appended.raw) for appended in ledger.entries()]
    assert found["tile/0/001"] == b"".join(leaves[256:512])
    assert found["tile/1/000.p/2"] == root_of(leaves[:256]) + root_of(leaves[256:512])
    assert found["tile/entries/002.p/88"] == pack_bundle([appended.raw for appended in ledger.entries(512)])
    report = fsck_export(place.folder / "out", place.key.vkey, kept=ledger.checkpoint_at(0)[0])
    assert (report.size, report.root) == (600, ledger.checkpoint[1].root)
    assert [each.number for each in report.checks] == list(range(1, 9))


def test_an_export_is_extended_and_never_rewritten(on_sqlite: Place) -> None:
    """Full tiles keep their files; narrower ones stay until the full one is there; a second run writes nothing."""
    folder = on_sqlite.folder / "out"
    ledger = on_sqlite.open()
    export(ledger, folder)
    assert list(files(folder)) == ["checkpoint"]
    for size in (5, 9, 300):
        export(grow(ledger, size), folder)
        assert fsck_export(folder, on_sqlite.key.vkey).size == size
    assert "tile/0/000.p/5" not in files(folder)
    inodes = {path: (folder / path).stat().st_ino for path in files(folder)}
    again = export(ledger, folder)
    assert (again.before, again.written) == (300, 0)
    assert {path: (folder / path).stat().st_ino for path in files(folder)} == inodes
    export(grow(ledger, 301), folder)
    assert {"tile/0/001.p/44", "tile/0/001.p/45"} <= files(folder).keys()
    assert (folder / "tile/0/000").stat().st_ino == inodes["tile/0/000"]
    assert fsck_export(folder, on_sqlite.key.vkey).size == 301


def test_an_interrupted_export_is_finished(on_sqlite: Place) -> None:
    """What a crash leaves (tiles past the checkpoint, a file half written) is told, and mended by the next run."""
    folder = on_sqlite.folder / "out"
    ledger = on_sqlite.open()
    export(grow(ledger, 5), folder)
    before = (folder / "checkpoint").read_bytes()
    export(grow(ledger, 300), folder)
    whole = files(folder)
    (folder / "checkpoint").write_bytes(before)
    (folder / "checkpoint.new").write_bytes(b"half")
    (folder / "tile/0/001.p/44").rename(folder / "tile/0/001.p/44.new")
    assert "missing" in corrupt(lambda: fsck_export(folder, on_sqlite.key.vkey)).what
    done = export(ledger, folder)
    assert (done.before, done.written) == (5, 1)
    assert files(folder) == whole


def test_every_flipped_byte_is_found(small: Place) -> None:
    """No byte of any file of an export can be changed unseen, and the entry is named where one is."""
    folder = small.folder / "out"
    for path, data in files(folder).items():
        for at in range(len(data)):
            (folder / path).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            fault = corrupt(lambda: check(small))
            assert path == "checkpoint" or fault.seq is not None, (path, at)
        (folder / path).write_bytes(data)
    check(small)


def test_a_flip_in_the_signature_of_another_is_not_ours_to_judge(small: Place) -> None:
    """A cosignature of a key we do not know is ignored, whatever it says, as the format asks; ours still decides."""
    checkpoint = small.folder / "out" / "checkpoint"
    note = checkpoint.read_text()
    for blob in (bytes(76), b"\1" * 76):
        checkpoint.write_text(f"{note}\u2014 witness.example.test {base64.b64encode(blob).decode()}\n")
        check(small)


def test_what_is_cut_missing_or_too_much_is_found(small: Place) -> None:
    """A file shorter, longer, empty, gone, or of no use is told; so is a link, and a folder where a file should be."""
    folder = small.folder / "out"
    for path, data in files(folder).items():
        for other in (data[:-1], data + b"\0", b"", data[:1]):
            (folder / path).write_bytes(other)
            corrupt(lambda: check(small))
        (folder / path).unlink()
        assert "missing" in corrupt(lambda: check(small)).what
        (folder / path).mkdir()
        corrupt(lambda: check(small))
        (folder / path).rmdir()
        (folder / path).write_bytes(data)
    extra = ("notes.txt", "tile/0/001.p/1", "tile/0/000", "tile/2/000.p/1", "tile/0/000.p/6", "tile/0/000.p/4.new")
    for path in (*extra, "tile/entries/000.p/4", "tile/0/000.p/4"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(bytes(32 * 4))
        assert path in corrupt(lambda: check(small)).what
        (folder / path).unlink()
    (folder / "tile" / "link").symlink_to(folder / "checkpoint")
    assert "neither a file" in corrupt(lambda: check(small)).what
    (folder / "tile" / "link").unlink()
    (folder / "tile/entries/000.p/5").write_bytes(b"x" * (256 * 65_537 + 1))
    assert "larger" in corrupt(lambda: check(small)).what


def test_entries_are_read_strictly_though_the_tree_is_right(on_sqlite: Place) -> None:
    """An export that is signed and hashes right is refused still when an entry in it is none."""
    raw = b'{"data": 1}'
    folder = on_sqlite.folder / "out"
    for path, data in (
        ("tile/0/000.p/1", hash_leaf(raw)),
        ("tile/entries/000.p/1", pack_bundle([raw])),
        ("checkpoint", sign(Checkpoint(origin=ORIGIN, size=1, root=hash_leaf(raw)), on_sqlite.key).encode()),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    assert corrupt(lambda: check(on_sqlite)).seq == 0


def test_another_key_or_root_is_refused(small: Place) -> None:
    """A checkpoint by another key, or one of our own that the entries do not lead to, is told."""
    checkpoint = small.folder / "out" / "checkpoint"
    good = checkpoint.read_text()
    assert "no signature" in corrupt(lambda: fsck_export(small.folder / "out", SigningKey.generate(ORIGIN).vkey)).what
    for size in (4, 5, 6):
        checkpoint.write_text(sign(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)), small.key))
        corrupt(lambda: check(small))
    checkpoint.write_bytes(b"\xff\xfe")
    assert "no text" in corrupt(lambda: check(small)).what
    checkpoint.write_text(good)
    with pytest.raises(Invalid):
        fsck_export(small.folder / "out", "no key")


def test_a_roll_back_and_a_fork_are_refused(on_sqlite: Place) -> None:
    """An older ledger, and one that went another way with our own key, neither replace an export nor pass for it."""
    ledger = grow(on_sqlite.open(), 4)
    ledger.close()
    shutil.copy(on_sqlite.file, on_sqlite.folder / "older.db")
    ledger = grow(on_sqlite.open(), 300)
    folder = on_sqlite.folder / "out"
    export(ledger, folder)
    kept = ledger.checkpoint[0]
    ledger.close()
    whole = files(folder)

    shutil.copy(on_sqlite.folder / "older.db", on_sqlite.file)
    older = on_sqlite.open()
    assert "went back" in corrupt(lambda: export(older, folder)).what
    export(older, on_sqlite.folder / "again")
    check(on_sqlite, "again")
    assert "went back" in corrupt(lambda: check(on_sqlite, "again", kept)).what
    fork = grow(older, 400, "case/other")
    assert "another history" in corrupt(lambda: export(fork, folder)).what
    assert files(folder) == whole
    export(fork, on_sqlite.folder / "again")
    check(on_sqlite, "again")
    assert "another history" in corrupt(lambda: check(on_sqlite, "again", kept)).what
    fork.close()
    for database, why in ((on_sqlite.file, "another history"), (on_sqlite.folder / "older.db", "went back")):
        url = f"sqlite:///{database}"
        fsck(url, on_sqlite.key.vkey, on_sqlite.keys)
        assert why in corrupt(lambda url=url: fsck(url, on_sqlite.key.vkey, on_sqlite.keys, kept=kept)).what  # type: ignore[misc]


def test_tiles_of_another_history_are_never_covered(on_sqlite: Place) -> None:
    """A tile that is there already, past the checkpoint, and is not ours stops the export before its checkpoint."""
    folder = on_sqlite.folder / "out"
    ledger = on_sqlite.open()
    export(grow(ledger, 5), folder)
    before = (folder / "checkpoint").read_bytes()
    (folder / "tile/0/000").write_bytes(bytes(8192))
    assert "tile/0/000" in corrupt(lambda: export(grow(ledger, 300), folder)).what
    assert (folder / "checkpoint").read_bytes() == before


def test_a_folder_of_something_else_is_left_alone(on_sqlite: Place) -> None:
    """A folder with other files in it, a file in its place, or one that can not be written is told."""
    ledger = on_sqlite.open()
    assert "no part of an export" in _told(lambda: export(ledger, on_sqlite.folder), Invalid)
    (on_sqlite.folder / "file").write_text("kept")
    assert "file" in _told(lambda: export(ledger, on_sqlite.folder / "file"), Unavailable)
    (on_sqlite.folder / "out").mkdir()
    (on_sqlite.folder / "out" / "checkpoint").write_bytes(b"\xff")
    corrupt(lambda: export(ledger, on_sqlite.folder / "out"))


def _told(attempt: Callable[[], object], kind: type[WatchwordError]) -> str:
    with pytest.raises(kind) as found:
        attempt()
    return found.value.what
