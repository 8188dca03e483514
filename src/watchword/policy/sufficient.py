"""Which sets of methods are enough, found by asking the same `assess` that the running desk asks."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from itertools import combinations

import msgspec

from watchword.core.ids import LeafHash, PersonId
from watchword.core.requirement import Evidence, Requirement, Satisfied, Verify, assess

_AT = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def sufficient(
    requirement: Requirement, *, freeze: int = 0, among: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return the smallest sets of methods that satisfy *requirement* under a freeze of that level, fewest first.

    Where *among* names methods, the smallest sets whose proof counts one of them, as the waiver of a hold asks.
    """
    names = tuple(m.name for m in requirement.methods)
    provers = max(w.provers for w in (*requirement.verify, requirement.strongest))
    found: list[tuple[str, ...]] = []
    for size in range(1, len(names) + 1):
        for subset in combinations(names, size):
            if any(set(smaller) <= set(subset) for smaller in found):
                continue
            evidence = tuple(_proved(name, prover) for name in subset for prover in range(provers))
            answer = assess(requirement, evidence, _AT, freeze=freeze)
            if isinstance(answer, Satisfied) and (not among or set(among) & set(answer.methods)):
                found.append(subset)
    return tuple(found)


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
