"""What merging accounts that are alike leaves out: nothing, for every account of random rosters, one by one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.sample import CEDAR, METHODS, PROCEDURES, SCHEMA, spoiled
from tests.policy.test_attack_oracle import ASKED, World, worlds
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant
from watchword.policy import People, Policy
from watchword.policy.attack import BOUND, prove
from watchword.policy.capabilities import Ways
from watchword.policy.falling import holder
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import reduce
from watchword.policy.merged import Merged
from watchword.policy.methods_tables import GainRow
from watchword.policy.procedures import Procedures
from watchword.policy.roster import RELATIONS, Roster, RosterAccount, held_as
from watchword.policy.tables import Cell

Said = tuple[tuple[str, tuple[str, ...]], ...]
"""A set of needs in which people go by what they are to the account: what is needed of each, in order."""


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Some staff, some people and their accounts, managers always further up."""
    roles = st.sampled_from(
        ((Role.AGENT, Role.EXECUTOR), (Role.IAM_DUTY,), (Role.SECURITY_DUTY,), (Role.CUSTODIAN,), (Role.ADMINISTRATOR,))
    )
    staff = [(Role.AGENT, Role.EXECUTOR), (Role.AGENT,), *draw(st.lists(roles, max_size=5))]
    units = st.sampled_from(("north", "south"))
    people = [_person(f"s{n}", held) for n, held in enumerate(staff)]
    people.extend(_person(f"p{n}", ()) for n in range(draw(st.integers(1, 5))))
    accounts = []
    for n, person in enumerate(people):
        above = st.sampled_from((None, *(p.id for p in people[:n])))
        for number in range(draw(st.integers(0, 2) if n else st.just(1))):
            held = draw(st.sampled_from(AccountClass))
            accounts.append(
                RosterAccount(
                    id=AccountId(f"{person.id}-{number}"),
                    account_class=held,
                    unit=draw(units),
                    person=draw(st.sampled_from((person.id, None))),
                    manager=draw(above),
                    sponsor=draw(above),
                    owner=draw(above),
                    second_owner=draw(above),
                    leaver=draw(st.integers(0, 9)) == 0,
                )
            )
    return Roster(accounts=tuple(accounts), people=tuple(people))


@st.composite
def offices(draw: st.DrawFn) -> Roster:
    """A roster of few kinds: staff two or three of whom are alike, and people most of whom have accounts like others'.

    Some stand around several at once: above a person and somebody of the staff, or around one another.
    """
    roles = draw(st.lists(st.sampled_from((Role.IAM_DUTY, Role.SECURITY_DUTY, Role.CUSTODIAN)), max_size=2))
    staff = [
        (Role.AGENT, Role.EXECUTOR),
        *((Role.AGENT,),) * draw(st.integers(1, 3)),
        *((r,) for r in (*roles, *roles)),
    ]
    held = draw(st.sampled_from(((AccountClass.STANDARD,), (AccountClass.STANDARD, AccountClass.SERVICE))))
    names = [PersonId(f"p{n}") for n in range(draw(st.integers(3, 6)))]
    people = [_person(f"s{n}", some) for n, some in enumerate(staff)]
    accounts = []
    for n, who in enumerate((*names, *(p.id for p in people))):
        above = st.sampled_from((*(names[: min(n, len(names))] or (None,)), *(people[0].id, None)[: n % 2 + 1]))
        kind = draw(st.sampled_from(held)) if n < len(names) else AccountClass.IDENTITY_CONTROL
        alone = kind is AccountClass.SERVICE
        accounts.append(
            RosterAccount(
                id=AccountId(f"a{n}"),
                account_class=kind,
                unit="north",
                person=None if alone else who,
                manager=None if alone else draw(above),
                owner=draw(above) if alone else None,
                second_owner=draw(above) if alone else None,
                leaver=n < len(names) and draw(st.integers(0, 7)) == 0,
            )
        )
    return Roster(accounts=tuple(accounts), people=(*(_person(n, ()) for n in names), *people))


def _person(name: str, roles: tuple[Role, ...]) -> Person:
    grants = tuple(RoleGrant(role=r) for r in roles)
    return Person(id=PersonId(name), kind=Kind.EMPLOYEE, unit="north", grants=grants)


def told(fixpoint: Fixpoint, account: RosterAccount, ways: Ways, kinds: dict[str, str]) -> dict[Said, int]:
    """Each set with its cost, its people by their relation to *account* or else by their kind.

    Without what opens everything: there one of those who are alike stands for all, and so whoever is like them.
    """
    names = {p: name for name, field in RELATIONS.items() if (p := getattr(account, field)) is not None}
    names |= {holder(account): "target"}

    def said(mask: int, names: dict[str, str]) -> Said:
        of: dict[str, list[str]] = {}
        for need, _ in fixpoint.algebra.needs_in(mask):
            of.setdefault(need.subject, []).append(need.capability)
        return tuple(sorted((names.get(s) or kinds.get(s, s), tuple(sorted(c))) for s, c in of.items()))

    everything = {said(mask, {}) for mask in fixpoint._values["everything",]}
    return {said(mask, names): cost for mask, (cost, _) in ways.items() if said(mask, {}) not in everything}


def kinds_of(roster: Roster) -> dict[str, str]:
    """What kind of person or account each is: roles, and the classes of what is theirs."""
    held = held_as(roster.accounts)
    kinds = {str(a.id): f"{held[a.id]} of nobody" for a in roster.accounts}
    for person in roster.people:
        own = sorted(held[a.id] for a in roster.accounts if a.person == person.id)
        kinds[person.id] = f"{person.kind} {sorted(map(str, person.grants))} {own} {person.delegations}"
    return kinds


def compare(policy: Policy, roster: Roster, merged: Merged) -> list[tuple[AccountId, Action, set[Said], set[Said]]]:
    """Every account and action for which the merged roster and the whole one do not say the same at the same cost.

    Of the accounts that it does not leave open.
    """
    kinds, whole = kinds_of(roster), Fixpoint(policy, roster, BOUND)
    reached = {place: merged.reached(place) for place in dict.fromkeys(merged.places.values())}
    differences = []
    for account in (a for a in roster.accounts if a.id not in merged.left):
        place = merged.places[account.id]
        fixpoint = merged.fixpoints[place[0]]
        every = whole.reached(account.id, climb=False)
        for action in Action:
            one = told(fixpoint, fixpoint.accounts[place[1]], reached[place][action], kinds).items()
            other = told(whole, account, every[action], kinds).items()
            if one != other:
                differences.append((account.id, action, {s for s, _ in one - other}, {s for s, _ in other - one}))
    return differences


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """A policy of any kind, and many people of few kinds, so that most accounts are like another."""
    world = draw(worlds(2))
    clerk = world.roster.people[-1]
    people = [clerk, _person("duty", draw(st.sampled_from(((), (Role.IAM_DUTY,)))))]
    accounts = []
    for n in range(draw(st.integers(4, 8))):
        people.append(_person(f"p{n}", ()))
        accounts.append(
            RosterAccount(
                id=AccountId(f"a{n}"),
                account_class=draw(st.sampled_from((AccountClass.STANDARD, AccountClass.EXECUTIVE))),
                unit="north",
                person=PersonId(f"p{n}"),
                manager=draw(st.sampled_from((None, *(p.id for p in people[1:-1])))),
                leaver=draw(st.integers(0, 7)) == 0,
            )
        )
    return World(policy=leading_on(world.policy), roster=Roster(accounts=tuple(accounts), people=tuple(people)))


def leading_on(policy: Policy) -> Policy:
    """The same policy where managers approve all there is, by their session alone, and every recovery gives one.

    Whoever has somebody's mail passes one method as them, and keeps notices from them.
    """
    loaded = policy.procedures.loaded
    mailed = loaded.methods.methods["one"].model_copy(update={"defeats": (("mailbox",),)})
    falls = {"approval": (("session",),), "signed_approval": (("session",),), "unseen": (("mailbox",),)}
    methods = loaded.methods.model_copy(
        update={
            "methods": {**loaded.methods.methods, "one": mailed},
            "steps": loaded.methods.steps.model_copy(update=falls),
            "gains": (GainRow(actions=tuple(ASKED), gives=("session",)),),
        }
    )
    first = loaded.procedures.approvals["first"].model_copy(update={"seats": (("manager_of_record",),)})
    table = loaded.procedures.model_copy(
        update={
            "approvals": {**loaded.procedures.approvals, "first": first},
            "procedures": {
                held: {
                    action: cell.model_copy(update={"approve": "first", "hold": 0}) if isinstance(cell, Cell) else cell
                    for action, cell in row.items()
                }
                for held, row in loaded.procedures.procedures.items()
            },
        }
    )
    procedures = Procedures(msgspec.structs.replace(loaded, procedures=table, methods=methods), policy.digest)
    return Policy(procedures, policy.people, policy.digest, (), ())


LAX = (HealthCheck.too_slow, HealthCheck.data_too_large)


def spared(merged: Merged) -> int:
    """How many accounts were told the answer of another one."""
    return len(merged.places) - len(set(merged.places.values()))


@settings(max_examples=15, suppress_health_check=LAX)
@given(rosters())
def test_under_the_shipped_policy_merging_changes_nothing(roster: Roster) -> None:
    """Each account of a small roster has the minimal sets within the bound that it has when nobody is merged."""
    policy = Policy.default()

    assert compare(policy, roster, Merged(policy, roster, BOUND)) == []


def test_under_the_shipped_policy_people_who_are_alike_are_told_the_same() -> None:
    """Of offices most of whose people are like others, accounts fall to what they do unmerged: many told at once."""
    policy = Policy.default()
    saved: list[tuple[int, int, int]] = []

    @settings(max_examples=25, derandomize=True, database=None, suppress_health_check=LAX)
    @given(offices())
    def each(roster: Roster) -> None:
        merged = Merged(policy, roster, BOUND)
        saved.append((len(roster.accounts), spared(merged), len(merged.fixpoints) - 1))
        assert merged.left == frozenset()
        assert compare(policy, roster, merged) == []

    each()
    accounts, alike, doubtful = (sum(some) for some in zip(*saved, strict=True))
    assert alike > accounts / 8
    assert 0 < doubtful < len(saved) / 2


def test_merging_is_exact_whatever_leads_on() -> None:
    """Where every recovery leads on, whoever is not left open falls to what they fall to in the whole roster."""
    saved: list[tuple[int, int, int]] = []

    @settings(max_examples=200, suppress_health_check=LAX, derandomize=True, database=None)
    @given(crowds())
    def each(world: World) -> None:
        merged = Merged(world.policy, world.roster, BOUND, apart=0, whole=0)
        saved.append((len(world.roster.accounts), spared(merged), len(merged.left)))
        assert compare(world.policy, world.roster, merged) == []
        if merged.left:
            assert compare(world.policy, world.roster, Merged(world.policy, world.roster, BOUND)) == []

    each()
    accounts, alike, left = (sum(some) for some in zip(*saved, strict=True))
    assert alike > accounts / 6
    assert 0 < left < accounts / 10


@settings(max_examples=50, suppress_health_check=LAX)
@given(crowds())
def test_an_account_asked_for_by_name_is_exact(world: World) -> None:
    """With everybody above it kept, an account falls to what it falls to in the whole roster, whatever leads on."""
    kinds, whole = kinds_of(world.roster), Fixpoint(world.policy, world.roster, BOUND)
    for account in world.roster.accounts:
        small = reduce(world.roster, around=(account.id,))
        near = Fixpoint(world.policy, small.roster, BOUND, small.twins)
        few, every = near.reached(account.id, climb=False), whole.reached(account.id, climb=False)
        for action in Action:
            assert told(near, account, few[action], kinds) == told(whole, account, every[action], kinds)


@settings(max_examples=100, suppress_health_check=LAX)
@given(worlds())
def test_a_bound_cuts_nothing_at_or_below_it(world: World) -> None:
    """What costs no more than the bound is found with it exactly as without one."""
    bounded, free = Fixpoint(world.policy, world.roster, BOUND), Fixpoint(world.policy, world.roster, 99)
    for account in world.roster.accounts:
        found, every = bounded.reached(account.id, climb=False), free.reached(account.id, climb=False)
        for action in Action:
            cheap = {mask: said for mask, said in every[action].items() if said[0] <= BOUND}
            assert named(bounded, found[action]) == named(free, cheap)


def named(fixpoint: Fixpoint, ways: Ways) -> set[frozenset[tuple[str, str]]]:
    """The sets by capability and subject."""
    return {frozenset((n.capability, n.subject) for n, _ in fixpoint.algebra.needs_in(mask)) for mask in ways}


def test_whom_a_rule_names_is_like_nobody_else() -> None:
    """A rule that keeps one manager from approving leaves another, alike but for the name, as they are."""
    names = ("tom", "mia", "kim", "eva")
    people = (
        *(_person(n, ()) for n in names),
        _person("ann", (Role.AGENT, Role.EXECUTOR)),
        _person("bob", (Role.AGENT,)),
    )
    accounts = tuple(
        RosterAccount(
            id=AccountId(f"{who}-1"),
            account_class=AccountClass.STANDARD,
            unit="north",
            person=PersonId(who),
            manager=PersonId(manager),
        )
        for who, manager in (("tom", "mia"), ("kim", "eva"))
    )
    rule = '@id("mia-is-away") forbid (principal == Person::"mia", action == Action::"approve", resource);'
    shipped = Policy.default()
    people_file = People.load(f"{CEDAR}\n{rule}\n", SCHEMA)
    policy = Policy(shipped.procedures, people_file, shipped.digest, (), ())

    rows = {
        row.account: {need.subject for attack in row.attacks for need in attack.needs}
        for row in prove(policy, Roster(accounts=accounts, people=people)).accounts
        if row.action is Action.FACTOR_RESET
    }

    assert "manager_of_record" not in rows[AccountId("tom-1")]
    assert "manager_of_record" in rows[AccountId("kim-1")]


def test_an_account_is_alike_only_with_what_else_its_person_has() -> None:
    """Whose second account has another manager than the first is not like somebody both of whose have the same."""
    people = tuple(_person(name, ()) for name in ("tom", "lee", "kim", "mia", "eva"))
    managers = {"tom": ("mia", "mia"), "lee": ("mia", "mia"), "kim": ("mia", "eva")}
    accounts = tuple(
        RosterAccount(
            id=AccountId(f"{who}-{number}"),
            account_class=AccountClass.STANDARD,
            unit="north",
            person=PersonId(who),
            manager=PersonId(manager),
        )
        for who, both in managers.items()
        for number, manager in enumerate(both)
    )
    like = reduce(Roster(accounts=accounts, people=people)).like

    assert like[AccountId("lee-0")] == like[AccountId("tom-0")]
    assert like[AccountId("kim-0")] == AccountId("kim-0")


def staffed(roles: dict[str, tuple[Role, ...]], above: dict[str, str | None], *more: RosterAccount) -> Roster:
    """People with an account each, of its manager; whoever has roles guards recovery. And *more* accounts."""
    accounts = tuple(
        RosterAccount(
            id=AccountId(f"{who}-account"),
            account_class=AccountClass.IDENTITY_CONTROL if roles.get(who) else AccountClass.STANDARD,
            unit="north",
            person=PersonId(who),
            manager=PersonId(manager) if manager else None,
        )
        for who, manager in above.items()
    )
    return Roster(accounts=(*accounts, *more), people=tuple(_person(name, roles.get(name, ())) for name in above))


DESK = {"ann": (Role.AGENT, Role.EXECUTOR), "bob": (Role.AGENT,), "cat": (Role.AGENT,), "dan": (Role.AGENT,)}
CUSTODIANS: dict[str, tuple[Role, ...]] = {f"cus{n}": (Role.CUSTODIAN,) for n in range(4)}


def keys(name: str, owner: str, second: str) -> RosterAccount:
    """A service account."""
    return RosterAccount(
        id=AccountId(name),
        account_class=AccountClass.SERVICE,
        unit="north",
        owner=PersonId(owner),
        second_owner=PersonId(second),
    )


SEEMING: dict[str, Roster] = {
    "an agent who vouches for a colleague, who vouches for them": staffed(
        DESK, {"mia": None, "ann": None, "bob": None, "cat": None, "dan": "mia"}
    ),
    "custodians any two of whom are enough": staffed(
        {**DESK, **CUSTODIANS},
        {
            "mia": None,
            "ann": None,
            "bob": "mia",
            "cat": None,
            "cus0": "mia",
            "cus1": None,
            "cus2": "mia",
            "cus3": "mia",
        },
    ),
    "an owner whose manager is the second owner": staffed(
        DESK,
        {"mia": None, "eva": None, "tom": "mia", "kim": "mia", "ann": None, "bob": None},
        keys("svc-one", "kim", "eva"),
        keys("svc-two", "tom", "mia"),
    ),
}


@pytest.mark.parametrize("why", SEEMING)
def test_whoever_only_seems_alike_is_told_what_is_so_of_them(why: str) -> None:
    """What comes of who exactly stands where is told of each account, though it was merged with others."""
    policy, roster = Policy.default(), SEEMING[why]

    assert compare(policy, roster, Merged(policy, roster, BOUND)) == []


def below(managers: dict[str, str | None], many: int) -> Roster:
    """Some managers, each with a manager or none; and *many* people below each."""
    staff = (_person("ann", (Role.AGENT, Role.EXECUTOR)), _person("bob", (Role.AGENT,)))
    above = {**managers, **{f"{name}-{n}": name for name in managers for n in range(many)}}
    accounts = tuple(
        RosterAccount(
            id=AccountId(f"{who}-account"),
            account_class=AccountClass.STANDARD,
            unit="north",
            person=PersonId(who),
            manager=PersonId(manager) if manager else None,
        )
        for who, manager in above.items()
    )
    return Roster(accounts=accounts, people=(*(_person(name, ()) for name in above), *staff))


def test_whom_merging_leaves_open_is_told() -> None:
    """Where a stolen phone is cheap who recovers a manager matters: looked at apart, or said where it is too many."""
    shipped, managers = Policy.default(), {"mia": "eva", "kim": None, "eva": None}
    cheap = Procedures.load(PROCEDURES, spoiled("  device_theft: 3\n", "  device_theft: 1\n", METHODS))
    policy = Policy(cheap, shipped.people, shipped.digest, (), ())
    few, many = below(managers, 3), below(managers, 250)
    looked = Merged(policy, few, BOUND)

    assert not [n for n in prove(shipped, many).notes if "worked out once" in n]
    (note,) = [n for n in prove(policy, many).notes if "worked out once" in n]
    assert "what is told of 751 of 753 accounts" in note
    assert (len(looked.fixpoints), looked.left) == (2, frozenset())
    assert compare(policy, few, looked) == []
