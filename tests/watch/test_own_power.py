"""Power that somebody gave themself: whoever holds an account may, and an intruder who holds it does."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from . import test_cloudtrail as aws
from . import test_entra as entra
from . import test_github as github
from .conftest import Classify, Okta

ROLE = "Add member to role"


def _role(activity: str, who: str) -> dict[str, Any]:
    audit = entra._audit(activity, category="RoleManagement")
    audit["initiatedBy"]["user"] = entra._user(who, "mara")
    audit["targetResources"][0] |= {"id": who, "userPrincipalName": "mara@example.test"}
    return audit


@pytest.mark.parametrize(
    ("provider", "event", "verdict"),
    [
        ("cloudtrail", aws.call("AttachUserPolicy", {"userName": "mara"}), Verdict.UNVERIFIED),
        ("cloudtrail", aws.call("AddUserToGroup", {"userName": "mara", "groupName": "admins"}), Verdict.UNVERIFIED),
        ("entra", _role(ROLE, entra.ADMIN), Verdict.UNVERIFIED),
        ("entra", _role(f"{ROLE} outside of PIM (permanent)", entra.ADMIN), Verdict.UNVERIFIED),
        # What PIM holds ready for somebody was given before; that they take it up is their own affair.
        ("entra", _role(f"{ROLE} completed (PIM activation)", entra.ADMIN), Verdict.SELF_SERVICE),
        ("github", github.entry("org.update_member", permission="admin", user="mara", user_id=11), Verdict.UNVERIFIED),
        # An invitation was somebody else's.
        ("github", github.entry("org.add_member", permission="admin", user="mara", user_id=11), Verdict.SELF_SERVICE),
    ],
)
def test_power_given_to_oneself_owes_evidence(
    classify: Classify, provider: str, event: dict[str, Any], verdict: Verdict
) -> None:
    """It is no self-service, but where somebody else gave it before."""
    (row,) = classify([event], None, provider=provider).verdicts
    assert (row.action, row.verdict) == (Canonical.PRIVILEGE_GRANT, verdict)


def test_by_whichever_of_ones_names(classify: Classify, okta: Okta) -> None:
    """Who the log shows under the same name twice is one person, and gave it to themself all the same."""
    (row,) = classify([okta("user.account.privilege.grant", actor="00umara", target="00umara")], None).verdicts
    assert (row.action, row.verdict) == (Canonical.PRIVILEGE_GRANT, Verdict.UNVERIFIED)
