"""AWS' calls as Security Lake writes them: API Activity of OCSF, which says what was done by the call's name alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.engine import Engine
from watchword.watch.providers import CLOUDTRAIL
from watchword.watch.verdicts import Report

from .kinds import catalogue


def call(operation: str, service: str = "iam.amazonaws.com", data: object = None, **fields: Any) -> dict[str, Any]:
    """One call by a person in the role Desk, with what was asked for as *data*."""
    return {
        "class_uid": 6003,
        "category_uid": 6,
        "type_uid": 600303,
        "activity_id": 3,
        "actor": {
            "session": {"issuer": "arn:aws:iam::111122223333:role/Desk"},
            "user": {
                "account": {"uid": "111122223333"},
                "type": "AssumedRole",
                "uid": "arn:aws:sts::111122223333:assumed-role/Desk/mara",
                "uid_alt": "AROA:mara",
            },
        },
        "api": {
            "operation": operation,
            "request": {"uid": "r-1", "data": json.dumps(data)},
            "service": {"name": service},
        },
        "cloud": {"account": {"uid": "111122223333"}, "provider": "AWS"},
        "metadata": {"product": {"name": "CloudTrail", "vendor_name": "AWS"}, "uid": f"e-{operation}"},
        "src_endpoint": {"ip": "192.0.2.9"},
        "time": 1772452800000,
    } | fields


def read(folder: Path, *events: dict[str, Any]) -> Report:
    """The report on a log of *events*."""
    log = folder / "log"
    log.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    return Engine().classify("ocsf", (log,))


@pytest.mark.parametrize(
    ("operation", "data", "action"),
    [
        ("UpdateLoginProfile", {"userName": "ana"}, Canonical.PASSWORD_RESET),
        ("DeactivateMFADevice", {"userName": "ana", "serialNumber": "arn:aws:iam::1:mfa/x"}, Canonical.FACTOR_RESET),
        ("CreateAccessKey", {"userName": "ana"}, Canonical.TOKEN_REISSUE),
    ],
)
def test_a_call_about_an_account_is_cloudtrail_s(
    tmp_path: Path, operation: str, data: dict[str, str], action: Canonical
) -> None:
    """It is read with the catalogue of AWS' calls, and says who, whom, from where and when."""
    report = read(tmp_path, call(operation, data=data))
    (row,) = report.verdicts
    assert (row.provider, row.action, row.target, row.address) == ("cloudtrail", action, "ana", "192.0.2.9")
    assert row.actor == "arn:aws:sts::111122223333:assumed-role/Desk/mara"
    assert row.at.isoformat() == "2026-03-02T12:00:00+00:00"
    assert (report.rejected_lines, report.unknown_types) == (0, ())


@pytest.mark.parametrize(
    ("service", "operation", "data", "action"),
    [
        ("sts", "AssumeRoot", {"targetPrincipal": "444455556666"}, Canonical.IMPERSONATION_START),
        ("cloudtrail", "StopLogging", {"name": "main"}, Canonical.LOG_TAMPERED),
        ("organizations", "LeaveOrganization", {}, Canonical.TRUST_CHANGE),
        ("rolesanywhere", "CreateTrustAnchor", {"name": "a"}, Canonical.TRUST_CHANGE),
        ("cognito-identity", "SetIdentityPoolRoles", {"identityPoolId": "eu:1"}, Canonical.TRUST_CHANGE),
        ("ds", "ResetUserPassword", {"userName": "ana"}, Canonical.PASSWORD_RESET),
        ("ds-data", "AddGroupMember", {"memberName": "ana"}, Canonical.PRIVILEGE_GRANT),
        ("workmail", "ResetPassword", {"userId": "ana"}, Canonical.PASSWORD_RESET),
        ("account", "AcceptPrimaryEmailUpdate", {"accountId": "444455556666"}, Canonical.RECOVERY_INFO_CHANGE),
        ("identitystore-scim", "CreateUser", {"id": "u-1"}, Canonical.ACCOUNT_CREATE),
        ("rds", "ModifyDBInstance", {"dBInstanceIdentifier": "d", "masterUserPassword": "*"}, Canonical.PASSWORD_RESET),
        ("eks", "CreateAccessEntry", {"principalArn": "ana"}, Canonical.PRIVILEGE_GRANT),
        ("transfer", "ImportSshPublicKey", {"userName": "ana"}, Canonical.TOKEN_REISSUE),
        ("ec2", "AssociateIamInstanceProfile", {}, Canonical.PRIVILEGE_GRANT),
        ("workspaces", "ModifySamlProperties", {"resourceId": "d-1"}, Canonical.TRUST_CHANGE),
        ("storagegateway", "SetSMBGuestPassword", {}, Canonical.PASSWORD_RESET),
    ],
)
def test_what_another_service_changes_is_cloudtrail_s_too(
    tmp_path: Path, service: str, operation: str, data: dict[str, str], action: Canonical
) -> None:
    """Everything that the catalogue of AWS' calls tells is told of Security Lake's records as well."""
    report = read(tmp_path, call(operation, f"{service}.amazonaws.com", data=data))
    assert [(row.provider, row.action) for row in report.verdicts] == [("cloudtrail", action)]


@pytest.mark.parametrize(
    ("service", "operation"),
    [("sts", "AssumeRole"), ("eks", "DescribeCluster"), ("cloudtrail", "LookupEvents"), ("ec2", "DescribeInstances")],
)
def test_what_another_service_reads_is_let_be(tmp_path: Path, service: str, operation: str) -> None:
    """Most of a log is that, and counts as its category."""
    report = read(tmp_path, call(operation, f"{service}.amazonaws.com"))
    assert (report.verdicts, [count.native for count in report.types]) == ((), ["category 6"])


def test_every_call_that_is_told_comes_through(tmp_path: Path) -> None:
    """Whatever the catalogue has an action for is handed to its provider."""
    natives = [n for n, row in catalogue(CLOUDTRAIL).items() if "/" in n and (row["canonical"] or row["by_owner"])]
    calls = sorted({n.partition(" ")[0] for n in natives})
    events = [call(n.partition("/")[2], n.partition("/")[0] + ".amazonaws.com") for n in calls]
    assert not {count.native for count in read(tmp_path, *events).types} & {"category 6"}


def test_other_services_calls_are_let_be_beside_what_ocsf_says_itself(tmp_path: Path) -> None:
    """A call to a service that keeps no accounts counts as its category, and Account Change is read as ever."""
    change = {"class_uid": 3001, "activity_id": 4, "time": 1772452800000, "user": {"name": "ben"}}
    report = read(tmp_path, call("RunInstances", "ec2.amazonaws.com"), change, call("ChangePassword"))
    assert {(row.provider, row.action) for row in report.verdicts} == {
        ("ocsf", Canonical.PASSWORD_RESET),
        ("cloudtrail", Canonical.PASSWORD_CHANGE_SELF),
    }
    assert {count.native for count in report.types} == {"category 6", "3001/4", "iam/ChangePassword"}


def test_a_call_that_was_refused_was_not_made(tmp_path: Path) -> None:
    """What the service answered is the outcome."""
    api = call("UpdateLoginProfile", data={"userName": "ana"})["api"] | {"response": {"error": "AccessDenied"}}
    (row,) = read(tmp_path, call("UpdateLoginProfile", api=api)).verdicts
    assert (row.outcome, row.reasons) == ("FAILURE AccessDenied", ("attempt_failed",))


@pytest.mark.parametrize("odd", [5, 1.5, True, [], {}, None, ""])
@pytest.mark.parametrize("service", ["iam.amazonaws.com", "iam.amazonaws.com.example.test", 7])
@pytest.mark.parametrize("number", [6003, "06003", " 6003 ", 6003.0, "9" * 5000])
def test_an_odd_call_stops_nothing(tmp_path: Path, odd: object, service: object, number: object) -> None:
    """A call without a name that is text is one line more, rejected or of some type; what stands beside it is read."""
    line = call("x") | {
        "class_uid": number,
        "type_uid": 600303,
        "api": {"operation": odd, "service": {"name": service}},
    }
    report = read(tmp_path, line, call("ChangePassword"))
    assert [row.action for row in report.verdicts if row.action] == [Canonical.PASSWORD_CHANGE_SELF]
    assert report.lines == 2 == report.rejected_lines + sum(count.lines for count in report.types)


@pytest.mark.parametrize("times", [1, 300])
def test_what_two_parsers_read_in_two_ways_is_kept_aside(tmp_path: Path, times: int) -> None:
    """A line of which SQL and Python see another class is rejected with its text, and the rest of the log is read."""
    odd = call("x") | {"class_uid": 6003.0, "type_uid": 100}
    change = {"class_uid": 3001, "activity_id": 4, "user": {"name": "ben"}}
    changes = [change | {"time": 1772452800000 + n} for n in range(9)]
    report = read(tmp_path, *[odd] * times, *changes, odd, call("ChangePassword"))
    assert (report.rejected_lines, report.lines) == (times + 1, times + 11)
    assert {line.reason for line in report.rejected} == {"an event as one parser has it, and none as another"}
    assert sum(count.lines for count in report.types) == 10
