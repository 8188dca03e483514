"""A process that writes to a ledger until there is no room, makes room, and goes on; run by `test_full_disk`.

`python writer.py KEY KEYS ORIGIN FOLDER ROOM`: with ROOM `limit` no file may grow beyond what a ledger of some entries
takes. Otherwise a small disk is mounted at FOLDER, and a file fills it up beside the ledger: while the ledger runs
(`running`), before it is opened again (`opening`), or before it is made (`first`). Every answer is held against what is
there afterwards.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from watchword.core.errors import Unavailable
from watchword.ledger.append import Append, Appended, Draft
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Ledger
from watchword.ledger.vault import KeyFile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMIT = 400_000  # bytes: enough to make the tables
DISK = "3m"


class Room:
    """What can be full, and be given room again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._stuffing = folder / "stuffing"
        if kind != "limit":
            subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)), check=True)

    def fill(self) -> None:
        """Leave no room beyond a little."""
        if self.kind == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
            return
        with self._stuffing.open("wb", buffering=0) as file:
            for size in (65_536, 512):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue
            if self.kind == "running":
                file.truncate(file.tell() - 200_000)

    def clear(self) -> None:
        """Give it room."""
        if self.kind == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            self._stuffing.unlink()


def write(ledger: Ledger, version: int) -> tuple[Appended, ...]:
    """Append one entry after *version*."""
    draft = Draft(type="case.noted", at=NOON, actor="p-a", data={"long": "x" * 4000})
    return ledger.append((Append(stream="case/1", expected_version=version, drafts=(draft,)),))


def main() -> int:
    """Write until it is full, and go on."""
    key, keys, origin, folder, kind = sys.argv[1:]
    signing, keyfile = SigningKey.load(key), KeyFile.load(keys)
    path = Path(folder) / "ledger.db"
    url = f"sqlite:///{path}"
    room = Room(kind, Path(folder))
    answered: list[Appended] = []

    def opened() -> Ledger:
        return Ledger.open(url, signing, keyfile, origin)

    if kind == "first":
        room.fill()
        print(open_full(opened, answered))
        room.clear()
    with closing(opened()) as ledger:
        for _ in range(10):
            answered.extend(write(ledger, len(answered) - 1))
        if kind in {"limit", "running"}:
            room.fill()
            refused = fill_up(ledger, answered)
            # 1. reading goes on, and what was answered is there
            assert list(ledger.entries()) == answered
            # 2. another try is refused as well, and changes nothing
            again = fill_up(ledger, answered)
            assert (again.what, len(answered)) == (refused.what, ledger.size)
            print(refused)
            # 3. with room it goes on at once, in the place that was refused
            room.clear()
            answered.extend(write(ledger, len(answered) - 1))
            assert list(ledger.entries()) == answered
    if kind == "opening":
        room.fill()
        print(open_full(opened, answered))
        room.clear()
    # 4. and so does the next process
    with closing(opened()) as ledger:
        assert list(ledger.entries()) == answered
        answered.extend(write(ledger, len(answered) - 1))
    assert fsck(url, signing.vkey, keyfile).size == len(answered)
    print("went on")
    return 0


def fill_up(ledger: Ledger, answered: list[Appended]) -> Unavailable:
    """Append until it is refused."""
    for _ in range(2000):
        try:
            answered.extend(write(ledger, len(answered) - 1))
        except Unavailable as refused:
            return refused
    raise AssertionError("it was never full")


def open_full(opened: Callable[[], Ledger], answered: list[Appended]) -> Unavailable:
    """Open the ledger on a full disk, and append if it opens."""
    try:
        with closing(opened()) as ledger:
            return fill_up(ledger, answered)
    except Unavailable as refused:
        return refused


if __name__ == "__main__":
    sys.exit(main())
