"""OCSF: what Okta said goes to its own provider where OCSF's class says less."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from .conftest import NOON, Classify

AGENT = {"uid": "00uagent", "name": "Agent (sample)", "email_addr": "agent@example.test", "type": "User"}
ANA = {"uid": "00uana", "name": "Ana (sample)", "email_addr": "ana@example.test", "type": "User"}


def _event(kind: int, code: str, **members: Any) -> dict[str, Any]:
    return {
        "class_uid": kind // 100,
        "activity_id": kind % 100,
        "metadata": {"uid": "e-1", "event_code": code, "product": {"name": "Okta System Log", "vendor_name": "Okta"}},
        "actor": {"user": AGENT, "session": {"uid": "s-1"}},
        "src_endpoint": {"ip": "198.51.100.7", "location": {"country": "Germany"}},
        "status": "Success",
        "status_id": 1,
        "time": int(NOON.timestamp() * 1000),
        "unmapped": {"transaction": {"id": "t-1"}},
        **members,
    }


@pytest.mark.parametrize(
    ("kind", "code", "members", "action", "target"),
    [
        (300301, "user.session.impersonation.grant", {"user": ANA}, Canonical.IMPERSONATION_START, "00uana"),
        (
            300401,
            "policy.lifecycle.create",
            {"entity": {"type": "Policy", "policy": {"uid": "p-1", "name": "No factors"}}},
            Canonical.TRUST_CHANGE,
            "p-1",
        ),
        (
            300699,
            "group.privilege.grant",
            {"group": {"uid": "g-1", "name": "Helpdesk", "type": "UserGroup"}},
            Canonical.PRIVILEGE_GRANT,
            "g-1",
        ),
    ],
)
def test_what_okta_said_is_read_where_the_class_says_less(
    classify: Classify, kind: int, code: str, members: dict[str, Any], action: Canonical, target: str
) -> None:
    """A right of a session, a thing or a group that was changed is what Okta's own type says of it."""
    row = classify.one(_event(kind, code, **members), provider="ocsf")
    assert (row.action, row.native_action, row.actor, row.target) == (action, code, "00uagent", target)
    assert (row.at, row.address, row.country, row.outcome) == (NOON, "198.51.100.7", "Germany", "SUCCESS")


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ({"time": int(NOON.timestamp())}, NOON),
        ({"time": int(NOON.timestamp() * 1_000_000)}, NOON),
        ({"time": None, "time_dt": "2026-03-02T13:00:00+01:00"}, NOON),
        ({"time": "2026-03-02T12:00:00Z"}, NOON),
    ],
)
def test_its_time_is_read_as_that_of_the_rest(classify: Classify, time: dict[str, Any], said: Any) -> None:
    """Writers have seconds, microseconds or text where OCSF has milliseconds."""
    row = classify.one(_event(300699, "group.privilege.grant", group={"uid": "g-1"}, **time), provider="ocsf")
    assert row.at == said


@pytest.mark.parametrize(
    "members",
    [
        {"metadata": {"event_code": "user.session.impersonation.grant"}},
        {"metadata": {"event_code": "4624", "product": {"vendor_name": "Okta"}}},
        {"metadata": {"event_code": 7.5, "product": {"vendor_name": "Okta"}}},
        {"metadata": {"event_code": "a.b", "product": {"vendor_name": ["Okta"]}}},
        {"metadata": "Okta"},
    ],
)
def test_a_record_of_another_vendor_stays_what_its_class_says(classify: Classify, members: dict[str, Any]) -> None:
    """Such a type is Okta's only where the record says whose it is."""
    report = classify([_event(300301, "x", user=ANA, **members)], None, provider="ocsf")
    assert ([one.native for one in report.types], report.rejected_lines) == (["3003/1"], 0)


def test_a_lock_is_done_though_the_sign_in_failed(classify: Classify) -> None:
    """Okta says of a lock how the sign-in ended that led to it; and nobody locks themselves out."""
    failed = {"actor": {"user": ANA}, "user": ANA, "status": "Failure", "status_id": 2}
    for code in ("user.account.lock", "user.account.lock.limit"):
        row = classify.one(_event(300109, code, **failed), provider="ocsf")
        assert (row.action, row.target, row.outcome) == (Canonical.ACCOUNT_LOCK, "00uana", "FAILURE")
        assert row.verdict is not Verdict.SELF_SERVICE
        assert row.reasons != ("attempt_failed",)
    row = classify.one(_event(300109, "4740", **failed), provider="ocsf")
    assert row.reasons == ("attempt_failed",)
