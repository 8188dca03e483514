"""`watchword ledger`: status, proof and copy, with the console running and without, whole and damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from tests.cli.conftest import Here
from tests.cli.desk import ORIGIN, Desk, is_told
from watchword.ledger.checkpoint import VerifierKey
from watchword.ledger.proof import parse, verify
from watchword.ledger.tiles import parse_path, unpack_bundle

INES = ("--as", "ines", "--password-file", "password")


def test_status_prints_what_an_auditor_keeps(desk: Desk, here: Here) -> None:
    """The signed checkpoint is printed as it is, byte for byte, however narrow the terminal."""
    told = here("ledger", "status", "--json").json
    words = desk.type("ledger", "status", env={"COLUMNS": "20"})

    assert told["origin"] == ORIGIN
    assert told["size"] > 20
    assert words.out.endswith(f"\n\n{told['checkpoint']}")
    assert words.out.startswith(f"{ORIGIN}: {told['size']} entries")


def test_a_sound_ledger_is_proved(desk: Desk, here: Here) -> None:
    """Every check is numbered and says what it proved; the exit code is 0."""
    del desk
    words, told = here("ledger", "fsck"), here("ledger", "fsck", "--json").json

    assert words.code == 0
    assert "sound" in words.out
    assert told["sound"] is True
    assert [check["number"] for check in told["checks"]] == list(range(1, len(told["checks"]) + 1))


def test_a_changed_entry_is_named(desk: Desk, here: Here) -> None:
    """Bytes that were changed past Watchword: exit code 1, and the first bad entry by number, also as JSON."""
    with closing(sqlite3.connect(desk.home / "ledger.db")) as database, database:
        database.execute("UPDATE entry SET bytes = CAST(replace(bytes, 'person', 'parson') AS BLOB) WHERE idx = 5")
    typed, told = here("ledger", "fsck"), here("ledger", "fsck", "--json")

    assert is_told(typed, 1, "Entry 5")
    assert (told.code, told.json["sound"], told.json["entry"]) == (1, False, 5)
    assert is_told(here("ledger", "status"), 1, "5")
    assert is_told(here("serve"), 1, "5")


def test_a_file_cut_short_is_told(desk: Desk, here: Here) -> None:
    """Half a database is no database: exit code 1, and a way on that keeps it as it is."""
    file = desk.home / "ledger.db"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    for command in (("ledger", "status"), ("ledger", "fsck"), ("serve",), ("case", "list", *INES)):
        assert is_told(here(*command), 1, "cut short")


def test_a_ledger_in_use_is_checked_by_its_copy(desk: Desk) -> None:
    """While the console has it, status and fsck say whose it is; a copy can be made and checked meanwhile."""
    with desk.served() as running:
        for command in ("status", "fsck"):
            assert is_told(desk.type("ledger", command), 4, f"in use by process {running.pid}", "copy")
        copied = desk.type("ledger", "copy", "evidence.db", "--json")
        opened = desk.type("case", "open", "tom.ashby", "unlock", "--reason", "x", "--json", login="ines")
        proved = desk.type("ledger", "fsck", "evidence.db", "--json")
        status = desk.type("ledger", "status", "evidence.db", "--json")

    assert opened.code == 0, opened.err
    assert copied.json["size"] == proved.json["size"] == status.json["size"]
    assert copied.json["root"] == proved.json["root"]
    assert proved.json["sound"] is True
    assert (desk.home / "evidence.db").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in desk.home.glob("evidence.db*")] == ["evidence.db"]


def test_a_copy_replaces_nothing(desk: Desk, here: Here) -> None:
    """A file that is there stays, and a copy of no ledger is told."""
    (desk.home / "kept.db").write_text("kept")
    there = here("ledger", "copy", "kept.db")
    nowhere = here("ledger", "copy", "no/such/folder.db")
    missing = here("ledger", "fsck", "nothing.db")
    (desk.home / "ledger.db").unlink()
    gone = here("ledger", "copy", "new.db")

    assert is_told(there, 2, "is there already")
    assert (desk.home / "kept.db").read_text() == "kept"
    assert is_told(nowhere, 2, "can not be written")
    assert is_told(missing, 2, "There is no nothing.db")
    assert is_told(gone, 2, "There is no ledger")
    assert not (desk.home / "new.db").exists()


def test_an_export_is_checked_by_anybody(desk: Desk, here: Here, tmp_path: Path) -> None:
    """With the folder and the verifier key alone, far from the settings; a kept checkpoint must be in it."""
    exported, again = here("ledger", "export", "out", "--json").json, here("ledger", "export", "out").out
    (tmp_path / "desk" / "out").rename(tmp_path / "out")
    (tmp_path / "kept").write_text(here("ledger", "status", "--json").json["checkpoint"])
    words = ("ledger", "fsck", str(tmp_path / "out"), "--vkey", exported["vkey"], "--config", "nowhere.toml")
    told = here(*words, "--kept", str(tmp_path / "kept"), "--json").json

    assert "0 tiles written" in again
    assert exported["vkey"] in again
    assert (told["sound"], told["size"], told["root"]) == (True, exported["size"], exported["root"])
    assert "kept elsewhere" in told["checks"][-1]["what"]
    assert here("ledger", "fsck", str(tmp_path / "out")).code == 0
    desk.type("case", "open", "tom.ashby", "unlock", "--reason", "x", "--json", login="ines")
    (tmp_path / "kept").write_text(here("ledger", "status", "--json").json["checkpoint"])
    assert is_told(here(*words, "--kept", str(tmp_path / "kept")), 1, "went back")
    assert is_told(here(*words, "--kept", "nothing"), 2, "nothing")
    bundle = next((tmp_path / "out" / "tile" / "entries").rglob("*.p/*"))
    bundle.write_bytes(bundle.read_bytes().replace(b"person", b"parson", 1))
    damaged = here(*words, "--json")
    assert (damaged.code, damaged.json["sound"]) == (1, False)
    assert isinstance(damaged.json["entry"], int)


def test_a_proof_is_printed_byte_for_byte(desk: Desk, here: Here) -> None:
    """The proof of an entry verifies with the entry's bytes out of an export, under the key the export names."""
    vkey = VerifierKey.parse(here("ledger", "export", "out", "--json").json["vkey"])
    size = here("ledger", "status", "--json").json["size"]
    bundle = desk.home / "out" / "tile" / "entries" / "000.p" / str(size)
    raws = unpack_bundle(parse_path(f"tile/entries/000.p/{size}"), bundle.read_bytes())
    printed, told = here("ledger", "prove", "5"), here("ledger", "prove", "5", "--json").json

    assert verify(parse(printed.out), raws[5], vkey).size == size
    assert (told["index"], told["size"], told["proof"]) == (5, size, printed.out)
    assert is_told(here("ledger", "prove", str(size)), 2, f"not in a tree of {size}")
    assert is_told(here("ledger", "prove", "5", "--size", str(size + 1)), 2, "No checkpoint was signed")


def test_an_export_keeps_to_its_place(desk: Desk, here: Here) -> None:
    """A folder of something else, and a ledger in use, are told."""
    assert is_told(here("ledger", "export", "."), 2, "no part of an export")
    with desk.served() as running:
        assert is_told(desk.type("ledger", "export", "out"), 4, f"in use by process {running.pid}")
        desk.type("ledger", "copy", "evidence.db")
        assert desk.type("ledger", "export", "out", "evidence.db").code == 0
        assert desk.type("ledger", "prove", "3", "evidence.db").out.startswith("c2sp.org/tlog-proof@v1\nindex 3\n")


def test_the_owner_migrates(owner_url: str, shared_desk: Desk, here: Here) -> None:
    """The owner's command needs no settings and says what guards the tables; a desk's login changes nothing with it."""
    mine = here("ledger", "migrate", "--url", owner_url)
    told = here("ledger", "migrate", "--url", owner_url, "--json").json

    assert mine.code == 0
    assert "enabled ALWAYS" in mine.out
    assert [one["part"] for one in told["guards"] if one["well"]] == ["triggers", "rights"]
    with psycopg.connect(owner_url) as connection:
        connection.execute("ALTER TABLE entry DISABLE TRIGGER USER")
    assert is_told(here("ledger", "migrate"), 4, "must be owner")  # by the desk's login, which is in the settings
    assert here("doctor").code == 1
    assert "ledger_keeps_rows on entry is not enabled ALWAYS" in here("doctor", "--json").out
    assert here("ledger", "migrate", "--url", owner_url).code == here("doctor").code == 0
    del shared_desk


def test_sqlite_migrates(desk: Desk, here: Here) -> None:
    """On SQLite there is nothing to guard, and the tables are of this version."""
    del desk
    typed = here("ledger", "migrate")

    assert typed.code == 0
    assert "SQLite has no logins" in typed.out
