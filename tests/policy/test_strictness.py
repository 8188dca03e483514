"""Nothing lowers a requirement: whatever satisfies what was raised also satisfies what it was raised from."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.sample import CALM, NOON
from tests.policy.test_procedures import PEOPLE, SHIPPED, need, proved
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.quorum import Rule, Seat
from watchword.core.requirement import After, Context, Requirement, Satisfied, Verify, assess
from watchword.policy import strictness
from watchword.policy.strictness import ALERTS, implies, join_rules, join_way
from watchword.policy.tables import VOCABULARY

cells = st.sampled_from([(c, a) for c, a, _ in SHIPPED.answered()])
contexts = st.builds(
    Context,
    **{field: st.sampled_from(words) for field, words in VOCABULARY.items()},
    elevated_threat=st.booleans(),
)
MOST = 3
"""Methods in the largest set that any rung needs; larger ones are enough because such a set is in them."""

names = st.sampled_from(["passkey", "totp", "mail_code", "call_code", "in_person"])
groups = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
ways = st.builds(
    Verify,
    tier=st.sampled_from(["V1", "V2", "V3"]),
    min_weight=st.integers(0, 8),
    min_methods=st.integers(1, 3),
    any_of=st.lists(groups, max_size=2).map(tuple),
    forbid=st.lists(names, max_size=1).map(tuple),
    provers=st.integers(1, 2),
    tolerate_cost=st.sampled_from([0, 3, 4]),
)
seats = st.lists(st.sampled_from(["manager", "sponsor", "iam", "sec"]), min_size=1, max_size=3, unique=True).map(
    lambda roles: Seat(roles=tuple(roles))
)
rules = st.builds(
    Rule, name=st.just("A"), seats=st.lists(seats, min_size=1, max_size=3).map(tuple), signed=st.booleans()
)


@given(cell=cells, context=contexts, repeat=st.integers(0, 1))
def test_a_context_never_lowers(cell: tuple[AccountClass, Action], context: Context, repeat: int) -> None:
    """Every context and a repeat leave each part of every cell at least as strict as the plain cell."""
    at_least(need(*cell, context, repeat=repeat), need(*cell))


@given(cell=cells, one=contexts, other=contexts)
def test_a_raise_never_lowers(cell: tuple[AccountClass, Action], one: Context, other: Context) -> None:
    """Two requirements of one cell, raised differently, join into one at least as strict as either."""
    ours, theirs = need(*cell, one), need(*cell, other)
    joined = SHIPPED.raise_from(ours, theirs)

    at_least(joined, ours)
    at_least(joined, theirs)


@given(action=st.sampled_from(Action), one=st.sampled_from(PEOPLE), other=st.sampled_from(PEOPLE), context=contexts)
def test_a_class_raise_never_lowers(action: Action, one: AccountClass, other: AccountClass, context: Context) -> None:
    """The cells of two classes of people join into one at least as strict as either, of the stricter class."""
    if action is Action.PRIVILEGED_OVERRIDE:
        return
    ours, theirs = need(one, action, context), need(other, action)
    joined = SHIPPED.raise_from(ours, theirs)

    at_least(joined, ours)
    at_least(joined, theirs)
    assert joined.account_class.rank == max(one.rank, other.rank)


@given(action=st.sampled_from(Action), one=st.sampled_from(PEOPLE), other=st.sampled_from(PEOPLE), context=contexts)
def test_what_was_frozen_lacks_nothing(
    action: Action, one: AccountClass, other: AccountClass, context: Context
) -> None:
    """Whatever a desk can freeze into a case, raised by class, repetition and escalation, is all that policy asks."""
    if action is Action.PRIVILEGED_OVERRIDE:
        return
    plain = need(one, action, context)
    frozen = SHIPPED.raise_from(need(one, action, context, repeat=1), need(other, action))
    escalated = SHIPPED.raise_from(frozen, need(one, action, msgspec.structs.replace(context, risk="high")))

    assert strictness.lacks(plain, plain) == ()
    assert strictness.lacks(frozen, plain) == ()
    assert strictness.lacks(escalated, plain) == ()


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"approve": None}, "approve"),
        ({"approve": Rule(name="A2", seats=(Seat(roles=("iam_duty", "friend")), Seat(roles=("friend",))))}, "seats"),
        ({"verify": ()}, "verify"),
        ({"hold_s": 0}, "hold"),
        ({"separate": ()}, "separate"),
        ({"approval_s": 10**6}, "times"),
        ({"grant_s": 10**6}, "times"),
        ({"capability_costs": ()}, "weights"),
    ],
)
def test_what_lacks_something_is_named(fields: dict[str, Any], part: str) -> None:
    """A requirement in which any part was lowered by hand is told from one that policy gave."""
    plain = need(AccountClass.EXECUTIVE, Action.FACTOR_RESET)

    assert part in strictness.lacks(msgspec.structs.replace(plain, **fields), plain)
    method = msgspec.structs.replace(plain.methods[0], defeats=())
    lighter = msgspec.structs.replace(plain, methods=(method, *plain.methods[1:]))
    assert strictness.lacks(lighter, plain) == ("weights",)
    assert plain.approve is not None
    strict = msgspec.structs.replace(plain, approve=msgspec.structs.replace(plain.approve, signed=True))
    assert "signed" in strictness.lacks(plain, strict)
    assert strictness.lacks(plain, msgspec.structs.replace(plain, cosigned=True)) == ("cosigned",)
    assert strictness.lacks(msgspec.structs.replace(plain, cosigned=True), plain) == ()
    assert strictness.lacks(strict, plain) == ()


@given(one=ways, other=ways)
def test_a_joined_way_asks_for_both(one: Verify, other: Verify) -> None:
    """The join of two ways implies both, and joining in either order asks for the same."""
    joined, turned = join_way(one, other), join_way(other, one)

    assert implies(joined, one)
    assert implies(joined, other)
    assert implies(joined, turned)
    assert implies(turned, joined)


@given(one=rules, other=rules, present=st.lists(seats.map(lambda s: s.roles), max_size=6))
def test_joined_approvers_approve_under_both(one: Rule, other: Rule, present: list[tuple[str, ...]]) -> None:
    """Any group of people who can fill the joined seats can fill the seats of either rule."""
    joined = join_rules(one, other)
    assert joined is not None
    assert joined.signed is (one.signed or other.signed)

    if fills(joined, present):
        assert fills(one, present)
        assert fills(other, present)


def test_seats_that_can_be_one_chair_become_one() -> None:
    """Two approvers joined with three are three people, the manager one of them, not five."""
    two, three = (need(c, Action.FACTOR_RESET).approve for c in (AccountClass.EXECUTIVE, AccountClass.PRIVILEGED))
    joined = join_rules(two, three)

    assert joined is not None
    assert len(joined.seats) == 3
    assert Seat(roles=("manager_of_record",)) in joined.seats
    assert join_rules(two, two) == two
    assert join_rules(two, None) == two
    assert join_rules(None, None) is None


def test_the_sooner_deadline_and_the_longer_probation_win() -> None:
    """Joined after-care does what either asks: earlier deadlines, longer probation, and 0 asks for nothing."""
    joined = strictness.join_after(
        After(notify=1, probation_s=10, review_s=100, confirm_s=0),
        After(notify=2, probation_s=5, review_s=50, confirm_s=7),
    )

    assert joined == After(notify=2, probation_s=10, review_s=50, confirm_s=7)


@pytest.mark.parametrize("account_class", PEOPLE)
def test_more_proof_never_hurts(account_class: AccountClass) -> None:
    """Whoever proved enough is still verified after proving one thing more."""
    needed = need(account_class, Action.TOTAL_LOSS)
    methods = [m.name for m in needed.methods]
    for size in range(MOST + 1):
        for some in combinations(methods, size):
            if isinstance(assess(needed, proved(*some), NOON), Satisfied):
                for more in methods:
                    assert isinstance(assess(needed, proved(*{*some, more}), NOON), Satisfied)


def test_the_plain_cell_is_its_own_join() -> None:
    """Joining a requirement with itself changes nothing."""
    for account_class, action, _ in SHIPPED.answered():
        plain = need(account_class, action, CALM)
        assert SHIPPED.raise_from(plain, plain) == plain


def at_least(strict: Requirement, easy: Requirement) -> None:
    """Assert that *strict* asks for all that *easy* asks for, part by part and for every set of a few methods."""
    assert all(any(implies(s, e) for e in easy.verify) for s in strict.verify)
    assert implies(strict.strongest, easy.strongest)
    for size in range(1, MOST + 1):
        for some in combinations([m.name for m in strict.methods], size):
            evidence = proved(*some, provers=2)
            if isinstance(assess(strict, evidence, NOON), Satisfied):
                assert isinstance(assess(easy, evidence, NOON), Satisfied)
    assert easy.approve is None or strict.approve is not None
    if easy.approve and strict.approve:
        assert strict.approve.signed >= easy.approve.signed
        for chosen in product(*(s.roles for s in strict.approve.seats)):
            assert fills(easy.approve, [(role,) for role in chosen])
    assert strict.cosigned >= easy.cosigned
    assert strict.hold_s >= easy.hold_s
    assert not easy.hold_s or set(strict.hold_waived_by) <= set(easy.hold_waived_by)
    assert ALERTS.index(strict.alert) >= ALERTS.index(easy.alert)
    assert set(strict.separate) >= set(easy.separate)
    assert strict.approval_s <= easy.approval_s
    assert strict.grant_s <= easy.grant_s
    assert strictness.join_after(strict.after, easy.after) == strict.after
    assert set(easy.raised) <= set(strict.raised)


def fills(rule: Rule, present: list[tuple[str, ...]]) -> bool:
    """Whether distinct people with these roles can take every seat; tried plainly, one seat after the other."""
    if not rule.seats:
        return True
    first, rest = rule.seats[0], Rule(name=rule.name, seats=rule.seats[1:])
    return any(
        set(first.roles) & set(roles) and fills(rest, [*present[:i], *present[i + 1 :]])
        for i, roles in enumerate(present)
    )
