"""A disk that is full in the middle of an append: told, nothing lost, and on it goes when there is room again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger.conftest import ORIGIN, Place

WRITER = Path(__file__).with_name("writer.py")


def run(place: Place, folder: Path, room: str, *before: str) -> str:
    """Have a process write to a ledger in *folder* until it is full, then make room; return what it says."""
    words = (str(place.key_path), str(place.keys_path), ORIGIN, str(folder), room)
    done = subprocess.run(
        (*before, sys.executable, str(WRITER), *words), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_limit_on_the_size_of_a_file(on_sqlite: Place) -> None:
    """Where no file may grow any more, an append is Unavailable, and the ledger goes on once files may."""
    said = run(on_sqlite, on_sqlite.folder, "limit")
    assert "Make room on its disk" in said
    assert "went on" in said
    assert on_sqlite.fsck().size > 10


def in_a_room_of_its_own() -> tuple[str, ...]:
    """How to run a process that may mount a small disk; empty where the system does not let us."""
    words = ("unshare", "--user", "--map-root-user", "--mount", "--")
    try:
        done = subprocess.run((*words, "mount", "-t", "tmpfs", "none", "/mnt"), capture_output=True, check=False)
    except FileNotFoundError:
        return ()
    return () if done.returncode else words


@pytest.mark.parametrize("start", ["running", "opening", "first"])
def test_disk_without_room(on_sqlite: Place, start: str) -> None:
    """The same on a small disk that is really full, also for a ledger that is opened, or made, while it is."""
    words = in_a_room_of_its_own()
    if not words:
        pytest.skip("this system lets no process mount a disk of its own")
    disk = on_sqlite.folder / "disk"
    disk.mkdir()
    said = run(on_sqlite, disk, start, *words)
    assert "ake room on its disk" in said
    assert "went on" in said
