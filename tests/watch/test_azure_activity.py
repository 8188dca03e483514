"""Azure's own activity log: roles over what is rented, the way in to it, and where its logs are sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical

from .conftest import Classify

GRANT, REVOKE, TAMPERED = Canonical.PRIVILEGE_GRANT, Canonical.PRIVILEGE_REVOKE, Canonical.LOG_TAMPERED
SUBSCRIPTION = "/subscriptions/44444444-dddd-4ddd-8ddd-000000000001"
ASSIGNMENT = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/a-1"
OWNER, READER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
BO = "11111111-aaaa-4aaa-8aaa-00000000000b"
OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def _event(operation: str, place: str = SUBSCRIPTION, result: str = "Success", **properties: Any) -> dict[str, Any]:
    return {
        "time": "2026-03-02T12:00:00.1234567Z",
        "resourceId": place.upper(),
        "operationName": operation.upper(),
        "category": "Administrative",
        "resultType": result,
        "callerIpAddress": "198.51.100.7",
        "correlationId": "c-1",
        "identity": {"claims": {OBJECT: "o-1"}},
        "properties": {"eventCategory": "Administrative", **properties},
    }


def _asked(role: str) -> str:
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return json.dumps({"Id": "a-1", "Properties": {"PrincipalId": BO, "RoleDefinitionId": definition}})


WRITE = "Microsoft.Authorization/roleAssignments/write"


def _of_log_analytics(event: dict[str, Any]) -> dict[str, Any]:
    """*event* as a row of `AzureActivity`."""
    return {
        "TimeGenerated": event["time"],
        "OperationNameValue": event["operationName"],
        "CategoryValue": event["category"],
        "ActivityStatusValue": event["resultType"],
        "CallerIpAddress": event["callerIpAddress"],
        "CorrelationId": event["correlationId"],
        "Claims": json.dumps(event["identity"]["claims"]),
        "Properties": json.dumps(event["properties"]),
        "_ResourceId": event["resourceId"].lower(),
    }


def _of_elastic(event: dict[str, Any]) -> dict[str, Any]:
    """*event* as Elastic's integration has it, which parses what was asked for."""
    inner = {
        name: json.loads(each) if name.lower().endswith("body") else each for name, each in event["properties"].items()
    }
    return {
        "@timestamp": event["time"],
        "event": {"action": event["operationName"], "outcome": "success"},
        "source": {"ip": event["callerIpAddress"]},
        "azure": {
            "correlation_id": event["correlationId"],
            "resource": {"id": event["resourceId"]},
            "activitylogs": {
                "operation_name": event["operationName"],
                "category": "Administrative",
                "result_type": event["resultType"],
                "identity": {"claims": {OBJECT.replace(".", "_"): "o-1"}},
                "properties": inner,
            },
        },
    }


@pytest.mark.parametrize("handed", [dict, _of_log_analytics, _of_elastic], ids=["hub", "log analytics", "elastic"])
def test_who_is_given_a_role_over_all_of_it_has_power(classify: Classify, handed: Any) -> None:
    """Who owns a subscription or says who does; whoever may look at it has none."""
    row = classify.one(handed(_event(WRITE, ASSIGNMENT, responseBody=_asked(OWNER))), provider="entra")
    assert (row.action, row.target, row.actor, row.address) == (GRANT, BO, "o-1", "198.51.100.7")
    assert row.detail == f"{OWNER} {SUBSCRIPTION}"
    report = classify([handed(_event(WRITE, ASSIGNMENT, responseBody=_asked(READER)))], None, provider="entra")
    assert (report.verdicts, report.unknown_types, report.rejected_lines) == ((), (), 0)


def test_how_it_ended_is_told_of_what_was_asked_for(classify: Classify) -> None:
    """What was asked for stands where it began alone; where that is not there, it may be any role, of anybody."""
    began = _event(WRITE, ASSIGNMENT, "Start", requestbody=_asked(OWNER))
    other = _event(WRITE, ASSIGNMENT[:-1] + "2", "Start", requestbody=_asked(READER))
    ended = _event(WRITE, ASSIGNMENT), _event(WRITE, ASSIGNMENT[:-1] + "2")
    report = classify([began, other, *ended], None, provider="entra")
    assert [(row.action, row.target, row.reasons) for row in report.verdicts] == [(GRANT, BO, ("no_evidence",))]
    row = classify.one(ended[0], provider="entra")
    assert (row.action, row.target) == (GRANT, "")
    # Two that began under one name are not told apart: nobody is named for the other.
    twice = _event(WRITE, ASSIGNMENT, "Start", requestbody=_asked(READER))
    rows = classify([began, twice, ended[0]], None, provider="entra").verdicts
    assert [(row.action, row.target) for row in rows if row.reasons != ("attempt_failed",)] == [(GRANT, "")]


@pytest.mark.parametrize(
    ("operation", "place", "action", "target"),
    [
        ("Microsoft.Authorization/roleAssignments/delete", ASSIGNMENT, REVOKE, ""),
        ("Microsoft.Authorization/classicAdministrators/write", "/x", GRANT, "/x"),
        ("Microsoft.Authorization/roleDefinitions/write", "/x", GRANT, "/x"),
        ("Microsoft.Sql/servers/administrators/write", "/x/servers/s/administrators/activeDirectory", GRANT, None),
        ("Microsoft.Insights/diagnosticSettings/delete", "/x", TAMPERED, "/x"),
        ("Microsoft.OperationalInsights/workspaces/delete", "/x", TAMPERED, "/x"),
        ("Microsoft.ManagedServices/registrationAssignments/write", "/x", Canonical.TRUST_CHANGE, "/x"),
        ("Microsoft.Subscription/updateTenant/action", SUBSCRIPTION, Canonical.TRUST_CHANGE, SUBSCRIPTION),
        ("Microsoft.Storage/storageAccounts/regenerateKey/action", "/x/storageAccounts/logs", Canonical.TOKEN_REISSUE,
         "logs"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
         "/x/userAssignedIdentities/ci/federatedIdentityCredentials/f", Canonical.TOKEN_REISSUE, "ci"),
        ("Microsoft.Compute/virtualMachines/extensions/write", "/x/virtualMachines/vm-1/extensions/enablevmaccess",
         Canonical.PASSWORD_RESET, "vm-1"),
    ],
)  # fmt: skip
def test_what_else_lets_somebody_in_or_is_no_longer_told(
    classify: Classify, operation: str, place: str, action: Canonical, target: str | None
) -> None:
    """Whose it is stands in what was asked for, or in the name of what it was done to."""
    row = classify.one(_event(operation, place), provider="entra")
    assert (row.action, row.target) == (action, place.lower() if target is None else target)


def test_other_settings_of_machines_are_let_be(classify: Classify) -> None:
    """Most extensions let nobody in."""
    place = f"{SUBSCRIPTION}/virtualMachines/vm-1/extensions/monitor"
    report = classify([_event("Microsoft.Compute/virtualMachines/extensions/write", place)], None, provider="entra")
    assert (report.verdicts, report.unknown_types) == ((), ())
