"""Which attacker gets in, and how cheaply: the minimal sets of capabilities that reach each class, action and account."""

from __future__ import annotations

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Person
from watchword.policy.bundle import Policy


class Need(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One capability about one *subject*: a role in the case (`target`, `agent`, a seat), a person, or an account.

    The subject is empty for what is about the organisation, such as the rights of a directory's administrator.
    """

    capability: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.capability}@{self.subject}" if self.subject else self.capability


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a path: *what* is done with which *needs*, and what it *gives* the attacker."""

    what: str
    gives: str
    needs: tuple[Need, ...] = ()


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """A minimal set of *needs* and one path through it.

    *cost* is the sum over its distinct needs (1 cheap to 5 hard each), *dearest* the most one of them costs. With
    *infrastructure* it goes through systems around the desk, which no procedure can close.
    """

    needs: tuple[Need, ...]
    cost: int
    dearest: int
    steps: tuple[Step, ...] = ()
    infrastructure: bool = False


class _Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What cells and accounts have in common; both tuples are antichains, cheapest first."""

    denied: bool
    attacks: tuple[Attack, ...]
    infrastructure: tuple[Attack, ...]

    @property
    def cheapest(self) -> int | None:
        """Cost of the cheapest outsider's attack; None where there is none."""
        return self.attacks[0].cost if self.attacks else None

    @property
    def single(self) -> int:
        """How many of the attacks need one capability only."""
        return sum(len(a.needs) == 1 for a in self.attacks)

    @property
    def first_cheap(self) -> Attack | None:
        """The first attack whose every capability costs 2 or less."""
        return next((a for a in self.attacks if a.dearest <= CHEAP), None)


CHEAP = 2
"""A capability anybody can have within a day: public data, a phishing kit, a mailbox, a talked-into agent."""


class CellAttacks(_Reached, frozen=True, kw_only=True):
    """One class x action. *attacks* are an outsider's, *infrastructure* those through systems around the desk.

    A *denied* cell is refused by the desk; what is still listed for it goes around the desk or through another action.
    """

    account_class: AccountClass
    action: Action


class AccountAttacks(_Reached, frozen=True, kw_only=True):
    """One named account x action; subjects are persons and accounts of the roster."""

    account: AccountId
    account_class: AccountClass
    action: Action


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """All of it for one policy, by digest. With *complete* False a bound cut something off, and *notes* say what."""

    policy: str
    cells: tuple[CellAttacks, ...]
    accounts: tuple[AccountAttacks, ...] = ()
    complete: bool = True
    notes: tuple[str, ...] = ()


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


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts, and the people who act with their roles, as a ledger and a directory (or a file) have them."""

    accounts: tuple[RosterAccount, ...]
    people: tuple[Person, ...]


def prove(policy: Policy, roster: Roster | None = None) -> Analysis:
    """Return the attacks on every class x action and, with a *roster*, on every account.

    Raise `Invalid` for a roster that can not be.
    """
    raise NotImplementedError


def attacks_on(policy: Policy, roster: Roster, account: AccountId) -> tuple[AccountAttacks, ...]:
    """Return the attacks on one account, one row an action, each with its path; raise `Invalid` for one not there."""
    raise NotImplementedError
