"""What an attacker needs, and the algebra of minimal sets of it: one way or another, this and that, at most so dear.

A set of needs is a bit mask, an antichain of them a mapping from mask to its cost and its trace. Costs are positive,
so that a proper subset is always cheaper and a bound on the cost keeps every minimal set below it: what is cut off is
dear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from watchword.policy.methods_tables import CapabilityRow


class Need(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One capability about one *subject*: a role in the case (`target`, `agent`, a seat), a person, or an account.

    The subject is empty for what is about the organisation, such as the rights of a directory's administrator.
    """

    capability: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.capability}@{self.subject}" if self.subject else self.capability


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a path: *what* is done, with `{who}` in it for its *subject*, using which needs (a mask)."""

    what: str
    subject: str
    gives: str
    mask: int = 0


Trace = tuple[object, ...]
"""How a set gets there: a tree of tuples with a `Move` at each leaf, read from left to right.

A triple is what came before, a move, and all the needs held by then.
"""

Ways = dict[int, tuple[int, Trace]]
"""Minimal sets of needs: mask -> (cost, trace). Empty: no way. With the mask 0 in it: for nothing."""

NO_WAY: Ways = {}
FREE: Ways = {0: (0, ())}


class Algebra:
    """Antichains over the needs it has met.

    Nothing dearer than *bound* is kept, and *cut* says whether that happened. While infrastructure is
    *barred*, sets that need it are not joined with others.
    """

    def __init__(self, prices: Mapping[str, CapabilityRow], bound: int) -> None:
        self.bound = bound
        self.barred = False
        self.cut = False
        self.infrastructure = 0
        self._prices = prices
        self._bits: dict[tuple[str, str], int] = {}
        self._needs: list[tuple[Need, int]] = []
        self._costs: dict[int, int] = {}

    def mask(self, capability: str, subject: str) -> int:
        """The bit of one need."""
        key = (capability, subject)
        if (bit := self._bits.get(key)) is None:
            bit = self._bits[key] = 1 << len(self._needs)
            row = self._prices[capability]
            self._needs.append((Need(capability=capability, subject=subject), row.cost))
            if row.infrastructure:
                self.infrastructure |= bit
        return bit

    def need(self, capability: str, subject: str) -> Ways:
        """The one way that is having it."""
        price = self._prices[capability].cost
        if price > self.bound:
            self.cut = True
            return NO_WAY
        return {self.mask(capability, subject): (price, ())}

    def needs_in(self, mask: int) -> tuple[tuple[Need, int], ...]:
        """Each need of a set with its cost."""
        found = []
        while mask:
            low = mask & -mask
            found.append(self._needs[low.bit_length() - 1])
            mask ^= low
        return tuple(found)

    def cost(self, mask: int) -> int:
        """The sum over the distinct needs of a set."""
        if (known := self._costs.get(mask)) is not None:
            return known
        total, left = 0, mask
        while left:
            low = left & -left
            total += self._needs[low.bit_length() - 1][1]
            left ^= low
        self._costs[mask] = total
        return total

    def either(self, ways: Iterable[Ways]) -> Ways:
        """Every set of any of *ways*, less those that contain another one; of equal sets the first keeps its trace."""
        given = [w for w in ways if w]
        if len(given) < 2:
            return given[0] if given else NO_WAY
        merged = dict(given[0])
        for one in given[1:]:
            for mask, said in one.items():
                if mask not in merged:
                    merged[mask] = said
        # One that has all the others in it is an antichain already.
        return merged if any(len(one) == len(merged) for one in given) else _minimal(merged)

    def both(self, one: Ways, other: Ways) -> Ways:
        """Every union of a set of *one* with a set of *other*, minimal ones only."""
        if one is FREE or other is FREE:
            return other if one is FREE else one
        if not one or not other:
            return NO_WAY
        if self.barred:
            one, other = self.outside(one), self.outside(other)
        common = _support(one) & _support(other)
        if len(one) > len(other):
            one, other = other, one
        # What a union costs at least: the one whole, and of the other what the one can not share with it.
        theirs = sorted(
            (
                (cost - self.cost(mask & common) if mask & common else cost, cost, mask, trace)
                for mask, (cost, trace) in other.items()
            ),
            key=_least,
        )
        unions: Ways = {}
        for mask, (cost, trace) in one.items():
            room = self.bound - cost
            for private, cost_, mask_, trace_ in theirs:
                if private > room:
                    self.cut = True
                    break
                shared = mask & mask_
                total = cost + cost_ - (self.cost(shared) if shared else 0)
                if total > self.bound:
                    self.cut = True
                elif mask | mask_ not in unions:
                    unions[mask | mask_] = (total, (trace, trace_) if trace and trace_ else trace or trace_)
        # The unions of two antichains that have no need in common contain one another never.
        return _minimal(unions) if common else unions

    def within(self, ways: Ways) -> Ways:
        """Those of *ways* that cost no more than the bound."""
        kept = {mask: said for mask, said in ways.items() if said[0] <= self.bound}
        self.cut |= len(kept) < len(ways)
        return kept

    def outside(self, ways: Ways) -> Ways:
        """Those of *ways* that need nothing of the infrastructure."""
        return {mask: said for mask, said in ways.items() if not mask & self.infrastructure}

    def all_of(self, ways: Iterable[Ways]) -> Ways:
        """`both`, of any number of them; of none, for nothing."""
        found = FREE
        for one in sorted(ways, key=len):
            found = self.both(found, one)
        return found

    def told(self, ways: Ways, move: Move, *, own: bool = False) -> Ways:
        """The same *ways* with *move* as their last step; with *own* it is this step that uses what they hold."""
        if not own:
            return {mask: (cost, (trace, move)) for mask, (cost, trace) in ways.items()}
        return {mask: (cost, (trace, move, mask)) for mask, (cost, trace) in ways.items()}


def moves_of(trace: object) -> tuple[Move, ...]:
    """The moves of a trace in order, each once; a step that uses needs uses those that none before it did."""
    found: dict[Move, None] = {}
    _walk(trace, found)
    return tuple(found)


def _walk(trace: object, found: dict[Move, None]) -> int:
    """Add the moves of a trace to *found*; return the needs they use."""
    if isinstance(trace, Move):
        found.setdefault(trace)
        return trace.mask
    assert isinstance(trace, tuple)
    if len(trace) == 3:
        before, move, held = trace
        used = _walk(before, found)
        own: int = held & ~used
        found.setdefault(msgspec.structs.replace(move, mask=own))
        return used | own
    used = 0
    for part in trace:
        used |= _walk(part, found)
    return used


def _support(ways: Ways) -> int:
    total = 0
    for mask in ways:
        total |= mask
    return total


def _least(item: tuple[int, int, int, Trace]) -> int:
    return item[0]


def _cheap(item: tuple[int, tuple[int, Trace]]) -> int:
    return item[1][0]


def _minimal(ways: Ways) -> Ways:
    """Cheapest first, so that what a set could contain is kept before it; looked up by the highest need of each."""
    kept: Ways = {}
    by_highest: dict[int, list[int]] = {}
    for mask, said in sorted(ways.items(), key=_cheap):
        left, minimal = mask, True
        while left and minimal:
            highest = left.bit_length()
            for smaller in by_highest.get(highest, ()):
                if smaller & mask == smaller:
                    minimal = False
                    break
            left ^= 1 << (highest - 1)
        if minimal and 0 not in kept:
            kept[mask] = said
            by_highest.setdefault(mask.bit_length(), []).append(mask)
    return kept
