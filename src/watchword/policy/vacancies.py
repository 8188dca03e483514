"""What nobody can do: cells of the policy for which the roster has no people, each with the seat or step that is empty.

Nobody gets such a request through the desk, its rightful owner included; the analysis says so beside its figures.
"""

from __future__ import annotations

from collections.abc import Container

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.ids import AccountId
from watchword.core.person import Role
from watchword.core.requirement import Requirement
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.roster import RosterAccount

NEEDED = (Step.OPEN, Step.VERIFY, Step.RELEASE)


def vacancies(fixpoint: Fixpoint, accounts: Container[AccountId]) -> tuple[str, ...]:
    """One sentence for each class and empty seat: the actions, what is empty, and one of *accounts* it is true of."""
    found: dict[tuple[AccountClass, str], dict[Action, AccountId]] = {}
    for _, account_id, held, name in sorted(fixpoint.uncast):
        account, action = fixpoint.accounts[AccountId(account_id)], Action(name)
        requirement = fixpoint.policy.procedures.plain(AccountClass(held), action)
        if requirement is not None and account.id in accounts and held == fixpoint.held[account.id]:
            key = (AccountClass(held), _empty(fixpoint, account, requirement))
            found.setdefault(key, {}).setdefault(action, account.id)
    return tuple(
        f"Nobody can have {', '.join(a for a in Action if a in actions)} done for {held}: {empty} "
        f"(account {next(iter(actions.values()))})."
        for (held, empty), actions in sorted(
            found.items(), key=lambda item: (list(AccountClass).index(item[0][0]), item)
        )
    )


def _empty(fixpoint: Fixpoint, account: RosterAccount, requirement: Requirement) -> str:
    """The first thing that is missing: whose proof counts, who takes a step, or who fills a seat."""
    casting = fixpoint.casting
    staff = casting.staff(account)
    facts = casting.facts(account, requirement.account_class, requirement.action, requirement)
    proves = fixpoint.policy.procedures.table.classes[requirement.account_class].proved_by
    if proves == "owner" and account.owner is None:
        return "it has no owner_of_record, whose proof it takes"
    if proves == "custodians":
        least = min(way.provers for way in (*requirement.verify, requirement.strongest))
        if sum(Role.CUSTODIAN in p.roles_at(casting.rulings.at, account.unit) for p in staff) < least:
            return f"it takes the proof of {least} holders of custodian"
    for step in NEEDED:
        if not any(casting.may(account, person, step, facts) for person in staff):
            roles = " or ".join(fixpoint.policy.people.permitted[step])
            return f"nobody there may {step} it" + (f", which takes {roles}" if roles else "")
    for seat in requirement.approve.seats if requirement.approve else ():
        filled = any(
            set(seat.roles) & {*person.roles_at(casting.rulings.at, account.unit), *account.relations(person.id)}
            and casting.may(account, person, Step.APPROVE, facts)
            for person in staff
        )
        if not filled:
            return f"the seat {' or '.join(seat.roles)} is empty"
    return "too few people are left once those who must be apart are apart"
