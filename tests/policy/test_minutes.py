"""What a procedure costs in minutes: the table says where each number is from, and sums follow it."""

from __future__ import annotations

import msgspec

from tests.policy.sample import CALM
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.requirement import Requirement
from watchword.policy import Policy
from watchword.policy.minutes import APPROVAL, NOTHING, OTHER, SIGNATURE, WAITING, effort, minutes

SHIPPED = Policy.default().procedures


def need(account_class: AccountClass, action: Action) -> Requirement:
    """What the shipped policy asks on a quiet day."""
    return SHIPPED.require(account_class, action, CALM)


def test_every_method_that_ships_has_minutes_with_a_source() -> None:
    """No number stands without saying whether it was read somewhere or assumed."""
    table = minutes()

    assert set(SHIPPED.loaded.methods.methods) <= set(table)
    assert {OTHER, APPROVAL, SIGNATURE, WAITING} <= set(table)
    assert all(row.minutes > 0 and row.source.startswith(("assumption: ", "https://")) for row in table.values())


def test_the_quickest_way_is_taken_and_approvals_are_added() -> None:
    """One passkey for a reset; two methods and a manager for a factor; each approver's minutes count."""
    table = minutes()
    reset = effort(need(AccountClass.STANDARD, Action.PASSWORD_RESET))
    factor = effort(need(AccountClass.STANDARD, Action.FACTOR_RESET))

    assert (reset.verifications, reset.approvals, reset.work_minutes) == (1, 0, table["passkey"].minutes)
    assert (factor.verifications, factor.approvals) == (2, 1)
    assert factor.work_minutes == sum(table[m].minutes for m in factor.methods) + table[APPROVAL].minutes


def test_the_way_goes_on_from_what_was_proved() -> None:
    """Where somebody proved in person already, the way that needs least beyond it is taken, not the quickest."""
    quick = effort(need(AccountClass.STANDARD, Action.FACTOR_RESET))
    along = effort(need(AccountClass.STANDARD, Action.FACTOR_RESET), {"in_person", "mail_code"})

    assert set(along.methods) == {"in_person", "mail_code"}
    assert quick.work_minutes < along.work_minutes


def test_a_hold_counts_where_nothing_proved_waives_it() -> None:
    """Four hours for an executive's total loss in person and by mail; none where a passkey was proven."""
    asked = need(AccountClass.EXECUTIVE, Action.TOTAL_LOSS)

    assert effort(asked, {"passkey", "in_person"}).hold_minutes == 0
    unwaived = msgspec.structs.replace(asked, hold_waived_by=())
    assert effort(unwaived).hold_minutes == 240


def test_signatures_and_custodians_take_their_minutes() -> None:
    """An approval that is signed takes longer, and what two custodians prove is proven twice."""
    asked = need(AccountClass.EXECUTIVE, Action.FACTOR_RESET)
    assert asked.approve is not None
    signed = msgspec.structs.replace(asked, approve=msgspec.structs.replace(asked.approve, signed=True))
    custodians = effort(need(AccountClass.BREAK_GLASS, Action.UNLOCK))

    more = effort(signed).work_minutes - effort(asked).work_minutes
    assert more == len(asked.approve.seats) * minutes()[SIGNATURE].minutes
    assert (custodians.methods, custodians.verifications) == (("custodian_passkey",), 2)


def test_waiting_weighs_a_tenth_of_work() -> None:
    """A hold of three days is minutes of waiting and none of work; what is the same on both sides is nothing."""
    change = effort(need(AccountClass.EXECUTIVE, Action.RECOVERY_INFO_CHANGE))

    assert change.hold_minutes == 72 * 60
    assert change.weight == change.work_minutes + 72 * 60 / minutes()[WAITING].minutes
    assert (change - change, change - NOTHING + NOTHING) == (NOTHING, msgspec.structs.replace(change, methods=()))
