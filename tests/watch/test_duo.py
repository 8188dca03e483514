"""Duo: administrator log (v1), activity log (v2) and authentication log."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.providers import DUO

from .conftest import LONG_OVER, NOON, Classify
from .kinds import catalogue, named, odd_events, types_that_differ

AT = int(NOON.timestamp())


def admin_log(
    action: str, *, who: str = "Mara Lind", whom: str | None = "ana", says: object = None, **more: Any
) -> dict[str, Any]:
    """An event of the administrator log: seconds, names, and JSON in a string."""
    return {
        "action": action,
        "description": says if says is None or isinstance(says, str) else json.dumps(says),
        "isotimestamp": NOON.isoformat(),
        "object": whom,
        "timestamp": AT,
        "username": who,
        **more,
    }


def activity(
    action: str, *, who: str = "DEADMIN", whom: str = "DUANA", says: object = None, was: object = None, **more: Any
) -> dict[str, Any]:
    """An event of the activity log: objects for who and whom, and an address."""
    target = {"key": whom, "name": "ana", "type": "user", "details": None if says is None else json.dumps(says)}
    return {
        "activity_id": f"{action}-{whom}",
        "ts": NOON.isoformat(),
        "action": {"name": action, "details": None},
        "actor": {"key": who, "name": "Mara Lind", "type": "admin", "details": '{"email": "mara@example.test"}'},
        "target": target,
        "old_target": None if was is None else {**target, "details": json.dumps(was)},
        "outcome": None,
        "access_device": {"ip": {"address": "198.51.100.7"}, "location": {"country": "Norway"}},
        **more,
    }


def sign_in(result: str, **more: Any) -> dict[str, Any]:
    """An event of the authentication log (v2)."""
    return {
        "event_type": "authentication",
        "txid": f"tx-{result}",
        "timestamp": AT,
        "isotimestamp": NOON.isoformat(),
        "result": result,
        "reason": "user_approved",
        "factor": "duo_push",
        "user": {"key": "DUANA", "name": "ana"},
        "access_device": {"ip": "198.51.100.7", "location": {"country": "Norway"}},
        **more,
    }


@pytest.mark.parametrize("make", [admin_log, activity], ids=["administrator log", "activity log"])
def test_every_action_is_mapped_or_ignored(classify: Classify, make: Any) -> None:
    """An action has its canonical one in either log, done by another or by the owner."""
    natives = [native for native in catalogue(DUO) if " " not in native]
    if make is admin_log:  # which has titles, and so no owner but of what is called so
        natives = [n for n in natives if (row := catalogue(DUO)[n])["canonical"] == row["by_owner"]]
    told = {"note": "x"}

    def line(native: str, owner: bool) -> dict[str, Any]:
        whom = named(native, owner)
        who = whom if owner else "another"
        line: dict[str, Any] = make(native, who=who, whom=whom, says=told)
        if make is activity:
            line |= {"actor": {"key": who, "type": "admin"}, "target": line["target"] | {"type": "admin"}}
        return line

    assert types_that_differ(DUO, natives, line, classify) == []


@pytest.mark.parametrize(
    ("says", "was", "given"),
    [
        ({"status": "Bypass"}, None, [Canonical.BYPASS_GRANT]),
        ({"status": "Locked Out"}, None, [Canonical.ACCOUNT_LOCK]),
        ({"status": "Active"}, {"status": "Locked Out"}, [Canonical.ACCOUNT_UNLOCK]),
        ({"status": "Disabled"}, None, [Canonical.ACCOUNT_DISABLE]),
        ({"email": "x@example.test"}, {"email": "ana@example.test"}, [Canonical.RECOVERY_INFO_CHANGE]),
        ({"status": "Active", "email": "ana@example.test"}, {"status": "Active", "email": "ana@example.test"}, []),
        ({"status": "Bypass", "email": "x"}, {}, [Canonical.BYPASS_GRANT, Canonical.RECOVERY_INFO_CHANGE]),
        ({"notes": "moved desks"}, None, []),
    ],
)
def test_an_update_is_what_it_changed(classify: Classify, says: object, was: object, given: list[Canonical]) -> None:
    """Status and contact are told in a string of JSON; what is as it was is no event."""
    rows = classify([activity("user_update", says=says, was=was)], None, provider="duo").verdicts
    assert sorted(str(row.action) for row in rows) == sorted(given)
    if was is None:
        rows = classify([admin_log("user_update", says=says)], None, provider="duo").verdicts
        assert sorted(str(row.action) for row in rows) == sorted(given)


@pytest.mark.parametrize(
    ("says", "count"), [(None, 1), ("null", 1), ("", 1), ("Joe was here", 0), ("{broken", 0), ("[]", 0)]
)
def test_an_update_that_is_not_described_may_be_of_a_contact(classify: Classify, says: object, count: int) -> None:
    """No description: it could be a new phone. Text that is no JSON says what it was, and that is no crash."""
    assert len(classify([admin_log("user_update", says=says)], None, provider="duo").verdicts) == count


def test_the_activity_log_says_from_where(classify: Classify) -> None:
    """Address, country and key come from the activity log; the administrator log has none."""
    row = classify.one(activity("bypass_create"), provider="duo")
    assert (row.address, row.country, row.actor, row.target) == ("198.51.100.7", "Norway", "DEADMIN", "DUANA")
    row = classify.one(admin_log("bypass_create"), provider="duo")
    assert (row.address, row.actor, row.target, row.at) == (None, "Mara Lind", "ana", NOON)


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        ("API", "automation"),
        ("AD Sync: corp", "automation"),
        ("System", "system"),
        ("Mara Lind", None),
        ("Apiary", None),
    ],
)
def test_machines_are_told_from_people(classify: Classify, who: str, kind: str | None) -> None:
    """The administrator log names the Admin API, a synchronisation and Duo itself as if they were people."""
    assert classify.one(admin_log("bypass_create", who=who), provider="duo").actor_class == kind


@pytest.mark.parametrize("time", [AT, AT * 1000, str(AT), "2026-03-02 12:00:00", "2026-03-02T12:00:00Z"])
def test_times_are_seconds_or_milliseconds(classify: Classify, time: object) -> None:
    """One version writes seconds and the other milliseconds, and exports write text."""
    line = admin_log("bypass_create", isotimestamp=None, timestamp=time)
    assert classify.one(line, provider="duo").at == NOON
    assert classify.one(activity("bypass_create", ts=time), provider="duo").at == NOON


def test_sign_ins_are_counted_by_their_end(classify: Classify) -> None:
    """Success and failure are sign-ins; a push that its owner calls fraud is a report."""
    lines = [sign_in("success", reason="bypass_user"), sign_in("denied"), sign_in("fraud", reason="user_marked_fraud")]
    lines.append(
        {"timestamp": AT, "username": "ana", "result": "FAILURE", "factor": "Duo Push", "reason": "No response"}
    )
    report = classify(lines, None, provider="duo")
    assert [(row.action, row.target) for row in report.verdicts] == [(Canonical.USER_REPORT, "DUANA")]
    assert {count.native: count.lines for count in report.types} == {
        "authentication success": 1,
        "authentication failure": 2,
        "authentication fraud": 1,
    }


def test_an_administrator_who_resets_their_own_password_is_the_owner(classify: Classify) -> None:
    """The same key and kind on either side is the same administrator; what an administrator does alone says so."""
    own = {"key": "DEADMIN", "name": "Mara Lind", "type": "admin", "details": None}
    row = classify.one(activity("admin_reset_password", target=own), provider="duo")
    assert (row.action, row.verdict) == (Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE)
    alone = classify.one(admin_log("admin_self_activate", whom=None), provider="duo")
    assert (alone.target, alone.verdict) == ("Mara Lind", Verdict.SELF_SERVICE)


@pytest.mark.parametrize(
    "line",
    [
        admin_log("bypass_create", who="ana"),
        admin_log("admin_reset_password", whom="Mara Lind"),
        activity("bypass_create", actor={"key": "DEEVE", "name": "ana", "type": "admin"}),
        activity("bypass_create", actor={"key": "DUANA", "name": "ana", "type": "admin"}),
    ],
)
def test_anothers_name_owns_nothing(
    classify: Classify, evidence: Callable[..., EvidenceRow], line: dict[str, Any]
) -> None:
    """An administrator's title is what they are called, whoever else is: not in a known account's name either."""
    row = classify.one(line, evidence("ana", **LONG_OVER), provider="duo")
    assert (row.verdict, row.is_finding) == (Verdict.UNVERIFIED, True)


@pytest.mark.parametrize(
    "answer",
    [
        {"stat": "OK", "response": [admin_log("bypass_create")]},
        {"stat": "OK", "response": {"items": [activity("bypass_create")], "metadata": {}}},
        [admin_log("bypass_create")],
        {"event": {"original": json.dumps(activity("bypass_create")), "dataset": "cisco_duo.activity"}},
    ],
)
def test_an_answer_of_the_api_is_its_events(classify: Classify, answer: object) -> None:
    """Events come as they are, in the API's answer, or in a document that keeps them."""
    report = classify([json.dumps(answer)], None, provider="duo")
    assert [row.action for row in report.verdicts] == [Canonical.BYPASS_GRANT]


def test_odd_members_are_no_crash(classify: Classify) -> None:
    """Any member of another type: each line is an event all the same."""
    lines = [
        *odd_events(admin_log("user_update", says={"status": "Bypass"}), "action"),
        *odd_events(activity("user_update", says={"status": "Bypass"}), "action"),
        *odd_events(sign_in("success"), "event_type"),
    ]
    report = classify(lines, None, provider="duo")
    assert (report.lines, report.rejected_lines) == (len(lines), 0)
    assert sum(count.lines for count in report.types) == len(lines)


def test_a_damaged_time_gives_way_to_the_other(classify: Classify) -> None:
    """Where the time that people read is written with gaps, the number beside it counts."""
    row = classify.one(admin_log("bypass_create", isotimestamp="2026-03-02T12: 00: 00+00: 00"), provider="duo")
    assert row.at == NOON


def test_a_user_s_own_factor_is_about_the_user(classify: Classify) -> None:
    """A key that a user registers is named as the target, and is the user's own."""
    own = {"key": "DUANA", "name": "ana", "type": "user", "details": None}
    key = {"key": "WAKEY", "name": "WAKEY", "type": "webauthn_credential", "details": None}
    row = classify.one(activity("webauthncredential_create", actor=own, target=key), provider="duo")
    assert (row.target, row.verdict) == ("DUANA", Verdict.SELF_SERVICE)


def test_a_sign_in_that_an_administrator_calls_a_fraud_is_a_report(classify: Classify) -> None:
    """A refused second factor of the administrators' panel is a report where it says so, else a failed sign-in."""
    says = {"email": "mara@example.test", "factor": "push", "error": "Login request reported as fraudulent."}
    row = classify.one(admin_log("admin_2fa_error", whom=None, says=says), provider="duo")
    assert (row.action, row.target) == (Canonical.USER_REPORT, "Mara Lind")


@pytest.mark.parametrize(
    ("name", "kept", "action"),
    [
        (
            "ana",
            {"admin": {"action": "user_update", "flattened": {"email": "a@example.test"}}},
            Canonical.RECOVERY_INFO_CHANGE,
        ),
        ("ana", {"admin": {"action": "bypass_create"}}, Canonical.BYPASS_GRANT),
        ("DUANA", {"activity": {"action": {"name": "bypass_create"}, "outcome": "SUCCESS"}}, Canonical.BYPASS_GRANT),
    ],
    ids=["a contact", "a bypass", "an activity"],
)
@pytest.mark.parametrize("provider", ["duo", "ecs"])
def test_elastic_s_document_is_the_event_without_its_text(
    classify: Classify, provider: str, name: str, kept: dict[str, dict[str, Any]], action: Canonical
) -> None:
    """Elastic's integration drops the text it read unless told to keep it: its own fields say the same."""
    kept = {kind: dict(each) for kind, each in kept.items()}
    if "admin" in kept:
        kept["admin"] |= {"action_performed_on": "ana", "user": {"name": "Mara Lind"}}
    else:
        kept["activity"] |= {
            "actor": {"key": "DEMARA", "name": "Mara Lind", "type": "admin"},
            "target": {"key": "DUANA", "name": "ana", "type": "user"},
        }
    document = {
        "@timestamp": "2026-03-02T12:00:00Z",
        "cisco_duo": kept,
        "event": {"dataset": f"cisco_duo.{next(iter(kept))}"},
    }
    row = classify.one(document, provider=provider)
    assert (row.action, row.target, row.at) == (action, name, NOON)


def test_elastic_s_sign_ins_are_read_without_their_text(classify: Classify) -> None:
    """A refused push of Elastic's data set is the account's failed sign-in, a fraud it called out is its report."""
    documents = [
        {
            "@timestamp": "2026-03-02T12:00:00Z",
            "cisco_duo": {"auth": {"event_type": "authentication", "result": result, "reason": reason, "txid": result}},
            "event": {"dataset": "cisco_duo.auth"},
            "user": {"id": "DUANA", "name": "ana"},
        }
        for result, reason in (("failure", "no_response"), ("fraud", "user_marked_fraud"))
    ]
    report = classify([json.dumps(each) for each in documents], None, provider="ecs")
    assert [(row.action, row.target) for row in report.verdicts] == [(Canonical.USER_REPORT, "DUANA")]
    assert {count.native: count.lines for count in report.types} == {
        "authentication failure": 1,
        "authentication fraud": 1,
    }


def test_an_offline_enrolment_is_the_user_s_own(classify: Classify) -> None:
    """Of a factor for a computer without a network the log names the computer as the object: it is about the user."""
    says = {"hostname": "PC-1", "factor": "duo_otp"}
    row = classify.one(admin_log("o2fa_user_provisioned", who="ana", whom="Windows Logon", says=says), provider="duo")
    assert (row.action, row.target, row.verdict) == (Canonical.FACTOR_ENROLL, "ana", Verdict.SELF_SERVICE)


def test_trust_monitor_tells_of_a_bypass(classify: Classify) -> None:
    """Of what Trust Monitor looks at, a bypass is who lent it to whom, and when; its scores are let be."""
    common = {"state": "new", "surfaced_timestamp": 1772460000000}
    bypass = {
        **common,
        "type": "bypass_status",
        "sekey": "se-1",
        "bypass_status_enabled": 1772452800000,
        "enabled_by": {"key": "de-1", "name": "Agent (sample)"},
        "enabled_for": {"key": "du-1", "name": "ana"},
    }
    scores = [{**common, "type": kind, "sekey": kind} for kind in ("auth", "device_registration")]
    report = classify([bypass, *scores], None, provider="duo")
    (row,) = report.verdicts
    assert (row.action, row.actor, row.target, row.at) == (Canonical.BYPASS_GRANT, "de-1", "du-1", NOON)
    assert (report.rejected_lines, report.unknown_types) == (0, ())


def test_the_telephony_log_is_known_and_let_be(classify: Classify) -> None:
    """Its lines are no damage: they name a number and what it cost, and no account."""
    said = {"context": "authentication", "credits": 5, "phone": "+31201234567", "type": "sms"}
    lines: list[dict[str, Any]] = [
        {**said, "telephony_id": "t-1", "txid": "tx-1", "ts": NOON.isoformat()},
        {**said, "isotimestamp": NOON.isoformat(), "timestamp": AT},
        {"@timestamp": NOON.isoformat(), "event": {"dataset": "cisco_duo.telephony"}, "cisco_duo": {"telephony": said}},
    ]
    report = classify(lines, provider="duo")
    assert (report.verdicts, report.unknown_types, report.rejected_lines) == ((), (), 0)
