"""Accounts and people as the analysis of attacks needs them, and the roster it makes up where none is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter

import msgspec

from watchword.core.account import PEOPLE, AccountClass, strictest
from watchword.core.action import Step
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, LeafHash, PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant
from watchword.core.quorum import Pending, Rule, Seat, Vote, resolve
from watchword.policy.approval_tables import SEATS
from watchword.policy.bundle import Policy

RELATIONS = {
    "manager_of_record": "manager",
    "owner_of_record": "owner",
    "second_owner": "second_owner",
    "sponsor": "sponsor",
}
"""What people.cedar calls a relation to an account, and the field of a `RosterAccount` that holds it."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class RosterAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account as the analysis needs it: its class and unit, and who stands in which relation to it."""

    id: AccountId
    account_class: AccountClass
    unit: str
    person: PersonId | None = None
    manager: PersonId | None = None
    sponsor: PersonId | None = None
    owner: PersonId | None = None
    second_owner: PersonId | None = None
    shared: bool = False
    leaver: bool = False

    def relations(self, person: PersonId) -> tuple[str, ...]:
        """How *person* relates to this account, in the words of people.cedar."""
        return tuple(name for name, field in RELATIONS.items() if getattr(self, field) == person)

    @property
    def related(self) -> tuple[PersonId, ...]:
        """Everyone who stands in some relation to it, each once."""
        held = (self.manager, self.owner, self.second_owner, self.sponsor)
        return tuple(dict.fromkeys(p for p in held if p is not None))


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts, and the people who act with their roles, as a ledger and a directory (or a file) have them.

    *at* is the time roles are asked for; by default every role with an end still counts.
    """

    accounts: tuple[RosterAccount, ...]
    people: tuple[Person, ...]
    at: datetime = LONG_AGO


def parse(text: str, file: str) -> Roster:
    """Read a roster from JSON of that shape; raise `Invalid` naming the place of the first mistake."""
    try:
        roster = msgspec.json.decode(text.encode(), type=Roster)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid(
            f"This is no roster: {error}.", "Give `accounts` and `people`, as the documents show.", file
        ) from error
    demand_sound(roster, file)
    return roster


def demand_sound(roster: Roster, where: str = "roster") -> None:
    """Raise `Invalid` for a roster of nobody, ids twice or for nobody, and circles of managers or delegates."""
    if not roster.accounts or not roster.people:
        what = "accounts" if not roster.accounts else "people"
        raise Invalid(f"The roster has no {what}.", "Export it again: an empty one proves nothing.", where)
    for what, ids in (("account", [a.id for a in roster.accounts]), ("person", [p.id for p in roster.people])):
        twice = next((i for i, count in Counter(map(str, ids)).items() if count > 1), None)
        if twice is not None:
            raise Invalid(f"The {what} {twice} stands twice in the roster.", "Keep one of the two.", where)
    known = {p.id for p in roster.people}
    managers: dict[PersonId, PersonId] = {}
    for account in roster.accounts:
        for name, field in (("person", "person"), *RELATIONS.items()):
            who = getattr(account, field)
            if who is not None and who not in known:
                remedy = "Add the person, or leave the relation out."
                raise Invalid(f"The {name} of {account.id} is {who}, who is not in the roster.", remedy, where)
        if account.person is not None and account.manager is not None and account.account_class in PEOPLE:
            managers.setdefault(account.person, account.manager)
    _demand_no_circle(managers, where)
    _demand_no_round(roster.people, where)


def _demand_no_round(people: tuple[Person, ...], where: str) -> None:
    """Units whose delegates administer each other answer to nobody; delegates of their own unit are a custom."""
    graph: dict[str, set[str]] = {}
    for person in people:
        graph.setdefault(person.unit, set()).update(d.unit for d in person.delegations if d.unit != person.unit)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        units = [*reversed(error.args[1])]  # it tells whom each comes after
        raise Invalid(
            f"The delegates of these units administer each other in a circle: {' -> '.join(units)}.",
            "End one of the delegations.",
            where,
        ) from error


def _demand_no_circle(managers: dict[PersonId, PersonId], where: str) -> None:
    """Whoever manages themself at the top of a directory is a custom, and no circle: nobody approves for themself."""
    seen: set[PersonId] = set()
    for first in managers:
        chain: dict[PersonId, None] = {}
        who: PersonId | None = first
        while who is not None and who not in seen and who not in chain:
            chain[who] = None
            above = managers.get(who)
            who = above if above != who else None
        if who is not None and who in chain:
            circle = [*chain][[*chain].index(who) :]
            raise Invalid(
                f"These people manage each other in a circle: {' -> '.join((*circle, who))}.",
                "Correct the manager of one of them in the directory.",
                where,
            )
        seen.update(chain)


def held_as(accounts: Iterable[RosterAccount]) -> dict[AccountId, AccountClass]:
    """The class each account is held to: the strictest over all accounts of its person (invariant 7)."""
    accounts = tuple(accounts)
    of_person: dict[PersonId, list[AccountClass]] = {}
    for account in accounts:
        if account.person is not None and account.account_class in PEOPLE:
            of_person.setdefault(account.person, []).append(account.account_class)
    return {
        a.id: strictest(of_person[a.person]) or a.account_class
        if a.person is not None and a.account_class in PEOPLE
        else a.account_class
        for a in accounts
    }


def generic(policy: Policy) -> Roster:
    """One target of each class, one person for every seat, and an account for each of them.

    Managers, sponsors and owners are ordinary standard accounts, which is what they cost least as; everybody whose role
    is part of the control of identities has an account of that class.
    """
    manager, senior = PersonId("manager_of_record"), PersonId("manager_above")
    owner, second, sponsor = PersonId("owner_of_record"), PersonId("second_owner"), PersonId("sponsor")
    people = [Person(id=p, kind=Kind.EMPLOYEE, unit="") for p in (manager, senior, owner, second, sponsor)]
    accounts = [
        _account(manager, AccountClass.STANDARD, senior),
        _account(senior, AccountClass.EXECUTIVE, None),
        *(_account(p, AccountClass.STANDARD, manager) for p in (owner, second, sponsor)),
    ]
    for role, count in _staff(policy).items():
        for number in range(count):
            who = PersonId(f"{role}_{number + 1}" if number else role)
            people.append(Person(id=who, kind=Kind.EMPLOYEE, unit="", grants=(RoleGrant(role=Role(role)),)))
            accounts.append(_account(who, AccountClass.IDENTITY_CONTROL, manager))
    for held in AccountClass:
        target = PersonId(f"a_{held}") if policy.procedures.table.classes[held].proved_by == "subject" else None
        if target is not None:
            people.append(Person(id=target, kind=Kind.EMPLOYEE, unit=""))
        accounts.append(
            RosterAccount(
                id=AccountId(held),
                account_class=held,
                unit="",
                person=target,
                manager=manager,
                sponsor=sponsor,
                owner=owner,
                second_owner=second,
            )
        )
    return Roster(accounts=tuple(accounts), people=tuple(people))


def _account(person: PersonId, held: AccountClass, manager: PersonId | None) -> RosterAccount:
    return RosterAccount(
        id=AccountId(f"account of {person}"), account_class=held, unit="", person=person, manager=manager
    )


def _staff(policy: Policy) -> dict[str, int]:
    """How many holders of each role it takes to fill every seat and step there is."""
    table, methods = policy.procedures.table, policy.procedures.loaded.methods
    idle = {Role.APPROVER, *((Role.VERIFIER,) if Role.AGENT in policy.people.permitted[Step.VERIFY] else ())}
    count = {role.value: 1 for role in Role if role not in idle}
    count[Role.AGENT] = 2  # one takes the request in, one verifies
    for rule in table.approvals.values():
        while (empty := _unfilled(rule.seats, count)) is not None:
            count[empty] += 1
    for role in count:
        count[role] += role in SEATS  # one more, for the recovery of somebody who holds it
    custodians = 1 + max(table.break_glass.custodians, *(t.provers for t in table.tiers.values()))
    count[Role.CUSTODIAN] = max(count[Role.CUSTODIAN], custodians)
    authors = max((row.people for row in methods.around.values() if row.step is not None), default=1)
    count[Role.POLICY_AUTHOR] = max(count[Role.POLICY_AUTHOR], authors)
    return count


def _unfilled(seats: tuple[tuple[str, ...], ...], count: dict[str, int]) -> str | None:
    """A role that needs one more holder before *seats* can all be filled; relations have one holder each."""
    holders = [(name, 0) for name in RELATIONS] + [(role, n) for role, many in count.items() for n in range(many)]
    votes = tuple(
        Vote(
            person=PersonId(f"{role}-{n}"),
            roles=(role,),
            approve=True,
            at=LONG_AGO,
            not_after=LONG_AGO,
            leaf=LeafHash(f"{role}-{n}"),
        )
        for role, n in holders
    )
    outcome = resolve(Rule(name="", seats=tuple(Seat(roles=s) for s in seats)), votes, LONG_AGO)
    if not isinstance(outcome, Pending):
        return None
    return next((role for seat in outcome.seats for role in seat.roles if role in count), None)


def alike(policy: Policy, roster: Roster) -> tuple[tuple[PersonId, ...], ...]:
    """Groups of people of a generic roster whose roles open the same seats and steps to them."""
    rules = policy.procedures.table.approvals.values()
    groups: dict[object, list[PersonId]] = {}
    for person in roster.people:
        if person.grants:
            roles = {g.role for g in person.grants}
            seats = tuple(tuple(bool(roles & set(seat)) for seat in rule.seats) for rule in rules)
            steps = tuple(step for step in Step if roles & set(policy.people.permitted[step]))
            custodian = Role.CUSTODIAN in roles
            groups.setdefault((seats, steps, custodian), []).append(person.id)
    return tuple(tuple(g) for g in groups.values() if len(g) > 1)
