"""Google Cloud: who gets past its proxy and its conditions, what its policies forbid, and keys to its machines."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical

from .conftest import Classify
from .test_google_cloud import _entry, _iam

CONDITIONS = "google.identity.accesscontextmanager.v1.AccessContextManager."
POLICY = "google.cloud.orgpolicy.v2.OrgPolicy."
PROXY = "google.cloud.iap.v1.IdentityAwareProxyAdminService."


@pytest.mark.parametrize(
    ("service", "method", "payload", "is_told"),
    [
        ("iap", f"{PROXY}UpdateIapSettings", {}, True),
        ("iap", f"{PROXY}GetIapSettings", {}, False),
        ("accesscontextmanager", f"{CONDITIONS}UpdateAccessLevel", {}, True),
        ("accesscontextmanager", f"{CONDITIONS}ReplaceAccessLevels", {}, True),
        ("accesscontextmanager", f"{CONDITIONS}DeleteGcpUserAccessBinding", {}, True),
        ("accesscontextmanager", f"{CONDITIONS}DeleteAccessPolicy", {}, True),
        ("accesscontextmanager", f"{CONDITIONS}UpdateServicePerimeter", {}, False),
        (
            "orgpolicy",
            f"{POLICY}DeletePolicy",
            {"resourceName": "organizations/1/policies/iam.disableServiceAccountKeyCreation"},
            True,
        ),
        (
            "orgpolicy",
            f"{POLICY}CreatePolicy",
            {"request": {"policy": {"name": "projects/1/policies/compute.requireOsLogin"}}},
            True,
        ),
        ("orgpolicy", f"{POLICY}UpdatePolicy", {}, True),
        (
            "orgpolicy",
            f"{POLICY}UpdatePolicy",
            {"resourceName": "organizations/1/policies/compute.vmExternalIpAccess"},
            False,
        ),
        ("orgpolicy", f"{POLICY}GetPolicy", {"resourceName": "organizations/1/policies/iam.x"}, False),
        (
            "cloudresourcemanager",
            "SetOrgPolicy",
            {"request": {"policy": {"constraint": "constraints/iam.allowedPolicyMemberDomains"}}},
            True,
        ),
        (
            "cloudresourcemanager",
            "ClearOrgPolicy",
            {"request": {"constraint": "constraints/compute.trustedImageProjects"}},
            False,
        ),
    ],
)
def test_what_says_who_gets_in_is_told(
    classify: Classify, service: str, method: str, payload: dict[str, Any], *, is_told: bool
) -> None:
    """A policy of the organisation counts where it is about identities, or does not say what it is about."""
    report = classify([_entry(method, service, **payload)], None, provider="google")
    expected = [(Canonical.TRUST_CHANGE, "admin@example.test", "")] if is_told else []
    assert [(row.action, row.actor, row.target) for row in report.verdicts] == expected
    assert report.unknown_types == ()


@pytest.mark.parametrize(
    ("role", "action"), [("roles/iap.admin", Canonical.PRIVILEGE_GRANT), ("roles/iap.httpsResourceAccessor", None)]
)
def test_who_may_change_the_proxy_has_power(classify: Classify, role: str, action: Canonical | None) -> None:
    """Who may pass it is given an application; who administers it says who may."""
    deltas = [{"action": "ADD", "role": role, "member": "user:ana@example.test"}]
    event = _entry(f"{PROXY}SetIamPolicy", "iap", serviceData={"policyDelta": {"bindingDeltas": deltas}})
    report = classify([event], None, provider="google")
    expected = [] if action is None else [(action, "ana@example.test")]
    assert [(row.action, row.target) for row in report.verdicts] == expected
    assert report.unknown_types == ()


@pytest.mark.parametrize(
    ("method", "payload", "is_told"),
    [
        (
            "v1.compute.projects.setCommonInstanceMetadata",
            {"metadata": {"projectMetadataDelta": {"modifiedMetadataKeys": ["ssh-keys"]}}},
            True,
        ),
        (
            "v1.compute.instances.setMetadata",
            {"metadata": {"instanceMetadataDelta": {"addedMetadataKeys": ["startup-script", "ssh-keys"]}}},
            True,
        ),
        ("v1.compute.instances.setMetadata", {"request": {"Metadata Keys Added": ["sshKeys"]}}, True),
        (
            "v1.compute.instances.setMetadata",
            {"metadata": {"instanceMetadataDelta": {"addedMetadataKeys": ["startup-script"]}}},
            False,
        ),
        (
            "v1.compute.instances.setMetadata",
            {"metadata": {"instanceMetadataDelta": {"deletedMetadataKeys": ["ssh-keys"]}}},
            False,
        ),
        ("v1.compute.instances.setMetadata", {"metadata": {"instanceMetadataDelta": {"addedMetadataKeys": 7}}}, False),
    ],
)
def test_a_key_among_a_machine_s_values_lets_in(
    classify: Classify, method: str, payload: dict[str, Any], *, is_told: bool
) -> None:
    """Beside OS Login, whoever has a key there signs in to the machine, or to all of the project."""
    event = _entry(method, "compute", resourceName="projects/project-1", **payload)
    report = classify([event], None, provider="google")
    expected = [(Canonical.TOKEN_REISSUE, "admin@example.test", "projects/project-1")] if is_told else []
    assert [(row.action, row.actor, row.target) for row in report.verdicts] == expected
    assert report.unknown_types == ()


@pytest.mark.parametrize("method", ["UpdateRole", "UndeleteRole"])
def test_a_role_that_may_do_more_gives_it_to_all_that_have_it(classify: Classify, method: str) -> None:
    """What a role of one's own may do is changed where it is kept, and nobody is bound anew; a new one nobody has."""
    role = "projects/sample/roles/support"
    row = classify.one(_iam(method, resourceName=role, resource={"type": "iam_role"}), provider="google")
    assert (row.action, row.detail) == (Canonical.PRIVILEGE_GRANT, role)
    new = _iam("CreateRole", resourceName="projects/sample", resource={"type": "iam_role"})
    assert classify([new], None, provider="google").verdicts == ()
