"""What people fall to: proofs, seats, notices, and what a success gives, each a node of the fixpoint.

A node is computed from those it reads and again when one of them changed, until nothing is new. Below the bound there
are finitely many sets and a node only ever gains some, so it ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from heapq import heappush
from typing import Any

from watchword.core.ids import PersonId
from watchword.policy.bundle import Policy
from watchword.policy.capabilities import NO_WAY, Algebra, Move, Ways
from watchword.policy.casting import Casting, Rulings
from watchword.policy.methods_tables import GainRow
from watchword.policy.roster import Roster, RosterAccount, held_as
from watchword.policy.values import Falls

Node = tuple[str, ...]
"""What it is of, then the words that say which one."""

SEATED = {
    "approval": "have {who} approve",
    "signed_approval": "have {who} sign the approval",
    "custodian": "have {who} agree as custodian",
    "signed_custodian": "have {who} sign as custodian",
}

ORDER = {
    name: order
    for order, names in enumerate(
        (
            ("have", "word", "line"),
            ("unseen",),
            ("proof", "seat"),
            ("shown", "panel"),
            ("cell", "glass", "around", "takes"),
            ("goal", "everything"),
            ("gained",),
        )
    )
    for name in names
}
"""What is computed again first, so that what reads it is computed again once."""


WAITS = "waits"
"""Stands among methods for a hold that nobody is seen through."""


class Falling:
    """The nodes there are about people; what is about actions comes from `Fixpoint`."""

    def __init__(
        self, policy: Policy, roster: Roster, bound: int, twins: tuple[tuple[PersonId, ...], ...] = ()
    ) -> None:
        self.policy = policy
        self.table = policy.procedures.loaded.methods
        self.algebra = Algebra(self.table.capabilities, bound)
        self.casting = Casting(Rulings(policy.people, roster), roster, twins)
        self.accounts = {a.id: a for a in roster.accounts}
        self.held = held_as(roster.accounts)
        self._owned: dict[str, list[RosterAccount]] = {}
        for account in roster.accounts:
            self._owned.setdefault(holder(account), []).append(account)
        self._gains: dict[str, list[GainRow]] = {}
        for row in self.table.gains:
            for capability in row.gives:
                self._gains.setdefault(capability, []).append(row)
        self._values: dict[Node, Ways] = {}
        self._readers: dict[Node, dict[Node, None]] = {}
        self._reading: list[Node] = []
        self._waiting: list[tuple[int, int, Node]] = []
        self._count = 0
        self._queued: set[Node] = set()
        self._numbers: dict[tuple[Any, ...], str] = {}
        self._numbered: list[tuple[Any, ...]] = []
        self._compute: dict[str, Callable[..., Ways]] = {
            "have": self._have,
            "gained": self._gained,
            "unseen": self._unseen,
            "proof": self._proof,
            "word": self._word,
            "line": self._line,
            "seat": self._seat,
            "shown": self._shown,
            "panel": self._panel,
        }

    def owned_by(self, who: str) -> tuple[RosterAccount, ...]:
        """The accounts capabilities about *who* are about: those of a person, or the one account nobody has."""
        return tuple(self._owned.get(who, ()))

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _read(self, *node: str) -> Ways:
        if node not in self._values:
            self._values[node] = NO_WAY  # what a circle reads of itself at first; it is told when there is more
            if node[0] == "gained":
                self._later(node)  # what a success gives comes after all that nobody gave
            else:
                self._evaluate(node)
        if self._reading:
            self._readers.setdefault(node, {}).setdefault(self._reading[-1])
        return self._values[node]

    def _later(self, node: Node) -> None:
        if node not in self._queued:
            self._queued.add(node)
            self._count += 1
            heappush(self._waiting, (ORDER[node[0]], self._count, node))

    def _evaluate(self, node: Node) -> None:
        self._reading.append(node)
        found = self._compute[node[0]](*node[1:])
        self._reading.pop()
        before = self._values[node]
        if found.keys() == before.keys():
            return
        # A set keeps the path it was first found by: a later one may lead through this very node.
        self._values[node] = {mask: before.get(mask, said) for mask, said in found.items()} if before else found
        for reader in self._readers.get(node, ()):
            self._later(reader)

    def _number(self, key: tuple[Any, ...]) -> str:
        """What a node is of, where that is more than words: as a number in `_numbered`."""
        if key not in self._numbers:
            self._numbers[key] = str(len(self._numbered))
            self._numbered.append(key)
        return self._numbers[key]

    def _shared(self, *node: str) -> Ways:
        """A node; beyond the bound, where nodes are not kept, what it would be."""
        return self._compute[node[0]](*node[1:]) if self.algebra.barred else self._read(*node)

    # --- people ------------------------------------------------------------------------------------------------------

    def _have(self, capability: str, subject: str) -> Ways:
        return self.algebra.either((self.algebra.need(capability, subject), self._read("gained", capability, subject)))

    def _gained(self, capability: str, subject: str) -> Ways:
        """A capability that the success of an action gives."""
        ways = []
        accounts = self._owned.get(subject, []) if subject else [*self.accounts.values()]
        for row in self._gains.get(capability, ()):
            for account in accounts:
                if row.classes and self.held[account.id] not in row.classes:
                    continue
                for action in row.actions:
                    reached = self.algebra.within(self._read("goal", account.id, action))
                    done = self._given(reached, row, account)
                    move = Move(what=f"use {action} of {{who}}", subject=account.id, gives=capability)
                    ways.append(self.algebra.told(done, move, own=bool(row.with_)))
        return self.algebra.either(ways)

    def _given(self, reached: Ways, row: GainRow, account: RosterAccount) -> Ways:
        done = self._with(reached, row.with_, account)
        return self.algebra.both(done, self._read("unseen", holder(account))) if row.unseen else done

    def _with(self, ways: Ways, capabilities: tuple[str, ...], account: RosterAccount) -> Ways:
        return (
            self.algebra.all_of([ways, *(self._held_by(c, holder(account)) for c in capabilities)]) if ways else NO_WAY
        )

    def _held_by(self, capability: str, subject: str) -> Ways:
        about = self.table.capabilities[capability].about
        return self._read("have", capability, "" if about == "nobody" else subject)

    def _falls(self, sets: Falls, person: str, agent: str = "") -> Ways:
        """Any of *sets*, about *person*; what is about an agent, about *agent* where there is one."""

        def of(capability: str) -> Ways:
            to_agent = bool(agent) and self.table.capabilities[capability].about == "agent"
            return self._held_by(capability, agent if to_agent else person)

        return self.algebra.either([self.algebra.all_of([of(c) for c in one]) for one in sets])

    def _unseen(self, subject: str) -> Ways:
        """Whoever it is gets no notice in time: every channel is held, or they are away."""
        channels = [self._falls(sets, subject) for sets in self.table.steps.notices.values()]
        ways = self.algebra.either((self.algebra.all_of(channels), self._falls(self.table.steps.unseen, subject)))
        return self.algebra.told(ways, Move(what="keep notices from {who}", subject=subject, gives="unseen"), own=True)

    def _proof(self, method: str, prover: str, agent: str) -> Ways:
        row = self.table.methods[method]
        ways = [self._falls(row.defeats, prover, agent)] if row.defeats else []
        if not row.enforced and agent:
            ways.append(self._read("word", agent))
        move = Move(what=f"pass {method} as {{who}}", subject=prover, gives=method)
        return self.algebra.told(self.algebra.either(ways), move, own=True)

    def _word(self, agent: str) -> Ways:
        """What an agent says without its being so."""
        return self._falls(self.table.steps.attested, agent, agent)

    def _line(self, agent: str) -> Ways:
        """Hearing, as somebody else, the code that an agent says to whoever takes the credential over."""
        move = Move(what="be told the code by {who}", subject=agent, gives="spoken")
        return self.algebra.told(self._falls(self.table.steps.spoken, agent, agent), move, own=True)

    def _seat(self, who: str, kind: str, waits: str) -> Ways:
        """An approval by *who*; with *waits* one whose account was recovered can not approve for a week."""
        sets: Falls = getattr(self.table.steps, kind)
        ways = []
        for one in sets:
            parts = []
            for capability in one:
                if not waits or not (gained := self._gained_by(capability, who)):
                    parts.append(self._held_by(capability, who))
                    continue
                later = self.algebra.both(gained, self._read("unseen", who))
                parts.append(self.algebra.either((self.algebra.need(capability, who), later)))
            ways.append(self.algebra.all_of(parts))
        move = Move(what=SEATED[kind], subject=who, gives=kind)
        return self.algebra.told(self.algebra.either(ways), move, own=True)

    def _gained_by(self, capability: str, who: str) -> Ways:
        return (
            NO_WAY if self.table.capabilities[capability].about == "nobody" else self._read("gained", capability, who)
        )

    def _shown(self, number: str) -> Ways:
        """Proof by all of some methods, and the hold unless one of them waives it.

        One enforced method is proven again at the hand-over; it is one of these, so that costs nothing more.
        """
        hold_s, account_id, provers, verifier, sets = self._numbered[int(number)]

        def part(name: str) -> Ways:
            if name != WAITS:
                return self.algebra.all_of([self._read("proof", name, prover, verifier) for prover in provers])
            move = Move(what=f"wait {hold_s // 3600} h, unnoticed by {{who}}", subject=account_id, gives="hold")
            return self.algebra.told(self._read("unseen", provers[0]), move)

        often = Counter(method for methods, _ in sets for method in methods)
        wanted = [
            (*sorted(methods, key=lambda m: (-often[m], m)), *((WAITS,) if waits else ())) for methods, waits in sets
        ]
        return self._any_of(wanted, part)

    def _any_of(self, sets: Sequence[tuple[str, ...]], part: Callable[[str], Ways]) -> Ways:
        """All parts of any of *sets*; what several begin with is put together once with what they go on with."""
        rests: dict[str, list[tuple[str, ...]]] = {}
        for first, *rest in sets:
            rests.setdefault(first, []).append(tuple(rest))
        return self.algebra.either(
            [
                part(first) if () in others else self.algebra.both(part(first), self._any_of(others, part))
                for first, others in rests.items()
            ]
        )

    def _panel(self, kind: str, number: str) -> Ways:
        """Any of some groups of approvers, all of whom fall."""
        groups = self._numbered[int(number)]
        return self.algebra.either(
            [self.algebra.all_of([self._read("seat", who, kind, waits) for who, waits in group]) for group in groups]
        )


def holder(account: RosterAccount) -> str:
    """Whom capabilities about an account's target are about: its person, or else the account itself."""
    return account.person or account.id
