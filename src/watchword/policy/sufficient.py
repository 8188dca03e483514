"""Which sets of methods are enough, found by asking the same `assess` that the running desk asks."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from watchword.core.ids import LeafHash, PersonId
from watchword.core.requirement import Evidence, Requirement, Satisfied, Verify, assess, independent

_AT = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def sufficient(
    requirement: Requirement, *, freeze: int = 0, among: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return the smallest sets of methods that satisfy *requirement* under a freeze of that level, fewest first.

    Where *among* names methods, the smallest sets whose proof counts one of them, as the waiver of a hold asks.
    """
    provers = max(w.provers for w in (*requirement.verify, requirement.strongest))
    apart = _independent(requirement)
    found: list[tuple[str, ...]] = []
    # Methods that fall to one capability count as one, so a smallest set has none that do; and it only grows from sets
    # that are not enough yet.
    growing: list[tuple[str, ...]] = [()]
    names = tuple(m.name for m in requirement.methods)
    while growing:
        longer: list[tuple[str, ...]] = []
        for subset in growing:
            for name in names[names.index(subset[-1]) + 1 if subset else 0 :]:
                larger = (*subset, name)
                if any((name, other) not in apart for other in subset) or any(set(s) <= set(larger) for s in found):
                    continue
                evidence = tuple(_proved(one, prover) for one in larger for prover in range(provers))
                answer = assess(requirement, evidence, _AT, freeze=freeze)
                if isinstance(answer, Satisfied) and (not among or set(among) & set(answer.methods)):
                    found.append(larger)
                else:
                    longer.append(larger)
        growing = longer
    return tuple(found)


def _independent(requirement: Requirement) -> frozenset[tuple[str, str]]:
    """The pairs of methods that some way of *requirement* lets count beside each other."""
    costs = dict(requirement.capability_costs)
    ways = (*requirement.verify, requirement.strongest)
    return frozenset(
        (one.name, other.name)
        for one in requirement.methods
        for other in requirement.methods
        if one is not other and any(independent(one, other, costs, way.tolerate_cost) for way in ways)
    )


def sufficient_for(requirement: Requirement, way: Verify) -> tuple[tuple[str, ...], ...]:
    """Return the smallest sets of methods that satisfy one alternative."""
    return sufficient(msgspec.structs.replace(requirement, verify=(way,)))


def _proved(method: str, prover: int) -> Evidence:
    return Evidence(
        method=method,
        prover=PersonId(f"p-{prover}"),
        agent=PersonId("p-agent"),
        at=_AT,
        challenge=f"{method}-{prover}",
        leaf=LeafHash(f"{method}-{prover}"),
    )
