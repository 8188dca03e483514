"""Automated calls: what a telephone provider has to be able to do, and the channel made of it."""

from __future__ import annotations

from typing import ClassVar, Protocol

from watchword.notices.port import Channel, Notice, demand_sendable


class Telephony(Protocol):
    """A provider that calls a number and speaks a text, without anyone of ours on the line."""

    @property
    def simulated(self) -> bool:
        """True when no telephone rings."""

    def call(self, to: str, say: str, id: str, language: str) -> str:  # noqa: A002
        """Call *to* (E.164), speak *say* with a voice of *language* (a tag such as `de`), and return the call's id.

        The same *id* may be asked for again after silence; the provider's id of it stays the same. Raise `Invalid` when
        the number can never be reached, `Unavailable` when it may be tried again.
        """


class Calls:
    """The channel `call`: the text of a notice, spoken."""

    channel: ClassVar[Channel] = "call"

    def __init__(self, telephony: Telephony) -> None:
        self._telephony = telephony
        self.simulated = telephony.simulated

    def send(self, notice: Notice) -> str:
        """See `Notifier.send`; the subject is not spoken."""
        to = demand_sendable(notice, self.channel)
        return self._telephony.call(to, notice.text, notice.id, notice.language)
