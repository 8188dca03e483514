"""What stands behind people: for which accounts it matters who is around those who are around them.

Merged accounts are alike in who stands around them, and not in who stands around those. That makes a difference only
where somebody falls through their own account (they are recovered with the help of the people around *them*, and then
approve, vouch or prove) and all of it is within the bound. So each set an account falls to without that is taken, and
somebody in it put down to what they fall to that way. Where the result is within the bound and nothing smaller opens
the same, it is either so for everybody who is alike, and is added; or it is not, and the account is in doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping

import msgspec

from watchword.core.action import Action, Step
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Role
from watchword.policy.capabilities import Trace, Ways, moves_of
from watchword.policy.falling import Node, holder
from watchword.policy.fixpoint import Fixpoint
from watchword.policy.likeness import SLOTS, Reduced
from watchword.policy.roster import Roster, RosterAccount
from watchword.policy.tables import Falls

Caps = frozenset[str]
Held = dict[str, Caps]
"""What is held about whom; nobody is the empty name."""

Pair = tuple[str, str, bool]
"""Two words of `SLOTS`: behind whoever is in the first one stands whoever is in the second one, near or further away."""

NEAR = (True, False)
ANY: Pair = ("", "", True)
"""What may be so of any account."""

STAFF = "staff"
"""In the place of the first word of a pair: behind somebody with a role."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What merging leaves open, and what it left out.

    *changed* is what reaches an action on an account (of the small roster) after all, and on everybody who is like it,
    but for what opens everything. *doubted* accounts (of the large one) may differ from those that stand for them. With *everybody*, what the staff falls to may, and so
    each account.
    """

    changed: dict[tuple[AccountId, Action], Ways]
    doubted: frozenset[AccountId] = frozenset()
    everybody: bool = False


class _Other(msgspec.Struct, frozen=True, order=True):
    """Somebody else in a set: of which kind, what about them, and why they are there.

    *by_role*: for their role alone. *near*: they stand around an account of whom it is about; else further away.
    """

    kind: int
    caps: tuple[str, ...]
    by_role: bool
    near: bool


class _Behind(msgspec.Struct, frozen=True):
    """One set somebody falls to through their own account: what about themself, about nobody, and about others.

    *instead*: each set that would have been needed about them in the first place. *common*: so it is for everybody of
    their kind, and for *many* people else. *proving*: they fall as somebody whose proof is asked for.
    """

    own: Caps
    nobody: Caps
    others: tuple[_Other, ...]
    instead: frozenset[Caps]
    common: bool
    proving: bool
    many: int = 0


def found_behind(
    fixpoint: Fixpoint,
    small: Reduced,
    roster: Roster,
    likes: tuple[AccountId, ...],
    around: Container[AccountId] = frozenset[AccountId](),
) -> Found:
    """Return what merging *roster* to *small* leaves open for *likes* of it, which *fixpoint* has settled.

    For those *around* which one asked nobody above them was merged.
    """
    return _Search(fixpoint, small, _tangles(roster), likes, around).found()


def _tangles(roster: Roster) -> dict[AccountId, frozenset[Pair]]:
    """For each account where there is one, who of those around it stands behind whom of them."""
    owned: dict[PersonId, list[RosterAccount]] = {}
    for account in roster.accounts:
        if account.person is not None:
            owned.setdefault(account.person, []).append(account)
    known: dict[tuple[PersonId, bool], frozenset[PersonId]] = {}

    def above(who: PersonId, near: bool) -> frozenset[PersonId]:
        """Everybody around the accounts of *who*; unless *near*, those around the accounts of these and so on."""
        if (who, near) not in known:
            found: set[PersonId] = set()
            waiting = [who]
            while waiting:
                for account in owned.get(waiting.pop(), ()):
                    new = {p for p in account.related if p not in found}
                    found |= new
                    waiting.extend(() if near else new)
            known[who, near] = frozenset(found)
        return known[who, near]

    staff = {near: {p for s in roster.people if s.grants or s.delegations for p in above(s.id, near)} for near in NEAR}
    pairs: dict[AccountId, frozenset[Pair]] = {}
    for account in roster.accounts:
        slots = [(slot, who) for slot in SLOTS if (who := getattr(account, slot)) is not None]
        found = frozenset(
            (one, other, near)
            for other, who in slots
            for near in NEAR
            for one, behind in ((STAFF, staff[near]), *((o, above(p, near)) for o, p in slots if o != "person"))
            if who in behind
        )
        if found:
            pairs[account.id] = found
    return pairs


class _Change(msgspec.Struct, frozen=True):
    """What becomes of the sets of one account and action: which are *added* and *dropped*, and what is in doubt."""

    added: Ways
    dropped: tuple[int, ...]
    doubts: set[frozenset[Pair]]


class _Place:
    """An account whose sets are looked at (none: what opens everything), and who is around it in which slot."""

    def __init__(
        self,
        account: RosterAccount | None,
        own: str,
        slots: Mapping[str, str],
        pairs: frozenset[Pair],
        *,
        proves: str | None,
        exact: bool = False,
    ) -> None:
        self.account = account
        self.own = own
        self.slots = slots
        self.pairs = pairs
        self.proves = proves
        self.exact = exact

    def tangle(self, who: str, other: str, near: bool) -> Pair | None:
        """What has to be so for *other* to stand behind *who*, both of whom are there; None where it never is."""
        pair = (self.slots.get(who, STAFF), self.slots.get(other, ""), near)
        return pair if pair in self.pairs else None


class _Search:
    def __init__(
        self,
        fixpoint: Fixpoint,
        small: Reduced,
        tangles: Mapping[AccountId, frozenset[Pair]],
        likes: tuple[AccountId, ...],
        around: Container[AccountId],
    ) -> None:
        self.fixpoint = fixpoint
        self.algebra = fixpoint.algebra
        self.small = small
        self.tangles = tangles
        self.likes = likes
        self.around = around
        self.pairs: dict[AccountId, set[Pair]] = {}
        for account, pairs in tangles.items():
            self.pairs.setdefault(small.like[account], set()).update(pairs)
        self.kinds: Mapping[str, int] = {str(p): k for p, k in small.kinds.items()}
        self.prices = {name: row.cost for name, row in fixpoint.table.capabilities.items()}
        self.members: dict[int, list[str]] = {}
        for who, kind in self.kinds.items():
            self.members.setdefault(kind, []).append(who)
        self.staff = {small.kinds[p.id] for p in small.roster.people if p.grants or p.delegations}
        self._decoded: dict[int, Held] = {}
        self.behind = {kind: sets for kind, sets in self._all_behind() if sets}
        self.least = {k: self._alone(sets[0]) for k, sets in self.behind.items()}
        self.shared = {
            k: frozenset(
                {("", c) for b in sets for c in b.nobody}
                | {(o.kind, c) for b in sets for o in b.others for c in o.caps}
            )
            for k, sets in self.behind.items()
        }

    def found(self) -> Found:
        """Each account kept for others, then whatever depends on one that is in doubt."""
        if not self.behind:
            return Found(changed={})
        everything = self.fixpoint.everything()
        everybody = bool(self._put(_Place(None, "", {}, frozenset(), proves=None), everything, {}).doubts)
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
        reached = set(doubted)
        while reached and not everybody:
            kinds = {self.kinds[p] for a in doubted if (p := self.fixpoint.accounts[a].person) is not None}
            everybody = bool(kinds & self.staff) or any(self._gives_to_all(a) for a in doubted)
            reached = {
                like
                for like in self.likes
                if like not in doubted
                and like not in self.around
                and any(self.kinds[p] in kinds for p in self.fixpoint.accounts[like].related)
            }
            doubted |= {like: {frozenset()} for like in reached}
        return Found(
            changed=changed,
            doubted=frozenset(
                account
                for account, like in self.small.like.items()
                if any(needed <= self.tangles.get(account, frozenset()) | {ANY} for needed in doubted.get(like, ()))
            ),
            everybody=everybody,
        )

    def _place(self, account: RosterAccount) -> _Place:
        """What is to be known of *account* where somebody around it is put down."""
        slots = {str(who): slot for slot in reversed(SLOTS) if (who := getattr(account, slot)) is not None}
        classes = self.fixpoint.policy.procedures.table.classes
        held = self.fixpoint.held[account.id]
        proves = account.owner if classes[held].proved_by == "owner" else None
        if proves is not None and self.fixpoint.casting.approves_although_proving(account, proves, held):
            proves = None
        pairs = frozenset(self.pairs.get(account.id, ()))
        exact = account.id in self.around
        return _Place(account, holder(account), slots, pairs, proves=proves, exact=exact)

    def _gives_to_all(self, account: AccountId) -> bool:
        """Whether a success on *account* gives something that is about nobody."""
        return any(
            (not row.classes or self.fixpoint.held[account] in row.classes)
            and any(self.fixpoint.table.capabilities[c].about == "nobody" for c in row.gives)
            for row in self.fixpoint.table.gains
        )

    # --- what people fall to through their own accounts ----------------------------------------------------------------

    def _all_behind(self) -> Iterator[tuple[int, tuple[_Behind, ...]]]:
        wanted = self._consulted()
        for kind, nodes in wanted.items():
            for who in self.members[kind]:
                for node in nodes:
                    self.fixpoint.value(_about(node, who))
        self.fixpoint.settle()
        for kind, nodes in wanted.items():
            each = [{b for node in nodes for b in self._sets(_about(node, who), who)} for who in self.members[kind]]
            common = set.intersection(*each)
            many: Counter[_Behind] = Counter()
            for alike, some in {self.small.alike[PersonId(w)]: s for w, s in zip(self.members[kind], each)}.items():
                many.update(dict.fromkeys(some, alike[1]))
            sets = (msgspec.structs.replace(b, common=b in common, many=many[b]) for b in set.union(*each))
            # What takes nobody else, and everybody of the kind falls to, is as good as what they fall to at first.
            yield kind, tuple(sorted((b for b in sets if b.others or not b.common), key=self._alone))

    def _consulted(self) -> dict[int, set[Node]]:
        """For each kind of people what others read of one of them, with no name in it."""
        found: dict[int, set[Node]] = {}
        provers = self._provers()
        for node in self.fixpoint.read():
            what, *words = node
            if what in {"seat", "word"} and words[0] in self.kinds:
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
        classes = self.fixpoint.policy.procedures.table.classes
        by = {classes[self.fixpoint.held[a.id]].proved_by: a for a in self.fixpoint.accounts.values()}
        found = {
            self.kinds[a.owner]
            for a in self.fixpoint.accounts.values()
            if a.owner is not None and classes[self.fixpoint.held[a.id]].proved_by == "owner"
        }
        if "custodians" in by:
            people = self.small.roster.people
            found |= {self.small.kinds[p.id] for p in people if Role.CUSTODIAN in {g.role for g in p.grants}}
        return found

    def _sets(self, node: Node, who: str) -> Iterator[_Behind]:
        """What *node* about *who* falls to through an account, less what it falls to at first."""
        first = self._first(node, who)
        instead = frozenset(self.held(mask).get(who, frozenset()) for mask in first) - {frozenset()}
        near = {p for a in self.fixpoint.owned_by(who) for p in a.related}
        for mask in self.fixpoint.value(node):
            if mask in first:
                continue
            held = self.held(mask)
            others = (
                _Other(
                    kind=self.kinds.get(s, -1),
                    caps=tuple(sorted(caps)),
                    by_role=s not in near and self.kinds.get(s) in self.staff,
                    near=s in near,
                )
                for s, caps in held.items()
                if s not in {"", who}
            )
            yield _Behind(
                own=held.get(who, frozenset()),
                nobody=held.get("", frozenset()),
                others=tuple(sorted(others)),
                instead=instead,
                common=False,
                proving=node[0] in {"proof", "unseen"},
            )

    def _first(self, node: Node, who: str) -> set[int]:
        """The sets of *node* that nobody gave."""
        table, what = self.fixpoint.table, node[0]
        sets: Falls
        if what == "seat":
            sets = getattr(table.steps, node[2])
        elif what == "word":
            sets = table.steps.attested
        elif what == "proof":
            sets = table.methods[node[1]].defeats
        elif what == "takes":
            sets = table.around[node[1]].falls_to
        else:
            each = [self.algebra.either(self._at_first(one, who) for one in s) for s in table.steps.notices.values()]
            away = [self._at_first(one, who) for one in table.steps.unseen]
            return set(self.algebra.either((self.algebra.all_of(each), *away)))
        return {mask for one in sets for mask in self._at_first(one, who)}

    def _at_first(self, capabilities: Iterable[str], who: str) -> Ways:
        about = {c: self.fixpoint.table.capabilities[c].about for c in capabilities}
        return self.algebra.all_of([self.algebra.need(c, "" if a == "nobody" else who) for c, a in about.items()])

    # --- what an account would fall to ---------------------------------------------------------------------------------

    def _put(self, place: _Place, ways: Ways, everything: Ways) -> _Change:
        """What of *ways* with somebody put down is new, for everybody alike or not, and what is no longer minimal."""
        known = _Known(self, place, ways, everything)
        added: dict[int, tuple[int, Trace]] = {}
        doubts: set[frozenset[Pair]] = set()
        for mask in ways:
            held = self.held(mask)
            people = tuple(p for p in held if self.kinds.get(p) in self.behind and self._may_differ(p, place))
            for changed, needed, certain in self._further(held, people, place) if people else ():
                if not known.by_itself(mask):
                    break
                if known.opens(changed):
                    continue
                new = self._masked(changed) if certain and not needed else None
                if new is None:
                    doubts.add(needed)
                elif new not in ways:
                    added[new] = (self.algebra.cost(new), ())
        return _Change(added, known.larger(), doubts)

    def _may_differ(self, who: str, place: _Place) -> bool:
        return who != place.own and not (place.exact and who in place.slots)

    def _further(
        self, held: Held, people: tuple[str, ...], place: _Place
    ) -> Iterator[tuple[Held, frozenset[Pair], bool]]:
        """Yield *held* with some of its *people* put down, within the bound; what it takes, and whether it is certain."""
        bound = self.algebra.bound

        def step(
            at: int, so_far: Held, special: bool, needed: frozenset[Pair], certain: bool
        ) -> Iterator[tuple[Held, frozenset[Pair], bool]]:
            cost = self._cost(so_far)
            if cost > bound:
                return
            if at == len(people):
                if special:
                    yield so_far, needed, certain
                return
            who = people[at]
            yield from step(at + 1, _joined(so_far, {who: held[who]}), special, needed, certain)
            kind = self.kinds[who]
            if self.least[kind] > bound - cost + (shared := self._shareable(held, kind, who, place)):
                return
            near = sum(self.kinds[p] == kind for p in place.slots)
            for behind in self.behind[kind]:
                if self._alone(behind) > bound - cost + shared:
                    break
                if not any(one <= held[who] for one in behind.instead) or (place.proves == who and not behind.proving):
                    continue
                # They must serve for nothing more, and somebody of whom it is so must be free.
                sure = held[who] in behind.instead and (behind.common if who in place.slots else behind.many > near)
                for more, met, takes in self._variants(behind, who, held, place):
                    new = special or met or not behind.common
                    yield from step(at + 1, _joined(so_far, more), new, needed | takes, certain and sure)

        yield from step(0, {s: caps for s, caps in held.items() if s not in people}, False, frozenset(), True)

    def _shareable(self, held: Held, kind: int, who: str, place: _Place) -> int:
        """What those behind somebody of *kind* can have in common with what is there already, at most."""
        shared = self.shared[kind]
        return sum(
            self.prices[c]
            for s, caps in held.items()
            if s != who
            and (
                s not in place.slots
                or self.kinds[s] in self.staff
                or any(place.tangle(who, s, near) is not None for near in NEAR)
            )
            for c in caps
            if (self.kinds.get(s, -1) if s else "", c) in shared
        )

    def _variants(
        self, behind: _Behind, who: str, held: Held, place: _Place
    ) -> Iterator[tuple[Held, bool, frozenset[Pair]]]:
        """Yield *behind* about *who*, the others in it each somebody else or one of those who are there already.

        With whether one of them is there, and what it takes for them to stand behind *who*.
        """
        there = [p for p in {**dict.fromkeys(held), **dict.fromkeys(place.slots)} if p and p != who]

        def chosen(
            number: int, found: Held, met: bool, needed: frozenset[Pair]
        ) -> Iterator[tuple[Held, bool, frozenset[Pair]]]:
            if number == len(behind.others):
                yield found, met, needed
                return
            other = behind.others[number]
            caps = frozenset(other.caps)
            yield from chosen(number + 1, {**found, f"?{other.kind} {who} {number}": caps}, met, needed)
            for one in there:
                if self.kinds.get(one) != other.kind or one in found:
                    continue
                if other.by_role:
                    yield from chosen(number + 1, {**found, one: caps}, met or one in place.slots, needed)
                elif one not in place.slots:  # somebody with a role who stands around somebody else: whoever it is
                    yield from chosen(number + 1, {**found, one: caps}, True, needed | {ANY})
                elif (pair := place.tangle(who, one, other.near)) is not None:
                    yield from chosen(number + 1, {**found, one: caps}, True, needed | {pair})

        yield from chosen(0, {s: c for s, c in ((who, behind.own), ("", behind.nobody)) if c}, False, frozenset())

    def _masked(self, held: Held) -> int | None:
        """The set, with somebody of their kind for whoever is nobody in particular; None where there is nobody left."""
        mask, taken = 0, {s for s in held if not s.startswith("?")}
        for subject, caps in held.items():
            who: str | None = subject
            if subject.startswith("?"):
                who = next((p for p in self.members.get(int(str(self.kind(subject))), ()) if p not in taken), None)
                if who is None:
                    return None
                taken.add(who)
            for capability in caps:
                mask |= self.algebra.mask(capability, who or "")
        return mask

    def kind(self, subject: str) -> int | str:
        """Of which kind somebody is; an account that is nobody's, and nobody at all, are their own."""
        return int(subject[1:].split(" ", 1)[0]) if subject.startswith("?") else self.kinds.get(subject, subject)

    def held(self, mask: int) -> Held:
        """What a set holds about whom."""
        if mask not in self._decoded:
            found: dict[str, set[str]] = {}
            for need, _ in self.algebra.needs_in(mask):
                found.setdefault(need.subject, set()).add(need.capability)
            self._decoded[mask] = {s: frozenset(c) for s, c in found.items()}
        return self._decoded[mask]

    def _cost(self, held: Held) -> int:
        return sum(self.prices[c] for caps in held.values() for c in caps)

    def _alone(self, behind: _Behind) -> int:
        return sum(self.prices[c] for c in (*behind.own, *behind.nobody, *(c for o in behind.others for c in o.caps)))


class _Known:
    """The sets of one account and action, compared as if people of one kind were the same but for those around it."""

    def __init__(self, search: _Search, place: _Place, ways: Ways, everything: Ways) -> None:
        self.search = search
        self.place = place
        self.ways = ways
        self.fixed = {"", place.own, *place.slots}
        # What opens everything is told of one of the staff: somebody around the account is that only by chance.
        self.others = [s for m in everything if not (s := search.held(m)).keys() & (self.fixed - {""})]
        self._sure: dict[int, bool] = {}

    def by_itself(self, mask: int) -> bool:
        """Whether the path of a set leads through no account of anybody else."""
        if mask not in self._sure:
            accounts = self.search.fixpoint.accounts
            self._sure[mask] = not any(
                move.what.startswith("use ")
                and (account := accounts.get(AccountId(move.subject))) is not None
                and holder(account) != self.place.own
                for move in moves_of(self.ways[mask][1])
            )
        return self._sure[mask]

    def opens(self, held: Held) -> bool:
        """Whether some set that leads through nobody else's account is in *held*."""
        whole = self._parts(held)
        return any(
            self._parts(one) <= whole and self._within(one, held)
            for one in (*(self.search.held(m) for m in self.ways if self.by_itself(m)), *self.others)
        )

    def larger(self) -> tuple[int, ...]:
        """The sets that have a smaller one in them, other people of the same kind in the place of those in it."""
        parts = {mask: self._parts(self.search.held(mask)) for mask in self.ways}
        return tuple(
            mask
            for mask, whole in parts.items()
            if any(
                some < whole and self.by_itself(m) and self._within(self.search.held(m), self.search.held(mask))
                for m, some in parts.items()
            )
        )

    def _parts(self, held: Held) -> frozenset[tuple[int | str, str]]:
        return frozenset(
            (s if s in self.fixed else self.search.kind(s), c) for s, caps in held.items() for c in caps
        )

    def _within(self, smaller: Held, held: Held) -> bool:
        if any(not caps <= held.get(s, frozenset()) for s, caps in smaller.items() if s in self.fixed):
            return False
        left = [(self.search.kind(s), caps) for s, caps in smaller.items() if s not in self.fixed]
        there = [(self.search.kind(s), caps) for s, caps in held.items() if s not in self.fixed]
        return _fits(left, there)


def _about(node: Node, who: str) -> Node:
    """*node* with a name in it."""
    if node[0] == "proof":
        return ("proof", node[1], who, "")
    if node[0] == "takes":
        return ("takes", node[1], who)
    return (node[0], who, *node[2:])


def _joined(one: Held, other: Held) -> Held:
    return {**one, **{s: one.get(s, frozenset()) | caps for s, caps in other.items()}}


def _fits(left: list[tuple[int | str, Caps]], there: list[tuple[int | str, Caps]]) -> bool:
    """Whether each of *left* finds one of its kind of its own that has as much."""
    if not left:
        return True
    kind, caps = left[0]
    return any(
        kind == k and caps <= c and _fits(left[1:], [*there[:i], *there[i + 1 :]]) for i, (k, c) in enumerate(there)
    )
