"""Entra: directory audits and sign-ins in each shape they come in, and the unified audit log's mailbox rules."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import ENTRA

from .conftest import NOON, Classify
from .signed_in import SIGN_INS, rows

ADMIN, ANA = "11111111-aaaa-4aaa-8aaa-000000000001", "11111111-aaaa-4aaa-8aaa-000000000002"


def _user(who: str, name: str) -> dict[str, Any]:
    return {"id": who, "displayName": None, "userPrincipalName": f"{name}@example.test", "ipAddress": "198.51.100.7"}


def _audit(activity: str = "Reset password (by admin)", **members: Any) -> dict[str, Any]:
    return {
        "id": f"Directory_{activity}",
        "category": "UserManagement",
        "correlationId": "c-1",
        "result": "success",
        "resultReason": "",
        "activityDisplayName": activity,
        "activityDateTime": "2026-03-02T12:00:00.1234567Z",
        "initiatedBy": {"user": _user(ADMIN, "admin"), "app": None},
        "targetResources": [
            {
                "id": ANA,
                "displayName": None,
                "type": "User",
                "userPrincipalName": "ana@example.test",
                "modifiedProperties": [],
            }
        ],
        "additionalDetails": [],
        **members,
    }


def _update(**changed: tuple[Any, Any]) -> dict[str, Any]:
    event = _audit("Update user")
    event["targetResources"][0]["modifiedProperties"] = [
        {"displayName": name, "oldValue": json.dumps(old), "newValue": json.dumps(new)}
        for name, (old, new) in changed.items()
    ]
    return event


def _hub(audit: dict[str, Any]) -> dict[str, Any]:
    return {
        "time": audit["activityDateTime"],
        "resourceId": "/tenants/t/providers/Microsoft.aadiam",
        "operationName": audit["activityDisplayName"],
        "category": "AuditLogs",
        "resultSignature": "None",
        "callerIpAddress": "198.51.100.7",
        "correlationId": audit["correlationId"],
        "identity": "admin",
        "properties": audit,
    }


def _table(audit: dict[str, Any]) -> dict[str, Any]:
    return {
        "TimeGenerated": audit["activityDateTime"],
        "OperationName": audit["activityDisplayName"],
        "CorrelationId": audit["correlationId"],
        "Id": audit["id"],
        "Result": audit["result"],
        "InitiatedBy": json.dumps(audit["initiatedBy"]),
        "TargetResources": json.dumps(audit["targetResources"]),
        "AdditionalDetails": "[]",
        "Type": "AuditLogs",
    }


def _elastic(audit: dict[str, Any]) -> dict[str, Any]:
    return {
        "@timestamp": audit["activityDateTime"],
        "azure": {
            "correlation_id": audit["correlationId"],
            "auditlogs": {
                "operation_name": audit["activityDisplayName"],
                "category": "AuditLogs",
                "properties": {
                    "id": audit["id"],
                    "activity_display_name": audit["activityDisplayName"],
                    "activity_datetime": audit["activityDateTime"],
                    "result": audit["result"],
                    "initiated_by": {"user": audit["initiatedBy"]["user"]},
                    "target_resources": {
                        str(n): {"id": t["id"], "type": t["type"], "user_principal_name": t["userPrincipalName"]}
                        for n, t in enumerate(audit["targetResources"])
                    },
                },
            },
        },
    }


@pytest.mark.parametrize(
    "shape",
    [
        _hub,
        _table,
        _elastic,
        lambda audit: {"records": [_hub(audit)]},
        lambda audit: {"@odata.context": "x", "value": [audit]},
        lambda audit: {"message": json.dumps(_hub(audit))},
        lambda audit: {"_index": "i", "_source": _elastic(audit)},
    ],
    ids=["event hub", "table", "elastic", "event hub list", "graph page", "message", "search result"],
)
def test_every_shape_gives_the_row_that_graph_gives(
    classify: Classify, shape: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Whoever passes an audit on, who did what to whom, when and from where stay the same."""
    expected = classify.one(_audit(), provider="entra")
    row = classify.one(shape(_audit()), provider="entra")
    assert (expected.actor, expected.target, expected.address) == (ADMIN, ANA, "198.51.100.7")
    for name in ("id", "action", "actor", "target", "at", "address", "correlation", "outcome", "verdict"):
        assert getattr(row, name) == getattr(expected, name)


def test_every_type_is_mapped_or_ignored(classify: Classify) -> None:
    """A catalogued audit gives its canonical action for another's account, or only its count."""
    entries = list(csv.DictReader(ENTRA.catalogue.read_text(encoding="utf-8").splitlines()))
    plain = [e for e in entries if "/" not in e["native"] and not e["canonical"].startswith("login.")]
    lines = [
        _audit(e["native"], id=str(n), correlationId=str(n), targetResources=[{"id": f"t{n}", "type": "User"}])
        for n, e in enumerate(plain)
    ]
    report = classify(lines, None, provider="entra")
    given = {row.target: row.action for row in report.verdicts}
    for n, entry in enumerate(plain):
        assert given.get(f"t{n}") == (None if entry["ignored"] else entry["canonical"] or None), entry
    assert report.unknown_types == ()


RESET_SERVICE = {
    "displayName": "Microsoft password reset service",
    "appId": "93625bc8-bfe2-437a-97e0-3d0060024faa",
    "servicePrincipalId": "sp-reset",
}


@pytest.mark.parametrize(
    ("app", "own", "after"),
    [
        (RESET_SERVICE | {"appId": "11111111-2222-3333-4444-555555555555"}, "Reset password (self-service)", 1),
        (RESET_SERVICE | {"appId": None}, "Reset password (self-service)", 1),
        (RESET_SERVICE, "User registered security info", 1),
        (RESET_SERVICE, "Reset password (self-service)", 30),
        ({"displayName": "Joiners (sample)", "servicePrincipalId": "sp-1"}, "Reset password (self-service)", 1),
    ],
    ids=["title", "no id", "another kind", "later", "another application"],
)
def test_anothers_name_owns_nothing(classify: Classify, app: dict[str, Any], own: str, after: int) -> None:
    """An application that shares a correlation with its victim, or a title with Microsoft, is not the victim."""
    user = {"user": _user(ANA, "ana"), "app": None}
    record = _audit("Reset user password", initiatedBy={"user": None, "app": app})
    later = _audit(own, initiatedBy=user, activityDateTime=f"2026-03-02T12:00:{after:02}Z")
    found = {row.native_action: row for row in classify([record, later], provider="entra").verdicts}
    row = found["Reset user password"]
    assert (row.action, row.actor, row.is_finding) == (Canonical.PASSWORD_RESET, app["servicePrincipalId"], True)


@pytest.mark.parametrize("app", [RESET_SERVICE["appId"], "2e5ecfc8-ea79-48bd-8140-c19324acb278"])
def test_the_reset_service_of_every_cloud_acts_for_somebody(classify: Classify, app: str) -> None:
    """Microsoft's service is known by its application id, which is another one in the US government's cloud."""
    user = {"user": _user(ANA, "ana"), "app": None}
    record = _audit("Reset user password", initiatedBy={"user": None, "app": RESET_SERVICE | {"appId": app}})
    own = _audit("Reset password (self-service)", initiatedBy=user, id="own")
    assert {row.actor for row in classify([record, own], provider="entra").verdicts} == {ANA}


def test_two_records_of_one_click_are_one_action(classify: Classify) -> None:
    """The reset page and the directory each write a record; the service that did it for the admin is no actor."""
    service = {"user": None, "app": RESET_SERVICE}
    core = _audit("Reset user password", initiatedBy=service, activityDateTime="2026-03-02T12:00:00.9Z")
    (row,) = classify([_audit(), core], provider="entra").verdicts
    assert (row.actor, row.folded, row.actor_class, row.verdict) == (ADMIN, 2, None, Verdict.UNVERIFIED)


def test_a_self_service_reset_is_its_owner_s(classify: Classify) -> None:
    """The directory's record of a reset that a user made at the reset page is the user's, not the service's."""
    own = _audit("Reset password (self-service)", initiatedBy={"user": _user(ANA, "ana"), "app": None})
    service = {"user": {"id": "f", "userPrincipalName": "fim_password_service" + "@support.onmicrosoft.com"}}
    core = _audit("Reset user password", initiatedBy=service, activityDateTime="2026-03-02T12:00:00.9Z")
    assert {row.verdict for row in classify([own, core], provider="entra").verdicts} == {Verdict.SELF_SERVICE}


def test_an_application_is_automation(classify: Classify) -> None:
    """An app that acts by itself is named, and told from a person."""
    app = {"app": {"appId": "a", "displayName": "Joiners (sample)", "servicePrincipalId": "sp-1"}, "user": None}
    row = classify.one(_audit("Reset user password", initiatedBy=app), provider="entra")
    assert (row.actor, row.actor_class) == ("sp-1", "automation")


METHODS = [{"MethodType": 6, "Default": True}, {"MethodType": 7, "Default": False}]


@pytest.mark.parametrize(
    ("changed", "actions"),
    [
        ({"StrongAuthenticationMethod": (METHODS, [])}, {Canonical.FACTOR_RESET_ALL}),
        ({"StrongAuthenticationMethod": (METHODS, METHODS[:1])}, {Canonical.FACTOR_RESET}),
        ({"StrongAuthenticationMethod": ([], METHODS)}, {Canonical.FACTOR_ENROLL}),
        ({"StrongAuthenticationRequirement": ([{"State": 1}], [])}, {Canonical.FACTOR_RESET_ALL}),
        ({"StrongAuthenticationPhoneAppDetail": ([{"Last": 1}], [{"Last": 2}])}, set()),
        ({"StrongAuthenticationUserDetails": ([{"PhoneNumber": "1"}], [{"PhoneNumber": "2"}])}, "contact"),
        ({"AlternateMobile": ("1", "2")}, "contact"),
        ({"AccountEnabled": ([False], [True])}, {Canonical.ACCOUNT_ENABLE}),
        ({"AccountEnabled": ([True], [False])}, {Canonical.ACCOUNT_DISABLE}),
        ({"Department": ("a", "b")}, set()),
        ({"StrongAuthenticationMethod": (METHODS, []), "OtherMail": ("a", "b")}, "both"),
        # One for another, as many as before: the owner's is gone, and somebody's is there.
        ({"StrongAuthenticationMethod": (METHODS, [METHODS[0], {"MethodType": 5}])}, "swap"),
        ({"StrongAuthenticationMethod": (METHODS, [{**one, "Default": not one["Default"]} for one in METHODS])}, set()),
        ({"StrongAuthenticationPhoneAppDetail": ([{"Id": "a", "Last": 1}], [{"Id": "a", "Last": 2}])}, set()),
        ({"StrongAuthenticationPhoneAppDetail": ([{"Id": "a"}], [{"Id": "b"}])}, "swap"),
        ({"StrongAuthenticationPhoneAppDetail": ([{"Id": "a"}, {"Id": "b"}], [{"Id": "c"}])}, "swap"),
        ({"StrongAuthenticationPhoneAppDetail": ([{"Id": "0"}, {"Id": "0"}], [{"Id": "0"}])}, {Canonical.FACTOR_RESET}),
        ({"StrongAuthenticationPhoneAppDetail": ([{"Id": "0"}], [{"Id": "0"}] * 2)}, {Canonical.FACTOR_ENROLL}),
        ({"SearchableDeviceKey": ([{"KeyIdentifier": "k"}], [{"KeyIdentifier": "l"}])}, "swap"),
        ({"CertificateUserIds": ([], ["X509:<PN>other@example.test"])}, {Canonical.TOKEN_REISSUE}),
        ({"AlternativeSecurityId": ([], [{"Type": 1, "Key": "a2V5"}])}, {Canonical.TOKEN_REISSUE}),
        ({"ImmutableId": ("a", "b")}, {Canonical.PRIVILEGE_GRANT}),
        ({"OnPremisesImmutableId": ("a", "b")}, {Canonical.PRIVILEGE_GRANT}),
        ({"PasswordPolicies": ("None", "DisablePasswordExpiration")}, set()),
    ],
)
def test_an_update_is_what_its_values_say(
    classify: Classify, changed: dict[str, tuple[Any, Any]], actions: set[Canonical] | str
) -> None:
    """Old and new values, JSON within text, decide what an update of a user did."""
    named = {
        "contact": {Canonical.RECOVERY_INFO_CHANGE},
        "both": {Canonical.RECOVERY_INFO_CHANGE, Canonical.FACTOR_RESET_ALL},
        "swap": {Canonical.FACTOR_RESET, Canonical.FACTOR_ENROLL},
    }
    report = classify([_update(**changed)], provider="entra")
    assert {row.action for row in report.verdicts} == (named[actions] if isinstance(actions, str) else actions)


@pytest.mark.parametrize(
    ("activity", "reason", "action"),
    [
        (
            "Admin registered security info",
            "Admin registered temporary access pass method for user",
            "mfa.bypass_grant",
        ),
        ("User registered security info", "User registered temporary access pass method", "mfa.bypass_grant"),
        ("Admin registered security info", "Admin registered phone method for user", "recovery_info.change"),
        ("Admin registered security info", "Admin registered Fido method for user", "mfa.factor_enroll"),
        ("Admin deleted security info", "Admin deleted temporary access pass method for user", None),
        ("Admin deleted security info", "Admin deleted Fido method for user", "mfa.factor_reset"),
    ],
)
def test_security_info_is_what_its_reason_says(
    classify: Classify, activity: str, reason: str, action: str | None
) -> None:
    """A temporary access pass is a way past the factors; a phone is where codes go."""
    report = classify([_audit(activity, resultReason=reason)], provider="entra")
    assert [row.action for row in report.verdicts] == ([action] if action else [])


def test_what_a_role_may_do_is_power_of_all_who_have_it(classify: Classify) -> None:
    """Changing it owes evidence, whoever has the role; making or deleting one that nobody has yet gives nothing."""
    role: dict[str, Any] = {"id": "r-1", "displayName": "Desk", "type": "Role", "modifiedProperties": []}
    said = [_audit(f"{deed} role definition", targetResources=[role]) for deed in ("Update", "Add", "Delete")]
    (row,) = [row for row in classify(said, provider="entra").verdicts if row.action is not None]
    assert (row.native_action, row.action) == ("Update role definition", Canonical.PRIVILEGE_GRANT)
    assert (row.verdict, row.target) == (Verdict.UNVERIFIED, "r-1")


@pytest.mark.parametrize("result", ["failure", "Failure", "timeout"])
def test_a_failed_attempt_is_ignored(classify: Classify, result: str) -> None:
    """Whatever its case, a result that is none is no reset."""
    assert classify.one(_audit(result=result), provider="entra").reasons == ("attempt_failed",)


def _sign_in(**members: Any) -> dict[str, Any]:
    return {
        "id": "s-1",
        "createdDateTime": "2026-03-02T11:50:00Z",
        "userPrincipalName": "admin@example.test",
        "userId": ADMIN,
        "appDisplayName": "Portal (sample)",
        "ipAddress": "198.51.100.7",
        "status": {"errorCode": 0},
        "location": {"countryOrRegion": "NL"},
        "deviceDetail": {"deviceId": "d-1"},
        "autonomousSystemNumber": 64496,
        **members,
    }


def test_sign_ins_are_read_apart(tmp_path: Path) -> None:
    """A sign-in, and one that needs more first, in Graph's shape and a diagnostic setting's."""
    hub = {
        "time": "2026-03-02T11:51:00Z",
        "operationName": "Sign-in activity",
        "category": "SignInLogs",
        "resultType": "50074",
        "location": "NL",
        "properties": _sign_in(id="s-2", createdDateTime="2026-03-02T11:51:00Z", status={"errorCode": 50074}),
    }
    found = rows(tmp_path, "entra", [_sign_in(), hub], SIGN_INS)
    place = ("198.51.100.7", "NL", 64496, "d-1", None, "Portal (sample)")
    assert found == [(ADMIN, True, *place), (ADMIN, False, *place)]


def test_a_sign_in_lends_an_audit_its_geography(classify: Classify) -> None:
    """Audits have no country: the actor's sign-in from the same address has, and another's has not."""
    rows_ = classify([_audit(), _sign_in()], provider="entra").verdicts
    assert [(row.country, row.asn) for row in rows_] == [("NL", 64496)]
    other = _sign_in(userId="other", userPrincipalName="other@example.test")
    assert [row.country for row in classify([_audit(), other], provider="entra").verdicts] == [None]


def _unified(operation: str, **members: Any) -> dict[str, Any]:
    return {
        "CreationTime": "2026-03-02T12:00:00",
        "Id": "ual-1",
        "Operation": operation,
        "ResultStatus": "True",
        "UserId": "ana@example.test",
        "ClientIP": "[2001:db8::1]:5555",
        "ObjectId": "ana@example.test",
        "Workload": "Exchange",
        **members,
    }


def _in_sentinel(operation: str, parameters: list[dict[str, str]]) -> dict[str, Any]:
    row = _unified(operation)
    moved = {"TimeGenerated": "CreationTime", "OfficeId": "Id", "OfficeObjectId": "ObjectId"}
    told = {name: row.pop(own) for name, own in moved.items()}
    return row | told | {"OfficeWorkload": "Exchange", "Parameters": json.dumps(parameters), "UserType": "Regular"}


@pytest.mark.parametrize(
    ("row", "actions"),
    [
        (_unified("New-InboxRule"), [Canonical.MAILBOX_RULE]),
        (
            _unified("Set-Mailbox", Parameters=[{"Name": "ForwardingSmtpAddress", "Value": "x"}]),
            [Canonical.MAILBOX_RULE],
        ),
        (_unified("Set-Mailbox", Parameters=[{"Name": "Language", "Value": "nl"}]), []),
        (_unified("Reset user password.", UserId="admin@example.test"), [Canonical.PASSWORD_RESET]),
        ({"AuditData": json.dumps(_unified("UpdateInboxRules"))}, [Canonical.MAILBOX_RULE]),
        ({name.lower(): each for name, each in _unified("New-InboxRule").items()}, [Canonical.MAILBOX_RULE]),
        (_in_sentinel("Set-Mailbox", [{"Name": "ForwardingSmtpAddress", "Value": "x"}]), [Canonical.MAILBOX_RULE]),
        (_in_sentinel("Set-Mailbox", [{"Name": "Language", "Value": "nl"}]), []),
    ],
)
def test_the_unified_audit_log_is_read(classify: Classify, row: dict[str, Any], actions: list[Canonical]) -> None:
    """Mailbox rules, and directory changes under their names there, from an address with a port."""
    found = classify([row], provider="entra").verdicts
    assert [(r.action, r.address, r.at.hour) for r in found] == [(action, "2001:db8::1", 12) for action in actions]


@pytest.mark.parametrize("member", ["initiatedBy", "targetResources", "additionalDetails", "correlationId", "result"])
@pytest.mark.parametrize("value", [None, "null", 7, [], {}, [None], [7]])
def test_a_member_of_another_shape_is_no_crash(classify: Classify, member: str, value: Any) -> None:
    """Any member may be null or of another type: what is readable is judged."""
    for event in (_audit(**{member: value}), _hub(_audit(**{member: value}))):
        report = classify([event], provider="entra")
        assert (len(report.verdicts), report.rejected_lines) == (1, 0)


@pytest.mark.parametrize("address", ["::2a02:1:2:3:4:5:6:7:8", "not an address", "999.1.1.1"])
def test_a_malformed_address_stays_text(classify: Classify, address: str) -> None:
    """Some addresses in such logs are none: kept as they are."""
    event = _audit(initiatedBy={"user": {"id": ADMIN, "ipAddress": address}})
    assert classify.one(event, provider="entra").address == address


@pytest.mark.parametrize("time", ["1601-01-01T00:00:00Z", "garbage", None, "9999-12-31T23:59:59Z", 1772452800])
def test_an_odd_time_is_no_crash(classify: Classify, time: Any) -> None:
    """A time that is none, or of another century, still has its verdict."""
    assert classify.one(_audit(activityDateTime=time), provider="entra").action is Canonical.PASSWORD_RESET


def test_ten_thousand_targets_are_ten_thousand_rows(classify: Classify) -> None:
    """A bulk action names many: each is judged."""
    targets = [{"id": f"t{n}", "type": "User"} for n in range(10_000)]
    assert len(classify([_audit(targetResources=targets)], None, provider="entra").verdicts) == 10_000


def _reset_and_its_service() -> tuple[dict[str, Any], dict[str, Any]]:
    own = _audit()
    service = _audit("Reset user password", initiatedBy={"app": {"displayName": "Microsoft password reset service"}})
    return own, service


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_records_of_one_click_in_two_files_are_one_action(tmp_path: Path, order: tuple[int, ...]) -> None:
    """A click whose records came in two files, in whatever order, is one action of the person."""
    records = _reset_and_its_service()
    files = tuple(tmp_path / f"{n}.jsonl" for n in range(2))
    for file, number in zip(files, order, strict=True):
        file.write_text(json.dumps(records[number]) + "\n", encoding="utf-8")
    (row,) = Engine().classify("entra", files).verdicts
    assert (row.action, row.actor, row.actor_class, row.folded) == (Canonical.PASSWORD_RESET, ADMIN, None, 2)


def test_a_self_service_reset_in_two_files_is_its_owner_s(tmp_path: Path) -> None:
    """What the service writes down of a person's own reset is their own, though another file says whose it was."""
    own, service = _reset_and_its_service()
    own["activityDisplayName"] = "Reset password (self-service)"
    own["initiatedBy"] = {"user": {"id": ANA}}
    for number, record in enumerate((service, own)):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    (row,) = Engine().classify("entra", (tmp_path / "0.jsonl", tmp_path / "1.jsonl")).verdicts
    assert (row.action, row.verdict, row.folded) == (Canonical.PASSWORD_RECOVER_SELF, Verdict.SELF_SERVICE, 2)


def test_records_without_a_correlation_keep_their_actors(classify: Classify) -> None:
    """A service and a person that nothing ties together are two actors, though they acted on one account."""
    own, service = (record | {"correlationId": None} for record in _reset_and_its_service())
    report = classify([own, service], None, provider="entra")
    assert sorted(row.actor_class or "" for row in report.verdicts) == ["", "system"]


@pytest.mark.parametrize(
    "name",
    [
        "Update application \u2013 Certificates and secrets management ",
        "Update application - Certificates and secrets management",
        "Update application \u2013 Certificates\u00a0and secrets  management.",
    ],
)
def test_a_name_is_known_however_it_is_spaced(classify: Classify, name: str) -> None:
    """Dashes, no-break spaces and a full stop do not make another activity."""
    report = classify([_audit(name)], None, provider="entra")
    assert ([row.action for row in report.verdicts], report.unknown_types) == ([Canonical.TOKEN_REISSUE], ())


@pytest.mark.parametrize(
    ("new", "action"),
    [("disabled", Canonical.FACTOR_RESET_ALL), ("enforced", None), (None, Canonical.FACTOR_RESET_ALL)],
)
def test_factors_no_longer_asked_of_an_account_are_a_reset(
    classify: Classify, new: str | None, action: Canonical | None
) -> None:
    """Multifactor authentication switched off for a person, or to what nobody says, is a reset of factors."""
    event = _audit("Update per-user multifactor authentication state")
    if new is not None:
        change = {"displayName": "perUserMfaState", "oldValue": '"enabled"', "newValue": json.dumps(new)}
        event["targetResources"][0]["modifiedProperties"] = [change]
    assert [row.action for row in classify([event], None, provider="entra").verdicts] == ([action] if action else [])


def test_a_role_s_details_say_from_where_it_was_asked_for(classify: Classify) -> None:
    """Privileged Identity Management has the address among its details, and the role among its targets."""
    event = _audit("Add member to role in PIM completed (permanent)", initiatedBy={"user": {"id": ADMIN}})
    event["additionalDetails"] = [{"key": "ipaddr", "value": "198.51.100.9"}]
    event["targetResources"] = [{"id": "r", "type": "Role", "displayName": "Helpdesk"}, {"id": ANA, "type": "User"}]
    row = classify.one(event, provider="entra")
    assert (row.target, row.address, row.detail) == (ANA, "198.51.100.9", "Helpdesk")


def _unified_row(operation: str = "Reset user password.", **members: Any) -> dict[str, Any]:
    """A row of the unified audit log; its lists name an application or a number before the account itself."""
    return {
        "Id": f"r-{operation}",
        "CreationTime": "2026-03-02T12:00:00",
        "Operation": operation,
        "ResultStatus": "Success",
        "UserId": "admin@example.test",
        "UserType": 0,
        "ObjectId": "ana@example.test",
        "Actor": [
            {"ID": "admin@example.test", "Type": 5},
            {"ID": "22222222-bbbb-4bbb-8bbb-000000000009", "Type": 2},
            {"ID": f"User_{ADMIN}", "Type": 2},
        ],
        "Target": [{"ID": f"User_{ANA}", "Type": 2}, {"ID": ANA, "Type": 2}, {"ID": "User", "Type": 2}],
        "ExtendedProperties": [{"Name": "correlationId", "Value": "c-9"}],
        **members,
    }


def test_the_unified_audit_log_s_actor_is_the_account_and_not_its_application(classify: Classify) -> None:
    """Of the names that a row lists, the one that says what it is of is the actor's and the target's."""
    row = classify.one(_unified_row(), provider="entra")
    assert (row.actor, row.target, row.correlation, row.address) == (ADMIN, ANA, "c-9", None)


def test_the_unified_audit_log_is_read_as_a_pipeline_makes_it_objects(classify: Classify) -> None:
    """Lists of named values that a pipeline made objects of say the same."""
    changed = {"StrongAuthenticationMethod": {"OldValue": '[{"MethodType":6}]', "NewValue": "[]"}}
    audit = _unified_row("Update user.", ModifiedProperties=changed, ExtendedProperties={"correlationId": "c-9"})
    row = classify.one({"event": {"dataset": "o365.audit"}, "o365": {"audit": audit}}, provider="entra")
    assert (row.action, row.correlation) == (Canonical.FACTOR_RESET_ALL, "c-9")


@pytest.mark.parametrize(
    ("user_type", "user", "kind"),
    [
        (3, "centre", "vendor"),
        (3, "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)", "system"),
        (4, "service", "system"),
        ("5", "application", "automation"),
        (2, "admin@example.test", None),
    ],
)
def test_the_unified_audit_log_says_what_acted(classify: Classify, user_type: Any, user: str, kind: str | None) -> None:
    """Microsoft's administrators are its support; its services and applications are no people."""
    event = _unified_row(UserType=user_type, UserId=user, Actor=[])
    assert classify.one(event, provider="entra").actor_class == kind


def test_forwarding_is_of_the_mailbox_it_was_set_on(classify: Classify) -> None:
    """An administrator who has another's mail forwarded acts on that mailbox, and not on the own."""
    forward = [{"Name": "ForwardingSmtpAddress", "Value": "smtp:x@example.test"}]
    path = "EUR.example.test/Microsoft Exchange Hosted Organizations/example.test/ana"
    row = classify.one(_unified_row("Set-Mailbox", Target=[], ObjectId=path, Parameters=forward), provider="entra")
    assert (row.action, row.actor, row.target) == (Canonical.MAILBOX_RULE, ADMIN, "ana")


@pytest.mark.parametrize(
    "time",
    [
        "3/2/2026 12:00:00 PM",
        "03/02/2026 12:00:00",
        "3/2/2026 1:00:00 PM +01:00",
        "2026-03-02T12:00:00.000000001Z",
        "2026-03-02 12:00:00.000000000",
    ],
)
def test_a_time_as_azure_writes_it_is_read(classify: Classify, time: str) -> None:
    """Diagnostic settings write times in the American order, some with an offset, and some to the nanosecond."""
    row = classify.one(_audit(activityDateTime=time), provider="entra")
    assert row.at.isoformat() == "2026-03-02T12:00:00+00:00"


def test_a_sign_in_of_no_person_is_known_by_its_category(classify: Classify) -> None:
    """A record that names neither a person nor an application is a sign-in, as its category says."""
    event = {"Category": "ServicePrincipalSignInLogs", "CreatedDateTime": "2026-03-02T12:00:00Z"}
    report = classify([event], None, provider="entra")
    assert ([count.native for count in report.types], report.rejected_lines) == (["ServicePrincipalSignInLogs"], 0)


@pytest.mark.parametrize(
    ("operation", "told", "changed", "action"),
    [
        ("modified-user-account", "Update user.", "StrongAuthenticationMethod", Canonical.FACTOR_RESET_ALL),
        ("deleted-user-account", "Delete user.", "Included_Updated_Properties", Canonical.ACCOUNT_DELETE),
        ("Reset user password.", "Reset user password.", "Included_Updated_Properties", Canonical.PASSWORD_RESET),
    ],
)
@pytest.mark.parametrize("provider", ["entra", "ecs"])
def test_elastic_s_document_of_the_unified_audit_log_is_the_row(
    classify: Classify, provider: str, operation: str, told: str, changed: str, action: Canonical
) -> None:
    """Elastic moves the operation, the id and the address out of the row, and renames some: the event is the same."""
    changes = {changed: {"OldValue": '[{"MethodType":6}]', "NewValue": "[]"}}
    audit = _unified_row(told, ModifiedProperties=changes)
    document = {
        "@timestamp": NOON.isoformat(),
        "event": {"action": operation, "id": audit.pop("Id", "e-1"), "code": "AzureActiveDirectory"},
        "client": {"ip": "198.51.100.7"},
        "o365": {
            "audit": {
                name: each for name, each in audit.items() if name not in ("Operation", "ClientIP", "CreationTime")
            }
        },
        "user": {"id": audit["UserId"]},
    }
    row = classify.one(document, provider=provider)
    assert (row.action, row.actor, row.target, row.at, row.address) == (action, ADMIN, ANA, NOON, "198.51.100.7")


def test_elastic_s_outcome_of_a_directory_audit_counts(classify: Classify) -> None:
    """Elastic moves an audit's result to the document's outcome: a reset that failed is no reset."""
    properties = {
        "activity_display_name": "Reset user password",
        "activity_datetime": NOON.isoformat(),
        "initiated_by": {"user": {"id": ADMIN, "userPrincipalName": "admin@example.test"}},
        "target_resources": {"0": {"id": ANA, "type": "User", "user_principal_name": "ana@example.test"}},
    }
    document = {
        "event": {"action": "Reset user password", "outcome": "failure", "dataset": "azure.auditlogs"},
        "azure": {"auditlogs": {"category": "AuditLogs", "properties": properties}},
    }
    row = classify.one(document, provider="ecs")
    assert row.outcome == "failure"


def test_an_address_told_among_the_details_stands_in_for_none(classify: Classify) -> None:
    """Azure writes "<null>" where an address is missing: what the details name is the address then."""
    properties = {
        "activityDisplayName": "Reset user password",
        "activityDateTime": NOON.isoformat(),
        "initiatedBy": {"user": {"id": ADMIN, "userPrincipalName": "admin@example.test", "ipAddress": "<null>"}},
        "targetResources": [{"id": ANA, "type": "User", "userPrincipalName": "ana@example.test"}],
        "additionalDetails": [{"key": "ipaddr", "value": "198.51.100.40"}],
    }
    event = {"category": "AuditLogs", "callerIpAddress": "<null>", "properties": properties}
    assert classify.one(event, provider="entra").address == "198.51.100.40"


TWO = [{"Issuer": "https://a.test"}, {"Issuer": "https://b.test"}]


@pytest.mark.parametrize("activity", ["Update application", "Update service principal"])
@pytest.mark.parametrize(
    ("old", "new", "action"),
    [
        ([], [{"Issuer": "https://idp.example.test"}], Canonical.TOKEN_REISSUE),
        ([{"Issuer": "https://one.example.test"}], [{"Issuer": "https://two.example.test"}], Canonical.TOKEN_REISSUE),
        ([{"Issuer": "https://idp.example.test"}], [], Canonical.TOKEN_REVOKE),
        (TWO, TWO[1:], Canonical.TOKEN_REVOKE),
        # Fewer than before, and one that was not there.
        (TWO, [{"Issuer": "https://c.test"}], Canonical.TOKEN_REISSUE),
        (TWO, "cut", Canonical.TOKEN_REISSUE),
        ([], [], None),
    ],
)
def test_an_issuer_that_signs_in_as_an_application(
    classify: Classify, activity: str, old: list[Any], new: Any, action: Canonical | None
) -> None:
    """On another's word somebody has the application's power, and no secret of it is made."""
    event = _audit(activity)
    event["targetResources"] = [
        {
            "id": "a-pipeline",
            "displayName": "Pipeline",
            "type": "Application",
            "modifiedProperties": [
                {
                    "displayName": "FederatedIdentityCredentials",
                    "oldValue": json.dumps(old),
                    "newValue": '[{"Issuer": "htt' if new == "cut" else json.dumps(new),
                }
            ],
        }
    ]
    report = classify([event], None, provider="entra")
    expected = [] if action is None else [(action, "a-pipeline")]
    assert [(row.action, row.target) for row in report.verdicts] == expected
    assert report.unknown_types == ()
