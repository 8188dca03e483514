"""Sigma rules name a log's members in their own way: which of them they find, whichever form the log has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.watch.conftest import Okta
from watchword.watch.providers import provider_named
from watchword.watch.sigma import hits_in, read_rules

from .test_sigma import rule

AUDIT: dict[str, Any] = {
    "id": "a-1",
    "activityDisplayName": "Disable Strong Authentication",
    "activityDateTime": "2026-03-02T12:00:00Z",
    "loggedByService": "Core Directory",
    "category": "UserManagement",
    "result": "success",
    "resultReason": "at the desk",
    "initiatedBy": {"user": {"id": "u-agent", "userPrincipalName": "agent@example.test"}},
    "targetResources": [{"id": "u-ana", "type": "User", "userPrincipalName": "ana@example.test"}],
}
HUB = {"time": AUDIT["activityDateTime"], "operationName": AUDIT["activityDisplayName"], "category": "AuditLogs"}
LATER = {**AUDIT, "id": "a-2", "activityDisplayName": "Update user"}


def _found(folder: Path, text: str, log: str, provider: str) -> int:
    (folder / "rule.yml").write_text(text)
    (folder / "log.json").write_text(log)
    read = read_rules(folder / "rule.yml")
    assert not read.left_out
    return len(hits_in(folder / "log.json", provider_named(provider), read.rules))


@pytest.mark.parametrize(
    "detection",
    [
        "sel: {legacyeventtype: core.user.config.password_reset}",
        "sel: {eventtype: user.account.reset_password, target.alternateid: 00uana@example.test}",
        "sel: {debugcontext.debugdata.logonlysecuritydata|contains: POSITIVE}",
        "sel: {securitycontext.isproxy: 'true'}",
        "sel: {outcome.Result: SUCCESS}",
    ],
)
def test_okta_s_members_in_any_case(okta: Okta, tmp_path: Path, detection: str) -> None:
    """A member within another is spelled as the log does, too."""
    odd: dict[str, Any] = {
        "legacyEventType": "core.user.config.password_reset",
        "debugContext": {"debugData": {"logOnlySecurityData": '{"behaviors": {"New IP": "POSITIVE"}}'}},
        "securityContext": {"isProxy": True},
    }
    lines = [okta(**odd), okta("user.session.start", target=None, outcome=None)]
    log = "".join(json.dumps(line) + "\n" for line in lines)
    assert _found(tmp_path, rule(detection), log, "okta") == 1


@pytest.mark.parametrize(
    "log",
    [
        f"{json.dumps(AUDIT)}\n{json.dumps(LATER)}\n",
        json.dumps({"value": [AUDIT, LATER]}),
        json.dumps({"records": [{**HUB, "properties": AUDIT}, {**HUB, "operationName": "x", "properties": LATER}]}),
        f"{json.dumps(LATER)}\n{json.dumps({'value': [LATER, AUDIT]})}\n",
        f"{json.dumps({**LATER, 'note': 'x' * 70_000})}\n{json.dumps({'value': [LATER, AUDIT]})}\n",
        f"{json.dumps(LATER)}\n{json.dumps({**HUB, 'properties': AUDIT})}\n",
    ],
    ids=[
        "a line each",
        "a page of Graph's",
        "an event hub's records",
        "a page after a line",
        "after a long line",
        "an event hub's record after a line",
    ],
)
@pytest.mark.parametrize(
    "detection",
    [
        "sel: {OperationName: Disable Strong Authentication, Category: UserManagement}",
        "sel: {operationName: Disable Strong Authentication, properties.result: success}",
        "sel: {properties.message: Disable Strong Authentication, LoggedByService: Core Directory}",
        "sel: {ActivityDisplayName|contains: Strong, Status: at the desk}",
        "sel: {OperationName|startswith: disable, targetresources.userprincipalname: ana@example.test}",
    ],
)
def test_an_audit_s_members_as_rules_name_them(tmp_path: Path, detection: str, log: str) -> None:
    """Rules are written for Sentinel's tables, an event hub's records and the portal: each finds all forms."""
    text = rule(detection).replace("product: okta", "product: azure, service: auditlogs")
    assert _found(tmp_path, text, log, "entra") == 1


def test_a_sign_in_s_error(tmp_path: Path) -> None:
    """What a sign-in came to is a member of its own in Sentinel, and within another in the log."""
    sign_in = {"id": "s-1", "createdDateTime": "2026-03-02T12:00:00Z", "userPrincipalName": "ana@example.test"}
    lines = [{**sign_in, "status": {"errorCode": 50126}}, {**sign_in, "id": "s-2", "status": {"errorCode": 0}}]
    text = rule("sel: {ResultType: 50126}").replace("product: okta", "product: azure, service: signinlogs")
    assert _found(tmp_path, text, "\n".join(map(json.dumps, lines)), "entra") == 1


def test_google_s_events_by_their_names(tmp_path: Path) -> None:
    """What Sigma calls the event's name is a member of the activity's events."""
    activity = {
        "id": {"time": "2026-03-02T12:00:00Z", "uniqueQualifier": "1", "applicationName": "admin"},
        "actor": {"email": "agent@example.test"},
        "events": [{"name": "CREATE_USER", "parameters": []}, {"name": "ASSIGN_ROLE", "parameters": []}],
    }
    text = rule("sel: {eventName: ASSIGN_ROLE}").replace(
        "product: okta", "product: gcp, service: google_workspace.admin"
    )
    assert _found(tmp_path, text, json.dumps(activity) + "\n", "google") == 1


def test_a_hyphen_is_nobody(tmp_path: Path) -> None:
    """Windows writes a hyphen for who is not known: hits that have one have no actor in common."""
    event = {"EventID": "4624", "SubjectUserName": "-", "TargetUserName": "ana", "TimeCreated": "2026-03-02T12:00:00Z"}
    (tmp_path / "rule.yml").write_text(rule("sel: {EventID: 4624}").replace("okta", "windows, service: security"))
    (tmp_path / "log.json").write_text(json.dumps(event) + "\n")
    (hit,) = hits_in(tmp_path / "log.json", provider_named("windows"), read_rules(tmp_path / "rule.yml").rules)
    assert (hit.actor, hit.target, hit.event, hit.at.year) == ("", "ana", None, 2026)
