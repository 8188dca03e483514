"""What a procedure costs people in minutes: a table of assumptions (`minutes.csv`), and the sum for one requirement.

Working minutes of the desk, the person and the approvers; what a hold makes somebody wait is counted apart.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from functools import cache
from importlib import resources

import msgspec

from watchword.core.requirement import Requirement
from watchword.policy.limits import BreakGlass
from watchword.policy.sufficient import sufficient

OTHER, APPROVAL, SIGNATURE, WAITING = "other_method", "approval", "signature", "waiting"


class Minutes(msgspec.Struct, frozen=True, kw_only=True):
    """One row: how many minutes a step takes, and where the number comes from."""

    step: str
    minutes: int
    source: str


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What one requirement takes: the *methods* of its way, how many proofs and approvals, minutes of work and of hold.

    *methods* is empty where nobody can satisfy it with what policy knows.
    """

    methods: tuple[str, ...]
    verifications: int
    approvals: int
    work_minutes: int
    hold_minutes: int

    def __add__(self, other: Effort) -> Effort:
        """What both take together, whatever their ways."""
        return self._with(other, 1)

    def __sub__(self, other: Effort) -> Effort:
        """What this takes beyond *other*."""
        return self._with(other, -1)

    @property
    def weight(self) -> float:
        """Minutes of work, with those of a hold counted at their rate."""
        return self.work_minutes + self.hold_minutes / minutes()[WAITING].minutes

    def _with(self, other: Effort, sign: int) -> Effort:
        return Effort(
            methods=(),
            verifications=self.verifications + sign * other.verifications,
            approvals=self.approvals + sign * other.approvals,
            work_minutes=self.work_minutes + sign * other.work_minutes,
            hold_minutes=self.hold_minutes + sign * other.hold_minutes,
        )


NOTHING = Effort(methods=(), verifications=0, approvals=0, work_minutes=0, hold_minutes=0)


@cache
def minutes() -> dict[str, Minutes]:
    """The table, by step."""
    text = (resources.files("watchword.policy") / "minutes.csv").read_text(encoding="utf-8")
    rows = (msgspec.convert(row, Minutes, strict=False) for row in csv.DictReader(text.splitlines()))
    return {row.step: row for row in rows}


def effort(requirement: Requirement, proved: Collection[str] = ()) -> Effort:
    """What *requirement* takes, by the way that goes on best from the methods that were *proved*, else the quickest.

    So that what was asked and what would be asked are compared along the same way, as far as there is one.
    """
    ways = sufficient(requirement)

    def further(way: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
        return len(set(way) - set(proved)), sum(_of(method) for method in way), way

    way = min(ways, key=further, default=())
    provers = max((w.provers for w in requirement.verify), default=1)
    rule = requirement.approve
    seats = len(rule.seats) if rule else 0
    waived = bool(set(way) & set(requirement.hold_waived_by))
    return Effort(
        methods=way,
        verifications=len(way) * provers,
        approvals=seats,
        work_minutes=sum(_of(method) for method in way) * provers + _voting(seats, signed=bool(rule and rule.signed)),
        hold_minutes=0 if waived else requirement.hold_s // 60,
    )


def emergency(glass: BreakGlass) -> Effort:
    """What it takes to break the glass: one custodian does, and each further one approves."""
    seats = glass.custodians - 1
    work = _voting(seats, signed=glass.signed)
    return Effort(methods=(), verifications=0, approvals=seats, work_minutes=work, hold_minutes=0)


def _voting(seats: int, *, signed: bool) -> int:
    known = minutes()
    return seats * (known[APPROVAL].minutes + (known[SIGNATURE].minutes if signed else 0))


def _of(method: str) -> int:
    known = minutes()
    return known.get(method, known[OTHER]).minutes
