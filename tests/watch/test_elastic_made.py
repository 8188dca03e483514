"""What Elastic's integrations make of an event, without the event's own text: it reads as the event itself does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.providers import ECS
from watchword.watch.verdicts import VerdictRow

from .conftest import Classify

AT = "2026-03-02T12:00:00.250Z"
ROBOT = "robot" + "@p-1.iam.gserviceaccount.com"
SESSION = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Desk_1/ana.ruiz"
ISSUER = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Desk_1"


def told(row: VerdictRow) -> tuple[Any, ...]:
    """What a row says of an event: what, who, whom, when, from where, how it ended, and what is thought of it."""
    who = (row.action, row.actor, row.target, row.at, row.address, row.outcome, row.actor_class)
    return (*who, row.correlation, row.detail, row.verdict, row.reasons)


def aws(user: str = "ben.okoro") -> tuple[dict[str, Any], dict[str, Any]]:
    """A reset by somebody whom Identity Center lent a role, and what is made of it."""
    issuer = {"type": "Role", "arn": ISSUER, "accountId": "111122223333", "userName": "AWSReservedSSO_Desk_1"}
    identity = {
        "type": "AssumedRole",
        "principalId": "AROADESK:ana.ruiz",
        "arn": SESSION,
        "accountId": "111122223333",
        "accessKeyId": "ASIADESK",
        "sessionContext": {"sessionIssuer": issuer},
    }
    event = {
        "eventTime": AT,
        "eventSource": "iam.amazonaws.com",
        "eventName": "UpdateLoginProfile",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.15",
        "userIdentity": identity,
        "requestParameters": {"userName": user},
        "requestID": "r-1",
        "eventID": "e-1",
        "recipientAccountId": "111122223333",
    }
    kept = {
        "flattened": {"request_parameters": {"userName": user}},
        "request_id": "r-1",
        "recipient_account_id": "111122223333",
        "user_identity": {
            "type": "AssumedRole",
            "arn": SESSION,
            "access_key_id": "ASIADESK",
            "session_context": {"session_issuer": {"type": "Role", "arn": ISSUER, "account_id": "111122223333"}},
        },
    }
    made = {
        "@timestamp": AT,
        "event": {"action": "UpdateLoginProfile", "provider": "iam.amazonaws.com", "id": "e-1", "outcome": "success"},
        "aws": {"cloudtrail": kept},
        "cloud": {"account": {"id": "111122223333"}},
        "source": {"address": "198.51.100.7", "ip": "198.51.100.7"},
        # The name is the role's there.
        "user": {"id": "AROADESK:ana.ruiz", "name": "AWSReservedSSO_Desk_1", "target": {"name": user}},
        "user_agent": {"original": "aws-cli/2.15"},
    }
    return event, made


def google(
    application: str, name: str, given: dict[str, str], own: dict[str, Any], **user: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An activity with the parameters *given*, and what is made of it: they stand under *own*."""
    event = {
        "id": {"time": AT, "uniqueQualifier": "7", "applicationName": application, "customerId": "C01"},
        "actor": {"email": "mara@example.test", "profileId": "11", "callerType": "USER"},
        "ipAddress": "198.51.100.7",
        "events": [{"name": name, "parameters": [{"name": each, "value": said} for each, said in given.items()]}],
    }
    made = {
        "@timestamp": AT,
        "event": {"action": name, "provider": application, "id": "7", "dataset": f"google_workspace.{application}"},
        "google_workspace": {"actor": {"type": "USER"}, **own},
        "organization": {"id": "C01"},
        "source": {"ip": "198.51.100.7", "user": {"email": "mara@example.test", "id": "11"}},
        "user": {"id": "11", "name": "mara", "domain": "example.test", **user},
    }
    return event, made


def keycloak(kind: str, error: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a user did, and what is made of it."""
    event = {
        "time": 1772452800250,
        "type": kind,
        "realmId": "corp",
        "clientId": "account",
        "userId": "u-ana",
        "ipAddress": "198.51.100.7",
        "error": error,
        "details": {"username": "ana", "code_id": "f-1", "auth_method": "openid-connect"},
    }
    login = {"type": kind, "code_id": "f-1", "auth_method": "openid-connect"}
    made = {
        "@timestamp": AT,
        "event": {"action": kind, "code": error},
        "keycloak": {"event_type": "login", "realm": {"id": "corp"}, "client": {"id": "account"}, "login": login},
        "source": {"address": "198.51.100.7"},
        "user": {"id": "u-ana", "name": "ana"},
    }
    return event, made


PAIRS = {
    "a role that Identity Center lends": ("cloudtrail", *aws()),
    "its holder's own": ("cloudtrail", *aws("ana.ruiz")),
    "an account without a domain": (
        "google",
        *google("admin", "CHANGE_PASSWORD", {"USER_EMAIL": "ana"}, {"admin": {"user": {"email": "ana"}}}),
    ),
    "a device of another's account": (
        "google",
        *google(
            "mobile",
            "DEVICE_REGISTER_UNREGISTER_EVENT",
            {"USER_EMAIL": "ana@example.test", "ACCOUNT_STATE": "REGISTERED", "DEVICE_ID": "d-1"},
            {"device": {"account_state": "REGISTERED", "id": "d-1"}},
            email=["mara@example.test", "ana@example.test"],
        ),
    ),
    "a profile of single sign-on": (
        "google",
        *google(
            "admin",
            "INBOUND_SSO_PROFILE_UPDATED",
            {"INBOUND_SSO_PROFILE_NAME": "inboundSamlSsoProfiles/new"},
            {"admin": {"INBOUND_SSO_PROFILE_NAME": "inboundSamlSsoProfiles/new"}},
        ),
    ),
    "an application that was let in": (
        "google",
        *google("token", "authorize", {"app_name": "Mail Helper"}, {"token": {"app_name": "Mail Helper"}}),
    ),
    "a flow of Keycloak's": ("keycloak", *keycloak("UPDATE_PASSWORD")),
    "a failure of Keycloak's": ("keycloak", *keycloak("UPDATE_PASSWORD_ERROR", "password_rejected")),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_made_of_an_event_says_the_same(classify: Classify, name: str) -> None:
    """Elastic keeps the event's own text only where that was asked for: its members say as much."""
    provider, event, made = PAIRS[name]
    row = classify.one(event, provider=provider)
    for reader in (provider, "ecs"):
        assert told(classify.one(made, provider=reader)) == told(row)


def test_who_signs_in_to_identity_center_has_a_name() -> None:
    """The identity of such a sign-in has none; the document has it as the user's."""
    kept = {
        "user_identity": {"type": "IdentityCenterUser"},
        "flattened": {"additional_eventdata": {"CredentialType": "EXTERNAL_IDP"}},
    }
    made = {
        "@timestamp": AT,
        "event": {"action": "UserAuthentication", "provider": "signin.amazonaws.com"},
        "aws": {"cloudtrail": kept},
        "user": {"email": "ana@example.test", "name": "ana@example.test"},
    }
    (event,) = ECS.events_of(made) or ()
    assert event["additionalEventData"] == {"UserName": "ana@example.test", "CredentialType": "EXTERNAL_IDP"}
    assert event["userIdentity"]["userName"] is None


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "named", [{"user": {"id": "p-ana"}}, {"on_behalf_of": {"user_id": "p-ana"}}], ids=["the user", "the person"]
)
def test_who_identity_center_s_user_is(classify: Classify, named: dict[str, Any], own: bool) -> None:
    """Since July 2025 its users have the identifier of a person and no name; Elastic's newer documents keep it."""
    asked = {"userId": "p-ana" if own else "p-ben", "deviceId": "d-1"}
    event = {
        "eventID": "e-1",
        "eventTime": AT,
        "eventSource": "sso-directory.amazonaws.com",
        "eventName": "DeleteMfaDeviceForUser",
        "userIdentity": {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "p-ana"}},
        "requestParameters": asked,
    }
    person = {key: value for key, value in named.items() if key != "user"}
    made = {
        "@timestamp": AT,
        "event": {"id": "e-1", "action": "DeleteMfaDeviceForUser", "provider": "sso-directory.amazonaws.com"},
        "aws": {
            "cloudtrail": {
                "user_identity": {"type": "IdentityCenterUser", **person},
                "flattened": {"request_parameters": asked},
            }
        },
        "user": named.get("user", {}),
    }
    row = classify.one(event, provider="cloudtrail")
    assert (row.actor, row.target) == ("p-ana", asked["userId"])
    assert told(classify.one(made, provider="cloudtrail")) == told(row)


@pytest.mark.parametrize("said", [["field [x] not present"], "field [x] not present"])
def test_what_failed_in_reading_a_line_did_not_fail(classify: Classify, said: object) -> None:
    """A pipeline writes its own errors beside the event, which was done all the same."""
    _, made = keycloak("UPDATE_PASSWORD")
    row = classify.one({**made, "error": {"message": said}}, provider="keycloak")
    assert (row.action, row.outcome) == (Canonical.PASSWORD_CHANGE_SELF, "SUCCESS")
    admin = {"operation": "ACTION", "resource": {"type": "USER", "path": "users/u-ben/reset-password"}}
    event = {"action": "ACTION-USER", "code": "ACTION-USER"}
    asked = {**made, "event": event, "keycloak": {"admin": admin}, "error": {"message": said}}
    assert classify.one(asked, provider="keycloak").verdict is Verdict.UNVERIFIED
    failed = {**asked, "event": {**event, "outcome": "failure"}}
    assert classify.one(failed, provider="keycloak").outcome.startswith("FAILURE")


def test_nobody_acts_as_themselves(classify: Classify) -> None:
    """Elastic and others leave out who acts in somebody's name: it was not the account itself."""
    event, made = keycloak("IMPERSONATE")
    for line in (event, made, {**event, "details": None}):
        row = classify.one(json.loads(json.dumps(line)), provider="keycloak")
        assert (row.action, row.actor, row.target) == (Canonical.IMPERSONATION_START, "", "u-ana")
        assert "by_owner" not in row.reasons
    told_who = {**event, "details": {**event["details"], "impersonator": "mara"}}
    assert classify.one(told_who, provider="keycloak").actor == "mara"


def google_cloud(method: str, own: dict[str, Any], service: str = "cloudresourcemanager") -> dict[str, Any]:
    """What is made of an entry of Google Cloud's audit log."""
    return {
        "@timestamp": AT,
        "client": {"user": {"email": "mara@example.test", "id": "user:mara@example.test"}},
        "event": {"action": method, "id": "g-1", "outcome": "success", "dataset": "gcp.audit"},
        "gcp": {"audit": {"resource_name": "projects/p-1", **own}},
        "service": {"name": f"{service}.googleapis.com"},
        "source": {"ip": "198.51.100.7"},
    }


@pytest.mark.parametrize(
    ("own", "lent"),
    [
        ({}, True),
        ({"request": {"policy": {"bindings": [{"role": "roles/owner", "members": ["user:ana@example.test"]}]}}}, True),
        ({"request": {"policy": {"bindings": [{"role": "roles/browser", "members": ["user:ana@x.test"]}]}}}, False),
        ({"request": {"policy": {"bindings": []}}}, False),
    ],
)
def test_a_policy_whose_news_are_lost_may_be_any_power_in_it(
    classify: Classify, own: dict[str, Any], *, lent: bool
) -> None:
    """Elastic keeps the policy that was set, and not what is new in it."""
    report = classify([google_cloud("SetIamPolicy", own)], provider="ecs")
    assert [(row.action, row.actor, row.verdict) for row in report.verdicts] == (
        [(Canonical.PRIVILEGE_GRANT, "mara@example.test", Verdict.UNVERIFIED)] if lent else []
    )


def test_the_whole_entry_is_read_where_it_is_kept(classify: Classify) -> None:
    """Newer documents may have it beside what was made of it."""
    delta = {"action": "ADD", "role": "roles/owner", "member": "user:ana@example.test"}
    payload = {
        "serviceName": "cloudresourcemanager.googleapis.com",
        "methodName": "SetIamPolicy",
        "authenticationInfo": {"principalEmail": "mara@example.test"},
        "serviceData": {"policyDelta": {"bindingDeltas": [delta]}},
    }
    entry = {"insertId": "g-1", "protoPayload": payload}
    row = classify.one(google_cloud("SetIamPolicy", {"flattened": entry}), provider="ecs")
    assert (row.action, row.target, row.detail) == (Canonical.PRIVILEGE_GRANT, "ana@example.test", "roles/owner")
    assert row.at.isoformat() == "2026-03-02T12:00:00.250000+00:00"


def test_who_acts_as_a_service_account_is_told(classify: Classify) -> None:
    """Whoever stands behind it is in the document."""
    chain = [{"firstPartyPrincipal": {"principalEmail": "ines@example.test"}}]
    own = {
        "authentication_info": {"service_account_delegation_info": chain},
        "resource_name": f"projects/p-1/serviceAccounts/{ROBOT}",
    }
    row = classify.one(google_cloud("google.iam.admin.v1.CreateServiceAccountKey", own, "iam"), provider="ecs")
    assert (row.actor, row.target) == ("ines@example.test", ROBOT)
