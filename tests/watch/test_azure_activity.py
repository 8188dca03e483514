"""Azure's own activity log: roles over what is rented, the way in to it, and where its logs are sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import provider_named
from watchword.watch.sources.spool import Spool
from watchword.watch.verdicts import latest_verdicts

from .conftest import NOON, Classify
from .test_entra import _audit, _user

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


@pytest.mark.parametrize("in_files", [True, False], ids=["in two files", "in two steps"])
def test_how_it_ended_may_come_later_than_what_was_asked_for(tmp_path: Path, in_files: bool) -> None:
    """What was asked for is kept, over a start too; of two that began under one name it is still nobody's."""
    began = _event(WRITE, ASSIGNMENT, "Start", requestbody=_asked(OWNER))
    reader = _event(WRITE, ASSIGNMENT[:-1] + "2", "Start", requestbody=_asked(READER))
    twice = [_event(WRITE, ASSIGNMENT[:-1] + "3", "Start", requestbody=_asked(role)) for role in (OWNER, READER)]
    for one in twice:
        one["correlationId"] = "c-3"
    ended = [_event(WRITE, ASSIGNMENT[:-1] + number) for number in "123"]
    ended[2]["correlationId"] = "c-3"
    parts = [[began, reader, twice[0]], [*ended, twice[1]]]
    if in_files:
        files = tuple(tmp_path / f"{number}.jsonl" for number in range(2))
        for file, lines in zip(files, parts, strict=True):
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        rows = Engine().classify("entra", files).verdicts
    else:
        spool, verdicts = Spool(tmp_path / "spool"), tmp_path / "out"
        for lines in parts:  # after a start each time, so that memory alone is not enough
            feed = Followed(name="log", provider=provider_named("entra"), spool=spool)
            with Follow((feed,), tmp_path / "state", verdicts, clock=lambda: NOON) as follow:
                spool.append([json.dumps(line).encode() for line in lines], NOON)
                follow.step(NOON)
        rows = latest_verdicts(verdicts)
    done = [row for row in rows if row.action is not None and row.reasons != ("attempt_failed",)]
    assert sorted((row.action, row.target) for row in done) == [(GRANT, ""), (GRANT, BO)]


@pytest.mark.parametrize(
    ("operation", "place", "action", "target"),
    [
        ("Microsoft.Authorization/roleAssignments/delete", ASSIGNMENT, REVOKE, ""),
        ("Microsoft.Authorization/classicAdministrators/write", "/x", GRANT, "/x"),
        ("Microsoft.Authorization/roleDefinitions/write", "/x", GRANT, "/x"),
        ("Microsoft.Sql/servers/administrators/write", "/x/servers/s/administrators/activeDirectory", GRANT, None),
        ("Microsoft.Sql/managedInstances/administrators/write", "/x/managedInstances/m/administrators/a", GRANT, None),
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


def test_the_log_of_a_single_thing_is_not_the_tenant_s(classify: Classify) -> None:
    """Where its own log was sent goes with each thing taken down; what a managed domain writes is of accounts."""
    place = f"{SUBSCRIPTION}/resourceGroups/r/providers/{{}}/providers/Microsoft.Insights/diagnosticSettings/d"
    things = ("Microsoft.KeyVault/vaults/v", "Microsoft.AAD/domainServices/example.test")
    events = [_event("Microsoft.Insights/diagnosticSettings/delete", place.format(thing)) for thing in things]
    report = classify(events, None, provider="entra")
    assert [(row.action, row.target) for row in report.verdicts] == [(TAMPERED, place.format(things[1]).lower())]
    assert report.unknown_types == ()


PIM = "01fc33a7-78ba-4d2f-a4b7-768e336e890e"


@pytest.mark.parametrize(
    ("application", "seconds", "verdict"),
    [(PIM, 4, Verdict.SELF_SERVICE), (PIM, 60, Verdict.UNVERIFIED), (BO, 4, Verdict.UNVERIFIED)],
    ids=["in those seconds", "later", "another application"],
)
def test_a_role_that_pim_held_ready_is_taken_up_in_azure_too(
    classify: Classify, application: str, seconds: int, verdict: Verdict
) -> None:
    """Azure's log has it as done by the service; whose it is the service's own record says, and nothing else does."""
    own = _audit("Add member to role completed (PIM activation)", correlationId="c-2")
    own["initiatedBy"] = {"user": _user(BO, "bo"), "app": None}
    own["targetResources"][0] |= {"id": BO, "userPrincipalName": "bo@example.test"}
    claims = {OBJECT: "o-pim", "idtyp": "app", "appid": application}
    done = _event(WRITE, ASSIGNMENT, responseBody=_asked(OWNER)) | {"identity": {"claims": claims}}
    done["time"] = f"2026-03-02T12:{seconds // 60:02}:{seconds % 60:02}Z"
    report = classify([own, done], None, provider="entra")
    assert {row.verdict for row in report.verdicts} == {Verdict.SELF_SERVICE, verdict}
    assert classify.one(done, provider="entra").verdict is Verdict.UNVERIFIED
