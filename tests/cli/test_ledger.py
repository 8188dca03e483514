"""`watchword ledger`: status, proof and copy, with the console running and without, whole and damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.cli.conftest import Here
from tests.cli.desk import ORIGIN, Desk, is_told

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
