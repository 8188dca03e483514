"""What is stricter than what: the join of two requirements, which asks for everything either of them asks for.

Every raise goes through `join`, so that no rule can lower anything: whatever satisfies the join satisfies both sides.
"""

from __future__ import annotations

from itertools import product

import msgspec

from watchword.core.action import AlertLevel
from watchword.core.errors import Invalid
from watchword.core.quorum import Rule, Seat
from watchword.core.requirement import DELIVERIES, After, Method, Requirement, Verify, lowered

ALERTS = tuple(AlertLevel)


def join(one: Requirement, other: Requirement) -> Requirement:
    """Return the least requirement at least as strict as both; raise `Invalid` when their actions differ.

    The result is a cell of the stricter class, under the policy of *one*: a running case keeps the policy it was
    opened under and is only added to.
    """
    if one.action != other.action:
        raise Invalid(
            f"A requirement for {one.action} can not be raised by one for {other.action}.",
            "Compare cells of the same action.",
        )
    top = max(one, other, key=lambda r: r.account_class.rank)
    hold, waivers = join_holds((one.hold_s, one.hold_waived_by), (other.hold_s, other.hold_waived_by))
    return msgspec.structs.replace(
        one,
        cell=top.cell,
        account_class=top.account_class,
        verify=join_ways(one.verify, other.verify),
        approve=join_rules(one.approve, other.approve),
        hold_s=hold,
        hold_waived_by=waivers,
        approval_s=min(one.approval_s, other.approval_s),
        grant_s=min(one.grant_s, other.grant_s),
        separate=tuple(dict.fromkeys((*one.separate, *other.separate))),
        alert=max(one.alert, other.alert, key=ALERTS.index),
        after=join_after(one.after, other.after),
        methods=_join_methods(one.methods, other.methods),
        capability_costs=_join_costs(dict(one.capability_costs), dict(other.capability_costs)),
        strongest=join_way(one.strongest, other.strongest),
        cosigned=one.cosigned or other.cosigned,
        deliver=max(one.deliver, other.deliver, key=DELIVERIES.index),
        raised=tuple(dict.fromkeys((*one.raised, *other.raised))),
        fresh_s=min(one.fresh_s, other.fresh_s),
        contact_age_s=max(one.contact_age_s, other.contact_age_s),
    )


def lacks(frozen: Requirement, asked: Requirement) -> tuple[str, ...]:
    """Name the parts in which *frozen* asks for less than *asked*, both of one policy; empty for what a desk froze.

    Whatever `join` made of *asked* lacks nothing.
    """
    methods = set(asked.methods)
    joined = join_rules(frozen.approve, asked.approve)
    less = {
        "ways": any(not any(implies(way, easier) for easier in asked.verify) for way in frozen.verify),
        "seats": joined is not None and (frozen.approve is None or joined.seats != frozen.approve.seats),
        "times": frozen.approval_s > asked.approval_s or frozen.grant_s > asked.grant_s,
        "weights": not set(frozen.methods) <= methods or not {*frozen.capability_costs} >= {*asked.capability_costs},
    }
    return (*lowered(asked, frozen), *(name for name, is_less in less.items() if is_less))


def join_ways(ours: tuple[Verify, ...], theirs: tuple[Verify, ...]) -> tuple[Verify, ...]:
    """Return the alternatives that satisfy one of *ours* and one of *theirs*, without those another one implies."""
    return weakest(tuple(join_way(a, b) for a, b in product(ours, theirs)))


def weakest(ways: tuple[Verify, ...]) -> tuple[Verify, ...]:
    """Return *ways* without those that ask for more than another one among them."""
    kept: list[Verify] = []
    for way in ways:
        if any(implies(way, easier) for easier in kept):
            continue
        kept = [k for k in kept if not implies(k, way)]
        kept.append(way)
    return tuple(kept)


def join_way(one: Verify, other: Verify) -> Verify:
    """Return one alternative that asks for what both ask for; it keeps a tier's name where it is that tier."""
    if implies(one, other):
        return one
    if implies(other, one):
        return other
    groups = tuple(dict.fromkeys((*one.any_of, *other.any_of)))
    names = dict.fromkeys((*one.tier.split("+"), *other.tier.split("+")))
    return Verify(
        tier="+".join(sorted(names)),
        min_weight=max(one.min_weight, other.min_weight),
        min_methods=max(one.min_methods, other.min_methods),
        any_of=tuple(g for g in groups if not any(set(h) < set(g) for h in groups)),
        forbid=tuple(sorted({*one.forbid, *other.forbid})),
        provers=max(one.provers, other.provers),
        tolerate_cost=_tolerance(one, other),
        aal=max(one.aal, other.aal),
    )


def implies(strict: Verify, easy: Verify) -> bool:
    """Whether everything *easy* asks for is asked for by *strict*, so that what holds for it holds for both."""
    return (
        strict.min_weight >= easy.min_weight
        and strict.min_methods >= easy.min_methods
        and strict.provers >= easy.provers
        and strict.aal >= easy.aal
        and set(strict.forbid) >= set(easy.forbid)
        and all(any(set(s) <= set(e) for s in strict.any_of) for e in easy.any_of)
        and _tolerance(strict, easy) == strict.tolerate_cost
    )


def join_rules(one: Rule | None, other: Rule | None) -> Rule | None:
    """Return the rule whose approvers approve under both: seats that can be the same chair become one, narrowed.

    It asks for signatures, keys bound to a device, one from outside, and people told apart, where either does.
    """
    if one is None or other is None:
        return one or other
    seats = list(one.seats)
    free = list(range(len(seats)))
    for theirs in sorted(other.seats, key=lambda s: len(s.roles)):
        i = max(free, key=lambda i: _fit(seats[i], theirs), default=None)
        if i is None or not _fit(seats[i], theirs):
            seats.append(theirs)
            continue
        free.remove(i)
        seats[i] = Seat(roles=tuple(r for r in seats[i].roles if r in theirs.roles))
    names = dict.fromkeys((*one.name.split("+"), *other.name.split("+")))
    joined = Rule(
        name="+".join(sorted(names)),
        seats=tuple(seats),
        signed=one.signed or other.signed,
        device_bound=one.device_bound or other.device_bound,
        outside=one.outside or other.outside,
        distinct=tuple(sorted({*one.distinct, *other.distinct})),
    )
    for rule in (one, other):
        if joined == msgspec.structs.replace(rule, name=joined.name):
            return rule
    return joined


Hold = tuple[int, tuple[str, ...]]
"""Seconds of waiting, and the methods any of which waives it."""


def join_holds(one: Hold, other: Hold) -> Hold:
    """Return the longer hold, waived only by what waives both; 0 is no hold and has no say."""
    if not (one[0] and other[0]):
        return one if one[0] else other
    return max(one[0], other[0]), tuple(m for m in one[1] if m in other[1])


def join_after(one: After, other: After) -> After:
    """Return the after-care that does both; a deadline is stricter when it is shorter."""
    return After(
        notify=max(one.notify, other.notify),
        revoke_sessions=one.revoke_sessions or other.revoke_sessions,
        probation_s=max(one.probation_s, other.probation_s),
        review_s=_deadline(one.review_s, other.review_s),
        confirm_s=_deadline(one.confirm_s, other.confirm_s),
    )


def _fit(ours: Seat, theirs: Seat) -> float:
    """How well one chair can stand for both: the shared part of the narrower one, 0 for none."""
    shared = set(ours.roles) & set(theirs.roles)
    return len(shared) / min(len(ours.roles), len(theirs.roles)) if shared else 0.0


def _deadline(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other


def _tolerance(one: Verify, other: Verify) -> int:
    """Return the stricter tolerance: none at all (0), else the dearer one."""
    return 0 if 0 in (one.tolerate_cost, other.tolerate_cost) else max(one.tolerate_cost, other.tolerate_cost)


def _join_methods(ours: tuple[Method, ...], theirs: tuple[Method, ...]) -> tuple[Method, ...]:
    """Return the methods both know, each at its worst: a method one side distrusts counts for nothing."""
    other = {m.name: m for m in theirs}
    return tuple(_worst(m, other[m.name]) for m in ours if m.name in other)


def _worst(one: Method, other: Method) -> Method:
    if one == other:
        return one
    return Method(
        name=one.name,
        weight=min(one.weight, other.weight),
        enforced=one.enforced and other.enforced,
        remote=one.remote or other.remote,
        phishable=one.phishable or other.phishable,
        voice=one.voice or other.voice,
        defeats=tuple(dict.fromkeys((*one.defeats, *other.defeats))),
        fresh_s=_deadline(one.fresh_s, other.fresh_s),
        kinds=tuple(k for k in one.kinds if k in other.kinds),
    )


def _join_costs(ours: dict[str, int], theirs: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((c, min(cost, theirs.get(c, cost))) for c, cost in {**theirs, **ours}.items())
