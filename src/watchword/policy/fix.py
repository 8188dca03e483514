"""The smallest edits of a policy that meet its thresholds, with what they cost people.

Each candidate is judged by analysing the policy it would make, chains included, and by what `policy check` finds in it.
Proposals only: nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.requirement import Context
from watchword.policy.attack import prove
from watchword.policy.bundle import Policy
from watchword.policy.check import findings
from watchword.policy.draft import Edit, drafted, joined, losses, moves
from watchword.policy.minutes import NOTHING, Effort, effort, emergency
from watchword.policy.thresholds import SHIPPED, Miss, Threshold, misses

BEAM = 3
"""Drafts that are carried on together; more find more proposals, and take longer."""

DEPTH = 24
"""Edits one proposal may have."""

Where = tuple[AccountClass, Action]


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """Edits that together meet every threshold, and none of which can be left out.

    *effort* is what they cost beyond today: one case in each cell they change, one emergency where they change that.
    *losses* is what people can no longer do at all, in words.
    """

    edits: tuple[Edit, ...]
    effort: Effort
    losses: tuple[str, ...] = ()


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A policy on the way: how much it still falls short by, and where to go on."""

    edits: tuple[Edit, ...]
    policy: Policy
    misses: tuple[Miss, ...]
    unsound: tuple[Where, ...]
    effort: Effort
    losses: tuple[str, ...]

    @property
    def shortfall(self) -> int:
        """Attacks that should not be there, and findings that were not."""
        return sum(len(m.attacks) for m in self.misses) + len(self.unsound)

    @property
    def rank(self) -> tuple[int, float, int, tuple[tuple[str, ...], ...]]:
        """What people lose, what it costs them, then how many edits; the paths only settle ties."""
        return len(self.losses), self.effort.weight, len(self.edits), tuple(e.path for e in self.edits)


def fixes(policy: Policy, thresholds: tuple[Threshold, ...] = SHIPPED, *, most: int = 5) -> tuple[Fix, ...]:
    """Return up to *most* proposals that meet *thresholds*, the one that costs people least first.

    Those that take something away come after all that only cost minutes.

    Empty where the policy meets them already (ask `misses`), and where nothing that was tried meets them. Not every
    combination is tried: `BEAM` drafts are carried on, those that lack least. Each proposal holds, analysed as a whole.
    """
    search = _Search(policy, thresholds)
    start = search.draft(())
    if not start.misses:
        return ()
    found: dict[tuple[Edit, ...], _Draft] = {}
    beam: tuple[_Draft, ...] = (start,)
    for _ in range(DEPTH):
        nearer: dict[tuple[Edit, ...], _Draft] = {}
        for draft in beam:
            for candidate in search.nearer(draft):
                known = nearer if candidate.shortfall else found
                whole = candidate if candidate.shortfall else search.pared(candidate)
                known[whole.edits] = whole
        if len(found) >= most or not nearer:
            break
        beam = tuple(sorted(nearer.values(), key=lambda d: (d.shortfall, d.rank))[:BEAM])
    best = sorted(found.values(), key=lambda d: d.rank)[:most]
    return tuple(Fix(edits=d.edits, effort=d.effort, losses=d.losses) for d in best)


class _Search:
    """Drafts of one policy, each analysed once."""

    def __init__(self, policy: Policy, thresholds: tuple[Threshold, ...]) -> None:
        self.policy = policy
        self.thresholds = thresholds
        self.known: dict[tuple[Edit, ...], _Draft] = {}
        # What costs as much as a threshold asks for is no miss; one capability alone costs no more than the dearest.
        dearest = max(row.cost for row in policy.procedures.loaded.methods.capabilities.values())
        self.bound = max(dearest, *(t.cost - 1 for t in thresholds))
        self.accepted = frozenset(str(m) for m in findings(policy.procedures))

    def draft(self, edits: tuple[Edit, ...]) -> _Draft:
        """Analyse the policy after *edits*."""
        if edits not in self.known:
            changed = drafted(self.policy, edits)
            found = [m for m in findings(changed.procedures) if str(m) not in self.accepted]
            self.known[edits] = _Draft(
                edits=edits,
                policy=changed,
                misses=misses(prove(changed, bound=self.bound), self.thresholds),
                unsound=tuple(_where(m.path) for m in found),
                effort=self._cost(changed, edits),
                losses=losses(self.policy, edits),
            )
        return self.known[edits]

    def nearer(self, draft: _Draft) -> Iterator[_Draft]:
        """Yield the drafts one edit further that lack less: edits where it falls short, else wherever they help."""
        for cells in self._places(draft):
            tried = [self.draft(joined(draft.edits, e)) for c in cells for e in moves(draft.policy, *c)]
            closer = [d for d in tried if d.shortfall < draft.shortfall]
            yield from closer
            if closer:
                return

    def pared(self, draft: _Draft) -> _Draft:
        """Return *draft* without the edits it holds without."""
        for edit in sorted(draft.edits, key=lambda e: e.path):
            fewer = self.draft(tuple(e for e in draft.edits if e != edit))
            if not fewer.shortfall:
                return self.pared(fewer)
        return draft

    def _places(self, draft: _Draft) -> Iterator[tuple[Where, ...]]:
        """Cells to edit: one that falls short; the rest of its class, through which it may be reached; then any."""
        if not draft.misses:
            yield tuple(dict.fromkeys(draft.unsound))
            return
        first = draft.misses[0]
        own = (first.account_class, first.action)
        yield (own,)
        yield tuple((own[0], a) for a in Action if a != own[1])
        yield tuple((c, a) for c in AccountClass for a in Action if c != own[0])

    def _cost(self, changed: Policy, edits: tuple[Edit, ...]) -> Effort:
        """What a case costs more in each cell that *edits* change."""
        rungs = {e.path[1] for e in edits if e.path[0] == "approvals"}
        cells = {(AccountClass(e.path[1]), Action(e.path[2])) for e in edits if e.path[0] == "procedures"}
        cells |= {(c, a) for c, a, cell in changed.procedures.answered() if cell.approve in rungs}
        total = NOTHING
        for where in sorted(cells):
            after, before = (p.procedures.require(*where, Context()) for p in (changed, self.policy))
            total += effort(after) - effort(before)
        if any(e.path[0] == "break_glass" for e in edits):
            total += emergency(changed.procedures.break_glass) - emergency(self.policy.procedures.break_glass)
        return total


def _where(path: str) -> Where:
    """The cell a finding is about. Raise `ValueError` for a finding about no cell, which no edit here can cause."""
    _, account_class, action, *_ = path.split(".")
    return AccountClass(account_class), Action(action)
