"""What somebody could prove next: each method of a case, whether it would bring the case on, and if not, why.

Pure, and told by the same `assess` that decides, so that what is advised is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import combinations
from typing import Literal

import msgspec

from watchword.core.ids import LeafHash, PersonId
from watchword.core.requirement import (
    Evidence,
    Method,
    Requirement,
    Satisfied,
    Shortfall,
    assess,
    closes,
    counting,
    is_young,
    ways_of,
)

State = Literal["ready", "proved", "absent", "young", "closed", "forbidden", "dependent", "unneeded"]
"""ready: it brings the case on · proved: it counts already · absent: nothing is on record for it · young: what is on
record changed lately · closed: failures closed it · forbidden: no way that is open takes it · dependent: it falls to
what the proofs so far fall to · unneeded: everything is proved, and it could be used."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a method stands on for this person: whether it is *there* (None: nobody could say), and its last change.

    *changed_at* is None where it never changed since the person became known, or where nobody knows. *why* says what is
    missing, where more is known than that.
    """

    there: bool | None = None
    changed_at: datetime | None = None
    why: str = ""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One method as it stands for a case now.

    *completes* says that its proof would be the last one. A young one *counts_from* a time. A dependent one falls to
    *shares*, capabilities that each defeat what was proved *beside* it as well. *why* is more about an absent one.
    """

    method: str
    state: State
    completes: bool = False
    counts_from: datetime | None = None
    shares: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    why: str = ""


def options(
    requirement: Requirement,
    evidence: tuple[Evidence, ...],
    at: datetime,
    sources: Mapping[str, Source],
    *,
    freeze: int = 0,
) -> tuple[Option, ...]:
    """Every method of *requirement*, those that bring the case on first and the strongest of them before the others.

    A method that *sources* does not name is taken to be there.
    """
    now = assess(requirement, evidence, at, freeze=freeze)
    proved = {e.method for e in counting(requirement, evidence, at, freeze=freeze)}
    made = (
        _option(m, requirement, evidence, at, sources.get(m.name, Source()), freeze, now, proved)
        for m in requirement.methods
    )
    weights = {m.name: m.weight for m in requirement.methods}
    return tuple(sorted(made, key=lambda o: (o.state != "ready", not o.completes, -weights[o.method])))


def within_reach(
    requirement: Requirement,
    evidence: tuple[Evidence, ...],
    at: datetime,
    found: tuple[Option, ...],
    *,
    freeze: int = 0,
) -> bool:
    """Whether all that *found* says could be proved now would be enough, by as many people as it takes.

    Two custodians prove one method: where a way asks for several people, each method is thought of by each of them.
    """
    able = [option.method for option in found if option.state in {"ready", "dependent", "proved", "unneeded"}]
    further = tuple(_proof(method, at, place) for place, method in enumerate(able))
    people = max((way.provers for way in ways_of(requirement, freeze)), default=1)
    all_of_it = tuple(_proof(method, at, place) for place, method in enumerate(able * people))

    def holds(chosen: tuple[Evidence, ...]) -> bool:
        return isinstance(assess(requirement, (*evidence, *chosen), at, freeze=freeze), Satisfied)

    return any(holds(pair) for pair in combinations(further, 2)) or holds(all_of_it)  # two are quick, mostly enough


def _option(
    method: Method,
    requirement: Requirement,
    evidence: tuple[Evidence, ...],
    at: datetime,
    source: Source,
    freeze: int,
    now: Satisfied | tuple[Shortfall, ...],
    proved: set[str],
) -> Option:
    def said(state: State) -> Option:
        return Option(method=method.name, state=state)

    if freeze and closes(method):
        return said("closed")
    if all(method.name in way.forbid for way in ways_of(requirement, freeze)):
        return said("forbidden")
    if isinstance(now, Satisfied) and method.name in proved:
        return said("proved")
    # What can not be used is no less so where it is not needed either.
    if source.there is False:
        return msgspec.structs.replace(said("absent"), why=source.why)
    if source.changed_at is not None and is_young(requirement, source.changed_at, at):
        return msgspec.structs.replace(said("young"), counts_from=source.changed_at + requirement.contact_age)
    if isinstance(now, Satisfied):
        return said("unneeded")
    then = assess(requirement, (*evidence, _proof(method.name, at, len(evidence))), at, freeze=freeze)
    if isinstance(then, Satisfied):
        return msgspec.structs.replace(said("ready"), completes=True)
    if any(later.missing != sooner.missing for later, sooner in zip(then, now, strict=True)):
        return said("ready")
    return said("proved") if method.name in proved else _dependent(method, requirement, now)


def _proof(method: str, at: datetime, number: int) -> Evidence:
    """The proof it would be, by somebody who proved nothing yet."""
    nobody = PersonId(f"p-next-{number}")
    return Evidence(method=method, prover=nobody, agent=nobody, at=at, challenge="", leaf=LeafHash(""))


def _dependent(method: Method, requirement: Requirement, now: tuple[Shortfall, ...]) -> Option:
    """Why a proof of *method* would change nothing: what it has in common with the proofs that count."""
    mine = singles(method)
    counted = {name for shortfall in now for name in shortfall.counted}
    beside = tuple(m for m in requirement.methods if m.name in counted and mine & singles(m))
    shares = sorted({capability for m in beside for capability in mine & singles(m)})
    return Option(method=method.name, state="dependent", shares=tuple(shares), beside=tuple(m.name for m in beside))


def singles(method: Method) -> frozenset[str]:
    """The capabilities that defeat *method* each alone; an attested one has the agent's word among them."""
    return frozenset({s[0] for s in method.defeats if len(s) == 1} | (set() if method.enforced else {AGENT}))


AGENT = "agent's word"
"""What any two attested methods have in common."""
