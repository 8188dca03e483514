"""AWS CloudTrail: who a caller is, whom a call is about, and the shapes that files and services carry events in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import CLOUDTRAIL

from .conftest import NOON, Classify
from .kinds import catalogue, named, odd_events, types_that_differ
from .signed_in import SIGN_INS, rows

MARA = {
    "type": "IAMUser",
    "principalId": "AIDAMARA",
    "arn": "arn:aws:iam::111122223333:user/mara",
    "accountId": "111122223333",
    "accessKeyId": "ASIAMARA",
    "userName": "mara",
}
ROLE = {
    "type": "AssumedRole",
    "principalId": "AROAX:rolf@example.test",
    "arn": "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_1/rolf@example.test",
    "accessKeyId": "ASIAROLF",
    "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "AWSReservedSSO_Admin_1"}},
}


def call(name: str, asked: object = None, *, source: str = "iam", by: object = None, **more: Any) -> dict[str, Any]:
    """An event as CloudTrail writes it."""
    return {
        "eventVersion": "1.09",
        "userIdentity": MARA if by is None else by,
        "eventTime": "2026-03-02T12:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "console.amazonaws.com",
        "requestParameters": {"userName": "ana"} if asked is None else asked,
        "responseElements": None,
        "requestID": f"r-{name}",
        "eventID": f"e-{name}",
        "readOnly": False,
        **more,
    }


def test_every_call_is_mapped_or_ignored(classify: Classify) -> None:
    """A call on a user has the action of the catalogue, made by another or by the user."""
    natives = [n for n in catalogue(CLOUDTRAIL) if "/" in n and " " not in n and not n.endswith("/read")]
    # What only its owner does has one actor; what is told apart by its members has tests of its own.
    alone: tuple[str, ...] = (
        "signin/",
        "cognito-idp/",
        "iam/ChangePassword",
        "eks/UpdateCluster",
        "transfer/UpdateServer",
        "glue/",
    )
    alone = (*alone, "logs/", "s3/")
    natives = [n for n in natives if not n.startswith(alone) and f"{n} contact" not in catalogue(CLOUDTRAIL)]

    def line(native: str, owner: bool) -> dict[str, Any]:
        source, name = native.split("/")
        target = named(native, owner)
        return call(name, {"userName": target}, source=source, by=MARA | {"userName": target if owner else "mara"})

    assert types_that_differ(CLOUDTRAIL, natives, line, classify) == []


@pytest.mark.parametrize(
    ("event", "action", "verdict"),
    [
        (call("UpdateLoginProfile"), Canonical.PASSWORD_RESET, Verdict.UNVERIFIED),
        (call("UpdateLoginProfile", {"userName": "mara"}), Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE),
        (call("ChangePassword", {}), Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE),
        (call("CreateAccessKey", {}), Canonical.TOKEN_REISSUE, Verdict.SELF_SERVICE),
        (call("CreateAccessKey"), Canonical.TOKEN_REISSUE, Verdict.UNVERIFIED),
        (call("UpdateAccessKey", {"userName": "ana", "status": "Inactive"}), Canonical.TOKEN_REVOKE, Verdict.IGNORED),
        (call("UpdateAccessKey", {"userName": "ana", "status": "Active"}), Canonical.TOKEN_REISSUE, Verdict.UNVERIFIED),
        (call("UpdateUser", {"userName": "ana", "newUserName": "anna"}), Canonical.ACCOUNT_RENAME, Verdict.IGNORED),
        (
            call("UpdatePassword", {"userId": "u-1"}, source="sso-directory"),
            Canonical.PASSWORD_RESET,
            Verdict.UNVERIFIED,
        ),
        (
            call("AdminSetUserPassword", {"username": "ana"}, source="cognito-idp"),
            Canonical.PASSWORD_RESET,
            Verdict.UNVERIFIED,
        ),
        (
            call(
                "AdminSetUserMFAPreference",
                {"username": "ana", "sMSMfaSettings": {"enabled": False}},
                source="cognito-idp",
            ),
            Canonical.FACTOR_RESET,
            Verdict.UNVERIFIED,
        ),
        (
            call("ConfirmForgotPassword", {"username": "ana"}, source="cognito-idp", by={"type": "Unknown"}),
            Canonical.PASSWORD_RECOVER_SELF,
            Verdict.SELF_SERVICE,
        ),
        (
            call("PasswordUpdated", {}, source="signin", by={"type": "Root", "accountId": "111122223333"}),
            Canonical.PASSWORD_CHANGE_SELF,
            Verdict.SELF_SERVICE,
        ),
        (
            call("EmailUpdated", {}, source="signin", by={"type": "Root", "accountId": "111122223333"}),
            Canonical.RECOVERY_INFO_CHANGE,
            Verdict.SELF_SERVICE,
        ),
    ],
)
def test_a_call_is_what_it_does_and_to_whom(
    classify: Classify, event: dict[str, Any], action: Canonical, verdict: Verdict
) -> None:
    """A call without a name is about its caller; a name of one's own is one's own."""
    row = classify.one(event, provider="cloudtrail")
    assert (row.action, row.verdict) == (action, verdict)


def assumed(role: str, session: str) -> dict[str, Any]:
    """Who calls in a session of *role*, whose name whoever assumes it chose."""
    arn = f"arn:aws:sts::111122223333:assumed-role/{role}/{session}"
    issuer = {"type": "Role", "arn": f"arn:aws:iam::111122223333:role/{role}", "userName": role}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAX:{session}",
        "arn": arn,
        "accessKeyId": "ASIAX",
        "sessionContext": {"sessionIssuer": issuer},
    }


def _issued(kind: str, arn: str) -> dict[str, Any]:
    """A session that was issued to a user or a role called like a service's own."""
    issuer = {"type": kind, "userName": "AWSServiceRoleForSupport", "arn": arn}
    return ROLE | {"sessionContext": {"sessionIssuer": issuer}, "arn": "arn:aws:sts::111122223333:assumed-role/x/rolf"}


@pytest.mark.parametrize(
    ("issuer", "is_service"),
    [
        (("Role", "arn:aws:iam::1:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"), True),
        (("Role", "arn:aws:iam::1:role/AWSServiceRoleForSupport"), False),
        (("Role", "arn:aws:iam::1:role/x:role/aws-service-role/AWSServiceRoleForSupport"), False),
        (("IAMUser", "arn:aws:iam::1:user/AWSServiceRoleForSupport"), False),
    ],
)
def test_a_service_s_role_is_told_by_its_path(classify: Classify, issuer: tuple[str, str], *, is_service: bool) -> None:
    """Whoever makes users and roles gives them their names."""
    row = classify.one(call("CreateAccessKey", by=_issued(*issuer)), provider="cloudtrail")
    assert row.actor_class == ("system" if is_service else None)


@pytest.mark.parametrize("role", ["HelpdeskAdmin", "AWSReservedSSO_Admin_1"])
def test_anothers_name_owns_nothing(classify: Classify, role: str) -> None:
    """A session called after its victim is not the victim, nor where the role only looks like Identity Center's."""
    row = classify.one(call("UpdateLoginProfile", by=assumed(role, "ana")), provider="cloudtrail")
    assert (row.action, row.verdict) == (Canonical.PASSWORD_RESET, Verdict.UNVERIFIED)


@pytest.mark.parametrize(
    ("by", "verdict"),
    [
        ({"type": "WebIdentityUser", "userName": "ana", "principalId": "idp:app:ana"}, Verdict.UNVERIFIED),
        (MARA | {"userName": "ana"}, Verdict.SELF_SERVICE),
        (ROLE | {"arn": "arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_1/ana"}, Verdict.SELF_SERVICE),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "ana"}}, Verdict.SELF_SERVICE),
    ],
)
def test_a_name_counts_by_who_gave_it(classify: Classify, by: object, verdict: Verdict) -> None:
    """IAM's user, a session of Identity Center and whom it acts for have their names from AWS; others chose theirs."""
    assert classify.one(call("UpdateLoginProfile", by=by), provider="cloudtrail").verdict is verdict


@pytest.mark.parametrize("role", ["HelpdeskAdmin", "AWSReservedSSO_Admin_1"])
def test_a_session_claims_no_evidence_by_its_name(
    classify: Classify, evidence: Callable[..., EvidenceRow], role: str
) -> None:
    """Only the executor's own user or role is the executor; a session called after it is another actor."""
    names = ("watchword", "arn:aws:iam::111122223333:user/watchword")
    case = evidence("ana", directory="cloudtrail", principal="watchword", principal_keys=names)
    own = MARA | {"userName": "watchword", "arn": names[1]}
    assert classify.one(call("UpdateLoginProfile", by=own), case, provider="cloudtrail").verdict is Verdict.VERIFIED
    for by in (assumed(role, "watchword"), {"type": "WebIdentityUser", "userName": "watchword"}):
        row = classify.one(call("UpdateLoginProfile", by=by), case, provider="cloudtrail")
        assert (row.verdict, row.reasons) == (Verdict.OUT_OF_POLICY, ("other_actor",))


def test_whoever_acts_in_a_session_is_known_by_its_name(classify: Classify, tmp_path: Path) -> None:
    """What a session is called adds to a verdict: a leaver is named, though the name owns nothing."""
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("keys,class,status\ngus@example.test,,leaver\n")
    by = assumed("HelpdeskAdmin", "gus@example.test")
    (row,) = classify([call("UpdateLoginProfile", by=by)], provider="cloudtrail", accounts=accounts).verdicts
    assert (row.verdict, "leaver_actor" in row.reasons) == (Verdict.SUSPICIOUS, True)


def test_one_click_of_the_console_is_one_action(classify: Classify) -> None:
    """Taking a factor away is two calls of one session: the factor is switched off and its device deleted."""
    serial = "arn:aws:iam::111122223333:mfa/ana"
    lines = [
        call("DeactivateMFADevice", {"userName": "ana", "serialNumber": serial}),
        call("DeleteVirtualMFADevice", {"serialNumber": serial}, eventTime="2026-03-02T12:00:01Z"),
    ]
    (row,) = classify(lines, None, provider="cloudtrail").verdicts
    assert (row.action, row.target, row.folded) == (Canonical.FACTOR_RESET, "ana", 2)


@pytest.mark.parametrize(
    ("by", "more", "kind"),
    [
        (MARA, {}, None),
        (ROLE, {}, None),
        ({"type": "AWSService", "invokedBy": "sso.amazonaws.com"}, {}, "system"),
        (MARA, {"sourceIPAddress": "cloudformation.amazonaws.com"}, "system"),
        (MARA, {"userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.9"}, "automation"),
        (ROLE | {"arn": "arn:aws:sts::1:assumed-role/web/i-0123456789abcdef0", "sessionContext": {}}, {}, "automation"),
    ],
)
def test_callers_have_their_class(classify: Classify, by: object, more: dict[str, Any], kind: str | None) -> None:
    """A role is a person's where Identity Center lends it; services and tools are told apart."""
    row = classify.one(call("UpdateLoginProfile", by=by, **more), provider="cloudtrail")
    assert (row.actor_class, row.address) == (kind, None if "sourceIPAddress" in more else "198.51.100.7")


@pytest.mark.parametrize("error", ["AccessDenied", "Client.UnauthorizedOperation"])
def test_a_refused_call_is_no_reset(classify: Classify, error: str) -> None:
    """An error code means that it was not done."""
    row = classify.one(call("UpdateLoginProfile", errorCode=error), provider="cloudtrail")
    assert (row.reasons, row.outcome) == (("attempt_failed",), f"FAILURE {error}")


def test_sign_ins_and_other_services_have_no_verdict(classify: Classify) -> None:
    """A sign-in, a look and a service that keeps no accounts are counted."""
    lines = [
        call("ConsoleLogin", source="signin", responseElements={"ConsoleLogin": "Success"}),
        call("ConsoleLogin", source="signin", errorMessage="Failed authentication"),
        call("ListUsers", readOnly=True),
        call("PutObject", source="s3"),
    ]
    report = classify(lines, None, provider="cloudtrail")
    assert (report.verdicts, report.unknown_types, report.counts[Verdict.IGNORED]) == ((), (), 4)


def test_an_unknown_call_of_a_service_that_keeps_accounts_is_shown(classify: Classify) -> None:
    """What the catalogue lacks is counted by its name."""
    report = classify([call("GrantEverything")], None, provider="cloudtrail")
    assert [count.native for count in report.unknown_types] == ["iam/GrantEverything"]


@pytest.mark.parametrize(
    "carried",
    [
        {"Records": [call("UpdateLoginProfile")]},
        {"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": call("UpdateLoginProfile")},
        {"Events": [{"EventId": "x", "CloudTrailEvent": json.dumps(call("UpdateLoginProfile"))}], "NextToken": "n"},
        {"EventId": "x", "CloudTrailEvent": json.dumps(call("UpdateLoginProfile"))},
        [call("UpdateLoginProfile")],
    ],
    ids=["file", "EventBridge", "look-ups", "look-up", "list"],
)
def test_an_event_is_read_however_it_is_carried(classify: Classify, carried: object) -> None:
    """Files, buses and the look-up API wrap the same event."""
    report = classify([json.dumps(carried)], None, provider="cloudtrail")
    assert [(row.action, row.target) for row in report.verdicts] == [(Canonical.PASSWORD_RESET, "ana")]
    assert (report.lines, report.rejected_lines) == (1, 0)


@pytest.mark.parametrize(
    "document",
    [
        {"event": {"original": json.dumps(call("UpdateLoginProfile"))}, "@timestamp": "2026-03-02T12:00:00Z"},
        {"integration": "aws", "aws": call("UpdateLoginProfile")},
        {
            "@timestamp": "2026-03-02T12:00:00Z",
            "event": {"action": "UpdateLoginProfile", "provider": "iam.amazonaws.com", "id": "e-1"},
            "user": {"name": "mara", "id": "AIDAMARA"},
            "source": {"ip": "198.51.100.7"},
            "aws": {
                "cloudtrail": {
                    "user_identity": {"type": "IAMUser", "arn": MARA["arn"]},
                    "request_parameters": "{userName=ana}",
                    "flattened": {"request_parameters": {"userName": "ana"}},
                }
            },
        },
    ],
    ids=["kept", "another system's", "its members"],
)
def test_a_document_of_another_system_is_the_event_it_was_made_of(classify: Classify, document: dict[str, Any]) -> None:
    """The event is read from what the document keeps of it, or from its members."""
    row = classify.one(document, provider="cloudtrail")
    assert (row.action, row.actor, row.target, row.at) == (Canonical.PASSWORD_RESET, "mara", "ana", NOON)
    assert row.address == "198.51.100.7"


def test_a_file_of_records_counts_each(tmp_path: Path) -> None:
    """Thousands of records on one line, compressed, as CloudTrail delivers them; one that is none is kept aside."""
    events: list[Any] = [call("UpdateLoginProfile", {"userName": f"u{n}"}, eventID=f"e{n}") for n in range(5000)]
    log = tmp_path / "111122223333_CloudTrail_eu-north-1.json.gz"
    log.write_bytes(gzip.compress(json.dumps({"Records": [*events, {"oops": 1}]}).encode()))
    report = Engine().classify("cloudtrail", (log,))
    assert (len(report.verdicts), report.lines, report.rejected_lines) == (5000, 5001, 1)


def test_a_page_without_events_is_no_damage(classify: Classify) -> None:
    """A file whose list is empty has nothing to say."""
    report = classify(['{"Records": []}', call("UpdateLoginProfile")], None, provider="cloudtrail")
    assert (len(report.verdicts), report.rejected_lines) == (1, 0)


@pytest.mark.parametrize("time", [NOON.timestamp(), "2026-03-02T12:00:00", "2026-03-02T13:00:00+01:00"])
def test_times_with_and_without_zone(classify: Classify, time: object) -> None:
    """What another tool made of the time is the same time."""
    assert classify.one(call("UpdateLoginProfile", eventTime=time), provider="cloudtrail").at == NOON


def test_odd_members_are_no_crash(classify: Classify) -> None:
    """Any member of another type: each line is an event all the same."""
    lines = list(odd_events(call("UpdateLoginProfile"), "eventName"))
    report = classify(lines, None, provider="cloudtrail")
    assert (report.lines, report.rejected_lines) == (len(lines), 0)
    assert sum(count.lines for count in report.types) == len(lines)


@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("AssumedRole", "AWS Internal", None),
        ("IAMUser", "AWS Internal", None),
        ("Unknown", "AWS Internal", "system"),
        ("AssumedRole", "cloudformation.amazonaws.com", "system"),
    ],
)
def test_a_call_that_the_console_makes_is_its_user_s(
    classify: Classify, kind: str, source: str, expected: str | None
) -> None:
    """What a person does in the console is written as from within, and is the person's all the same."""
    arn = "arn:aws:sts::111122223333:assumed-role/Desk/mara"
    event = {
        "eventID": "e-1",
        "eventName": "UpdateLoginProfile",
        "eventSource": "iam.amazonaws.com",
        "eventTime": "2026-03-02 12:00:00",
        "requestParameters": {"userName": "ana"},
        "sourceIPAddress": source,
        "userAgent": "AWS Internal",
        "userIdentity": {"type": kind, "arn": arn, "accessKeyId": "ASIA1"},
    }
    row = classify.one(event, provider="cloudtrail")
    assert (row.action, row.target, row.actor_class) == (Canonical.PASSWORD_RESET, "ana", expected)


def test_cognito_s_own_pages_are_read(classify: Classify) -> None:
    """What a person does in the pages that Cognito hosts is about the `sub` that these write, where they do."""
    pages = {"requestParameters": {"sub": ["s-ana"], "username": ["HIDDEN_DUE_TO_SECURITY_REASONS"]}}
    by = {"accountId": "111122223333"}
    row = classify.one(
        call("ResetPassword_POST", {"nothing": 1}, source="cognito-idp", by=by, additionalEventData=pages),
        provider="cloudtrail",
    )
    assert (row.action, row.target, row.verdict) == (Canonical.PASSWORD_RECOVER_SELF, "s-ana", Verdict.SELF_SERVICE)


@pytest.mark.parametrize(
    ("status", "outcome"), [(302, "SUCCESS"), (200.0, "SUCCESS"), (400.0, "FAILURE"), ({}, "SUCCESS")]
)
def test_a_page_that_was_refused_is_a_failure(classify: Classify, status: object, outcome: str) -> None:
    """Of a page that Cognito hosts the status says how it ended."""
    pages = {"requestParameters": {"sub": ["s-ana"]}, "responseParameters": {"status": status}}
    event = call("ForgotPassword_POST", source="cognito-idp", by={"accountId": "1"}, additionalEventData=pages)
    assert classify.one(event, provider="cloudtrail").outcome == outcome


def test_a_member_of_identity_center_s_group_is_the_target(classify: Classify) -> None:
    """Its older interface names the member, and no login."""
    asked = {"groupId": "g-1", "member": {"memberId": "m-ana"}}
    row = classify.one(call("AddMemberToGroup", asked, source="sso-directory"), provider="cloudtrail")
    assert (row.action, row.target) == (Canonical.PRIVILEGE_GRANT, "m-ana")


def test_identity_center_names_a_user_as_an_object_too(classify: Classify) -> None:
    """So its own pages ask: it was nobody whose factor went."""
    asked = {"user": {"userId": "u-ana", "directoryId": "d-1"}, "deviceId": "f-1"}
    row = classify.one(call("DeleteMfaDeviceForUser", asked, source="sso-directory"), provider="cloudtrail")
    assert (row.action, row.target) == (Canonical.FACTOR_RESET, "u-ana")


@pytest.mark.parametrize(
    ("name", "asked", "action"),
    [
        ("AdminLinkProviderForUser", "destinationUser", Canonical.FACTOR_ENROLL),
        ("AdminDisableProviderForUser", "user", Canonical.FACTOR_RESET),
    ],
)
def test_an_account_that_is_tied_to_another_provider_is_the_target(
    classify: Classify, name: str, asked: str, action: Canonical
) -> None:
    """Cognito names whose other way to sign in it is by an object."""
    user = {"providerName": "Cognito", "providerAttributeName": "Cognito_Subject", "providerAttributeValue": "ana"}
    row = classify.one(call(name, {"userPoolId": "p-1", asked: user}, source="cognito-idp"), provider="cloudtrail")
    assert (row.action, row.target) == (action, "ana")


ROOT = {
    "type": "Root",
    "principalId": "111122223333",
    "arn": "arn:aws:iam::111122223333:root",
    "accountId": "111122223333",
    "accessKeyId": "ASIAROOT",
}
LENT_ROOT = ROOT | {"accessKeyId": "ASIALENT", "sessionContext": {"attributes": {}, "assumedRoot": "true"}}
ROOT_S_FACTOR = "arn:aws:iam::111122223333:mfa/root-account-mfa-device"


@pytest.mark.parametrize(
    ("name", "asked", "action"),
    [
        ("EnableMFADevice", {"userName": "AWS ROOT USER", "serialNumber": ROOT_S_FACTOR}, Canonical.FACTOR_ENROLL),
        ("DeactivateMFADevice", {"userName": "AWS ROOT USER", "serialNumber": ROOT_S_FACTOR}, Canonical.FACTOR_RESET),
        ("DeleteVirtualMFADevice", {"serialNumber": ROOT_S_FACTOR}, Canonical.FACTOR_RESET),
        ("CreateVirtualMFADevice", {"virtualMFADeviceName": "root-account-mfa-device"}, Canonical.FACTOR_ENROLL),
        ("CreateLoginProfile", {}, Canonical.PASSWORD_CHANGE_SELF),
    ],
)
def test_the_root_user_is_the_account(classify: Classify, name: str, asked: dict[str, Any], action: Canonical) -> None:
    """What root does to itself is its own, however the call names it; done with root that is lent, it is another's."""
    own = classify.one(call(name, asked, by=ROOT), provider="cloudtrail")
    assert (own.action, own.target, own.verdict) == (action, "111122223333", Verdict.SELF_SERVICE)
    lent = classify.one(call(name, asked, by=LENT_ROOT), provider="cloudtrail")
    assert (lent.actor, lent.target, "by_owner" in lent.reasons) == ("ASIALENT", "111122223333", False)


@pytest.mark.parametrize("name", ["EnableMFADevice", "DeactivateMFADevice"])
def test_whose_a_factor_is_depends_on_no_name_of_it(classify: Classify, name: str) -> None:
    """Whoever makes a device names it: a user's that is called as root's factor is that user's."""
    asked = {"userName": "bob", "serialNumber": f"{ROOT_S_FACTOR}-2"}
    assert classify.one(call(name, asked), provider="cloudtrail").target == "bob"


@pytest.mark.parametrize(
    ("task", "action"),
    [("IAMCreateRootUserPassword", Canonical.IMPERSONATION_START), ("IAMAuditRootUserCredentials", None)],
)
@pytest.mark.parametrize("root", ["222233334444", "arn:aws:iam::222233334444:root"])
def test_whoever_is_lent_root_is_known(classify: Classify, task: str, action: Canonical | None, root: str) -> None:
    """Root of a member account is lent for one task: who took it for which is told, but where the task only looks."""
    asked = {"targetPrincipal": root, "taskPolicyArn": {"arn": f"arn:aws:iam::aws:policy/root-task/{task}"}}
    report = classify([call("AssumeRoot", asked, source="sts")], None, provider="cloudtrail")
    found = [(row.action, row.actor, row.target, row.detail) for row in report.verdicts]
    assert found == ([(action, "mara", "222233334444", task)] if action else [])
    assert report.unknown_types == ()


@pytest.mark.parametrize("member", ["responseElements", "serviceEventDetails"])
@pytest.mark.parametrize(("said", "done"), [("Success", True), ("Failure", False)])
def test_how_a_sign_in_ended_is_where_the_service_says_it(tmp_path: Path, member: str, said: str, done: bool) -> None:
    """The console answers it, and Identity Center has it among the details of its own events."""
    by = {"type": "Unknown", "principalId": "111122223333", "userName": "ana", "accessKeyId": ""}
    event = call("UserAuthentication", {}, source="signin", by=by, **{member: {"UserAuthentication": said}})
    assert [row[:2] for row in rows(tmp_path, "cloudtrail", [event], SIGN_INS)] == [("ana", done)]


def test_what_only_reads_is_read_though_the_record_is_old(classify: Classify) -> None:
    """Records of years ago do not say whether a call only reads; its name does."""
    lines = [{k: v for k, v in call(name).items() if k != "readOnly"} for name in ("ListUsers", "GetLoginProfile")]
    report = classify(lines, None, provider="cloudtrail")
    assert [(count.native, count.lines) for count in report.types] == [("iam/read", 2)]
    assert report.unknown_types == ()


@pytest.mark.parametrize(
    "beside",
    [
        {"eventType": "AwsCloudTrailInsight", "insightDetails": {"eventName": "UpdateLoginProfile", "state": "Start"}},
        {"awsAccountId": "111122223333", "digestS3Object": "AWSLogs/d.json.gz", "logFiles": [{"hashValue": "0"}]},
    ],
    ids=["insight", "digest"],
)
def test_what_lies_beside_the_calls_is_let_be(classify: Classify, beside: dict[str, Any]) -> None:
    """CloudTrail's own counts and digests are no calls, and no damage."""
    report = classify([beside, call("UpdateLoginProfile")], None, provider="cloudtrail")
    assert (len(report.verdicts), report.rejected_lines, report.unknown_types) == (1, 0, ())


def test_whoever_was_behind_the_first_role_is_known_and_owns_nothing(classify: Classify, tmp_path: Path) -> None:
    """The source identity stays from role to role: it names a leaver; a reset of that name is not its own for it."""
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("keys,class,status\ngus@example.test,standard,leaver\n")
    by = assumed("HelpdeskAdmin", "chained")
    by["sessionContext"]["sourceIdentity"] = "gus@example.test"
    (row,) = classify([call("UpdateLoginProfile", by=by)], provider="cloudtrail", accounts=accounts).verdicts
    assert (row.verdict, "leaver_actor" in row.reasons) == (Verdict.SUSPICIOUS, True)

    by["sessionContext"]["sourceIdentity"] = "ana"
    row = classify.one(call("UpdateLoginProfile", {"userName": "ana"}, by=by), provider="cloudtrail")
    assert "by_owner" not in row.reasons
    assert row.verdict is Verdict.UNVERIFIED
