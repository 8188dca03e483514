"""A sandbox whose clock a test turns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchword.directories.sandbox import Sandbox


class Clock:
    """A clock that stands still until a test turns it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def turn(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(tmp_path: Path, clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox.db", clock=clock) as sandbox:
        yield sandbox
