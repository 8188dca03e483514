"""Okta: what the rules of others look for in its log: groups, applications that are sent passwords, agents, keys."""

from __future__ import annotations

import pytest

from watchword.core.identity_event import Canonical

from .conftest import Classify, Okta


@pytest.mark.parametrize(
    ("verb", "action"), [("add", Canonical.PRIVILEGE_GRANT), ("remove", Canonical.PRIVILEGE_REVOKE)]
)
def test_a_group_whose_name_says_so_lends_power(okta: Okta, classify: Classify, verb: str, action: Canonical) -> None:
    """Okta gives administrators' roles to groups; of a member the group's name alone says that it may have one."""
    ana = {"id": "00uana", "type": "User", "alternateId": "ana@example.test", "displayName": "Ana Admin"}
    group = {"id": "00g1", "type": "UserGroup", "alternateId": "unknown", "displayName": "Okta Administrators"}
    row = classify.one(okta(f"group.user_membership.{verb}", target=[ana, group]))
    assert (row.action, row.target, row.detail) == (action, "00uana", "Okta Administrators")
    plain = [[ana, {**group, "displayName": name}] for name in ("Canteen", "Root cause analysis")]
    for other in (*plain, [ana], None):
        report = classify([okta(f"group.user_membership.{verb}", target=other)], None)
        assert (report.verdicts, report.unknown_types) == ((), ())


def test_an_application_that_is_sent_passwords_is_told(okta: Okta, classify: Classify) -> None:
    """Whoever switches that on has each password as it is used; other changes of an application are let be."""
    said = {"result": "SUCCESS", "reason": "Pushing user passwords"}
    app = {"id": "0oa1", "type": "AppInstance", "alternateId": "Canteen", "displayName": "Canteen"}
    row = classify.one(okta("application.lifecycle.update", target=[app], outcome=said))
    assert (row.action, row.target) == (Canonical.TRUST_CHANGE, "0oa1")
    org = {**app, "displayName": "Okta Org2Org"}
    assert classify.one(okta("application.lifecycle.create", target=[org])).action == Canonical.TRUST_CHANGE
    assert not classify([okta("application.lifecycle.update", target=[app])], None).verdicts


@pytest.mark.parametrize(
    "kind",
    [
        "system.agent.ad.agent_instance_added",
        "system.agent.register",
        "system.idp.key.update",
        "network_zone.rule.disabled",
        "security.threat.configuration.update",
        "security.behavior.settings.delete",
        "oauth2.claim.created",
    ],
)
def test_whose_word_is_taken_is_no_mere_setting(okta: Okta, classify: Classify, kind: str) -> None:
    """An agent that answers for passwords, a provider's key, and what is asked of a sign-in that looks odd."""
    assert classify.one(okta(kind, target=None)).action == Canonical.TRUST_CHANGE
