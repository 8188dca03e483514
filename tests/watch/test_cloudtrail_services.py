"""AWS CloudTrail: power, keys and trust that other services than IAM give: clusters, file servers, machines, mail."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from .conftest import Classify
from .test_cloudtrail import call

GRANT, REVOKE, TRUST = Canonical.PRIVILEGE_GRANT, Canonical.PRIVILEGE_REVOKE, Canonical.TRUST_CHANGE
KEY, SID = Canonical.TOKEN_REISSUE, "S-1-5-21-1-2-3-4"
USER, ROLE = "arn:aws:iam::111122223333:user/ops/ana", "arn:aws:iam::111122223333:role/ops"
AWS_OWN = "arn:aws:iam::aws:policy"
ESCAPED = "arn%3Aaws%3Aiam%3A%3A111122223333%3Auser%2Fops%2Fana"
ASSOCIATED = {"iamInstanceProfileAssociation": {"associationId": "iip-assoc-1", "instanceId": "i-0abc"}}


def told(classify: Classify, event: dict[str, Any]) -> list[tuple[Canonical | None, str, Verdict]]:
    """What is said of one event, of a type that the catalogue knows."""
    report = classify([event | {"recipientAccountId": "111122223333"}], None, provider="cloudtrail")
    assert (report.rejected_lines, report.unknown_types) == (0, ())
    return [(row.action, row.target, row.verdict) for row in report.verdicts]


@pytest.mark.parametrize(
    ("name", "asked", "action", "target"),
    [
        ("CreateAccessEntry", {"name": "c", "principalArn": ROLE, "kubernetesGroups": ["admins"]}, GRANT, ROLE),
        ("CreateAccessEntry", {"name": "c", "principalArn": USER}, GRANT, "ana"),
        ("AssociateAccessPolicy", {"name": "c", "principalArn": ESCAPED, "accessScope": {}}, GRANT, "ana"),
        ("UpdateAccessEntry", {"name": "c", "principalArn": ESCAPED, "kubernetesGroups": []}, GRANT, "ana"),
        ("DisassociateAccessPolicy", {"name": "c", "principalArn": ESCAPED}, REVOKE, "ana"),
        ("DeleteAccessEntry", {"name": "c", "principalArn": ESCAPED}, REVOKE, "ana"),
        ("CreatePodIdentityAssociation", {"name": "c", "namespace": "n", "serviceAccount": "s"}, GRANT, "n/s"),
        ("DeletePodIdentityAssociation", {"name": "c", "associationId": "a-1"}, REVOKE, "c"),
        ("AssociateIdentityProviderConfig", {"name": "c", "oidc": {"issuerUrl": "https://a.test"}}, TRUST, "c"),
        ("UpdateClusterConfig", {"name": "c", "accessConfig": {"authenticationMode": "API"}}, TRUST, "c"),
        ("UpdateClusterConfig", {"name": "c", "logging": {"clusterLogging": []}}, None, ""),
    ],
)
def test_power_over_a_cluster_is_told(
    classify: Classify, name: str, asked: dict[str, Any], action: Canonical | None, target: str
) -> None:
    """EKS lets in whom an entry names, and writes that name escaped where it is a part of the address."""
    rows = told(classify, call(name, asked, source="eks"))
    owes = Verdict.UNVERIFIED if action is GRANT else Verdict.IGNORED
    assert rows == ([(action, target, owes)] if action else [])


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::444455556666:user/ana",  # of another account, and so another ana
        "%ff%fe",
        "%",
        "arn%3Aaws%3Aiam",
    ],
)
def test_a_principal_of_elsewhere_or_that_is_none_is_named_as_it_is(classify: Classify, principal: str) -> None:
    """Nothing of it is lost, and it stops nothing."""
    ((action, target, _),) = told(classify, call("CreateAccessEntry", {"principalArn": principal}, source="eks"))
    assert (action, target) == (GRANT, principal.replace("%3A", ":"))


@pytest.mark.parametrize(
    ("name", "asked", "action", "target"),
    [
        ("ImportSshPublicKey", {"serverId": "s-1", "userName": "ana", "sshPublicKeyBody": "ssh-x"}, KEY, "ana"),
        ("DeleteSshPublicKey", {"serverId": "s-1", "userName": "ana"}, Canonical.TOKEN_REVOKE, "ana"),
        # A user who is made anew with a key has another key.
        ("CreateUser", {"serverId": "s-1", "userName": "ana", "sshPublicKeyBody": "ssh-x"}, KEY, "ana"),
        ("CreateUser", {"serverId": "s-1", "userName": "ana", "role": ROLE}, Canonical.ACCOUNT_CREATE, "ana"),
        ("UpdateUser", {"serverId": "s-1", "userName": "ana", "role": ROLE}, GRANT, "ana"),
        ("CreateAccess", {"serverId": "s-1", "externalId": SID, "role": ROLE}, GRANT, SID),
        ("DeleteAccess", {"serverId": "s-1", "externalId": SID}, REVOKE, SID),
        ("UpdateServer", {"serverId": "s-1", "identityProviderDetails": {"function": "f"}}, TRUST, "s-1"),
        ("UpdateServer", {"serverId": "s-1", "protocols": ["SFTP"]}, None, ""),
    ],
)
def test_keys_and_roles_of_a_server_of_files_are_told(
    classify: Classify, name: str, asked: dict[str, Any], action: Canonical | None, target: str
) -> None:
    """Transfer Family's users are let in by keys, and are as mighty as their role."""
    rows = told(classify, call(name, asked, source="transfer"))
    owes = Verdict.UNVERIFIED if action in (GRANT, KEY) else Verdict.IGNORED
    assert rows == ([(action, target, owes)] if action else [])


@pytest.mark.parametrize(
    ("source", "name", "asked", "action"),
    [
        ("transfer", "ImportSshPublicKey", {"serverId": "s-1", "userName": "mara"}, KEY),
        ("workmail", "RegisterToWorkMail", {"organizationId": "m-1", "entityId": "mara"}, Canonical.ACCOUNT_ENABLE),
        ("eks", "CreateAccessEntry", {"name": "c", "principalArn": "arn:aws:iam::111122223333:user/mara"}, GRANT),
    ],
)
def test_an_account_or_power_of_another_service_is_nobody_s_own(
    classify: Classify, source: str, name: str, asked: dict[str, Any], action: Canonical
) -> None:
    """A server's user who is called as the caller is another one, and power over a cluster is not one's own to give."""
    assert told(classify, call(name, asked, source=source)) == [(action, "mara", Verdict.UNVERIFIED)]


@pytest.mark.parametrize(
    ("source", "name", "asked", "given", "action", "target"),
    [
        (
            "ec2",
            "AssociateIamInstanceProfile",
            {"AssociateIamInstanceProfileRequest": {"InstanceId": "i-0abc", "IamInstanceProfile": {"Name": "ops"}}},
            None,
            GRANT,
            "i-0abc",
        ),
        (
            "ec2",
            "ReplaceIamInstanceProfileAssociation",
            {"ReplaceIamInstanceProfileAssociationRequest": {"AssociationId": "iip-assoc-1"}},
            {"ReplaceIamInstanceProfileAssociationResponse": ASSOCIATED},
            GRANT,
            "i-0abc",
        ),
        (
            "ec2",
            "DisassociateIamInstanceProfile",
            {"DisassociateIamInstanceProfileRequest": {"AssociationId": "iip-assoc-1"}},
            None,
            REVOKE,
            "iip-assoc-1",
        ),
        ("rds", "AddRoleToDBCluster", {"dBClusterIdentifier": "orders", "roleArn": ROLE}, None, GRANT, "orders"),
        ("rds", "RemoveRoleFromDBInstance", {"dBInstanceIdentifier": "orders"}, None, REVOKE, "orders"),
        ("redshift", "ModifyClusterIamRoles", {"clusterIdentifier": "w", "addIamRoles": [ROLE]}, None, GRANT, "w"),
        (
            "redshift",
            "ModifyClusterIamRoles",
            {"clusterIdentifier": "w", "addIamRoles": [], "removeIamRoles": [ROLE]},
            None,
            REVOKE,
            "w",
        ),
        ("glue", "UpdateDevEndpoint", {"endpointName": "e", "addPublicKeys": ["ssh-x"]}, None, KEY, "e"),
        ("glue", "UpdateDevEndpoint", {"endpointName": "e", "updateEtlLibraries": True}, None, None, ""),
        ("lightsail", "CreateBucketAccessKey", {"bucketName": "b"}, None, KEY, "b"),
        ("lightsail", "DeleteBucketAccessKey", {"bucketName": "b"}, None, Canonical.TOKEN_REVOKE, "b"),
    ],
)
def test_a_role_or_a_key_that_is_handed_to_what_runs_is_told(
    classify: Classify,
    source: str,
    name: str,
    asked: dict[str, Any],
    given: dict[str, Any] | None,
    action: Canonical | None,
    target: str,
) -> None:
    """A call that does nothing else gives power, or a way in, to whoever holds the machine, the database or the key."""
    rows = told(classify, call(name, asked, source=source, responseElements=given))
    assert [row[:2] for row in rows] == ([(action, target)] if action else [])


@pytest.mark.parametrize(
    ("name", "asked", "action", "target"),
    [
        ("CreateUser", {"organizationId": "m-1", "name": "ana"}, Canonical.ACCOUNT_CREATE, "ana"),
        ("RegisterToWorkMail", {"organizationId": "m-1", "entityId": "e-ana"}, Canonical.ACCOUNT_ENABLE, "e-ana"),
        ("PutMailboxPermissions", {"entityId": "e-ana", "granteeId": "e-ben"}, GRANT, "e-ben"),
        ("CreateImpersonationRole", {"name": "reader", "type": "FULL_ACCESS"}, GRANT, "reader"),
        ("AssumeImpersonationRole", {"impersonationRoleId": "r-1"}, Canonical.IMPERSONATION_START, "r-1"),
        ("PutIdentityProviderConfiguration", {"organizationId": "m-1"}, TRUST, "m-1"),
    ],
)
def test_mail_and_who_may_read_another_s_is_told(
    classify: Classify, name: str, asked: dict[str, Any], action: Canonical, target: str
) -> None:
    """Whoever is let into a mailbox gets the codes that are sent to it."""
    ((said, whom, _),) = told(classify, call(name, asked, source="workmail"))
    assert (said, whom) == (action, target)


@pytest.mark.parametrize(
    ("name", "asked", "given", "target"),
    [
        ("CreateAccount", {"email": "****", "accountName": "****"}, {"createAccountStatus": {"id": "car-1"}}, "car-1"),
        ("InviteAccountToOrganization", {"target": {"type": "ACCOUNT", "id": "444455556666"}}, None, "444455556666"),
        ("CloseAccount", {"accountId": "444455556666"}, None, "444455556666"),
        ("CreateOrganization", {"featureSet": "ALL"}, None, "111122223333"),
    ],
)
def test_which_accounts_an_organization_has_is_trust(
    classify: Classify, name: str, asked: dict[str, Any], given: dict[str, Any] | None, target: str
) -> None:
    """Who is invited says yes in a log of their own, so that the invitation is what there is to see."""
    event = call(name, asked, source="organizations", responseElements=given)
    assert told(classify, event) == [(TRUST, target, Verdict.IGNORED)]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("rolesanywhere", "PutAttributeMapping"),
        ("rolesanywhere", "UpdateCrl"),
        ("sso", "ImportExternalIdPCertificate"),
        ("signin", "DeleteResourcePermissionStatement"),
        ("signin", "PutConsoleAuthorizationConfiguration"),
    ],
)
def test_whom_a_service_takes_for_somebody_is_trust(classify: Classify, source: str, name: str) -> None:
    """Certificates that are taken for a role, a provider's, and from where anybody may sign in."""
    ((action, _, _),) = told(classify, call(name, {}, source=source))
    assert action is TRUST


@pytest.mark.parametrize(
    ("source", "name", "asked", "action", "target"),
    [
        ("workspaces", "ModifySamlProperties", {"resourceId": "d-1"}, TRUST, "d-1"),
        ("workspaces-web", "CreateIdentityProvider", {"portalArn": "arn:x"}, TRUST, "arn:x"),
        ("grafana", "UpdateWorkspaceAuthentication", {"workspaceId": "g-1"}, TRUST, "g-1"),
        ("ec2", "ModifyVerifiedAccessTrustProvider", {}, TRUST, "111122223333"),
        ("ec2", "DescribeVerifiedAccessTrustProviders", {}, None, ""),
        ("storagegateway", "SetLocalConsolePassword", {"gatewayARN": "arn:g"}, Canonical.PASSWORD_RESET, "arn:g"),
    ],
)
def test_trust_and_passwords_of_any_service_are_known_by_name(
    classify: Classify, source: str, name: str, asked: dict[str, Any], action: Canonical | None, target: str
) -> None:
    """A call whose name says that it sets a password or an identity provider does so, whatever the service."""
    rows = told(classify, call(name, asked, source=source))
    assert [row[:2] for row in rows] == ([(action, target)] if action else [])


@pytest.mark.parametrize(("asked", "target"), [({"principalArn": USER}, "ana"), ({"sessionArns": ["a"]}, "mara")])
def test_sessions_are_ended_of_whom_they_are(classify: Classify, asked: dict[str, Any], target: str) -> None:
    """Of whoever is named, and without a name of the caller."""
    event = call("BatchRevokeSessions", asked, source="signin")
    assert [row[:2] for row in told(classify, event)] == [(Canonical.SESSION_REVOKE, target)]


@pytest.mark.parametrize(
    "asked",
    [
        {"userId": "ana", "noPasswordRequired": True},
        {"userId": "ana", "noPasswordRequired": "true"},
        {"userId": "ana", "authenticationMode": {"type": "no-password-required"}},
    ],
)
def test_a_password_that_is_needed_no_more_is_reset(classify: Classify, asked: dict[str, Any]) -> None:
    """A user of a cache is let in without one, as anybody would be by one that is known."""
    event = call("ModifyUser", asked, source="elasticache")
    assert told(classify, event) == [(Canonical.PASSWORD_RESET, "ana", Verdict.UNVERIFIED)]


@pytest.mark.parametrize("lost", [None, '{"serverId":"s-', {"omitted": True, "originalSize": 200_000}])
@pytest.mark.parametrize(
    ("source", "name", "action"),
    [
        ("transfer", "CreateUser", KEY),
        ("transfer", "UpdateServer", TRUST),
        ("eks", "UpdateClusterConfig", TRUST),
        ("eks", "AssociateAccessPolicy", GRANT),
        ("glue", "UpdateDevEndpoint", KEY),
        ("redshift", "ModifyClusterIamRoles", GRANT),
        ("cognito-idp", "AdminUpdateUserAttributes", Canonical.RECOVERY_INFO_CHANGE),
        ("identitystore", "UpdateUser", Canonical.RECOVERY_INFO_CHANGE),
        ("ds-data", "UpdateUser", Canonical.RECOVERY_INFO_CHANGE),
        ("identitystore-scim", "PatchGroup", GRANT),
    ],
)
def test_a_call_that_lost_what_it_asked_for_is_the_most_it_may_be(
    classify: Classify, lost: object, source: str, name: str, action: Canonical
) -> None:
    """Which of its settings were set is lost with it."""
    ((said, _, _),) = told(classify, call(name, source=source, requestParameters=lost))
    assert said is action


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("ec2-instance-connect", "SendSSHPublicKey"),
        ("ec2-instance-connect", "SendSerialConsoleSSHPublicKey"),
        ("ec2", "GetPasswordData"),
        ("lightsail", "DownloadDefaultKeyPair"),
        ("lightsail", "GetInstanceAccessDetails"),
        ("account", "StartPrimaryEmailUpdate"),
        ("account", "PutAlternateContact"),
        ("organizations", "CreateAccountResult"),
        ("cognito-idp", "GetTokensFromRefreshToken"),
        ("sts", "GetWebIdentityToken"),
    ],
)
def test_what_changes_no_account_is_let_be_by_name(classify: Classify, source: str, name: str) -> None:
    """A way into a machine for a minute, a secret that is read, a beginning whose end is told: known for what it is."""
    report = classify([call(name, {}, source=source)], None, provider="cloudtrail")
    assert (report.verdicts, report.unknown_types) == ((), ())
    assert [one.native for one in report.types] == [f"{source}/{name}"]


@pytest.mark.parametrize(
    ("source", "name", "asked", "action"),
    [
        ("iam", "AttachUserPolicy", {"policyArn": f"{AWS_OWN}/AWSCompromisedKeyQuarantineV2"}, REVOKE),
        ("iam", "DetachUserPolicy", {"policyArn": f"{AWS_OWN}/AWSCompromisedKeyQuarantineV3"}, GRANT),
        ("iam", "AttachRolePolicy", {"policyArn": f"{AWS_OWN}/AWSDenyAll"}, REVOKE),
        ("iam", "DetachGroupPolicy", {"policyArn": f"{AWS_OWN}/AWSDenyAll"}, GRANT),
        ("iam", "DeleteRolePolicy", {"roleName": "ops", "policyName": "AWSRevokeOlderSessions"}, GRANT),
        ("sso", "DetachManagedPolicyFromPermissionSet", {"managedPolicyArn": f"{AWS_OWN}/AWSDenyAll"}, GRANT),
        # One's own policy may be called so, and allow.
        ("iam", "AttachUserPolicy", {"policyArn": "arn:aws:iam::111122223333:policy/AWSDenyAll"}, GRANT),
        ("iam", "AttachUserPolicy", {"policyArn": f"{AWS_OWN}/AWSDenyAllNot"}, GRANT),
        ("iam", "PutRolePolicy", {"roleName": "ops", "policyName": "AWSRevokeOlderSessions"}, GRANT),
        ("iam", "DetachUserPolicy", {"policyArn": f"{AWS_OWN}/AdministratorAccess"}, REVOKE),
    ],
)
def test_who_is_freed_of_a_policy_that_denies_is_given_power(
    classify: Classify, source: str, name: str, asked: dict[str, Any], action: Canonical
) -> None:
    """AWS puts its quarantine on a user whose key got out: taking it off lets the key in again."""
    ((said, _, verdict),) = told(classify, call(name, {"userName": "ana"} | asked, source=source))
    assert (said, verdict) == (action, Verdict.UNVERIFIED if action is GRANT else Verdict.IGNORED)
