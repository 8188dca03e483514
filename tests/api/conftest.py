"""A fresh organisation for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.organisation import Organisation, found


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder every organisation is copied from: founding one costs a second of password hashing."""
    home = tmp_path_factory.mktemp("founded") / "home"
    found(home)
    return home


@pytest.fixture
def organisation(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """A fresh organisation."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    made = Organisation(home)
    with made.open:
        yield made
