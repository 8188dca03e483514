"""What logs hold beside the events they are read for, and events that only some tenants have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from .conftest import Classify, Okta
from .signed_in import rows
from .test_cloudtrail import MARA, ROLE, call

ANA = "11111111-aaaa-4aaa-8aaa-000000000002"


def _hub(category: str, operation: str, **properties: Any) -> dict[str, Any]:
    return {
        "time": "2026-03-02T12:00:00.1234567Z",
        "resourceId": "/tenants/t/providers/Microsoft.aadiam",
        "operationName": operation,
        "category": category,
        "resultType": "0",
        "location": "DE",
        "properties": {"id": f"i-{category}", **properties},
    }


def _signed_in(category: str, **more: Any) -> dict[str, Any]:
    who = {"userId": ANA, "userPrincipalName": "ana@example.test", "ipAddress": "198.51.100.7"}
    return _hub(category, "Sign-in activity", **who, appDisplayName="Mail", status={"errorCode": 0}, **more)


def test_a_sign_in_without_a_time_of_its_own_has_its_carrier_s(tmp_path: Path) -> None:
    """An event hub's sign-in that leaves out when it was made is of the account all the same, at the record's time."""
    lines = [_signed_in("SignInLogs"), _signed_in("ADFSSignInLogs")]
    query = 'SELECT "target", done, address, country, CAST("time" AS VARCHAR) FROM sign_in'
    found = rows(tmp_path, "entra", lines, query)
    assert found == [(ANA, True, "198.51.100.7", "DE", "2026-03-02 12:00:00.123456+00")] * 2


@pytest.mark.parametrize(
    ("category", "operation"),
    [
        ("RiskyUsers", "Risky user"),
        ("UserRiskEvents", "User Risk Detection"),
        ("ProvisioningLogs", "Provisioning activity"),
        ("MicrosoftGraphActivityLogs", "Microsoft Graph Activity"),
        ("NetworkAccessTrafficLogs", "Network access"),
        ("MicrosoftServicePrincipalSignInLogs", "Sign-in activity"),
    ],
)
def test_the_other_logs_of_a_tenant_are_known_and_let_be(classify: Classify, category: str, operation: str) -> None:
    """One event hub carries all of a tenant's logs: what is no change of an account is ignored, and not unknown."""
    line = _hub(category, operation, userPrincipalName="ana@example.test", createdDateTime="2026-03-02T12:00:00Z")
    report = classify([line], provider="entra")
    (seen,) = report.types
    assert (report.rejected_lines, report.verdicts) == (0, ())
    assert seen.known
    assert seen.ignored


DS = {"directoryId": "d-1234567890"}


@pytest.mark.parametrize(
    ("event", "action", "target"),
    [
        (call("ResetUserPassword", DS | {"userName": "ana"}, source="ds"), Canonical.PASSWORD_RESET, "ana"),
        (call("DisableUser", DS | {"sAMAccountName": "ana"}, source="ds"), Canonical.ACCOUNT_DISABLE, "ana"),
        (
            call("UpdateUser", DS | {"sAMAccountName": "ana", "emailAddress": "HIDDEN"}, source="ds"),
            Canonical.RECOVERY_INFO_CHANGE,
            "ana",
        ),
        (
            call("AddGroupMember", DS | {"groupName": "Admins", "memberName": "ana"}, source="ds-data"),
            Canonical.PRIVILEGE_GRANT,
            "ana",
        ),
        (call("ResetPassword", {"userId": "S-1-5-21-9"}, source="workmail"), Canonical.PASSWORD_RESET, "S-1-5-21-9"),
        (
            call("AcceptPrimaryEmailUpdate", {"accountId": "444455556666"}, source="account"),
            Canonical.RECOVERY_INFO_CHANGE,
            "444455556666",
        ),
    ],
)
def test_accounts_that_aws_keeps_elsewhere_are_accounts(
    classify: Classify, event: dict[str, Any], action: Canonical, target: str
) -> None:
    """AWS' managed directories, its mail, and the address of a root user are changed by calls of other services."""
    row = classify.one(event, provider="cloudtrail")
    assert (row.action, row.target, row.actor) == (action, target, "mara")


def test_other_calls_of_those_services_are_of_no_account(classify: Classify) -> None:
    """A directory that is set up is no event of an account, and no unknown one."""
    report = classify([call("CreateDirectory", {}, source="ds")], provider="cloudtrail")
    (seen,) = report.types
    assert (seen.native, report.verdicts) == ("another service", ())


OFF = {"op": "replace", "path": "active", "value": "false"}
MEMBER = {"path": "members", "value": [{"value": "u-1"}]}
SCIM = {"type": "WebIdentityUser", "accountId": "111122223333", "accessKeyId": "xxxx"}


def _patched(name: str, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = {"httpBody": {"operations": list(operations)}, "tenantId": "x", **more}
    return call(name, asked, source="identitystore-scim", by=SCIM)


@pytest.mark.parametrize(
    ("event", "action"),
    [
        (_patched("PatchUser", OFF, id="u-1"), Canonical.ACCOUNT_DISABLE),
        (_patched("PatchUser", OFF | {"value": "true"}, id="u-1"), Canonical.ACCOUNT_ENABLE),
        (_patched("PatchUser", {"op": "replace", "path": "emails"}, id="u-1"), Canonical.RECOVERY_INFO_CHANGE),
        (_patched("PatchGroup", {"op": "add", **MEMBER}), Canonical.PRIVILEGE_GRANT),
        (_patched("PatchGroup", {"op": "remove", **MEMBER}), Canonical.PRIVILEGE_REVOKE),
        (
            call("CreateUser", {}, source="identitystore-scim", by=SCIM, responseElements={"id": "u-1"}),
            Canonical.ACCOUNT_CREATE,
        ),
    ],
)
def test_provisioning_of_identity_center_is_no_one_s_self_service(
    classify: Classify, event: dict[str, Any], action: Canonical
) -> None:
    """What a provider of identities writes through SCIM is about its target, by automation, and by no owner."""
    row = classify.one(event, provider="cloudtrail")
    assert (row.action, row.target, row.actor_class) == (action, "u-1", "automation")
    assert row.verdict is not Verdict.SELF_SERVICE


def test_a_session_may_be_named_for_anybody(classify: Classify) -> None:
    """Who assumes a role and calls the session as the victim is not the victim; Identity Center's names hold."""
    issuer = {"sessionIssuer": {"type": "Role", "userName": "Support"}}
    named = ROLE | {"arn": "arn:aws:sts::111122223333:assumed-role/Support/ana", "sessionContext": issuer}
    taken = classify.one(call("UpdateLoginProfile", by=named), provider="cloudtrail")
    assert (taken.action, taken.verdict) == (Canonical.PASSWORD_RESET, Verdict.UNVERIFIED)
    asked = {"userName": "rolf@example.test"}
    own = classify.one(call("UpdateLoginProfile", asked, by=ROLE), provider="cloudtrail")
    assert (own.action, own.verdict) == (Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE)
    assert MARA["userName"] not in (taken.actor, own.actor)


def test_a_lock_is_done_though_the_sign_in_failed(classify: Classify, okta: Okta) -> None:
    """Okta writes a lock as the failure of the sign-in that led to it, in the name of whoever is locked out."""
    failed = {"result": "FAILURE", "reason": "LOCKED_OUT"}
    lock = okta("user.account.lock", actor="00uana", outcome=failed)
    (row,) = classify([lock]).verdicts
    assert (row.action, row.verdict, row.reasons) == (Canonical.ACCOUNT_LOCK, Verdict.IGNORED, ("not_support",))
    (other,) = classify([okta("user.account.unlock_by_admin", outcome=failed)]).verdicts
    assert other.reasons == ("attempt_failed",)


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ({"format": "account", "uri": "acct:Ana@example.test"}, ["ana@example.test"]),
        ({"format": "did", "url": "did:example:a1"}, ["did:example:a1"]),
        ({"format": "uri", "uri": "https://people.example.test/ana"}, ["https://people.example.test/ana"]),
        ({"format": "phone_number", "phone_number": "+491700000"}, ["+491700000"]),
        (
            {"format": "aliases", "identifiers": [{"format": "opaque", "id": "o-1"}, {"email": "ana@example.test"}]},
            ["ana@example.test", "o-1"],
        ),
        (
            {
                "format": "complex",
                "user": {"format": "aliases", "identifiers": [{"sub": "00u1"}]},
                "tenant": {"id": "t"},
            },
            ["00u1"],
        ),
    ],
)
def test_a_subject_is_known_in_every_format(tmp_path: Path, subject: dict[str, Any], names: list[str]) -> None:
    """Every format of RFC 9493 gives the names that the account is matched by."""
    kind = "https://schemas.openid.net/secevent/risc/event-type/account-enabled"
    line = {"jti": "j-1", "iat": 1772452800, "sub_id": subject, "events": {kind: {}}}
    assert rows(tmp_path, "ssf", [line], "SELECT list_sort(target_keys) FROM native") == [(names,)]


def test_a_subject_within_the_event_is_taken_where_the_token_has_none(tmp_path: Path) -> None:
    """Transmitters of earlier drafts name the subject in the event; one that the token names counts alone."""
    kind = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
    event = {"subject": {"user": {"format": "email", "email": "ana@example.test"}}}
    line = {"jti": "j-1", "iat": 1772452800, "events": {kind: event}}
    both = line | {"jti": "j-2", "sub_id": {"format": "opaque", "id": "o-1"}}
    found = rows(tmp_path, "ssf", [line, both], 'SELECT "target", target_keys FROM native ORDER BY id')
    assert found == [("ana@example.test", ["ana@example.test"]), ("o-1", ["o-1"])]


@pytest.mark.parametrize("member", ["requestParameters", "userIdentity"])
def test_what_a_pipeline_wrote_as_text_is_no_less_said(classify: Classify, member: str) -> None:
    """A reset whose target or caller came as text is one of that target by that caller, and no one's own."""
    event = call("UpdateLoginProfile")
    row = classify.one(event | {member: json.dumps(event[member])}, provider="cloudtrail")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "mara", "ana")


def test_an_audit_within_a_text_is_read(classify: Classify) -> None:
    """Where a record's properties are a text, who and whom are in it, also when every line of a log is such."""
    who = {"user": {"id": "a-1", "userPrincipalName": "ada@example.test"}}
    whom = [{"id": ANA, "type": "User", "userPrincipalName": "ana@example.test", "modifiedProperties": []}]
    audit = {
        "id": "d-1",
        "activityDisplayName": "Reset password (by admin)",
        "activityDateTime": "2026-03-02T12:00:00Z",
        "result": "success",
        "initiatedBy": who,
        "targetResources": whom,
    }
    hub = _hub("AuditLogs", "Reset password (by admin)") | {"properties": json.dumps(audit)}
    row = classify.one(hub, provider="entra")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "a-1", ANA)


@pytest.mark.parametrize("member", ["actor", "target", "outcome"])
def test_a_member_that_became_text_is_read_line_by_line(classify: Classify, okta: Okta, member: str) -> None:
    """Beside damage, which has every line looked at by itself, an object written as text is the object it was."""
    event = okta(actor="00uada", outcome={"result": "FAILURE"})
    report = classify([event | {member: json.dumps(event[member])}, "{damaged"])
    (row,) = report.verdicts
    assert (row.actor, row.target, row.outcome) == ("00uada", "00uana", "FAILURE")
    assert report.rejected_lines == 1


def test_a_name_that_is_not_kept_is_nobody_s(tmp_path: Path) -> None:
    """Where CloudTrail hides a name, an account is known by its id, and a sign-in as nobody is of no account."""
    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    made = call("CreateUser", {"userName": hidden}, source="identitystore", responseElements={"userId": "u-1"})
    assert rows(tmp_path, "cloudtrail", [made], 'SELECT "target" FROM native') == [("u-1",)]
    nobody = {"type": "IAMUser", "accountId": "111122223333", "userName": hidden}
    failed = call("ConsoleLogin", {}, source="signin", by=nobody, errorMessage="No username found")
    assert rows(tmp_path, "cloudtrail", [failed], 'SELECT "target", done FROM sign_in') == [("", False)]


def test_a_document_that_has_a_country_by_itself_keeps_it(tmp_path: Path) -> None:
    """Elastic puts the country that Entra told beside the address, and not within it."""
    own = {"category": "SignInLogs", "operation_name": "Sign-in activity", "properties": {"user_id": ANA}}
    line = {
        "@timestamp": "2026-03-02T12:00:00.000Z",
        "azure": {"signinlogs": own | {"result_type": "0"}},
        "event": {"action": "Sign-in activity", "outcome": "success"},
        "geo": {"country_iso_code": "DE"},
        "source": {"ip": "198.51.100.7", "as": {"number": 64500}},
    }
    found = rows(tmp_path, "entra", [line], 'SELECT "target", done, address, country, asn FROM sign_in')
    assert found == [(ANA, True, "198.51.100.7", "DE", 64500)]


POOL = {"userPoolId": "p-1", "username": "ana"}
SMS = [{"deliveryMedium": "SMS", "attributeName": "phone_number"}]


@pytest.mark.parametrize(
    ("name", "asked", "action"),
    [
        ("AdminDeleteSoftwareToken", POOL, Canonical.FACTOR_RESET),
        ("AdminSetUserSettings", POOL | {"mFAOptions": SMS}, Canonical.FACTOR_ENROLL),
        ("AdminSetUserSettings", POOL | {"mFAOptions": []}, Canonical.FACTOR_RESET),
        ("AdminRevokeUserSession", POOL | {"sessionId": "s-1"}, Canonical.SESSION_REVOKE),
    ],
)
def test_an_administrator_of_a_user_pool_acts_on_factors(
    classify: Classify, name: str, asked: dict[str, Any], action: Canonical
) -> None:
    """A factor that is deleted for somebody, switched on or off, and a session that is ended, are what they are."""
    row = classify.one(call(name, asked, source="cognito-idp"), provider="cloudtrail")
    assert (row.action, row.target) == (action, "ana")
