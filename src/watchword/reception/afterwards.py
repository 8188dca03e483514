"""What is done after an answer was given, one after the other in the order it came in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from watchword.core.errors import WatchwordError

log = structlog.get_logger("watchword.afterwards")

MOST = 200
"""How much may wait; what comes in beyond is let go, and whoever waits for it begins again."""


class Afterwards:
    """One worker, so that what somebody asked first is done first, and nobody's answer waits for it."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="afterwards")
        self._room = threading.Semaphore(MOST)

    def do(self, work: Callable[[], object]) -> None:
        """Do *work* in its turn; a fault of it is in the log, and nowhere else."""
        if not self._room.acquire(blocking=False):
            log.warning("afterwards.full")
            return
        self._worker.submit(work).add_done_callback(self._done)

    def settle(self) -> None:
        """Wait until all that came in before is done."""
        self._worker.submit(lambda: None).result()

    def close(self) -> None:
        """Do what waits, and nothing more."""
        self._worker.shutdown(wait=True)

    def _done(self, future: Future[object]) -> None:
        self._room.release()
        error = future.exception()
        if isinstance(error, WatchwordError):
            log.error("afterwards.failed", fault=error.fault, why=error.what)
        elif error is not None:
            log.error("afterwards.failed", fault="broken", why=type(error).__name__)
