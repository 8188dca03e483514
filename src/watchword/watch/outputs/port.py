"""What every receiver of alerts has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from watchword.watch.formats.finding_alert import AnyAlert


class Output(Protocol):
    """Takes alerts over to another system.

    `send` returns when the receiver has taken all of *alerts*; order is kept. `Unavailable` when it does not answer,
    is too busy, or turns us away for a reason that is not in the alerts (its set-up, its rights): the same is tried
    again. `Invalid` when it will never take one of them: the delivery then tries one by one and holds that one back.
    """

    @property
    def where(self) -> str:
        """Whom it sends to, for people; without secrets."""

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """Hand *alerts* over."""

    def close(self) -> None:
        """Let go of connections."""
