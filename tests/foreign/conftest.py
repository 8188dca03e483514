"""Outsiders: a Go program of ours on top of modules that others wrote, and a log for it to read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.export import export
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.vault import KeyFile

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "example.test/ledger"
SIZE = 70_000
STREAM = 7
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Log:
    """An open ledger of 70,000 entries, and its export."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger = ledger
        self.folder = folder
        self.vkey = str(ledger.verifier)


def _missing(reason: str) -> None:
    """Skip, but never where everything must run (CI=true)."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"outsiders must read the ledger here: {reason}")
    pytest.skip(f"no outsider can read the ledger: {reason}")


@pytest.fixture(scope="session")
def go() -> Run:
    """Run Go in a folder, with what it downloads and builds kept in the project's own cache."""
    program = Path(sys.executable).with_name("go")
    if not program.exists():
        _missing("Go is not installed beside Python; `make setup-dev` does that")
    cache = ROOT / ".tools" / "go"
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(cache / "build"),
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GONOSUMDB": "*",  # sums stand in go.sum, and beside the one module that is not in it
        "GOPATH": str(cache),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }

    def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def outsider(go: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the Go program of ours, built from its pinned modules."""
    source = Path(__file__).parent / "outsider"
    fetched = go("mod", "download", folder=source)
    if fetched.returncode:
        _missing(f"its modules can not be had: {fetched.stderr.strip()}")
    program = tmp_path_factory.mktemp("outsider") / "outsider"
    built = go("build", "-o", str(program), ".", folder=source)
    assert built.returncode == 0, built.stderr

    def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], input=given, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def litewitness(go: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A witness that others wrote, built from its pinned modules; the first time takes a minute."""
    source = Path(__file__).parent / "outsider"
    program = tmp_path_factory.mktemp("witness") / "litewitness"
    built = go("build", "-o", str(program), "filippo.io/torchwood/cmd/litewitness", folder=source)
    if built.returncode:
        _missing(f"the witness can not be built: {built.stderr.strip()}")
    return program


@pytest.fixture(scope="session")
def module(go: Run) -> Callable[[str, str], Path]:
    """Fetch a module by path@version and return its folder; its sum is the second argument."""

    def fetch(name: str, checksum: str) -> Path:
        fetched = go("mod", "download", "-json", name, folder=Path(__file__).parent)
        if fetched.returncode:
            _missing(f"{name} can not be had: {fetched.stdout}{fetched.stderr}")
        said = json.loads(fetched.stdout)
        assert said["Sum"] == checksum
        return Path(said["Dir"])

    return fetch


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """A log of 70,000 entries: full tiles and partial ones on three levels."""
    home = tmp_path_factory.mktemp("log")
    keys = KeyFile.create(home / "payload.keys")
    url = f"sqlite:///{home / 'ledger.db'}"
    with closing(Ledger.open(url, SigningKey.generate(ORIGIN), keys, ORIGIN)) as ledger:
        streams = range(SIZE // STREAM)
        for first in streams[::200]:
            ledger.append(tuple(_case(stream) for stream in streams[first : first + 200]))
        export(ledger, home / "export")
        yield Log(ledger, home / "export")


def _case(stream: int) -> Append:
    drafts = tuple(
        Draft(
            type="case.noted",
            at=NOON + timedelta(milliseconds=stream * STREAM + version),
            actor="p-aaaaaaaaaaaaaaaaaaaa",
            data={"number": version, "words": "é" * (stream % 5)},
        )
        for version in range(STREAM)
    )
    return Append(stream=f"case/{stream}", expected_version=-1, drafts=drafts)
