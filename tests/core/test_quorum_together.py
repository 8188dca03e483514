"""What people in the seats of one rule need together: a signature from outside, other units, another role each."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from tests.core.sample import DAY, NOON
from tests.core.story import leaf
from watchword.core.ids import PersonId
from watchword.core.quorum import Approved, Distinct, Pending, Rule, Seat, Vote, less_of, resolve

ONE, TWO, THREE = PersonId("p-1"), PersonId("p-2"), PersonId("p-3")


def yes(person: PersonId, *roles: str, unit: str = "", outside: bool = False) -> Vote:
    """A yes of that person's."""
    number = (ONE, TWO, THREE).index(person)
    return Vote(
        person=person,
        roles=roles,
        approve=True,
        at=NOON,
        not_after=NOON + DAY,
        leaf=leaf(number),
        unit=unit,
        outside=outside,
    )


def rule(*seats: tuple[str, ...], outside: bool = False, distinct: tuple[Distinct, ...] = ()) -> Rule:
    """A rule with one seat for each tuple of roles, and what it asks of all together."""
    return Rule(name="A", seats=tuple(Seat(roles=s) for s in seats), outside=outside, distinct=distinct)


def lacks(asked: Rule, *votes: Vote) -> tuple[str, ...] | None:
    """What they lack together, the same in every order of voting; None where it is approved."""
    answers: set[tuple[str, ...] | None] = set()
    for order in permutations(votes):
        outcome = resolve(asked, order, NOON)
        if isinstance(outcome, Approved):
            answers.add(None)
        else:
            assert isinstance(outcome, Pending)
            assert outcome.seats == ()
            answers.add(outcome.lacks)
    (answer,) = answers
    return answer


DUTY = ("iam_duty",)
SECURITY = ("security_duty",)


def test_a_rule_asks_nothing_together_where_it_does_not_say_so() -> None:
    """Two people of one unit with one role, signing in their browsers, fill two seats."""
    assert lacks(rule(DUTY, DUTY), yes(ONE, *DUTY), yes(TWO, *DUTY)) is None
    plain = Rule(name="A", seats=())
    assert (plain.signed, plain.device_bound, plain.outside, plain.distinct) == (False, False, False, ())


def test_one_signature_from_outside_any_browser_is_enough_for_all() -> None:
    """None is too few, one of two will do; a vote says that it came from outside only where it did."""
    asked = rule(DUTY, DUTY, outside=True)
    assert lacks(asked, yes(ONE, *DUTY), yes(TWO, *DUTY)) == ("outside",)
    assert lacks(asked, yes(ONE, *DUTY), yes(TWO, *DUTY, outside=True)) is None
    said = Vote(person=ONE, roles=DUTY, approve=True, at=NOON, not_after=NOON, leaf=leaf(0))
    assert not said.outside


def test_whoever_signed_outside_is_seated_where_others_would_do() -> None:
    """The first two could fill both seats; the third brings the signature, and its leaf is among those that count."""
    asked = rule(DUTY, DUTY, outside=True)
    votes = (yes(ONE, *DUTY), yes(TWO, *DUTY), yes(THREE, *DUTY, outside=True))
    outcome = resolve(asked, votes, NOON)
    assert isinstance(outcome, Approved)
    assert len(outcome.leaves) == 2
    assert votes[2].leaf in outcome.leaves


def test_people_of_one_unit_are_not_two_units() -> None:
    """Each seat of another unit; a third person of another one takes the place of the second."""
    asked = rule(DUTY, DUTY, distinct=("units",))
    north, also = yes(ONE, *DUTY, unit="north"), yes(TWO, *DUTY, unit="north")
    assert lacks(asked, north, also) == ("units",)
    assert lacks(asked, north, yes(TWO, *DUTY, unit="south")) is None
    assert lacks(asked, north, also, yes(THREE, *DUTY, unit="south")) is None


def test_each_seat_takes_another_role() -> None:
    """Two of one role are refused; with two roles each, some choice of one role for each seat has to be found."""
    either = (*DUTY, *SECURITY)
    asked = rule(either, either, distinct=("roles",))
    assert lacks(asked, yes(ONE, *DUTY), yes(TWO, *DUTY)) == ("roles",)
    assert lacks(asked, yes(ONE, *DUTY), yes(TWO, *SECURITY)) is None
    assert lacks(asked, yes(ONE, *either), yes(TWO, *DUTY)) is None
    assert lacks(asked, yes(ONE, *either), yes(TWO, *either)) is None


def test_a_role_that_the_seat_does_not_ask_for_makes_nobody_different() -> None:
    """Who holds a role besides is still there in the one that the seat asks for."""
    asked = rule(DUTY, DUTY, distinct=("roles",))
    assert lacks(asked, yes(ONE, *DUTY), yes(TWO, *DUTY, *SECURITY)) == ("roles",)


def test_who_has_no_role_of_a_seat_is_not_seated_to_make_the_rest_right() -> None:
    """Only security could bring another unit, and its seat is one: the duty seat stays within its own people."""
    asked = rule(DUTY, SECURITY, distinct=("units",))
    one, two = yes(ONE, *DUTY, unit="north"), yes(TWO, *SECURITY, unit="north")
    assert lacks(asked, one, two, yes(THREE, *DUTY, unit="north")) == ("units",)
    assert lacks(asked, one, two, yes(THREE, *SECURITY, unit="south")) is None
    outcome = resolve(asked, (one, two, yes(THREE, *SECURITY, unit="south")), NOON)
    assert isinstance(outcome, Approved)
    assert set(outcome.leaves) == {one.leaf, leaf(2)}


def test_two_for_one_seat_do_not_make_up_for_the_other() -> None:
    """Both of duty would bring all that is asked together, and neither may sit for security, whoever voted first."""
    asked = rule(DUTY, SECURITY, outside=True, distinct=("units",))
    votes = (yes(ONE, *DUTY, unit="north", outside=True), yes(TWO, *SECURITY, unit="north"))
    third = yes(THREE, *DUTY, unit="south")
    for order in permutations((*votes, third)):
        assert isinstance(resolve(asked, order, NOON), Pending)
    signed = msgspec.structs.replace(third, outside=True)
    assert lacks(asked, *votes, signed) is None


def test_everything_that_is_lacking_is_said() -> None:
    """In one order; nothing that is there is among it."""
    asked = rule(DUTY, DUTY, outside=True, distinct=("roles", "units"))
    assert lacks(asked, yes(ONE, *DUTY), yes(TWO, *DUTY)) == ("outside", "units", "roles")
    assert lacks(asked, yes(ONE, *DUTY, unit="north"), yes(TWO, *DUTY, outside=True)) == ("roles",)


def test_an_empty_seat_is_said_before_what_is_lacking_together() -> None:
    """One person in one of two seats lacks the other seat, and nothing else is known yet."""
    asked = rule(DUTY, DUTY, outside=True)
    assert resolve(asked, (yes(ONE, *DUTY),), NOON) == Pending(seats=(Seat(roles=DUTY),))


STRICT = Rule(name="A", seats=(), device_bound=True, outside=True, distinct=("units",))
LAX = Rule(name="A", seats=())


@pytest.mark.parametrize(
    ("old", "new", "less"),
    [
        (STRICT, STRICT, set()),
        (LAX, STRICT, set()),
        (LAX, LAX, set()),
        (LAX, None, set()),
        (None, None, set()),
        (None, STRICT, set()),
        (STRICT, LAX, {"device_bound", "outside", "distinct"}),
        (STRICT, None, {"device_bound", "outside", "distinct"}),
        (STRICT, msgspec.structs.replace(STRICT, device_bound=False), {"device_bound"}),
        (STRICT, msgspec.structs.replace(STRICT, outside=False), {"outside"}),
        (STRICT, msgspec.structs.replace(STRICT, distinct=("roles",)), {"distinct"}),
        (STRICT, msgspec.structs.replace(STRICT, distinct=("roles", "units")), set()),
    ],
)
def test_a_rule_that_asks_less_is_named(old: Rule | None, new: Rule | None, less: set[str]) -> None:
    """Each thing by its own name, and nothing where as much or more is asked."""
    assert {name for name, is_less in less_of(old, new).items() if is_less} == less
