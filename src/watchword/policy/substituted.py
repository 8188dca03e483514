"""Sets of needs with somebody in them put down to what is behind them.

What comes of a set depends on the kinds of the people in it and on who of them stands around the account, not on their
names: it is worked out once for all sets of one pattern, and told of each in the names that are in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from functools import reduce
from operator import or_

import msgspec

from watchword.policy.behind import UNKNOWN, Backing, Behind, Held
from watchword.policy.tangles import ANY, NEAR, STAFF, Pair


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose sets are looked at (by default: what opens everything), and who is around it in which slot.

    *pairs* are those that hold of some account like it, *proves* whoever proves for it and can not approve. Of an
    *exact* one those in its slots are who they are.
    """

    own: str = ""
    slots: dict[str, str] = {}
    pairs: frozenset[Pair] = frozenset()
    proves: str | None = None
    exact: bool = False

    def tangle(self, who: str, other: str, *, near: bool) -> Pair | None:
        """What has to be so for *other* to stand behind *who*, both of whom are there; None where it never is."""
        pair = (self.slots.get(who, STAFF), self.slots.get(other, ""), near)
        return pair if pair in self.pairs else None


class Outcome(msgspec.Struct, frozen=True):
    """What is *held* with somebody put down, what is *needed* of an account for it, and whether it is *certain*.

    Where it is, it is so for everybody alike. A name that begins with `?` is of anybody of the kind that follows.
    """

    held: Held
    needed: frozenset[Pair]
    certain: bool


class Substitution:
    """The outcomes of sets that cost no more than *bound*, from what *backing* has behind people."""

    def __init__(self, backing: Backing, bound: int) -> None:
        self.backing = backing
        self.kinds = backing.kinds
        self.bound = bound
        self._known: dict[Hashable, tuple[tuple[str, ...], tuple[Outcome, ...]]] = {}

    def outcomes(self, held: Held, place: Place) -> Iterator[Outcome]:
        """Yield *held* with some of the people in it put down, in each way that is within the bound."""
        people = [p for p in held if self.kinds.get(p) in self.backing.behind and _may_differ(p, place)]
        if not people:
            return
        pattern, names = self._pattern(held, place)
        if pattern not in self._known:
            people.sort(key=names.index)
            self._known[pattern] = names, tuple(_Search(self, held, tuple(people), place).found())
        first, found = self._known[pattern]
        if first == names:
            yield from found
            return
        renamed = dict(zip(first, names, strict=True))
        for one in found:
            there = {renamed.get(s, s): caps for s, caps in one.held.items()}
            yield Outcome(there, one.needed, one.certain)

    def _pattern(self, held: Held, place: Place) -> tuple[Hashable, tuple[str, ...]]:
        """Everything that putting people of *held* down can depend on, and the names in the order it has them in."""
        kinds, slots = self.kinds, place.slots
        around = [
            (slot, kinds.get(who), held.get(who), who)
            for who, slot in slots.items()
            if who in held or place.pairs or kinds.get(who) in self.backing.staff
        ]
        others = sorted(
            ("own" if s and s == place.own else str(self.backing.kind(s)), sorted(caps), s)
            for s, caps in held.items()
            if s not in slots
        )
        return (
            (
                tuple((kind, *caps) for kind, caps, _ in others),
                tuple((slot, kind, caps) for slot, kind, caps, _ in around),
                frozenset(Counter(kinds.get(who, UNKNOWN) for who in slots).items()),
                place.pairs,
                slots.get(place.proves or ""),
                slots.get(place.own),
                place.exact,
            ),
            (*(name for *_, name in others), *(name for *_, name in around)),
        )


_State = tuple[int, frozenset[Pair], bool, bool]
"""What is held so far (a mask), what that takes, whether it is certain, and whether it makes any difference."""


class _Search:
    """Everybody in one set put down or left, one after the other. What is held is a mask, its bits of this search."""

    def __init__(self, of: Substitution, held: Held, people: tuple[str, ...], place: Place) -> None:
        self.kinds = of.kinds
        self.backing = of.backing
        self.bound = of.bound
        self.held = held
        self.people = people
        self.place = place
        self._bits: dict[tuple[str, str], int] = {}
        self._parts: list[tuple[str, str]] = []
        self._costs: dict[int, int] = {}
        self.kept = self._mask({s: caps for s, caps in held.items() if s not in people})
        self.stays = [self._mask({who: held[who]}) for who in people]

    def found(self) -> Iterator[Outcome]:
        """Each outcome once: of several that differ in nobody but somebody of a kind, one."""
        seen: set[Hashable] = set()
        for mask, needed, certain, special in self._ended():
            if not special:
                continue
            held = self._held(mask)
            nameless = Counter((s.split(" ", 1)[0], caps) for s, caps in held.items() if s.startswith("?"))
            named = frozenset((s, caps) for s, caps in held.items() if not s.startswith("?"))
            key = named, frozenset(nameless.items()), needed, certain
            if key not in seen:
                seen.add(key)
                yield Outcome(held, needed, certain)

    def _ended(self) -> Iterable[_State]:
        choices = [self._choices(who) for who in self.people]
        if not any(choices):
            return ()
        masks = [
            reduce(or_, (way[0] for _, way in puts), stays) for stays, puts in zip(self.stays, choices, strict=True)
        ]
        states: dict[_State, None] = {(self.kept, frozenset(), True, False): None}
        for number, puts in enumerate(choices):
            shared = reduce(or_, (m for n, m in enumerate(masks) if n != number), self.kept)
            ways = [(0, (self.stays[number], frozenset[Pair](), True, False)), *puts]
            # What each costs at least, whatever else is held.
            priced = sorted(((max(least, self._cost(way[0] & ~shared)), way) for least, way in ways), key=_least)
            states = dict.fromkeys(self._joined(states, priced))
        return states

    def _joined(self, states: Iterable[_State], priced: list[tuple[int, _State]]) -> Iterator[_State]:
        for so_far, needed, certain, special in states:
            room = self.bound - self._cost(so_far)
            for private, (mask, takes, sure, matters) in priced:
                if private > room:
                    break
                if (more := mask & ~so_far) and self._cost(more) > room:
                    continue
                yield so_far | mask, needed | takes, certain and sure, special or matters

    def _choices(self, who: str) -> list[tuple[int, _State]]:
        """What *who* may be put down to, in all variants, each with what it costs at least.

        That counts as shared what is in the set already, and not what others in it are put down to.
        """
        place, kind, has = self.place, self.kinds[who], self.held[who]
        there = self._there(who)
        room = self.bound - self._cost(self.kept)
        most = sum(self.backing.prices[c] for _, c in there)
        near = sum(self.kinds.get(p) == kind for p in place.slots)
        found: list[tuple[int, _State]] = []
        for behind in self.backing.behind[kind]:
            if behind.cost > room + most:
                break
            least = max(self._least(behind, there), behind.cost - most)
            if least > room or not any(one <= has for one in behind.instead):
                continue
            if place.proves == who and not behind.proving:
                continue
            # They must serve for nothing more, and somebody of whom it is so must be free.
            sure = has in behind.instead and (behind.common if who in place.slots else behind.many > near)
            for more, met, takes in self._variants(behind, who):
                mask = self._mask(more)
                if self._cost(self.kept | mask) <= self.bound:
                    found.append((least, (mask, takes, sure, met or not behind.common)))
        return found

    def _there(self, who: str) -> frozenset[tuple[int | str, str]]:
        """What of the set, by kind, those behind *who* may have in common with it."""
        place = self.place
        return frozenset(
            (self.kinds.get(s, UNKNOWN) if s else "", c)
            for s, caps in self.held.items()
            if s != who
            and (
                s not in place.slots
                or self.kinds[s] in self.backing.staff
                or any(place.tangle(who, s, near=near) is not None for near in NEAR)
            )
            for c in caps
        )

    def _least(self, behind: Behind, there: frozenset[tuple[int | str, str]]) -> int:
        """What *behind* costs at least beside what is there."""
        prices = self.backing.prices
        shared = sum(prices[c] for c in behind.nobody if ("", c) in there)
        return behind.cost - shared - sum(prices[c] for o in behind.others for c in o.caps if (o.kind, c) in there)

    def _variants(self, behind: Behind, who: str) -> Iterator[tuple[Held, bool, frozenset[Pair]]]:
        """Yield *behind* about *who*, the others in it each somebody else or one of those who are there already.

        With whether one of them stands around the account, and what it takes for them to stand behind *who*.
        """
        place = self.place
        there = [p for p in {**dict.fromkeys(self.held), **dict.fromkeys(place.slots)} if p and p != who]

        def chosen(
            number: int, found: Held, needed: frozenset[Pair], *, met: bool
        ) -> Iterator[tuple[Held, bool, frozenset[Pair]]]:
            if number == len(behind.others):
                yield found, met, needed
                return
            other = behind.others[number]
            caps = frozenset(other.caps)
            yield from chosen(number + 1, {**found, f"?{other.kind} {who} {number}": caps}, needed, met=met)
            for one in there:
                if self.kinds.get(one) != other.kind or one in found:
                    continue
                if other.by_role:
                    yield from chosen(number + 1, {**found, one: caps}, needed, met=met or one in place.slots)
                elif one not in place.slots:  # one of the staff who stands around somebody of it: whoever that is
                    yield from chosen(number + 1, {**found, one: caps}, needed | {ANY}, met=True)
                elif (pair := place.tangle(who, one, near=other.near)) is not None:
                    yield from chosen(number + 1, {**found, one: caps}, needed | {pair}, met=True)

        first = {s: caps for s, caps in ((who, behind.own), ("", behind.nobody)) if caps}
        yield from chosen(0, first, frozenset(), met=False)

    def _mask(self, held: Held) -> int:
        mask = 0
        for subject, caps in held.items():
            for capability in caps:
                key = subject, capability
                if key not in self._bits:
                    self._bits[key] = 1 << len(self._parts)
                    self._parts.append(key)
                mask |= self._bits[key]
        return mask

    def _held(self, mask: int) -> Held:
        found: dict[str, set[str]] = {}
        while mask:
            low = mask & -mask
            subject, capability = self._parts[low.bit_length() - 1]
            found.setdefault(subject, set()).add(capability)
            mask ^= low
        return {s: frozenset(caps) for s, caps in found.items()}

    def _cost(self, mask: int) -> int:
        if (known := self._costs.get(mask)) is None:
            known, left = 0, mask
            while left:
                low = left & -left
                known += self.backing.prices[self._parts[low.bit_length() - 1][1]]
                left ^= low
            self._costs[mask] = known
        return known


def _may_differ(who: str, place: Place) -> bool:
    return who != place.own and not (place.exact and who in place.slots)


def _least(item: tuple[int, _State]) -> int:
    return item[0]
