"""How much of a risk an account, an agent or a vendor is now, from what was found about them lately.

    risk = 100 * (1 - product over events of (1 - weight(severity) * 0.5 ** (age / 7 days)))

An event of a confirmed finding weighs twice as much, to at most 0.95; one of a dismissed finding nothing. So one old,
small thing is close to nothing, several add up and never pass 100, and what is not repeated fades by half each week.
"""

from __future__ import annotations

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
    """One event of a finding, and whose it is to count for."""

    kind: Kind
    name: str
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
    left: dict[tuple[Kind, str], tuple[float, int, datetime]] = {}
    for event in events:
        if event.status is Status.DISMISSED:
            continue
        weight = WEIGHTS[event.severity]
        if event.status is Status.CONFIRMED:
            weight = min(2 * weight, MOST)
        weight *= 0.5 ** (max(at - event.at, timedelta()) / HALF_LIFE)
        before, count, latest = left.get((event.kind, event.name), (1.0, 0, event.at))
        left[event.kind, event.name] = (before * (1 - weight), count + 1, max(latest, event.at))
    found = [
        Risk(kind=kind, name=name, score=round(100 * (1 - rest), 1), events=count, latest=latest)
        for (kind, name), (rest, count, latest) in left.items()
    ]
    return tuple(sorted(found, key=lambda risk: (-risk.score, risk.kind, risk.name)))
