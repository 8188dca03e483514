"""Thresholds: which cells of an analysis fall short, and by which attack."""

from __future__ import annotations

import pytest

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.policy.attack import Analysis, Attack, CellAttacks, Need
from watchword.policy.bundle import Policy
from watchword.policy.sufficient import sufficient
from watchword.policy.thresholds import SHIPPED, TAKES_OVER, Threshold, misses, threshold_of

THEFT = Need(capability="device_theft", subject="target")
RELAY = Need(capability="phish_relay", subject="target")
SEED = Need(capability="otp_seed_sync", subject="target")
ADMIN = Need(capability="idp_admin")


def reached(account_class: AccountClass, action: Action, *attacks: tuple[int, tuple[Need, ...]]) -> Analysis:
    """One cell with these attacks, and an infrastructure edge that costs nothing to speak of."""
    cell = CellAttacks(
        account_class=account_class,
        action=action,
        denied=False,
        attacks=tuple(Attack(needs=n, cost=c, dearest=c) for c, n in attacks),
        infrastructure=(Attack(needs=(ADMIN,), cost=1, dearest=1, infrastructure=True),),
    )
    return Analysis(policy="sha256:0", cells=(cell,))


def test_a_cheap_attack_is_a_miss() -> None:
    """An attack below the cost asked for is named with what it costs."""
    found = misses(reached(AccountClass.STANDARD, Action.TOTAL_LOSS, (3, (RELAY, THEFT))))

    assert [m.why for m in found] == ["phish_relay@target + device_theft@target costs 3, and 4 is asked for"]


def test_a_dear_single_capability_is_a_miss_for_executives() -> None:
    """One capability alone opens nothing that hands an executive's account over, whatever it costs."""
    found = misses(reached(AccountClass.EXECUTIVE, Action.BYPASS_CODE, (9, (THEFT,))))

    assert [m.why for m in found] == ["device_theft@target alone is enough"]


def test_a_relay_alone_opens_nothing_for_executives() -> None:
    """What defeats a one-time password by itself is a miss for executive and up, and none for a standard account."""
    attack = (3, (RELAY,))

    assert misses(reached(AccountClass.FINANCE, Action.UNLOCK, attack))
    assert not misses(reached(AccountClass.FINANCE, Action.UNLOCK, (3, (THEFT,))))
    assert not misses(reached(AccountClass.STANDARD, Action.UNLOCK, attack))


@pytest.mark.parametrize(
    ("account_class", "action"),
    [
        (AccountClass.STANDARD, Action.PASSWORD_RESET),
        (AccountClass.STANDARD, Action.SECRET_REISSUE),
        (AccountClass.CONTRACTOR, Action.PASSWORD_RESET),
        (AccountClass.EXTERNAL, Action.PASSWORD_RESET),
    ],
)
def test_a_relay_alone_buys_nobody_a_password(account_class: AccountClass, action: Action) -> None:
    """A relayed code or a copied seed is a miss where a password or secret is handed over, whatever it costs."""
    for alone in (RELAY, SEED):
        (miss,) = misses(reached(account_class, action, (9, (alone,))))
        assert miss.why == f"{alone} alone is enough"
    assert not misses(reached(account_class, action, (3, (THEFT,))))


@pytest.mark.parametrize("action", [Action.PASSWORD_RESET, Action.SECRET_REISSUE])
def test_what_buys_a_password_of_a_standard_account(action: Action) -> None:
    """A passkey, or an app or a prompt beside what does not fall with it: no second code that is relayed as it is."""
    requirement = Policy.default().procedures.plain(AccountClass.STANDARD, action)
    assert requirement is not None
    beside = {"call_code", "in_person", "id_proofing", "verifiable_credential"}
    assert {frozenset(way) for way in sufficient(requirement)} == {
        frozenset({"passkey"}),
        *(frozenset({bound, other}) for bound in ("totp", "push_number") for other in beside),
    }


def test_infrastructure_counts_towards_no_threshold() -> None:
    """A cell whose only attacks go around the desk falls short of nothing."""
    assert not misses(reached(AccountClass.PRIVILEGED, Action.TOTAL_LOSS))


def test_the_later_attack_is_found_as_well() -> None:
    """The cheapest attack may hold a threshold that a dearer one, of one capability, does not."""
    found = misses(reached(AccountClass.FINANCE, Action.TOTAL_LOSS, (4, (RELAY, ADMIN)), (5, (THEFT,))))

    assert [a.needs for m in found for a in m.attacks] == [(THEFT,)]


def test_every_class_that_matters_is_held_against_something() -> None:
    """Each account class that is executive and up, or standard, has a threshold for what hands it over."""
    held = {c for t in SHIPPED for c in t.classes if t.actions == TAKES_OVER}

    assert held == set(AccountClass) - {AccountClass.CONTRACTOR, AccountClass.EXTERNAL}


def test_a_threshold_is_spelt() -> None:
    """A class, perhaps an action, a cost and an exclamation mark make a threshold."""
    both = (AccountClass.PRIVILEGED, AccountClass.FINANCE)

    assert threshold_of("standard=4") == Threshold(classes=(AccountClass.STANDARD,), actions=TAKES_OVER, cost=4)
    assert threshold_of("privileged,finance/unlock=6!") == Threshold(
        classes=both, actions=(Action.UNLOCK,), cost=6, single=True
    )
    assert threshold_of("finance=!") == Threshold(classes=(AccountClass.FINANCE,), actions=TAKES_OVER, single=True)


@pytest.mark.parametrize("text", ["", "standard", "standard=", "standrad=4", "standard/reset=4", "=4", "standard=-1"])
def test_anything_else_is_no_threshold(text: str) -> None:
    """A misspelt threshold is refused with how to write one, and never taken for none."""
    with pytest.raises(Invalid):
        threshold_of(text)
