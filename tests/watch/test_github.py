"""GitHub's audit log: owners, recovery codes, tokens, and the hundreds of actions that are about code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.providers import GITHUB

from .conftest import NOON, Classify
from .kinds import catalogue, named, odd_events, types_that_differ

AT = int(NOON.timestamp() * 1000)


def entry(action: str, **more: Any) -> dict[str, Any]:
    """An entry as the REST API gives it."""
    return {
        "@timestamp": AT,
        "_document_id": f"d-{action}",
        "action": action,
        "actor": "mara",
        "actor_id": 11,
        "actor_ip": "198.51.100.7",
        "actor_is_bot": False,
        "actor_location": {"country_code": "NO"},
        "created_at": AT,
        "org": "corp",
        "org_id": 1,
        "user": "ana",
        "user_id": 12,
        "request_id": f"q-{action}",
        "user_agent": "Mozilla/5.0",
        **more,
    }


def test_every_action_is_mapped_or_ignored(classify: Classify) -> None:
    """An action on a member has the action of the catalogue, done by another or by the member."""
    natives = [n for n in catalogue(GITHUB) if " " not in n and not n.endswith(".*")]
    natives = [n for n in natives if "fail" not in n]

    def line(native: str, owner: bool) -> dict[str, Any]:
        target = named(native, owner)
        return entry(
            native, user=target, user_id=None, actor=target if owner else "mara", actor_id=None, permission="read"
        )

    assert types_that_differ(GITHUB, natives, line, classify) == []


def test_actions_about_code_count_by_category(classify: Classify) -> None:
    """Each category that the catalogue ignores takes all of its actions."""
    categories = [native for native, row in catalogue(GITHUB).items() if native.endswith(".*") and row["ignored"]]
    lines = [entry(category.replace("*", "some_new_thing")) for category in categories]
    report = classify(lines, None, provider="github")
    assert (report.verdicts, report.unknown_types) == ((), ())
    assert {count.native for count in report.types} == set(categories)


@pytest.mark.parametrize(
    ("event", "action", "target", "verdict"),
    [
        (
            entry("org.update_member", permission="admin", old_permission="read"),
            Canonical.PRIVILEGE_GRANT,
            "ana",
            Verdict.UNVERIFIED,
        ),
        (
            entry("org.update_member", permission="read", old_permission="admin"),
            Canonical.PRIVILEGE_REVOKE,
            "ana",
            Verdict.IGNORED,
        ),
        (entry("org.recovery_codes_viewed", user=None), Canonical.BYPASS_GRANT, "corp", Verdict.UNVERIFIED),
        (
            entry("business.recovery_codes_generated", user=None, org=None, business="group"),
            Canonical.BYPASS_GRANT,
            "group",
            Verdict.UNVERIFIED,
        ),
        (
            entry("two_factor_authentication.disabled", actor="ana", actor_id=12),
            Canonical.FACTOR_RESET_ALL,
            "ana",
            Verdict.SELF_SERVICE,
        ),
        (entry("two_factor_authentication.disabled"), Canonical.FACTOR_RESET_ALL, "ana", Verdict.UNVERIFIED),
        (
            entry("user.change_password", user=None, user_id=None),
            Canonical.PASSWORD_CHANGE_SELF,
            "mara",
            Verdict.SELF_SERVICE,
        ),
        (
            entry("personal_access_token.create", user=None, user_id=None),
            Canonical.TOKEN_REISSUE,
            "mara",
            Verdict.SELF_SERVICE,
        ),
        (
            entry("external_identity.deprovision", user=None, external_identity_nameid="ana@example.test"),
            Canonical.ACCOUNT_DISABLE,
            "ana@example.test",
            Verdict.IGNORED,
        ),
        (entry("staff.reset_password"), Canonical.PASSWORD_RESET, "ana", Verdict.UNVERIFIED),
    ],
)
def test_an_action_is_what_it_does_and_to_whom(
    classify: Classify, event: dict[str, Any], action: Canonical, target: str, verdict: Verdict
) -> None:
    """Where no member is named it is about the actor, or the organization itself."""
    row = classify.one(event, provider="github")
    assert (row.action, row.target, row.verdict) == (action, target, verdict)


def test_a_member_without_new_power_is_no_event(classify: Classify) -> None:
    """A member added as a member, or changed from one such role to another, is known and no grant."""
    lines = [entry("org.add_member", permission="read"), entry("org.update_member", permission="read")]
    report = classify(lines, None, provider="github")
    assert (report.verdicts, report.unknown_types) == ((), ())


def test_a_role_changed_to_what_nobody_says_could_be_an_owners(classify: Classify) -> None:
    """An entry that a member's role was changed, and nothing of which, counts as power given."""
    row = classify.one(entry("org.update_member"), provider="github")
    assert (row.action, row.target) == (Canonical.PRIVILEGE_GRANT, "ana")


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, None),
        ({"actor_is_bot": True}, "automation"),
        ({"actor": "provisioner[bot]"}, "automation"),
        ({"programmatic_access_type": "GitHub App server-to-server token"}, "automation"),
        ({"programmatic_access_type": "Personal access token (classic)"}, None),
        ({"actor": "github-staff"}, "vendor"),
    ],
)
def test_actors_have_their_class(classify: Classify, more: dict[str, Any], kind: str | None) -> None:
    """Robots, applications and the vendor's own staff are told from people."""
    assert classify.one(entry("org.recovery_codes_viewed", **more), provider="github").actor_class == kind


@pytest.mark.parametrize(("actor", "kind"), [("mara", None), (None, "vendor"), ("GitHub Staff", "vendor")])
def test_a_servers_own_administrator_is_not_the_vendor(classify: Classify, actor: str | None, kind: str | None) -> None:
    """On a server the actions of staff are those of its site administrators, who are named."""
    row = classify.one(entry("staff.fake_login", actor=actor, actor_id=None), provider="github")
    assert (row.action, row.target, row.actor_class) == (Canonical.IMPERSONATION_START, "ana", kind)


def test_address_country_and_time_are_the_logs(classify: Classify) -> None:
    """The country is a code, the time is in milliseconds; an entry without an address has none."""
    row = classify.one(entry("org.recovery_codes_viewed"), provider="github")
    assert (row.address, row.country, row.at, row.id) == ("198.51.100.7", "NO", NOON, "d-org.recovery_codes_viewed")
    for location in (None, {}, "null", {"country_code": None}):
        row = classify.one(
            entry("org.recovery_codes_viewed", actor_ip=None, actor_location=location), provider="github"
        )
        assert (row.address, row.country) == (None, None)


def test_a_failed_sign_in_has_no_verdict(classify: Classify) -> None:
    """It is a sign-in, and counted."""
    report = classify([entry("user.failed_login")], None, provider="github")
    assert (report.verdicts, report.counts[Verdict.IGNORED]) == ((), 1)


def test_an_unknown_action_is_shown(classify: Classify) -> None:
    """What the catalogue lacks is counted by its name, whatever its case."""
    report = classify([entry("Brand_New.thing")], None, provider="github")
    assert [count.native for count in report.unknown_types] == ["brand_new.thing"]


def test_odd_members_are_no_crash(classify: Classify) -> None:
    """Any member of another type: each line is an event all the same."""
    lines = list(odd_events(entry("org.update_member", permission="admin"), "action"))
    report = classify(lines, None, provider="github")
    assert (report.lines, report.rejected_lines) == (len(lines), 0)
    assert sum(count.lines for count in report.types) == len(lines)


@pytest.mark.parametrize(
    "document",
    [
        {"event": {"original": json.dumps(entry("org.update_member", permission="admin"))}},
        {"integration": "github", "github": entry("org.update_member", permission="admin")},
        {
            "@timestamp": NOON.isoformat(),
            "event": {"action": "org.update_member", "id": "d-1"},
            "user": {"name": "mara", "target": {"name": "ana"}},
            "github": {"org": "corp", "permission": "admin"},
        },
        {
            name.replace("@", "at_sign_"): value
            for name, value in entry("org.update_member", permission="admin").items()
        },
    ],
    ids=["kept", "another system's", "its members", "renamed"],
)
def test_a_document_of_another_system_is_the_entry_it_was_made_of(classify: Classify, document: dict[str, Any]) -> None:
    """The entry is read from what the document keeps of it, or from its members."""
    row = classify.one(document, provider="github")
    assert (row.action, row.actor, row.target, row.at) == (Canonical.PRIVILEGE_GRANT, "mara", "ana", NOON)


def test_elastic_keeps_the_address_among_its_own_members(classify: Classify) -> None:
    """The address that Elastic's integration keeps under `github` is the entry's."""
    document = {
        "@timestamp": NOON.isoformat(),
        "event": {"action": "org.update_member", "id": "d-1"},
        "user": {"name": "mara", "target": {"name": "ana"}},
        "github": {"org": "corp", "permission": "admin", "actor_ip": "198.51.100.7"},
    }
    assert classify.one(document, provider="github").address == "198.51.100.7"


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({"user_id": 12, "actor": "ana"}, Verdict.UNVERIFIED),
        ({"user_id": 11, "actor": "renamed"}, Verdict.SELF_SERVICE),
        ({"user_id": None, "actor": "ana"}, Verdict.SELF_SERVICE),
        ({"user": None, "user_id": None, "team": "mara"}, Verdict.UNVERIFIED),
    ],
)
def test_anothers_name_owns_nothing(classify: Classify, more: dict[str, Any], verdict: Verdict) -> None:
    """Ids tell two members of one login apart; a team that is called like its maker is not the maker."""
    row = classify.one(entry("org.add_member", permission="admin", **more), provider="github")
    assert row.verdict is verdict


def _of_the_server() -> tuple[dict[str, Any], str]:
    """An entry as the server writes it, what is not of every entry under `data`, and its head in the system log."""
    whole = entry("org.update_member", permission="admin", old_permission="read")
    apart = ("_document_id", "actor_location", "request_id", "permission", "old_permission", "@timestamp", "user_agent")
    data = {name: whole.pop(name) for name in apart}
    return {**whole, "from": "orgs/people#set_role", "data": data}, "<190>Mar  2 12:00:00 code-host github_audit: "


@pytest.mark.parametrize("shape", ["syslog", "without its number", "logstash", "the journal", "alone"])
def test_the_servers_own_log_is_the_entry_behind_its_head(classify: Classify, shape: str) -> None:
    """A server forwards each entry to the system log, and collectors keep that line in a message."""
    whole, head = _of_the_server()
    text = head + json.dumps(whole)
    lines: dict[str, str | dict[str, Any]] = {
        "syslog": text,
        "without its number": text.removeprefix("<190>"),
        "logstash": {"@timestamp": "2026-03-02T12:00:01Z", "message": text, "program": "github_audit"},
        "the journal": {"MESSAGE": text.removeprefix("<190>"), "PRIORITY": "6"},
        "alone": whole,
    }
    row = classify.one(lines[shape], provider="github")
    assert (row.action, row.actor, row.target, row.at) == (Canonical.PRIVILEGE_GRANT, "mara", "ana", NOON)
    assert (row.id, row.country, row.correlation) == ("d-org.update_member", "NO", "q-org.update_member")


def test_a_line_of_the_system_log_that_is_no_entry_is_kept_aside(classify: Classify) -> None:
    """Other programs write there as well, and a line may be cut."""
    whole, head = _of_the_server()
    lines = [head + "{cut", head + "{}", "<190>Mar  2 12:00:00 code-host sshd[7]: no", head + json.dumps(whole)]
    report = classify(lines, provider="github")
    assert (len(report.verdicts), report.rejected_lines) == (1, 3)


@pytest.mark.parametrize(
    "action", ["user.promote", "two_factor_account_recovery.two_factor_destroy", "passkey.register"]
)
def test_who_is_told_by_number_alone_is_not_the_actor(classify: Classify, action: str) -> None:
    """An entry that names no member has a number of whom it is about: another's, or the actor's own."""
    other = classify.one(entry(action, user=None), provider="github")
    own = classify.one(entry(action, user=None, user_id=11), provider="github")
    assert (other.target, other.verdict is Verdict.SELF_SERVICE) == ("12", False)
    assert (own.target, own.actor) == ("mara", "mara")


@pytest.mark.parametrize(
    ("action", "says", "target"),
    [
        ("two_factor_account_recovery.staff_approve", Canonical.BYPASS_GRANT, "ana"),
        ("account_recovery_token.confirm", Canonical.RECOVERY_INFO_CHANGE, "ana"),
        ("social_identity.linked", Canonical.FACTOR_ENROLL, "ana"),
        ("org.revoke_external_identity", Canonical.FACTOR_RESET, "ana"),
        ("org.revoke_sso_session", Canonical.SESSION_REVOKE, "ana"),
    ],
)
def test_ways_back_into_an_account_are_known(classify: Classify, action: str, says: Canonical, target: str) -> None:
    """Recoveries, tokens for them, and identities elsewhere that sign somebody in."""
    row = classify.one(entry(action), provider="github")
    assert (row.action, row.target) == (says, target)


@pytest.mark.parametrize(
    "action",
    [
        "business.enable_oidc",
        "org.clear_disallowed_two_factor_methods",
        "ip_allow_list.disable_user_level_enforcement",
        "sso_lockdown.some_new_thing",
    ],
)
def test_how_everyone_signs_in_is_the_organizations(classify: Classify, action: str) -> None:
    """What lets people in, or from where, is a change of trust, and of no one member."""
    row = classify.one(entry(action, user=None, user_id=None), provider="github")
    assert (row.action, row.target) == (Canonical.TRUST_CHANGE, "corp")


def test_settings_of_an_organization_count_as_one_type(classify: Classify) -> None:
    """What members may do with code, and what is looked for in it, is of no account; who may sign in is."""
    settings = (
        "org.set_actions_retention_limit",
        "org.codeql_enabled",
        "org.update_member_repository_creation_permission",
    )
    report = classify([entry(name) for name in (*settings, "org.set_who_may_sign_in")], None, provider="github")
    assert [(count.native, count.lines) for count in report.types if count.known] == [("org/setting", 3)]
    assert [count.native for count in report.unknown_types] == ["org.set_who_may_sign_in"]


@pytest.mark.parametrize(
    "action",
    [
        "personal_access_token.access_restriction_disabled",
        "personal_access_token.auto_approve_grant_requests_disabled",
        "personal_access_token.expiration_limit_unset",
        "auto_approve_personal_access_token_requests.enable",
        "org.oauth_app_access_approved",
        "org.transfer",
        "org.confirm_business_invitation",
        "business.add_organization",
        "enterprise_installation.create",
        "dotcom_connection.create",
    ],
)
def test_which_tokens_and_owners_an_organization_takes_is_its_own(classify: Classify, action: str) -> None:
    """What a token has to be like, and who is over the organization, is of no member: not even of who changed it."""
    row = classify.one(entry(action, user=None, user_id=None), provider="github")
    assert (row.action, row.actor, row.target) == (Canonical.TRUST_CHANGE, "mara", "corp")
    assert row.verdict is Verdict.IGNORED


@pytest.mark.parametrize("action", ["public_key.create", "public_key.verify", "public_key.update"])
def test_a_key_of_a_repository_is_nobodys_own(classify: Classify, action: str) -> None:
    """A deploy key outlives whoever added it; a key of one's own names no repository."""
    nobody = {"user": None, "user_id": None}
    deploy = classify.one(entry(action, repo="corp/site", **nobody), provider="github")
    assert (deploy.action, deploy.target, deploy.verdict) == (
        Canonical.TOKEN_REISSUE, "corp/site", Verdict.UNVERIFIED
    )  # fmt: skip
    named = classify.one(entry(action, repo="corp/site", user="mara", user_id=11), provider="github")
    assert (named.target, named.verdict) == ("corp/site", Verdict.UNVERIFIED)
    kept = classify.one(entry(action, data={"repo": "corp/site"}, **nobody), provider="github")
    assert kept.target == "corp/site"
    own = classify.one(entry(action, **nobody), provider="github")
    assert (own.action, own.target, own.verdict) == (Canonical.TOKEN_REISSUE, "mara", Verdict.SELF_SERVICE)


@pytest.mark.parametrize("action", ["personal_access_token.update", "oauth_access.update"])
def test_a_token_that_may_do_more_is_a_new_one(classify: Classify, action: str) -> None:
    """What a token may do is changed where it is: whoever has it has what it gives now."""
    row = classify.one(entry(action), provider="github")
    assert (row.action, row.target, row.verdict) == (Canonical.TOKEN_REISSUE, "ana", Verdict.UNVERIFIED)


@pytest.mark.parametrize(
    ("action", "says", "target"),
    [
        ("integration.manager_added", Canonical.PRIVILEGE_GRANT, "ana"),
        ("integration.manager_removed", Canonical.PRIVILEGE_REVOKE, "ana"),
        ("integration.transfer", Canonical.PRIVILEGE_GRANT, "ana"),
        ("oauth_application.transfer", Canonical.PRIVILEGE_GRANT, "ana"),
        ("user.grant_github_developer", Canonical.PRIVILEGE_GRANT, "ana"),
        ("integration_installation.create", Canonical.APPLICATION_CONSENT, "ana"),
        ("integration_installation.version_updated", Canonical.APPLICATION_CONSENT, "ana"),
        ("external_identity.provision", Canonical.FACTOR_ENROLL, "ana"),
    ],
)
def test_who_is_over_an_application_and_what_it_may_is_told(
    classify: Classify, action: str, says: Canonical, target: str
) -> None:
    """Whoever manages or owns an application makes keys of it; one that is let in may do what it was asked to."""
    row = classify.one(entry(action), provider="github")
    assert (row.action, row.target) == (says, target)


@pytest.mark.parametrize(
    ("action", "team", "says"),
    [
        ("team.add_member", "corp/site-admins", Canonical.PRIVILEGE_GRANT),
        ("team.remove_member", "corp/site-admins", Canonical.PRIVILEGE_REVOKE),
        ("team.add_member", "corp/security-managers", Canonical.PRIVILEGE_GRANT),
        ("team.add_member", "corp/product-owners", Canonical.PRIVILEGE_GRANT),
        ("team.add_member", "admin-corp/choir", None),
        ("team.add_member", "corp/root-cause-analysis", None),
        ("team.add_member", None, None),
    ],
)
def test_a_team_that_lends_power_is_power(
    classify: Classify, action: str, team: str | None, says: Canonical | None
) -> None:
    """A role may be a whole team's: who is put into one whose own name says that it lends power is given it."""
    report = classify([entry(action, team=team)], None, provider="github")
    expected = [] if says is None else [(says, "ana", team)]
    assert [(row.action, row.target, row.detail) for row in report.verdicts] == expected
    assert report.unknown_types == ()
