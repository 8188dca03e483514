"""One office is founded for the whole run; each test has a copy of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.desk.office import Office
from tests.ledger.conftest import postgresql

__all__ = ["postgresql"]


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


@pytest.fixture
def shared(tmp_path: Path, postgresql: str) -> Iterator[tuple[Office, Office]]:
    """Two Watchwords on one PostgreSQL ledger and one directory."""
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(b"DROP SCHEMA IF EXISTS desk CASCADE")
        connection.execute(b"CREATE SCHEMA desk")
    one = Office.build(tmp_path / "office", f"{postgresql}&options=-csearch_path%3Ddesk")
    other = Office(one.home, one.keys)
    try:
        yield one, other
    finally:
        one.close()
        other.close()


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
