"""One office is founded for the whole run; each test has a copy of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.office import Office


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office with everybody in it and nothing done yet; closed, to be copied."""
    office = Office.build(tmp_path_factory.mktemp("office"))
    office.close()
    return office


@pytest.fixture
def office(founded: Office, tmp_path: Path) -> Iterator[Office]:
    """A copy of the office for one test; whatever happened in it, the ledger is sound at the end."""
    office = founded.copy(tmp_path / "office")
    try:
        yield office
        if not office.tampered:
            office.fsck()
    finally:
        office.close()


@pytest.fixture(scope="session")
def signing(founded: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office whose policy asks for signatures; closed, to be copied."""
    office = founded.copy(tmp_path_factory.mktemp("signing") / "office")
    office.demand_signatures()
    office.close()
    return office


@pytest.fixture
def strict(signing: Office, tmp_path: Path) -> Iterator[Office]:
    """A copy of it for one test; the ledger is sound at the end."""
    office = signing.copy(tmp_path / "strict")
    try:
        yield office
        office.fsck()
    finally:
        office.close()
