"""Where the people around an account stand around one another's accounts too, or around those of the staff."""

from __future__ import annotations

from collections.abc import Iterable

from watchword.core.ids import AccountId, PersonId
from watchword.policy.likeness import SLOTS
from watchword.policy.roster import Roster, RosterAccount

NEAR = (True, False)
STAFF = "staff"
"""In the place of the first word of a pair: somebody who holds a role."""

Pair = tuple[str, str, bool]
"""Two words of `SLOTS`: whoever is in the second one stands around an account of whoever is in the first one (near),
or further above it."""

ANY: Pair = ("", "", True)
"""What may be so of every account."""


def tangles(roster: Roster) -> dict[AccountId, frozenset[Pair]]:
    """For each account with any, every pair that holds of it."""
    owned: dict[PersonId, list[RosterAccount]] = {}
    for account in roster.accounts:
        if account.person is not None:
            owned.setdefault(account.person, []).append(account)
    known: dict[tuple[PersonId, bool], frozenset[PersonId]] = {}

    def above(who: PersonId, *, near: bool) -> frozenset[PersonId]:
        """Everybody around the accounts of *who*; unless *near*, those around the accounts of these and so on."""
        if (who, near) not in known:
            found: set[PersonId] = set()
            waiting = [who]
            while waiting:
                new = {p for account in owned.get(waiting.pop(), ()) for p in account.related} - found
                found |= new
                waiting.extend(() if near else new)
            known[who, near] = frozenset(found)
        return known[who, near]

    def pairs(slots: Iterable[tuple[str, PersonId]]) -> frozenset[Pair]:
        return frozenset(
            (one, other, near)
            for other, who in slots
            for near in NEAR
            for one, behind in (
                (STAFF, staff[near]),
                *((slot, above(p, near=near)) for slot, p in slots if slot != SLOTS[0]),
            )
            if who in behind
        )

    holding = [p.id for p in roster.people if p.grants or p.delegations]
    staff = {near: {p for who in holding for p in above(who, near=near)} for near in NEAR}
    found = {
        a.id: pairs([(slot, who) for slot in SLOTS if (who := getattr(a, slot)) is not None]) for a in roster.accounts
    }
    return {account: some for account, some in found.items() if some}
