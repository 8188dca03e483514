"""Votes and a rule make one outcome: approved, refused or still pending.

Votes are appended and never taken back; a person has one, and a vote after the outcome changes nothing. The outcome is
a function of the rule and the votes alone, so anyone can compute it again from the evidence.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.ids import LeafHash, PersonId


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One approver's chair; whoever holds any of *roles* (or that relation to the account) may take it."""

    roles: tuple[str, ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Every seat filled by another person. A rule without seats approves nothing (it is not `approve: none`).

    *signed* asks for a signature by each approver's own passkey, where a session would do otherwise.
    """

    name: str
    seats: tuple[Seat, ...]
    signed: bool = False


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One person's word with the *roles* they held on this case when they gave it, and until when it counts."""

    person: PersonId
    roles: tuple[str, ...]
    approve: bool
    at: datetime
    not_after: datetime
    leaf: LeafHash


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """Every seat is filled; *leaves* are the approvals that fill them, *until* when the first of them ends."""

    leaves: tuple[LeafHash, ...]
    until: datetime


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """An eligible approver said no."""

    by: PersonId


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The seats still empty, by their roles."""

    seats: tuple[Seat, ...]


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
    return Approved(leaves=tuple(v.leaf for v in filled.values()), until=min(v.not_after for v in filled.values()))


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
