"""The cases of the last days against a draft policy: what it would have asked, and whom it would have refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.desk.office import MONDAY, Office
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.ids import CaseId
from watchword.core.requirement import Context
from watchword.desk.replay import Replay, Replayed, Sums, replay
from watchword.policy.bundle import Policy
from watchword.policy.procedures import DEFAULT


@pytest.fixture(scope="module")
def worked(founded: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, dict[str, CaseId]]]:
    """An office with a week behind it: two resets, one withdrawn, one by an agent alone, one broken glass."""
    office = founded.copy(tmp_path_factory.mktemp("week") / "office")
    cases = {"reset": office.released()}
    office.run()
    office.pass_by(days=1)
    factor = cases["factor"] = office.open(
        "noah.berg", action=Action.FACTOR_RESET, factors=("authenticator_app",), context=Context(channel="chat")
    )
    office.prove(factor, "passkey")
    office.prove(factor, "in_person")
    office.ask(factor)
    office.approve(factor, "boss.one")
    office.release(factor)
    office.run()
    again = cases["again"] = office.open()
    office.app.desk.decisions.withdraw(office["ada.agent"], again, "found it", office.at)
    alone = cases["alone"] = office.open("olga.owner")
    office.prove(alone, "passkey", agent="ada.agent")
    glass = cases["glass"] = office.open("piet.priv")
    office.app.desk.decisions.break_glass(office["cleo.custodian"], glass, "nobody can get in", office.at)
    office.approve(glass, "cato.custodian")
    office.pass_by(days=6)
    cases["late"] = office.open("eve.exec")
    yield office, cases
    office.close()


@pytest.fixture
def week(worked: tuple[Office, dict[str, CaseId]]) -> Iterator[tuple[Office, dict[str, CaseId]]]:
    """That office; replaying writes nothing, so that it serves every test."""
    before = worked[0].app.ledger.size
    yield worked
    assert worked[0].app.ledger.size == before


def draft(folder: Path, *edits: tuple[str, str, str]) -> Policy:
    """The shipped policy with edits: file, old, new."""
    shutil.copytree(DEFAULT, folder)  # type: ignore[arg-type]  # a folder on disk, as installed
    for name, old, new in edits:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
    return Policy.load(folder)


def told(office: Office, policy: Policy, days: int = 90) -> Replay:
    """What a replay over the last days comes to."""
    return replay(office.app.registry, policy, office.at - timedelta(days=days))


def of(found: Replay, case: CaseId) -> Replayed:
    """One case of it."""
    return next(one for one in found.cases if one.case == case)


def test_the_active_policy_asks_of_every_case_what_was_asked(week: tuple[Office, dict[str, CaseId]]) -> None:
    """Played against the policy they were opened under, no case differs in anything, and nobody would be stopped."""
    office, cases = week
    found = told(office, office.app.policy)
    assert {one.case for one in found.cases} == set(cases.values())
    assert found.total == Sums(cases=len(cases))
    assert not [one for one in found.cases if one.draft != one.asked or one.refused or one.stopped]


def test_more_approvals_and_a_longer_hold_are_counted(week: tuple[Office, dict[str, CaseId]], tmp_path: Path) -> None:
    """A stricter cell tells what it would have cost, by class and action, and leaves the others as they are."""
    office, cases = week
    old = "    password_reset:       {verify: [V1P, V2B], approve: none, hold: 0,  alert: L0, after: signed_out}"
    new = "    password_reset:       {verify: [V2], approve: A1, hold: 2h, alert: L0, after: signed_out}"
    found = told(office, draft(tmp_path / "draft", ("procedures.yaml", old, new)))
    one = of(found, cases["reset"])
    assert one.draft is not None
    assert (one.asked.methods, one.asked.verifications, one.asked.approvals) == (("passkey",), 1, 0)
    assert (one.draft.verifications, one.draft.approvals, one.draft.hold_minutes) == (2, 1, 120)
    assert "passkey" in one.draft.methods  # what was proven goes on
    (group,) = (
        g for g in found.groups if (g.account_class, g.action) == (AccountClass.STANDARD, Action.PASSWORD_RESET)
    )
    assert (group.sums.cases, group.sums.approvals, group.sums.verifications) == (3, 3, 2)
    assert (found.total.approvals, found.total.hold_minutes) == (3, 360)
    assert found.total.work_minutes > 0


def test_a_laxer_draft_is_told_below_zero(week: tuple[Office, dict[str, CaseId]], tmp_path: Path) -> None:
    """What a draft no longer asks is a difference below zero."""
    office, _ = week
    old = "{verify: [V2],      approve: A1,   hold: 0,   alert: L1, after: standard_factor}"
    found = told(office, draft(tmp_path / "draft", ("procedures.yaml", old, old.replace("A1,  ", "none,"))))
    assert found.total.approvals == -1
    assert found.total.work_minutes < 0


def test_a_cell_that_is_denied_refuses_its_cases(week: tuple[Office, dict[str, CaseId]], tmp_path: Path) -> None:
    """Cases the draft would not open are named with the reason, and count in no difference."""
    office, cases = week
    old = "    factor_reset:         {verify: [V2],      approve: A1,   hold: 0,   alert: L1, after: standard_factor}"
    new = '    factor_reset: {deny: "nobody loses a factor here", instead: "ask for total_loss"}'
    found = told(office, draft(tmp_path / "draft", ("procedures.yaml", old, new)))
    one = of(found, cases["factor"])
    assert one.draft is None
    assert "nobody loses a factor here" in one.refused
    assert found.total == Sums(cases=len(cases), refused=1)


def test_a_repeat_is_counted_as_it_stood_when_the_case_was_opened(
    week: tuple[Office, dict[str, CaseId]], tmp_path: Path
) -> None:
    """A draft that refuses the second recovery within a week refuses the one that was the second, and no other."""
    office, cases = week
    found = told(office, draft(tmp_path / "draft", ("procedures.yaml", "refuse_from: 3", "refuse_from: 2")))
    assert [one.case for one in found.cases if one.draft is None] == [cases["again"]]


def test_a_method_that_is_distrusted_leaves_more_to_prove(
    week: tuple[Office, dict[str, CaseId]], tmp_path: Path
) -> None:
    """Where a method that was used counts for less, the way goes on from what remains of it."""
    office, cases = week
    old = "V2:  {means: two independent methods,                    methods: 2, weight: 4,"
    new = "V2:  {means: three independent methods, methods: 3, weight: 4,"
    found = told(office, draft(tmp_path / "draft", ("procedures.yaml", old, new)))
    one = of(found, cases["factor"])
    assert one.draft is not None
    assert one.draft.verifications == one.asked.verifications + 1
    assert set(one.asked.methods) < set(one.draft.methods)


def test_whoever_a_draft_would_refuse_is_told_with_the_rule(
    week: tuple[Office, dict[str, CaseId]], tmp_path: Path
) -> None:
    """The steps people took are ruled by the draft's own rules, and who could not have taken theirs is named."""
    office, cases = week
    rule = '\n@id("no-managers") forbid (principal, action == Action::"approve", resource)\n'
    rule += 'when { context.relations.contains("manager_of_record") };\n// ---'
    folder = tmp_path / "draft"
    shutil.copytree(DEFAULT, folder)  # type: ignore[arg-type]  # a folder on disk, as installed
    with (folder / "people.cedar").open("a") as cedar:
        cedar.write(rule)
    found = told(office, Policy.load(folder))
    assert of(found, cases["factor"]).stopped == ("approve: no-managers",)
    assert found.total.stopped == 1


def test_separation_of_a_draft_is_held_against_who_did_what(
    week: tuple[Office, dict[str, CaseId]], tmp_path: Path
) -> None:
    """A draft that keeps apart what one person did says so: here opening and verifying."""
    office, cases = week
    old = "no_approval: {separate: reviewer_apart}"
    apart = draft(tmp_path / "draft", ("procedures.yaml", old, "no_approval: {separate: everyone_apart}"))
    found = told(office, apart)
    assert [one.case for one in found.cases if one.stopped] == [cases["alone"]]
    assert of(found, cases["alone"]).stopped == ("verify: sod-opener-verifies",)


def test_only_the_days_that_were_asked_for_are_played(week: tuple[Office, dict[str, CaseId]]) -> None:
    """A case that was opened before is left out, to the second."""
    office, cases = week
    assert [one.case for one in told(office, office.app.policy, days=1).cases] == [cases["late"]]
    since = replay(office.app.registry, office.app.policy, MONDAY)
    assert len(since.cases) == len(cases)
    assert replay(office.app.registry, office.app.policy, office.at + timedelta(seconds=1)).total == Sums()
