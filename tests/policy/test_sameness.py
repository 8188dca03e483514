"""Rosters made small: what merging people takes for granted, and that it is said where it does not hold."""

from __future__ import annotations

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant
from watchword.policy import Policy
from watchword.policy.attack import DIFFERING, Roster, RosterAccount, prove
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import reduce

STAFF = (*((Role.AGENT,) * 8), *((Role.EXECUTOR,) * 2))


def company(managers: dict[str, str], executives: tuple[str, ...] = ()) -> Roster:
    """Ten of staff, whom nobody manages, and whoever has a manager; each with an account of their name in one unit."""
    staff = {f"staff{n}": role for n, role in enumerate(STAFF)}
    names = dict.fromkeys((*staff, *managers, *managers.values()))
    people = tuple(
        Person(
            id=PersonId(name),
            kind=Kind.EMPLOYEE,
            unit="all",
            grants=(RoleGrant(role=staff[name]),) if name in staff else (),
        )
        for name in names
    )
    accounts = tuple(
        RosterAccount(
            id=AccountId(name),
            account_class=AccountClass.EXECUTIVE if name in executives else AccountClass.STANDARD,
            unit="all",
            person=PersonId(name),
            manager=PersonId(managers[name]) if name in managers else None,
        )
        for name in names
    )
    return Roster(accounts=accounts, people=people)


def test_people_reached_alike_are_no_finding() -> None:
    """Eight agents whom nobody manages are one kind, and nothing has to be said of it."""
    assert DIFFERING not in prove(Policy.default(), company({"ann": "staff6"})).notes


def test_people_not_reached_alike_are_said() -> None:
    """Two managers are taken as alike, and one of them answers to an executive: the analysis is not complete."""
    analysis = prove(Policy.default(), company({"ann": "chief", "ben": "top", "cy": "ann"}, executives=("chief",)))

    assert DIFFERING in analysis.notes
    assert not analysis.complete


def test_a_manager_among_people_who_are_alike_keeps_the_seat() -> None:
    """Whoever has seven more like them still approves for the one they manage, as in the roster before it was small."""
    roster = company({"ann": "staff2"})
    small = reduce(roster)
    whole, reduced = (Fixpoint(Policy.default(), r, 6, t) for r, t in ((roster, ()), (small.roster, small.twins)))

    for fixpoint in (whole, reduced):
        ways = fixpoint.reached(AccountId("ann"), climb=False)[Action.FACTOR_RESET]
        needs = {str(need) for mask in ways for need, _ in fixpoint.algebra.needs_in(mask)}
        assert "approver_duped@staff2" in needs
