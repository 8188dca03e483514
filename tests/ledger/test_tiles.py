"""The tile layout: paths in their one spelling, widths, bundles, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger.tiles import (
    Tile,
    pack_bundle,
    parse_path,
    tiles_of,
    unpack_bundle,
    unpack_hashes,
    width,
)

tiles = st.builds(
    Tile,
    level=st.one_of(st.none(), st.integers(0, 63)),
    index=st.one_of(st.integers(0, 3000), st.integers(0, 10**18 - 1)),
    width=st.integers(1, 256),
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=1234067), "tile/0/x001/x234/067"),
        (Tile(level=4, index=1234067, width=1), "tile/4/x001/x234/067.p/1"),
        (Tile(level=0, index=0, width=5), "tile/0/000.p/5"),
        (Tile(level=63, index=1000), "tile/63/x001/000"),
        (Tile(level=None, index=999, width=255), "tile/entries/999.p/255"),
    ],
)
def test_paths_are_those_of_the_format(tile: Tile, path: str) -> None:
    """The examples of the specification, written and read."""
    assert tile.path == path
    assert parse_path(path) == tile


@given(tiles)
def test_every_path_reads_back(tile: Tile) -> None:
    """What is written is read as the same tile."""
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0",
        "tile/0/0",
        "tile/0/000/",
        "/tile/0/000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/007",
        "tile/0/000.p/",
        "tile/0/000.p/5\n",
        "tile/8/0/000",
        "tile/data/000",
        "tile/0/../../checkpoint",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/" + "x001/" * 7 + "001",
    ],
)
def test_other_spellings_are_refused(path: str) -> None:
    """A path that is not the one spelling of a tile is `Invalid`."""
    with pytest.raises(Invalid, match="not the path of a tile"):
        parse_path(path)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"tile/[0-9a-z]{1,7}/[x0-9/]{0,20}(\.p/[0-9]{0,4})?")))
def test_a_path_is_refused_or_written_back(path: str) -> None:
    """Whatever text comes in, it is the path of the tile it is read as, or `Invalid`."""
    try:
        tile = parse_path(path)
    except Invalid:
        return
    assert tile.path == path


def test_the_tiles_of_seventy_thousand() -> None:
    """A log of 70,000 has 273 full tiles and one of 112 at the bottom, bundles like them, and two levels above."""
    found = [(t.level, t.index, t.width) for t in tiles_of(70_000)]
    row = [*((n, 256) for n in range(273)), (273, 112)]
    expected = [*((None, *each) for each in row), *((0, *each) for each in row), (1, 0, 256), (1, 1, 17), (2, 0, 1)]
    assert found == expected


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_tiles_since_are_those_not_full_then(one: int, other: int) -> None:
    """What a later size adds is every tile that was not full at the earlier one."""
    before, after = sorted((one, other))
    full = {tile for tile in tiles_of(before) if tile.full}
    assert list(tiles_of(after, since=before)) == [tile for tile in tiles_of(after) if tile not in full]


def test_no_tile_is_empty() -> None:
    """Nothing is served for no leaves, nor past the last one, nor above the root."""
    assert list(tiles_of(0)) == []
    assert [width(0, 0, 256), width(0, 1, 256), width(1, 0, 255), width(63, 0, 10**6), width(None, 1, 257)] == [
        256,
        0,
        0,
        0,
        1,
    ]


entries = st.lists(st.binary(max_size=300), min_size=1, max_size=256)


@given(entries)
def test_a_bundle_reads_back_and_nothing_shorter_or_longer(raws: list[bytes]) -> None:
    """Entries come out as they went in; a byte less, a byte more, another width are `Corrupt`."""
    tile = Tile(level=None, index=2, width=len(raws))
    data = pack_bundle(raws)
    assert unpack_bundle(tile, data) == raws
    for wrong in (data[:-1], data + b"\0", b""):
        with pytest.raises(Corrupt, match="tile/entries/002"):
            unpack_bundle(tile, wrong)
    if len(raws) < 256:
        with pytest.raises(Corrupt, match="cut short"):
            unpack_bundle(Tile(level=None, index=2, width=len(raws) + 1), data)


@given(st.binary(max_size=2000), st.integers(1, 256))
def test_any_bytes_are_a_bundle_or_corrupt(data: bytes, wide: int) -> None:
    """Whatever bytes come in, they are written back the same, or `Corrupt`."""
    try:
        raws = unpack_bundle(Tile(level=None, index=0, width=wide), data)
    except Corrupt:
        return
    assert pack_bundle(raws) == data


def test_an_entry_too_long_fits_no_bundle() -> None:
    """65,535 bytes are the most; one more is `Invalid`."""
    assert len(pack_bundle([b"x" * 65_535])) == 65_537
    with pytest.raises(Invalid):
        pack_bundle([b"x" * 65_536])


@given(st.binary(max_size=9000), st.integers(1, 256))
def test_a_hash_tile_has_its_own_size(data: bytes, wide: int) -> None:
    """Bytes are as many hashes as the tile is wide, or `Corrupt`."""
    tile = Tile(level=1, index=0, width=wide)
    if len(data) == 32 * wide:
        assert b"".join(unpack_hashes(tile, data)) == data
    else:
        with pytest.raises(Corrupt, match="bytes"):
            unpack_hashes(tile, data)


def test_hashes_of_a_tile_are_cut_right() -> None:
    """A full tile is 8192 bytes: 256 hashes in order."""
    hashes = [bytes([n]) * 32 for n in range(256)]
    assert unpack_hashes(Tile(level=0, index=0), b"".join(hashes)) == hashes
