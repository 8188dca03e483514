"""AWS CloudTrail: calls that lost what they asked for or have it as text, and accounts of services beside IAM."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from .conftest import Classify
from .test_cloudtrail import MARA, call


def document(name: str, asked: object, **more: object) -> dict[str, Any]:
    """A document of Elastic's that has no more than the text of what was asked for."""
    own = {"user_identity": {"type": "IAMUser", "arn": MARA["arn"]}, "request_parameters": asked, **more}
    return {
        "@timestamp": "2026-03-02T12:00:00Z",
        "event": {"action": name, "provider": "iam.amazonaws.com", "id": "e-1"},
        "user": {"name": "mara", "id": "AIDAMARA"},
        "aws": {"cloudtrail": own},
    }


def row(**columns: object) -> dict[str, Any]:
    """A row of Sentinel's table, of a reset by Mara."""
    who = {"UserIdentityType": "IAMUser", "UserIdentityUserName": "mara", "UserIdentityArn": MARA["arn"]}
    when = {"TimeGenerated": "2026-03-02T12:00:00Z", "EventSource": "iam.amazonaws.com"}
    return {"EventName": "UpdateLoginProfile", **when, **who, **columns}


@pytest.mark.parametrize(
    "event",
    [
        call("UpdateLoginProfile", requestParameters=None),
        call("UpdateLoginProfile", requestParameters='{"userName":"an'),
        call("UpdateLoginProfile", requestParameters={"omitted": True, "originalSize": 200_000, "reason": "too large"}),
        row(),
        row(RequestParameters='{"userName":"an'),
        document("UpdateLoginProfile", None),
        document("UpdateLoginProfile", "{userName=an"),
        document("UpdateLoginProfile", "{passwordResetRequired=true, note={, userName=ana}"),
        document("UpdateLoginProfile", "{userName=mara, note=x, userName=ana}"),
    ],
    ids=["none", "cut", "omitted", "row", "row cut", "document", "document cut", "uneven", "said twice"],
)
def test_a_call_that_lost_what_it_asked_for_is_nobody_s_own(classify: Classify, event: dict[str, Any]) -> None:
    """It may be about anybody, so that its caller does not own it."""
    one = classify.one(event, provider="cloudtrail")
    assert (one.action, one.verdict) == (Canonical.PASSWORD_RESET, Verdict.UNVERIFIED)
    assert (one.actor, one.target) == ("mara", "")


@pytest.mark.parametrize(
    ("name", "asked", "target"),
    [
        ("UpdateLoginProfile", "{userName=ana, passwordResetRequired=true}", "ana"),
        ("UpdateLoginProfile", '{"userName": "ana"}', "ana"),
        ("UpdateLoginProfile", "{passwordResetRequired=false, userName=ana=b,c}", "ana=b,c"),
        ("PutUserPolicy", '{policyDocument={"Statement": [{"Action": "*"}, 1]}, userName=ana}', "ana"),
        ("CreateAccessKey", "{}", "mara"),
    ],
)
def test_what_was_asked_for_is_read_as_text(classify: Classify, name: str, asked: str, target: str) -> None:
    """Elastic keeps it as a map that Java wrote, and not always beside it as it was."""
    assert classify.one(document(name, asked), provider="cloudtrail").target == target


def test_a_switch_within_a_text_is_the_switch(classify: Classify) -> None:
    """What is on and off in it is so, and no word."""
    event = document("AdminSetUserMFAPreference", "{username=ana, sMSMfaSettings={enabled=true, preferredMfa=true}}")
    event["event"]["provider"] = "cognito-idp.amazonaws.com"
    one = classify.one(event, provider="cloudtrail")
    assert (one.action, one.target) == (Canonical.FACTOR_ENROLL, "ana")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("CreateLoginProfile", {"loginProfile": {"userName": "ana"}}),
        ("CreateServiceSpecificCredential", {"serviceSpecificCredential": {"userName": "ana"}}),
        ("UploadSSHPublicKey", {"sSHPublicKey": {"userName": "ana"}}),
        ("UploadSigningCertificate", {"certificate": {"userName": "ana"}}),
        ("CreateAccessKey", {"accessKey": {"userName": "ana"}}),
    ],
)
def test_the_answer_tells_whom_a_call_was_about(classify: Classify, name: str, given: dict[str, Any]) -> None:
    """Where what was asked for is lost, the answer has the name."""
    event = call(name, requestParameters=None, responseElements=given)
    one = classify.one(event, provider="cloudtrail")
    assert (one.target, one.verdict) == ("ana", Verdict.UNVERIFIED)


def test_the_root_user_s_own_key_names_nobody(classify: Classify) -> None:
    """Root asks for a key with nothing, and the answer names no user: the key is root's."""
    root = {"type": "Root", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:root"}
    given = {"accessKey": {"accessKeyId": "AKIAX", "status": "Active"}}
    event = call("CreateAccessKey", by=root, requestParameters=None, responseElements=given)
    one = classify.one(event, provider="cloudtrail")
    assert (one.target, one.verdict) == ("111122223333", Verdict.SELF_SERVICE)


def test_a_look_up_without_its_event_is_told(classify: Classify) -> None:
    """It says neither whom the call was about nor whether it was done: it is kept aside with that reason."""
    found = {"EventId": "x", "EventName": "UpdateLoginProfile", "EventSource": "iam.amazonaws.com", "Username": "mara"}
    report = classify([json.dumps({"Events": [found]})], None, provider="cloudtrail")
    assert (report.verdicts, report.rejected_lines) == ((), 1)
    assert "without its CloudTrailEvent" in report.rejected[0].reason


@pytest.mark.parametrize(
    ("source", "name", "asked", "target"),
    [
        ("rds", "ModifyDBInstance", {"dBInstanceIdentifier": "orders", "masterUserPassword": "****"}, "orders"),
        ("rds", "ModifyDBCluster", {"dBClusterIdentifier": "orders", "masterUserPassword": "****"}, "orders"),
        ("rds", "ModifyDBCluster", {"dBClusterIdentifier": "orders", "rotateMasterUserPassword": True}, "orders"),
        ("redshift", "ModifyCluster", {"clusterIdentifier": "orders", "masterUserPassword": "****"}, "orders"),
        ("redshift-serverless", "UpdateNamespace", {"namespaceName": "n", "adminUserPassword": "HIDDEN"}, "n"),
        ("es", "UpdateDomainConfig", {"domainName": "d", "masterUserOptions": {"masterUserPassword": "***"}}, "d"),
        ("fsx", "UpdateStorageVirtualMachine", {"storageVirtualMachineId": "svm-1", "svmAdminPassword": "*"}, "svm-1"),
        ("mq", "UpdateUser", {"brokerId": "b", "username": "ana", "password": "****"}, "ana"),
        ("elasticache", "ModifyUser", {"userId": "ana", "passwords": ["****"]}, "ana"),
    ],
)
def test_a_password_of_another_service_is_reset(
    classify: Classify, source: str, name: str, asked: dict[str, Any], target: str
) -> None:
    """Databases, brokers and file systems have accounts, whose passwords are set by a call of their service."""
    one = classify.one(call(name, asked, source=source), provider="cloudtrail")
    assert (one.action, one.target, one.verdict) == (Canonical.PASSWORD_RESET, target, Verdict.UNVERIFIED)


@pytest.mark.parametrize(
    ("source", "name", "asked"),
    [
        ("rds", "ModifyDBInstance", {"dBInstanceIdentifier": "mara", "masterUserPassword": "****"}),
        ("mq", "UpdateUser", {"brokerId": "b", "username": "mara", "password": "****"}),
        ("cognito-idp", "AdminSetUserPassword", {"userPoolId": "p", "username": "mara", "permanent": True}),
        ("ds", "ResetUserPassword", {"directoryId": "d-1", "userName": "mara"}),
    ],
)
def test_a_password_of_another_service_is_nobody_s_own(
    classify: Classify, source: str, name: str, asked: dict[str, Any]
) -> None:
    """A database, or a broker's user, that is called as a user of IAM is another account."""
    one = classify.one(call(name, asked, source=source), provider="cloudtrail")
    assert (one.actor, one.target) == ("mara", "mara")
    assert (one.action, one.verdict) == (Canonical.PASSWORD_RESET, Verdict.UNVERIFIED)


def test_a_password_that_waits_is_reset(classify: Classify) -> None:
    """A change that is made at the next occasion stands in the answer."""
    given = {"dBInstanceIdentifier": "orders", "pendingModifiedValues": {"masterUserPassword": "****"}}
    one = classify.one(call("ModifyDBInstance", {}, source="rds", responseElements=given), provider="cloudtrail")
    assert (one.action, one.target) == (Canonical.PASSWORD_RESET, "orders")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("ModifyDBInstance", {"dBInstanceIdentifier": "orders", "allocatedStorage": 20}),
        ("ModifyDBInstance", {"dBInstanceIdentifier": "orders", "manageMasterUserPassword": False}),
        ("CreateDBInstance", {"dBInstanceIdentifier": "orders", "masterUserPassword": "****"}),
        ("ModifyEndpoint", {"endpointArn": "arn:x", "password": "****"}),
    ],
)
def test_other_changes_of_a_database_are_let_be(classify: Classify, name: str, asked: dict[str, Any]) -> None:
    """No password is set, or one that a connection is made with."""
    assert classify([call(name, asked, source="rds")], None, provider="cloudtrail").verdicts == ()


def test_a_refused_password_of_a_database_is_no_reset(classify: Classify) -> None:
    """What failed set nothing."""
    asked = {"dBInstanceIdentifier": "orders", "masterUserPassword": "****"}
    event = call("ModifyDBInstance", asked, source="rds", errorCode="AccessDenied")
    one = classify.one(event, provider="cloudtrail")
    assert (one.verdict, one.outcome) == (Verdict.IGNORED, "FAILURE AccessDenied")


@pytest.mark.parametrize(
    ("source", "name", "asked", "action", "target"),
    [
        ("organizations", "DetachPolicy", {"policyId": "p-1", "targetId": "ou-1"}, Canonical.TRUST_CHANGE, "ou-1"),
        ("organizations", "UpdatePolicy", {"policyId": "p-1"}, Canonical.TRUST_CHANGE, "p-1"),
        ("organizations", "LeaveOrganization", {}, Canonical.TRUST_CHANGE, "111122223333"),
        ("organizations", "DisablePolicyType", {"rootId": "r-1", "policyType": "TAG_POLICY"}, None, ""),
        (
            "organizations",
            "RegisterDelegatedAdministrator",
            {"accountId": "444455556666", "servicePrincipal": "sso.amazonaws.com"},
            Canonical.PRIVILEGE_GRANT,
            "444455556666",
        ),
        ("cognito-identity", "SetIdentityPoolRoles", {"identityPoolId": "eu:1"}, Canonical.TRUST_CHANGE, "eu:1"),
    ],
)
def test_what_bounds_an_organization_is_read(
    classify: Classify, source: str, name: str, asked: dict[str, Any], action: Canonical | None, target: str
) -> None:
    """Who answers for all accounts, what bounds them, and the roles that come through a pool; labels are let be."""
    rows = classify([call(name, asked, source=source)], None, provider="cloudtrail").verdicts
    assert [(one.action, one.target) for one in rows] == ([(action, target)] if action else [])
