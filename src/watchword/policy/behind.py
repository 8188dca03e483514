"""What stands behind people: the sets they fall to through accounts of their own.

Somebody falls at first to a capability about themself; or they are recovered by whoever is not them, with the help of
the people around *their* account, and then approve, vouch or prove. Of people who are alike in their roles and in the
classes of their accounts it is the second that differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from watchword.core.ids import PersonId
from watchword.core.person import Role
from watchword.policy.capabilities import Ways
from watchword.policy.falling import Node
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import Reduced
from watchword.policy.values import Falls

Caps = frozenset[str]
Held = dict[str, Caps]
"""What is held about whom; nobody is the empty name."""

UNKNOWN = -1
"""The kind of an account that is nobody's."""


class Other(msgspec.Struct, frozen=True, order=True):
    """Somebody else in a set: of which kind, what about them, and why they are there.

    *by_role*: for their role alone. *near*: they stand around an account of whom it is about; else further away.
    """

    kind: int
    caps: tuple[str, ...]
    by_role: bool
    near: bool


class Behind(msgspec.Struct, frozen=True):
    """One set somebody falls to through their own account: what about themself, about nobody, and about others.

    *instead*: each set that would have been needed about them at first. *common*: so it is for everybody of their kind,
    and for *many* in all. *proving*: they fall as somebody whose proof is asked for. *cost* is the sum over it.
    """

    own: Caps
    nobody: Caps
    others: tuple[Other, ...]
    instead: frozenset[Caps]
    proving: bool
    cost: int
    common: bool = False
    many: int = 0


class Backing:
    """What stands behind the people of *small*, by their kind, once *fixpoint* has settled it.

    *behind* has each set that others may meet with, cheapest first. What takes nobody else, and everybody of a kind
    falls to, is as good as what they fall to at first: it is not among them.
    """

    def __init__(self, fixpoint: Fixpoint, small: Reduced) -> None:
        self.fixpoint = fixpoint
        self.small = small
        self.kinds: Mapping[str, int] = {str(p): k for p, k in small.kinds.items()}
        self.members: dict[int, list[str]] = {}
        for who, kind in self.kinds.items():
            self.members.setdefault(kind, []).append(who)
        self.staff = {small.kinds[p.id] for p in small.roster.people if p.grants or p.delegations}
        self.prices = {name: row.cost for name, row in fixpoint.table.capabilities.items()}
        self._decoded: dict[int, Held] = {}
        self.behind = self._all_behind()

    def held(self, mask: int) -> Held:
        """What a set holds about whom."""
        if mask not in self._decoded:
            found: dict[str, set[str]] = {}
            for need, _ in self.fixpoint.algebra.needs_in(mask):
                found.setdefault(need.subject, set()).add(need.capability)
            self._decoded[mask] = {s: frozenset(c) for s, c in found.items()}
        return self._decoded[mask]

    def kind(self, subject: str) -> int | str:
        """Of which kind somebody is; an account that is nobody's, and nobody at all, are their own."""
        return int(subject[1:].split(" ", 1)[0]) if subject.startswith("?") else self.kinds.get(subject, subject)

    def asked_at_first(self, who: str, caps: Caps) -> bool:
        """Whether *caps* about somebody are enough without their account."""
        return any(
            one <= caps for behind in self.behind.get(self.kinds.get(who, UNKNOWN), ()) for one in behind.instead
        )

    def _all_behind(self) -> dict[int, tuple[Behind, ...]]:
        wanted = self._consulted()
        for kind, nodes in wanted.items():
            for who in self.members[kind]:
                for node in nodes:
                    self.fixpoint.value(_about(node, who))
        self.fixpoint.settle()
        found = {}
        for kind, nodes in wanted.items():
            each = {
                who: {b for node in nodes for b in self._sets(_about(node, who), who)} for who in self.members[kind]
            }
            common = set.intersection(*each.values())
            many: Counter[Behind] = Counter()
            for number, count in {self.small.alike[PersonId(who)]: who for who in each}.items():
                many.update(dict.fromkeys(each[count], number[1]))
            sets = [msgspec.structs.replace(b, common=b in common, many=many[b]) for b in set.union(*each.values())]
            if kept := tuple(sorted((b for b in sets if b.others or not b.common), key=lambda b: (b.cost, repr(b)))):
                found[kind] = kept
        return found

    def _consulted(self) -> dict[int, set[Node]]:
        """For each kind of people what others read of one of them, with no name in it."""
        found: dict[int, set[Node]] = {}
        provers = self._provers()
        for node in self.fixpoint.read():
            what, *words = node
            if what in {"seat", "word", "line"} and words[0] in self.kinds:
                found.setdefault(self.kinds[words[0]], set()).add((what, "", *words[1:]))
            elif what == "proof" and self.kinds.get(words[1]) in provers:
                found.setdefault(self.kinds[words[1]], set()).add((what, words[0], "", ""))
            elif what == "unseen" and self.kinds.get(words[0]) in provers:
                found.setdefault(self.kinds[words[0]], set()).add((what, ""))
        for name, who in self.fixpoint.takers_around():
            found.setdefault(self.kinds[who], set()).add(("takes", name, ""))
        return found

    def _provers(self) -> set[int]:
        """Kinds of people whose proof counts for accounts that are not theirs."""
        classes, held = self.fixpoint.policy.procedures.table.classes, self.fixpoint.held
        by = {a: classes[held[a.id]].proved_by for a in self.fixpoint.accounts.values()}
        found = {self.kinds[a.owner] for a, proves in by.items() if proves == "owner" and a.owner is not None}
        if not {*by.values()} <= {"owner", "subject"}:
            people = self.small.roster.people
            found |= {self.small.kinds[p.id] for p in people if Role.CUSTODIAN in {g.role for g in p.grants}}
        return found

    def _sets(self, node: Node, who: str) -> Iterator[Behind]:
        """What *node* about *who* falls to through an account, less what it falls to at first."""
        first = self._first(node, who)
        instead = frozenset(self.held(mask).get(who, frozenset()) for mask in first) - {frozenset()}
        near = {p for a in self.fixpoint.owned_by(who) for p in a.related}
        for mask, (cost, _) in self.fixpoint.value(node).items():
            if mask in first:
                continue
            held = self.held(mask)
            others = (
                Other(
                    kind=self.kinds.get(s, UNKNOWN),
                    caps=tuple(sorted(caps)),
                    by_role=s not in near and self.kinds.get(s) in self.staff,
                    near=s in near,
                )
                for s, caps in held.items()
                if s not in {"", who}
            )
            yield Behind(
                own=held.get(who, frozenset()),
                nobody=held.get("", frozenset()),
                others=tuple(sorted(others)),
                instead=instead,
                proving=node[0] in {"proof", "unseen"},
                cost=cost,
            )

    def _first(self, node: Node, who: str) -> set[int]:
        """The sets of *node* that nobody gave."""
        table, what = self.fixpoint.table, node[0]
        sets: Falls
        if what == "seat":
            sets = getattr(table.steps, node[2])
        elif what == "word":
            sets = table.steps.attested
        elif what == "line":
            sets = table.steps.spoken
        elif what == "proof":
            sets = table.methods[node[1]].defeats
        elif what == "takes":
            sets = table.around[node[1]].falls_to
        else:
            algebra = self.fixpoint.algebra
            each = [algebra.either(self._at_first(one, who) for one in s) for s in table.steps.notices.values()]
            away = [self._at_first(one, who) for one in table.steps.unseen]
            return set(algebra.either((algebra.all_of(each), *away)))
        return {mask for one in sets for mask in self._at_first(one, who)}

    def _at_first(self, capabilities: Iterable[str], who: str) -> Ways:
        about = {c: self.fixpoint.table.capabilities[c].about for c in capabilities}
        algebra = self.fixpoint.algebra
        return algebra.all_of([algebra.need(c, "" if a == "nobody" else who) for c, a in about.items()])


def _about(node: Node, who: str) -> Node:
    """*node* with a name in it."""
    if node[0] == "proof":
        return ("proof", node[1], who, "")
    if node[0] == "takes":
        return ("takes", node[1], who)
    return (node[0], who, *node[2:])
