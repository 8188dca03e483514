"""Check an export from its files alone, trusting nothing but the verifier key."""

from __future__ import annotations

import stat
from pathlib import Path

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.ledger.audit import Audit, Progress, Report, report, silent
from watchword.ledger.checkpoint import Checkpoint, VerifierKey, verify
from watchword.ledger.tiles import (
    CHECKPOINT,
    HEIGHT,
    MAX_BUNDLE,
    Tile,
    pack_bundle,
    parse_path,
    tiles_of,
    unpack_bundle,
    unpack_hashes,
    width,
)

REMEDY = "Keep the folder as it is, export the ledger to another one, and find out who changed this one."
_REMEDY_BEYOND = "An export that was interrupted is finished by `watchword ledger export`; if none was, keep this one."


def fsck_export(folder: Path, vkey: str, progress: Progress = silent, kept: str | None = None) -> Report:
    """Recompute everything in the export at *folder* and return what was proved.

    Raise `Corrupt` at the first thing that does not hold, a file too many or too few included; `Unavailable` when one
    can not be read. *kept* is a checkpoint from elsewhere that the export must go on from. *progress* is told entries
    done and in all.
    """
    return _ExportAudit(folder, VerifierKey.parse(vkey)).run(progress, kept)


class _ExportAudit:
    """One pass over a folder."""

    def __init__(self, folder: Path, verifier: VerifierKey) -> None:
        self._folder = folder
        self._verifier = verifier
        self._audit = Audit()

    def run(self, progress: Progress, kept: str | None) -> Report:
        checkpoint = self._checkpoint()
        self._entries(checkpoint.size, progress)
        tiles = self._tiles(checkpoint.size)
        root = self._audit.nodes.root(checkpoint.size)
        if root != checkpoint.root:
            raise Corrupt("The entries do not lead to the signed root.", REMEDY)
        narrower = self._others(checkpoint.size)
        extends = () if kept is None else (self._audit.extends(kept, self._verifier),)
        return report(
            checkpoint.size,
            checkpoint.root,
            (
                *self._audit.proved(),
                ("every hash tile is made of the entries", f"{tiles} tiles"),
                ("the entries lead to the signed root", f"root {checkpoint.root.hex()}"),
                ("every other file is an earlier width of a tile", f"{narrower} files"),
                *extends,
            ),
        )

    def _checkpoint(self) -> Checkpoint:
        try:
            note = self._read(CHECKPOINT).decode()
        except UnicodeDecodeError as error:
            raise Corrupt("The checkpoint is no text.", REMEDY) from error
        return verify(note, self._verifier)

    def _entries(self, size: int, progress: Progress) -> None:
        index = 0
        while wide := width(None, index, size):
            bundle, hashes = (Tile(level=level, index=index, width=wide) for level in (None, 0))
            raws = unpack_bundle(bundle, self._read(bundle.path))
            self._audit.add(raws, unpack_hashes(hashes, self._read(hashes.path)))
            index += 1
            progress(self._audit.size, size)

    def _tiles(self, size: int) -> int:
        """Hold the tiles above the lowest level against the entries; return how many there are in all."""
        count = 0
        for tile in tiles_of(size):
            if tile.level is not None:
                count += 1
                if tile.level and self._read(tile.path) != self._hashes(tile):
                    raise Corrupt(f"{tile.path} is not made of the entries below it.", REMEDY, self._first(tile))
        return count

    def _others(self, size: int) -> int:
        """Check that every file besides is the beginning of a tile, as it was once; return how many there are."""
        expected = {CHECKPOINT, *(tile.path for tile in tiles_of(size))}
        others = [path for path in self._files() if path not in expected]
        for path in others:
            try:
                tile = parse_path(path)
            except Invalid as error:
                raise Corrupt(f"{path} is no part of an export.", REMEDY) from error
            if tile.width > width(tile.level, tile.index, size):
                raise Corrupt(f"{path} is not covered by the checkpoint.", _REMEDY_BEYOND, self._first(tile))
            if self._read(path) != self._hashes(tile):
                raise Corrupt(f"{path} is not the beginning of the tile it was.", REMEDY, self._first(tile))
        return len(others)

    def _hashes(self, tile: Tile) -> bytes:
        """Return the bytes that *tile* must have, from what was checked."""
        if tile.level is not None:
            return b"".join(self._audit.nodes.row(HEIGHT * tile.level, tile.start, tile.start + tile.width))
        whole = Tile(level=None, index=tile.index, width=width(None, tile.index, self._audit.size))
        return pack_bundle(unpack_bundle(whole, self._read(whole.path))[: tile.width])

    def _first(self, tile: Tile) -> int:
        """The first entry that *tile* stands for."""
        return tile.start << (HEIGHT * (tile.level or 0))

    def _files(self) -> list[str]:
        """Every file in the folder, links not followed; raise `Corrupt` for what is neither file nor folder."""
        found = []
        for path in sorted(self._folder.rglob("*")):
            mode = path.lstat().st_mode
            name = path.relative_to(self._folder).as_posix()
            if not stat.S_ISDIR(mode):
                found.append(name)
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise Corrupt(f"{name} is neither a file nor a folder.", REMEDY)
        return found

    def _read(self, path: str) -> bytes:
        try:
            with (self._folder / path).open("rb") as file:
                data = file.read(MAX_BUNDLE + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise Corrupt(f"{path} is missing from the export.", REMEDY) from error
        except OSError as error:
            raise Unavailable(
                f"{self._folder / path} can not be read: {error.strerror}.", "Check its owner."
            ) from error
        if len(data) > MAX_BUNDLE:
            raise Corrupt(f"{path} is larger than any tile.", REMEDY)
        return data
