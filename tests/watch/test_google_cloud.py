"""Google Cloud's audit logs: service accounts, groups of Cloud Identity and accounts of Identity Platform."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from .conftest import Classify

ACCOUNT = "robot" + "@project-1.iam.gserviceaccount.com"
GIVEN = {"action": "ADD", "role": "roles/iam.serviceAccountTokenCreator", "member": "user:ana@example.test"}
ANA = {"email": "ana@example.test", "localId": "u-ana"}


def _entry(method: str, service: str, **payload: Any) -> dict[str, Any]:
    return {
        "insertId": "i-1",
        "timestamp": "2026-03-02T12:00:00Z",
        "resource": payload.pop("resource", {}),
        "protoPayload": {
            "serviceName": f"{service}.googleapis.com",
            "methodName": method,
            "authenticationInfo": {"principalEmail": "admin@example.test"},
            "requestMetadata": {"callerIp": "198.51.100.7"},
            "status": {},
            **payload,
        },
    }


def _iam(method: str, **payload: Any) -> dict[str, Any]:
    labels = {"email_id": ACCOUNT, "unique_id": "123"}
    more = {"resource": {"type": "service_account", "labels": labels}, "resourceName": "projects/-/serviceAccounts/123"}
    return _entry(f"google.iam.admin.v1.{method}", "iam", **more | payload)


def _platform(method: str, asked: dict[str, Any], **payload: Any) -> dict[str, Any]:
    name = f"google.cloud.identitytoolkit.v1.AccountManagementService.{method}"
    return _entry(name, "identitytoolkit", request=asked, **payload)


def _bound(*deltas: dict[str, str]) -> dict[str, Any]:
    return _iam("SetIAMPolicy", serviceData={"policyDelta": {"bindingDeltas": list(deltas) or [GIVEN]}})


def _membership(group: str = "admins@example.test", done: str = "ADD") -> dict[str, Any]:
    delta = {"member": "user:ana@example.test", "roleDeltas": [{"action": done, "role": "MEMBER"}]}
    return _entry(
        "google.apps.cloudidentity.groups.v1.MembershipsService.UpdateMembership",
        "cloudidentity",
        metadata={"group": f"group:{group}", "membershipDelta": delta},
    )


def test_a_long_name_is_looked_at_once(classify: Classify) -> None:
    """From each letter of a name to its end would take an hour where it has a million."""
    long = "a" * 1_000_000
    entry = _iam("DisableServiceAccount", resource={}, resourceName=f"projects/-/serviceAccounts/{long}")
    assert classify.one(entry, provider="google").target == long


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("CreateServiceAccountKey", Canonical.TOKEN_REISSUE),
        ("UploadServiceAccountKey", Canonical.TOKEN_REISSUE),
        ("DisableServiceAccountKey", Canonical.TOKEN_REVOKE),
        ("DeleteServiceAccountKey", Canonical.TOKEN_REVOKE),
        ("CreateServiceAccount", Canonical.ACCOUNT_CREATE),
        ("DeleteServiceAccount", Canonical.ACCOUNT_DELETE),
        ("EnableServiceAccount", Canonical.ACCOUNT_ENABLE),
        ("DisableServiceAccount", Canonical.ACCOUNT_DISABLE),
    ],
)
def test_what_is_done_to_a_service_account_is_told(classify: Classify, method: str, action: Canonical) -> None:
    """A service account and its keys are an account and its credentials, whatever else the resource is called by."""
    row = classify.one(_iam(method), provider="google")
    assert (row.action, row.actor, row.target) == (action, "admin@example.test", ACCOUNT)
    assert (row.address, row.outcome) == ("198.51.100.7", "SUCCESS")


@pytest.mark.parametrize(
    ("payload", "target"),
    [
        ({"response": {"email": ACCOUNT}, "resourceName": "projects/project-1"}, ACCOUNT),
        ({"request": {"name": f"projects/-/serviceAccounts/{ACCOUNT}"}}, ACCOUNT),
        ({"resourceName": "projects/-/serviceAccounts/123/keys/abc"}, "123"),
        ({"resourceName": 7, "request": "none"}, ""),
    ],
)
def test_a_service_account_without_a_label_is_found(classify: Classify, payload: dict[str, Any], target: str) -> None:
    """Whoever hands entries on may leave the resource's labels out."""
    row = classify.one(_iam("CreateServiceAccountKey", resource={}, **payload), provider="google")
    assert row.target == target


def test_a_call_that_was_denied_is_an_attempt(classify: Classify) -> None:
    """A status with a code other than 0 is a failure."""
    denied = {"code": 7, "message": "PERMISSION_DENIED"}
    row = classify.one(_iam("CreateServiceAccountKey", status=denied), provider="google")
    assert (row.outcome, row.verdict) == ("FAILURE", Verdict.IGNORED)


@pytest.mark.parametrize(("ended", "outcome"), [({"success": True}, "SUCCESS"), ({"success": False}, "FAILURE")])
def test_an_event_within_an_entry_says_how_it_ended(classify: Classify, ended: dict[str, Any], outcome: str) -> None:
    """What Google Workspace hands to a sink tells in a word of its own whether it was done."""
    parameters = [{"name": "USER_EMAIL", "multiStrValue": ["ana@example.test"]}]
    event = {"eventName": "CHANGE_PASSWORD", "status": ended, "parameter": parameters}
    entry = _entry("google.admin.AdminService.changePassword", "admin", metadata={"event": [event]})
    row = classify.one(entry, provider="google")
    assert (row.action, row.target, row.outcome) == (Canonical.PASSWORD_RESET, "ana@example.test", outcome)


def test_a_policy_of_a_service_account_is_read_member_by_member(classify: Classify) -> None:
    """Each member that a role is given to or taken from has an event; the account itself has none."""
    taken = {
        "action": "REMOVE",
        "role": "roles/iam.serviceAccountUser",
        "member": "deleted:user:ben@example.test?uid=7",
    }
    report = classify([_bound(GIVEN, taken)], None, provider="google")
    assert {(row.action, row.target) for row in report.verdicts} == {
        (Canonical.PRIVILEGE_GRANT, "ana@example.test"),
        (Canonical.PRIVILEGE_REVOKE, "ben@example.test"),
    }


@pytest.mark.parametrize(
    ("role", "done", "action"),
    [
        ("roles/owner", "ADD", Canonical.PRIVILEGE_GRANT),
        ("roles/iam.securityAdmin", "ADD", Canonical.PRIVILEGE_GRANT),
        ("roles/compute.admin", "REMOVE", Canonical.PRIVILEGE_REVOKE),
        ("roles/viewer", "ADD", None),
    ],
)
def test_a_powerful_role_on_a_project_is_power(
    classify: Classify, role: str, done: str, action: Canonical | None
) -> None:
    """Of what else a sink has, who is given a project, a folder or the organisation to administer is told."""
    deltas = [{"action": done, "role": role, "member": "user:ana@example.test"}]
    policy = {"policyDelta": {"bindingDeltas": deltas}}
    event = _entry("SetIamPolicy", "cloudresourcemanager", serviceData=policy, resourceName="projects/project-1")
    report = classify([event], None, provider="google")
    expected = [] if action is None else [(action, "ana@example.test", role)]
    assert [(row.action, row.target, row.detail) for row in report.verdicts] == expected
    assert report.unknown_types == ()


LOGGING = "google.logging.v2.ConfigServiceV2."
OFF = {"request": {"sink": {"disabled": True}, "updateMask": "disabled"}}
ON = {"request": {"sink": {"disabled": False}, "updateMask": "disabled"}}


@pytest.mark.parametrize(
    ("method", "payload", "action"),
    [
        ("DeleteSink", {}, Canonical.LOG_TAMPERED),
        (
            "UpdateSink",
            {"request": {"sink": {"filter": "severity>=ERROR"}, "updateMask": "filter"}},
            Canonical.LOG_TAMPERED,
        ),
        ("UpdateSink", OFF, Canonical.LOG_TAMPERED),
        ("UpdateSink", ON, None),
        ("UpdateSink", {"request": {"updateMask": "disabled"}}, Canonical.LOG_TAMPERED),
        ("UpdateBucketAsync", {}, Canonical.LOG_TAMPERED),
        ("UpdateSettings", {}, Canonical.LOG_TAMPERED),
        ("CreateExclusion", {}, Canonical.LOG_TAMPERED),
        ("DeleteBucket", {}, Canonical.LOG_TAMPERED),
        ("CreateSink", {}, None),
        ("ListSinks", {}, None),
    ],
)
def test_where_the_log_goes_is_told(
    classify: Classify, method: str, payload: dict[str, Any], action: Canonical | None
) -> None:
    """A sink is how a log comes here at all: who takes it off, or lets less through, is told."""
    event = _entry(LOGGING + method, "logging", resourceName="projects/project-1/sinks/siem", **payload)
    report = classify([event], None, provider="google")
    expected = [] if action is None else [(action, "admin@example.test", "", "projects/project-1/sinks/siem")]
    assert [(row.action, row.actor, row.target, row.detail) for row in report.verdicts] == expected
    assert report.unknown_types == ()


@pytest.mark.parametrize(
    ("delta", "is_less"),
    [
        ({"action": "REMOVE", "logType": "DATA_WRITE"}, True),
        ({"action": "ADD", "logType": "DATA_WRITE", "exemptedMember": "user:ben@example.test"}, True),
        ({"action": "ADD", "logType": "DATA_WRITE"}, False),
        ({"action": "REMOVE", "logType": "DATA_WRITE", "exemptedMember": "user:ben@example.test"}, False),
    ],
)
def test_whose_acts_are_no_longer_logged_is_told(classify: Classify, delta: dict[str, str], *, is_less: bool) -> None:
    """A policy says what of a project is logged, and may leave somebody out, beside who has which role there."""
    given = {"action": "ADD", "role": "roles/owner", "member": "user:ana@example.test"}
    policy = {"policyDelta": {"auditConfigDeltas": [{"service": "allServices", **delta}], "bindingDeltas": [given]}}
    event = _entry("SetIamPolicy", "cloudresourcemanager", serviceData=policy, resourceName="projects/project-1")
    actions = {row.action for row in classify([event], None, provider="google").verdicts}
    assert actions == {Canonical.PRIVILEGE_GRANT} | ({Canonical.LOG_TAMPERED} if is_less else set())


@pytest.mark.parametrize(
    ("method", "payload", "action"),
    [
        ("storage.hmacKeys.create", {"request": {"serviceAccountEmail": ACCOUNT}}, Canonical.TOKEN_REISSUE),
        (
            "storage.hmacKeys.update",
            {"response": {"state": "INACTIVE", "serviceAccountEmail": ACCOUNT}},
            Canonical.TOKEN_REVOKE,
        ),
        ("storage.hmacKeys.update", {"response": {"serviceAccountEmail": ACCOUNT}}, Canonical.TOKEN_REISSUE),
        ("storage.hmacKeys.delete", {"response": {"serviceAccountEmail": ACCOUNT}}, Canonical.TOKEN_REVOKE),
    ],
)
def test_a_key_of_cloud_storage_is_a_service_account_s(
    classify: Classify, method: str, payload: dict[str, Any], action: Canonical
) -> None:
    """It lets in as the account does, and is none of the account's own keys."""
    row = classify.one(_entry(method, "storage", **payload), provider="google")
    assert (row.action, row.target) == (action, ACCOUNT)


@pytest.mark.parametrize(
    ("behind", "actor", "actor_class"),
    [("mara@example.test", "mara@example.test", None), (ACCOUNT, "deployer-" + ACCOUNT, "automation")],
)
def test_who_acts_as_a_service_account_is_who_acts(
    classify: Classify, behind: str, actor: str, actor_class: str | None
) -> None:
    """Google says on whose behalf a service account made a call: a person is told from another account."""
    caller = {
        "principalEmail": "deployer-" + ACCOUNT,
        "serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": behind}}],
    }
    row = classify.one(_iam("CreateServiceAccountKey", authenticationInfo=caller), provider="google")
    assert (row.actor, row.actor_class) == (actor, actor_class)


def test_wazuh_hands_an_entry_on(classify: Classify) -> None:
    """It names the integration, and has the entry in a member of that name."""
    row = classify.one({"integration": "gcp", "gcp": _iam("CreateServiceAccountKey")}, provider="google")
    assert (row.action, row.target) == (Canonical.TOKEN_REISSUE, ACCOUNT)


@pytest.mark.parametrize(
    ("group", "done", "action"),
    [
        ("gcp-organization-admins@example.test", "ADD", Canonical.PRIVILEGE_GRANT),
        ("gcp-organization-admins@example.test", "REMOVE", Canonical.PRIVILEGE_REVOKE),
        ("choir@example.test", "ADD", None),
        ("root-cause-analysis@example.test", "ADD", None),
    ],
)
def test_who_is_put_into_a_group_of_cloud_identity(
    classify: Classify, group: str, done: str, action: Canonical | None
) -> None:
    """One method adds and removes; a group counts as power where its name says so."""
    report = classify([_membership(group, done)], None, provider="google")
    expected = [] if action is None else [(action, "ana@example.test")]
    assert [(row.action, row.target) for row in report.verdicts] == expected
    assert report.unknown_types == ()


@pytest.mark.parametrize("odd", [7, True, "ADD", {"action": "REMOVE"}, None])
def test_changes_of_roles_that_are_no_list(classify: Classify, odd: Any) -> None:
    """Whatever stands in their place, the entry is somebody put into the group."""
    event = _membership()
    event["protoPayload"]["metadata"]["membershipDelta"]["roleDeltas"] = odd
    assert classify.one(event, provider="google").action is Canonical.PRIVILEGE_GRANT


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        ({"password": "REDACTED"}, Canonical.PASSWORD_RESET),
        ({"disableUser": True}, Canonical.ACCOUNT_DISABLE),
        ({"disableUser": False}, Canonical.ACCOUNT_ENABLE),
        ({"mfa": {}}, Canonical.FACTOR_RESET_ALL),
        ({"mfa": {"enrollments": [{"phoneInfo": "REDACTED"}]}}, Canonical.FACTOR_RESET),
        ({"phoneNumber": "REDACTED"}, Canonical.RECOVERY_INFO_CHANGE),
        ({"customAttributes": '{"role":"owner"}'}, Canonical.PRIVILEGE_GRANT),
        ({"validSince": "1772452800"}, Canonical.SESSION_REVOKE),
        ({"displayName": "Ana"}, None),
    ],
)
def test_an_update_is_what_it_was_asked_to_set(
    classify: Classify, asked: dict[str, Any], action: Canonical | None
) -> None:
    """Identity Platform has one method for a password, a factor, an address and a lock."""
    report = classify([_platform("SetAccountInfo", ANA | asked | {"email": ""})], None, provider="google")
    expected = [] if action is None else [(action, "admin@example.test", "u-ana")]
    assert [(row.action, row.actor, row.target) for row in report.verdicts] == expected
    assert report.unknown_types == ()


def test_a_new_address_is_not_whom_an_update_is_about(classify: Classify) -> None:
    """The address in the request is what the account gets, and its id whose it is."""
    row = classify.one(_platform("SetAccountInfo", ANA | {"email": "eve@example.test"}), provider="google")
    assert (row.action, row.target) == (Canonical.RECOVERY_INFO_CHANGE, "u-ana")


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        ({"requestType": "PASSWORD_RESET"}, Canonical.RECOVERY_INITIATED),
        ({"requestType": "PASSWORD_RESET", "returnOobLink": True}, Canonical.BYPASS_GRANT),
        ({"requestType": "VERIFY_EMAIL", "returnOobLink": True}, None),
    ],
)
def test_a_link_that_is_handed_over_lets_in(
    classify: Classify, asked: dict[str, Any], action: Canonical | None
) -> None:
    """A link that goes to the account's own address begins a recovery; one given to the caller is a way in."""
    report = classify([_platform("GetOobCode", ANA | asked)], None, provider="google")
    assert [row.action for row in report.verdicts] == ([] if action is None else [action])
    assert report.unknown_types == ()


def test_a_sink_to_bigquery_has_texts_for_objects(classify: Classify) -> None:
    """There the payload has another name, and what was asked for is text."""
    entry = _platform("SetAccountInfo", {"localId": "u-ana", "password": "REDACTED"})
    payload = entry.pop("protoPayload")
    row = {**payload, "requestJson": json.dumps(payload.pop("request")), "responseJson": "{", "metadataJson": None}
    del row["request"]
    found = classify.one({**entry, "protopayload_auditlog": row}, provider="google")
    assert (found.action, found.actor, found.target) == (Canonical.PASSWORD_RESET, "admin@example.test", "u-ana")


@pytest.mark.parametrize("provider", ["google", "ecs"])
@pytest.mark.parametrize("keeps", [True, False])
def test_elastic_s_document_is_the_entry(classify: Classify, provider: str, *, keeps: bool) -> None:
    """Elastic's integration keeps the entry as text, or has its parts in places of their own."""
    entry = _iam("CreateServiceAccountKey", resourceName=f"projects/-/serviceAccounts/{ACCOUNT}", resource={})
    document = {
        "@timestamp": entry["timestamp"],
        "event": {
            "action": entry["protoPayload"]["methodName"],
            "id": "i-1",
            "outcome": "success",
            "category": ["iam"],
        },
        "service": {"name": "iam.googleapis.com"},
        "client": {"user": {"email": "admin@example.test", "id": "user:admin@example.test"}},
        "source": {"ip": "198.51.100.7"},
        "gcp": {"audit": {"resource_name": entry["protoPayload"]["resourceName"]}},
    }
    if keeps:
        document["event"]["original"] = json.dumps(entry)
    row, plain = classify.one(document, provider=provider), classify.one(entry, provider="google")
    for name in ("id", "action", "actor", "target", "at", "address", "outcome"):
        assert getattr(row, name) == getattr(plain, name)


def test_what_else_elastic_has_of_google_cloud_is_ecs_s(classify: Classify) -> None:
    """A document of another data set is read by ECS's own fields."""
    event = {"category": ["iam"], "type": ["user", "creation"], "id": "e-1", "outcome": "success"}
    users = {"name": "mara", "target": {"name": "ana"}}
    document = {"@timestamp": "2026-03-02T12:00:00Z", "event": event, "user": users, "gcp": {"firewall": {}}}
    assert classify.one(document, provider="ecs").action is Canonical.ACCOUNT_CREATE


def test_accounts_deleted_together_are_each_told(classify: Classify) -> None:
    """A batch names every account that it is about."""
    report = classify([_platform("BatchDeleteAccounts", {"localIds": ["u-ana", "u-ben"]})], None, provider="google")
    assert sorted((row.action, row.target) for row in report.verdicts) == [
        (Canonical.ACCOUNT_DELETE, "u-ana"),
        (Canonical.ACCOUNT_DELETE, "u-ben"),
    ]


def _asked(method: str, asked: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """An entry of the log of requests, which has what users ask for under `jsonPayload`, and nobody who asked."""
    entry = _platform(method, asked, **payload)
    said = entry.pop("protoPayload")
    for name in ("authenticationInfo", "serviceName"):
        del said[name]
    return entry | {"jsonPayload": said}


def test_what_a_user_asks_of_identity_platform_is_their_own(classify: Classify) -> None:
    """The log of requests has what owners do to their own accounts."""
    row = classify.one(_asked("SetAccountInfo", {"password": "REDACTED"}, response=ANA), provider="google")
    assert (row.action, row.target, row.verdict) == (Canonical.PASSWORD_CHANGE_SELF, "u-ana", Verdict.SELF_SERVICE)
    assert (row.actor, row.address) == ("u-ana", "198.51.100.7")


@pytest.mark.parametrize(
    ("method", "asked", "action", "verdict"),
    [
        ("GetOobCode", {"requestType": "PASSWORD_RESET"}, Canonical.RECOVERY_INITIATED, Verdict.IGNORED),
        ("SignUp", {}, Canonical.ACCOUNT_CREATE, Verdict.IGNORED),
        # A link that is handed over is an administrator's, so it owes evidence whoever asked.
        (
            "GetOobCode",
            {"requestType": "PASSWORD_RESET", "returnOobLink": True},
            Canonical.BYPASS_GRANT,
            Verdict.UNVERIFIED,
        ),
    ],
)
def test_anybody_asks_in_another_s_name(
    classify: Classify, method: str, asked: dict[str, Any], action: Canonical, verdict: Verdict
) -> None:
    """The key of an application is public: who is named in such a request is no proof of who asked."""
    row = classify.one(_asked(method, ANA | asked), provider="google")
    assert (row.action, row.actor, row.target, row.verdict) == (action, "", "ana@example.test", verdict)


def test_who_is_refused_showed_nothing(classify: Classify) -> None:
    """A wrong code or token says nothing of whom it came from."""
    entry = _asked("ResetPassword", ANA, status={"code": 3, "message": "INVALID_OOB_CODE"})
    row = classify.one(entry, provider="google")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RECOVER_SELF, "", "ana@example.test")
    assert (row.outcome, row.verdict) == ("FAILURE", Verdict.IGNORED)


def test_a_provider_of_identities_is_trust(classify: Classify) -> None:
    """Whom a pool or a tenant takes for somebody is of everybody at once."""
    lines = [
        _entry("google.iam.admin.v1.WorkforcePools.CreateWorkforcePoolProvider", "iam", resourceName="locations/x"),
        _entry("google.cloud.identitytoolkit.admin.v2.ProjectConfigService.CreateOAuthIdpConfig", "identitytoolkit"),
    ]
    lines[1]["insertId"] = "i-2"
    report = classify(lines, None, provider="google")
    assert [row.action for row in report.verdicts] == [Canonical.TRUST_CHANGE] * 2
    assert report.unknown_types == ()


def test_a_log_that_is_emptied_is_told(classify: Classify) -> None:
    """What was in it is gone, whoever it was sent to."""
    event = _entry("google.logging.v2.LoggingServiceV2.DeleteLog", "logging", resourceName="projects/p/logs/audit")
    (row,) = classify([event], None, provider="google").verdicts
    assert (row.action, row.actor) == (Canonical.LOG_TAMPERED, "admin@example.test")


@pytest.mark.parametrize(
    "status",
    [
        {"Status": "{}", "StatusCode": 7},
        {"Status": "PERMISSION_DENIED"},
        {"StatusMessage": "The caller does not have permission"},
        {"Status": '{"code": 7}'},
    ],
)
def test_a_failed_call_of_a_table_is_an_attempt(classify: Classify, status: dict[str, Any]) -> None:
    """Sentinel's columns tell it each by itself."""
    row = {
        "InsertId": "i-1",
        "TimeGenerated": "2026-03-02T12:00:00Z",
        "ServiceName": "iam.googleapis.com",
        "MethodName": "google.iam.admin.v1.CreateServiceAccountKey",
        "GCPResourceName": f"projects/-/serviceAccounts/{ACCOUNT}",
        "PrincipalEmail": "admin@example.test",
    }
    reasons = [classify.one(row | more, provider="google").reasons for more in (status, {})]
    assert reasons == [("attempt_failed",), ("no_case",)]


PERSON = "ines@" + "evilgserviceaccount.com"


def test_a_person_of_a_domain_called_alike_is_a_person(classify: Classify) -> None:
    """A service account is of Google's domain, and not of one that ends in its letters."""
    behind = [{"firstPartyPrincipal": {"principalEmail": PERSON}}]
    who = {"principalEmail": ACCOUNT, "serviceAccountDelegationInfo": behind}
    row = classify.one(_iam("CreateServiceAccountKey", authenticationInfo=who), provider="google")
    assert row.actor == PERSON
