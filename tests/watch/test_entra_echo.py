"""A role through Privileged Identity Management: its record and the directory's of one act are one event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import provider_named
from watchword.watch.sources.spool import Spool
from watchword.watch.verdicts import Report, VerdictRow, latest_verdicts

from .conftest import NOON, Classify
from .test_entra import ADMIN, ANA, _hub, _table, _user

READER, KEEPER = "22222222-bbbb-4bbb-8bbb-000000000001", "22222222-bbbb-4bbb-8bbb-000000000002"
ROLES = {READER: "Reports Reader", KEEPER: "Hall Keeper"}
PIM_APP = "01fc33a7-78ba-4d2f-a4b7-768e336e890e"
TAKEN_UP = "Add member to role completed (PIM activation)"
GIVEN = "Add member to role in PIM completed (timebound)"


def _stamp(after: float) -> str:
    at: datetime = NOON + timedelta(seconds=after)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def service(
    after: float = 0, *, activity: str = TAKEN_UP, who: str = ANA, by: str = ANA, role: str = READER, **members: Any
) -> dict[str, Any]:
    """What Privileged Identity Management writes, *after* seconds: the role first among its targets, then whose."""
    return {
        "id": f"PIM_{after}_{activity}_{who}",
        "category": "RoleManagement",
        "correlationId": f"c-pim-{after}",
        "result": "success",
        "activityDisplayName": activity,
        "activityDateTime": _stamp(after),
        "initiatedBy": {"user": _user(by, "mara"), "app": None},
        "targetResources": [
            {"id": role, "displayName": ROLES[role], "type": "Role", "modifiedProperties": []},
            {"id": "33333333-cccc-4ccc-8ccc-000000000001", "type": "Request", "modifiedProperties": []},
            {"id": who, "displayName": "Ana", "type": "User", "userPrincipalName": None, "modifiedProperties": []},
        ],
        "additionalDetails": [{"key": "TemplateId", "value": role}, {"key": "ipaddr", "value": "198.51.100.7"}],
        **members,
    }


def directory(
    after: float = 6, *, activity: str = "Add member to role", who: str = ANA, role: str = READER, **app: Any
) -> dict[str, Any]:
    """What the directory writes of it, *after* seconds, as done by an application of which it has the title alone."""
    said = {"Role.ObjectID": f"o-{role}", "Role.DisplayName": ROLES[role], "Role.TemplateId": role}
    value = "oldValue" if activity.startswith("Remove") else "newValue"
    return {
        "id": f"Directory_{after}_{who}_{role}",
        "category": "RoleManagement",
        "correlationId": f"c-directory-{after}",
        "result": "success",
        "activityDisplayName": activity,
        "activityDateTime": _stamp(after),
        "initiatedBy": {
            "user": None,
            "app": {"appId": None, "displayName": "MS-PIM", "servicePrincipalId": "o-of-the-service", **app},
        },
        "targetResources": [
            {
                "id": who,
                "type": "User",
                "userPrincipalName": "ana@example.test",
                "modifiedProperties": [
                    {"displayName": name, "oldValue": None, "newValue": None, value: json.dumps(one)}
                    for name, one in said.items()
                ],
            }
        ],
        "additionalDetails": [],
    }


def _without_id(event: dict[str, Any]) -> dict[str, Any]:
    """The record as it was before the directory told the template."""
    event["targetResources"][0]["modifiedProperties"].pop()
    return event


def _told(report: Report) -> list[tuple[str, Verdict, int]]:
    return sorted((row.id.partition("_")[0], row.verdict, row.folded) for row in report.verdicts)


@pytest.mark.parametrize("after", [-119, -6, 0, 6, 119])
@pytest.mark.parametrize("shape", [directory, lambda after: _without_id(directory(after))], ids=["id", "name"])
def test_a_role_taken_up_is_one_event(
    classify: Classify, after: float, shape: Callable[[float], dict[str, Any]]
) -> None:
    """PIM's record is the one that is judged, whichever comes first; the directory's is counted with it."""
    report = classify([shape(after), service()], (), provider="entra")
    (row,) = report.verdicts
    assert (row.id, row.native_action, row.actor, row.at) == (service()["id"], TAKEN_UP, ANA, NOON)
    assert (row.verdict, row.folded, row.detail) == (Verdict.SELF_SERVICE, 2, ROLES[READER])


@pytest.mark.parametrize(
    "handed", [_hub, lambda one: _table(one) | {"AdditionalDetails": json.dumps(one["additionalDetails"])}],
    ids=["hub", "log analytics"],
)  # fmt: skip
def test_however_they_are_handed_on(classify: Classify, handed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Both have in every form whose role it is and which."""
    (row,) = classify([handed(directory()), handed(service())], (), provider="entra").verdicts
    assert (row.native_action, row.folded) == (TAKEN_UP, 2)
    report = classify([handed(directory(role=KEEPER)), handed(service())], (), provider="entra")
    assert [row.folded for row in report.verdicts] == [1, 1]


@pytest.mark.parametrize(
    ("of_service", "of_directory", "action"),
    [
        (GIVEN, "Add member to role", Canonical.PRIVILEGE_GRANT),
        ("Add member to role in PIM completed (permanent)", "Add member to role", Canonical.PRIVILEGE_GRANT),
        ("Remove member from role (PIM activation expired)", "Remove member from role", Canonical.PRIVILEGE_REVOKE),
        ("Remove member from role completed (PIM deactivate)", "Remove member from role", Canonical.PRIVILEGE_REVOKE),
        ("Remove member from role in PIM completed (timebound)", "Remove member from role", Canonical.PRIVILEGE_REVOKE),
    ],
)
def test_what_else_goes_through_pim_is_one_event_too(
    classify: Classify, of_service: str, of_directory: str, action: Canonical
) -> None:
    """Whoever gives a role there owes evidence for it, and owes it once."""
    lines = [directory(-6, activity=of_directory), service(activity=of_service, by=ADMIN)]
    (row,) = classify(lines, (), provider="entra").verdicts
    assert (row.native_action, row.actor, row.action, row.folded) == (of_service, ADMIN, action, 2)
    assert row.verdict is (Verdict.UNVERIFIED if action is Canonical.PRIVILEGE_GRANT else Verdict.IGNORED)


OTHER = {
    "another title": directory(displayName="MS-PIM helper"),
    "an id of its own": directory(appId="44444444-dddd-4ddd-8ddd-000000000001"),
    "another role": directory(role=KEEPER),
    "another role by name": _without_id(directory(role=KEEPER)),
    "another account": directory(who=ADMIN),
    "later": directory(121),
    "sooner": directory(-121),
    "nobody's title": directory() | {"initiatedBy": {"user": _user(ADMIN, "mara"), "app": None}},
}


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER)
def test_nobody_else_s_goes_with_it(classify: Classify, other: dict[str, Any]) -> None:
    """What is not PIM's word on the same account and role in those minutes is judged on its own."""
    report = classify([service(), other], (), provider="entra")
    assert _told(report) == [("Directory", Verdict.UNVERIFIED, 1), ("PIM", Verdict.SELF_SERVICE, 1)]


def test_a_role_of_another_id_and_the_same_name_is_another(classify: Classify) -> None:
    """Whoever makes a role gives it its name."""
    other = directory(role=KEEPER)
    other["targetResources"][0]["modifiedProperties"][1]["newValue"] = json.dumps(ROLES[READER])
    report = classify([service(), other], (), provider="entra")
    assert _told(report) == [("Directory", Verdict.UNVERIFIED, 1), ("PIM", Verdict.SELF_SERVICE, 1)]


def test_one_record_of_pim_answers_for_one(classify: Classify) -> None:
    """A second grant in those minutes stays, in whatever order they are read, and read twice it is one."""
    lines = [service(), directory(-3), directory(8)]
    for some in (lines, lines[::-1], [*lines, *lines]):
        report = classify(some, (), provider="entra")
        assert _told(report) == [("Directory", Verdict.UNVERIFIED, 1), ("PIM", Verdict.SELF_SERVICE, 2)]
        assert {row.id for row in report.verdicts} == {lines[0]["id"], lines[2]["id"]}


def test_two_that_follow_each_other_have_their_own(classify: Classify) -> None:
    """Taken up, given back and taken up again within a minute: each has its record of the directory's."""
    back = "Remove member from role completed (PIM deactivate)"
    lines = [
        service(0), directory(5), service(20, activity=back), directory(26, activity="Remove member from role"),
        service(50), directory(57),
    ]  # fmt: skip
    assert [row.folded for row in classify(lines, (), provider="entra").verdicts] == [2, 2, 2]


def test_what_failed_answers_for_nothing(classify: Classify) -> None:
    """A role that was not taken up was given by somebody else."""
    report = classify([service(result="failure"), directory()], (), provider="entra")
    assert ("Directory", Verdict.UNVERIFIED, 1) in _told(report)


def test_a_time_that_no_calendar_has_stops_nothing(classify: Classify) -> None:
    """Such a record is told as it is, and answers for nothing."""
    for odd in ("294247-01-10T04:00:54.775806Z", "infinity", ""):
        report = classify([service(activityDateTime=odd), directory()], (), provider="entra")
        assert _told(report) == [("Directory", Verdict.UNVERIFIED, 1), ("PIM", Verdict.SELF_SERVICE, 1)]


@pytest.mark.parametrize("is_first", [True, False], ids=["the directory's first", "PIM's first"])
def test_followed_too_they_are_one_event(tmp_path: Path, is_first: bool) -> None:
    """The two come in steps of their own: what was said of the directory's is taken back, and PIM's grows."""
    lines = [directory(), service()] if is_first else [service(), directory()]
    spool, verdicts, said = Spool(tmp_path / "spool"), tmp_path / "out", list[VerdictRow]()
    for line in lines:  # after a start each time, so that memory alone is not enough
        feed = Followed(name="log", provider=provider_named("entra"), spool=spool)
        with Follow((feed,), tmp_path / "state", verdicts, clock=lambda: NOON) as follow:
            spool.append([json.dumps(line).encode()], NOON)
            said += (row for row in follow.step(NOON + timedelta(minutes=1)) if row.action is not None)
    told = {row.id: row for row in latest_verdicts(verdicts) if row.action is not None}
    of_service = told.pop(service()["id"])
    assert (of_service.verdict, of_service.folded) == (Verdict.SELF_SERVICE, 2)
    if is_first:
        (taken_back,) = told.values()
        assert (taken_back.reasons, taken_back.revision, len(said)) == (("part_of_another",), 2, 3)
    else:
        assert (told, of_service.revision, of_service.changed) == ({}, 2, ("folded: 1 -> 2",))


def test_what_an_older_version_kept_is_the_same_record(tmp_path: Path) -> None:
    """Read once more after an update, it is folded too, and not told as yet another."""
    spool, verdicts = Spool(tmp_path / "spool"), tmp_path / "out"

    def step(*lines: dict[str, Any]) -> None:
        feed = Followed(name="log", provider=provider_named("entra"), spool=spool)
        with Follow((feed,), tmp_path / "state", verdicts, clock=lambda: NOON) as follow:
            spool.append([json.dumps(line).encode() for line in lines], NOON)
            follow.step(NOON + timedelta(minutes=1))

    step(directory())
    with duckdb.connect(str(tmp_path / "state" / "window.duckdb")) as kept:
        for column in ("half", "role_id"):
            kept.execute(f"ALTER TABLE native DROP COLUMN {column}")
    step(directory(), service())
    told = {row.id: (row.folded, row.reasons) for row in latest_verdicts(verdicts) if row.action is not None}
    assert told == {service()["id"]: (2, ("by_owner",)), directory()["id"]: (1, ("part_of_another",))}
