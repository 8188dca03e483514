"""A real Keycloak: what is done to it, read back from its event API and from its log."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tools.keycloak_rig import FAILURES, REALM, Keycloak
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.verdicts import Report


def _facts(report: Report, *targets: str) -> set[tuple[Canonical | None, bool, str]]:
    """Action, whether the owner did it, and target, of what happened to *targets*."""
    assert (report.rejected_lines, report.unknown_types) == (0, ())
    return {
        (row.action, row.verdict is Verdict.SELF_SERVICE, row.target)
        for row in report.verdicts
        if row.target in targets
    }


def test_real_changes_are_right_events(keycloak: Keycloak, tmp_path: Path) -> None:
    """A reset, a change by its owner, a new address, a lock-out and its end, a factor and a role: in API and log."""
    ana, ben = keycloak.add_person("ana", "first", temporary=True), keycloak.add_person("ben", "first")
    keycloak.change_password("ana", "first", "second")
    time.sleep(2.1)  # what follows the making of an account within two seconds is part of it
    users = f"/{REALM}/users"
    person = keycloak.admin("GET", f"{users}/{ben}")
    keycloak.admin("PUT", f"{users}/{ben}", person | {"email": "other@example.test"})
    keycloak.admin("PUT", f"{users}/{ben}/reset-password", {"type": "password", "value": "second", "temporary": False})
    for _ in range(FAILURES + 1):
        assert not keycloak.can_sign_in("ben", "wrong")
        time.sleep(0.3)
    assert not keycloak.can_sign_in("ben", "second")
    time.sleep(2.1)  # nor is the end of a lock-out part of the reset before it
    keycloak.admin("DELETE", f"/{REALM}/attack-detection/brute-force/users/{ben}")
    assert keycloak.can_sign_in("ben", "second")
    credential = keycloak.admin("GET", f"{users}/{ana}/credentials")[0]["id"]
    keycloak.admin("DELETE", f"{users}/{ana}/credentials/{credential}")
    role = keycloak.admin("GET", f"/{REALM}/roles")[0]
    keycloak.admin("POST", f"{users}/{ana}/role-mappings/realm", [{"id": role["id"], "name": role["name"]}])
    keycloak.admin("POST", f"{users}/{ana}/logout")
    keycloak.admin("DELETE", f"{users}/{ben}")

    answer = tmp_path / "events.json"
    events = keycloak.admin("GET", f"/{REALM}/events?max=1000") + keycloak.admin(
        "GET", f"/{REALM}/admin-events?max=1000"
    )
    answer.write_text(json.dumps(events))
    expected = {
        (Canonical.ACCOUNT_CREATE, False, ana),
        (Canonical.ACCOUNT_CREATE, False, ben),
        (Canonical.PASSWORD_CHANGE_SELF, True, ana),
        (Canonical.RECOVERY_INFO_CHANGE, False, ben),
        (Canonical.PASSWORD_RESET, False, ben),
        (Canonical.ACCOUNT_LOCK, False, ben),
        (Canonical.ACCOUNT_UNLOCK, False, ben),
        (Canonical.FACTOR_RESET, False, ana),
        (Canonical.PRIVILEGE_GRANT, False, ana),
        (Canonical.SESSION_REVOKE, False, ana),
        (Canonical.ACCOUNT_DELETE, False, ben),
    }
    assert _facts(Engine().classify("keycloak", (answer,)), ana, ben) == expected
    assert _facts(Engine().classify("keycloak", (keycloak.log,)), ana, ben) == expected
