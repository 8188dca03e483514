"""What every source is to the watch: something that fills a spool, and tells of itself what somebody must know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from watchword.watch.sources.spool import Spool


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed tells of itself: a code of `REASONS`, since when, and what a reader wants to know.

    *key* tells one from the next: the same is not told twice, and with other *reasons* it is told anew as a revision.
    """

    reasons: tuple[str, ...]
    at: datetime
    key: str
    about: str
    detail: str | None = None


class Local(Protocol):
    """A source on this machine: read within each step of the watch."""

    def pull(self, spool: Spool, at: datetime) -> tuple[Told, ...]:
        """Append what is new to *spool*; `Unavailable` when it can not be read now."""

    def close(self) -> None:
        """Let go of files."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one answer, and the checkpoint that stands for them."""

    lines: tuple[bytes, ...]
    checkpoint: str


class Poller(Protocol):
    """A service that is asked: what it gave, page by page, from a checkpoint on.

    Late events are its own matter: it reads again what may have come late. Repeats are the engine's: it knows an event
    by its id.
    """

    def poll(self, checkpoint: str | None, at: datetime) -> Iterator[Page]:
        """Ask for what came after *checkpoint* (None: nothing was ever read); end when there is no more for now.

        The next page is asked for once the lines of this one are durable. `Unavailable` when it does not answer, with
        `Wait` when it said for how long; `Refused` when it does not let us in.
        """
