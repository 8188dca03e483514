"""Logs as OpenTelemetry hands them on: batches of records, whose body is an event or whose attributes say it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.verdicts import VerdictRow

from .conftest import Classify

AT = "2026-03-02T12:00:00Z"
NANOSECONDS = "1772452800000000000"
ROLE = "arn:aws:iam::111122223333:role/Desk"
AWS = {
    "eventID": "e-1",
    "eventTime": AT,
    "eventSource": "iam.amazonaws.com",
    "eventName": "UpdateLoginProfile",
    "readOnly": False,
    "sourceIPAddress": "192.0.2.9",
    "userAgent": "console",
    "requestID": "r-1",
    "recipientAccountId": "111122223333",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROADESK:mara",
        "arn": "arn:aws:sts::111122223333:assumed-role/Desk/mara",
        "accountId": "111122223333",
        "accessKeyId": "ASIADESK",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE, "userName": "Desk"}},
    },
    "requestParameters": {"userName": "ana", "passwordResetRequired": True},
}
GITHUB = {
    "_document_id": "d-1",
    "action": "org.update_member",
    "actor": "mara",
    "user": "ana",
    "org": "corp",
    "permission": "admin",
    "created_at": 1772452800000,
}
KEYCLOAK = {
    "id": "k-1",
    "time": 1772452800000,
    "realmId": "corp",
    "operationType": "ACTION",
    "resourceType": "USER",
    "resourcePath": "users/u-ana/reset-password",
    "authDetails": {"realmId": "corp", "clientId": "console", "userId": "u-mara", "ipAddress": "192.0.2.9"},
}
WINDOWS = {
    "channel": "Security",
    "computer": "dc1.example.test",
    "event_id": {"id": 4724, "qualifiers": 0},
    "provider": {"name": "Microsoft-Windows-Security-Auditing"},
    "record_id": 7,
    "system_time": "2026-03-02T12:00:00.1234567Z",
    "keywords": ["Audit Success"],
    "event_data": {
        "data": [
            {"TargetUserName": "ana"},
            {"TargetDomainName": "CORP"},
            {"TargetSid": "S-1-5-21-1-2-3-1104"},
            {"SubjectUserSid": "S-1-5-21-1-2-3-1105"},
            {"SubjectUserName": "mara"},
            {"SubjectDomainName": "CORP"},
            {"SubjectLogonId": "0x1"},
        ]
    },
}
EVENTS = {"cloudtrail": AWS, "github": GITHUB, "keycloak": KEYCLOAK, "windows": WINDOWS}


def told(row: VerdictRow) -> tuple[Any, ...]:
    """What a row says of an event."""
    who = (row.id, row.action, row.actor, row.target, row.at, row.address, row.outcome, row.actor_class)
    return (*who, row.correlation, row.detail, row.verdict, row.reasons)


def value(said: object) -> dict[str, Any]:
    """*said* as the protocol names a value by its kind."""
    if isinstance(said, dict):
        return {"kvlistValue": {"values": members(said)}}
    if isinstance(said, list):
        return {"arrayValue": {"values": [value(each) for each in said]}}
    if isinstance(said, bool):
        return {"boolValue": said}
    if isinstance(said, int):
        return {"intValue": str(said)}
    return {"stringValue": said} if isinstance(said, str) else {}


def members(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of *said*, each a key with its value."""
    return [{"key": key, "value": value(each)} for key, each in said.items()]


def batch(*records: dict[str, Any], about: dict[str, Any] | None = None) -> dict[str, Any]:
    """One line of the collector's file exporter."""
    scope = {"name": "receiver", "version": "0.140.0"}
    held = {"resource": {"attributes": members(about or {})}, "scopeLogs": [{"scope": scope, "logRecords": [*records]}]}
    return {"resourceLogs": [held]}


@pytest.mark.parametrize("provider", EVENTS)
@pytest.mark.parametrize("write", [lambda event: value(json.dumps(event)), value], ids=["a text", "an object"])
def test_the_body_of_a_record_is_the_event(classify: Classify, provider: str, write: Any) -> None:
    """As a receiver read it from a file, or already parsed."""
    event = EVENTS[provider]
    record = {"timeUnixNano": NANOSECONDS, "body": write(event), "attributes": members({"log.file.name": "a.log"})}
    expected = classify.one({"body": event} if provider == "windows" else event, provider=provider)
    assert told(classify.one(batch(record, about={"host.name": "h-1"}), provider=provider)) == told(expected)


def attributes(event: dict[str, Any]) -> dict[str, Any]:
    """What the collector's encoding for CloudTrail makes of *event*."""
    who, issuer = event["userIdentity"], "aws.user_identity.session_context.issuer"
    return {
        "aws.cloudtrail.event_id": event["eventID"],
        "rpc.method": event["eventName"],
        "rpc.system": "AwsApiCall",
        "rpc.service": event["eventSource"],
        "aws.request_id": event["requestID"],
        "aws.event.read_only": event["readOnly"],
        "source.address": event["sourceIPAddress"],
        "user_agent.original": event["userAgent"],
        "aws.principal.type": who["type"],
        "aws.principal.id": who["principalId"],
        "aws.principal.arn": who["arn"],
        "aws.user_identity.account_id": who["accountId"],
        "aws.access_key.id": who["accessKeyId"],
        f"{issuer}.arn": who["sessionContext"]["sessionIssuer"]["arn"],
        f"{issuer}.user_name": who["sessionContext"]["sessionIssuer"]["userName"],
        "aws.request.parameters": event["requestParameters"],
    }


def nested(said: dict[str, Any]) -> dict[str, Any]:
    """*said* with its names parted into objects, as a search may answer."""
    out: dict[str, Any] = {}
    for name, each in said.items():
        *path, last = name.split(".")
        inner = out
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = each
    return out


@pytest.mark.parametrize("reader", ["cloudtrail", "ecs"])
@pytest.mark.parametrize("put", [dict, nested], ids=["whole names", "objects"])
def test_a_call_in_attributes_is_the_call(classify: Classify, reader: str, put: Any) -> None:
    """The collector's encoding leaves no body; Elastic keeps its records as `aws.cloudtrail.otel`."""
    row, account = classify.one(AWS, provider="cloudtrail"), {"cloud.account.id": "111122223333"}
    assert (row.action, row.target) == (Canonical.PASSWORD_RESET, "ana")
    made = {
        "@timestamp": AT,
        "data_stream": {"dataset": "aws.cloudtrail.otel"},
        "attributes": put(attributes(AWS)),
        "resource": {"attributes": account},
    }
    assert told(classify.one(made, provider=reader)) == told(row)
    record = {"timeUnixNano": NANOSECONDS, "body": {}, "attributes": members(put(attributes(AWS)))}
    assert told(classify.one(batch(record, about=account), provider="cloudtrail")) == told(row)


def test_a_refused_call_in_attributes_failed(classify: Classify) -> None:
    """And whom the caller acted on stays told."""
    made = attributes(AWS) | {"aws.error.code": "AccessDenied"}
    record = {"timeUnixNano": NANOSECONDS, "body": {}, "attributes": members(made)}
    row = classify.one(batch(record), provider="cloudtrail")
    assert (row.outcome, row.target) == ("FAILURE AccessDenied", "ana")


def test_what_is_no_event_in_a_batch_is_kept_aside_alone(classify: Classify) -> None:
    """The events beside it are read, and a batch of nothing is nothing."""
    none: dict[str, Any] = {"attributes": []}
    records = [{"body": value(json.dumps(GITHUB))}, {"body": value("started")}, none]
    report = classify([batch(*records), batch(), {"resourceLogs": []}], provider="github")
    assert (len(report.verdicts), report.rejected_lines) == (1, 2)


@pytest.mark.parametrize(
    "odd",
    [
        {"resourceLogs": [7, None, {"scopeLogs": "x"}, {"resource": 1, "scopeLogs": [{"logRecords": {}}, []]}]},
        {
            "resourceLogs": [
                {"scopeLogs": [{"logRecords": [{"body": {"kvlistValue": 1}}, {"body": {"arrayValue": {}}}]}]}
            ]
        },
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": [{"key": 1}, {"value": 2}, "x"]}]}]}]},
    ],
)
def test_a_batch_that_is_none_is_told(classify: Classify, odd: dict[str, Any]) -> None:
    """Members of other kinds than the protocol has are nothing, and end nothing."""
    assert classify([odd, GITHUB], provider="github").verdicts


def test_a_value_without_a_bottom_is_not_followed(classify: Classify) -> None:
    """Nor is what follows it in the batch lost."""
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(150):
        deep = {"arrayValue": {"values": [deep]}}
    report = classify([batch({"body": deep}, {"body": value(GITHUB)})], provider="github")
    assert (len(report.verdicts), report.rejected_lines) == (1, 1)
