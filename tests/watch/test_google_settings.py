"""Google Workspace: settings that say who gets in, groups' managers and rules, and what the reference names besides."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from .conftest import Classify
from .test_google import _ADMINS, AT, _activity, _event, _of_group

SHARED = 'Data Sharing Settings between GCP and Google Workspace "Sharing Options"'


def _set(setting: str | None, value: str | None = "on", name: str = "CHANGE_APPLICATION_SETTING") -> dict[str, Any]:
    said = {"APPLICATION_NAME": "Security", "SETTING_NAME": setting, "NEW_VALUE": value, "ORG_UNIT_NAME": "/"}
    parameters = [{"name": each, "value": told} for each, told in said.items() if told is not None]
    return _activity({"type": "APPLICATION_SETTINGS", "name": name, "parameters": parameters})


@pytest.mark.parametrize(
    ("event", "action"),
    [
        (_set("AdminAccountRecoverySettingsProto Enable admin account recovery", "true"), Canonical.TRUST_CHANGE),
        (_set("Password Management - Minimum password length", "6"), Canonical.TRUST_CHANGE),
        (_set("Password Management - Enable password reuse", "true"), Canonical.TRUST_CHANGE),
        (_set("Session management settings - Session length in seconds", "63072000"), Canonical.TRUST_CHANGE),
        (_set("SsoPolicyProto challenge_selection_behavior", "NONE"), Canonical.TRUST_CHANGE),
        (_set("Multi Party Approval (MPA) Control", "false"), Canonical.TRUST_CHANGE),
        (_set("ContextAwareAccess Access levels", "office"), Canonical.TRUST_CHANGE),
        (_set("Advanced Protection Program Settings - Enable user enrollment", "false"), Canonical.TRUST_CHANGE),
        (
            _set("Password Management - Minimum password length", None, "DELETE_APPLICATION_SETTING"),
            Canonical.TRUST_CHANGE,
        ),
        (_set(SHARED, "DISABLED"), Canonical.LOG_TAMPERED),
        (_set(SHARED, None), Canonical.LOG_TAMPERED),
        (_set(SHARED, "ENABLED", "DELETE_APPLICATION_SETTING"), Canonical.LOG_TAMPERED),
        (_set(SHARED, "ENABLED"), None),
        (_set("Calendar Settings - Colour of a week", "blue"), None),
        (_set(None), None),
    ],
)
def test_a_setting_is_what_it_is_about(classify: Classify, event: dict[str, Any], action: Canonical | None) -> None:
    """One event stands for every setting of every application: its name says whether it is about who gets in."""
    report = classify([event], None, provider="google")
    setting = next((each["value"] for each in event["events"][0]["parameters"] if each["name"] == "SETTING_NAME"), None)
    expected = [] if action is None else [(action, "admin@example.test", "", setting)]
    assert [(row.action, row.actor, row.target, row.detail) for row in report.verdicts] == expected
    assert report.unknown_types == ()


def test_a_setting_in_ecs_is_the_setting_it_was(classify: Classify) -> None:
    """Elastic keeps a setting and what it becomes among what is the console's."""
    own = {"admin": {"setting": {"name": SHARED}, "new_value": "DISABLED"}, "event": {"type": "APPLICATION_SETTINGS"}}
    document = {
        "@timestamp": AT,
        "event": {"action": "CHANGE_APPLICATION_SETTING", "id": "1", "provider": "admin"},
        "google_workspace": own,
        "user": {"email": "admin@example.test", "id": "p-admin"},
    }
    row = classify.one(document, provider="google")
    assert (row.action, row.target, row.detail) == (Canonical.LOG_TAMPERED, "", SHARED)


@pytest.mark.parametrize(
    ("group", "becomes", "action"),
    [
        (_ADMINS, "OWNER", Canonical.PRIVILEGE_GRANT),
        (_ADMINS, "MANAGER", Canonical.PRIVILEGE_GRANT),
        (_ADMINS, None, Canonical.PRIVILEGE_GRANT),
        (_ADMINS, "MEMBER", Canonical.PRIVILEGE_REVOKE),
        ("choir@example.test", "OWNER", None),
    ],
)
def test_who_manages_a_group_that_lends_power_is_given_it(
    classify: Classify, group: str, becomes: str | None, action: Canonical | None
) -> None:
    """An owner says who is in the group; one who becomes a member again is in it, and says so no longer."""
    event = _of_group("UPDATE_GROUP_MEMBER", "admin", group)
    if becomes is not None:
        event["events"][0]["parameters"].append({"name": "NEW_VALUE", "value": becomes})
    report = classify([event], None, provider="google")
    expected = [] if action is None else [(action, "ana@example.test", group)]
    assert [(row.action, row.target, row.detail) for row in report.verdicts] == expected
    assert report.unknown_types == ()


@pytest.mark.parametrize(
    ("name", "application", "member", "action"),
    [
        ("remove_member_role", "groups_enterprise", "ana@example.test", Canonical.PRIVILEGE_REVOKE),
        ("reinvite_user", "groups", "ana@example.test", Canonical.PRIVILEGE_GRANT),
        ("add_dynamic_group_query", "groups_enterprise", None, Canonical.PRIVILEGE_GRANT),
        ("change_dynamic_group_query", "groups_enterprise", None, Canonical.PRIVILEGE_GRANT),
        ("add_service_account_permission", "groups_enterprise", None, Canonical.PRIVILEGE_GRANT),
        ("remove_service_account_permission", "groups_enterprise", None, Canonical.PRIVILEGE_REVOKE),
    ],
)
def test_what_fills_a_group_that_lends_power_is_told(
    classify: Classify, name: str, application: str, member: str | None, action: Canonical
) -> None:
    """A rule fills a group as well as an invitation does, and is nobody's own affair; another group is none of this."""
    row = classify.one(_of_group(name, application, member=member), provider="google")
    assert (row.action, row.target, row.detail) == (action, member or "", _ADMINS)
    assert row.verdict is not Verdict.SELF_SERVICE
    report = classify([_of_group(name, application, "choir@example.test")], None, provider="google")
    assert (report.verdicts, report.unknown_types) == ((), ())


def test_a_passkey_that_its_owner_made_is_a_factor(classify: Classify) -> None:
    """An administrator revokes those that were handed out and those that people made for themselves."""
    row = classify.one(_activity(_event("USER_CREATED_PASSKEY_REVOKE")), provider="google")
    assert (row.action, row.target, row.verdict) == (Canonical.FACTOR_RESET, "ana@example.test", Verdict.UNVERIFIED)


def test_a_session_that_google_ended_is_ended(classify: Classify) -> None:
    """Google ends the session of a cookie that somebody took; the person is whom it warns of."""
    event = _event("user_signed_out_due_to_suspicious_session_cookie", None, "account_warning")
    event["parameters"] = [{"name": "affected_email_address", "value": "ana@example.test"}]
    row = classify.one(_activity(event, application="login"), provider="google")
    assert (row.action, row.target) == (Canonical.SESSION_REVOKE, "ana@example.test")


@pytest.mark.parametrize(
    "name",
    [
        "CHANGE_RESELLER_ACCESS",
        "CHANGE_RESELLER_ACCESS_FOR_SKU",
        "GENERATE_TRANSFER_TOKEN",
        "TOGGLE_OPEN_ID_ENABLED",
        "TOGGLE_ENABLE_OAUTH_CONSUMER_KEY",
        "ENABLE_API_ACCESS",
        "VERIFY_SECONDARY_DOMAIN",
        "REMOVE_DOMAIN_ALIAS",
        "ADD_TO_TRUSTED_OAUTH2_APPS",
        "MULTIPLE_ADD_TO_TRUSTED_OAUTH2_APPS",
        "ADD_TO_CAA_EXEMPT_OAUTH2_APPS",
        "UNBLOCK_ALL_THIRD_PARTY_API_ACCESS",
        "SIGN_IN_ONLY_THIRD_PARTY_API_ACCESS",
    ],
)
def test_whom_the_organisation_trusts_is_told(classify: Classify, name: str) -> None:
    """A reseller, a domain, and an application that nobody has to consent to any more: of no one account."""
    row = classify.one(_activity(_event(name, None, "DOMAIN_SETTINGS")), provider="google")
    assert (row.action, row.target, row.verdict) == (Canonical.TRUST_CHANGE, "", Verdict.IGNORED)


@pytest.mark.parametrize("name", ["CREATE_GMAIL_SETTING", "CHANGE_GMAIL_SETTING"])
@pytest.mark.parametrize("setting", ["MESSAGE_SECURITY_RULE", "EMAIL_ROUTE"])
def test_a_route_of_everybody_s_mail_is_a_rule_of_whoever_made_it(classify: Classify, name: str, setting: str) -> None:
    """Where mail goes besides its mailbox is set for all at once: links to reset a password go there too."""
    row = classify.one(_set(setting, "x", name), provider="google")
    assert (row.action, row.target) == (Canonical.MAILBOX_RULE, row.actor)
    report = classify([_set("SPAM_CONTROL", "x", name)], None, provider="google")
    assert (report.verdicts, report.unknown_types) == ((), ())


def test_a_route_is_one_in_the_flat_form_too(classify: Classify) -> None:
    """A pipeline makes an event of each activity's events, with its parameters as one object."""
    flat = {
        "id": {"applicationName": "admin", "customerId": "C1", "time": AT, "uniqueQualifier": "-7"},
        "actor": {"callerType": "USER", "email": "admin@example.test"},
        "type": "EMAIL_SETTINGS",
        "name": "CREATE_GMAIL_SETTING",
        "parameters": {"SETTING_NAME": "MESSAGE_SECURITY_RULE", "USER_DEFINED_SETTING_NAME": "44"},
    }
    assert classify.one(flat, provider="google").action == Canonical.MAILBOX_RULE
