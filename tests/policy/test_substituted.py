"""Sets with somebody put down: what is worked out for one of a pattern holds for another, and comparing misses none."""

from __future__ import annotations

import pytest

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant
from watchword.policy import Policy
from watchword.policy.attack import BOUND
from watchword.policy.behind import Backing, Held
from watchword.policy.compared import Compared
from watchword.policy.falling import holder
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import reduce
from watchword.policy.roster import Roster, RosterAccount
from watchword.policy.substituted import Place, Substitution

Looked = tuple[Fixpoint, Backing, list[tuple[Place, AccountId]]]


@pytest.fixture(scope="module")
def looked() -> Looked:
    """An office whose three agents and two on duty have managers, settled, with a place for each account."""
    roles = (*((Role.AGENT,) * 3), *((Role.IAM_DUTY,) * 2), Role.EXECUTOR)
    staff = [
        Person(id=PersonId(f"s{n}"), kind=Kind.EMPLOYEE, unit="north", grants=(RoleGrant(role=role),))
        for n, role in enumerate(roles)
    ]
    others = [Person(id=PersonId(f"p{n}"), kind=Kind.EMPLOYEE, unit="north") for n in range(4)]
    accounts = tuple(
        RosterAccount(
            id=AccountId(f"a-{person.id}"),
            account_class=AccountClass.IDENTITY_CONTROL if person.grants else AccountClass.STANDARD,
            unit="north",
            person=person.id,
            manager=others[n % 3].id if person is not others[n % 3] else None,
        )
        for n, person in enumerate((*staff, *others))
    )
    small = reduce(Roster(accounts=accounts, people=(*staff, *others)))
    fixpoint = Fixpoint(Policy.default(), small.roster, BOUND, small.twins)
    fixpoint.settle_on(tuple(fixpoint.accounts))
    places = [
        (
            Place(own=holder(a), slots={str(a.person): "person", **({str(a.manager): "manager"} if a.manager else {})}),
            a.id,
        )
        for a in fixpoint.accounts.values()
    ]
    return fixpoint, Backing(fixpoint, small), places


def told(substitution: Substitution, held: Held, place: Place) -> set[tuple[object, ...]]:
    """Its outcomes, whoever is nobody in particular by kind alone."""
    return {
        (tuple(sorted((s.split(" ")[0], *sorted(caps)) for s, caps in o.held.items())), o.needed, o.certain)
        for o in substitution.outcomes(held, place)
    }


def test_what_is_worked_out_for_one_set_is_told_of_another_in_its_own_names(looked: Looked) -> None:
    """Asked one after the other, sets of one pattern come to what each comes to when it alone is asked for."""
    fixpoint, backing, places = looked
    shared, several, outcomes = Substitution(backing, BOUND), 0, 0
    for place, account in places:
        for mask in (m for action in Action for m in fixpoint.known(account, action)):
            held = backing.held(mask)
            before = len(shared._known)
            found = told(shared, held, place)
            several += len(shared._known) == before and bool(found)
            outcomes += len(found)
            assert found == told(Substitution(backing, BOUND), held, place)
    assert several > 10
    assert outcomes > several


def test_comparing_by_parts_misses_no_smaller_set(looked: Looked) -> None:
    """A set opens what a smaller one does exactly where each of these, tried one by one, says so."""
    fixpoint, backing, places = looked
    substitution, answers = Substitution(backing, BOUND), []
    for place, account in places:
        ways, everything = fixpoint.known(account, Action.PASSWORD_RESET), fixpoint.everything()
        known = Compared(backing, place.own, place.slots, ways, everything)
        for mask in ways:
            for outcome in substitution.outcomes(backing.held(mask), place):
                one_by_one = any(known._within(m, outcome.held) and known.by_itself(m) for m in (*ways, *known.others))
                assert known.opens(outcome.held) == one_by_one
                answers.append(one_by_one)
    assert True in answers
