"""ECS and OCSF as input: their own fields, and a vendor's event within an ECS document."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.follow import Follow
from watchword.watch.providers import OCSF

from .conftest import LONG_OVER, NOON, Classify, Okta


def _document(action: str = "reset-password", **members: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-03-02T12:00:00Z",
        "event": {"action": action, "category": ["iam"], "type": ["user", "change"], "outcome": "success", "id": "e-1"},
        "user": {"id": "u-agent", "name": "agent", "target": {"id": "u-ana", "name": "ana"}},
        "source": {"ip": "198.51.100.7", "geo": {"country_iso_code": "NL"}, "as": {"number": 64496}},
        **members,
    }


def test_ecs_fields_give_a_row(classify: Classify) -> None:
    """Who, whom, what and from where come from the fields of the schema."""
    row = classify.one(_document(), provider="ecs")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "u-agent", "u-ana")
    assert (row.address, row.country, row.asn) == ("198.51.100.7", "NL", 64496)


def test_one_user_alone_is_the_owner_where_the_action_says_so(
    classify: Classify, evidence: Callable[..., EvidenceRow]
) -> None:
    """With no target but the user, whose act it was is what the action says, and somebody else's where it does not."""
    row = classify.one(_document("user-changed-password", user={"name": "ana"}), provider="ecs")
    assert (row.target, row.verdict) == ("ana", Verdict.SELF_SERVICE)
    for action in ("reset-password", "change-password", "mfa-disabled"):
        case = evidence("ana", directory="ecs", **LONG_OVER)
        row = classify.one(_document(action, user={"name": "ana"}), case, provider="ecs")
        assert (row.target, row.verdict) == ("ana", Verdict.UNVERIFIED)


ONE, OTHER = "S-1-5-21-1-1-1-500", "S-1-5-21-9-9-9-500"


@pytest.mark.parametrize(
    ("actor", "target", "is_owner"),
    [
        ({"id": OTHER, "domain": "DEV"}, {"id": ONE, "domain": "CORP"}, False),
        ({"id": OTHER}, {"id": ONE}, False),
        ({"domain": "DEV"}, {"domain": "CORP"}, False),
        ({"domain": "CORP"}, {"domain": "corp"}, True),
        ({"id": ONE}, {"id": ONE}, True),
        ({"id": ONE}, {}, True),
    ],
)
def test_anothers_name_owns_nothing(
    classify: Classify,
    evidence: Callable[..., EvidenceRow],
    actor: dict[str, Any],
    target: dict[str, Any],
    *,
    is_owner: bool,
) -> None:
    """In ECS and OCSF two users of one name are one by id, or else within one domain."""
    user = {"name": "administrator", **actor, "target": {"name": "administrator", **target}}
    case = evidence("administrator", **LONG_OVER)
    expected = Verdict.SELF_SERVICE if is_owner else Verdict.UNVERIFIED
    assert classify.one(_document(user=user), case, provider="ecs").verdict is expected
    one, other = (
        {"name": "administrator", **{"uid" if key == "id" else key: value for key, value in of.items()}}
        for of in (actor, target)
    )
    changed = _change(actor={"user": one}, user=other)
    assert classify.one(changed, case, provider="ocsf").verdict is expected


def test_anothers_name_is_not_the_executor(classify: Classify, evidence: Callable[..., EvidenceRow]) -> None:
    """A name beside another's SID claims no evidence."""
    keys = (ONE.lower(), "svc-watchword")
    case = evidence("u-ana", target_keys=("u-ana",), principal_keys=keys)
    for sid, verdict in ((ONE, Verdict.VERIFIED), (OTHER, Verdict.OUT_OF_POLICY)):
        by = {"id": sid, "name": "svc-watchword"}
        assert classify.one(_document(user=by | {"target": {"id": "u-ana"}}), case, provider="ecs").verdict is verdict
        acting = {"uid": sid, "name": "svc-watchword"}
        assert classify.one(_change(actor={"user": acting}), case, provider="ocsf").verdict is verdict


def test_a_vendor_s_event_is_read_by_its_own_provider(okta: Okta, classify: Classify) -> None:
    """An event kept as text, or under the vendor's name, beside ECS's own documents in one log."""
    event = okta()
    kept = {"event": {"action": "x", "dataset": "okta.system", "original": json.dumps(event)}, "okta": {}}
    under = {"event": {"dataset": "okta.system"}, "okta": {"event_type": "user.mfa.factor.reset_all", "uuid": "u-2"}}
    beat = {
        "event": {"code": "4767"},
        "winlog": {"event_id": "4767", "channel": "Security", "event_data": {"TargetSid": "S-1-5-21-9"}},
    }
    report = classify([kept, under, beat, _document()], provider="ecs")
    assert {(row.provider, row.action) for row in report.verdicts} == {
        ("okta", Canonical.PASSWORD_RESET),
        ("okta", Canonical.FACTOR_RESET_ALL),
        ("windows", Canonical.ACCOUNT_UNLOCK),
        ("ecs", Canonical.PASSWORD_RESET),
    }
    assert (report.rejected_lines, report.unknown_types) == (0, ())


def test_dotted_names_are_a_vendor_s_too(classify: Classify) -> None:
    """A document with its names written flat goes to the vendor's provider; one of a vendor we do not know stays."""
    dotted = {
        "@timestamp": "2026-03-02T12:00:00Z",
        "event": {"action": "MICROSOFT.X/WRITE", "dataset": "azure.auditlogs"},
        "azure.auditlogs.properties.activity_display_name": "Reset user password",
        "azure.auditlogs.properties.initiated_by.user.id": "u-agent",
        "azure.auditlogs.properties.target_resources.0.id": "u-ana",
        "azure.auditlogs.properties.target_resources.0.type": "User",
    }
    row = classify.one(dotted, provider="ecs")
    assert (row.provider, row.actor, row.target) == ("entra", "u-agent", "u-ana")
    other = _document()
    other["event"]["dataset"] = "azure.activitylogs"
    assert classify.one(other, provider="ecs").provider == "ecs"


@pytest.mark.parametrize("member", ["event", "user", "source", "okta", "winlog", "azure"])
@pytest.mark.parametrize("value", [None, "null", 7, [], {}])
def test_an_odd_document_is_judged_or_kept_aside(classify: Classify, member: str, value: Any) -> None:
    """Whatever a member is, the document has a verdict, a count or a reason."""
    report = classify([_document(**{member: value})], provider="ecs")
    assert len(report.verdicts) + report.rejected_lines == 1


def _change(**members: Any) -> dict[str, Any]:
    return {
        "class_uid": 3001,
        "activity_id": 4,
        "time": 1772452800000,
        "metadata": {"uid": "m-1", "version": "1.8.0"},
        "actor": {"user": {"uid": "u-agent", "email_addr": "agent@example.test"}},
        "user": {"uid": "u-ana", "email_addr": "ana@example.test"},
        "src_endpoint": {"ip": "198.51.100.7", "location": {"country": "NL"}, "autonomous_system": {"number": 64496}},
        "status_id": 1,
        **members,
    }


def test_every_ocsf_activity_is_mapped_or_ignored(classify: Classify) -> None:
    """A catalogued activity gives its canonical action, or only its count."""
    entries = list(csv.DictReader(OCSF.catalogue.read_text(encoding="utf-8").splitlines()))
    plain = [e for e in entries if e["native"][0] == "3" and not e["canonical"].startswith("login.")]
    lines = []
    for n, entry in enumerate(plain):
        number, _, name = entry["native"].partition(" ")
        kind, activity = (int(part) for part in number.split("/"))
        if kind == 3007 and activity == 2:
            continue
        target = {"uid": f"t{n}"}
        lines.append(
            _change(class_uid=kind, activity_id=activity, activity_name=name, user=target, metadata={"uid": str(n)})
        )
    report = classify(lines, None, provider="ocsf")
    given = {row.target: row.action for row in report.verdicts}
    for n, entry in enumerate(plain):
        if not entry["native"].startswith("3007/2 ") and entry["native"] != "3007/2":
            assert given.get(f"t{n}") == (None if entry["ignored"] else entry["canonical"]), entry
    assert report.unknown_types == ()


def test_an_ocsf_update_counts_when_it_touches_a_contact_point(classify: Classify) -> None:
    """User Management's Update says by its result what became of the account."""
    update = _change(class_uid=3007, activity_id=2, user_result={"email_addr": "thief@example.test"})
    assert classify.one(update, provider="ocsf").action is Canonical.RECOVERY_INFO_CHANGE
    other = _change(class_uid=3007, activity_id=2, user_result={"email_addr": "ana@example.test"})
    assert classify([other], provider="ocsf").verdicts == ()


@pytest.mark.parametrize(
    ("time", "year"),
    [(1772452800000, 2026), (1772452800, 2026), ("2026-03-02T12:00:00Z", 2026), ("x", 1970), (None, 1970), (-1, 1970)],
)
def test_ocsf_times_are_read(classify: Classify, time: Any, year: int) -> None:
    """Milliseconds, and what writers use besides."""
    assert classify.one(_change(time=time), provider="ocsf").at.year == year


def test_an_ocsf_address_of_a_dash_is_none(classify: Classify) -> None:
    """Who maps Windows to OCSF writes its dash as an address."""
    assert classify.one(_change(src_endpoint={"ip": "-"}), provider="ocsf").address in {None, ""}


def test_ocsf_of_other_categories_is_let_be(classify: Classify) -> None:
    """A log of all classes is read for what is about identities; the rest is counted."""
    report = classify([_change(class_uid=4001), _change(class_uid=2004), _change()], provider="ocsf")
    assert (len(report.verdicts), report.lines, report.unknown_types) == (1, 3, ())


@pytest.mark.parametrize("member", ["actor", "user", "metadata", "src_endpoint", "status_id"])
@pytest.mark.parametrize("value", [None, "null", [], {}])
def test_an_odd_ocsf_member_is_no_crash(classify: Classify, member: str, value: Any) -> None:
    """Any member may be null or of another type: what is readable is judged."""
    assert classify.one(_change(**{member: value}), provider="ocsf").action is Canonical.PASSWORD_RESET


def test_a_vendor_s_event_is_read_while_it_is_followed(
    okta: Okta, tmp_path: Path, following: Callable[..., Follow]
) -> None:
    """An event that a live log carries for another provider has its verdict as it comes, and a page its events."""
    log = tmp_path / "live.jsonl"
    kept = {"event": {"dataset": "okta.system", "original": json.dumps(okta())}}
    log.write_text(json.dumps(kept) + "\n" + json.dumps({"docs": [_document(), 7]}) + "\n")
    with following("ecs", log) as follow:
        found = follow.step(NOON)
        assert [aside.line for aside in follow.rejected] == [2]
    assert {(row.provider, row.target) for row in found} == {("okta", "00uana"), ("ecs", "u-ana")}


def test_an_action_s_words_are_parted_by_anything(classify: Classify) -> None:
    """Vendors part the words of an action by a dash, a blank, a line below or a point."""
    for action in ("password-reset", "password reset", "password_reset", "PASSWORD.RESET"):
        assert classify.one(_document(action), provider="ecs").action is Canonical.PASSWORD_RESET


def test_a_lock_is_done_though_its_outcome_is_the_sign_in_s(classify: Classify) -> None:
    """Who has failed to sign in too often is locked out, and did not lock themselves out."""
    event = {"action": "account-locked", "category": ["authentication"], "type": ["info"], "outcome": "failure"}
    row = classify.one(_document(event=event, user={"name": "ana"}), provider="ecs")
    assert (row.action, row.target, row.outcome) == (Canonical.ACCOUNT_LOCK, "ana", "FAILURE")
    assert row.verdict is not Verdict.SELF_SERVICE
    assert row.reasons != ("attempt_failed",)


def test_a_tool_that_names_the_account_alone_is_not_used_by_it(classify: Classify) -> None:
    """A document without an action has the account twice: nobody makes or deletes the own one so."""
    event = {"category": ["iam"], "type": ["user", "deletion"], "outcome": "success"}
    row = classify.one(_document(event=event, user={"name": "ana", "target": {"name": "ana"}}), provider="ecs")
    assert (row.action, row.target) == (Canonical.ACCOUNT_DELETE, "ana")
    assert "by_owner" not in row.reasons


def test_a_group_that_a_tool_for_users_removes_is_no_user(classify: Classify) -> None:
    """With a group and no user, what was deleted is the group; members that come and go are of no account either."""
    event = {"category": ["iam"], "type": ["user", "deletion"], "outcome": "success"}
    lines = [{**_document(event=event, group={"name": "helpdesk"}), "user": None}]
    lines += [_document(f"group-member-{how}", group={"name": "choir"}) for how in ("added", "removed")]
    report = classify(lines, provider="ecs")
    assert (report.verdicts, report.unknown_types, report.rejected_lines) == ((), (), 0)


@pytest.mark.parametrize("kinds", [["group", "change"], ["change", "group"]])
def test_a_change_of_a_group_that_lends_power_is_power(classify: Classify, kinds: list[str]) -> None:
    """By the name of the group, since no member says more; without whom it is about, it is about the group."""
    document = {
        "@timestamp": "2026-03-02T12:00:00Z",
        "event": {"category": ["iam"], "type": kinds, "id": "g-1", "outcome": "success"},
        "user": {"name": "mara", "target": {"name": "ana"}},
        "group": {"name": "Domain Admins"},
    }
    row = classify.one(document, provider="ecs")
    assert (row.action, row.actor, row.target, row.detail) == (
        Canonical.PRIVILEGE_GRANT,
        "mara",
        "ana",
        "Domain Admins",
    )
    alone = {**document, "user": {"name": "mara"}}
    row = classify.one(alone, provider="ecs")
    assert (row.target, "by_owner" in row.reasons) == ("Domain Admins", False)
    for plain in ("Choir", "Root cause analysis"):
        report = classify([{**document, "group": {"name": plain}}], None, provider="ecs")
        assert not report.verdicts
        assert not report.unknown_types


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ({"type": ["group", "user", "deletion"]}, Canonical.PRIVILEGE_REVOKE),
        ({"type": ["deletion", "user", "group"]}, Canonical.PRIVILEGE_REVOKE),
        ({"type": ["user", "group", "creation"]}, Canonical.PRIVILEGE_GRANT),
        ({"action": "added-user-to-group", "type": ["group", "change"]}, Canonical.PRIVILEGE_GRANT),
        ({"action": "group-member-added", "type": ["group", "change"]}, Canonical.PRIVILEGE_GRANT),
        ({"action": "removed-member-from-group", "type": ["group", "change"]}, Canonical.PRIVILEGE_REVOKE),
        ({"action": "group-member-removed", "type": ["user", "change"]}, Canonical.PRIVILEGE_REVOKE),
        ({"type": ["group", "deletion"]}, None),
        ({"type": ["group", "creation"]}, None),
    ],
)
def test_who_leaves_a_group_that_lends_power_loses_it(
    classify: Classify, event: dict[str, Any], action: Canonical | None
) -> None:
    """The action tells adding from removing, or the kinds do; a group that is made or deleted is of no account."""
    user = {"name": "mara", "effective": {"name": "root"}, "target": {"name": "ana"}}
    document = _document(event={"category": ["iam"], **event}, user=user, group={"name": "Domain Admins"})
    if action is None:
        document["user"] = None
    report = classify([document], None, provider="ecs")
    expected = [] if action is None else [(action, "mara", "ana", "Domain Admins")]
    assert [(row.action, row.actor, row.target, row.detail) for row in report.verdicts] == expected
    assert report.unknown_types == ()


def test_kinds_stand_in_any_order(classify: Classify) -> None:
    """A document without an action is told by its kinds and categories, whichever comes first."""
    event = {"category": ["configuration", "iam"], "type": ["creation", "user"], "outcome": "success"}
    assert classify.one(_document(event=event), provider="ecs").action is Canonical.ACCOUNT_CREATE


@pytest.mark.parametrize(
    ("action", "canonical"),
    [
        ("locked-account", Canonical.ACCOUNT_LOCK),
        ("unlocked-account", Canonical.ACCOUNT_UNLOCK),
        ("user_added", Canonical.ACCOUNT_CREATE),
        ("user_removed", Canonical.ACCOUNT_DELETE),
        ("assigned-user-role-to", Canonical.PRIVILEGE_GRANT),
        ("removed-user-role-from", Canonical.PRIVILEGE_REVOKE),
    ],
)
def test_auditd_s_and_auditbeat_s_words_are_known(classify: Classify, action: str, canonical: Canonical) -> None:
    """Hosts tell what is done to accounts in words of Elastic's own."""
    assert classify.one(_document(action), provider="ecs").action is canonical
