"""`watchword policy`: what a policy gets wrong, what a cell asks for, and which policy is active."""

from __future__ import annotations

import inspect
import re
import shutil
from importlib import resources
from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told
from watchword.cli.case import open_
from watchword.cli.policy import explain_
from watchword.core.requirement import Context

CELL = ("policy", "explain", "--class", "standard", "--action", "unlock")
SAID = ("channel", "location", "device", "risk", "situation")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The shipped policy with a class misspelt, a wait that is none, and Cedar that is none."""
    folder = tmp_path / "broken"
    with resources.as_file(resources.files("watchword.policy") / "default") as shipped:
        shutil.copytree(shipped, folder)
    table = (folder / "procedures.yaml").read_text()
    (folder / "procedures.yaml").write_text(
        table.replace("executive:", "executiv:", 1).replace("hold: 1h", "hold: 1x", 1)
    )
    (folder / "people.cedar").write_text("permit (principal action resource);")
    return folder


def test_the_shipped_policy_is_sound(here: Here) -> None:
    """Without a folder the policy that ships is checked, and found sound."""
    assert here("policy", "check").code == 0
    assert here("policy", "check", "--json").json == []


def test_every_mistake_has_its_place(here: Here, broken: Path) -> None:
    """Each mistake is a line that begins with file and line, and there is more than one at a time."""
    typed = here("policy", "check", str(broken))
    mistakes = here("policy", "check", str(broken), "--json")

    assert (typed.code, mistakes.code) == (1, 1)
    assert len(mistakes.json) > 1
    assert {Path(one["file"]).name for one in mistakes.json} >= {"procedures.yaml", "people.cedar"}
    assert len(re.findall(r"^\S*(?:procedures\.yaml|people\.cedar):\d+", typed.out, re.MULTILINE)) == len(mistakes.json)


def test_a_folder_that_is_none_is_told(here: Here, tmp_path: Path) -> None:
    """A folder without a policy is a mistake of the caller."""
    assert is_told(here("policy", "check", str(tmp_path / "nowhere")), 2, "nowhere")
    assert is_told(here(*CELL, "--folder", str(tmp_path / "nowhere")), 2, "nowhere")


def test_what_is_not_said_of_a_request_is_assumed_alike() -> None:
    """`policy explain` and `case open` take an unsaid context for the same: what is explained is what is then asked."""
    assumed = [
        {name: one.default for name, one in inspect.signature(command).parameters.items() if name in SAID}
        for command in (explain_, open_)
    ]
    assert assumed[0] == assumed[1] == {name: getattr(Context(), name) for name in SAID}


def test_a_cell_is_explained(here: Here) -> None:
    """Words for people, the whole explanation as JSON."""
    words = here(*CELL)
    told = here(*CELL, "--json").json

    assert (words.code, told["cell"]) == (0, "standard.unlock")
    assert "Prove: " in words.out
    assert told["refused"] == []
    assert here("policy", "explain", "--class", "standard", "--action", "factor_reset").code == 0


@pytest.mark.parametrize(
    "circumstance",
    [
        ("--channel", "chat"),
        ("--location", "abroad"),
        ("--device", "unknown"),
        ("--risk", "high"),
        ("--situation", "after_hours"),
        ("--elevated-threat",),
        ("--repeat", "1"),
    ],
)
def test_circumstances_only_raise(here: Here, circumstance: tuple[str, ...]) -> None:
    """Each circumstance is taken, and what it raises is said; none makes a cell easier."""
    cell = ("policy", "explain", "--class", "executive", "--action", "factor_reset", "--json")
    told, plain = here(*cell, *circumstance), here(*cell, "--location", "office", "--device", "managed").json

    assert told.code == 0
    assert told.json["plain"] == plain["plain"]
    assert len(told.json["raised"]) >= len(plain["raised"])


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (("--channel", "telepathy"), "phone"),
        (("--location", "moon"), "office"),
        (("--device", "abacus"), "managed"),
        (("--risk", "none"), "low"),
        (("--situation", "tuesday"), "normal"),
        (("--repeat", "-1"), "--repeat"),
        (("--step", "dance"), "approve"),
    ],
)
def test_unknown_words_are_told_with_the_known(here: Here, wrong: tuple[str, str], named: str) -> None:
    """A word the policy does not know is refused, with those it knows."""
    assert is_told(here(*CELL, *wrong), 2, named)
    assert is_told(here("policy", "explain", "--class", "nobody", "--action", "unlock"), 2, "standard")


def test_what_is_denied_exits_as_a_refusal(here: Here) -> None:
    """A cell that nobody can open says why and what to do, with the exit code of a refusal."""
    typed = here("policy", "explain", "--class", "service", "--action", "factor_reset")

    assert typed.code == 3
    assert "refused: " in typed.out


def test_who_may_take_a_step(desk: Desk, here: Here) -> None:
    """With a person and a step it says which rule lets them, or keeps them out."""
    del desk
    agent = here(*CELL, "--person", "ines", "--step", "open")
    nobody = here(*CELL, "--person", "tom", "--step", "open", "--json")

    assert (agent.code, nobody.code) == (0, 3)
    assert "this person may open" in agent.out
    assert nobody.json["ruling"]["reasons"]
    assert is_told(here(*CELL, "--person", "nobody.known"), 2, "nobody.known")


@pytest.fixture
def edited(desk: Desk) -> Path:
    """A desk whose policy lies in a folder of its own, and was edited since it was founded."""
    with resources.as_file(resources.files("watchword.policy") / "default") as shipped:
        shutil.copytree(shipped, desk.home / "policy")
    with (desk.home / "policy" / "procedures.yaml").open("a") as table:
        table.write("# reviewed\n")
    desk.config.write_text(f'policy = "policy"\n{desk.config.read_text()}')
    return desk.home / "policy"


def test_an_edited_policy_is_activated_by_two_authors(edited: Path, here: Here) -> None:
    """Doctor says when the policy on disk is not the active one; one author proposes it and another confirms it."""
    before = here("doctor")
    early = here("policy", "activate", login="otto")
    refused = here("policy", "propose", login="ines")
    proposed = here("policy", "propose", login="root")
    waiting = here("doctor")
    alone = here("policy", "activate", login="root")
    active = here("policy", "activate", "--json", login="otto")

    assert before.code == 1
    assert "watchword policy propose" in before.out
    assert is_told(early, 3, "Nobody has proposed", "watchword policy propose")
    assert is_told(refused, 3)
    assert proposed.code == 0
    assert "not active" in proposed.out
    assert "watchword policy activate --digest sha256:" in proposed.out
    assert "waits until" in waiting.out
    assert is_told(alone, 3, "proposer-never-confirms")
    assert active.json["active"].startswith("sha256:")
    assert active.json["active"] in proposed.out
    assert here("doctor").code == 0
    assert edited.is_dir()


def test_only_the_digest_that_was_named_is_confirmed(edited: Path, here: Here) -> None:
    """A digest that is not the one that waits, and a file edited after it was proposed, are conflicts."""
    proposed = here("policy", "propose", "--json", "--hours", "2", login="root").json
    other = here("policy", "activate", "--digest", "sha256:0000", login="otto")
    with (edited / "procedures.yaml").open("a") as table:
        table.write("# once more\n")
    changed = here("policy", "activate", login="otto")

    assert proposed["by"] == "root"
    assert is_told(other, 2, "not what is proposed")
    assert is_told(changed, 2, "no longer what was proposed")
    assert is_told(here("policy", "propose", "--hours", "500", login="root"), 3, "between an hour and a week")


def test_the_active_policy_is_written_back(edited: Path, here: Here) -> None:
    """Where the file was lost or broken the active one comes back out of the ledger byte for byte."""
    (edited / "procedures.yaml").write_text("tiers: [")
    written = here("policy", "restore", "back", "--json")

    assert sorted(written.json["written"]) == sorted(p.name for p in (edited.parent / "back").iterdir())
    for name in written.json["written"]:
        assert (edited.parent / "back" / name).read_bytes() == (
            resources.files("watchword.policy") / "default" / name
        ).read_bytes()
    assert is_told(here("policy", "restore", "back"), 2, "there already")


def test_check_holds_a_policy_against_the_active_one(edited: Path, here: Here) -> None:
    """With the settings of a desk, a policy that is not the active one is a mistake, with the way on."""
    sound = here("policy", "check", str(edited))
    drifted = here("policy", "check", "--config", "watchword.toml", "--json")
    here("policy", "propose", login="root")
    waiting = here("policy", "check", "--config", "watchword.toml")
    here("policy", "activate", login="otto")

    assert sound.code == 0
    assert drifted.code == 1
    assert [m["what"].startswith("this is not the active policy") for m in drifted.json] == [True]
    assert "restore" in drifted.json[0]["remedy"]
    assert "waits until" in waiting.out
    assert here("policy", "check", "--config", "watchword.toml").code == 0


def test_a_console_that_starts_under_another_policy_says_so(edited: Path, desk: Desk) -> None:
    """`serve` warns at the start, with the way on, instead of standing still unexplained."""
    with desk.process("serve", until="policy.drift") as running:
        assert running.poll() is None
    assert edited.is_dir()


def test_a_policy_with_findings_is_not_proposed(edited: Path, here: Here) -> None:
    """What loads and is wrong all the same is refused by name, with the command that names the rest."""
    table = edited / "procedures.yaml"
    table.write_text(
        table.read_text().replace("close_remote: 3, strongest_only: 5", "close_remote: 3, strongest_only: 3")
    )

    refused = here("policy", "propose", login="root")

    assert is_told(refused, 3, "freeze.strongest_only")
    assert is_told(refused, 3, "watchword policy check")
    assert here("policy", "check", "policy").code == 1
    assert "watchword policy propose" in here("doctor").out


def test_cases_are_replayed_against_a_draft(desk: Desk, here: Here) -> None:
    """The table says what a draft asks more or less, names whom it refuses, and that its minutes are assumptions."""
    with resources.as_file(resources.files("watchword.policy") / "default") as shipped:
        shutil.copytree(shipped, desk.home / "draft")
    none = here("policy", "replay", "draft")
    opened = here("case", "open", "tom.ashby", "unlock", "--reason", "x", "--json", login="ines").json["case"]
    here("case", "open", "nina.crane", "password-reset", "--reason", "x", login="ines")
    same = here("policy", "replay", "draft", "--json").json["replay"]
    table = desk.home / "draft" / "procedures.yaml"
    unlock = "    unlock:               {verify: [V1, V2],  approve: none, hold: 0,   alert: L0, after: told}"
    denied = '    unlock: {deny: "nobody is unlocked", instead: "wait"}'
    reset = "{verify: [V1P, V2B], approve: none, hold: 0,  alert: L0, after: signed_out}"
    text = table.read_text().replace(unlock, denied)
    table.write_text(text.replace(reset, reset.replace("approve: none", "approve: A1")))
    typed = here("policy", "replay", "draft", "--days", "1")
    told = here("policy", "replay", "draft", "--json").json

    assert none.code == typed.code == 0
    assert "0 cases" in none.out
    assert (same["total"]["cases"], same["total"]["approvals"], same["total"]["refused"]) == (2, 0, 0)
    assert "2 cases" in typed.out
    assert f"refused {opened} standard.unlock: Policy denies standard.unlock: nobody is unlocked." in typed.out
    assert "Minutes are assumptions" in typed.out
    assert (told["replay"]["total"]["approvals"], told["replay"]["total"]["refused"]) == (1, 1)
    assert {"step", "minutes", "source"} == set(told["minutes"][0])
    assert is_told(here("policy", "replay", "nowhere"), 2, "procedures.yaml")
    assert is_told(here("policy", "replay", "draft", "--days", "0"), 2)


def test_a_broken_policy_on_disk_stops_what_needs_it(desk: Desk, here: Here, broken: Path) -> None:
    """No process starts on a policy with mistakes: each of them is told."""
    desk.config.write_text(f'policy = "{broken}"\n{desk.config.read_text()}')

    for command in (("serve",), ("execute", "--once")):
        assert is_told(here(*command), 2, "procedures.yaml")
    assert "procedures.yaml" in here("doctor").out
