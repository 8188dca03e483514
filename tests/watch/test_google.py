"""Google Workspace: activities of the Reports API and what other pipelines make of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.providers import GOOGLE

from .conftest import Classify
from .signed_in import SIGN_INS, rows

AT = "2026-03-02T12:00:00.000Z"


def _event(name: str, target: str | None = "ana@example.test", kind: str = "USER_SETTINGS") -> dict[str, Any]:
    parameters = [{"name": "USER_EMAIL", "value": target}] if target else []
    return {"type": kind, "name": name, "parameters": parameters}


def _activity(
    *events: dict[str, Any], application: str = "admin", number: str = "-1", actor: str = "admin", at: str = AT
) -> dict[str, Any]:
    return {
        "kind": "admin#reports#activity",
        "id": {"time": at, "uniqueQualifier": number, "applicationName": application, "customerId": "C0"},
        "actor": {"callerType": "USER", "email": f"{actor}@example.test", "profileId": f"p-{actor}"},
        "ipAddress": "198.51.100.7",
        "networkInfo": {"ipAsn": [64496], "regionCode": "NL"},
        "events": list(events),
    }


def _cloud(activity: dict[str, Any]) -> dict[str, Any]:
    (event,) = activity["events"]
    return {
        "insertId": "i-1",
        "timestamp": AT,
        "protoPayload": {
            "serviceName": "admin.googleapis.com",
            "methodName": "google.admin.AdminService.changePassword",
            "authenticationInfo": {"principalEmail": activity["actor"]["email"]},
            "requestMetadata": {"callerIp": activity["ipAddress"]},
            "metadata": {
                "activityId": {"timeUsec": "1772452800000000", "uniqQualifier": activity["id"]["uniqueQualifier"]},
                "event": [{"eventName": event["name"], "parameter": event["parameters"]}],
            },
        },
    }


def _elastic(activity: dict[str, Any]) -> dict[str, Any]:
    (event,) = activity["events"]
    return {
        "@timestamp": AT,
        "event": {"action": event["name"], "provider": "admin", "id": activity["id"]["uniqueQualifier"]},
        "google_workspace": {"actor": {"type": "USER"}},
        "user": {"email": activity["actor"]["email"], "target": {"email": "ana@example.test"}},
        "source": {"ip": "198.51.100.7", "geo": {"country_iso_code": "NL"}, "as": {"number": 64496}},
    }


@pytest.mark.parametrize(
    "shape",
    [
        lambda a: {"kind": "admin#reports#activities", "items": [a]},
        lambda a: {**a, "events": a["events"][0]},
        lambda a: {name: each for name, each in a.items() if name != "events"} | {"event": a["events"][0]},
        lambda a: {
            **{name: value for name, value in a.items() if name != "events"},
            "name": "CHANGE_PASSWORD",
            "parameters": {"USER_EMAIL": "ana@example.test"},
        },
        lambda a: {"message": json.dumps(a)},
        lambda a: {"event": {"original": json.dumps(a)}, "google_workspace": {}},
        _cloud,
        _elastic,
    ],
    ids=[
        "a page",
        "one event",
        "an event by that name",
        "flattened",
        "message",
        "original",
        "cloud logging",
        "elastic",
    ],
)
def test_every_shape_gives_the_row_that_the_api_gives(
    classify: Classify, shape: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Whoever passes an activity on, who did what to whom, when and from where stay the same."""
    activity = _activity(_event("CHANGE_PASSWORD"))
    expected = classify.one(activity, provider="google")
    row = classify.one(shape(activity), provider="google")
    assert (expected.actor, expected.target, expected.country) == ("admin@example.test", "ana@example.test", "NL")
    for name in ("id", "action", "actor", "target", "at", "address", "verdict"):
        assert getattr(row, name) == getattr(expected, name)


def test_every_type_is_mapped_or_ignored(classify: Classify) -> None:
    """A catalogued event gives its canonical action for another's account, or only its count."""
    entries = list(csv.DictReader(GOOGLE.catalogue.read_text(encoding="utf-8").splitlines()))
    plain = [e for e in entries if not e["canonical"].startswith("login.")]
    names = [entry["native"].split(":") for entry in plain]
    lines = []
    for n, (application, name) in enumerate(names):
        event = _event(name, f"t{n}")
        if application.startswith(("groups", "directory_sync")) and name != "*":
            event["name"] = name.removesuffix(" privileged")
            event["parameters"].append({"name": "GROUP_EMAIL", "value": "admins@example.test"})
        lines.append(_activity(event, application=application, number=str(n)))
    report = classify(lines, None, provider="google")
    given = {row.target: row.action for row in report.verdicts}
    for n, entry in enumerate(plain):
        assert given.get(f"t{n}") == (None if entry["ignored"] else entry["canonical"]), entry
    assert report.unknown_types == ()


def test_several_events_of_one_activity_are_one_click(classify: Classify) -> None:
    """A reset and the demand to change it at the next sign-in come as one activity."""
    both = _activity(_event("CHANGE_PASSWORD"), _event("CHANGE_PASSWORD_ON_NEXT_LOGIN"))
    (row,) = classify([both], provider="google").verdicts
    assert (row.action, row.folded) == (Canonical.PASSWORD_RESET, 2)


def test_one_event_under_two_applications_counts_once(classify: Classify) -> None:
    """What a user does to his own account is in two logs, under one qualifier and time."""
    lines = [
        _activity(_event("2sv_disable", None), application=application, number="7", actor="ana")
        for application in ("login", "user_accounts")
    ]
    (row,) = classify(lines, provider="google").verdicts
    assert (row.action, row.folded, row.verdict) == (Canonical.FACTOR_RESET_ALL, 1, Verdict.SELF_SERVICE)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ({"callerType": "KEY", "key": "HTTP://EXAMPLE/REQUESTOR"}, "automation"),
        ({"callerType": "KEY", "key": "SYSTEM"}, "system"),
        ({"callerType": "USER", "email": "svc" + "@p.iam.gserviceaccount.com"}, "automation"),
        ({"callerType": "USER", "email": "admin@example.test"}, None),
        (None, None),
    ],
)
def test_a_caller_without_a_person_is_told(
    classify: Classify, actor: dict[str, Any] | None, expected: str | None
) -> None:
    """Keys, the system and service accounts are no people."""
    row = classify.one(_activity(_event("CHANGE_PASSWORD")) | {"actor": actor}, provider="google")
    assert row.actor_class == expected


def test_sign_ins_are_read_apart(tmp_path: Path) -> None:
    """A sign-in is its user's; a failed one is not done."""
    lines = [
        _activity({"type": "login", "name": name}, application="login", actor="ana", number=name)
        for name in ("login_failure", "login_success")
    ]
    found = rows(tmp_path, "google", lines, SIGN_INS)
    place = ("198.51.100.7", "NL", 64496)
    assert [row[:5] for row in found] == [("ana@example.test", done, *place) for done in (False, True)]


@pytest.mark.parametrize("member", ["actor", "ipAddress", "networkInfo", "etag"])
@pytest.mark.parametrize("value", [None, "null", 7, []])
def test_a_member_of_another_shape_is_no_crash(classify: Classify, member: str, value: Any) -> None:
    """Any member may be null or of another type: what is readable is judged."""
    row = classify.one(_activity(_event("CHANGE_PASSWORD")) | {member: value}, provider="google")
    assert row.action is Canonical.PASSWORD_RESET


@pytest.mark.parametrize("events", [None, [], "null", [None], [{"name": None}], [7]])
def test_an_activity_without_events_is_kept_aside(classify: Classify, events: Any) -> None:
    """An activity that names no event is none, and says so; the next is judged."""
    report = classify([_activity() | {"events": events}, _activity(_event("CHANGE_PASSWORD"))], provider="google")
    assert (len(report.verdicts), report.rejected_lines) == (1, 1)


def test_a_page_of_activities_is_read(classify: Classify) -> None:
    """A page may call its activities what an activity calls its own parts."""
    page = {"events": [_activity(_event("CHANGE_PASSWORD")), _activity(_event("SUSPEND_USER"), number="-2")]}
    report = classify([page], None, provider="google")
    assert sorted(str(row.action) for row in report.verdicts) == ["account.disable", "password.reset"]


def test_an_application_that_keeps_no_accounts_counts_as_one_type(classify: Classify) -> None:
    """Events of such an application are known by it, whatever they are called."""
    lines = [_activity(_event(name), application="drive", number=str(n)) for n, name in enumerate(("view", "some_day"))]
    report = classify(lines, None, provider="google")
    assert [(count.native, count.lines, count.known) for count in report.types] == [("drive:*", 2, True)]


@pytest.mark.parametrize(("state", "action"), [("REGISTERED", Canonical.DEVICE_ENROLL), ("UNREGISTERED", None)])
def test_a_device_let_go_is_no_enrolment(classify: Classify, state: str, action: Canonical | None) -> None:
    """One event says both that a device was registered and that it no longer is."""
    event = _event("DEVICE_REGISTER_UNREGISTER_EVENT", kind="device_updates")
    event["parameters"].append({"name": "ACCOUNT_STATE", "value": state})
    report = classify([_activity(event, application="login")], None, provider="google")
    assert [row.action for row in report.verdicts] == ([action] if action else [])
    assert report.unknown_types == ()


def test_elastic_keeps_whom_a_warning_is_about(classify: Classify) -> None:
    """An account that Google locked is the one that the warning names, whoever the actor is said to be."""
    document = {
        "@timestamp": AT,
        "event": {"action": "account_disabled_hijacked", "provider": "login", "id": "1"},
        "google_workspace": {"login": {"affected_email_address": "ana@example.test"}},
        "user": {
            "id": "1",
            "name": "mara",
            "domain": "example.test",
            "target": {"name": "ana", "domain": "example.test"},
        },
    }
    row = classify.one(document, provider="google")
    assert (row.action, row.actor, row.target) == (Canonical.ACCOUNT_DISABLE, "mara@example.test", "ana@example.test")


def test_anothers_name_owns_nothing(classify: Classify) -> None:
    """An address of one name in another domain is another's."""
    event = _activity(_event("CHANGE_PASSWORD", "admin@other.example.test"))
    assert classify.one(event, provider="google").verdict is Verdict.UNVERIFIED


def _called(method: str, service: str = "admin.googleapis.com") -> dict[str, Any]:
    """An entry of Cloud Logging that has a method, and no event."""
    return {
        "insertId": f"i-{method}",
        "timestamp": AT,
        "protoPayload": {
            "serviceName": service,
            "methodName": method,
            "authenticationInfo": {"principalEmail": "admin@example.test"},
        },
    }


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("changePassword", Canonical.PASSWORD_RESET),
        ("generate2svScratchCodes", Canonical.BYPASS_GRANT),
        ("delete2svScratchCodes", Canonical.FACTOR_RESET),
        ("revoke3loToken", Canonical.TOKEN_REVOKE),
        ("unenrollUserFromStrongAuth", Canonical.FACTOR_RESET_ALL),
    ],
)
def test_a_method_is_the_event_of_its_name(classify: Classify, method: str, action: Canonical) -> None:
    """Where an entry has no event, its method tells it, with a number within a word or without."""
    row = classify.one(_called(f"google.admin.AdminService.{method}"), provider="google")
    assert (row.action, row.actor) == (action, "admin@example.test")


def test_what_other_services_write_to_a_sink_is_let_be(classify: Classify) -> None:
    """A sink takes the logs of a whole organisation: those of other services count as one type."""
    lines = [
        _called("v1.compute.instances.insert", "compute.googleapis.com"),
        _called("google.pubsub.v1.Publisher.CreateTopic", "pubsub.googleapis.com"),
        {"protoPayload": {"serviceName": "compute.googleapis.com"}},
        {"protoPayload": {"methodName": "changePassword"}},
    ]
    report = classify(lines, None, provider="google")
    assert [(count.native, count.lines, count.known) for count in report.types] == [("gcp:*", 2, True)]
    assert (report.verdicts, report.rejected_lines) == ((), 2)


@pytest.mark.parametrize("service", ["iam", "cloudidentity", "identitytoolkit"])
def test_what_keeps_identities_is_told_where_it_is_not_known(classify: Classify, service: str) -> None:
    """Entries of a service that keeps accounts, keys or groups are no other business: their types are unknown."""
    report = classify([_called("a.v1.B.ForgeKey", f"{service}.googleapis.com")], None, provider="google")
    assert [(one.native, one.lines) for one in report.unknown_types] == [(f"{service}:forge_key", 1)]


@pytest.mark.parametrize(("status", "done"), [("SUCCEEDED_WITH_WARNINGS", True), ("FAILED", False), ("SKIPPED", False)])
def test_an_event_that_failed_is_an_attempt(classify: Classify, status: str, *, done: bool) -> None:
    """The Reports API says of some events how they ended."""
    event = _event("CHANGE_PASSWORD") | {"status": {"eventStatus": status, "httpStatusCode": 400}}
    row = classify.one(_activity(event), provider="google")
    assert (row.outcome == "SUCCESS", row.verdict is Verdict.UNVERIFIED) == (done, done)


@pytest.mark.parametrize(
    ("name", "group", "action"),
    [
        ("ADD_GROUP_MEMBER", "gcp-organization-admins@example.test", Canonical.PRIVILEGE_GRANT),
        ("REMOVE_GROUP_MEMBER", "gcp-organization-admins@example.test", Canonical.PRIVILEGE_REVOKE),
        ("ADD_GROUP_MEMBER", "choir@example.test", None),
        ("ADD_GROUP_MEMBER", "root-cause-analysis@example.test", None),
    ],
)
def test_a_group_that_lends_power_is_power(classify: Classify, name: str, group: str, action: Canonical | None) -> None:
    """Who is put into a group whose name says that it lends power is given it."""
    event = _event(name, kind="GROUP_SETTINGS")
    event["parameters"].append({"name": "GROUP_EMAIL", "value": group})
    report = classify([_activity(event)], None, provider="google")
    assert [row.action for row in report.verdicts] == ([] if action is None else [action])
    assert report.unknown_types == ()


_ADMINS = "gcp-organization-admins@example.test"


def _of_group(
    name: str, application: str, group: str = _ADMINS, member: str | None = "ana@example.test"
) -> dict[str, Any]:
    named = {
        "groups_enterprise": ("group_id", "member_id"),
        "groups": ("group_email", "user_email"),
        "directory_sync": ("GROUP_ID", "TARGET_OBJECT_ID"),
        "admin": ("GROUP_EMAIL", "USER_EMAIL"),
    }[application]
    parameters = [{"name": name, "value": value} for name, value in zip(named, (group, member), strict=True) if value]
    return _activity({"type": "moderator_action", "name": name, "parameters": parameters}, application=application)


@pytest.mark.parametrize(
    ("name", "application", "action"),
    [
        ("add_member", "groups_enterprise", Canonical.PRIVILEGE_GRANT),
        ("add_member_role", "groups_enterprise", Canonical.PRIVILEGE_GRANT),
        ("invite_member", "groups_enterprise", Canonical.PRIVILEGE_GRANT),
        ("remove_member", "groups_enterprise", Canonical.PRIVILEGE_REVOKE),
        ("add_user", "groups", Canonical.PRIVILEGE_GRANT),
        ("invite_user", "groups", Canonical.PRIVILEGE_GRANT),
        ("remove_user", "groups", Canonical.PRIVILEGE_REVOKE),
        ("ADDED_GROUP_MEMBERSHIP", "directory_sync", Canonical.PRIVILEGE_GRANT),
        ("REMOVED_GROUP_MEMBERSHIP", "directory_sync", Canonical.PRIVILEGE_REVOKE),
    ],
)
def test_a_group_lends_power_wherever_it_is_changed(
    classify: Classify, name: str, application: str, action: Canonical
) -> None:
    """Groups' own pages and interfaces tell who is in them, and the console does not; another group is none of this."""
    row = classify.one(_of_group(name, application), provider="google")
    assert (row.action, row.actor, row.target) == (action, "admin@example.test", "ana@example.test")
    assert row.detail == _ADMINS
    report = classify([_of_group(name, application, "choir@example.test")], None, provider="google")
    assert (report.verdicts, report.unknown_types) == ((), ())


@pytest.mark.parametrize(
    ("name", "verdict"), [("join", Verdict.UNVERIFIED), ("accept_invitation", Verdict.SELF_SERVICE)]
)
@pytest.mark.parametrize("application", ["groups", "groups_enterprise"])
def test_who_joins_a_group_that_lends_power_gave_it_to_themself(
    classify: Classify, application: str, name: str, verdict: Verdict
) -> None:
    """An invitation was somebody else's; a group that stands open lends its power to whoever asks for it."""
    row = classify.one(_of_group(name, application, member=None), provider="google")
    assert (row.action, row.target, row.verdict) == (Canonical.PRIVILEGE_GRANT, "admin@example.test", verdict)


def test_a_group_is_known_by_whichever_name_tells(classify: Classify) -> None:
    """An id that says nothing may stand before the address."""
    event = _of_group("ADD_GROUP_MEMBER", "admin")
    event["events"][0]["parameters"].insert(0, {"name": "GROUP_ID", "value": "01abc"})
    row = classify.one(event, provider="google")
    assert (row.action, row.detail) == (Canonical.PRIVILEGE_GRANT, _ADMINS)


def test_one_change_of_a_group_that_stands_twice_is_one(classify: Classify) -> None:
    """The console writes it, and so do groups; a trial of what would be synchronised did nothing."""
    twice = [_of_group("ADD_GROUP_MEMBER", "admin"), _of_group("add_member", "groups_enterprise")]
    twice[1]["id"]["uniqueQualifier"] = "-2"
    (row,) = classify(twice, None, provider="google").verdicts
    assert (row.action, row.folded) == (Canonical.PRIVILEGE_GRANT, 2)
    trial = _of_group("ADDED_GROUP_MEMBERSHIP", "directory_sync")
    trial["events"][0]["parameters"].append({"name": "DRY_RUN", "boolValue": True})
    assert classify([trial], None, provider="google").verdicts == ()


def test_a_group_in_ecs_is_the_group_it_was(classify: Classify) -> None:
    """Elastic has the member as the target or among what is the group's."""
    own = {"groups": {"email": _ADMINS, "member": {"email": "ana@example.test"}}, "event": {"type": "acl_change"}}
    document = {
        "@timestamp": AT,
        "event": {"action": "add_user", "id": "1", "provider": "groups", "dataset": "google_workspace.groups"},
        "google_workspace": own,
        "user": {"email": "admin@example.test", "id": "p-admin"},
    }
    row = classify.one(document, provider="google")
    assert (row.action, row.actor, row.target) == (
        Canonical.PRIVILEGE_GRANT, "admin@example.test", "ana@example.test"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("IMPORT_SSH_PUBLIC_KEY", Canonical.TOKEN_REISSUE),
        ("UPDATE_SSH_PUBLIC_KEY", Canonical.TOKEN_REISSUE),
        ("DELETE_SSH_PUBLIC_KEY", Canonical.TOKEN_REVOKE),
        ("GET_LOGIN_PROFILE", None),
    ],
)
def test_a_key_of_os_login_lets_in(classify: Classify, name: str, action: Canonical | None) -> None:
    """It opens every machine of Google Cloud that its owner may sign in to."""
    event = _event(name, "admin@example.test", "CLOUD_OSLOGIN")
    report = classify([_activity(event, application="gcp")], None, provider="google")
    told = [(row.action, row.verdict) for row in report.verdicts if row.action is Canonical.TOKEN_REISSUE]
    assert [row.action for row in report.verdicts] == ([] if action is None else [action])
    assert all(verdict is Verdict.SELF_SERVICE for _, verdict in told)


def test_a_key_of_os_login_in_a_sink_is_whose_it_is_for(classify: Classify) -> None:
    """An administrator may write one for somebody else."""
    entry = _called("google.cloud.oslogin.v1.OsLoginService.ImportSshPublicKey", "oslogin.googleapis.com")
    entry["protoPayload"]["request"] = {"parent": "users/ana@example.test"}
    row = classify.one(entry, provider="google")
    assert (row.action, row.target, row.verdict) == (Canonical.TOKEN_REISSUE, "ana@example.test", Verdict.UNVERIFIED)
