"""The library of scenarios: thirty that load, a user's own beside them, and every slip of the pen told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.sample import line_of
from watchword.core.account import PEOPLE, AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.policy import Policy
from watchword.policy.attack import Need
from watchword.policy.scenarios import load_scenarios

OWN = """\
scenarios:
  - id: OWN-1
    title: The courier
    story: A parcel with a key goes to the wrong door.
    has: [mail_intercept, {approver_duped: manager_of_record}]
    classes: [finance]
    actions: [factor_reset]
    step: verify
    attack: [T1656, T1078.004]
    source: told at the bar
"""


def test_thirty_scenarios_ship() -> None:
    """S01 to S30 are there, each with a story, and every class and action they name is governed."""
    shipped = load_scenarios(Policy.default())

    assert [s.id for s in shipped] == [f"S{n:02}" for n in range(1, 31)]
    assert all(s.has and s.attack and s.story.count(".") >= 1 for s in shipped)
    assert {c for s in shipped for c in s.classes} >= set(PEOPLE)


def test_a_technique_that_moved_has_its_alias() -> None:
    """Impersonation keeps its id of version 18.1 and says the one of version 19; Phishing keeps its own."""
    techniques = {t.id: t.alias for s in load_scenarios(Policy.default()) for t in s.attack}

    assert techniques["T1656"] == "T1684.001"
    assert techniques["T1566.004"] is None


def test_users_add_their_own(tmp_path: Path) -> None:
    """A file of one's own stands beside the shipped one, with whom a capability is about."""
    file = tmp_path / "own.yaml"
    file.write_text(OWN, encoding="utf-8")

    own = load_scenarios(Policy.default(), file)[-1]

    assert own.id == "OWN-1"
    assert own.has == (
        Need(capability="mail_intercept"),
        Need(capability="approver_duped", subject="manager_of_record"),
    )
    assert (own.classes, own.actions) == ((AccountClass.FINANCE,), (Action.FACTOR_RESET,))
    assert [(t.id, t.alias) for t in own.attack] == [("T1656", "T1684.001"), ("T1078.004", None)]


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("mail_intercept", "mail_intrcept", "scenarios.0.has.0", "'mail_intrcept' is no capability"),
        ("{approver_duped", "{approver_dupd", "scenarios.0.has.1", "'approver_dupd' is no capability"),
        ("manager_of_record", "manger", "scenarios.0.has.1", "'manger' is nobody the analysis knows"),
        ("[finance]", "[finances]", "scenarios.0.classes.0", "'finance'"),
        ("[factor_reset]", "[reset]", "scenarios.0.actions.0", "'factor_reset'"),
        ("T1078.004", "T1078.4", "scenarios.0.attack.1", "no id of ATT&CK"),
        ("OWN-1", "S07", "scenarios.0.id", "an id of a shipped scenario"),
        ("OWN-1", "own one", "scenarios.0.id", "is no id"),
        ("step: verify", "step: luck", "scenarios.0.step", "'verify'"),
        ("source:", "sauce:", "scenarios.0.sauce", "not known here"),
        (
            "has: [mail_intercept, {approver_duped: manager_of_record}]",
            "has: []",
            "scenarios.0.has",
            "name at least one",
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, old: str, new: str, path: str, said: str) -> None:
    """One slip of the pen is told with file, line, path and the way on."""
    assert old in OWN
    file = tmp_path / "own.yaml"
    text = OWN.replace(old, new)
    file.write_text(text, encoding="utf-8")

    with pytest.raises(Invalid) as error:
        load_scenarios(Policy.default(), file)

    told = [line for line in str(error.value).splitlines() if f" {path}: " in line]
    line = line_of(new.split(maxsplit=1)[0], text)
    assert told, str(error.value)
    assert said in told[0]
    assert f"own.yaml:{line}:" in told[0]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """A capability, a class and an id that are wrong are three lines of one error, form and sense together."""
    file = tmp_path / "own.yaml"
    file.write_text(
        OWN.replace("mail_intercept", "luck").replace("[finance]", "[bank]").replace("OWN-1", "S01"), encoding="utf-8"
    )

    with pytest.raises(Invalid) as error:
        load_scenarios(Policy.default(), file)

    assert "3 mistakes" in str(error.value)
