"""Settings of a policy that are no cell of the matrix: durations in seconds."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action


class BreakGlass(msgspec.Struct, frozen=True, kw_only=True):
    """The predefined emergency procedure: for what, by how many *custodians*, until when, and the review it owes.

    With *signed* the second custodian's yes is a signature by their own passkey.
    """

    classes: tuple[AccountClass, ...]
    actions: tuple[Action, ...]
    custodians: int
    signed: bool
    justification: bool
    expires_s: int
    review_s: int


class Protective(msgspec.Struct, frozen=True, kw_only=True):
    """What a change that only takes away asks for: *methods* checks, no approval, *hold_s* of waiting.

    One person does so *budget* times within a day at most, an AI agent *ai_budget* times.
    """

    methods: int
    hold_s: int
    budget: int
    ai_budget: int


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one target within *window_s*: how many close its remote ways, how many leave only the strongest."""

    window_s: int
    close_remote: int
    strongest_only: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """How one origin is slowed: after *failures* within *window_s* it waits, after each further one twice as long.

    One that failed on more than *targets* different accounts within the window is refused.
    """

    window_s: int
    failures: int
    wait_s: int
    longest_wait_s: int
    targets: int


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """Completed recoveries of one target within *window_s*: the one from which it is refused, and the review owed."""

    window_s: int
    tiers: int
    review_s: int
    refuse_from: int

    @property
    def window(self) -> timedelta:
        """Within what time recoveries of one target count together."""
        return timedelta(seconds=self.window_s)
