"""A ruling: a yes without a single diagnostics error is one, and nothing else."""

from __future__ import annotations

import pytest

from tests.core.sample import ANN
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.errors import Refused
from watchword.core.ruling import CaseFacts, Ruling


def test_a_yes_is_let_pass() -> None:
    """Nothing is raised where a rule permits and none was in error, whatever the rules are called."""
    Ruling(person=ANN, step=Step.OPEN, allowed=True, reasons=("agents-open",)).demand()


@pytest.mark.parametrize(
    ("allowed", "reasons", "errors", "said"),
    [
        (False, ("vendors-never-approve",), (), ("vendors-never-approve",)),
        (False, (), (), ("no rule permits it",)),
        (True, ("agents-open",), ("rule 3: unit is missing",), ("rule 3: unit is missing",)),
        (False, ("a",), ("b", "c"), ("b", "c")),
    ],
)
def test_anything_else_is_refused_with_what_decided(
    reasons: tuple[str, ...], errors: tuple[str, ...], said: tuple[str, ...], *, allowed: bool
) -> None:
    """An error outweighs a yes and is told before the rules; a refusal by no rule says so."""
    with pytest.raises(Refused) as caught:
        Ruling(person=ANN, step=Step.RELEASE_FREEZE, allowed=allowed, reasons=reasons, errors=errors).demand()
    assert caught.value.reasons == said
    assert "may not release freeze here" in caught.value.what
    # Where no rule permits it, it is a role that is wanting, and who took another step is as good as anybody.
    assert ("no other step" in caught.value.remedy) is (said != ("no rule permits it",))


def test_what_is_not_said_of_a_person_is_not_so() -> None:
    """Neither recovered lately nor unsettled, where nobody says so."""
    told = CaseFacts(case=None, unit="north", account_class=AccountClass.STANDARD, action=Action.UNLOCK, subject=None)
    assert (told.recovered, told.unsettled) == (False, False)
