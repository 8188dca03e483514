"""For which merged accounts it matters who is around the people around them.

Merged accounts are alike in who stands around them, and not in who stands around those. That makes a difference only
where somebody falls through their own account and all of it is within the bound. So each set an account falls to
without that is taken, and somebody in it put down to what is behind them. Where the result is within the bound and
nothing smaller opens the same, it is either so for everybody who is alike, and is added; or it is not, and the account
is in doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Hashable, Iterator, Mapping

import msgspec

from watchword.core.action import Action
from watchword.core.ids import AccountId
from watchword.policy.behind import UNKNOWN, Backing, Behind, Held
from watchword.policy.capabilities import Ways
from watchword.policy.compared import Compared
from watchword.policy.falling import holder
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import SLOTS, Reduced
from watchword.policy.roster import Roster, RosterAccount
from watchword.policy.tangles import ANY, NEAR, STAFF, Pair, tangles


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What merging leaves open, and what it left out.

    *changed* is what reaches an action on an account (of the small roster) after all, and on everybody who is like it,
    but for *everything*: what opens all of them. *doubted* accounts (of the large one) may differ from those that stand
    for them. With *everybody*, what the staff falls to may, and so each account.
    """

    changed: dict[tuple[AccountId, Action], Ways]
    everything: Ways
    doubted: frozenset[AccountId] = frozenset()
    everybody: bool = False


def doubts(
    fixpoint: Fixpoint,
    small: Reduced,
    roster: Roster,
    likes: tuple[AccountId, ...],
    around: Container[AccountId] = frozenset[AccountId](),
) -> Found:
    """Return what merging *roster* to *small* leaves open for *likes* of it, which *fixpoint* has settled.

    For those *around* which one asked nobody above them was merged.
    """
    return _Search(fixpoint, small, tangles(roster), likes, around).found()


class _Change(msgspec.Struct, frozen=True):
    """What becomes of the sets of one account and action: which are *added* and *dropped*, and what is in doubt."""

    added: Ways
    dropped: tuple[int, ...]
    doubts: set[frozenset[Pair]]


class _Place(msgspec.Struct, frozen=True, kw_only=True):
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


class _Search:
    def __init__(
        self,
        fixpoint: Fixpoint,
        small: Reduced,
        pairs: Mapping[AccountId, frozenset[Pair]],
        likes: tuple[AccountId, ...],
        around: Container[AccountId],
    ) -> None:
        self.fixpoint = fixpoint
        self.algebra = fixpoint.algebra
        self.small = small
        self.likes = likes
        self.around = around
        self.pairs = pairs
        self.pairs_of_like: dict[AccountId, set[Pair]] = {}
        for account, some in pairs.items():
            self.pairs_of_like.setdefault(small.like[account], set()).update(some)
        self.backing = Backing(fixpoint, small)
        self.kinds = self.backing.kinds
        self.behind = self.backing.behind
        self._nothing: set[Hashable] = set()

    def found(self) -> Found:
        """Each account kept for others, then whatever depends on one that is in doubt."""
        everything = self.fixpoint.everything()
        if not self.behind:
            return Found(changed={}, everything=everything)
        change = self._put(_Place(), everything, {})
        everything = self.algebra.either((everything, change.added))
        everybody = bool(change.doubts)
        changed: dict[tuple[AccountId, Action], Ways] = {}
        doubted: dict[AccountId, set[frozenset[Pair]]] = {}
        for like in self.likes:
            place = self._place(self.fixpoint.accounts[like])
            seen: dict[frozenset[int], _Change] = {}
            for action in Action:
                ways = self.fixpoint.known(like, action)
                if (key := frozenset(ways)) not in seen:
                    seen[key] = self._put(place, ways, everything)
                change = seen[key]
                if change.added or change.dropped:
                    left = {mask: said for mask, said in ways.items() if mask not in change.dropped}
                    changed[like, action] = self.algebra.either((left, change.added))
                if change.doubts:
                    doubted.setdefault(like, set()).update(change.doubts)
        everybody |= self._spread(doubted)
        return Found(
            changed=changed,
            everything=everything,
            doubted=frozenset(
                account
                for account, like in self.small.like.items()
                if any(needed <= self.pairs.get(account, frozenset()) | {ANY} for needed in doubted.get(like, ()))
            ),
            everybody=everybody,
        )

    def _spread(self, doubted: dict[AccountId, set[frozenset[Pair]]]) -> bool:
        """Add whatever stands below somebody whose account is in doubt; return whether that is everything."""
        while doubted:
            kinds = {self.kinds[p] for a in doubted if (p := self.fixpoint.accounts[a].person) is not None}
            if kinds & self.backing.staff or any(self._gives_to_all(a) for a in doubted):
                return True
            below = {
                like
                for like in self.likes
                if like not in doubted
                and like not in self.around
                and any(self.kinds[p] in kinds for p in self.fixpoint.accounts[like].related)
            }
            if not below:
                break
            doubted |= {like: {frozenset()} for like in below}
        return False

    def _place(self, account: RosterAccount) -> _Place:
        proves = account.owner if self.fixpoint.proved_by_owner(account) else None
        if proves is not None and self.fixpoint.approves_although_proving(account, proves):
            proves = None
        return _Place(
            own=holder(account),
            slots={str(who): slot for slot in reversed(SLOTS) if (who := getattr(account, slot)) is not None},
            pairs=frozenset(self.pairs_of_like.get(account.id, ())),
            proves=proves,
            exact=account.id in self.around,
        )

    def _gives_to_all(self, account: AccountId) -> bool:
        """Whether a success on *account* gives something that is about nobody."""
        table = self.fixpoint.table
        return any(
            (not row.classes or self.fixpoint.held[account] in row.classes)
            and any(table.capabilities[c].about == "nobody" for c in row.gives)
            for row in table.gains
        )

    # --- putting somebody down ---------------------------------------------------------------------------------------

    def _put(self, place: _Place, ways: Ways, everything: Ways) -> _Change:
        """What of *ways* with somebody put down is new, for everybody alike or not, and what is no longer minimal."""
        known = Compared(self.backing, place.own, place.slots, ways, everything)
        added: Ways = {}
        doubted: set[frozenset[Pair]] = set()
        for mask in ways:
            held = self.backing.held(mask)
            people = tuple(p for p in held if self.kinds.get(p) in self.behind and self._may_differ(p, place))
            if not people or (pattern := self._pattern(held, place)) in self._nothing:
                continue
            nothing = True
            for changed, needed, certain in self._further(held, people, place):
                nothing = False
                if not known.by_itself(mask):
                    break
                if known.opens(changed):
                    continue
                new = self._masked(changed) if certain and not needed else None
                if new is None:
                    doubted.add(needed)
                elif new not in ways:
                    added[new] = (self.algebra.cost(new), ())
            if nothing:
                self._nothing.add(pattern)
        return _Change(added, known.larger(), doubted)

    def _pattern(self, held: Held, place: _Place) -> Hashable:
        """Everything that putting people of *held* down can depend on, so that what comes to nothing is tried once."""
        around = (
            (slot, self.kinds.get(who), held.get(who))
            for who, slot in place.slots.items()
            if who in held or place.pairs or self.kinds.get(who) in self.backing.staff
        )
        others = ((self.backing.kind(s), caps) for s, caps in held.items() if s not in place.slots)
        proves = place.slots.get(place.proves or "")
        return frozenset(Counter(others).items()), tuple(around), place.pairs, proves, place.exact

    def _may_differ(self, who: str, place: _Place) -> bool:
        return who != place.own and not (place.exact and who in place.slots)

    def _further(
        self, held: Held, people: tuple[str, ...], place: _Place
    ) -> Iterator[tuple[Held, frozenset[Pair], bool]]:
        """Yield *held* with some of its *people* put down, within the bound; what it takes; whether it is certain."""
        bound = self.algebra.bound

        def step(
            at: int, so_far: Held, needed: frozenset[Pair], *, special: bool, certain: bool
        ) -> Iterator[tuple[Held, frozenset[Pair], bool]]:
            room = bound - self._cost(so_far)
            if room < 0:
                return
            if at == len(people):
                if special:
                    yield so_far, needed, certain
                return
            who = people[at]
            kind = self.kinds[who]
            yield from step(at + 1, _joined(so_far, {who: held[who]}), needed, special=special, certain=certain)
            there = self._there(held, who, place)
            most = sum(map(self._price, there))
            near = sum(self.kinds[p] == kind for p in place.slots)
            for behind in self.behind[kind]:
                if behind.cost > room + most:
                    break
                if self._least(behind, there) > room or not any(one <= held[who] for one in behind.instead):
                    continue
                if place.proves == who and not behind.proving:
                    continue
                # They must serve for nothing more, and somebody of whom it is so must be free.
                sure = held[who] in behind.instead and (behind.common if who in place.slots else behind.many > near)
                for more, met, takes in self._variants(behind, who, held, place):
                    yield from step(
                        at + 1,
                        _joined(so_far, more),
                        needed | takes,
                        special=special or met or not behind.common,
                        certain=certain and sure,
                    )

        sure = {s: caps for s, caps in held.items() if s not in people}
        yield from step(0, sure, frozenset(), special=False, certain=True)

    def _there(self, held: Held, who: str, place: _Place) -> frozenset[tuple[int | str, str]]:
        """What of *held*, by kind, those behind *who* may have in common with it."""
        return frozenset(
            (self.kinds.get(s, UNKNOWN) if s else "", c)
            for s, caps in held.items()
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
        shared = sum(self._price(("", c)) for c in behind.nobody if ("", c) in there)
        return (
            behind.cost
            - shared
            - sum(self._price((o.kind, c)) for o in behind.others for c in o.caps if (o.kind, c) in there)
        )

    def _variants(
        self, behind: Behind, who: str, held: Held, place: _Place
    ) -> Iterator[tuple[Held, bool, frozenset[Pair]]]:
        """Yield *behind* about *who*, the others in it each somebody else or one of those who are there already.

        With whether one of them stands around the account, and what it takes for them to stand behind *who*.
        """
        there = [p for p in {**dict.fromkeys(held), **dict.fromkeys(place.slots)} if p and p != who]

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

    def _masked(self, held: Held) -> int | None:
        """The set, with somebody of their kind for whoever is nobody in particular; None where there is nobody left."""
        mask, taken = 0, {s for s in held if not s.startswith("?")}
        for subject, caps in held.items():
            who: str | None = subject
            if subject.startswith("?"):
                members = self.backing.members.get(int(str(self.backing.kind(subject))), ())
                who = next((p for p in members if p not in taken), None)
                if who is None:
                    return None
                taken.add(who)
            for capability in caps:
                mask |= self.algebra.mask(capability, who or "")
        return mask

    def _cost(self, held: Held) -> int:
        prices = self.backing.prices
        return sum(prices[c] for caps in held.values() for c in caps)

    def _price(self, part: tuple[int | str, str]) -> int:
        return self.backing.prices[part[1]]


def _joined(one: Held, other: Held) -> Held:
    return {**one, **{s: one.get(s, frozenset()) | caps for s, caps in other.items()}}
