"""Votes and a rule make one outcome: approved, refused or still pending.

Votes are appended and never taken back; a person has one, and a vote after the outcome changes nothing. The outcome is
a function of the rule and the votes alone, so anyone can compute it again from the evidence.
"""

from __future__ import annotations

from datetime import datetime
from itertools import permutations, product
from typing import Literal

import msgspec

from watchword.core.ids import LeafHash, PersonId


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One approver's chair; whoever holds any of *roles* (or that relation to the account) may take it."""

    roles: tuple[str, ...]


Distinct = Literal["units", "roles"]
"""What may be asked to differ between the people in the seats of one rule."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Every seat filled by another person. A rule without seats approves nothing (it is not `approve: none`).

    *signed* asks for a signature by each approver's own key, where a session would do otherwise; with *device_bound* a
    key that signs can not be copied; *outside* asks that one of the signatures was made outside any browser; *distinct*
    asks for people of different units, or for another role in each seat.
    """

    name: str
    seats: tuple[Seat, ...]
    signed: bool = False
    device_bound: bool = False
    outside: bool = False
    distinct: tuple[Distinct, ...] = ()


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One person's word with the *roles* they held on this case when they gave it, and until when it counts.

    *unit* is their own; *outside* says that it was signed outside any browser; *lent_by* are those they sit for.
    """

    person: PersonId
    roles: tuple[str, ...]
    approve: bool
    at: datetime
    not_after: datetime
    leaf: LeafHash
    unit: str = ""
    outside: bool = False
    lent_by: tuple[PersonId, ...] = ()


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """Every seat is filled; *leaves* are the approvals that fill them, *until* when the first of them ends."""

    leaves: tuple[LeafHash, ...]
    until: datetime


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """An eligible approver said no."""

    by: PersonId


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The seats still empty, by their roles; *lacks* says what those who sit there lack together."""

    seats: tuple[Seat, ...]
    lacks: tuple[str, ...] = ()


def eligible(rule: Rule, roles: tuple[str, ...]) -> bool:
    """Whether somebody with *roles* could fill any seat at all."""
    return any(set(seat.roles) & set(roles) for seat in rule.seats)


def resolve(rule: Rule, votes: tuple[Vote, ...], at: datetime) -> Approved | Rejected | Pending:
    """The outcome at *at*. The first vote of each person counts; expired approvals leave their seat empty."""
    first: dict[PersonId, Vote] = {}
    for vote in votes:
        first.setdefault(vote.person, vote)
    cast = [v for v in first.values() if eligible(rule, v.roles)]
    if no := next((v for v in cast if not v.approve), None):
        return Rejected(by=no.person)
    live = [v for v in cast if v.at <= at <= v.not_after]
    filled = _fill(rule.seats, live)
    empty = tuple(seat for i, seat in enumerate(rule.seats) if i not in filled)
    if empty or not rule.seats:
        return Pending(seats=empty)
    if rule.outside or rule.distinct:
        filled = _told_apart(rule, live)
    if not filled:
        return Pending(seats=(), lacks=_lacks(rule, live))
    return Approved(leaves=tuple(v.leaf for v in filled.values()), until=min(v.not_after for v in filled.values()))


def _told_apart(rule: Rule, votes: list[Vote]) -> dict[int, Vote]:
    """An assignment of every seat that also has what the rule asks of all together; empty where there is none.

    Exhaustive: a rule has few seats, and a case few votes.
    """
    for chosen in permutations(votes, len(rule.seats)):
        sits = all(set(seat.roles) & set(vote.roles) for seat, vote in zip(rule.seats, chosen, strict=True))
        if sits and not _missing(rule, chosen):
            return dict(enumerate(chosen))
    return {}


def _missing(rule: Rule, chosen: tuple[Vote, ...]) -> tuple[str, ...]:
    """What people in the seats, in their order, lack together."""
    lacks = []
    if rule.outside and not any(vote.outside for vote in chosen):
        lacks.append("outside")
    if "units" in rule.distinct and len({vote.unit for vote in chosen}) < len(chosen):
        lacks.append("units")
    if "roles" in rule.distinct:
        held = [sorted(set(seat.roles) & set(vote.roles)) for seat, vote in zip(rule.seats, chosen, strict=True)]
        if not any(len(set(picked)) == len(chosen) for picked in product(*held)):
            lacks.append("roles")
    return tuple(lacks)


def _lacks(rule: Rule, votes: list[Vote]) -> tuple[str, ...]:
    """What is lacking at least, where people sit in every seat."""
    filled = _fill(rule.seats, votes)
    return _missing(rule, tuple(filled[i] for i in range(len(rule.seats))))


def _fill(seats: tuple[Seat, ...], votes: list[Vote]) -> dict[int, Vote]:
    """A largest assignment of distinct people to seats (augmenting paths: a broad role must not take a narrow seat)."""
    taken: dict[int, Vote] = {}

    def place(vote: Vote, tried: set[int]) -> bool:
        for i, seat in enumerate(seats):
            if i in tried or not set(seat.roles) & set(vote.roles):
                continue
            tried.add(i)
            if i not in taken or place(taken[i], tried):
                taken[i] = vote
                return True
        return False

    for vote in votes:
        place(vote, set())
    return taken


def less_of(old: Rule | None, new: Rule | None) -> dict[str, bool]:
    """By name, whether *new* asks less than *old* of whose key signs, where, and of whom the people are."""
    if old is None:
        return {}
    bare = Rule(name="", seats=())
    return {
        "device_bound": old.device_bound and not (new or bare).device_bound,
        "outside": old.outside and not (new or bare).outside,
        "distinct": not set(old.distinct) <= set((new or bare).distinct),
    }
