"""The ledger's files over HTTP: open to monitors, entries to those who may read evidence, full tiles cached."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.api.organisation import BEGINNING, Organisation
from watchword.app import App
from watchword.core.person import Kind
from watchword.ledger.checkpoint import verify
from watchword.ledger.export import export
from watchword.ledger.merkle import hash_leaf, root_of
from watchword.ledger.tiles import Tile, parse_path, tiles_of, unpack_bundle, unpack_hashes
from watchword.settings import load

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def large(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an organisation whose ledger has more than one full tile."""
    home = shutil.copytree(founded, tmp_path_factory.mktemp("large") / "home")
    with App(load(home / "watchword.toml"), clock=lambda: BEGINNING) as app:
        root = app.names.person("root")
        while app.ledger.size <= 256:
            login = f"person-{app.ledger.size}"
            app.people.register(root, login=login, name=login, kind=Kind.EMPLOYEE, unit="", at=BEGINNING)
    return home


@pytest.fixture
def grown(large: Path, tmp_path: Path) -> Iterator[Organisation]:
    """A copy of it, served."""
    made = Organisation(shutil.copytree(large, tmp_path / "large"))
    with made.open:
        yield made


def test_a_monitor_rebuilds_the_root_without_a_session(grown: Organisation) -> None:
    """Checkpoint and hash tiles are open, of the right type and size; full ones alone are cached, for ever."""
    monitor = grown.client()
    answer = monitor.get("/ledger/checkpoint")
    checkpoint = verify(answer.text, grown.app.ledger.verifier)
    assert checkpoint.size == grown.app.ledger.size
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    leaves: list[bytes] = []
    for tile in tiles_of(checkpoint.size):
        if tile.level is None:
            continue
        answer = monitor.get(f"/ledger/{tile.path}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == (FOR_EVER if tile.full else "no-store")
        assert "set-cookie" not in answer.headers
        hashes = unpack_hashes(tile, answer.content)
        if tile.level == 0:
            leaves.extend(hashes)
        else:
            assert hashes == [root_of(leaves[:256])]
    assert root_of(leaves) == checkpoint.root
    narrower = monitor.get("/ledger/tile/0/000.p/7")
    assert narrower.content == b"".join(leaves[:7])


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/0/001.p/255",
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/x000/000",
        "tile/99/000",
        "tile/0/..%2f..%2fcheckpoint",
        "tile/8/0/000",
        "tile/nonsense",
        "tile",
        "",
        "checkpoint.12",
    ],
)
def test_beyond_the_size_there_is_nothing(grown: Organisation, path: str) -> None:
    """A tile wider or further than the ledger, or of another spelling, is a 404 as problem details, and not cached."""
    answer = grown.client().get(f"/ledger/{path}", follow_redirects=False)
    assert answer.status_code == 404, answer.text
    assert answer.headers["cache-control"] == "no-store"
    if path.startswith("tile/"):
        assert answer.headers["content-type"] == "application/problem+json"


def test_entries_are_for_those_who_may_read_evidence(grown: Organisation) -> None:
    """Nobody signed in: 401. Without the right: 404. With it: the entries, which nobody keeps a copy of on the way."""
    path = "/ledger/tile/entries/000"
    assert grown.client().get(path).status_code == 401
    assert grown.sign_in("nobody").client.get(path).status_code == 404
    answer = grown.sign_in("rafael").client.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    raws = unpack_bundle(Tile(level=None, index=0), answer.content)
    assert [hash_leaf(raw) for raw in raws] == unpack_hashes(
        parse_path("tile/0/000"), grown.client().get("/ledger/tile/0/000").content
    )
    assert grown.sign_in("rafael").client.get("/ledger/tile/entries/009").status_code == 404


@pytest.fixture
def public(grown: Organisation) -> Iterator[httpx2.Client]:
    """Anybody's browser, where the settings open the entries."""
    grown.open.close()
    settings = grown.home / "watchword.toml"
    settings.write_text(settings.read_text().replace("public_entries = false", "public_entries = true"))
    opened = Organisation(grown.home)
    with opened.open:
        yield opened.client()


def test_entries_are_open_where_the_settings_say_so(public: httpx2.Client) -> None:
    """With `ledger.public_entries` anybody reads them, and caches keep full bundles."""
    whole, part = public.get("/ledger/tile/entries/000"), public.get("/ledger/tile/entries/000.p/3")
    assert len(unpack_bundle(Tile(level=None, index=0), whole.content)) == 256
    assert whole.headers["cache-control"] == FOR_EVER
    assert whole.content.startswith(part.content)
    assert part.headers["cache-control"] == "no-store"


def test_what_is_served_is_what_is_exported(grown: Organisation, tmp_path: Path) -> None:
    """The folder of an export and the answers of the console are the same, file by file."""
    export(grown.app.ledger, tmp_path / "out")
    reader = grown.sign_in("rafael").client
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert len(files) == 1 + len(list(tiles_of(grown.app.ledger.size)))
    for file in files:
        path = file.relative_to(tmp_path / "out").as_posix()
        assert reader.get(f"/ledger/{path}").content == file.read_bytes()
