"""What a requirement costs people, by assumptions that are written down."""

from __future__ import annotations

import msgspec
import pytest

from tests.policy.sample import CALM
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy import Policy
from watchword.policy.effort import NOTHING, Effort, assumed, effort


def of(account_class: AccountClass, action: Action) -> Effort:
    """The effort of a cell of the shipped policy."""
    return effort(Policy.default().procedures.require(account_class, action, CALM))


def test_every_shipped_method_has_its_minutes() -> None:
    """No method of the shipped policy falls back to the minutes of any other."""
    assert set(assumed().methods) == set(Policy.default().procedures.loaded.methods.methods)


def test_a_case_costs_its_easiest_proof_and_all_its_approvals() -> None:
    """A standard factor reset takes a passkey and a one-time password, and one approver's five minutes."""
    assert of(AccountClass.STANDARD, Action.FACTOR_RESET) == Effort(minutes=7, approvals=1, waiting=0)


def test_waiting_is_counted_apart() -> None:
    """A hold of three days is minutes of waiting and none of work, and weighs a tenth of them."""
    change = of(AccountClass.EXECUTIVE, Action.RECOVERY_INFO_CHANGE)

    assert change.waiting == 72 * 60
    assert change.weight == pytest.approx(change.minutes + 432)


def test_a_signature_takes_longer_than_a_session() -> None:
    """Two approvers who sign take two minutes more than two who do not."""
    plain = Policy.default().procedures.require(AccountClass.FINANCE, Action.FACTOR_RESET, CALM)
    assert plain.approve is not None
    signed = msgspec.structs.replace(plain, approve=msgspec.structs.replace(plain.approve, signed=True))

    assert effort(signed) - effort(plain) == Effort(minutes=2, approvals=0, waiting=0)
    assert effort(plain) - effort(plain) == NOTHING
