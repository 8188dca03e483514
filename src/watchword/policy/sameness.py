"""Whether people taken as alike are alike: recovering one of them has to be as hard as recovering another.

`likeness` takes people as alike by their roles and the classes of their accounts. That tells everything apart that
matters as long as an account of one of them is reached as an account of another is, up to who is who. Of each kind of
account one is worked out, so that this can be looked at afterwards.
"""

from __future__ import annotations

from watchword.core.action import Action
from watchword.core.ids import AccountId
from watchword.policy.falling import holder
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import Reduced

Told = frozenset[tuple[tuple[int, tuple[str, ...]], ...]]
"""Sets of needs as the kinds of people they are about, each with the capabilities about one of them."""

SELF, NOBODY, ALONE = -1, -2, -3
"""In place of a kind: the holder of the account, the organisation, an account that is nobody's."""


def unlike(fixpoint: Fixpoint, small: Reduced) -> int:
    """How many kinds of people were taken as one kind although recovering them differs within the bound.

    Every account that another one is like must have been asked for.
    """
    giving = sorted({action for row in fixpoint.table.gains for action in row.actions})
    found: dict[tuple[int, str], set[tuple[Told, ...]]] = {}
    for like in dict.fromkeys(small.like.values()):
        account = fixpoint.accounts[like]
        if account.person is not None:
            key = small.kinds[account.person], fixpoint.held[like]
            told = tuple(_told(fixpoint, small, like, holder(account), action) for action in giving)
            found.setdefault(key, set()).add(told)
    return sum(len(ways) - 1 for ways in found.values())


def _told(fixpoint: Fixpoint, small: Reduced, account: AccountId, own: str, action: Action) -> Told:
    kinds: dict[str, int] = {"": NOBODY, own: SELF}
    kinds |= {who: number for who, number in small.kinds.items() if who != own}
    sets = []
    for mask in fixpoint.goal(account, action):
        about: dict[str, list[str]] = {}
        for need, _ in fixpoint.algebra.needs_in(mask):
            about.setdefault(need.subject, []).append(need.capability)
        sets.append(tuple(sorted((kinds.get(who, ALONE), tuple(sorted(held))) for who, held in about.items())))
    return frozenset(sets)
