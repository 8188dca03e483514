"""Entra: what documents and pipelines of others showed of its audits and sign-ins."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.providers.entra import _OF_NO_ACCOUNT

from .conftest import NOON, Classify
from .signed_in import rows
from .test_entra import _sign_in

ADMIN, ANA = "11111111-aaaa-4aaa-8aaa-000000000001", "11111111-aaaa-4aaa-8aaa-000000000002"
NOBODY = "00000000-0000-0000-0000-000000000000"
SIGN_INS = 'SELECT CAST("time" AS VARCHAR), "target", done, address, country FROM sign_in'
KEYS = 'SELECT "target", list_sort(target_keys) FROM native'


def _audit(activity: str, **members: Any) -> dict[str, Any]:
    return {
        "id": f"Directory_{activity}",
        "result": "success",
        "activityDisplayName": activity,
        "activityDateTime": NOON.isoformat(),
        "initiatedBy": {"user": {"id": ADMIN, "userPrincipalName": "admin@example.test", "ipAddress": "198.51.100.7"}},
        "targetResources": [{"id": ANA, "type": "User", "userPrincipalName": "ana@example.test"}],
        **members,
    }


@pytest.mark.parametrize("names", [str, str.lower], ids=["own names", "in lower case"])
def test_a_record_is_whole_whatever_the_case_of_its_outer_names(tmp_path: Path, classify: Classify, names: Any) -> None:
    """A pipeline writes the outer names alone in lower case, or leaves the operation to what is within."""
    outer = {names("callerIpAddress"): "198.51.100.9", "category": "AuditLogs", names("resultSignature"): "None"}
    nameless = {"user": {"id": ADMIN, "userPrincipalName": "admin@example.test"}}
    audit = {**outer, "properties": _audit("Reset user password", initiatedBy=nameless)}
    for event in (audit, {**audit, names("operationName"): "Reset user password"}):
        row = classify.one(event, provider="entra")
        assert (row.action, row.target, row.address) == (Canonical.PASSWORD_RESET, ANA, "198.51.100.9")
    signed = {
        "createdDateTime": NOON.isoformat(),
        "userId": ANA,
        "appDisplayName": "Portal",
        "status": {"errorCode": 1},
    }
    found = rows(tmp_path, "entra", [{**outer, "category": "SignInLogs", "properties": signed}], SIGN_INS)
    assert found == [("2026-03-02 12:00:00+00", ANA, False, "198.51.100.9", None)]


def test_wazuh_s_alert_of_graph_s_audit_is_that_audit(classify: Classify) -> None:
    """Wazuh has what it got from Graph under a name of its own."""
    data = {"integration": "ms-graph", "ms-graph": {**_audit("Reset user password"), "relationship": "directoryAudits"}}
    row = classify.one({"rule": {"id": "99501"}, "data": data}, provider="entra")
    assert (row.action, row.actor, row.target, row.at) == (Canonical.PASSWORD_RESET, ADMIN, ANA, NOON)


def test_an_id_of_nobody_is_no_actor_and_owns_nothing(classify: Classify) -> None:
    """A record that names neither who nor whom has the same empty id for both: they are not one person."""
    nobody = {"id": NOBODY, "userPrincipalName": None, "ipAddress": "198.51.100.7"}
    event = _audit("Reset password (by admin)", initiatedBy={"user": nobody})
    row = classify.one({**event, "targetResources": [{"id": NOBODY, "type": "N/A"}]}, provider="entra")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "", "")
    app = {"displayName": "Joiners (sample)", "servicePrincipalId": "sp-1"}
    row = classify.one({**event, "initiatedBy": {"user": nobody, "app": app}}, provider="entra")
    assert (row.actor, row.actor_class, row.target) == ("sp-1", "automation", ANA)


def test_a_sign_in_of_an_id_of_nobody_is_of_the_name_that_was_typed(tmp_path: Path) -> None:
    """Entra gives every account that it does not know one id: their sign-ins are not one account's."""
    line = {
        "createdDateTime": NOON.isoformat(),
        "userId": NOBODY,
        "userPrincipalName": "nobody@example.test",
        "appDisplayName": "Portal",
        "ipAddress": "198.51.100.7",
        "status": {"errorCode": 50034},
    }
    ((_, target, done, *_),) = rows(tmp_path, "entra", [line], SIGN_INS)
    assert (target, done) == ("nobody@example.test", False)


def test_who_is_lifted_over_all_of_azure_is_who_asked(classify: Classify) -> None:
    """The record of that names nobody but who did it, and says how it went beside its properties."""
    event = _audit("x")
    activity = "User has elevated their access to User Access Administrator for their Azure Resources"
    hub = {
        "category": "AuditLogs",
        "operationName": activity,
        "callerIpAddress": "198.51.100.7",
        "result": "SUCCESS",
        "properties": {name: event[name] for name in ("activityDateTime", "initiatedBy")},
    }
    row = classify.one(hub, provider="entra")
    assert (row.action, row.actor, row.target, row.at) == (Canonical.PRIVILEGE_GRANT, ADMIN, ADMIN, NOON)


@pytest.mark.parametrize(("old", "new"), [(None, '"%s"'), ('"%s"', None)], ids=["given", "taken away"])
def test_a_role_of_an_application_says_what_and_whose(classify: Classify, old: str | None, new: str | None) -> None:
    """The target is the application whose role it is; which role, and who has it, is in what was changed."""
    changed = [
        {"displayName": name, "oldValue": old and old % said, "newValue": new and new % said}
        for name, said in (
            ("AppRole.Id", "r-1"),
            ("AppRole.Value", "Directory.ReadWrite.All"),
            ("ServicePrincipal.DisplayName", "Joiners (sample)"),
        )
    ]
    api = {"id": "sp-api", "displayName": "The API", "type": "ServicePrincipal", "modifiedProperties": changed}
    event = _audit(f"{'Add' if new else 'Remove'} app role assignment {'to' if new else 'from'} service principal")
    row = classify.one({**event, "targetResources": [api]}, provider="entra")
    assert (row.target, row.detail) == ("sp-api", "Directory.ReadWrite.All Joiners (sample)")


@pytest.mark.parametrize("place", [{"geo": {"country_iso_code": "DE"}}, {}], ids=["what Entra said", "looked up"])
def test_elastic_s_sign_in_is_of_its_own_time_and_place(tmp_path: Path, place: dict[str, Any]) -> None:
    """The document's time is when Entra sent the record, and the place looked up of the address is a guess."""
    properties = {
        "created_at": "2026-03-02T12:00:00+00:00",
        "user_id": ANA,
        "user_principal_name": "ana@example.test",
        "app_display_name": "Portal",
        "status": {"error_code": 0},
    }
    document = {
        "@timestamp": "2026-03-02T12:07:00Z",
        "azure": {"signinlogs": {"category": "ADFSSignInLogs", "properties": properties}},
        "source": {"ip": "198.51.100.7", "geo": {"country_iso_code": "FR"}},
        "event": {"action": "Sign-in activity", "outcome": "success"},
        **place,
    }
    expected = [("2026-03-02 12:00:00+00", ANA, True, "198.51.100.7", "DE" if place else "FR")]
    assert rows(tmp_path, "entra", [document], SIGN_INS) == expected


def test_elastic_s_audit_keeps_an_address_that_is_none(classify: Classify) -> None:
    """What is no address has no place in the document but as text, as the audit itself has it."""
    properties = {
        "activity_display_name": "Add member to role",
        "activity_datetime": NOON.isoformat(),
        "initiated_by": {"app": {"displayName": "Joiners (sample)", "servicePrincipalId": "sp-1"}},
        "target_resources": {"0": {"id": ANA, "type": "User"}},
    }
    document = {
        "azure": {"auditlogs": {"category": "AuditLogs", "properties": properties}},
        "source": {"address": "::1:2:3:4:5:6:7:8:9"},
        "event": {"action": "Add member to role", "outcome": "failure"},
    }
    assert classify.one(document, provider="entra").address == "::1:2:3:4:5:6:7:8:9"


def test_elastic_s_documents_of_other_logs_of_the_tenant_are_let_be(classify: Classify) -> None:
    """Risk scores and calls of Graph are known there too, each by the catalogue's own name."""
    lines = [
        {"@timestamp": NOON.isoformat(), "event": {"action": "x"}, "azure": {"any": {"category": category}}}
        for category in sorted(_OF_NO_ACCOUNT)
    ]
    for provider in ("entra", "ecs"):
        report = classify(lines, None, provider=provider)
        assert (report.verdicts, report.rejected_lines, report.unknown_types) == ((), 0, ())
        assert {one.native for one in report.types} == _OF_NO_ACCOUNT


def test_a_guest_made_a_member_has_more_power(classify: Classify) -> None:
    """Of a user's kind that way alone: a member made a guest loses some."""

    def changed(old: str, new: str) -> dict[str, Any]:
        audit = _audit("Update user")
        audit["targetResources"][0]["modifiedProperties"] = [
            {"displayName": "UserType", "oldValue": f'["{old}"]', "newValue": f'["{new}"]'},
            {"displayName": "TargetId.UserType", "oldValue": "", "newValue": f'"{new}"'},
        ]
        return audit

    row = classify.one(changed("Guest", "Member"), provider="entra")
    assert (row.action, row.native_action) == (Canonical.PRIVILEGE_GRANT, "Update user/guest made a member")
    report = classify([changed("Member", "Guest")], None, provider="entra")
    assert not report.verdicts
    assert not report.unknown_types


@pytest.mark.parametrize("is_page", [False, True])
def test_a_user_of_graphs_is_no_sign_in(classify: Classify, is_page: bool) -> None:
    """It has a name and when it was made, as a sign-in has, and is no event; a sign-in beside it is read."""
    user = {
        "id": "20000000-0000-4000-8000-000000000002",
        "displayName": "Ana (sample)",
        "userPrincipalName": "ana@example.test",
        "createdDateTime": "2026-03-02T11:50:00Z",
        "mail": "ana@example.test",
        "accountEnabled": True,
    }
    lines = [user, _sign_in()]
    report = classify([{"value": lines}] if is_page else lines, None, provider="entra")
    assert (report.lines, report.rejected_lines) == (2, 1)
    assert [one.native for one in report.types] == ["Sign-in activity"]


@pytest.mark.parametrize("activity", ["Delete user", "Hard Delete user", "Restore user"])
def test_a_deleted_account_is_known_by_the_name_it_had(tmp_path: Path, activity: str) -> None:
    """The directory puts the account's id, without dashes, before the name of one that is deleted."""
    moved = f"{ANA.replace('-', '').upper()}Ana@example.test"
    told = {"id": ANA, "type": "User", "userPrincipalName": moved}
    by_the_unified_audit_log = {
        "Id": "r-1",
        "CreationTime": NOON.isoformat(),
        "Operation": f"{activity}.",
        "UserId": "admin@example.test",
        "ObjectId": moved,
        "Target": [{"ID": f"User_{ANA}", "Type": 2}, {"ID": moved, "Type": 5}],
    }
    for event in (_audit(activity, targetResources=[told]), by_the_unified_audit_log):
        assert rows(tmp_path, "entra", [event], KEYS) == [(ANA, [ANA, "ana@example.test"])]


def test_a_name_that_begins_with_another_s_id_is_whole(tmp_path: Path) -> None:
    """Only the account's own id is no part of its name, and an id alone is no name's beginning."""
    for name in (f"{ADMIN.replace('-', '')}ana@example.test", f"{ANA.replace('-', '')}@example.test"):
        told = {"id": ANA, "type": "User", "userPrincipalName": name}
        event = _audit("Delete user", targetResources=[told])
        assert [set(keys) for _, keys in rows(tmp_path, "entra", [event], KEYS)] == [{ANA, name}]


def test_a_password_that_is_only_looked_over_is_let_be(classify: Classify) -> None:
    """Graph says whether a password would do (`validatePassword`) before anybody has it."""
    event = _audit("Validate Password", targetResources=[{"id": "t", "type": "Directory"}])
    report = classify([event], provider="entra")
    assert (report.verdicts, report.unknown_types) == ((), ())


RESET_SERVICE = "93625bc8-bfe2-437a-97e0-3d0060024faa"
RESET_PAGE = "https://passwordreset.microsoftonline.com"


def _by_the_service(*names: str, **members: Any) -> dict[str, Any]:
    """The directory's record of a reset, with the names of the service that asked for it, as Graph lists it."""
    changed = [
        {"displayName": "Password", "oldValue": None, "newValue": None},
        {"displayName": "ActorId.ServicePrincipalNames", "oldValue": None, "newValue": json.dumps(";".join(names))},
    ]
    told = {"id": ANA, "type": "User", "userPrincipalName": "ana@example.test", "modifiedProperties": changed}
    service = {"appId": None, "displayName": "Microsoft password reset service", "servicePrincipalId": "sp-reset"}
    return _audit(
        "Update PasswordProfile",
        initiatedBy={"user": None, "app": service},
        targetResources=[told],
        correlationId="c-service",
        activityDateTime=(NOON - timedelta(milliseconds=100)).isoformat(),
        **members,
    )


def test_a_reset_at_the_page_is_one_action_of_the_admin_s(classify: Classify) -> None:
    """The page and the directory each give the click an id of their own, and name the service by its names alone."""
    own = _audit("Reset password (by admin)", correlationId="c-page")
    core = _by_the_service(RESET_PAGE, f"{RESET_PAGE}/", RESET_SERVICE)
    (row,) = classify([own, core], provider="entra").verdicts
    assert (row.actor, row.actor_class, row.folded, row.address) == (ADMIN, None, 2, "198.51.100.7")


def test_a_record_that_names_no_account_is_of_no_other_s_click(classify: Classify) -> None:
    """Without a target, and with a click of its own, nothing says that a record is about the same account."""
    own = _audit("Reset password (by admin)", correlationId="c-page", targetResources=[{"type": "User"}])
    core = _by_the_service(RESET_PAGE, RESET_SERVICE)
    core["targetResources"][0] |= {"id": None, "userPrincipalName": None}
    actors = {row.native_action: row.actor for row in classify([own, core], provider="entra").verdicts}
    assert actors == {"Reset password (by admin)": ADMIN, "Update PasswordProfile": "sp-reset"}


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("33333333-cccc-4ccc-8ccc-000000000005",),
        ("33333333-cccc-4ccc-8ccc-000000000005", "https://apps.example.test/", RESET_SERVICE),
        ("https://apps.example.test/", RESET_SERVICE),
        (RESET_PAGE, f"{RESET_PAGE}.example.test", RESET_SERVICE),
        ("api://33333333", RESET_SERVICE),
    ],
    ids=["none", "its own", "two ids", "another's address", "an address like Microsoft's", "an address of any"],
)
def test_a_name_that_an_application_was_given_makes_it_no_service(classify: Classify, names: tuple[str, ...]) -> None:
    """Whoever has an application gives it names: only such as nobody else can have tell Microsoft's service."""
    own = _audit("Reset password (by admin)", correlationId="c-page")
    found = {row.native_action: row for row in classify([own, _by_the_service(*names)], provider="entra").verdicts}
    row = found["Update PasswordProfile"]
    assert (row.actor, row.is_finding) == ("sp-reset", True)


@pytest.mark.parametrize("provider", ["entra", "ecs"])
def test_elastic_s_document_of_what_graph_lists_is_the_audit(classify: Classify, provider: str) -> None:
    """Elastic's newer integration reads Graph itself, and has each member in snake case under a name of its own."""
    directory_audit = {
        "id": "Directory_1",
        "activity_date_time": NOON.isoformat(),
        "activity_display_name": "Reset user password",
        "correlation_id": "c-1",
        "initiated_by": {
            "user": {"id": ADMIN, "user_principal_name": "admin@example.test", "ip_address": "198.51.100.7"}
        },
        "result": "success",
        "target_resources": [{"id": ANA, "type": "User", "user_principal_name": "ana@example.test"}],
    }
    document = {
        "@timestamp": "2026-03-02T12:05:00Z",
        "event": {"dataset": "microsoft_entra_id.directory_audit", "kind": "event"},
        "microsoft_entra_id": {"directory_audit": directory_audit},
    }
    row = classify.one(document, provider=provider)
    assert (row.action, row.actor, row.target, row.at) == (Canonical.PASSWORD_RESET, ADMIN, ANA, NOON)
    assert (row.correlation, row.address) == ("c-1", "198.51.100.7")


def test_a_step_of_a_registration_is_let_be(classify: Classify) -> None:
    """What came of it has a record of its own."""
    event = _audit("POST UserAuthMethod.SecurityInfoRegistrationCallback", targetResources=[{"type": "Policy"}])
    report = classify([event], provider="entra")
    assert (report.verdicts, report.unknown_types) == ((), ())
