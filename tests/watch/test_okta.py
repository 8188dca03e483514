"""Okta's System Log: every type of the catalogue, and the traps of its fields."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.providers import OKTA, PROVIDERS, Provider

from .conftest import EXECUTOR, LONG_OVER, Classify, Okta
from .signed_in import SIGN_INS, rows


def _catalogue(provider: Provider) -> list[dict[str, str]]:
    return list(csv.DictReader(provider.catalogue.read_text(encoding="utf-8").splitlines()))


def test_every_type_is_mapped_or_ignored(okta: Okta, classify: Classify) -> None:
    """A catalogued type gives its canonical action for another's account and for one's own, or only its count."""
    entries = [entry for entry in _catalogue(OKTA) if "/" not in entry["native"]]
    lines = [
        okta(entry["native"], actor=actor, target=f"{entry['native']}-{actor}")
        | ({"actor": {"id": f"{entry['native']}-{actor}", "type": "User"}} if actor == "owner" else {})
        for entry in entries
        for actor in ("00uadmin", "owner")
    ]
    report = classify(lines, None)
    given = {row.target: row.action for row in report.verdicts}
    for entry in entries:
        # A type that is split into parts has an action of its own in none, or only for what makes it one.
        is_told = bool(entry["canonical"]) and not entry["ignored"]
        expected = (entry["canonical"], entry["by_owner"] or entry["canonical"]) if is_told else (None, None)
        assert (given.get(f"{entry['native']}-00uadmin"), given.get(f"{entry['native']}-owner")) == expected
    assert report.unknown_types == ()
    split = sum(not entry["canonical"] and not entry["ignored"] for entry in entries)
    assert report.lines == 2 * len(entries)
    assert sum(report.counts.values()) == report.lines - 2 * split


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))
def test_the_catalogue_speaks_our_words(provider: Provider) -> None:
    """Each catalogue names a type once, with a canonical action we have or with a reason to ignore it."""
    rows = _catalogue(provider)
    words = {action.value for action in Canonical} | {""}
    assert len({row["native"] for row in rows}) == len(rows)
    assert {row["canonical"] for row in rows} | {row["by_owner"] for row in rows} <= words


def test_an_unknown_type_is_counted_and_shown(okta: Okta, classify: Classify) -> None:
    """A type the catalogue does not name is never dropped silently."""
    report = classify([okta("user.something.new"), okta("user.something.new"), okta()])
    assert [(count.native, count.lines, count.known) for count in report.unknown_types] == [
        ("user.something.new", 2, False)
    ]


def test_the_target_is_the_user_wherever_it_stands(okta: Okta, classify: Classify) -> None:
    """A factor comes before its user in the list; the user is the target."""
    targets = [{"id": "factor-1", "type": "AuthenticatorEnrollment"}, {"id": "00uana", "type": "User"}]
    assert classify.one(okta("user.mfa.factor.deactivate", target=targets)).target == "00uana"


def test_who_it_was_is_said_by_their_login_too(okta: Okta, classify: Classify) -> None:
    """An id is what things are joined by and says nothing to a reader; an address that the log has beside it does."""
    by = {"id": "00uagent", "type": "User", "alternateId": "Agent.One@example.test"}
    row = classify.one(okta(target=[{"id": "00uana", "type": "User", "alternateId": "unknown"}]) | {"actor": by})
    assert (row.actor, row.actor_login) == ("00uagent", "agent.one@example.test")
    assert (row.target, row.target_login) == ("00uana", None)


def test_without_a_user_the_first_thing_is_the_target(okta: Okta, classify: Classify) -> None:
    """A token has no user; it is its own target."""
    row = classify.one(okta("system.api_token.create", target=[{"id": "tok-1", "type": "Token"}]))
    assert (row.action, row.target) == (Canonical.TOKEN_REISSUE, "tok-1")


@pytest.mark.parametrize("target", [None, [], "null"])
def test_no_target_is_no_crash(okta: Okta, classify: Classify, target: Any) -> None:
    """`target` may be null, empty, or the word null; the event still has a row."""
    assert classify.one(okta(actor="00ua") | {"target": target}).target == ""


def test_two_users_of_one_event_are_two_rows(okta: Okta, classify: Classify) -> None:
    """An event on two users is judged for each, under ids of their own."""
    targets = [{"id": "00uana", "type": "User"}, {"id": "00uben", "type": "User"}]
    rows = classify([okta(target=targets)]).verdicts
    assert {row.target for row in rows} == {"00uana", "00uben"}
    assert len({row.id for row in rows}) == 2


def test_the_words_null_and_unknown_are_no_values(okta: Okta, classify: Classify) -> None:
    """Okta writes "null" for an address and "unknown" for a transaction that it does not have."""
    row = classify.one(okta(client={"ipAddress": "null"}, transaction={"id": "unknown"}))
    assert (row.address, row.correlation) == (None, None)


@pytest.mark.parametrize("member", ["actor", "client", "outcome", "transaction", "debugContext"])
@pytest.mark.parametrize("value", [None, "null", 7, []])
def test_a_member_of_another_shape_is_no_crash(okta: Okta, classify: Classify, member: str, value: Any) -> None:
    """Any member may be null or of another type: what is readable is judged."""
    row = classify.one(okta() | {member: value})
    assert row.verdict is Verdict.UNVERIFIED


def test_a_failed_attempt_is_no_reset(okta: Okta, classify: Classify) -> None:
    """An actor without the right tried: kept, ignored, and no repeat for the one that follows."""
    report = classify([okta(outcome={"result": "DENY"}), okta(actor="00ub", after=60)])
    assert [row.reasons for row in report.verdicts] == [("attempt_failed",), ("no_case",)]


@pytest.mark.parametrize(
    ("changed", "is_contact"),
    [
        ({"debugContext": {"debugData": {"changedAttributes": "mobilePhone"}}}, True),
        ({"debugContext": {"debugData": {"changedAttributes": "nickName,city"}}}, False),
        ({"target": [{"id": "00uana", "type": "User", "changeDetails": {"to": {"secondEmail": "x"}}}]}, True),
        ({"target": [{"id": "00uana", "type": "User", "changeDetails": {"to": {"city": "x"}}}]}, False),
        ({}, True),
    ],
)
def test_a_profile_update_counts_when_it_may_touch_a_contact_point(
    okta: Okta, classify: Classify, changed: dict[str, Any], is_contact: bool
) -> None:
    """A changed phone or mail is recovery info, a city is not, and what the log does not describe could be."""
    rows = classify([okta("user.account.update_profile", actor="00ua", **changed)]).verdicts
    assert [row.action for row in rows] == ([Canonical.RECOVERY_INFO_CHANGE] if is_contact else [])


def test_a_repeated_record_counts_once(okta: Okta, classify: Classify) -> None:
    """The same record read twice, as exports overlap, is one event."""
    event = okta()
    (row,) = classify([event, event]).verdicts
    assert row.folded == 1


def test_one_uuid_for_two_records_hides_neither(okta: Okta, classify: Classify) -> None:
    """Two records with one uuid and different content are both judged."""
    rows = classify([okta(uuid="same"), okta(uuid="same", target="00uben")]).verdicts
    assert {row.target for row in rows} == {"00uana", "00uben"}
    assert len({row.id for row in rows}) == 2


def _whole(okta: Okta, **members: Any) -> dict[str, Any]:
    return okta(
        client={
            "ipAddress": "198.51.100.7",
            "userAgent": {"rawUserAgent": "sample"},
            "geographicalContext": {"country": "Netherlands"},
        },
        securityContext={"asNumber": 64496},
        authenticationContext={"externalSessionId": "idx-1"},
        device={"id": "guo-1"},
        **members,
    )


def test_an_event_says_from_where(okta: Okta, classify: Classify) -> None:
    """Country, network and what was changed are read; they come back with the verdict."""
    row = classify.one(_whole(okta, kind="user.mfa.factor.deactivate", debugContext={"debugData": {"factor": "FIDO"}}))
    assert (row.country, row.asn, row.detail, row.actor_class) == ("Netherlands", 64496, "FIDO", None)


def test_a_sign_in_is_of_the_one_who_signs_in(okta: Okta, tmp_path: Path) -> None:
    """A sign-in's target is its actor, whatever application it names; a refused one is not done."""
    app = [{"id": "0oa1", "type": "AppInstance"}]
    lines = [
        _whole(okta, kind="user.session.start", actor="00uana", target=app),
        _whole(okta, kind="user.session.start", actor="00uben", after=1, outcome={"result": "FAILURE"}),
    ]
    assert [row[:7] for row in rows(tmp_path, "okta", lines, SIGN_INS)] == [
        ("00uana", True, "198.51.100.7", "Netherlands", 64496, "guo-1", "idx-1"),
        ("00uben", False, "198.51.100.7", "Netherlands", 64496, "guo-1", "idx-1"),
    ]


_SYSTEM = "system" + "@okta.com"
"""The vendor's own account, as its log writes it."""


@pytest.mark.parametrize(
    ("actor", "transaction", "client", "expected"),
    [
        (_SYSTEM, "unknown", {"ipAddress": None}, "vendor"),
        (_SYSTEM, "unknown", {"userAgent": {"rawUserAgent": "x"}}, "system"),
        (_SYSTEM, "t-1", {"ipAddress": None}, "system"),
        ("agent@example.test", "unknown", {"ipAddress": None}, None),
    ],
)
def test_the_vendor_s_support_is_told_from_the_vendor_s_system(
    okta: Okta, classify: Classify, actor: str, transaction: str, client: dict[str, Any], expected: str | None
) -> None:
    """The system account outside any transaction and from no browser is a person of the vendor's."""
    who = {"id": "system", "alternateId": actor, "type": "User"}
    row = classify.one(okta(client=client, transaction={"id": transaction}) | {"actor": who})
    assert row.actor_class == expected


@pytest.mark.parametrize("kind", ["PublicClientApp", "PublicClientAppEntity", "ConfidentialClientApp", "AppInstance"])
def test_a_script_is_told_from_a_person(okta: Okta, classify: Classify, kind: str) -> None:
    """An actor that is an application is automation, whichever of its names Okta gives it."""
    who = {"id": "0oa1", "type": kind, "alternateId": "unknown"}
    assert classify.one(okta() | {"actor": who}).actor_class == "automation"


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {name.lower(): _lower(each) for name, each in value.items()}
    return [_lower(each) for each in value] if isinstance(value, list) else value


def test_other_pipelines_spelling_is_read(okta: Okta, classify: Classify) -> None:
    """Names in lower case, an event hook's list, and ECS's snake_case give the same row."""
    event = _whole(okta)
    snake = {
        "@timestamp": event["published"],
        "okta": {
            "uuid": event["uuid"],
            "event_type": event["eventType"],
            "actor": {"id": EXECUTOR, "alternate_id": f"{EXECUTOR}@example.test", "type": "User"},
            "target": [{"id": "00uana", "type": "User", "alternate_id": "00uana@example.test"}],
            "client": {"ip": "198.51.100.7"},
            "outcome": {"result": "SUCCESS"},
            "transaction": {"id": event["transaction"]["id"]},
        },
        "source": {"as": {"number": 64496}, "geo": {"country_name": "Netherlands"}},
    }
    hook = {"eventType": "com.okta.event_hook", "eventId": "e-1", "data": {"events": [event]}}
    expected = classify.one(event)
    assert classify.one(_lower(event)) == expected
    assert classify.one(hook) == expected
    assert classify.one(snake) == expected
    # Matano has the time under a name of its own.
    matano = {name: each for name, each in snake.items() if name != "@timestamp"} | {"ts": event["published"]}
    assert classify.one(matano) == expected


def test_elastic_keeps_what_changed_flattened(classify: Classify) -> None:
    """A profile whose nickname alone changed has no new contact, though Elastic puts what changed a level deeper."""
    document = {
        "@timestamp": "2026-03-02T12:00:00Z",
        "okta": {
            "event_type": "user.account.update_profile",
            "actor": {"id": EXECUTOR, "type": "User"},
            "target": [{"id": "00uana", "type": "User"}],
            "outcome": {"result": "SUCCESS"},
            "debug_context": {"debug_data": {"flattened": {"changedAttributes": "nickName"}}},
        },
    }
    assert not classify([document]).verdicts


def test_objects_among_the_debug_data_are_no_damage(okta: Okta, classify: Classify) -> None:
    """`debugData` holds text, except where it does not."""
    row = classify.one(okta(debugContext={"debugData": {"originalPrincipal": {"id": "x"}, "dtHash": {"odd": 1}}}))
    assert row.verdict is Verdict.UNVERIFIED


@pytest.mark.parametrize(
    ("actor", "target", "verdict"),
    [
        ({"id": "00uana", "type": "User"}, {"id": "00uana"}, Verdict.SELF_SERVICE),
        ({"id": "00uana", "type": "User"}, {"id": None}, Verdict.SELF_SERVICE),
        ({"id": "00uother", "type": "User"}, {"id": "00uana"}, Verdict.UNVERIFIED),
        ({"id": "0oaevil", "type": "PublicClientApp"}, {"id": "00uana"}, Verdict.UNVERIFIED),
        ({"id": "0oaevil", "type": "PublicClientApp"}, {"id": None}, Verdict.UNVERIFIED),
        ({"id": "00uana", "type": None}, {"id": "00uana"}, Verdict.UNVERIFIED),
    ],
)
def test_anothers_name_owns_nothing(
    okta: Okta,
    classify: Classify,
    evidence: Callable[..., EvidenceRow],
    actor: dict[str, Any],
    target: dict[str, Any],
    verdict: Verdict,
) -> None:
    """A login owns an account for a user alone, and only where no id says otherwise; an application's never."""
    login = {"alternateId": "ana@example.test"}
    event = okta("user.mfa.factor.deactivate", target=[{"type": "User"} | login | target]) | {"actor": login | actor}
    case = evidence("ana", target_keys=("00uana", "ana@example.test"), **LONG_OVER)
    known = (case,) if actor["type"] == "PublicClientApp" else ()
    assert classify.one(event, *known).verdict is verdict


def test_the_directory_s_own_account_owns_nobody_s(okta: Okta, classify: Classify) -> None:
    """Okta's support is no owner, though a masked log gives both the same id."""
    domain = "okta.com"
    target = [{"id": "masked", "type": "User", "alternateId": "ana@example.test"}]
    actor = {"id": "masked", "type": "User", "alternateId": f"system@{domain}"}
    row = classify.one(okta(target=target, transaction={"id": "unknown"}) | {"actor": actor})
    assert (row.action, row.actor_class, row.verdict) == (Canonical.PASSWORD_RESET, "vendor", Verdict.UNVERIFIED)


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("iam.role.permission.conditions.delete", Canonical.PRIVILEGE_GRANT),
        ("iam.role.permission.conditions.add", Canonical.PRIVILEGE_REVOKE),
        ("iam.resourceset.resources.add", Canonical.PRIVILEGE_GRANT),
        ("iam.resourceset.resources.update", Canonical.PRIVILEGE_GRANT),
        ("iam.resourceset.resources.delete", Canonical.PRIVILEGE_REVOKE),
    ],
)
def test_whom_a_role_reaches_is_power_as_what_it_may(
    okta: Okta, classify: Classify, kind: str, action: Canonical
) -> None:
    """A condition taken off, or executives put into the set of the help desk, gives whoever has the role more."""
    row = classify.one(okta(kind, target=[{"id": "set-1", "type": "RESOURCE_SET"}]))
    assert (row.action, row.target, row.is_finding) == (action, "set-1", action == Canonical.PRIVILEGE_GRANT)
