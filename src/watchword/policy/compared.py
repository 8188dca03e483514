"""Which sets of needs have a smaller one in them, when one person may stand for another who is like them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watchword.core.ids import AccountId
from watchword.policy.behind import Backing, Caps, Held
from watchword.policy.capabilities import Ways, moves_of
from watchword.policy.falling import holder


class Compared:
    """The sets of one account and action, compared as if people of one kind were the same but for those *around* it.

    *own* is whom capabilities about the account's target are about; *everything* opens it as well.
    """

    def __init__(self, backing: Backing, own: str, around: Iterable[str], ways: Ways, everything: Ways) -> None:
        self.backing = backing
        self.own = own
        self.ways = ways
        self.fixed = {"", own, *around}
        # What opens everything is told of one of the staff: somebody around the account is that only by chance.
        self.others = [m for m in everything if not backing.held(m).keys() & (self.fixed - {""})]
        self._sure: dict[int, bool] = dict.fromkeys(everything, True)
        self._bits: dict[tuple[int | str, str], int] = {}
        self._parts: dict[int, int] = {}
        # By the last of the parts of each: it is in another set only if that part is.
        self._by_last: dict[int, list[tuple[int, int]]] = {}
        for mask in (*ways, *self.others):
            parts = self._of(mask)
            self._by_last.setdefault(parts.bit_length(), []).append((parts, mask))

    def by_itself(self, mask: int) -> bool:
        """Whether the path of a set leads through no account of anybody else."""
        if mask not in self._sure:
            held = self.backing.held(mask)
            through = {
                holder(account)
                for move in moves_of(self.ways[mask][1])
                if move.what.startswith("use ")
                and (account := self.backing.fixpoint.accounts.get(AccountId(move.subject))) is not None
            }
            # Who is in it with what they fall to at first could as well have been asked at first.
            self._sure[mask] = not any(
                who != self.own and not self.backing.asked_at_first(who, held.get(who, frozenset())) for who in through
            )
        return self._sure[mask]

    def opens(self, held: Held) -> bool:
        """Whether some set that leads through nobody else's account is in *held*."""
        # What is in none of the sets makes no difference.
        whole = sum({self._bits.get(part, 0) for part in self._in_parts(held)})
        return any(self._within(m, held) and self.by_itself(m) for m in self._smaller(whole))

    def larger(self) -> tuple[int, ...]:
        """The sets that have a smaller one in them, other people of the same kind in the place of those in it."""
        held = self.backing.held
        staffed = {m: m.bit_count() for m in self.ways if not held(m).keys() <= self.fixed}
        return tuple(
            mask
            for mask, count in staffed.items()
            if any(
                staffed.get(m, count) < count and self.by_itself(m) and self._within(m, held(mask))
                for m in self._smaller(self._of(mask))
            )
        )

    def _smaller(self, whole: int) -> Iterator[int]:
        """Yield the sets whose parts are all among these."""
        yield from (mask for _, mask in self._by_last.get(0, ()))
        left = whole
        while left:
            last = left.bit_length()
            for parts, mask in self._by_last.get(last, ()):
                if parts & whole == parts:
                    yield mask
            left ^= 1 << (last - 1)

    def _of(self, mask: int) -> int:
        """The parts of a set, as a mask."""
        if mask not in self._parts:
            found = 0
            for part in self._in_parts(self.backing.held(mask)):
                found |= self._bits.setdefault(part, 1 << len(self._bits))
            self._parts[mask] = found
        return self._parts[mask]

    def _in_parts(self, held: Held) -> Iterator[tuple[int | str, str]]:
        """Yield each capability with whom it is about: by name who is around the account, by kind everybody else."""
        fixed, kind = self.fixed, self.backing.kind
        for subject, caps in held.items():
            who = subject if subject in fixed else kind(subject)
            for capability in caps:
                yield who, capability

    def _within(self, mask: int, held: Held) -> bool:
        smaller = self.backing.held(mask)
        if any(not caps <= held.get(s, frozenset()) for s, caps in smaller.items() if s in self.fixed):
            return False
        left = [(self.backing.kind(s), caps) for s, caps in smaller.items() if s not in self.fixed]
        there = [(self.backing.kind(s), caps) for s, caps in held.items() if s not in self.fixed]
        return _fits(left, there)


def _fits(left: list[tuple[int | str, Caps]], there: list[tuple[int | str, Caps]]) -> bool:
    """Whether each of *left* finds one of its kind of its own that has as much."""
    if not left:
        return True
    kind, caps = left[0]
    return any(
        kind == k and caps <= c and _fits(left[1:], [*there[:i], *there[i + 1 :]]) for i, (k, c) in enumerate(there)
    )
