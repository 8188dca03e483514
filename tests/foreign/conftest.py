"""Programs that nobody here wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

ORIGIN = "example.test/ledger"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def litewitness() -> Path:
    """The witness program."""
    return Path("/tmp/gp/bin/litewitness")
