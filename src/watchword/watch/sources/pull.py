"""A poller at work: in a thread of its own, page by page into the spool, patient when the service is not well."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from watchword.core.errors import Corrupt, WatchwordError
from watchword.watch.sources.port import Poller, Told
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.web import Wait

log = structlog.get_logger("watchword.watch.pull")

FIRST_S, MOST_S = 5.0, 600.0
"""Seconds to the next try after a first failure, and at most."""

PATIENCE = timedelta(minutes=5)
"""How long a service may fail until that is told."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the last exchange came to: when it last *answered*, the *error* since (with its time), lines so far."""

    answered: datetime | None = None
    failing: datetime | None = None
    error: str | None = None
    lines: int = 0


def health_of(folder: Path) -> Health:
    """What the poller of the spool in *folder* noted last."""
    try:
        return msgspec.json.decode((folder / "health.json").read_bytes(), type=Health)
    except (OSError, msgspec.MsgspecError):
        return Health()


class Pull:
    """Asks *poller* every *every* and appends what it gives to *spool*."""

    def __init__(
        self, name: str, poller: Poller, spool: Spool, every: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self.name = name
        self._poller, self._spool, self._every, self._clock = poller, spool, every, clock
        self._failures = 0
        self.health = health_of(spool.folder)

    def once(self) -> float:
        """Ask until there is no more for now; return the seconds until the next time. `Corrupt` is let out."""
        lines = self.health.lines
        try:
            for page in self._poller.poll(self._spool.checkpoint, self._clock()):
                self._spool.append(page.lines, self._clock(), checkpoint=page.checkpoint)
                lines += len(page.lines)
        except Wait as wait:
            self._note(Health(answered=self._clock(), lines=lines))
            return wait.seconds
        except Corrupt:
            raise
        except (WatchwordError, OSError) as fault:
            self._failures += 1
            now = self._clock()
            health = self.health
            told = fault.what if isinstance(fault, WatchwordError) else str(fault)
            self._note(Health(answered=health.answered, failing=health.failing or now, error=told[:500], lines=lines))
            log.warning("source.failed", source=self.name, why=told)
            pause = min(FIRST_S * 2.0 ** min(self._failures - 1, 10), MOST_S)
            return pause * random.uniform(0.75, 1.25)  # noqa: S311
        self._failures = 0
        self._note(Health(answered=self._clock(), lines=lines))
        return self._every.total_seconds()

    def probe(self) -> int:
        """Ask for a first page and keep nothing of it; return its lines. Errors as `Poller.poll`."""
        for page in self._poller.poll(None, self._clock()):
            return len(page.lines)
        return 0

    def run(self, stop: threading.Event) -> None:
        """Ask until *stop*."""
        while not stop.is_set():
            try:
                pause = self.once()
            except Corrupt as fault:
                log.critical("source.stopped", source=self.name, why=fault.what)
                return
            stop.wait(pause)

    def told(self, at: datetime) -> tuple[Told, ...]:
        """That the service does not answer, once it has not for `PATIENCE`."""
        failing = self.health.failing
        if failing is None or at - failing < PATIENCE:
            return ()
        key = f"{self.name}/feed_failing/{failing.isoformat()}"
        return (Told(reasons=("feed_failing",), at=failing, key=key, about=self.name, detail=self.health.error),)

    def _note(self, health: Health) -> None:
        self.health = health
        partial = self._spool.folder / "health.json.partial"
        try:
            partial.write_bytes(msgspec.json.encode(health))
            partial.rename(self._spool.folder / "health.json")
        except OSError as error:
            log.warning("source.health", source=self.name, why=str(error))
