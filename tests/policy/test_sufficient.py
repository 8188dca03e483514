"""The smallest sets of methods that are enough, held against a search that leaves nothing out."""

from __future__ import annotations

from itertools import combinations

import pytest

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.requirement import Requirement, Satisfied, assess
from watchword.policy import Policy
from watchword.policy.sufficient import _AT, _proved, sufficient

CELLS = (
    (AccountClass.STANDARD, Action.UNLOCK),
    (AccountClass.STANDARD, Action.FACTOR_RESET),
    (AccountClass.EXTERNAL, Action.UNLOCK),
    (AccountClass.PRIVILEGED, Action.TOTAL_LOSS),
    (AccountClass.SERVICE, Action.SECRET_REISSUE),
    (AccountClass.BREAK_GLASS, Action.TOTAL_LOSS),
)


def exhaustive(requirement: Requirement, freeze: int, among: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Every set of methods, fewest first, asked of `assess`; those that hold a smaller one left out."""
    provers = max(w.provers for w in (*requirement.verify, requirement.strongest))
    names = tuple(m.name for m in requirement.methods)
    proofs = {name: tuple(_proved(name, prover) for prover in range(provers)) for name in names}
    found: list[tuple[str, ...]] = []
    for subset in (s for size in range(1, len(names) + 1) for s in combinations(names, size)):
        held = set(subset)
        if (among and held.isdisjoint(among)) or any(held.issuperset(smaller) for smaller in found):
            continue
        evidence = tuple(proof for name in subset for proof in proofs[name])
        answer = assess(requirement, evidence, _AT, freeze=freeze)
        if isinstance(answer, Satisfied) and (not among or set(among) & set(answer.methods)):
            found.append(subset)
    return tuple(found)


@pytest.mark.parametrize("among", [(), ("passkey",)], ids=["", "waived"])
@pytest.mark.parametrize("freeze", [0, 1, 2])
@pytest.mark.parametrize(("held", "action"), CELLS)
def test_nothing_is_left_out(held: AccountClass, action: Action, freeze: int, among: tuple[str, ...]) -> None:
    """Looking at independent methods alone finds the same sets in the same order, also under a freeze."""
    requirement = Policy.default().procedures.plain(held, action)
    assert requirement is not None
    assert sufficient(requirement, freeze=freeze, among=among) == exhaustive(requirement, freeze, among)
