"""`fix`: what is proposed meets the thresholds, is sound, costs what it says, and has nothing in it to leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.sample import CEDAR, METHODS, SCHEMA, spoiled
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy import Policy
from watchword.policy.attack import prove
from watchword.policy.bundle import FILES
from watchword.policy.check import findings
from watchword.policy.draft import Edit, drafted
from watchword.policy.fix import Fix, fixes
from watchword.policy.thresholds import Threshold, misses

ASKED = (Threshold(classes=(AccountClass.STANDARD,), actions=(Action.FACTOR_RESET,), cost=4),)
CELL = "procedures.standard.factor_reset"


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """The shipped policy with nobody to approve a standard factor reset: a stolen phone is enough."""
    folder = tmp_path_factory.mktemp("weak")
    cell = "factor_reset:         {verify: [V2],      approve: A1,"
    texts = (spoiled(cell, cell.replace("A1", "none")), METHODS, CEDAR, SCHEMA)
    for name, text in zip(FILES, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    return Policy.load(Path(folder))


@pytest.fixture(scope="module")
def proposed(weak: Policy) -> tuple[Fix, ...]:
    """What is proposed for it."""
    return fixes(weak, ASKED)


def test_the_cheapest_for_people_comes_first(proposed: tuple[Fix, ...]) -> None:
    """Some minutes of a manager come before an hour of waiting, and both before the way to the desk."""
    told = [
        (
            [f"{'.'.join(e.path)}: {e.old} -> {e.new}" for e in f.edits],
            (f.effort.work_minutes, f.effort.approvals, f.effort.hold_minutes),
        )
        for f in proposed
    ]

    assert told == [
        ([f"{CELL}.approve: none -> A1"], (4, 1, 0)),
        ([f"{CELL}.hold: 0 -> 3600"], (0, 0, 60)),
        ([f"{CELL}.verify: ('V2',) -> ('V4',)"], (14, 0, 0)),
    ]


def test_each_proposal_meets_the_threshold_and_is_sound(weak: Policy, proposed: tuple[Fix, ...]) -> None:
    """Analysed again as a whole, no proposal misses anything, nor brings in anything `policy check` would name."""
    for fix in proposed:
        changed = drafted(weak, fix.edits)

        assert misses(prove(weak), ASKED)
        assert not misses(prove(changed), ASKED)
        assert len(findings(changed.procedures)) <= len(findings(weak.procedures))


def test_nothing_is_proposed_for_a_policy_that_meets_its_thresholds() -> None:
    """The shipped policy meets this threshold, so there is nothing to propose; its files are as they were."""
    before = Policy.default().texts

    assert fixes(Policy.default(), ASKED) == ()
    assert Policy.default().texts == before


def test_an_emergency_has_its_price() -> None:
    """Three custodians in the place of two, none of whom signs, are an approval more each time the glass is broken."""
    asked = (Threshold(classes=(AccountClass.BREAK_GLASS,), actions=(Action.UNLOCK,), cost=6),)
    two = (
        Edit(path=("break_glass", "custodians"), line=1, old=2, new=2),
        Edit(path=("break_glass", "signed"), line=1, old=0, new=0),
    )
    best = fixes(drafted(Policy.default(), two), asked, most=1)[0]

    assert [str(e).partition(": ")[2] for e in best.edits] == ["break_glass.custodians: 2 -> 3"]
    assert (best.effort.work_minutes, best.effort.approvals) == (4, 1)


def test_what_people_lose_has_its_price_too() -> None:
    """Where the glass opens a factor reset, not to break it for that is proposed last, with what is lost in words."""
    asked = (Threshold(classes=(AccountClass.PRIVILEGED,), actions=(Action.FACTOR_RESET,), cost=6),)
    glass = Policy.default().procedures.table.break_glass.actions
    opened = (
        Edit(path=("break_glass", "actions"), line=1, old=glass, new=(*glass, Action.FACTOR_RESET)),
        Edit(path=("break_glass", "signed"), line=1, old=0, new=0),
    )
    found = fixes(drafted(Policy.default(), opened), asked, most=3)

    (last,) = [fix for fix in found if fix.losses]
    (edit,) = (str(e).partition(": ")[2] for e in last.edits)
    before = "unlock, password_reset, total_loss, privileged_override"
    assert edit == f"break_glass.actions: [{before}, factor_reset] -> [{before}]"
    assert found.index(last) == len(found) - 1 > 0
    assert last.effort.work_minutes == last.effort.approvals == 0
    assert last.losses[0].startswith("in an emergency nobody breaks the glass for factor reset of privileged")
    assert last.losses[0].endswith("only for unlock or password reset or total loss or privileged override")
