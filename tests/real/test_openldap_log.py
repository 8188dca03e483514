"""A real slapd: what is done to it, read back from each of its three logs."""

from __future__ import annotations

from tools.slapd_rig import ADMIN_DN, LOCKOUT_ATTEMPTS, Slapd
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.verdicts import Report


def _change(dn: str, *lines: str) -> str:
    return "\n".join([f"dn: {dn}", "changetype: modify", *lines, ""])


def _facts(report: Report, *targets: str) -> set[tuple[Canonical | None, str, str, bool]]:
    """Action, actor, target and whether it was done, of what happened to *targets* after they were made."""
    assert (report.rejected_lines, report.unknown_types) == (0, ())
    return {
        (row.action, row.actor, row.target, "attempt_failed" not in row.reasons)
        for row in report.verdicts
        if row.target in targets and row.action is not Canonical.ACCOUNT_CREATE
    }


def test_real_changes_are_right_events_in_every_log(slapd: Slapd) -> None:
    """Resets by attribute and by operation, a self change, an unlock, a refusal: the same in all three logs."""
    ana, ben = slapd.add_person("ana", "first"), slapd.add_person("ben", "first")
    assert slapd.modify(
        _change(ana, "replace: userPassword", "userPassword: second", "-", "replace: pwdReset", "pwdReset: TRUE")
    )
    assert slapd.set_password(ben, "second")
    assert slapd.set_password(ben, "third", dn=ben, password="second")
    assert slapd.modify(_change(ana, "replace: mail", "mail: other@example.test"))
    for _ in range(LOCKOUT_ATTEMPTS):
        assert not slapd.can_bind(ben, "wrong")
    assert not slapd.can_bind(ben, "third")
    assert slapd.modify(_change(ben, "delete: pwdAccountLockedTime"))
    assert slapd.can_bind(ben, "third")
    assert not slapd.modify(_change(ana, "replace: userPassword", "userPassword: evil"), dn=ben, password="third")
    assert slapd.modify(f"dn: {ana}\nchangetype: delete\n")

    done = {
        (Canonical.PASSWORD_RESET, ADMIN_DN, ana, True),
        (Canonical.PASSWORD_RESET, ADMIN_DN, ben, True),
        (Canonical.PASSWORD_CHANGE_SELF, ben, ben, True),
        (Canonical.RECOVERY_INFO_CHANGE, ADMIN_DN, ana, True),
        (Canonical.ACCOUNT_UNLOCK, ADMIN_DN, ben, True),
        (Canonical.ACCOUNT_DELETE, ADMIN_DN, ana, True),
    }
    refused = {(Canonical.PASSWORD_RESET, ben, ana, False)}
    # The policy overlay writes a lock as the root DN, and slapd's own lines do not have it.
    locked = {(Canonical.ACCOUNT_LOCK, ADMIN_DN, ben, True)}
    engine = Engine()
    assert _facts(engine.classify("openldap", (slapd.access_log(),)), ana, ben) == done | refused | locked
    assert _facts(engine.classify("openldap", (slapd.audit_log,)), ana, ben) == done | locked
    report = engine.classify("openldap", (slapd.stats_log,))
    assert _facts(report, ana, ben) == done | refused
    assert all(row.socket for row in report.verdicts)
    owner = [row.verdict for row in report.verdicts if row.action is Canonical.PASSWORD_CHANGE_SELF]
    assert owner == [Verdict.SELF_SERVICE]
