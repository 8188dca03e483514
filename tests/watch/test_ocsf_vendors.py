"""OCSF: a record of AWS', Okta's or GitHub's reads as the event that it was made of, whatever class it came in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.verdicts import VerdictRow

from .conftest import Classify

AT = 1772452800250
MARA = {
    "type": "IAMUser",
    "principalId": "AIDAMARA",
    "arn": "arn:aws:iam::111122223333:user/mara",
    "accountId": "111122223333",
    "accessKeyId": "ASIAMARA",
    "userName": "mara",
}
ISSUER = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Desk_1"
LENT = {
    "type": "AssumedRole",
    "principalId": "AROADESK:rolf",
    "arn": "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Desk_1/rolf",
    "accountId": "111122223333",
    "accessKeyId": "ASIADESK",
    "sessionContext": {"sessionIssuer": {"arn": ISSUER, "userName": "AWSReservedSSO_Desk_1"}, "sourceIdentity": "rolf"},
}


def told(row: VerdictRow) -> tuple[Any, ...]:
    """What a row says of an event: what, who, whom, when, from where, how it ended, and what is thought of it."""
    who = (row.provider, row.action, row.native_action, row.actor, row.target, row.at, row.address, row.outcome)
    return (*who, row.actor_class, row.country, row.correlation, row.detail, row.verdict, row.reasons)


def aws(name: str, by: dict[str, Any], user: str, kind: int, **members: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A call about *user*, and the record of the class *kind* that is made of it."""
    asked = {"userName": user, **members.pop("asked", {})}
    event = {
        "eventTime": "2026-03-02T12:00:00.250Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "userIdentity": by,
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": asked,
        "requestID": "r-1",
        "eventID": "e-1",
        "recipientAccountId": "111122223333",
        **members,
    }
    context = by.get("sessionContext", {})
    record = {
        "class_uid": kind // 100,
        "activity_id": kind % 100,
        "type_uid": kind,
        "actor": {
            "session": {"issuer": context.get("sessionIssuer", {}).get("arn")},
            "user": {
                "type": by["type"],
                "uid": by["arn"],
                "uid_alt": by["principalId"],
                "credential_uid": by["accessKeyId"],
                "name": by.get("userName"),
                "account": {"uid": by["accountId"]},
            },
        },
        "api": {
            "operation": name,
            "service": {"name": "iam.amazonaws.com"},
            "request": {"uid": "r-1", "data": json.dumps(asked)},
            "response": {"error": members.get("errorCode")},
        },
        "cloud": {"provider": "AWS", "account": {"uid": "111122223333"}},
        "metadata": {"uid": "e-1", "event_code": "AwsApiCall", "product": {"name": "CloudTrail", "vendor_name": "AWS"}},
        "src_endpoint": {"ip": "198.51.100.7"},
        "status_id": 2 if "errorCode" in members else 1,
        "time": AT,
        # Where an answer names no account, the caller's own id stands beside the name that was asked for.
        "user": {"uid": by["principalId"], "name": user},
        "unmapped": {"userIdentity.sessionContext.sourceIdentity": context.get("sourceIdentity")},
    }
    return event, record


def okta(code: str, kind: int, *about: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an administrator did to *about*, and the record of the class *kind* that is made of it."""
    event = {
        "uuid": "e-1",
        "published": "2026-03-02T12:00:00.250Z",
        "eventType": code,
        "actor": {"id": "00uadmin", "type": "User", "alternateId": "admin@example.test"},
        "client": {"ipAddress": "198.51.100.7", "geographicalContext": {"country": "Norway"}},
        "outcome": {"result": "SUCCESS"},
        "target": list(about),
        "transaction": {"id": "t-1"},
        "debugContext": {"debugData": {"factor": "OKTA_VERIFY_PUSH"}},
    }
    record = {
        "class_uid": kind // 100,
        "activity_id": kind % 100,
        "metadata": {"uid": "e-1", "event_code": code, "product": {"name": "Okta System Log", "vendor_name": "Okta"}},
        "actor": {"user": {"uid": "00uadmin", "email_addr": "admin@example.test", "name": "Admin (sample)"}},
        "src_endpoint": {"ip": "198.51.100.7", "location": {"country": "Norway"}},
        "status": "Success",
        "time": AT,
        "unmapped": {
            "transaction": {"id": "t-1"},
            "debugContext": {"debugData": {"factor": "OKTA_VERIFY_PUSH"}},
            "target": [each for each in about if each["type"] != "User"],
        },
    }
    for each in about:
        if each["type"] == "User":
            record["user"] = {"uid": each["id"], "email_addr": each["alternateId"], "name": "Ana (sample)"}
    return event, record


def github(code: str, kind: int, **more: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an owner did to a member, and the record of the class *kind* that is made of it."""
    event = {
        "_document_id": "e-1",
        "@timestamp": AT,
        "action": code,
        "actor": "mara",
        "actor_id": 11,
        "actor_ip": "198.51.100.7",
        "actor_location": {"country_code": "NO"},
        "user": "ana",
        "user_id": 12,
        "org": "desk",
        "request_id": "q-1",
        **more,
    }
    held = {name: said for name, said in more.items() if name != "team"}
    record = {
        "class_uid": kind // 100,
        "activity_id": kind % 100,
        "metadata": {"uid": "e-1", "event_code": code, "product": {"vendor_name": "GitHub"}},
        "actor": {"user": {"name": "mara", "uid": "11", "account": {"name": "desk"}}},
        "user": {"name": "ana", "uid": "12"},
        "group": {"name": more["team"]} if "team" in more else None,
        "src_endpoint": {"ip": "198.51.100.7", "location": {"country": "NO"}},
        "time": AT,
        "unmapped": {"request_id": "q-1", **held},
    }
    return event, record


ANA = {"id": "00uana", "type": "User", "alternateId": "ana@example.test"}
POLICY = {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
PAIRS = {
    "a reset": ("cloudtrail", *aws("UpdateLoginProfile", MARA, "ana", 300104)),
    "a factor": ("cloudtrail", *aws("DeactivateMFADevice", LENT, "ana", 300111, asked={"serialNumber": "mfa/ana"})),
    "one's own, by a role that was lent": ("cloudtrail", *aws("UpdateLoginProfile", LENT, "rolf", 300104)),
    "a key": ("cloudtrail", *aws("CreateAccessKey", LENT, "ana", 600301)),
    "power that was refused": (
        "cloudtrail",
        *aws("AttachUserPolicy", MARA, "ana", 300107, asked=POLICY, errorCode="AccessDenied"),
    ),
    "every factor": ("okta", *okta("user.mfa.factor.reset_all", 300111, ANA)),
    "a password": ("okta", *okta("user.account.reset_password", 300104, ANA)),
    "a token": ("okta", *okta("system.api_token.create", 600301, {"id": "t-9", "type": "Token", "alternateId": "t"})),
    "an owner": ("github", *github("org.add_member", 300603, permission="admin")),
    "an owner, as a thing": ("github", *github("org.update_member", 300403, permission="admin", old_permission="read")),
    "two factors": ("github", *github("two_factor_authentication.disabled", 300199)),
    "a team that lends power": ("github", *github("team.add_member", 300603, team="desk/admins")),
    "a token that was granted": ("github", *github("personal_access_token.access_granted", 600301)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_record_says_what_its_event_said(classify: Classify, name: str) -> None:
    """The class tells less than the event's own type, and of AWS' calls may name the caller for the account."""
    provider, event, record = PAIRS[name]
    assert told(classify.one(record, provider="ocsf")) == told(classify.one(event, provider=provider))


@pytest.mark.parametrize("by", [MARA, LENT], ids=["a user", "a role that was lent"])
@pytest.mark.parametrize(("name", "kind"), [("UpdateLoginProfile", 300104), ("CreateAccessKey", 500103)])
def test_security_lake_s_first_records_say_the_same(
    classify: Classify, by: dict[str, Any], name: str, kind: int
) -> None:
    """The actor was the identity, a call was Cloud API, and what had no place in the schema was a list of pairs."""
    event, record = aws(name, by, "ana", kind)
    actor = record.pop("actor")
    user = {**actor["user"], "account_uid": "111122223333", "uid": by["principalId"], "uuid": by["arn"]}
    asked, source = json.dumps(event["requestParameters"]), by.get("sessionContext", {}).get("sourceIdentity")
    first = {
        **record,
        "identity": {**actor, "user": user},
        "api": {**record["api"], "request": {"uid": "r-1"}},
        "metadata": {"version": "0.26.1", "product": {"name": "CloudTrail", "vendor_name": "AWS"}},
        "ref_event_uid": "e-1",
        "cloud": {"provider": "AWS"},
        "unmapped": [
            ["recipientAccountId", "111122223333"],
            ["requestParameters", asked],
            ["userIdentity_sessionContext_sourceIdentity", source],
            ["odd"],
            7,
        ],
    }
    assert told(classify.one(first, provider="ocsf")) == told(classify.one(event, provider="cloudtrail"))


def test_a_call_that_lost_what_it_asked_for_is_what_its_class_says(classify: Classify) -> None:
    """The account is then named nowhere else than among the class's own members."""
    _, record = aws("UpdateLoginProfile", MARA, "ana", 300104)
    for data in (None, "", "userName=ana"):
        api = {**record["api"], "request": {"uid": "r-1", "data": data}}
        row = classify.one({**record, "api": api, "user": {"uid": "AIDAANA"}}, provider="ocsf")
        assert (row.provider, row.action, row.target) == ("ocsf", Canonical.PASSWORD_RESET, "AIDAANA")


@pytest.mark.parametrize("vendor", ["GitHub", "github, Inc.", "Okta", "OKTA"])
@pytest.mark.parametrize("unmapped", [None, "x", [], {"target": "x", "data": 7, "transaction": []}])
def test_odd_members_of_a_vendor_s_record_are_no_crash(classify: Classify, vendor: str, unmapped: object) -> None:
    """What could not be placed may be anything: the record has a verdict or a count."""
    _, record = github("user.create", 300101)
    metadata = {"uid": "e-1", "event_code": "user.create", "product": {"vendor_name": vendor}}
    report = classify([{**record, "metadata": metadata, "unmapped": unmapped}], None, provider="ocsf")
    assert (report.rejected_lines, sum(count.lines for count in report.types)) == (0, 1)
