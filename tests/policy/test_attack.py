"""Which attacks reach the shipped policy, and rosters that can not be."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import msgspec
import pytest

from tests.policy.sample import METHODS, PROCEDURES, spoiled
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Kind, LentSeat, Person, Role, RoleGrant
from watchword.core.requirement import Context
from watchword.policy import Policy, Procedures, strictness
from watchword.policy.attack import Analysis, CellAttacks, Roster, RosterAccount, attacks_on, prove, prove_account
from watchword.policy.check import WORST
from watchword.policy.strictness import implies
from watchword.policy.tables import VOCABULARY

MANY = 10 << 20


@cache
def analysis() -> Analysis:
    """Of the shipped policy."""
    return prove(Policy.default())


def cell(held: AccountClass, action: Action) -> CellAttacks:
    """One cell of it."""
    return next(c for c in analysis().cells if (c.account_class, c.action) == (held, action))


def test_every_cell_is_answered_once() -> None:
    """The table has each class and action, and infrastructure reaches every one of them."""
    assert [(c.account_class, c.action) for c in analysis().cells] == [(c, a) for c in AccountClass for a in Action]
    assert all(c.infrastructure for c in analysis().cells)


@pytest.mark.parametrize(
    "action", [Action.FACTOR_RESET, Action.TOTAL_LOSS, Action.RECOVERY_INFO_CHANGE, Action.BYPASS_CODE]
)
@pytest.mark.parametrize("held", list(AccountClass))
def test_no_single_capability_opens_what_changes_a_factor(held: AccountClass, action: Action) -> None:
    """No one capability of an outsider's resets a factor, changes a contact point or gives a pass, in any class."""
    assert cell(held, action).single == 0


def test_a_password_costs_no_less_than_the_authenticator_it_asks_for() -> None:
    """An executive's password takes the passkey: its device or its endpoint, and a one-time password opens nothing."""
    found = cell(AccountClass.EXECUTIVE, Action.PASSWORD_RESET)

    assert found.cheapest == 3
    assert {a.needs[0].capability for a in found.attacks if len(a.needs) == 1} == {"device_theft", "endpoint_control"}


def test_a_path_names_its_needs_step_by_step() -> None:
    """The steps of an attack use exactly its needs, and end in the action."""
    for found in (cell(AccountClass.STANDARD, Action.FACTOR_RESET), cell(AccountClass.FINANCE, Action.BYPASS_CODE)):
        for attack in found.attacks:
            assert {n for step in attack.steps for n in step.needs} == set(attack.needs)


def test_broken_glass_hands_over_to_somebody_who_proves_it() -> None:
    """Two custodians agree, and still somebody has to pass one enforced method to take the credential."""
    custodians = {"custodian", "custodian_2"}
    through = [
        a
        for a in cell(AccountClass.PRIVILEGED, Action.TOTAL_LOSS).attacks
        if {n.subject for n in a.needs if n.capability == "session_token"} == custodians
    ]

    assert through
    assert all({n.subject for n in a.needs} - custodians for a in through)
    assert min(a.cost for a in through) == 6


def test_the_plain_context_is_the_cheapest() -> None:
    """However a request comes in, whatever satisfies what is asked then satisfies the plain cell."""
    procedures = Policy.default().procedures
    single = [msgspec.structs.replace(Context(), **{f: w}) for f, known in VOCABULARY.items() for w in known]
    for held, action, _ in procedures.answered():
        plain = procedures.plain(held, action)
        assert plain is not None
        for context in (*single, WORST):
            raised = procedures.require(held, action, context)
            assert all(any(implies(way, easier) for easier in plain.verify) for way in raised.verify)
            assert strictness.join(plain, raised).approve == raised.approve
            assert raised.hold_s >= plain.hold_s
            assert set(plain.separate) <= set(raised.separate)


def person(name: str, *roles: Role) -> Person:
    """Somebody with roles everywhere."""
    grants = tuple(RoleGrant(role=r) for r in roles)
    return Person(id=PersonId(name), kind=Kind.EMPLOYEE, unit="north", grants=grants)


def account(name: str, who: str, manager: str | None, held: AccountClass = AccountClass.STANDARD) -> RosterAccount:
    """Somebody's account in the only unit."""
    return RosterAccount(
        id=AccountId(name),
        account_class=held,
        unit="north",
        person=PersonId(who),
        manager=PersonId(manager) if manager else None,
    )


STAFF = (person("ann", Role.AGENT), person("bob", Role.AGENT, Role.EXECUTOR), person("mia"), person("tom"))


def test_a_named_account_names_its_people() -> None:
    """What an attack on Tom needs is said of Tom, of his manager and of the agents there are."""
    roster = Roster(accounts=(account("tom-1", "tom", "mia"), account("mia-1", "mia", None)), people=STAFF)
    rows = attacks_on(Policy.default(), roster, AccountId("tom-1"))
    subjects = {n.subject for row in rows for attack in row.attacks for n in attack.needs}

    assert subjects <= {"tom", "mia", "ann", "bob", ""}  # what is about nobody: an issuer of credentials
    assert {"tom", "mia"} <= subjects


def test_a_recovered_manager_approves_once_a_week_went_by_unseen() -> None:
    """A pass that a relayed code buys is the manager's session, which approves only if she sees no notice meanwhile."""
    begun = "bypass_code:          {verify: [V3],      approve: A1, "
    table = spoiled(begun, begun.replace("[V3]", "[V1]").replace("A1,", "none,"))
    shipped = Policy.default()
    procedures = Procedures.load(table, METHODS)
    policy = Policy(procedures, shipped.people, procedures.digest, (), ())
    roster = Roster(accounts=(account("tom-1", "tom", "mia"), account("mia-1", "mia", None)), people=STAFF)
    rows = attacks_on(policy, roster, AccountId("tom-1"), bound=8)
    (reset,) = (row for row in rows if row.action is Action.FACTOR_RESET)
    of_mia = {frozenset(n.capability for n in a.needs if n.subject == "mia") for a in reset.attacks}

    assert frozenset({"phish_relay"}) not in of_mia
    assert frozenset({"phish_relay", "away"}) in of_mia


def test_seats_that_are_lent_are_counted_and_said_to_be_left_out() -> None:
    """Whoever sits in somebody's place is one more person to talk over: the figures do not know it, and say so."""
    loans = tuple(
        LentSeat(by=PersonId("mia"), seat=seat, until=datetime(2026, 12, 1, tzinfo=UTC))
        for seat in ("manager_of_record", "sponsor")
    )
    for many, said in ((0, ()), (1, ("One seat in approvals is lent",)), (2, ("2 seats in approvals are lent",))):
        people = tuple(msgspec.structs.replace(p, lent=loans[:many]) if p.id == PersonId("tom") else p for p in STAFF)
        roster = Roster(accounts=(account("tom-1", "tom", "mia"), account("mia-1", "mia", None)), people=people)
        for found in (prove(Policy.default(), roster), prove_account(Policy.default(), roster, AccountId("tom-1"))):
            assert tuple(n.partition(", and")[0] for n in found.notes if "lent" in n) == said


@pytest.mark.parametrize(
    ("roster", "said"),
    [
        (Roster(accounts=(), people=STAFF), "no accounts"),
        (Roster(accounts=(account("a", "tom", None),), people=()), "no people"),
        (Roster(accounts=(account("a", "tom", "eve"),), people=STAFF), "not in the roster"),
        (Roster(accounts=(account("a", "tom", None), account("a", "mia", None)), people=STAFF), "stands twice"),
        (Roster(accounts=(account("a", "tom", "mia"), account("b", "mia", "tom")), people=STAFF), "in a circle"),
    ],
)
def test_a_roster_that_can_not_be_is_refused(roster: Roster, said: str) -> None:
    """Nobody, somebody unknown, one id twice and a circle of managers are told by name."""
    with pytest.raises(Invalid, match=said):
        prove(Policy.default(), roster)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("defeats: [[breakglass_theft], [approver_corrupt]]", "voice: false", "nothing is unbreakable"),
        ("defeats: [[breakglass_theft], [approver_corrupt]]", "defeats: []", "nothing is unbreakable"),
        ("defeats: [[breakglass_theft], [approver_corrupt]]", 'never: ""', "at least 1 character"),
        ("  osint: 1\n", "  osint: 9\n", "at most 5"),
        ("gives: [password]}", "gives: [passwort]}", "'passwort' is no capability"),
        ("methods: [passkey]}", "methods: [passkie]}", "not among the methods"),
        ("unseen: [[away]]", "unseen: []", "nothing is unbreakable"),
        ("  osint: 1\n", "  osint: &cheap 1\n", "anchor or alias"),
        ("  osint: 1\n", "  osint: *cheap\n", "anchor or alias"),
        ("  osint: 1\n", "  osint: !!int 1\n", "the tag"),
    ],
)
def test_a_slip_in_the_model_is_told_with_its_line(old: str, new: str, said: str) -> None:
    """What falls to nothing, an unknown capability or method, and a cost out of range stop the policy."""
    with pytest.raises(Invalid, match=r"methods\.yaml:\d+: .*") as error:
        Procedures.load(PROCEDURES, spoiled(old, new, METHODS))

    assert said in str(error.value)


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    """Ten megabytes of YAML are refused for their size."""
    with pytest.raises(Invalid, match="larger than"):
        Procedures.load(PROCEDURES, METHODS + "#" * MANY)
