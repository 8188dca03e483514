"""Edits of a policy: each makes one thing stricter, says where it stands, and changes nothing else."""

from __future__ import annotations

from itertools import product

import pytest

from tests.policy.sample import CALM, line_of
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.requirement import lowered
from watchword.policy import Policy
from watchword.policy.draft import drafted, joined, moves
from watchword.policy.tables import Cell

CELLS = [(c, a) for c, a in product(AccountClass, Action) if isinstance(Policy.default().procedures.cell(c, a), Cell)]


def test_the_moves_of_a_cell() -> None:
    """A standard factor reset may go up a tier, up an approval, wait, or be signed for; nothing else."""
    found = [str(e) for e in moves(Policy.default(), AccountClass.STANDARD, Action.FACTOR_RESET)]
    line = line_of("factor_reset:         {verify: [V2],      approve: A1,")

    assert found == [
        f"procedures.yaml:{line}: procedures.standard.factor_reset.verify: [V2] -> [V3]",
        f"procedures.yaml:{line}: procedures.standard.factor_reset.approve: A1 -> A2",
        f"procedures.yaml:{line}: procedures.standard.factor_reset.hold: 0 -> 1h",
        f"procedures.yaml:{line_of('A1:  {separate')}: approvals.A1.signed: false -> true",
    ]


@pytest.mark.parametrize(("account_class", "action"), CELLS)
def test_no_move_lowers_its_cell(account_class: AccountClass, action: Action) -> None:
    """Whatever is proposed for a cell, the cell asks for no less than before, and for something else."""
    policy = Policy.default()
    before = policy.procedures.require(account_class, action, CALM)

    for edit in moves(policy, account_class, action):
        after = drafted(policy, (edit,)).procedures.require(account_class, action, CALM)
        assert not lowered(before, after), edit
        assert after != before or edit.path[0] == "break_glass", edit


def test_an_emergency_is_made_stricter_in_two_ways() -> None:
    """Breaking the glass may ask for signatures or for one custodian more, wherever it is an answer to a cell."""
    policy = Policy.default()
    edits = [e for e in moves(policy, AccountClass.PRIVILEGED, Action.UNLOCK) if e.path[0] == "break_glass"]
    after = [drafted(policy, (e,)).procedures.break_glass for e in edits]
    before = policy.procedures.break_glass

    assert [g.custodians for g in after if g.custodians != before.custodians] == [before.custodians + 1]
    assert all(g.custodians >= before.custodians and g.signed >= before.signed for g in after)
    assert not [e for e in moves(policy, AccountClass.STANDARD, Action.UNLOCK) if e.path[0] == "break_glass"]


def test_an_edit_changes_one_cell() -> None:
    """Raising one cell leaves every other as it was, and the policy it came from too."""
    policy = Policy.default()
    edit = next(moves(policy, AccountClass.FINANCE, Action.UNLOCK))
    changed = drafted(policy, (edit,))

    differs = [c for c in CELLS if changed.procedures.require(*c, CALM) != policy.procedures.require(*c, CALM)]
    assert differs == [(AccountClass.FINANCE, Action.UNLOCK)]
    assert policy.procedures.table == Policy.default().procedures.table


def test_two_edits_of_one_place_are_one() -> None:
    """A hold raised twice is one edit from what it was to what it shall be."""
    policy = Policy.default()
    cell = (AccountClass.STANDARD, Action.BYPASS_CODE)
    first = next(e for e in moves(policy, *cell) if e.path[-1] == "hold")
    second = next(e for e in moves(drafted(policy, (first,)), *cell) if e.path[-1] == "hold")

    (edit,) = joined(joined((), first), second)

    assert str(edit).endswith("procedures.standard.bypass_code.hold: 0 -> 4h")
    assert drafted(policy, (edit,)).procedures.require(*cell, CALM).hold_s == 4 * 3600


def test_a_denied_cell_has_no_moves() -> None:
    """What the desk refuses can not be made stricter."""
    assert not list(moves(Policy.default(), AccountClass.STANDARD, Action.PRIVILEGED_OVERRIDE))
