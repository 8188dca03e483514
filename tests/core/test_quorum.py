"""Votes and a rule make one outcome, whatever their order, and no person sits in two chairs."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample import DAY, NOON
from tests.core.story import leaf
from watchword.core.ids import PersonId
from watchword.core.quorum import Approved, Pending, Rejected, Rule, Seat, Vote, eligible, resolve

ROLES = ("manager_of_record", "iam_duty", "security_duty", "custodian")


PEOPLE = tuple(PersonId(f"p-{n}") for n in range(1, 6))
NAYSAYER = PersonId("p-no")


def vote(person: PersonId, *held: str, approve: bool = True, at: datetime = NOON, life: timedelta = DAY) -> Vote:
    """One person's word, with a leaf of its own."""
    number = (*PEOPLE, NAYSAYER).index(person)
    return Vote(person=person, roles=held, approve=approve, at=at, not_after=at + life, leaf=leaf(number))


def rule(*seats: tuple[str, ...]) -> Rule:
    """A rule with one seat for each tuple of roles."""
    return Rule(name="A", seats=tuple(Seat(roles=s) for s in seats))


roles = st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True).map(tuple)
rules = st.lists(roles, min_size=1, max_size=4).map(lambda seats: rule(*seats))
votes = st.lists(
    st.builds(vote, st.sampled_from(PEOPLE), st.sampled_from(ROLES), st.sampled_from(ROLES)),
    max_size=5,
    unique_by=lambda v: v.person,
).map(tuple)


def seatable(asked: Rule, given_votes: tuple[Vote, ...]) -> int:
    """By trying every assignment: the most seats that distinct voters can fill."""
    chairs = (*given_votes, *(None for _ in asked.seats))
    return max(
        sum(v is not None and bool(set(v.roles) & set(s.roles)) for v, s in zip(order, asked.seats, strict=False))
        for order in permutations(chairs, len(asked.seats))
    )


@given(rules, votes)
def test_seats_are_filled_as_well_as_any_assignment_could(asked: Rule, given_votes: tuple[Vote, ...]) -> None:
    """Approved exactly when brute force finds a seating; otherwise as few seats are left as brute force leaves."""
    best = seatable(asked, given_votes)
    match resolve(asked, given_votes, NOON):
        case Approved(leaves=leaves):
            assert best == len(asked.seats) == len(leaves)
        case Pending(seats=empty):
            assert len(empty) == len(asked.seats) - best > 0
        case Rejected():
            raise AssertionError


@given(rules, votes, st.data())
def test_the_order_of_votes_does_not_matter(asked: Rule, given_votes: tuple[Vote, ...], data: st.DataObject) -> None:
    """Any order of the same yeses gives the same kind of outcome."""
    turned = tuple(data.draw(st.permutations(given_votes)))
    assert type(resolve(asked, given_votes, NOON)) is type(resolve(asked, turned, NOON))


@given(rules, votes)
def test_one_person_never_fills_two_seats(asked: Rule, given_votes: tuple[Vote, ...]) -> None:
    """The approvals that fill the seats are those of as many different people, each of whom may sit."""
    outcome = resolve(asked, (*given_votes, *given_votes), NOON)
    if isinstance(outcome, Approved):
        people = [v.person for v in given_votes if v.leaf in outcome.leaves]
        assert len(set(people)) == len(asked.seats)


@given(rules, votes, st.integers(0, 5))
def test_an_eligible_no_rejects_whatever_else_was_said(asked: Rule, given_votes: tuple[Vote, ...], where: int) -> None:
    """A no from anybody who could sit ends it, wherever it stands among the votes."""
    no = vote(NAYSAYER, *asked.seats[0].roles, approve=False)
    assert resolve(asked, (*given_votes[:where], no, *given_votes[where:]), NOON) == Rejected(by=no.person)


def test_a_broad_role_gives_way_to_a_narrow_seat() -> None:
    """Somebody who could take either seat takes the one that nobody else can."""
    asked = rule(("iam_duty", "manager_of_record"), ("iam_duty",))
    both, manager = vote(PEOPLE[0], "iam_duty"), vote(PEOPLE[1], "manager_of_record")
    assert isinstance(resolve(asked, (both, manager), NOON), Approved)


def test_a_no_without_a_seat_is_no_vote() -> None:
    """Whoever could not approve can not reject either."""
    outcome = resolve(rule(("iam_duty",)), (vote(PEOPLE[0], "custodian", approve=False),), NOON)
    assert isinstance(outcome, Pending)


def test_the_first_word_of_a_person_counts() -> None:
    """A later no does not take a yes back, and a later yes does not mend a no."""
    yes, no = vote(PEOPLE[0], "iam_duty"), vote(PEOPLE[0], "iam_duty", approve=False)
    assert isinstance(resolve(rule(("iam_duty",)), (yes, no), NOON), Approved)
    assert isinstance(resolve(rule(("iam_duty",)), (no, yes), NOON), Rejected)


def test_an_approval_that_ran_out_empties_its_seat() -> None:
    """It counts through its last instant and not after; nor does it count before it was given."""
    asked, yes = rule(("iam_duty",)), vote(PEOPLE[0], "iam_duty")
    assert resolve(asked, (yes,), NOON + DAY) == Approved(leaves=(yes.leaf,), until=NOON + DAY)
    assert resolve(asked, (yes,), NOON + DAY + timedelta(microseconds=1)) == Pending(seats=asked.seats)
    assert isinstance(resolve(asked, (yes,), NOON - timedelta(microseconds=1)), Pending)


def test_the_outcome_lasts_as_long_as_its_first_approval_to_end() -> None:
    """Two approvals hold until the earlier of them runs out."""
    short, long = vote(PEOPLE[0], "iam_duty", life=timedelta(hours=1)), vote(PEOPLE[1], "custodian")
    outcome = resolve(rule(("iam_duty",), ("custodian",)), (long, short), NOON)
    assert isinstance(outcome, Approved)
    assert outcome.until == NOON + timedelta(hours=1)


def test_a_rule_without_seats_approves_nothing() -> None:
    """`n: 0` is refused by never being reached, with votes and without; nobody is eligible."""
    assert resolve(rule(), (), NOON) == Pending(seats=())
    assert resolve(rule(), (vote(PEOPLE[0], "iam_duty"),), NOON) == Pending(seats=())
    assert not eligible(rule(), ROLES)


def test_nobody_fills_a_seat_they_have_no_role_for() -> None:
    """Two people of one role fill one of two different seats, and a rule asks for signatures only where it says so."""
    asked = rule(("manager_of_record",), ("iam_duty",))
    both = (vote(PEOPLE[0], "manager_of_record"), vote(PEOPLE[1], "manager_of_record"))
    assert resolve(asked, both, NOON) == Pending(seats=(Seat(roles=("iam_duty",)),))
    assert asked.signed is False
