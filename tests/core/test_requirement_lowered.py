"""A running case is only ever raised: each thing that a new requirement asks less of has its own name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.core.sample import MANAGER, MANAGER_AND_DUTY, METHODS, PASSKEY, PLAIN, TOTP
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.quorum import Rule
from watchword.core.requirement import After, Context, Method, Requirement, Verify, lowered

LIGHT = Verify(tier="V2", min_weight=4, min_methods=2, provers=2, aal=2)
HEAVY = Verify(tier="V3", min_weight=8, min_methods=3, provers=3, aal=3)

FULL = msgspec.structs.replace(
    PLAIN,
    account_class=AccountClass.FINANCE,
    verify=(LIGHT, HEAVY),
    approve=Rule(
        name="A2",
        seats=MANAGER_AND_DUTY.seats,
        signed=True,
        device_bound=True,
        outside=True,
        distinct=("units",),
    ),
    hold_s=3600,
    hold_waived_by=("passkey",),
    cosigned=True,
    deliver="spoken",
    after=After(review_s=86_400, probation_s=86_400),
)
"""Something of everything that can be taken away."""


def changed(value: Any, **fields: Any) -> Any:
    """A copy with other *fields*."""
    return msgspec.structs.replace(value, **fields)


def ways(**fields: Any) -> dict[str, Any]:
    """The lighter of the two ways with other *fields*."""
    return {"verify": (changed(LIGHT, **fields), HEAVY)}


def rule(**fields: Any) -> dict[str, Any]:
    """The rule with other *fields*."""
    return {"approve": changed(FULL.approve, **fields)}


def after(**fields: Any) -> dict[str, Any]:
    """The after-care with other *fields*."""
    return {"after": changed(FULL.after, **fields)}


def heavier(weight: int) -> tuple[Method, ...]:
    """The methods with a passkey of that weight."""
    return tuple(changed(m, weight=weight) if m.name == "passkey" else m for m in METHODS)


@pytest.mark.parametrize(
    ("less", "name"),
    [
        ({"policy": "00" * 32}, "procedure"),
        ({"action": Action.UNLOCK}, "procedure"),
        ({"account_class": AccountClass.STANDARD}, "class"),
        ({"verify": ()}, "verify"),
        (ways(min_weight=3), "verify"),
        (ways(min_methods=1), "verify"),
        (ways(provers=1), "verify"),
        (ways(aal=0), "verify"),
        ({"fresh_s": 901}, "freshness"),
        ({"contact_age_s": 30 * 86_400 - 1}, "freshness"),
        (rule(seats=MANAGER.seats), "approve"),
        (rule(signed=False), "signed"),
        (rule(device_bound=False), "device_bound"),
        (rule(outside=False), "outside"),
        (rule(distinct=()), "distinct"),
        ({"hold_s": 3599}, "hold"),
        ({"hold_waived_by": ("passkey", "totp")}, "hold"),
        ({"hold_waived_by": ("totp",)}, "hold"),
        ({"cosigned": False}, "cosigned"),
        ({"deliver": "page"}, "deliver"),
        ({"separate": (("verify", "approve"),)}, "separate"),
        (after(review_s=0), "review"),
        (after(review_s=86_401), "review"),
        (after(probation_s=86_399), "probation"),
        ({"methods": heavier(5)}, "methods"),
        ({"methods": (*METHODS, changed(TOTP, name="horoscope", weight=0))}, "methods"),
    ],
)
def test_less_of_one_thing_is_named_and_nothing_else_is(less: dict[str, Any], name: str) -> None:
    """Whatever is taken away, the answer names that part alone."""
    assert lowered(FULL, changed(FULL, **less)) == (name,)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"account_class": AccountClass.PRIVILEGED},
        {"verify": (HEAVY,)},
        ways(min_weight=5),
        ways(min_methods=3),
        ways(provers=3),
        ways(aal=3),
        {"fresh_s": 899},
        {"contact_age_s": 30 * 86_400 + 1},
        rule(seats=(*MANAGER_AND_DUTY.seats, *MANAGER.seats)),
        rule(distinct=("units", "roles")),
        {"hold_s": 3601},
        {"hold_waived_by": ()},
        {"separate": (*FULL.separate, ("open", "verify"))},
        after(review_s=1),
        after(probation_s=86_401),
        {"methods": heavier(3)},
        {"methods": (PASSKEY,)},
    ],
)
def test_as_much_or_more_of_each_thing_lowers_nothing(more: dict[str, Any]) -> None:
    """A raise may take the heaviest way alone, a shorter review, or fewer methods of less weight."""
    assert lowered(FULL, changed(FULL, **more)) == ()


def test_no_approval_is_less_than_any() -> None:
    """With the rule goes all that it asked for; a rule where there was none is more."""
    bare = changed(FULL, approve=None)
    assert set(lowered(FULL, bare)) == {"approve", "signed", "device_bound", "outside", "distinct"}
    assert lowered(bare, FULL) == ()
    unsigned = changed(FULL, approve=changed(FULL.approve, signed=False))
    assert lowered(unsigned, FULL) == ()
    assert lowered(changed(FULL, approve=MANAGER), bare) == ("approve",)


def test_what_was_not_asked_for_is_not_missed() -> None:
    """No hold, no review and no cosigning before: their absence afterwards is no less."""
    little = changed(FULL, hold_s=0, hold_waived_by=(), cosigned=False, after=After(), deliver="page")
    assert lowered(little, little) == ()
    assert lowered(little, FULL) == ()
    assert lowered(little, changed(little, hold_waived_by=("totp",))) == ()


def test_what_a_procedure_does_not_say_asks_for_nothing() -> None:
    """Neither after-care nor a cosigned checkpoint, a level, a tolerance or an elevated threat is there by default."""
    assert After() == After(notify=0, revoke_sessions=False, probation_s=0, review_s=0, confirm_s=0)
    assert not After().revoke_sessions
    assert (After().notify, After().probation_s, After().review_s, After().confirm_s) == (0, 0, 0, 0)
    assert not PLAIN.cosigned
    assert not Context().elevated_threat
    one = Verify(tier="V", min_weight=1, min_methods=1)
    assert (one.provers, one.tolerate_cost, one.aal) == (1, 0, 0)
    bare = Method(name="m", weight=1, enforced=True, remote=False, phishable=False, defeats=())
    assert (bare.voice, bare.single_use, bare.fresh_s) == (False, False, 0)


def test_a_method_may_say_that_its_own_proof_counts_for_less_long() -> None:
    """It shortens what the procedure says and never lengthens it; where it says nothing, the procedure does."""
    methods = tuple(changed(m, fresh_s={"totp": 60, "passkey": 7200}.get(m.name, 0)) for m in METHODS)
    requirement: Requirement = changed(PLAIN, methods=methods)
    spans = [requirement.fresh(name).total_seconds() for name in ("totp", "passkey", "mail_code", "unknown", "")]
    assert spans == [60, 900, 900, 900, 900]
    assert requirement.contact_age.total_seconds() == 30 * 86_400
