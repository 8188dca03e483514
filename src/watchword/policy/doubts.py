"""For which merged accounts it matters who is around the people around them.

Merged accounts are alike in who stands around them, and not in who stands around those. That makes a difference only
where somebody falls through their own account and all of it is within the bound. So each set an account falls to
without that is taken, and somebody in it put down to what is behind them. Where the result is within the bound and
nothing smaller opens the same, it is either so for everybody who is alike, and is added; or it is not, and the account
is in doubt.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

import msgspec

from watchword.core.action import Action
from watchword.core.ids import AccountId
from watchword.policy.behind import Backing, Caps, Held
from watchword.policy.capabilities import Ways
from watchword.policy.compared import Compared
from watchword.policy.falling import holder
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import SLOTS, Reduced
from watchword.policy.roster import Roster, RosterAccount
from watchword.policy.substituted import Place, Substitution
from watchword.policy.tangles import ANY, Pair, tangles


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
        self.substitution = Substitution(self.backing, self.algebra.bound)

    def found(self) -> Found:
        """Each account kept for others, then whatever depends on one that is in doubt."""
        everything = self.fixpoint.everything()
        if not self.behind:
            return Found(changed={}, everything=everything)
        change = self._put(Place(), everything, {})
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

    def _place(self, account: RosterAccount) -> Place:
        proves = account.owner if self.fixpoint.proved_by_owner(account) else None
        if proves is not None and self.fixpoint.approves_although_proving(account, proves):
            proves = None
        return Place(
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

    def _put(self, place: Place, ways: Ways, everything: Ways) -> _Change:
        """What of *ways* with somebody put down is new, for everybody alike or not, and what is no longer minimal."""
        known = Compared(self.backing, place.own, place.slots, ways, everything)
        added: Ways = {}
        doubted: set[frozenset[Pair]] = set()
        for mask in ways:
            for outcome in self.substitution.outcomes(self.backing.held(mask), place):
                if not known.by_itself(mask):
                    break
                if known.opens(outcome.held):
                    continue
                new = self._masked(outcome.held) if outcome.certain and not outcome.needed else None
                if new is None:
                    doubted.add(outcome.needed)
                elif new not in ways:
                    added[new] = (self.algebra.cost(new), ())
        return _Change(added, known.larger(), doubted)

    def _masked(self, held: Held) -> int | None:
        """The set, with somebody of their kind for whoever is nobody in particular; None where there is nobody left."""
        mask, taken = 0, {s for s in held if not s.startswith("?")}
        for subject, caps in sorted(held.items(), key=self._in_order):
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

    def _in_order(self, item: tuple[str, Caps]) -> tuple[str, list[str]]:
        """By kind and what is held, so that who stands for somebody of a kind does not hang on names."""
        return str(self.backing.kind(item[0])), sorted(item[1])
