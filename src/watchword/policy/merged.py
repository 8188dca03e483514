"""A whole roster worked out, of accounts that are alike one for all; those that merging could change, apart.

What is found for an account is exact up to the bound, unless it is among those *left*: accounts in doubt of which there
are too many to be worked out one by one.
"""

from __future__ import annotations

from watchword.core.action import Action
from watchword.core.ids import AccountId
from watchword.policy.bundle import Policy
from watchword.policy.capabilities import Ways
from watchword.policy.casting import named
from watchword.policy.doubts import doubts
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import reduce
from watchword.policy.roster import Roster

APART = 500
"""So many accounts in doubt are worked out apart, each with everybody above it."""

WHOLE = 100
"""So many accounts are worked out without merging any, where what the staff falls to is in doubt."""

Place = tuple[int, AccountId]
"""Where an account is worked out: which analysis, and which account of it stands for it."""


class Merged:
    """The analysis of *roster* under *policy* at a cost of at most *bound*.

    Accounts in doubt are worked out apart where there are no more than *apart* of them; where all are, no more than
    *whole* are worked out unmerged.
    """

    def __init__(self, policy: Policy, roster: Roster, bound: int, *, apart: int = APART, whole: int = WHOLE) -> None:
        self.names = named(policy.people)
        self.fixpoints: list[Fixpoint] = []
        self._everything: list[Ways] = []
        self.places: dict[AccountId, Place] = {}
        self._changed: dict[tuple[int, AccountId, Action], Ways] = {}
        doubted, everybody = self._worked_out(policy, roster, bound, frozenset())
        if everybody and len(roster.accounts) <= whole:
            self._unmerged(policy, roster, bound)
            doubted, everybody = frozenset(), False
        elif doubted and not everybody and len(doubted) <= apart:
            doubted, everybody = self._worked_out(policy, roster, bound, doubted)
        self.left = frozenset(self.places) if everybody else doubted

    def reached(self, place: Place) -> dict[Action, Ways]:
        """What reaches each action on the account at *place*, at no more than the bound."""
        number, like = place
        fixpoint = self.fixpoints[number]
        everything = self._everything[number]
        found = {action: self._changed.get((number, like, action), fixpoint.known(like, action)) for action in Action}
        return {action: fixpoint.algebra.either((ways, everything)) for action, ways in found.items()}

    def _worked_out(
        self, policy: Policy, roster: Roster, bound: int, around: frozenset[AccountId]
    ) -> tuple[frozenset[AccountId], bool]:
        """Work out *around*, or else all of *roster*; return which of them are in doubt, and whether all are."""
        small = reduce(roster, around, self.names)
        fixpoint = Fixpoint(policy, small.roster, bound, small.twins)
        wanted = around or small.like.keys()
        likes = tuple(dict.fromkeys(small.like[a] for a in small.like if a in wanted))
        for like in likes:  # one after the other, so that what is found for the first need not be found again
            fixpoint.settle_on((like,))
        found = doubts(fixpoint, small, roster, likes, around)
        number = len(self.fixpoints)
        self.fixpoints.append(fixpoint)
        self._everything.append(found.everything)
        self._changed |= {(number, *key): ways for key, ways in found.changed.items()}
        self.places |= {account: (number, small.like[account]) for account in small.like if account in wanted}
        return found.doubted, found.everybody

    def _unmerged(self, policy: Policy, roster: Roster, bound: int) -> None:
        fixpoint = Fixpoint(policy, roster, bound)
        fixpoint.settle_on(tuple(fixpoint.accounts))
        self.places = {account: (len(self.fixpoints), account) for account in fixpoint.accounts}
        self.fixpoints.append(fixpoint)
        self._everything.append(fixpoint.everything())
