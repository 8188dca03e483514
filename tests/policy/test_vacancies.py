"""What nobody can do is said beside the figures: the cell, and the seat or step that is empty."""

from __future__ import annotations

import msgspec
import pytest

from tests.policy.sample import CEDAR, METHODS, PROCEDURES, SCHEMA, spoiled
from watchword.core.account import AccountClass
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant
from watchword.policy import People, Policy, Procedures
from watchword.policy.attack import Analysis, Roster, RosterAccount, prove

DESK = {"ann": (Role.AGENT, Role.EXECUTOR), "bob": (Role.AGENT,), "mia": (), "tom": ()}


def roster(held: AccountClass, roles: dict[str, tuple[Role, ...]], **around: str) -> Roster:
    """One account of Tom's, or what he owns, among people with these roles."""
    people = tuple(
        Person(id=PersonId(name), kind=Kind.EMPLOYEE, unit="north", grants=tuple(RoleGrant(role=r) for r in held_by))
        for name, held_by in roles.items()
    )
    slots = {slot: PersonId(who) for slot, who in around.items()}
    plain = RosterAccount(id=AccountId("tom-1"), account_class=held, unit="north")
    account = msgspec.structs.replace(plain, **slots)
    return Roster(accounts=(account,), people=people)


def vacant(analysis: Analysis) -> list[str]:
    """Its notes about what nobody can do."""
    return [note for note in analysis.notes if note.startswith("Nobody can have")]


def with_rules(cedar: str) -> Policy:
    """The shipped policy with other rules about people."""
    shipped = Policy.default()
    return Policy(shipped.procedures, People.load(cedar, SCHEMA), shipped.digest, (), ())


def test_where_every_seat_has_somebody_nothing_is_said() -> None:
    """Neither the shipped policy on its own nor an account with a manager and two agents has anything vacant."""
    assert vacant(prove(Policy.default())) == []
    assert vacant(prove(Policy.default(), roster(AccountClass.STANDARD, DESK, person="tom", manager="mia"))) == []


@pytest.mark.parametrize(
    ("held", "roles", "around", "said"),
    [
        (AccountClass.STANDARD, DESK, {"person": "tom"}, "the seat manager_of_record is empty (account tom-1)"),
        (AccountClass.FINANCE, DESK, {"person": "tom", "manager": "mia"}, "the seat iam_duty"),
        (AccountClass.SERVICE, DESK, {}, "no owner_of_record, whose proof it takes"),
        (AccountClass.BREAK_GLASS, DESK, {}, "the proof of 2 holders of custodian"),
        (
            AccountClass.STANDARD,
            {**DESK, "ann": (Role.AGENT,)},
            {"person": "tom", "manager": "mia"},
            "nobody there may release it, which takes executor",
        ),
        (
            AccountClass.STANDARD,
            {"mia": (), "tom": ()},
            {"person": "tom", "manager": "mia"},
            "nobody there may open it, which takes agent",
        ),
        (
            AccountClass.FINANCE,
            {**DESK, "mia": (Role.IAM_DUTY,)},
            {"person": "tom", "manager": "mia"},
            "too few people are left",
        ),
    ],
)
def test_a_role_nobody_holds_is_named_with_its_cells(
    held: AccountClass, roles: dict[str, tuple[Role, ...]], around: dict[str, str], said: str
) -> None:
    """A seat, a step or a proof without anybody, and one person for two seats, are named with class and account."""
    told = vacant(prove(Policy.default(), roster(held, roles, **around)))

    assert any(said in note and f"done for {held}:" in note for note in told), told


def test_a_policy_nobody_can_satisfy_is_named_as_such() -> None:
    """Where no rule lets anybody release, every cell that is not denied is told to be out of everybody's reach."""
    (rule,) = (s for s in Policy.default().people.statements if s.name == "executor-releases")

    told = vacant(prove(with_rules(CEDAR.replace(rule.text, "", 1))))

    assert {note.split(" done for ")[1].split(":")[0] for note in told} == {
        held for held, _, _ in Policy.default().procedures.answered()
    }
    assert all("nobody there may release it" in note for note in told)


def test_what_is_taken_to_fall_to_nothing_is_said() -> None:
    """A method with `never: reason` is in the notes with its reason, whoever reads the figures."""
    methods = spoiled("defeats: [[breakglass_theft], [approver_corrupt]]", "never: kept in a vault of glass", METHODS)
    shipped = Policy.default()
    policy = Policy(Procedures.load(PROCEDURES, methods), shipped.people, shipped.digest, (), ())

    assert any("is taken to fall to nothing: kept in a vault of glass" in note for note in prove(policy).notes)
