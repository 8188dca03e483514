"""What a real Keycloak 26.5 and a real slapd 2.5 logged of a few changes (samples/), each in more than one log."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.engine import Engine
from watchword.watch.verdicts import Report

SAMPLES = Path(__file__).parent / "samples"
ADMIN = "cn=admin,dc=example,dc=test"
ANA, BEN = "uid=ana,dc=example,dc=test", "uid=ben,dc=example,dc=test"


def _report(name: str) -> Report:
    report = Engine().classify(name.partition("_")[0], (SAMPLES / name,))
    assert (report.rejected_lines, report.unknown_types) == (0, ())
    return report


@pytest.mark.parametrize("name", ["keycloak_events.jsonl", "keycloak_server.log"])
def test_keycloaks_api_and_its_log_tell_the_same(name: str) -> None:
    """Each change is one event in the answer of the API, and in the lines of the log."""
    actions = Counter(row.action for row in _report(name).verdicts)
    assert actions == Counter(
        {
            Canonical.ACCOUNT_CREATE: 2,
            Canonical.PASSWORD_CHANGE_SELF: 1,
            Canonical.RECOVERY_INFO_CHANGE: 1,
            Canonical.PASSWORD_RESET: 1,
            Canonical.ACCOUNT_LOCK: 1,
            Canonical.ACCOUNT_UNLOCK: 1,
            Canonical.FACTOR_RESET: 1,
            Canonical.PRIVILEGE_GRANT: 1,
            Canonical.SESSION_REVOKE: 1,
            Canonical.ACCOUNT_DELETE: 1,
        }
    )


@pytest.mark.parametrize("name", ["openldap_access.ldif", "openldap_audit.ldif", "openldap_stats.log"])
def test_the_three_logs_of_slapd_tell_the_same(name: str) -> None:
    """What each log can know of the same changes is the same; only one lacks refusals, and one lacks values."""
    rows = _report(name).verdicts
    found = {(row.action, row.actor, row.target) for row in rows if "attempt_failed" not in row.reasons}
    assert {
        (Canonical.PASSWORD_RESET, ADMIN, ANA),
        (Canonical.PASSWORD_RESET, ADMIN, BEN),
        (Canonical.PASSWORD_CHANGE_SELF, BEN, BEN),
        (Canonical.RECOVERY_INFO_CHANGE, ADMIN, ANA),
        (Canonical.ACCOUNT_UNLOCK, ADMIN, BEN),
        (Canonical.ACCOUNT_RENAME, ADMIN, ANA),
    } <= found
    assert ((Canonical.ACCOUNT_LOCK, ADMIN, BEN) in found) is (name != "openldap_stats.log")
    refused = [(row.actor, row.target) for row in rows if "attempt_failed" in row.reasons]
    assert refused == ([] if name == "openldap_audit.ldif" else [(BEN, ANA)])
