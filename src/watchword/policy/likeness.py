"""A large roster made small: accounts and people nothing tells apart, one standing for all of them.

Two accounts are alike when their class, unit and facts are, the roles and classes of the people around them, and the
other accounts of their person; two people when their roles are, and the classes of their accounts. Who stands around
the people around an account is not asked: `doubts.doubts` says for which accounts that could make a difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Person
from watchword.policy.roster import RELATIONS, Roster, RosterAccount, held_as

K = TypeVar("K", AccountId, PersonId)

CLONES = 6
"""How many of the people who are alike are kept where they hold roles: one case keeps no more than six people apart."""

SLOTS = ("person", *RELATIONS.values())


class Reduced(msgspec.Struct, frozen=True, kw_only=True):
    """The small *roster*, the groups of *twins* in it, and for each account of the large one the one it is like.

    *kinds* numbers the people of the small one: the same for those who are alike. *alike* does so with the kinds of
    their accounts as well, and says how many of them there are in the large one.
    """

    roster: Roster
    twins: tuple[tuple[PersonId, ...], ...]
    like: dict[AccountId, AccountId]
    kinds: dict[PersonId, int]
    alike: dict[PersonId, tuple[int, int]]


def reduce(
    roster: Roster, around: Collection[AccountId] = (), named: Container[PersonId] = frozenset[PersonId]()
) -> Reduced:
    """Return a roster in which of all that are alike only as many are kept as one case could need.

    The accounts *around* which one asks, and everybody above them, are kept themselves. Nobody is like those *named*.
    """
    return _Likeness(roster, named).reduced(around)


class _Likeness:
    def __init__(self, roster: Roster, named: Container[PersonId]) -> None:
        self.given = roster
        self.named = named
        self.people = {p.id: p for p in roster.people}
        self.held = held_as(roster.accounts)
        self.owned: dict[PersonId, list[RosterAccount]] = {}
        for account in roster.accounts:
            if account.person is not None:
                self.owned.setdefault(account.person, []).append(account)
        self.unit_of = self._units()
        self.person_class: dict[PersonId, int] = {}
        self.account_class: dict[AccountId, int] = {}
        self._tell_apart()

    def _units(self) -> dict[str, str]:
        """For each unit the first one with the same people of its own: kinds, roles, and how many of each."""
        local: dict[str, Counter[Hashable]] = {}
        for person in self.given.people:
            units = {g.unit for g in person.grants if g.unit is not None} | {d.unit for d in person.delegations}
            for unit in units:
                here = tuple(sorted((g.role, _where(g.unit, unit)) for g in person.grants))
                local.setdefault(unit, Counter())[person.kind, here, unit in {d.unit for d in person.delegations}] += 1
        first: dict[Hashable, str] = {}
        known = dict.fromkeys((*(a.unit for a in self.given.accounts), *local))
        return {
            unit: first.setdefault(frozenset((k, min(n, CLONES)) for k, n in local.get(unit, Counter()).items()), unit)
            for unit in known
        }

    def _roles(self, person: Person) -> Hashable:
        grants = frozenset(
            (g.role, self.unit_of.get(g.unit, g.unit) if g.unit else None, g.until) for g in person.grants
        )
        who = person.id if person.id in self.named else ""
        return (
            who,
            person.kind,
            grants,
            frozenset((self.unit_of.get(d.unit, d.unit), d.until) for d in person.delegations),
        )

    def _tell_apart(self) -> None:
        """People by their roles and their accounts' classes; accounts by their facts and the people around them."""
        held = {p: tuple(sorted((self.held[a.id], a.leaver) for a in owned)) for p, owned in self.owned.items()}
        roles = {p.id: self._roles(p) for p in self.given.people}
        self.person_class = _numbered({p: (roles[p], held.get(p, ())) for p in self.people})
        facts = _numbered({a.id: self._facts(a, []) for a in self.given.accounts})
        self.account_class = _numbered({a.id: self._with_others(a, facts) for a in self.given.accounts})

    def _facts(self, account: RosterAccount, seen: list[PersonId | None]) -> Hashable:
        """An account by itself; whoever was *seen* before is known again, and whom it has is added."""
        who = [getattr(account, slot) for slot in SLOTS]
        seen.extend(p for p in who if p not in seen)
        same = tuple(seen.index(p) for p in who)
        classes = tuple(None if p is None else self.person_class[p] for p in who)
        return self.held[account.id], self.unit_of[account.unit], account.leaver, same, classes

    def _with_others(self, account: RosterAccount, facts: Mapping[AccountId, int]) -> Hashable:
        """An account and those its person has besides, since what one of them gives serves for the others."""
        others = [] if account.person is None else [a for a in self.owned[account.person] if a is not account]
        if not others:
            return facts[account.id]
        seen: list[PersonId | None] = []
        return tuple(self._facts(a, seen) for a in (account, *sorted(others, key=lambda a: facts[a.id])))

    def _with_accounts(self, who: PersonId) -> Hashable:
        return self.person_class[who], tuple(sorted(self.account_class[a.id] for a in self.owned.get(who, ())))

    def _bearers(self) -> tuple[PersonId, ...]:
        """For each kind of account a person who has one."""
        first: dict[int, PersonId] = {}
        for account in self.given.accounts:
            if account.person is not None:
                first.setdefault(self.account_class[account.id], account.person)
        return tuple(first.values())

    def _above(self, around: Collection[AccountId]) -> tuple[PersonId, ...]:
        """Everybody with a relation to the accounts, and to the accounts of these, and so on."""
        found: dict[PersonId, None] = {}
        waiting = [a for a in self.given.accounts if a.id in around]
        while waiting:
            account = waiting.pop()
            for who in (account.person, *account.related):
                if who is not None and who not in found:
                    found[who] = None
                    waiting.extend(self.owned.get(who, ()))
        return tuple(found)

    def reduced(self, around: Collection[AccountId]) -> Reduced:
        members: dict[int, list[PersonId]] = {}
        above = self._above(around)
        for who in dict.fromkeys((*above, *self.people)):
            members.setdefault(self.person_class[who], []).append(who)
        kept = {}
        for number, group in members.items():
            least = CLONES if self.people[group[0]].grants or self.people[group[0]].delegations else 1
            kept[number] = group[: max(least, sum(p in above for p in group))]
        accounts: dict[AccountId, RosterAccount] = {}
        first: dict[int, AccountId] = {}
        for who in self._bearers():
            group = kept[self.person_class[who]]
            if who not in group:
                group.append(who)
        waiting = [p for group in kept.values() for p in group]
        for account in self.given.accounts:
            new = self.account_class[account.id] not in first
            if account.person is None and (new or account.id in around):
                first.setdefault(self.account_class[account.id], account.id)
                accounts[account.id] = self._mapped(account, {}, members, kept, waiting)
        present: dict[PersonId, None] = {}
        while waiting:
            who = waiting.pop(0)
            if who in present:
                continue
            present[who] = None
            chosen = {who: who}
            for account in self.owned.get(who, ()):
                first.setdefault(self.account_class[account.id], account.id)
                accounts[account.id] = self._mapped(account, chosen, members, kept, waiting)
        people = tuple(p for p in self.given.people if p.id in present)
        same = _numbered({p: self._with_accounts(p) for p in self.people})
        many = Counter(same.values())
        return Reduced(
            roster=Roster(accounts=tuple(accounts.values()), people=people, at=self.given.at),
            twins=tuple(tuple(group) for group in self._twins(kept.values(), above) if len(group) > 1),
            like={a.id: first[self.account_class[a.id]] for a in self.given.accounts}
            | {a: a for a in around if a in accounts},
            kinds={p.id: self.person_class[p.id] for p in people},
            alike={p.id: (same[p.id], many[same[p.id]]) for p in people},
        )

    def _twins(self, groups: Iterable[list[PersonId]], above: tuple[PersonId, ...]) -> Iterator[tuple[PersonId, ...]]:
        """Groups one of whom stands for all; a few of the staff above what one asks for stand for themselves."""
        staff = {p for p in above if self.people[p].grants or self.people[p].delegations}
        apart = staff if len(staff) <= CLONES else set[PersonId]()
        return (tuple(p for p in group if p not in apart) for group in groups)

    def _mapped(
        self,
        account: RosterAccount,
        chosen: dict[PersonId, PersonId],
        members: dict[int, list[PersonId]],
        kept: dict[int, list[PersonId]],
        waiting: list[PersonId],
    ) -> RosterAccount:
        """The same account with people who are kept in place of those they are like; different ones stay different.

        *chosen* says who stands for whom, over all accounts of its person, and is added to.
        """
        for slot in SLOTS[1:]:
            who = getattr(account, slot)
            if who is None or who in chosen:
                continue
            number = self.person_class[who]
            own = [who] if who in kept[number] else []
            free = next((p for p in (*own, *kept[number]) if p not in chosen.values()), None)
            if free is None:
                free = next(p for p in members[number] if p not in chosen.values())
                kept[number].append(free)
                waiting.append(free)
            chosen[who] = free
        slots = {s: chosen.get(getattr(account, s)) for s in SLOTS}
        return msgspec.structs.replace(account, unit=self.unit_of[account.unit], **slots)


def _where(unit: str | None, here: str) -> str:
    return "everywhere" if unit is None else "here" if unit == here else "elsewhere"


def _numbered(given: Mapping[K, Hashable]) -> dict[K, int]:
    """A small number in place of each value: the same for equal ones."""
    numbers: dict[Hashable, int] = {}
    return {key: numbers.setdefault(value, len(numbers)) for key, value in given.items()}
