"""The unified audit log as others hand it on: Graph's search of it, Defender's stream, exports; and whom it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical

from .conftest import NOON, Classify
from .signed_in import rows

ADMIN, ANA = "11111111-aaaa-4aaa-8aaa-000000000001", "11111111-aaaa-4aaa-8aaa-000000000002"
APP, SERVICE = "22222222-bbbb-4bbb-8bbb-000000000003", "22222222-bbbb-4bbb-8bbb-000000000004"
NOBODY = "00000000-0000-0000-0000-000000000000"
SIGN_INS = 'SELECT "target", target_keys, done, address, native_action FROM sign_in'


def _row(operation: str = "Reset user password.", **members: Any) -> dict[str, Any]:
    return {
        "Id": "r-1",
        "CreationTime": "2026-03-02T12:00:00",
        "Operation": operation,
        "ResultStatus": "Success",
        "UserKey": "10032001@example.test",
        "UserId": "admin@example.test",
        "UserType": 0,
        "ObjectId": "ana@example.test",
        "ActorIpAddress": "198.51.100.7",
        "Actor": [{"ID": "admin@example.test", "Type": 5}, {"ID": f"User_{ADMIN}", "Type": 2}],
        "Target": [{"ID": f"User_{ANA}", "Type": 2}, {"ID": "ana@example.test", "Type": 5}],
        **members,
    }


def _of_graph(row: dict[str, Any]) -> dict[str, Any]:
    """*row* as Graph's audit search lists it: the key of the user is what it calls the id, and the user its name."""
    return {
        "@odata.type": "#microsoft.graph.security.auditLogRecord",
        "id": row["Id"],
        "createdDateTime": f"{row['CreationTime']}Z",
        "auditLogRecordType": "AzureActiveDirectory",
        "operation": row["Operation"],
        "userType": "Regular",
        "userId": row["UserKey"],
        "userPrincipalName": row["UserId"],
        "objectId": row["ObjectId"],
        "clientIp": None,
        "auditData": {"@odata.type": "#microsoft.graph.security.defaultAuditData", **row},
    }


def _streamed(row: dict[str, Any], **members: Any) -> dict[str, Any]:
    """*row* as Defender streams it to an event hub, among its other tables."""
    return {
        "time": "2026-03-02T12:04:00Z",
        "operationName": "Publish",
        "category": "AdvancedHunting-CloudAppEvents",
        "properties": {"ActionType": row.get("Operation"), "RawEventData": row, **members},
    }


def _of_wazuh(data: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": "2026-03-02T12:05:00.000+0000", "rule": {"id": "91532"}, "agent": {"id": "000"}, "data": data}


@pytest.mark.parametrize(
    "handed",
    [
        _of_graph,
        lambda row: {"@odata.context": "x", "value": [_of_graph(row)]},
        lambda row: {**_of_graph(row), "auditData": json.dumps(row)},
        _streamed,
        lambda row: {"records": [_streamed(row)]},
        lambda row: _streamed(row, RawEventData=json.dumps(row)),
        lambda row: {"Timestamp": "2026-03-02T12:04:00Z", "ActionType": row["Operation"], "RawEventData": row},
        lambda row: {"RecordType": "AzureActiveDirectory", "Operations": row["Operation"], "AuditData": row},
        lambda row: _of_wazuh({"integration": "office365", "office365": row}),
        lambda row: _of_wazuh({"integration": "office365", "office365": {**row, "Actor": json.dumps(row["Actor"])}}),
    ],
    ids=[
        "graph",
        "page",
        "text",
        "defender",
        "event hub",
        "text of defender",
        "hunting",
        "export with objects",
        "wazuh",
        "wazuh, texts",
    ],
)
def test_whoever_hands_a_row_on_says_the_same(classify: Classify, handed: Any) -> None:
    """A reset is one, by and of whom it was, and no sign-in: Graph's records have a user's name and a time too."""
    row = classify.one(handed(_row()), provider="entra")
    assert (row.action, row.actor, row.target, row.at, row.address, row.outcome) == (
        Canonical.PASSWORD_RESET, ADMIN, ANA, NOON, "198.51.100.7", "success",
    )  # fmt: skip


def test_a_record_of_graph_s_without_its_row_says_what_it_can(classify: Classify) -> None:
    """What Graph says beside a row stands in for it, under the names it has there."""
    row = classify.one({**_of_graph(_row()), "auditData": {"@odata.type": "x"}}, provider="entra")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "admin@example.test", "ana@example.test")


def test_a_sign_in_that_graph_s_search_lists_is_one(tmp_path: Path) -> None:
    """Its address is in the row alone, and so is whether it came to anything."""
    failed = _row("UserLoginFailed", ErrorNumber="50126", Actor=[{"ID": ANA, "Type": 0}], UserId="ana@example.test")
    found = rows(tmp_path, "entra", [_of_graph(failed)], SIGN_INS)
    assert found == [(ANA, [ANA, "ana@example.test"], False, "198.51.100.7", "Sign-in activity")]


def test_what_else_defender_streams_is_let_be(classify: Classify) -> None:
    """Its tables are known: an account's description is no sign-in, and a change has an audit of its own."""
    info = {"AccountUpn": "ana@example.test", "CreatedDateTime": "2026-03-02T12:00:00Z"}
    lines = [
        {**_streamed({}), "category": "AdvancedHunting-IdentityInfo", "properties": info},
        {**_streamed({}), "category": "AdvancedHunting-DeviceEvents", "properties": []},
        _streamed({"AccountMoniker": "x"}),
    ]
    for some in (lines, lines[:2]):
        report = classify(some, None, provider="entra")
        assert (report.verdicts, report.rejected_lines, report.unknown_types) == ((), 0, ())


@pytest.mark.parametrize(
    ("title", "kind"), [("Microsoft password reset service", "system"), ("Joiners (sample)", "automation")]
)
def test_an_application_is_told_from_the_directory_s_services(classify: Classify, title: str, kind: str) -> None:
    """The log calls whatever is no person a system: whose it is its title says, as in the directory's audit."""
    actor = [
        {"ID": title, "Type": 1},
        {"ID": APP, "Type": 2},
        {"ID": f"ServicePrincipal_{SERVICE}", "Type": 2},
        {"ID": SERVICE, "Type": 2},
    ]
    event = _row(UserType=4, UserId=f"ServicePrincipal_{SERVICE}", UserKey="Not Available", Actor=actor)
    row = classify.one(event, provider="entra")
    assert (row.actor, row.actor_class, row.target) == (SERVICE, kind, ANA)


def test_a_service_s_row_is_of_the_person_whose_click_it_was(classify: Classify) -> None:
    """Microsoft's reset service has its application id in this log too, and is not who acted."""
    names = [
        {"ID": "Microsoft password reset service", "Type": 1},
        {"ID": "93625bc8-bfe2-437a-97e0-3d0060024faa", "Type": 2},
        {"ID": f"ServicePrincipal_{SERVICE}", "Type": 2},
    ]
    click = {"InterSystemsId": "c-1"}
    service = _row(UserType=4, UserId=f"ServicePrincipal_{SERVICE}", Actor=names, **click)
    own = _row("Reset password (by admin)", Id="r-2", **click)
    assert {row.actor for row in classify([service, own], provider="entra").verdicts} == {ADMIN}


@pytest.mark.parametrize("word", ["Not Available", "Unknown", "__NULL__", NOBODY])
def test_a_word_for_nobody_is_nobody_s_name(tmp_path: Path, classify: Classify, word: str) -> None:
    """What a row says where it names no account is no account that two rows have in common."""
    signed = _row("UserLoggedIn", UserId=word, UserKey=word, Actor=[])
    assert rows(tmp_path, "entra", [signed], SIGN_INS)[0][:2] == ("", [])
    row = classify.one(_row(UserId=word, ObjectId=word, Actor=[], Target=[]), provider="entra")
    assert (row.actor, row.target, row.action) == ("", "", Canonical.PASSWORD_RESET)


def test_a_mailbox_is_called_by_the_end_of_its_path(classify: Classify) -> None:
    """Whoever has mail forwarded may name the mailbox by its whole path, which is none of its names."""
    path = "EUR.example.test/Microsoft Exchange Hosted Organizations/example.test/ana"
    told = [{"Name": "Identity", "Value": path}, {"Name": "ForwardingSmtpAddress", "Value": "smtp:x@example.test"}]
    row = classify.one(_row("Set-Mailbox", Target=[], ObjectId="ana", Parameters=told), provider="entra")
    assert (row.action, row.target) == (Canonical.MAILBOX_RULE, "ana")
