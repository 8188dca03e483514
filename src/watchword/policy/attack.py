"""Which attacker gets in, and how cheaply: the minimal sets of capabilities that reach a class, action or account.

With no roster, a class stands for one account of it among ordinary people. What is found is exact up to `BOUND`: each
minimal set that costs no more, chains included. A cell that nothing so cheap reaches shows the cheapest sets that are
made of parts within the bound, and `complete` is False.
"""

from __future__ import annotations

from collections.abc import Container

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId
from watchword.policy.bundle import Policy
from watchword.policy.capabilities import Need, Ways, moves_of
from watchword.policy.casting import named
from watchword.policy.falling import holder
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import reduce
from watchword.policy.merged import Merged, Place
from watchword.policy.roster import RELATIONS, Roster, RosterAccount, alike, demand_sound, generic
from watchword.policy.tables import Deny
from watchword.policy.vacancies import vacancies

__all__ = ["Need", "Roster", "RosterAccount"]

BOUND = 6
"""What an attack may cost and still be followed wherever it leads: the dearest threshold of the default policy."""


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


LISTED = 8
"""How many attacks of more than one need stand in a row of an account, where a roster may have fifty thousand."""


class CellAttacks(_Reached, frozen=True, kw_only=True):
    """One class x action. *attacks* are an outsider's, *infrastructure* those through systems around the desk.

    A *denied* cell is refused by the desk; what is still listed for it goes around the desk or through another action.
    """

    account_class: AccountClass
    action: Action


class AccountAttacks(_Reached, frozen=True, kw_only=True):
    """One named account x action.

    From `attacks_on` subjects are persons and accounts of the roster, and the cheapest is there whatever it costs.
    From `prove` they are roles around the target, no attack means none within the bound, and of those with more than
    one need the `LISTED` cheapest are there, without their paths.
    """

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


def prove(policy: Policy, roster: Roster | None = None, *, bound: int = BOUND) -> Analysis:
    """Return the attacks on every class x action and, with a *roster*, on every account.

    Raise `Invalid` for a roster that can not be.
    """
    if roster is not None:
        return _proved(policy, roster, bound)
    made_up = generic(policy)
    fixpoint = Fixpoint(policy, made_up, bound, alike(policy, made_up))
    cells: list[CellAttacks] = []
    for held in AccountClass:
        account = fixpoint.accounts[AccountId(held)]
        names = {holder(account): "target", account.id: "target"}
        cells.extend(
            _cell(row) for row in _rows(policy, fixpoint, account, account.id, names, fixpoint.reached(account.id))
        )
    return Analysis(
        policy=policy.digest,
        cells=tuple(cells),
        complete=not fixpoint.algebra.cut,
        notes=_notes(policy, fixpoint, {AccountId(c) for c in AccountClass}),
    )


def _proved(policy: Policy, roster: Roster, bound: int) -> Analysis:
    """The analysis of a roster: of all accounts that are alike one is worked out, in the words of its relations."""
    demand_sound(roster)
    merged = Merged(policy, roster, bound)
    known: dict[Place, tuple[AccountAttacks, ...]] = {}
    for place in dict.fromkeys(merged.places.values()):
        fixpoint = merged.fixpoints[place[0]]
        account = fixpoint.accounts[place[1]]
        known[place] = _rows(
            policy, fixpoint, account, place[1], _relative(account), merged.reached(place), briefly=True
        )
    weakest: dict[tuple[AccountClass, Action], tuple[Place, AccountAttacks]] = {}
    for place, row in ((place, row) for place, rows in known.items() for row in rows):
        key = (row.account_class, row.action)
        if key not in weakest or _dearness(row) < _dearness(weakest[key][1]):
            weakest[key] = place, row
    cells = {key: row for key, (_, row) in weakest.items()}
    for key, (place, row) in weakest.items():
        if not row.attacks:  # none within the bound: the cheapest of one of them says at least where it begins
            fixpoint = merged.fixpoints[place[0]]
            account, action = fixpoint.accounts[place[1]], row.action
            reached = {action: fixpoint.reached(account.id)[action]}
            (cells[key],) = _rows(policy, fixpoint, account, account.id, _relative(account), reached)
    first = merged.fixpoints[0]
    return Analysis(
        policy=policy.digest,
        cells=tuple(_cell(cells[c, a]) for c in AccountClass for a in Action if (c, a) in cells),
        accounts=tuple(
            msgspec.structs.replace(row, account=account) for account, at in merged.places.items() for row in known[at]
        ),
        complete=not any(f.algebra.cut for f in merged.fixpoints) and not merged.left,
        notes=(
            *_notes(policy, first, {at[1] for at in merged.places.values()}),
            *_taken_as_one(merged),
            *_lent(roster),
        ),
    )


def _taken_as_one(merged: Merged) -> tuple[str, ...]:
    if not merged.left:
        return ()
    note = (
        "Accounts that are alike were worked out once. Who stands around the people around an account could change "
        f"what is told of {len(merged.left):,} of {len(merged.places):,} accounts: see --account."
    )
    return (note,)


def _lent(roster: Roster) -> tuple[str, ...]:
    """What is said of seats that are lent: each is worked out as its lender's alone."""
    if not (count := sum(len(person.lent_at(roster.at)) for person in roster.people)):
        return ()
    seats = "One seat in approvals is lent, and is" if count == 1 else f"{count:,} seats in approvals are lent, and are"
    return (f"{seats} taken as the lender's alone: who sits there can be talked over or taken over as well.",)


def _dearness(row: AccountAttacks) -> int:
    return row.cheapest if row.cheapest is not None else 1_000


def _cell(row: AccountAttacks) -> CellAttacks:
    return CellAttacks(
        account_class=row.account_class,
        action=row.action,
        denied=row.denied,
        attacks=row.attacks,
        infrastructure=row.infrastructure,
    )


def _relative(account: RosterAccount) -> dict[str, str]:
    """What the people around an account are called, whoever they are."""
    names = {p: name for name, field in RELATIONS.items() if (p := getattr(account, field)) is not None}
    return {**names, holder(account): "target", account.id: "target"}


def _rows(
    policy: Policy,
    fixpoint: Fixpoint,
    account: RosterAccount,
    name: AccountId,
    names: dict[str, str],
    reached: dict[Action, Ways],
    *,
    briefly: bool = False,
) -> tuple[AccountAttacks, ...]:
    """One row for each action that is *reached* some way or none."""
    held = fixpoint.held[account.id]
    say = _Saying(fixpoint, names)
    rows = []
    for action, ways in reached.items():
        attacks, infrastructure = say.attacks(ways, briefly=briefly)
        rows.append(
            AccountAttacks(
                account=name,
                account_class=held,
                action=action,
                denied=isinstance(policy.procedures.cell(held, action), Deny),
                attacks=attacks,
                infrastructure=infrastructure,
            )
        )
    return tuple(rows)


def attacks_on(policy: Policy, roster: Roster, account: AccountId, *, bound: int = BOUND) -> tuple[AccountAttacks, ...]:
    """Return the attacks on one account, one row an action, each with its path; raise `Invalid` for one not there."""
    return prove_account(policy, roster, account, bound=bound).accounts


def prove_account(policy: Policy, roster: Roster, account: AccountId, *, bound: int = BOUND) -> Analysis:
    """Return the analysis of one account, with no cells; raise `Invalid` for one that is not in the *roster*."""
    demand_sound(roster)
    if account not in {a.id for a in roster.accounts}:
        raise Invalid(f"The account {account} is not in the roster.", "Name one that is.", "account")
    small = reduce(roster, (account,), named(policy.people))
    fixpoint = Fixpoint(policy, small.roster, bound, small.twins)
    rows = _rows(policy, fixpoint, fixpoint.accounts[account], account, {}, fixpoint.reached(account))
    return Analysis(
        policy=policy.digest,
        cells=(),
        accounts=rows,
        complete=not fixpoint.algebra.cut,
        notes=(*_notes(policy, fixpoint, {account}), *_lent(roster)),
    )


class _Saying:
    """Sets of needs and their traces, put into words; *names* are what subjects go by."""

    def __init__(self, fixpoint: Fixpoint, names: dict[str, str]) -> None:
        self.algebra = fixpoint.algebra
        self.names = names

    def attacks(self, ways: Ways, *, briefly: bool = False) -> tuple[tuple[Attack, ...], tuple[Attack, ...]]:
        """The outsider's attacks, and those that need the infrastructure, each cheapest first.

        *briefly*: all of one need, the `LISTED` cheapest of more, and no paths.
        """
        outside = self.algebra.outside(ways)
        inside = {mask: said for mask, said in ways.items() if mask not in outside}
        return self._listed(outside, briefly=briefly), self._listed(inside, briefly=briefly)

    def _listed(self, ways: Ways, *, briefly: bool) -> tuple[Attack, ...]:
        chosen = sorted(ways.items(), key=lambda item: (item[1][0], item[0].bit_count()))
        if briefly:
            singles = [item for item in chosen if item[0].bit_count() == 1]
            chosen = [*singles, *[item for item in chosen if item[0].bit_count() > 1][:LISTED]]
        made = (self._attack(mask, cost, () if briefly else trace) for mask, (cost, trace) in chosen)
        return tuple(sorted(made, key=_order))

    def _attack(self, mask: int, cost: int, trace: tuple[object, ...]) -> Attack:
        priced = self.algebra.needs_in(mask)
        return Attack(
            needs=self._needs(mask),
            cost=cost,
            dearest=max((c for _, c in priced), default=0),
            steps=tuple(
                Step(what=m.what.format(who=self._named(m.subject)), gives=m.gives, needs=self._needs(m.mask))
                for m in moves_of(trace)
            ),
            infrastructure=bool(mask & self.algebra.infrastructure),
        )

    def _needs(self, mask: int) -> tuple[Need, ...]:
        found = (msgspec.structs.replace(n, subject=self._named(n.subject)) for n, _ in self.algebra.needs_in(mask))
        return tuple(sorted(found))

    def _named(self, subject: str) -> str:
        return self.names.get(subject, subject)


def _order(attack: Attack) -> tuple[int, int, tuple[Need, ...]]:
    return attack.cost, len(attack.needs), attack.needs


def _notes(policy: Policy, fixpoint: Fixpoint, accounts: Container[AccountId]) -> tuple[str, ...]:
    notes = [
        f"{name} is taken to fall to nothing: {row.never}"
        for name, row in policy.procedures.loaded.methods.methods.items()
        if row.never
    ]
    notes.extend(vacancies(fixpoint, accounts))
    if fixpoint.algebra.cut:
        notes.append(
            f"Every attack that costs {fixpoint.algebra.bound} or less is here. Where none is so cheap, the cheapest "
            f"is shown that leads from one success to the next at no more than {fixpoint.algebra.bound}."
        )
    return tuple(notes)
