"""Workloads: an enrolment says which account the software runs as."""

from __future__ import annotations

import pytest

from tests.core.sample import ACCOUNT, NOON
from watchword.core.person import Credential
from watchword.core.workload import runs_as


def enrolled(public: str, method: str = "workload") -> Credential:
    """An enrolment that holds *public*."""
    return Credential(id="w-1", method=method, enrolled_at=NOON, public=public)


def test_a_workload_runs_as_its_account() -> None:
    """What stands in the enrolment is the pseudonym of the account."""
    assert runs_as(enrolled(f'{{"account":"{ACCOUNT}"}}')) == ACCOUNT


@pytest.mark.parametrize(
    "other",
    [
        enrolled(f'{{"account":"{ACCOUNT}"}}', method="passkey"),
        enrolled(""),
        enrolled("{}"),
        enrolled(f'{{"account":"{ACCOUNT}","subject":"somebody"}}'),
        enrolled("[" * 100_000),
        enrolled('{"account":"\ud800"}'),
    ],
)
def test_what_is_no_workload_runs_as_nothing(other: Credential) -> None:
    """Another method, and material that is not one of ours, whole."""
    assert runs_as(other) is None
