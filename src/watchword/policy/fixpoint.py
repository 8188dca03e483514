"""The fixpoint: what reaches each account and action, when what one success gives counts for the next one.

Everything that can be reached is a node: an action on an account, a capability about somebody, a proof, a seat. A node
is computed from those it reads and again when one of them changed, until nothing is new. Below the bound there are
finitely many sets and a node only ever gains some, so it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop

from watchword.core.account import PEOPLE, AccountClass
from watchword.core.action import Action, Step
from watchword.core.ids import AccountId, PersonId
from watchword.core.ruling import CaseFacts
from watchword.policy.bundle import Policy
from watchword.policy.capabilities import NO_WAY, Move, Ways
from watchword.policy.falling import Node, holder
from watchword.policy.methods_tables import AroundRow, GainRow
from watchword.policy.recoveries import Recoveries
from watchword.policy.roster import Roster, RosterAccount

HIGHEST = 60
"""Where nothing an outsider could do is as cheap as the bound, it is raised step by step, and to no more than this."""


class Fixpoint(Recoveries):
    """What reaches each account and action of *roster* under *policy*, at a cost of at most *bound*.

    *twins* are groups of people nothing tells apart: the first free one stands for all of them.
    """

    def __init__(
        self, policy: Policy, roster: Roster, bound: int, twins: tuple[tuple[PersonId, ...], ...] = ()
    ) -> None:
        super().__init__(policy, roster, bound, twins)
        self._keys: Ways | None = None
        self._compute |= {
            "goal": self._goal,
            "everything": self._everything,
            "around": self._around,
            "takes": self._takes,
        }

    def reached(self, account: AccountId, *, climb: bool = True) -> dict[Action, Ways]:
        """Everything that reaches each action on *account*, whatever else has to be reached for it.

        Unless one may *climb*, nothing dearer than the bound is looked for.
        Exact up to the bound. Where nothing an outsider could do is that cheap, the cheapest of what is made of parts
        that are: one success leads to the next at no more than the bound.
        """
        self.settle_on((account,))
        if not climb:
            everything = self._values["everything",]
            return {a: self.algebra.either((self._values["goal", account, a], everything)) for a in Action}
        if self._keys is None:
            self._keys = self._turned()
        keys, cheapest = self._keys, min((cost for cost, _ in self._keys.values()), default=HIGHEST)
        known = (self._values["everything",], keys)
        return {a: self.algebra.either((w, *known)) for a, w in self._climbed(self.accounts[account], cheapest).items()}

    def known(self, account: AccountId, action: Action) -> Ways:
        """What was found within the bound for the one action, if it was looked for; what opens everything apart."""
        return self._values.get(("goal", account, action), NO_WAY)

    def everything(self) -> Ways:
        """What opens every action on every account at once."""
        return self._values["everything",]

    def read(self) -> tuple[Node, ...]:
        """Every node that something read so far."""
        return tuple(self._values)

    def value(self, node: Node) -> Ways:
        """What a node is, as far as it is settled; one that nothing read before is looked for."""
        return self._read(*node)

    def takers_around(self) -> Iterator[tuple[str, str]]:
        """Each way around that is a step of somebody's, with who may take it."""
        for name, row in self.table.around.items():
            for unit in dict.fromkeys(("", *(a.unit for a in self.accounts.values()))):
                for (who,) in self._takers(row.step, unit, 1) if row.step else ():
                    yield name, who

    def settle(self) -> None:
        """Work out again what has changed, and what reads it, until nothing is new."""
        while self._waiting:
            _, _, node = heappop(self._waiting)
            self._queued.discard(node)
            self._evaluate(node)

    def _takes(self, name: str, who: str) -> Ways:
        return self._falls(self.table.around[name].falls_to, who)

    def _turned(self) -> Ways:
        """What opens everything although it costs more than the bound: the cheapest takeover of whoever holds a key."""
        found: list[Ways] = []
        holders = {account.id: (account, capability, row) for account, capability, row in self._keyholders()}
        self.settle_on(tuple(holders))
        for account, capability, row in self._keyholders():
            climbed = self._climbed(account, HIGHEST)
            self.algebra.bound, bound = HIGHEST, self.algebra.bound
            done = [self._given(climbed[action], row, account) for action in row.actions]
            move = Move(what="use what {who} may do", subject=account.id, gives=capability)
            found.append(self.algebra.told(self.algebra.either(done), move))
            self.algebra.bound = bound
        ways = self.algebra.outside(self.algebra.either(found))
        least = min((cost for cost, _ in ways.values()), default=0)
        return {mask: said for mask, said in ways.items() if said[0] == least}

    def _keyholders(self) -> Iterator[tuple[RosterAccount, str, GainRow]]:
        """Accounts that give, for one success, a capability that alone opens everything."""
        for around in self.table.around.values():
            if around.classes or around.actions or around.people != 1:
                continue
            able = {who for (who,) in self._takers(around.step, "", 1)} if around.step else set()
            for capability in {one[0] for one in around.falls_to if len(one) == 1}:
                nobody = self.table.capabilities[capability].about == "nobody"
                for row in self._gains.get(capability, ()):
                    for account in self.accounts.values():
                        if row.classes and self.held[account.id] not in row.classes:
                            continue
                        if nobody if not around.step else account.person in able:
                            yield account, capability, row

    def settle_on(self, accounts: tuple[AccountId, ...]) -> None:
        """Work out every action on *accounts*, and whatever else has to be for it."""
        for account in accounts:
            for action in Action:
                self._read("goal", account, action)
        self._read("everything")
        self.settle()

    # --- beyond the bound --------------------------------------------------------------------------------------------

    def _climbed(self, account: RosterAccount, highest: int) -> dict[Action, Ways]:
        """What reaches each action; where no outsider does within the bound, the cheapest up to *highest*."""
        found = {action: self._values["goal", account.id, action] for action in Action}
        bound = self.algebra.bound
        self.algebra.barred = True
        poor = {a for a in Action if not self.algebra.outside(found[a])}
        while poor and self.algebra.bound < highest:
            self.algebra.bound += 1
            dearer = self._dearer(account, self._feeding(poor))
            for action in poor:
                found[action] = self.algebra.either((found[action], dearer.get(action, NO_WAY)))
            poor = {a for a in poor if not self.algebra.outside(found[a])}
        self.algebra.bound, self.algebra.cut, self.algebra.barred = bound, True, False
        return found

    def _feeding(self, poor: set[Action]) -> frozenset[Action]:
        """*poor* and every action that comes to the same as one of them."""
        found = set(poor)
        while more := {a for row in self.table.effects if found & set(row.same_as) for a in row.actions} - found:
            found |= more
        return frozenset(found)

    def _dearer(self, account: RosterAccount, actions: frozenset[Action]) -> dict[Action, Ways]:
        """What reaches each of *actions* at the bound as it is now, from proofs and seats as they are known."""
        held = self.held[account.id]
        found = {
            action: self.algebra.either((self._cell(account.id, held, action), self._glass(account.id, action)))
            for action in Action
            if action in actions
        }
        while True:
            more = {
                a: self.algebra.either((found[a], *self._same(account, a, lambda o: found.get(o, NO_WAY))))  # noqa: B023
                for a in found
            }
            if all(more[a].keys() == found[a].keys() for a in found):
                return found
            found = more

    # --- an action on an account -------------------------------------------------------------------------------------

    def _goal(self, account_id: str, name: str) -> Ways:
        account, action = self.accounts[AccountId(account_id)], Action(name)
        held = self.held[account.id]
        ways = [self._read("cell", account.id, held, action), self._read("glass", account.id, action)]
        ways.extend(self._read("around", account.id, action, name) for name in self._rows_around(held, action))
        ways.extend(self._same(account, action, lambda other: self._read("goal", account.id, other)))
        ways.append(self._rewritten(account, held, action))
        return self.algebra.either(ways)

    def _same(self, account: RosterAccount, action: Action, reached: Callable[[Action], Ways]) -> Iterator[Ways]:
        """Other actions that come to the same."""
        for row in self.table.effects:
            for other in row.actions if action in row.same_as else ():
                done = self._with(reached(other), row.with_, account)
                move = Move(what=f"use {other} on {{who}}", subject=account.id, gives=action)
                yield self.algebra.told(done, move, own=bool(row.with_))

    def _rows_around(self, held: AccountClass, action: Action) -> tuple[str, ...]:
        return tuple(
            name
            for name, row in self.table.around.items()
            if (not row.classes or held in row.classes)
            and (not row.actions or action in row.actions)
            and not self._is_global(row)
        )

    def _rewritten(self, account: RosterAccount, held: AccountClass, action: Action) -> Ways:
        """The account in a class that is held less strictly, because its record says so at the source."""
        own = self.policy.procedures.plain(held, action)
        if held not in PEOPLE or own is None or not (falls := self._falls(self.table.source.account_class, "")):
            return NO_WAY
        # The mildest class stands for all in between: `policy check` holds none of them to be weaker.
        easier = self.policy.procedures.plain(PEOPLE[0], action)
        # Even where it asks for the same, other people may take its steps: a vendor on a standard account, say.
        if easier is None or held is PEOPLE[0]:
            return NO_WAY
        move = Move(what="have {who} recorded in the mildest class at the source", subject=account.id, gives="class")
        rewritten = self.algebra.told(falls, move, own=True)
        return self.algebra.both(rewritten, self._read("cell", account.id, PEOPLE[0], action))

    # --- ways around -------------------------------------------------------------------------------------------------

    def _everything(self) -> Ways:
        """What opens every action on every account at once.

        No node below needs to know of it: a set that holds one of these opens whatever it was wanted for.
        """
        ways = []
        for row in self.table.around.values():
            move = Move(what=row.means, subject="", gives="everything")
            if self._is_global(row):
                ways.append(self.algebra.told(self._falls(row.falls_to, ""), move, own=True))
            elif row.step is not None and not row.classes and not row.actions:
                ways.extend(self.algebra.told(w, move) for w in self._taken(row, row.step, ""))
        return self.algebra.either(ways)

    def _is_global(self, row: AroundRow) -> bool:
        about = {self.table.capabilities[c].about for one in row.falls_to for c in one}
        return row.step is None and not (row.classes or row.actions or row.methods) and about == {"nobody"}

    def _around(self, account_id: str, name: str, way: str) -> Ways:
        account, action = self.accounts[AccountId(account_id)], Action(name)
        row = self.table.around[way]
        move = Move(what=row.means, subject=account.id, gives=action)
        if row.methods:
            proofs = [self._read("proof", m, holder(account), "") for m in row.methods]
            return self.algebra.told(self.algebra.all_of(proofs), move)
        if row.step is not None:
            everywhere = not (account.unit or row.classes or row.actions)
            return (
                NO_WAY
                if everywhere
                else self.algebra.told(self.algebra.either(self._taken(row, row.step, account.unit)), move)
            )
        return self.algebra.told(self._falls(row.falls_to, holder(account)), move, own=True)

    def _taken(self, row: AroundRow, step: Step, unit: str) -> Iterator[Ways]:
        """Each group of people who may take *step*, all of whom fall; asked as the desk asks for what is no case.

        In no unit those who may take it everywhere, in a unit those who may take it there alone.
        """
        everywhere = self._takers(step, "", row.people)
        groups = everywhere if not unit else self._takers(step, unit, row.people)
        known = set(everywhere) if unit and not (row.classes or row.actions) else set()
        for group in groups:
            if group in known:
                continue
            falls = []
            for who in group:
                move = Move(what=f"{step.replace('_', ' ')} as {{who}}", subject=who, gives=step)
                falls.append(self.algebra.told(self._falls(row.falls_to, who), move, own=True))
            yield self.algebra.all_of(falls)

    def _takers(self, step: Step, unit: str, count: int) -> tuple[tuple[PersonId, ...], ...]:
        facts = CaseFacts(
            case=None, unit=unit, account_class=AccountClass.IDENTITY_CONTROL, action=Action.UNLOCK, subject=None
        )
        return self.casting.takers(step, facts, count)
