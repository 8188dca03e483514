"""`watchword policy prove`, `diff` and `fix`: what an attacker needs, what a change does about it, and which would."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told

GLASS = "actions: [unlock, password_reset, total_loss, privileged_override]"
SINCE = "actions: [unlock, password_reset, factor_reset, total_loss, privileged_override]"


def copied(folder: Path, old: str = "", new: str = "") -> Path:
    """The shipped policy in *folder*, with *old* in procedures.yaml replaced by *new*."""
    with resources.as_file(resources.files("watchword.policy") / "default") as shipped:
        shutil.copytree(shipped, folder)
    table = (folder / "procedures.yaml").read_text()
    assert old in table
    (folder / "procedures.yaml").write_text(table.replace(old, new, 1))
    return folder


@pytest.fixture
def weak(tmp_path: Path) -> Path:
    """The shipped policy as it was while the glass could be broken for a factor reset."""
    return copied(tmp_path / "weak", GLASS, SINCE)


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """Four people: somebody with a manager, an agent and a duty officer."""
    people = [
        {"id": "p-ana", "kind": "employee", "unit": "hq"},
        {"id": "p-boss", "kind": "employee", "unit": "hq"},
        {"id": "p-desk", "kind": "employee", "unit": "hq", "grants": [{"role": "agent"}]},
        {"id": "p-duty", "kind": "employee", "unit": "hq", "grants": [{"role": "iam_duty"}, {"role": "executor"}]},
    ]
    accounts = [
        {"id": "a-ana", "account_class": "finance", "unit": "hq", "person": "p-ana", "manager": "p-boss"},
        {"id": "a-boss", "account_class": "standard", "unit": "hq", "person": "p-boss"},
    ]
    file = tmp_path / "roster.json"
    file.write_text(json.dumps({"accounts": accounts, "people": people}))
    return file


def facts(text: str) -> Any:
    return json.loads(text)


def test_the_shipped_policy_holds_its_thresholds(here: Here) -> None:
    """The map has every class, what frameworks and scenarios say stands beside it, and nothing falls short."""
    done = here("policy", "prove", "--fail-under", "shipped")

    assert done.code == 0
    for word in ("identity control", "NIST SP 800-63B-4", "S30", "holds"):
        assert word in done.out


def test_what_falls_short_is_named_and_fails(here: Here, weak: Path) -> None:
    """The cell, the attack and both costs; exit code 1."""
    done = here("policy", "prove", str(weak), "--fail-under", "shipped")

    assert done.code == 1
    assert "privileged, factor reset: session_token@custodian + session_token@custodian_2 costs 4, and 6" in done.out
    assert here("policy", "prove", str(weak), "--fail-under", "standard=4!").code == 0


def test_facts_for_programs(here: Here) -> None:
    """The analysis, compliance, scenarios and misses as one line of JSON."""
    told = facts(here("policy", "prove", "--json", "--fail-under", "privileged=99").out)

    assert {len(told["analysis"]["cells"]), len(told["scenarios"])} == {80, 30}
    assert {miss["account_class"] for miss in told["misses"]} == {"privileged"}
    assert told["compliance"]


def test_pictures_are_written(here: Here, tmp_path: Path) -> None:
    """A picture and a page, each whole; where they can not be written it is said."""
    svg, html = tmp_path / "map.svg", tmp_path / "map.html"
    done = here("policy", "prove", "--svg", str(svg), "--html", str(html))

    assert done.code == 0
    assert svg.read_text().startswith("<svg") or "<svg" in svg.read_text()[:200]
    assert html.read_text().rstrip().endswith("</html>")
    assert is_told(here("policy", "prove", "--svg", str(tmp_path / "no" / "map.svg")), 4, "Name a file in a folder")


def test_one_path_step_by_step(here: Here) -> None:
    """The cheapest way to a cell, with what each step needs."""
    done = here("policy", "prove", "--path", "--class", "standard", "--action", "factor_reset")

    assert done.code == 0
    assert done.out.startswith("standard, factor reset: cost 5: ")
    assert "  1. " in done.out
    assert "executive" not in done.out


def test_one_account_of_a_roster(here: Here, roster: Path) -> None:
    """A named account, in the words of the people around it; an unknown one, and no roster, are told."""
    one = ("policy", "prove", "--roster", str(roster), "--account", "a-ana")
    analysis = facts(here(*one, "--json").out)["analysis"]
    rows = analysis["accounts"]

    assert not analysis["complete"]
    assert [row["action"] for row in rows][2] == "factor_reset"
    assert all(row["account"] == "a-ana" and row["account_class"] == "finance" for row in rows)
    assert "p-ana" in json.dumps(rows[1]["attacks"])
    near = facts(here(*one, "--bound", "3", "--json").out)["analysis"]["accounts"]
    assert max(attack["cost"] for row in near for attack in row["attacks"]) >= 3
    assert sum(len(row["attacks"]) for row in near) < sum(len(row["attacks"]) for row in rows)
    assert "Every attack that costs 6 or less is here" in here(*one).out
    steps = here(*one, "--path")
    assert "Every attack that costs 6 or less is here" in steps.out
    assert "a-ana, password reset: cost 3" in steps.out
    assert is_told(here("policy", "prove", "--roster", str(roster), "--account", "a-no"), 2, "Name one that is")
    assert is_told(here("policy", "prove", "--account", "a-ana"), 2, "--roster")
    both = ("--roster", str(roster), "--account", "a-ana", "--fail-under", "shipped")
    assert is_told(here("policy", "prove", *both), 2, "not one account")


def test_a_roster_as_a_whole(here: Here, roster: Path) -> None:
    """The classes that are in it, and its accounts by what they cost."""
    done = here("policy", "prove", "--roster", str(roster))

    assert done.code == 0
    assert "Cheapest of 2 accounts" in done.out
    assert "a-boss" in done.out


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "no roster"), ('{"accounts": [], "people": []}', "has no accounts"), ('{"accounts": 3}', "no roster")],
)
def test_a_roster_that_is_none(here: Here, tmp_path: Path, text: str, told: str) -> None:
    """What is wrong with it, where, and the way on."""
    (tmp_path / "roster.json").write_text(text)

    assert is_told(here("policy", "prove", "--roster", str(tmp_path / "roster.json")), 2, told)


def test_the_people_of_a_ledger(desk: Desk, here: Here) -> None:
    """With the settings of a Watchword its own accounts and people are looked at."""
    del desk  # it is what `here` types at
    done = here("policy", "prove", "--config", "watchword.toml", "--json")

    assert done.code == 0, done.err
    assert facts(done.out)["analysis"]["accounts"]
    one = here("policy", "prove", "--config", "watchword.toml", "--account", "tom.ashby", "--path")
    assert one.out.startswith("the account of tom, unlock: cost 2: phish_relay@tom")
    assert is_told(here("policy", "prove", "--config", "watchword.toml", "--account", "nobody"), 2, "called 'nobody'")


def test_a_change_is_told_both_ways(here: Here, weak: Path, tmp_path: Path) -> None:
    """What got cheaper fails; what got dearer does not; the cheapest attack now stands beside it."""
    strict = copied(tmp_path / "strict")
    worse, better = (
        here("policy", "diff", str(strict), str(weak)),
        here("policy", "diff", str(weak), str(strict)),
    )

    assert (worse.code, better.code) == (1, 0)
    assert "Nothing got dearer" in worse.out
    assert "Nothing got cheaper" in better.out
    changes = facts(here("policy", "diff", str(weak), str(strict), "--json").out)["changes"]
    reset = next(c for c in changes if (c["account_class"], c["action"]) == ("privileged", "factor_reset"))
    assert (reset["before"], reset["after"]) == (4, 6)


def test_fixes_are_proposed_and_not_written(here: Here, weak: Path) -> None:
    """What falls short, edits with line and cost, cheapest first; the policy stays as it is."""
    before = (weak / "procedures.yaml").read_text()
    done = here("policy", "fix", str(weak), "--most", "1")

    assert done.code == 0
    assert "1. +" in done.out
    assert "procedures.yaml:" in done.out
    assert (weak / "procedures.yaml").read_text() == before
    assert "nothing to propose" in here("policy", "fix").out


def test_a_threshold_nobody_understands(here: Here) -> None:
    """The form it should have is told."""
    assert is_told(here("policy", "prove", "--fail-under", "everything"), 2, "Write CLASS=COST")
