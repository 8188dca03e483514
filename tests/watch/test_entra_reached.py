"""Entra: what the rules of others look for among its audits: groups, risk, consent, licences, customers' sign-in."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical

from .conftest import Classify
from .test_entra_samples import ANA, _audit
from .test_unified_audit import _row

GRANT, REVOKE = Canonical.PRIVILEGE_GRANT, Canonical.PRIVILEGE_REVOKE
TEAM = "33333333-cccc-4ccc-8ccc-000000000001"


def _changes(**values: tuple[str | None, str | None]) -> list[dict[str, Any]]:
    return [
        {"displayName": name.replace("_", "."), "oldValue": old, "newValue": new} for name, (old, new) in values.items()
    ]


def _of_group(activity: str, name: str, *, by_title: bool = False) -> dict[str, Any]:
    """Who is in a group changes: its name is among what changed of the member, or with the group itself."""
    quoted = f'"{name}"'
    before_after = (quoted, None) if activity.startswith("Remove") else (None, quoted)
    changed = [] if by_title else _changes(Group_ObjectID=(None, f'"{TEAM}"'), Group_DisplayName=before_after)
    return _audit(
        activity,
        targetResources=[
            {"id": ANA, "type": "User", "userPrincipalName": "ana@example.test", "modifiedProperties": changed},
            {"id": TEAM, "type": "Group", "displayName": name if by_title else None, "modifiedProperties": []},
        ],
    )


@pytest.mark.parametrize(
    ("activity", "action"),
    [
        ("Add member to group", GRANT),
        ("Add owner to group", GRANT),
        ("Remove member from group", REVOKE),
        ("Remove owner from group", REVOKE),
    ],
)
@pytest.mark.parametrize("by_title", [False, True], ids=["among changes", "with the group"])
def test_a_group_whose_name_says_so_lends_power(
    classify: Classify, activity: str, action: Canonical, by_title: bool
) -> None:
    """A role may be the whole group's, and the audit of a member does not say so: the name does, as in other logs."""
    row = classify.one(_of_group(activity, "Helpdesk Administrators", by_title=by_title), provider="entra")
    assert (row.action, row.target, row.detail) == (action, ANA, "Helpdesk Administrators")
    for other in ("Canteen", "Root cause analysis"):
        report = classify([_of_group(activity, other, by_title=by_title)], None, provider="entra")
        assert (report.verdicts, report.unknown_types) == ((), ())


@pytest.mark.parametrize("activity", ["Add member to group", "Add owner to group"])
def test_a_machine_in_such_a_group_is_nobody_who_is_given_power(classify: Classify, activity: str) -> None:
    """What is set on machines goes by groups of them, which are named for whoever they are meant for."""
    event = _of_group(activity, "Workstations of administrators")
    event["targetResources"][0] |= {"type": "Device", "userPrincipalName": None}
    report = classify([event], None, provider="entra")
    assert (report.verdicts, report.unknown_types) == ((), ())


@pytest.mark.parametrize("activity", ["DismissUser", "ConfirmSafe"])
def test_whoever_is_taken_for_safe_again_is_let_in_again(classify: Classify, activity: str) -> None:
    """An account that a policy keeps out for its risk comes in once somebody says that there is none."""
    row = classify.one(_audit(activity), provider="entra")
    assert (row.action, row.target) == (Canonical.ACCOUNT_UNLOCK, ANA)


@pytest.mark.parametrize(("kind", "actions"), [("AllPrincipals", [Canonical.APPLICATION_CONSENT]), ("Principal", [])])
def test_what_an_application_may_do_for_everybody_is_consent(classify: Classify, kind: str, actions: list[str]) -> None:
    """Given by a call of Graph it has no record of consent beside it; one person's has."""
    changed = _changes(DelegatedPermissionGrant_ConsentType=(None, f'"{kind}"'))
    event = _audit(
        "Add delegated permission grant",
        targetResources=[{"id": TEAM, "type": "ServicePrincipal", "modifiedProperties": changed}],
    )
    report = classify([event], None, provider="entra")
    assert ([row.action for row in report.verdicts], report.unknown_types) == (actions, ())


FULL = "[SkuName=E5, DisabledPlans=[]]"
BARE = "[SkuId=5, DisabledPlans=[M365_ADVANCED_AUDITING]]"
LESS = "[SkuName=E5, DisabledPlans=[FORMS_PLAN_E5,M365_ADVANCED_AUDITING]]"


@pytest.mark.parametrize(
    ("old", "new", "actions"),
    [
        (FULL, LESS, [Canonical.LOG_TAMPERED]),
        (FULL, BARE, [Canonical.LOG_TAMPERED]),
        (LESS, LESS, []),
        (LESS, FULL, []),
        (None, FULL, []),
        # Who never had the plan does not lose it.
        (None, LESS, []),
        ("[SkuName=FREE, DisabledPlans=[]]", LESS, []),
        (f"[SkuName=FREE, DisabledPlans=[]], {FULL}", LESS, [Canonical.LOG_TAMPERED]),
    ],
)
def test_a_plan_taken_off_makes_the_log_less(
    classify: Classify, old: str | None, new: str, actions: list[Canonical]
) -> None:
    """Whoever loses the plan of audit has no longer written down which mail was opened, in either log."""
    target = {"id": ANA, "type": "User", "modifiedProperties": _changes(AssignedLicense=(old, new))}
    report = classify([_audit("Change user license", targetResources=[target])], None, provider="entra")
    assert [row.action for row in report.verdicts] == actions
    told = [{"Name": "additionalDetails", "Value": f'{{"OldValue":["{old}"],"NewValue":["{new}"]}}'}]
    report = classify([_row("Change user license.", ExtendedProperties=told)], None, provider="entra")
    assert [row.action for row in report.verdicts] == actions


@pytest.mark.parametrize(
    ("activity", "action"),
    [
        ("Update custom policy", Canonical.TRUST_CHANGE),
        ("Upload key to policy key", Canonical.TRUST_CHANGE),
        ("Create authenticationEventListener", Canonical.TRUST_CHANGE),
        ("Update local identity provider", Canonical.TRUST_CHANGE),
        ("Add a group to feature rollout", Canonical.TRUST_CHANGE),
        ("Tenant joining MultiTenantOrg tenant", Canonical.TRUST_CHANGE),
        ("Tenant offboarded from PIM", Canonical.TRUST_CHANGE),
        ("Disable PIM alert", Canonical.LOG_TAMPERED),
    ],
)
def test_what_is_asked_of_everybody_is_no_mere_setting(classify: Classify, activity: str, action: Canonical) -> None:
    """Customers sign in by policies, flows and keys of their own, which are as much as those of the staff."""
    assert classify.one(_audit(activity), provider="entra").action == action
