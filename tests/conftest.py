"""What holds for every test: nothing that one configures outlives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logging_of_its_own() -> Iterator[None]:
    """A command that was run in this process may have sent the log to a stream that is gone by now."""
    yield
    structlog.reset_defaults()
