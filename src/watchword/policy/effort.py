"""What a requirement costs people: minutes of work, approvals, minutes of waiting, by assumptions written down."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import msgspec
from pydantic import Field, StrictInt

from watchword.core.requirement import Requirement
from watchword.policy.document import read, refuse
from watchword.policy.limits import BreakGlass
from watchword.policy.loading import typed
from watchword.policy.procedures import DEFAULT
from watchword.policy.sufficient import sufficient
from watchword.policy.tables import Table

Minutes = Annotated[StrictInt, Field(ge=0)]


class EffortFile(Table):
    """`effort.yaml`: assumed minutes."""

    methods: dict[str, Minutes]
    other_method: Minutes
    approval: Minutes
    signature: Minutes
    waiting: Annotated[StrictInt, Field(ge=1)]


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What one case costs: *minutes* of work of everybody together, *approvals*, and *waiting* minutes of hold."""

    minutes: int
    approvals: int
    waiting: int

    def __sub__(self, other: Effort) -> Effort:
        """What this costs beyond *other*."""
        return Effort(
            minutes=self.minutes - other.minutes,
            approvals=self.approvals - other.approvals,
            waiting=self.waiting - other.waiting,
        )

    def __add__(self, other: Effort) -> Effort:
        """What both cost together."""
        return Effort(
            minutes=self.minutes + other.minutes,
            approvals=self.approvals + other.approvals,
            waiting=self.waiting + other.waiting,
        )

    @property
    def weight(self) -> float:
        """Minutes of work, with waiting counted at its rate."""
        return self.minutes + self.waiting / assumed().waiting


NOTHING = Effort(minutes=0, approvals=0, waiting=0)


@cache
def assumed() -> EffortFile:
    """Return the shipped assumptions."""
    document = read((DEFAULT / "effort.yaml").read_text(encoding="utf-8"), "effort.yaml")
    file, mistakes = typed(document, EffortFile)
    refuse((*document.mistakes, *mistakes), kind="assumptions")
    assert file is not None
    return file


def effort(requirement: Requirement) -> Effort:
    """Return what a case of *requirement* costs on its easiest way: the fewest minutes of proof, and all approvals."""
    rate = assumed()
    proofs = [sum(rate.methods.get(m, rate.other_method) for m in way) for way in sufficient(requirement)]
    rule = requirement.approve
    seats = len(rule.seats) if rule else 0
    each = rate.approval + (rate.signature if rule and rule.signed else 0)
    return Effort(minutes=min(proofs, default=0) + seats * each, approvals=seats, waiting=requirement.hold_s // 60)


def emergency(glass: BreakGlass) -> Effort:
    """Return what it costs to break the glass: one custodian does, and each further one approves."""
    rate = assumed()
    seats = glass.custodians - 1
    minutes = seats * (rate.approval + (rate.signature if glass.signed else 0))
    return Effort(minutes=minutes, approvals=seats, waiting=0)
