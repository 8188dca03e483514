"""Keycloak: user and admin events of the REST API, and the lines of its log, quoted or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.providers import KEYCLOAK

from .conftest import NOON, Classify
from .kinds import catalogue, named, odd_events, types_that_differ

AT = int(NOON.timestamp() * 1000)


def user_event(kind: str, *, user: str = "u-ana", after: float = 0, **members: Any) -> dict[str, Any]:
    """A user event as `GET /admin/realms/{realm}/events` gives it."""
    return {
        "id": f"{kind}-{user}-{after}",
        "time": AT + int(after * 1000),
        "type": kind,
        "realmId": "r-1",
        "clientId": "account-console",
        "userId": user,
        "sessionId": "s-1",
        "ipAddress": "198.51.100.7",
        "details": {"username": "ana", "code_id": "c-1"},
        **members,
    }


def admin_event(
    operation: str,
    resource: str,
    path: str,
    *,
    actor: str = "u-mara",
    body: object = None,
    after: float = 0,
    **more: Any,
) -> dict[str, Any]:
    """An admin event as `GET /admin/realms/{realm}/admin-events` gives it; *body* becomes its representation."""
    return {
        "id": f"{operation}-{path}-{after}",
        "time": AT + int(after * 1000),
        "realmId": "r-1",
        "authDetails": {"realmId": "r-0", "clientId": "c-9", "userId": actor, "ipAddress": "198.51.100.8"},
        "operationType": operation,
        "resourceType": resource,
        "resourcePath": path,
        **({} if body is None else {"representation": json.dumps(body)}),
        **more,
    }


def actions(classify: Classify, *lines: Any) -> list[tuple[Canonical | None, str]]:
    """Action and target of each verdict on *lines*, by time."""
    return [(row.action, row.target) for row in classify(list(lines), None, provider="keycloak").verdicts]


def test_every_user_event_is_mapped_or_ignored(classify: Classify) -> None:
    """A user event's type gives its action of the catalogue: it is the user's own, but for what the server does."""
    natives = [n for n in catalogue(KEYCLOAK) if " " not in n and "/" not in n and not n.startswith("USER_DISABLED")]
    lines = [user_event(n, user=n, details={}, sessionId=n) for n in natives]
    report = classify(lines, None, provider="keycloak")
    given = {row.target: row.action for row in report.verdicts}
    for native in natives:
        row = catalogue(KEYCLOAK)[native]
        expected = row["by_owner"] if not row["ignored"] else ""
        assert given.get(native) == (Canonical(expected) if expected else None), native
    assert report.unknown_types == ()


def test_every_admin_event_is_mapped_or_ignored(classify: Classify) -> None:
    """What an administrator does to a user's part has the action of the catalogue, done by another or by the user."""
    natives = [n for n in catalogue(KEYCLOAK) if n.split(" ")[0] in ("CREATE", "UPDATE", "DELETE", "ACTION")]
    natives = [n for n in natives if not n.startswith("UPDATE USER ") or "-" in n]

    def make(native: str, owner: bool) -> dict[str, Any]:
        operation, resource, *end = native.split(" ")
        target = named(native, owner)
        root = "clients" if resource.startswith("CLIENT") else "users"
        path = "/".join([root, target, *end]).replace("credentials/", "credentials/k-1/")
        path = end[0] if resource == "REALM" and end else path
        return admin_event(operation, resource, path, actor=target if owner else "u-mara")

    alike = [n for n in natives if n != "UPDATE USER" and not n.startswith(("ACTION REALM ", "UPDATE REALM "))]
    assert types_that_differ(KEYCLOAK, alike, make, classify) == []


@pytest.mark.parametrize(
    ("credential", "changed", "removed"),
    [
        ("password", Canonical.PASSWORD_CHANGE_SELF, Canonical.PASSWORD_CHANGE_SELF),
        ("otp", Canonical.FACTOR_ENROLL, Canonical.FACTOR_RESET),
        ("webauthn-passwordless", Canonical.FACTOR_ENROLL, Canonical.FACTOR_RESET),
        ("recovery-authn-codes", Canonical.BYPASS_GRANT, Canonical.FACTOR_RESET),
    ],
)
def test_a_credential_is_what_its_type_says(
    classify: Classify, credential: str, changed: Canonical, removed: Canonical
) -> None:
    """Since version 26 one event stands for every credential; the details say which."""
    details = {"credential_type": credential, "username": "ana"}
    row = classify.one(user_event("UPDATE_CREDENTIAL", details=details), provider="keycloak")
    assert (row.action, row.detail, row.verdict) == (changed, credential, Verdict.SELF_SERVICE)
    assert classify.one(user_event("REMOVE_CREDENTIAL", details=details), provider="keycloak").action is removed


def test_the_old_and_the_new_event_of_one_click_are_one(classify: Classify) -> None:
    """A password change writes UPDATE_PASSWORD and UPDATE_CREDENTIAL: one support action."""
    details = {"credential_type": "password", "code_id": "c-1"}
    lines = [
        user_event("UPDATE_CREDENTIAL", details=details),
        user_event("UPDATE_PASSWORD", details=details, after=0.01),
    ]
    (row,) = classify(lines, None, provider="keycloak").verdicts
    assert (row.folded, row.action) == (2, Canonical.PASSWORD_CHANGE_SELF)


def test_a_governed_reset_is_verified(classify: Classify, evidence: Callable[..., EvidenceRow]) -> None:
    """The executor's reset within its case is verified; anybody else's is a finding."""
    reset = admin_event("ACTION", "USER", "users/u-ana/reset-password", body={"type": "password", "temporary": True})
    given = evidence(directory="kc", target_keys=("u-ana",), principal="u-mara", principal_keys=("u-mara",))
    row = classify.one(reset, given, provider="keycloak")
    assert (row.verdict, row.case, row.address) == (Verdict.VERIFIED, "c-0001", "198.51.100.8")
    other = reset | {"authDetails": {"userId": "u-rolf"}}
    assert classify.one(other, given, provider="keycloak").reasons == ("other_actor",)


WHOLE = {"id": "u-ana", "username": "ana", "enabled": True, "email": "ana@example.test", "attributes": {"phone": ["1"]}}


@pytest.mark.parametrize(
    ("after", "given"),
    [
        (WHOLE | {"enabled": False}, [Canonical.ACCOUNT_DISABLE]),
        (WHOLE | {"email": "new@example.test"}, [Canonical.RECOVERY_INFO_CHANGE]),
        (WHOLE | {"attributes": {"phone": ["2"]}}, [Canonical.RECOVERY_INFO_CHANGE]),
        (WHOLE | {"requiredActions": ["UPDATE_PASSWORD"]}, [Canonical.PASSWORD_EXPIRE]),
        (WHOLE | {"requiredActions": ["CONFIGURE_TOTP"]}, [Canonical.RECOVERY_INITIATED]),
        (WHOLE | {"username": "anna"}, [Canonical.ACCOUNT_RENAME]),
        (WHOLE | {"credentials": [{"type": "password", "value": "x"}]}, [Canonical.PASSWORD_RESET]),
        (WHOLE | {"firstName": "Ana"}, []),
        (WHOLE, []),
    ],
)
def test_a_user_written_again_is_what_changed(classify: Classify, after: object, given: list[Canonical]) -> None:
    """An admin event has the user as it then was: beside the one before it, only what differs is an event."""
    found = actions(
        classify,
        admin_event("CREATE", "USER", "users/u-ana", body=WHOLE),
        admin_event("UPDATE", "USER", "users/u-ana", body=after, after=60),
    )
    assert found == [(Canonical.ACCOUNT_CREATE, "u-ana"), *((action, "u-ana") for action in given)]


@pytest.mark.parametrize(
    ("body", "given"),
    [
        ({"enabled": True}, {Canonical.ACCOUNT_ENABLE}),
        ({"enabled": False}, {Canonical.ACCOUNT_DISABLE}),
        (WHOLE, {Canonical.RECOVERY_INFO_CHANGE}),
        (None, {Canonical.RECOVERY_INFO_CHANGE}),
    ],
)
def test_a_user_written_for_the_first_time_is_what_it_may_be(
    classify: Classify, body: object, given: set[Canonical]
) -> None:
    """With nothing to compare with, a whole user, or one not written down, may have a new contact point."""
    assert {action for action, _ in actions(classify, admin_event("UPDATE", "USER", "users/u-ana", body=body))} == given


def test_actions_asked_of_a_user_are_told(classify: Classify) -> None:
    """The list in an `execute-actions-email` is the event's detail."""
    body = ["UPDATE_PASSWORD", "CONFIGURE_TOTP"]
    row = classify.one(
        admin_event("ACTION", "USER", "users/u-ana/execute-actions-email", body=body), provider="keycloak"
    )
    assert (row.action, row.detail) == (Canonical.RECOVERY_INITIATED, "UPDATE_PASSWORD CONFIGURE_TOTP")


def test_failures_are_no_changes(classify: Classify) -> None:
    """An event that ends in _ERROR, or has an error, was not done; a lock-out was, whatever it says."""
    lines = [
        user_event("UPDATE_PASSWORD_ERROR", error="invalid_user_credentials"),
        admin_event("ACTION", "USER", "users/u-ben/reset-password", error="not_allowed", after=1),
        user_event("USER_DISABLED_BY_TEMPORARY_LOCKOUT_ERROR", error="user_temporarily_disabled", after=2),
    ]
    rows = classify(lines, None, provider="keycloak").verdicts
    assert [row.reasons for row in rows] == [("attempt_failed",), ("attempt_failed",), ("not_support",)]
    assert (rows[2].action, rows[2].actor, rows[2].actor_class) == (Canonical.ACCOUNT_LOCK, "", "system")


def test_sign_ins_have_no_verdict(classify: Classify) -> None:
    """A sign-in is counted and is no support action."""
    report = classify([user_event("LOGIN"), user_event("LOGIN_ERROR", after=1)], None, provider="keycloak")
    assert (report.verdicts, report.counts[Verdict.IGNORED]) == ((), 2)


def test_who_impersonates_is_the_actor(classify: Classify) -> None:
    """The user of an IMPERSONATE event is the one impersonated."""
    row = classify.one(user_event("IMPERSONATE", details={"impersonator": "mara"}), provider="keycloak")
    assert (row.actor, row.target, row.action) == ("mara", "u-ana", Canonical.IMPERSONATION_START)


LOG = "2026-03-02 12:00:00,250 DEBUG [org.keycloak.events] (executor-thread-1) "
USER_LINE = 'type="UPDATE_PASSWORD", realmId="r-1", realmName="corp", clientId="account", userId="u-ana", '
USER_LINE += 'ipAddress="198.51.100.7", credential_type="password", username="ana"'
ADMIN_LINE = 'operationType="ACTION", realmId="r-0", realmName="master", clientId="c-9", userId="u-mara", '
ADMIN_LINE += 'ipAddress="198.51.100.8", resourceType="USER", resourcePath="users/u-ana/reset-password"'


@pytest.mark.parametrize(
    "line",
    [
        LOG + USER_LINE,
        LOG + USER_LINE.replace('"', ""),
        LOG + USER_LINE.replace('"', "'"),
        "<30>1 2026-03-02T12:00:00.250Z kc1 keycloak 1 - - " + USER_LINE,
        json.dumps(
            {"timestamp": "2026-03-02T13:00:00.25+01:00", "loggerName": "org.keycloak.events", "message": USER_LINE}
        ),
        json.dumps({"log": LOG + USER_LINE + "\n", "stream": "stdout", "time": "2026-03-02T12:00:00.25Z"}),
    ],
    ids=["quoted", "unquoted", "single quotes", "syslog", "JSON log", "container log"],
)
def test_a_line_of_the_log_is_the_event_it_tells(classify: Classify, line: str) -> None:
    """However the server log is written and carried, its line is the same event."""
    row = classify.one(line, provider="keycloak")
    assert (row.action, row.actor, row.address) == (Canonical.PASSWORD_CHANGE_SELF, "u-ana", "198.51.100.7")
    assert row.at.isoformat() == "2026-03-02T12:00:00.250000+00:00"


def test_an_admin_line_has_its_target_in_the_path(classify: Classify) -> None:
    """An administrator's reset in the log is another party's."""
    row = classify.one(LOG + ADMIN_LINE, provider="keycloak")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "u-mara", "u-ana")
    assert row.verdict is Verdict.UNVERIFIED


@pytest.mark.parametrize(
    "name",
    ["x, error=denied, userId=u-mara", '\\", error=\\"denied', "a, type=LOGIN", "=", ", ", 'a\\\\\\", userId=\\"z'],
)
@pytest.mark.parametrize("quoted", [True, False])
def test_a_chosen_name_changes_no_event(classify: Classify, name: str, quoted: bool) -> None:
    """A user name that looks like members neither hides that the change was made nor whose it is."""
    line = LOG + USER_LINE.replace('username="ana"', f'username="{name}"')
    row = classify.one(line if quoted else line.replace('"', ""), provider="keycloak")
    assert (row.actor, row.verdict) == ("u-ana", Verdict.SELF_SERVICE)


def test_other_lines_of_the_server_are_no_damage(classify: Classify) -> None:
    """Starts, warnings and stack traces are counted apart."""
    lines = [
        "2026-03-02 12:00:00,250 INFO  [io.quarkus] (main) Keycloak started",
        "\tat org.example.Test(Test.java:1)",
        json.dumps({"loggerName": "io.quarkus", "message": "started", "level": "INFO"}),
        LOG + USER_LINE,
    ]
    report = classify(lines, None, provider="keycloak")
    assert (report.lines, report.preamble, report.rejected_lines, len(report.verdicts)) == (4, 3, 0, 1)


def test_an_answer_of_the_api_is_its_events(classify: Classify) -> None:
    """The API answers with a list: each event in it counts, and what is none is kept aside."""
    answer = json.dumps([user_event("UPDATE_PASSWORD"), admin_event("DELETE", "USER", "users/u-ben"), 7])
    report = classify([answer], None, provider="keycloak")
    assert (len(report.verdicts), report.rejected_lines) == (2, 1)


def test_odd_members_are_no_crash(classify: Classify) -> None:
    """Any member of another type: each line is an event all the same."""
    whole = admin_event("UPDATE", "USER", "users/u-ana", body=WHOLE, details={"username": "x"}, error=None)
    lines = [*odd_events(user_event("UPDATE_CREDENTIAL"), "type"), *odd_events(whole, "operationType")]
    report = classify(lines, None, provider="keycloak")
    assert (report.lines, report.rejected_lines) == (len(lines), 0)
    assert sum(count.lines for count in report.types) == len(lines)


@pytest.mark.parametrize(
    "time", [AT, AT // 1000, str(AT), "2026-03-02T12:00:00", "null", None, "1601-01-01T00:00:00Z", 1 << 62]
)
def test_a_time_of_any_kind_is_an_event(classify: Classify, time: object) -> None:
    """A time in seconds, in text, long ago, far ahead, or none: the event has a verdict."""
    row = classify.one(admin_event("ACTION", "USER", "users/u-ana/reset-password", time=time), provider="keycloak")
    assert row.verdict is Verdict.UNVERIFIED
    assert ("no_time" in row.reasons) is (time in ("null", None))


ECS = {
    "@timestamp": "2026-03-02T12:00:00.250Z",
    "source": {"ip": "198.51.100.7"},
    "user": {"id": "u-ana", "name": "ana"},
}


@pytest.mark.parametrize(
    "document",
    [
        ECS | {"event": {"original": LOG + USER_LINE}},
        ECS | {"event": {"original": json.dumps(user_event("UPDATE_PASSWORD", time=AT + 250))}},
        ECS
        | {"event": {"action": "UPDATE_PASSWORD"}, "keycloak": {"realm": {"id": "r-1"}, "client": {"id": "account"}}},
    ],
    ids=["a line", "an event", "its members"],
)
def test_a_document_of_ecs_is_the_event_it_was_made_of(classify: Classify, document: dict[str, Any]) -> None:
    """The event is read from what the document keeps of it, or from its members."""
    row = classify.one(document, provider="keycloak")
    assert (row.action, row.actor, row.address) == (Canonical.PASSWORD_CHANGE_SELF, "u-ana", "198.51.100.7")
    assert row.at == NOON.replace(microsecond=250_000)


def test_an_admin_event_in_ecs_has_its_path(classify: Classify) -> None:
    """Operation, type and path stand under `keycloak.admin`."""
    admin = {"operation": "ACTION", "resource": {"type": "USER", "path": "users/u-ben/reset-password"}}
    row = classify.one(ECS | {"event": {"action": "ACTION-USER"}, "keycloak": {"admin": admin}}, provider="keycloak")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "u-ana", "u-ben")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ADMIN_EVENT", "operationType": "ACTION", "resourceType": "USER", "userId": "u-mara"},
        {"type": "admin.USER-ACTION", "authDetails": {"userId": "u-mara", "ipAddress": "198.51.100.7"}},
        {"type": "ACTION", "resourceType": "USER", "authDetails": {"userId": "u-mara"}},
    ],
    ids=["a listener's", "a webhook's", "the type alone"],
)
@pytest.mark.parametrize("head", ["", "2026-03-02 12:00:00,000 INFO  [org.keycloak.events] (executor-1) AUDIT "])
def test_an_administrator_s_event_is_known_in_other_listeners_json(
    classify: Classify, event: dict[str, Any], head: str
) -> None:
    """Listeners that others wrote name the operation in the type, and may write into the server's log."""
    whole = {**event, "realmId": "corp", "resourcePath": "users/u-ana/reset-password", "time": 1772452800000}
    row = classify.one(f"{head}{json.dumps(whole)}", provider="keycloak")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "u-mara", "u-ana")
    assert row.at.isoformat() == "2026-03-02T12:00:00+00:00"


def test_a_webhook_s_user_event_is_the_user_s(classify: Classify) -> None:
    """A user's event whose type says so, with the user among the details of the session."""
    event = {"type": "access.UPDATE_PASSWORD", "realmId": "corp", "time": 1772452800000}
    row = classify.one(event | {"authDetails": {"userId": "u-ana", "username": "ana"}}, provider="keycloak")
    assert (row.action, row.target, row.verdict) == (Canonical.PASSWORD_CHANGE_SELF, "u-ana", Verdict.SELF_SERVICE)


_RESET = {"resourceType": "USER", "operationType": "ACTION", "resourcePath": "users/u-ana/reset-password"}
_ROW = {"realm_id": "r-1", "ip_address": "198.51.100.7", "event_time": AT, "user_id": "u-ana", "details_json": None}
_OTP = {"credential_type": "otp"}
_OTP_TEXT = json.dumps(_OTP)
_CLOUD = {"specversion": "1.0", "id": "e-1", "time": "2026-03-02T12:00:00Z"}


@pytest.mark.parametrize(
    "event",
    [
        {"uid": "e-1", "occurredAt": "2026-03-02T12:00:00Z", "authDetails": {"userId": "u-mara"}, **_RESET},
        {"eventId": "e-1", "timestamp": "2026-03-02T12:00:00Z", "auth": {"userId": "u-mara"}, **_RESET},
        {"class": "ADMIN", "id": "e-1", "time": AT, "authUserId": "u-mara", **_RESET},
        {
            "ID": "e-1", "ADMIN_EVENT_TIME": AT, "REALM_ID": "r-1", "OPERATION_TYPE": "ACTION", "RESOURCE_TYPE": "USER",
            "RESOURCE_PATH": "users/u-ana/reset-password", "AUTH_USER_ID": "u-mara", "ERROR": None,
        },
        {**_CLOUD, "type": "io.keycloak.admin.action", "data": {**_RESET, "kind": "admin", "actorUserId": "u-mara"}},
    ],
    ids=["occurred", "timestamp", "flat", "a row", "a CloudEvent"],
)  # fmt: skip
def test_others_names_of_an_administrators_event_are_known(classify: Classify, event: dict[str, Any]) -> None:
    """Who did it and when stands where the listener, or the server's own database, writes it; so does the id."""
    row = classify.one({"realmId": "r-1", **event}, provider="keycloak")
    assert (row.id, row.action, row.actor, row.target) == ("e-1", Canonical.PASSWORD_RESET, "u-mara", "u-ana")
    assert row.at == NOON


@pytest.mark.parametrize(
    "event",
    [
        {"type": "access.UPDATE_CREDENTIAL", "uid": "e-1", "occurredAt": "2026-03-02T12:00:00Z", "details": _OTP},
        {
            "type": "UPDATE_CREDENTIAL", "resourceType": "CREDENTIAL", "operationType": "UPDATE", "id": "e-1",
            "time": AT, "username": "ana", "details": _OTP,
        },
        {"class": "USER", "id": "e-1", "type": "UPDATE_CREDENTIAL", "time": AT, "detailsJson": _OTP_TEXT},
        {"type": "UPDATE_CREDENTIAL", "id": "e-1", "details_json_long_value": _OTP_TEXT, **_ROW},
        {**_CLOUD, "type": "io.keycloak.user.update_credential", "data": {
            "eventType": "UPDATE_CREDENTIAL", "userId": "u-ana", "details": _OTP,
        }},
    ],
    ids=["occurred", "an operation beside", "flat", "a row", "a CloudEvent"],
)  # fmt: skip
def test_others_names_of_a_users_event_are_known(classify: Classify, event: dict[str, Any]) -> None:
    """Whatever else it says was done with what, a user's event is the user's, and its details say which credential."""
    row = classify.one({"realmId": "r-1", "userId": "u-ana", **event}, provider="keycloak")
    assert (row.id, row.at, row.target, row.verdict) == ("e-1", NOON, "u-ana", Verdict.SELF_SERVICE)
    assert (row.detail, row.action) == ("otp", Canonical.FACTOR_ENROLL)


@pytest.mark.parametrize("cloud", [False, True])
def test_who_acted_on_another_s_account_is_not_whose_it_is(classify: Classify, *, cloud: bool) -> None:
    """A listener may name in a user's event, too, whose act it was: that is no self-service."""
    event = {"realmId": "r-1", "userId": "u-ana", "actorUserId": "u-mara", "details": {"username": "ana"}}
    line: dict[str, Any] = {"id": "e-1", "time": AT, "type": "UPDATE_PASSWORD", **event}
    if cloud:
        data = {"kind": "user", "eventType": "UPDATE_PASSWORD", **event}
        line = {**_CLOUD, "type": "io.keycloak.user.update_password", "data": data}
    row = classify.one(line, provider="keycloak")
    assert (row.actor, row.target, row.verdict) == ("u-mara", "u-ana", Verdict.UNVERIFIED)


def test_an_event_that_a_listener_keeps_beside_its_message_is_read(classify: Classify) -> None:
    """A log in JSON has it in the context of the line; and who acts is never whom an administrator's event is about."""
    context = {"class": "ADMIN", "id": "e-1", "time": AT, "authUserId": "u-mara", "realmId": "r-1", **_RESET}
    line = {"message": "Event", "mdc": {f"event.{name}": each for name, each in context.items()} | {"type": "LOGIN"}}
    row = classify.one(line, provider="keycloak")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "u-mara", "u-ana")
    cloud = {**_CLOUD, "type": "io.keycloak.admin.action", "data": {**_RESET, "kind": "admin", "userId": "u-ana"}}
    row = classify.one(cloud, provider="keycloak")
    assert (row.actor, row.target, row.verdict) == ("", "u-ana", Verdict.UNVERIFIED)


def test_anothers_name_owns_nothing(classify: Classify, evidence: Callable[..., EvidenceRow]) -> None:
    """An administrator of one realm who is called as a user of another is not the user, nor an executor called so."""
    case = evidence("u-ana", target_keys=("u-ana", "ana"), principal_keys=("u-watchword", "watchword"))
    for name in ("ana", "watchword"):
        body = {"type": "password", "username": "ana"}
        reset = admin_event("ACTION", "USER", "users/u-ana/reset-password", body=body)
        reset["authDetails"] |= {"username": name}
        row = classify.one(reset, case, provider="keycloak")
        assert (row.verdict, row.reasons) == (Verdict.OUT_OF_POLICY, ("other_actor",))


def test_a_server_log_without_dates_says_so_of_each_event(classify: Classify) -> None:
    """Its pattern may write the hour alone: the event is read, and no day is guessed for it."""
    line = (
        '12:00:00,123 DEBUG [org.keycloak.events] (executor-thread-1) operationType="ACTION", realmId="r-1", '
        'realmName="corp", clientId="admin-cli", userId="u-admin", ipAddress="198.51.100.7", resourceType="USER", '
        'resourcePath="users/u-ana/reset-password"'
    )
    row = classify.one(line, provider="keycloak")
    assert (row.action, row.verdict) == (Canonical.PASSWORD_RESET, Verdict.UNVERIFIED)
    assert "no_time" in row.reasons
