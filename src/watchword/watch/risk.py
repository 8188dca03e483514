"""How much of a risk an account, an agent or a vendor is now, from what was found about them lately.

    risk = 100 * (1 - product over events of (1 - weight(severity) * 0.5 ** (age / 7 days)))

An event of a confirmed finding weighs twice as much, to at most 0.95; one of a dismissed finding nothing. So one old,
small thing is close to nothing, several add up and never pass 100, and what is not repeated fades by half each week.
What several rules found of one event weighs once, as the gravest of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from watchword.core.finding import Severity, Status

HALF_LIFE = timedelta(days=7)
WEIGHTS: dict[Severity, float] = {"info": 0.01, "low": 0.05, "medium": 0.15, "high": 0.35, "critical": 0.7}
MOST = 0.95
"""The most that one event weighs, however sure it is."""

Kind = Literal["account", "agent", "vendor"]


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one event (*about*), and whose it is to count for."""

    kind: Kind
    name: str
    about: str
    severity: Severity
    at: datetime
    status: Status


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """The *score* of somebody, 0 to 100, and how many events it is made of."""

    kind: Kind
    name: str
    score: float
    events: int
    latest: datetime


def risks(events: Iterable[Weighed], at: datetime) -> tuple[Risk, ...]:
    """The risk of everybody whom *events* are about, highest first; what is dismissed is left out."""
    heaviest: dict[tuple[Kind, str], dict[str, tuple[float, datetime]]] = {}
    for event in events:
        if event.status is not Status.DISMISSED:
            of_whom = heaviest.setdefault((event.kind, event.name), {})
            of_whom[event.about] = max(of_whom.get(event.about, (0.0, event.at)), (_weight(event, at), event.at))
    found = [
        Risk(
            kind=kind,
            name=name,
            score=round(100 * (1 - math.prod(1 - weight for weight, _ in of_whom.values())), 1),
            events=len(of_whom),
            latest=max(latest for _, latest in of_whom.values()),
        )
        for (kind, name), of_whom in heaviest.items()
    ]
    return tuple(sorted(found, key=lambda risk: (-risk.score, risk.kind, risk.name)))


def _weight(event: Weighed, at: datetime) -> float:
    weight = WEIGHTS[event.severity]
    if event.status is Status.CONFIRMED:
        weight = min(2 * weight, MOST)
    fades: float = 0.5 ** (max(at - event.at, timedelta()) / HALF_LIFE)
    return weight * fades
