"""What holds for every test: nothing that one configures outlives it, and who shares a server shares a process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import argon2
import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from watchword.desk import people

for width in ("COLUMNS", "LINES"):  # of whoever runs the tests: what no terminal reads is not folded
    os.environ.pop(width, None)

people._hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
people._NOBODY = people._hasher.hash("nobody has this password")
"""Some thousand tests sign somebody in; what a guess costs is a test of its own, in tests/desk/test_sign_in.py."""

# No property is about how long it took, whatever else this machine has to do; what a fixture holds between examples is
# for the test to see to. What else Hypothesis chose (in CI the same examples each time) stays.
settings.register_profile(
    "untimed",
    settings.default,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
settings.load_profile("untimed")

TOGETHER = ("tests/real/", "tests/foreign/")
"""Samba, slapd and Keycloak answer on fixed ports of loopback, and what is built of Go is built once."""


@pytest.fixture(autouse=True)
def logging_of_its_own() -> Iterator[None]:
    """A command that was run in this process may have sent the log to a stream that is gone by now."""
    yield
    structlog.reset_defaults()


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """With several processes a file stays in one, so that what it set up is set up once; so do those of TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((kept for kept in TOGETHER if file.startswith(kept)), file)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every process has the same tests in the same order, and a set has another one in each."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        if len(mark.args) > 1 and isinstance(mark.args[1], (set, frozenset)):
            pytest.fail(f"{metafunc.definition.nodeid} goes through a set: sort it.", pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes one process longest comes first, so that the others are not done long before it."""
    items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """What hands tests to processes."""
    return ByFile(config, log)
