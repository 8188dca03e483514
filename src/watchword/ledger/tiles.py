"""The C2SP tlog-tiles layout: a tree cut into tiles of 256 hashes, and its entries into bundles beside them.

Format: https://c2sp.org/tlog-tiles. Level L, tile N, hash i is the root over the 256**L leaves from
(N * 256 + i) * 256**L on. A tile that is not full yet has its width in its name, and is not hashed upward.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from watchword.core.errors import Corrupt, Invalid

HEIGHT = 8
WIDTH = 1 << HEIGHT
CHECKPOINT = "checkpoint"
TILES = "tile"

_HASH = 32
_ENTRIES = "entries"
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_TOP = 63
_LENGTH = 2
_MAX_ENTRY = (1 << 8 * _LENGTH) - 1
MAX_BUNDLE = WIDTH * (_LENGTH + _MAX_ENTRY)
"""No file of the layout is larger."""

_REMEDY = "Do not rely on this copy; take it again from the ledger, and find out who changed it."


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """Tile *index* of *level*, *width* (1 to 256) hashes wide; *level* None is a bundle of as many entries."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def full(self) -> bool:
        """Whether it will never be wider."""
        return self.width == WIDTH

    @property
    def start(self) -> int:
        """The place of its first hash (or entry) in the whole level."""
        return self.index * WIDTH

    @property
    def path(self) -> str:
        """Where it stands, such as `tile/0/x001/234.p/5`."""
        digits = f"{self.index:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join((*(f"x{group}" for group in groups[:-1]), groups[-1]))
        partial = "" if self.full else f".p/{self.width}"
        return f"tile/{_ENTRIES if self.level is None else self.level}/{number}{partial}"


def parse_path(path: str) -> Tile:
    """Return the tile that stands at *path*; raise `Invalid` for anything but the one spelling of its path."""
    found = _PATH.fullmatch(path)
    if found:
        level, number, width = found.groups()
        tile = Tile(
            level=None if level == _ENTRIES else int(level),
            index=int(number.replace("x", "").replace("/", "")),
            width=WIDTH if width is None else int(width),
        )
        # A width of 256 in the name, or a group of zeros before the number, would be a second spelling.
        if tile.path == path and (tile.level or 0) <= _TOP:
            return tile
    raise Invalid(f"{path!r} is not the path of a tile.", "Write tile/0/x001/234, or tile/entries/000.p/5.", "path")


def width(level: int | None, index: int, size: int) -> int:
    """Return how wide tile *index* of *level* is in a tree of *size*; 0 when there is none."""
    hashes = size >> (HEIGHT * (level or 0))
    return max(0, min(WIDTH, hashes - index * WIDTH))


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield each tile of a tree of *size* that is not full yet at *since*: bundles first, then level by level."""
    yield from _row(None, size, since)
    level = 0
    while size >> (HEIGHT * level):
        yield from _row(level, size, since)
        level += 1


def _row(level: int | None, size: int, since: int) -> Iterator[Tile]:
    index = (since >> (HEIGHT * (level or 0))) // WIDTH
    while wide := width(level, index, size):
        yield Tile(level=level, index=index, width=wide)
        index += 1


def pack_bundle(entries: Sequence[bytes]) -> bytes:
    """Return *entries* as a bundle: the length of each in two bytes, big-endian, then its own; `Invalid` past that."""
    for raw in entries:
        if len(raw) > _MAX_ENTRY:
            raise Invalid(f"An entry of {len(raw)} bytes fits no bundle.", f"Keep it to {_MAX_ENTRY}.", "entries")
    return b"".join([len(raw).to_bytes(_LENGTH, "big") + raw for raw in entries])


def unpack_bundle(tile: Tile, data: bytes) -> list[bytes]:
    """Return the entries of the bundle *data*; raise `Corrupt` unless they are exactly as many as *tile* is wide."""
    entries: list[bytes] = []
    at = 0
    for number in range(tile.width):
        start = at + _LENGTH
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            where = tile.start + number
            raise Corrupt(f"{tile.path} is cut short, in entry {where}.", _REMEDY, where)
        entries.append(data[start:at])
    if at != len(data):
        end = tile.start + tile.width
        raise Corrupt(f"{tile.path} holds {len(data) - at} bytes after its last entry, {end - 1}.", _REMEDY, end)
    return entries


def unpack_hashes(tile: Tile, data: bytes) -> list[bytes]:
    """Return the hashes of the tile *data*; raise `Corrupt` unless they are exactly as many as *tile* is wide."""
    if len(data) != tile.width * _HASH:
        raise Corrupt(f"{tile.path} has {len(data)} bytes; {tile.width * _HASH} make it whole.", _REMEDY)
    return [data[at : at + _HASH] for at in range(0, len(data), _HASH)]
