"""The ledger as a folder of files that anybody can check or serve: entry bundles, hash tiles, the checkpoint last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.ledger.audit import Progress, silent
from watchword.ledger.checkpoint import Checkpoint, verify
from watchword.ledger.leader import Ledger
from watchword.ledger.tiles import CHECKPOINT, TILES, Tile, tiles_of

_NEW = ".new"
_REMEDY_OTHER = "Export to another folder, keep this one as it is, and find out which history is the true one."
_REMEDY_PLACE = "Check its owner and the space on its disk, then export again: it goes on where it ended."


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A folder holds the ledger up to *checkpoint*; it held *before* entries, and *written* files are new."""

    checkpoint: Checkpoint
    before: int
    written: int


def export(ledger: Ledger, folder: Path, progress: Progress = silent) -> Exported:
    """Write *ledger* to *folder*, or bring an earlier export there up to date; return what was done.

    Every file is durable before the checkpoint that covers it is. What is there already is never written again. Raise
    `Corrupt` for the export of another history or of a later one, `Invalid` for a folder that holds something else,
    `Unavailable` when the disk fails. *progress* is told tiles done and in all.
    """
    note, checkpoint = ledger.checkpoint
    try:
        before = _extended(ledger, folder, checkpoint)
        tiles = tuple(tiles_of(checkpoint.size, since=before))
        written: list[Path] = []
        for done, tile in enumerate(tiles):
            progress(done, len(tiles))
            if path := _write_tile(ledger, folder, tile):
                written.append(path)
        _settle(folder, written)
        if checkpoint.size > before or not (folder / CHECKPOINT).exists():
            _write(folder / CHECKPOINT, note.encode())
            _settle(folder, [folder / CHECKPOINT])
        for tile in tiles:
            if tile.full:
                # Nobody needs the narrower ones any more, once the whole tile is there.
                shutil.rmtree(folder / f"{tile.path}.p", ignore_errors=True)
        progress(len(tiles), len(tiles))
    except OSError as error:
        raise Unavailable(f"{error.filename or folder} can not be written: {error.strerror}.", _REMEDY_PLACE) from error
    return Exported(checkpoint=checkpoint, before=before, written=len(written))


def _extended(ledger: Ledger, folder: Path, checkpoint: Checkpoint) -> int:
    """Return how many entries *folder* holds, once its checkpoint is found to be an earlier one of *ledger*."""
    folder.mkdir(parents=True, exist_ok=True)
    if odd := sorted({each.name for each in folder.iterdir()} - {CHECKPOINT, f"{CHECKPOINT}{_NEW}", TILES}):
        raise Invalid(f"{folder} holds {odd[0]}, which is no part of an export.", "Name an empty folder.", "DIR")
    try:
        note = (folder / CHECKPOINT).read_bytes().decode()
    except FileNotFoundError:
        return 0
    except UnicodeDecodeError as error:
        raise Corrupt(f"{folder / CHECKPOINT} is no text.", _REMEDY_OTHER) from error
    there = verify(note, ledger.verifier)
    if there.size > checkpoint.size:
        raise Corrupt(
            f"The export has {there.size} entries, this ledger {checkpoint.size}: one of them went back.", _REMEDY_OTHER
        )
    if there.root != ledger.root(there.size):
        raise Corrupt(f"The export is of another history: its {there.size} entries are not ours.", _REMEDY_OTHER)
    return there.size


def _write_tile(ledger: Ledger, folder: Path, tile: Tile) -> Path | None:
    """Write *tile* unless it is there; raise `Corrupt` when another one is."""
    path = folder / tile.path
    data = ledger.tile(tile)
    assert data is not None, tile
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
        return path
    if there != data:
        raise Corrupt(f"{path} is not what the ledger has there.", _REMEDY_OTHER)
    return None


def _write(path: Path, data: bytes) -> None:
    """Put *data* at *path*, whole or not at all; it is found there for good once its folder is settled."""
    new = path.with_name(f"{path.name}{_NEW}")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _settle(folder: Path, written: Iterable[Path]) -> None:
    """Make the names of *written* durable, and those of the folders above them up to *folder*."""
    above: set[Path] = set()
    for path in written:
        for parent in path.parents:
            above.add(parent)
            if parent == folder:
                break
    for each in above:
        descriptor = os.open(each, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
