"""The analysis of a policy as rules for an answer set solver, and what clingo says is cheapest.

The rules are written down by the engine's own nodes, with an algebra that takes notes instead of working out sets: what
is given to the solver is the same problem, circles included, and how it is solved has nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterable

import clingo

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.ids import AccountId
from watchword.policy import Policy
from watchword.policy.capabilities import FREE, NO_WAY, Algebra, Move, Ways
from watchword.policy.falling import Node
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.roster import alike, generic

Cell = tuple[AccountClass, Action]
ANY_COST = 1_000
"""No bound: every need there is may be part of an attack."""


class Notes(Algebra):
    """Writes rules: a set of ways is the number of an atom, under which it stands as the only key."""

    rules: list[str]
    atoms: int

    def begin(self) -> None:
        """Forget what was noted; the number 0 is what is free."""
        self.rules, self.atoms = ["a(0)."], 0
        self._noted: dict[object, Ways] = {}

    def new(self) -> Ways:
        """An atom nothing is said about yet."""
        self.atoms += 1
        return {self.atoms: (0, ())}

    def need(self, capability: str, subject: str) -> Ways:
        """A choice of the attacker's, at its price; of outsiders only, so that infrastructure is no choice."""
        key = capability, subject
        if key not in self._noted:
            atom = self._noted[key] = self.new()
            row = self._prices[capability]
            if not row.infrastructure:
                (number,) = atom
                self.rules.append(f"{{a({number})}}. price({number},{row.cost}).")
        return self._noted[key]

    def either(self, ways: Iterable[Ways]) -> Ways:
        """One rule for each."""
        given = frozenset(number for way in ways for number in way)
        if len(given) < 2:
            return dict.fromkeys(given, (0, ()))
        if ("or", given) not in self._noted:
            (number,) = atom = self.new()
            self.rules.extend(f"a({number}) :- a({one})." for one in sorted(given))
            self._noted["or", given] = atom
        return self._noted["or", given]

    def both(self, one: Ways, other: Ways) -> Ways:
        """One rule with two parts."""
        if one is FREE or other is FREE:
            return other if one is FREE else one
        if not one or not other:
            return NO_WAY
        given = frozenset((*one, *other))
        if ("and", given) not in self._noted:
            (number,) = atom = self.new()
            self.rules.append(f"a({number}) :- {', '.join(f'a({part})' for part in sorted(given))}.")
            self._noted["and", given] = atom
        return self._noted["and", given]

    def within(self, ways: Ways) -> Ways:
        """The same: there is no bound."""
        return ways

    def told(self, ways: Ways, move: Move, *, own: bool = False) -> Ways:
        """The same: nothing is told."""
        del move, own
        return ways


class Written(Fixpoint):
    """The nodes of an analysis, each worked out once, into rules."""

    def __init__(self, policy: Policy) -> None:
        roster = generic(policy)
        super().__init__(policy, roster, ANY_COST, alike(policy, roster))
        self.notes = Notes(self.table.capabilities, ANY_COST)
        self.notes.begin()
        self.algebra = self.notes

    def _read(self, *node: str) -> Ways:
        if node not in self._values:
            self._values[node] = self.notes.new()
            self._later(node)
        return self._values[node]

    def _evaluate(self, node: Node) -> None:
        (number,) = self._values[node]
        self.notes.rules.extend(f"a({number}) :- a({one})." for one in self._compute[node[0]](*node[1:]))

    def program(self) -> tuple[str, dict[Cell, int]]:
        """The rules, and the number of the atom that each cell is."""
        cells: dict[Cell, int] = {}
        self.settle_on(tuple(AccountId(held) for held in AccountClass))
        everything = self._read("everything")
        for held in AccountClass:
            for action in Action:
                goal = self.algebra.either((self._read("goal", held, action), everything))
                (cells[held, action],) = goal
        minimised = "#minimize { C,N : a(N), price(N,C) }."
        return "\n".join((*self.notes.rules, minimised)), cells


def cheapest(program: str, cells: dict[Cell, int]) -> dict[Cell, int | None]:
    """What clingo finds cheapest for an outsider, cell by cell; None where it finds no attack."""
    control = clingo.Control(["--warn=none"])
    control.add("base", [], program)
    control.ground([("base", [])])
    found: dict[Cell, int | None] = {}
    for cell, number in cells.items():
        cost: int | None = None
        asked = (clingo.Function("a", [clingo.Number(number)]), True)
        with control.solve(yield_=True, assumptions=[asked]) as handle:
            for model in handle:
                cost = model.cost[0] if model.cost else 0
        found[cell] = cost
    return found
