"""Rows of Azure Monitor's tables, which Sentinel fills from other vendors' logs, exported or asked for."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.engine import Engine
from watchword.watch.verdicts import Report, VerdictRow

ANA = [{"id": "00uana", "type": "User", "alternateId": "ana@example.test"}]

OKTA_CUSTOM = {
    "actor_id_s": "00umara",
    "actor_type_s": "User",
    "actor_alternateId_s": "mara@example.test",
    "client_ipAddress_s": "192.0.2.9",
    "client_geographicalContext_country_s": "Iceland",
    "eventType_s": "user.account.reset_password",
    "outcome_result_s": "SUCCESS",
    "published_t": "2026-03-02T12:00:00Z",
    "target_s": json.dumps(ANA),
    "transaction_id_s": "t-1",
    "uuid_g": "u-1",
    "Type": "Okta_CL",
}
OKTA_V2 = {
    "TimeGenerated": "2026-03-02T12:00:00Z",
    "EventOriginalUid": "u-1",
    "EventOriginalType": "user.account.reset_password",
    "OriginalUserId": "00umara",
    "OriginalActorAlternateId": "mara@example.test",
    "OriginalUserType": "User",
    "SrcIpAddr": "192.0.2.9",
    "SrcGeoCountry": "Iceland",
    "OriginalOutcomeResult": "SUCCESS",
    "OriginalTarget": json.dumps(ANA),
    "TransactionId": "t-1",
    "Type": "OktaV2_CL",
}
CLOUDTRAIL = {
    "TimeGenerated": "2026-03-02T12:00:00Z",
    "AwsEventId": "e-1",
    "EventSource": "iam.amazonaws.com",
    "EventName": "UpdateLoginProfile",
    "UserIdentityType": "AssumedRole",
    "UserIdentityPrincipalid": "AROA:mara",
    "UserIdentityArn": "arn:aws:sts::111122223333:assumed-role/Desk/mara",
    "UserIdentityAccountId": "111122223333",
    "SessionIssuerUserName": "Desk",
    "SourceIpAddress": "192.0.2.9",
    "RequestParameters": '{"userName":"ana"}',
    "ResponseElements": "",
    "AwsRequestId_": "r-1",
    "RecipientAccountId": "111122223333",
    "Type": "AWSCloudTrail",
}
DUO = {
    "action_s": "bypass_create",
    "username_s": "Mara Voss",
    "object_s": "ana",
    "description_s": '{"count": 1}',
    "timestamp_d": 1772452800,
    "isotimestamp_t": "2026-03-02T12:00:00Z",
    "Type": "CiscoDuo_CL",
}
GITHUB = {
    "action_s": "org.update_member",
    "actor_s": "mara",
    "user_s": "ana",
    "org_s": "corp",
    "permission_s": "admin",
    "actor_ip_s": "192.0.2.9",
    "actor_location_country_code_s": "IS",
    "created_at_d": 1772452800000,
    "Type": "GitHubAuditLogPolling_CL",
}
GITHUB_V2 = {
    "Action": "org.update_member",
    "Actor": "mara",
    "User": "ana",
    "Org": "corp",
    "Permission": "admin",
    "CountryCode": "IS",
    "CreatedAt": 1772452800000,
    "Type": "GitHubAuditLogsV2_CL",
}
GOOGLE = {
    "SrcIpAddr": "192.0.2.9",
    "IdApplicationName": "admin",
    "IdUniqueQualifier": "-4320000000000000001",
    "IdTime": "2026-03-02T12:00:00.0000000Z",
    "NetworkIpAsn": "[64500]",
    "NetworkInfoRegionCode": "IS",
    "ActorEmail": "mara@example.test",
    "ActorCallerType": "USER",
    "EventType": "USER_SETTINGS",
    "EventName": "CHANGE_PASSWORD",
    "EventParameters": '{"USER_EMAIL":"ana@example.test"}',
    "Type": "GoogleWorkspaceReports",
}
GOOGLE_CUSTOM = {
    "actor_email_s": "mara@example.test",
    "actor_callerType_s": "USER",
    "IPAddress": "192.0.2.9",
    "id_applicationName_s": "admin",
    "id_time_t": "2026-03-02T12:00:00Z",
    "id_uniqueQualifier_s": "-4320000000000000001",
    "event_type_s": "USER_SETTINGS",
    "event_name_s": "CHANGE_PASSWORD",
    "USER_EMAIL_s": "ana@example.test",
    "Type": "GWorkspace_ReportsAPI_admin_CL",
}
GOOGLE_GROUPS = {
    "actor_email_s": "mara@example.test",
    "actor_callerType_s": "USER",
    "IPAddress": "192.0.2.9",
    "networkInfo_regionCode_s": "IS",
    "networkInfo_ipAsn_s": "[64500]",
    "id_applicationName_s": "groups",
    "id_time_t": "2026-03-02T12:00:00Z",
    "id_uniqueQualifier_s": "-4320000000000000001",
    "event_type_s": "moderator_action",
    "event_name_s": "add_user",
    "group_email_s": "admins@example.test",
    "user_email_s": "ana@example.test",
    "GROUP_EMAIL_s": "",
    "Type": "GWorkspace_ReportsAPI_groups_CL",
}
DUO_ACTIVITY = {
    "TimeGenerated": "2026-03-02T12:00:00Z",
    "Ts": "2026-03-02T12:00:00Z",
    "ActivityId": "a-1",
    "AccountKey": "DA1",
    "ActionName": "bypass_create",
    "ActionDetails": '{"valid_secs":3600}',
    "ActorKey": "DEMARA",
    "ActorName": "Mara Voss",
    "ActorType": "admin",
    "TargetKey": "DUANA",
    "TargetName": "ana",
    "TargetType": "user",
    "OldTarget": "",
    "OutcomeResult": "",
    "AccessDeviceIp": "192.0.2.9",
    "AccessDeviceCountry": "Iceland",
    "Type": "DuoActivity_CL",
}
DUO_AUTHENTICATION = {
    "TimeGenerated": "2026-03-02T12:00:00Z",
    "IsoTimestamp": "2026-03-02T12:00:00Z",
    "TxId": "x-1",
    "EventType": "authentication",
    "Factor": "duo_push",
    "Result": "fraud",
    "Reason": "user_marked_fraud",
    "UserKey": "DUANA",
    "UserName": "ana",
    "AccessDeviceIp": "192.0.2.9",
    "Type": "DuoAuthentication_CL",
}
ROBOT = "robot" + "@project-1.iam.gserviceaccount.com"
GCP_AUDIT = {
    "TimeGenerated": "2026-03-02T12:01:00Z",
    "Timestamp": "2026-03-02T12:00:00Z",
    "InsertId": "i-1",
    "ServiceName": "iam.googleapis.com",
    "MethodName": "google.iam.admin.v1.CreateServiceAccountKey",
    "PrincipalEmail": "mara@example.test",
    "RequestMetadata": '{"callerIp":"192.0.2.9"}',
    "Request": json.dumps({"name": f"projects/-/serviceAccounts/{ROBOT}"}),
    "Status": "{}",
    "Type": "GCPAuditLogs",
}
GCP_AUDIT_V2 = {
    "TimeGenerated": "2026-03-02T12:01:00Z",
    "Timestamp": "2026-03-02T12:00:00Z",
    "InsertId": "i-1",
    "Resource": json.dumps({"type": "service_account", "labels": {"email_id": ROBOT}}),
    "ProtoPayload": json.dumps(
        {
            "serviceName": "iam.googleapis.com",
            "methodName": "google.iam.admin.v1.CreateServiceAccountKey",
            "authenticationInfo": {"principalEmail": "mara@example.test"},
            "requestMetadata": {"callerIp": "192.0.2.9"},
        }
    ),
    "Type": "GCPAuditLogsV2_CL",
}
GCP_IAM = {
    "TimeGenerated": "2026-03-02T12:01:00Z",
    "Timestamp": "2026-03-02T12:00:00Z",
    "InsertId": "i-1",
    "ServiceName": "iam.googleapis.com",
    "MethodName": "google.iam.admin.v1.SetIAMPolicy",
    "AuthInfoPrincipalEmail": "mara@example.test",
    "RequestMetadataCallerIp": "192.0.2.9",
    "ServiceDataPolicyDeltaBindingDeltas": json.dumps(
        [{"action": "ADD", "role": "roles/iam.serviceAccountTokenCreator", "member": "user:ana@example.test"}]
    ),
    "ResourceLabelsEmailId": ROBOT,
    "StatusCode": "",
    "Type": "GCPIAM",
}

ROWS: list[tuple[str, dict[str, Any], Canonical, str, str, str | None]] = [
    ("okta", OKTA_CUSTOM, Canonical.PASSWORD_RESET, "00umara", "00uana", "192.0.2.9"),
    ("okta", OKTA_V2, Canonical.PASSWORD_RESET, "00umara", "00uana", "192.0.2.9"),
    ("cloudtrail", CLOUDTRAIL, Canonical.PASSWORD_RESET, str(CLOUDTRAIL["UserIdentityArn"]), "ana", "192.0.2.9"),
    ("duo", DUO, Canonical.BYPASS_GRANT, "Mara Voss", "ana", None),
    ("duo", DUO_ACTIVITY, Canonical.BYPASS_GRANT, "DEMARA", "DUANA", "192.0.2.9"),
    ("duo", DUO_AUTHENTICATION, Canonical.USER_REPORT, "DUANA", "DUANA", "192.0.2.9"),
    ("github", GITHUB, Canonical.PRIVILEGE_GRANT, "mara", "ana", "192.0.2.9"),
    ("github", GITHUB_V2, Canonical.PRIVILEGE_GRANT, "mara", "ana", None),
    ("google", GOOGLE, Canonical.PASSWORD_RESET, "mara@example.test", "ana@example.test", "192.0.2.9"),
    ("google", GOOGLE_CUSTOM, Canonical.PASSWORD_RESET, "mara@example.test", "ana@example.test", "192.0.2.9"),
    ("google", GOOGLE_GROUPS, Canonical.PRIVILEGE_GRANT, "mara@example.test", "ana@example.test", "192.0.2.9"),
    ("google", GCP_AUDIT_V2, Canonical.TOKEN_REISSUE, "mara@example.test", ROBOT, "192.0.2.9"),
    ("google", GCP_AUDIT, Canonical.TOKEN_REISSUE, "mara@example.test", ROBOT, "192.0.2.9"),
    ("google", GCP_IAM, Canonical.PRIVILEGE_GRANT, "mara@example.test", "ana@example.test", "192.0.2.9"),
]
NAMES = [str(row["Type"]) for _, row, *_ in ROWS]


def _read(folder: Path, content: str, provider: str) -> Report:
    log = folder / "log"
    log.write_text(content, encoding="utf-8")
    return Engine().classify(provider, (log,))


def _csv(row: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), lineterminator="\r\n")
    writer.writeheader()
    writer.writerow(row)
    return out.getvalue()


def _one(report: Report) -> VerdictRow:
    assert (report.lines, report.rejected_lines, report.unknown_types) == (1, 0, ())
    (row,) = report.verdicts
    return row


@pytest.mark.parametrize(("provider", "row", "action", "actor", "target", "address"), ROWS, ids=NAMES)
@pytest.mark.parametrize("write", [json.dumps, _csv], ids=["JSON", "a table"])
def test_a_row_is_the_vendor_s_event(
    tmp_path: Path,
    write: Any,
    provider: str,
    row: dict[str, Any],
    action: Canonical,
    actor: str,
    target: str,
    address: str | None,
) -> None:
    """Who did what to whom, from where and when, whether a query answered in JSON or its result was exported."""
    found = _one(_read(tmp_path, write(row), provider))
    assert (found.action, found.actor, found.target, found.address) == (action, actor, target, address)
    assert found.at.isoformat() == "2026-03-02T12:00:00+00:00"


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("3/2/2026, 12:00:00.250 PM", "2026-03-02T12:00:00.250000+00:00"),
        ("02/03/2026, 12:00:00.250", "2026-03-02T12:00:00.250000+00:00"),
        ("02/03/2026, 11:00:00.250 pm", "2026-03-02T23:00:00.250000+00:00"),
        ("2026-03-02T12:00:00.25Z", "2026-03-02T12:00:00.250000+00:00"),
    ],
)
@pytest.mark.parametrize("provider", ["okta", "cloudtrail"])
def test_a_page_s_time_is_read_in_the_order_of_its_reader(tmp_path: Path, provider: str, said: str, time: str) -> None:
    """Log Analytics' page exports times as the browser writes them, under a name with `[UTC]`."""
    given = OKTA_V2 if provider == "okta" else CLOUDTRAIL
    row = {"TimeGenerated [UTC]": said} | {name: each for name, each in given.items() if name != "TimeGenerated"}
    assert _one(_read(tmp_path, _csv(row), provider)).at.isoformat() == time


def test_a_number_that_a_spreadsheet_rounded_names_no_event(tmp_path: Path) -> None:
    """Two activities whose long numbers were rounded to one are two all the same."""
    rows = [
        GOOGLE | {"IdUniqueQualifier": "-4.32E+18", "EventParameters": json.dumps({"USER_EMAIL": mail})}
        for mail in ("ana@example.test", "ben@example.test")
    ]
    report = _read(tmp_path, "\n".join(map(json.dumps, rows)), "google")
    assert len({row.id for row in report.verdicts}) == 2
    assert {row.target for row in report.verdicts} == {"ana@example.test", "ben@example.test"}


@pytest.mark.parametrize(
    "row",
    [
        {"action_s": "two_factor_authentication.disabled", "actor_id_d": 12.0, "user_id_d": 13.0, "created_at_d": 1e12},
        {"Action": "two_factor_authentication.disabled", "ActorId": 12.0, "UserId": 13.0, "CreatedAt": 1e12},
        {"Action": "two_factor_authentication.disabled", "ActorId": "12.0", "UserId": "13.0", "CreatedAt": 1e12},
    ],
)
def test_a_number_with_a_fraction_is_the_number(tmp_path: Path, row: dict[str, Any]) -> None:
    """Sentinel's tables have the numbers of GitHub's members as reals, and those are written with a fraction."""
    found = _one(_read(tmp_path, json.dumps(row), "github"))
    assert (found.actor, found.target) == ("12", "13")


@pytest.mark.parametrize("table", ["GoogleWorkspaceReports", "GWorkspace_ReportsAPI_groups_CL"])
def test_a_parameter_of_many_is_each_of_them(tmp_path: Path, table: str) -> None:
    """Who is put into a group together with another is told apart."""
    both = ["ana@example.test", "ben@example.test"]
    row = GOOGLE_GROUPS | {"user_email_s": json.dumps(both)}
    if table == "GoogleWorkspaceReports":
        given = {"group_email": "admins@example.test", "user_email": both}
        said = {"IdApplicationName": "groups", "EventName": "add_user", "EventParameters": json.dumps(given)}
        row = GOOGLE | said
    report = _read(tmp_path, json.dumps(row), "google")
    assert sorted(row.target for row in report.verdicts) == both


@pytest.mark.parametrize("table", ["OktaV2_CL", "Okta_CL"])
def test_what_a_table_leaves_empty_is_not_there(tmp_path: Path, table: str) -> None:
    """A query answers with an empty text what the event did not have: Okta's own support comes with no program."""
    names = {
        "OktaV2_CL": ("OriginalActorAlternateId", "SrcIpAddr", "SrcGeoCountry", "HttpUserAgent", "TransactionId"),
        "Okta_CL": (
            "actor_alternateId_s",
            "client_ipAddress_s",
            "client_geographicalContext_country_s",
            "client_userAgent_rawUserAgent_s",
            "transaction_id_s",
        ),
    }[table]
    said = dict(zip(names, ("system" + "@okta.com", "", "", "", "unknown"), strict=True))
    row = (OKTA_V2 if table == "OktaV2_CL" else OKTA_CUSTOM) | said
    found = _one(_read(tmp_path, json.dumps(row), "okta"))
    assert (found.address, found.country, found.actor_class) == (None, None, "vendor")


def test_a_row_of_duo_s_sign_ins_has_its_members_within_one_another(tmp_path: Path) -> None:
    """The device's address and place are members of members, beside one (`os_version`) that only looks like it."""
    row = {
        "event_type_s": "enrollment",
        "result_s": "success",
        "factor_s": "not_available",
        "access_device_os_s": "Mac OS X",
        "access_device_os_version_s": "14.1",
        "access_device_ip_s": "192.0.2.9",
        "access_device_location_country_s": "Iceland",
        "user_key_s": "DUANA",
        "user_name_s": "ana",
        "txid_g": "t-1",
        "timestamp_d": 1772452800,
    }
    found = _one(_read(tmp_path, json.dumps(row), "duo"))
    assert (found.action, found.target, found.address, found.country) == (
        Canonical.FACTOR_ENROLL,
        "DUANA",
        "192.0.2.9",
        "Iceland",
    )


@pytest.mark.parametrize(
    "address",
    ["2001:db8::7#443", "2001:db8::7p443", "2001:db8::7 port 443", "2001:db8::7.443", "[2001:db8::7]:443"],
)
def test_an_address_with_a_port_is_that_address(tmp_path: Path, address: str) -> None:
    """RFC 5952 section 6 lists how a port is written beside an IPv6 address."""
    row = {"event_type": "enrollment", "result": "success", "txid": "t", "user": {"name": "ana"}}
    event = row | {"access_device": {"ip": address}, "timestamp": 1772452800}
    assert _one(_read(tmp_path, json.dumps(event), "duo")).address == "2001:db8::7"


def test_the_console_s_own_service_is_the_person_who_clicks(tmp_path: Path) -> None:
    """Older records say that the sign-in service called for whom the console was open; another service is no person."""
    identity = {"type": "IAMUser", "userName": "mara", "arn": "arn:aws:iam::111122223333:user/mara"}
    events = [
        {
            "eventID": service,
            "eventName": "UpdateLoginProfile",
            "eventSource": "iam.amazonaws.com",
            "eventTime": "2026-03-02T12:00:00Z",
            "requestParameters": {"userName": "ana"},
            "userIdentity": identity | {"invokedBy": service},
        }
        for service in ("signin.amazonaws.com", "cloudformation.amazonaws.com")
    ]
    report = _read(tmp_path, "\n".join(map(json.dumps, events)), "cloudtrail")
    assert {row.id: row.actor_class for row in report.verdicts} == {
        "signin.amazonaws.com": None,
        "cloudformation.amazonaws.com": "system",
    }


def test_several_events_within_one_message_are_read(tmp_path: Path) -> None:
    """A shipper may hand on a whole response body, one event a line, as one text."""
    body = "\n".join(
        json.dumps(
            {
                "uuid": f"u-{number}",
                "published": "2026-03-02T12:00:00Z",
                "eventType": "user.account.reset_password",
                "actor": {"id": "00umara", "type": "User"},
                "target": [{"id": target, "type": "User"}],
            }
        )
        for number, target in enumerate(("00uana", "00uben"))
    )
    report = _read(tmp_path, json.dumps({"events": [{"message": body}]}, indent=1), "okta")
    assert (report.rejected_lines, {row.target for row in report.verdicts}) == (0, {"00uana", "00uben"})
