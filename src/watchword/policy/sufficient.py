"""Which sets of methods are enough, found by asking the same `assess` that the running desk asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from watchword.core.ids import LeafHash, PersonId
from watchword.core.requirement import Evidence, Method, Requirement, Satisfied, Verify, assess, independent

_AT = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def sufficient(
    requirement: Requirement, *, freeze: int = 0, among: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return the smallest sets of methods that satisfy *requirement* under a freeze of that level, fewest first.

    Where *among* names methods, the smallest sets whose proof counts one of them, as the waiver of a hold asks.
    """
    return tuple(_found(requirement, freeze, among))


def satisfiable(requirement: Requirement, *, freeze: int = 0) -> bool:
    """Whether any set of methods satisfies *requirement* under a freeze of that level; the first found is enough."""
    return next(_found(requirement, freeze, ()), None) is not None


def _found(requirement: Requirement, freeze: int, among: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    ways = (requirement.strongest,) if freeze >= 2 else requirement.verify
    provers = max(w.provers for w in (*requirement.verify, requirement.strongest))
    found: list[tuple[str, ...]] = []
    methods, costs = requirement.methods, dict(requirement.capability_costs)
    tables = dict.fromkeys(_clashes(methods, costs, way) for way in ways)
    # What `assess` chooses is independent and is enough by itself: a set of which some two methods are not, or some
    # method is forbidden, under each of *ways*, holds a smaller one that is as good. Sets grow from those that are not
    # enough yet.
    growing: list[tuple[int, ...]] = [()]
    while growing:
        longer: list[tuple[int, ...]] = []
        for places in growing:
            for place in range(places[-1] + 1 if places else 0, len(methods)):
                larger = (*places, place)
                mask = sum(1 << p for p in larger)
                subset = tuple(methods[p].name for p in larger)
                if not any(all(not table[p] & mask for p in larger) for table in tables):
                    continue
                if any(set(smaller) <= set(subset) for smaller in found):
                    continue
                evidence = tuple(_proved(name, prover) for name in subset for prover in range(provers))
                answer = assess(requirement, evidence, _AT, freeze=freeze)
                if isinstance(answer, Satisfied) and (not among or set(among) & set(answer.methods)):
                    found.append(subset)
                    yield subset
                else:
                    longer.append(larger)
        growing = longer


def _clashes(methods: tuple[Method, ...], costs: dict[str, int], way: Verify) -> tuple[int, ...]:
    """For each method a mask of those it can not stand beside under *way*; of itself, where it is forbidden."""
    return tuple(
        sum(
            1 << place
            for place, other in enumerate(methods)
            if (one.name in way.forbid if one is other else not independent(one, other, costs, way.tolerate_cost))
        )
        for one in methods
    )


def _proved(method: str, prover: int) -> Evidence:
    return Evidence(
        method=method,
        prover=PersonId(f"p-{prover}"),
        agent=PersonId("p-agent"),
        at=_AT,
        challenge=f"{method}-{prover}",
        leaf=LeafHash(f"{method}-{prover}"),
    )
