"""What is done after an answer was given, one after the other in the order it came in."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from watchword.core.errors import WatchwordError
from watchword.desk.origins import plain
from watchword.reception.problems import Busy

log = structlog.get_logger("watchword.afterwards")

MOST = 200
"""How much may wait; whoever comes beyond is told to come again, whatever they ask for."""

SHARE = 20
"""How much of it may have come from one place."""


class Afterwards:
    """One worker, so that what somebody asked first is done first, and nobody's answer waits for it."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="afterwards")
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()

    def do(self, work: Callable[[], object], address: str = "") -> None:
        """Do *work*, asked for from *address*, in its turn; a fault of it is in the log, and nowhere else.

        Raise `Busy` where too much waits, or too much of that network's: before anything is looked at.
        """
        place = plain("address", address)
        with self._lock:
            if self._waiting.total() >= MOST or (place and self._waiting[place] >= SHARE):
                log.warning("afterwards.full")
                raise Busy
            self._waiting[place] += 1
        self._worker.submit(work).add_done_callback(lambda done: self._done(done, place))

    def settle(self) -> None:
        """Wait until all that came in before is done."""
        self._worker.submit(lambda: None).result()

    def close(self) -> None:
        """Do what waits, and nothing more."""
        self._worker.shutdown(wait=True)

    def _done(self, future: Future[object], place: str) -> None:
        with self._lock:
            self._waiting -= Counter((place,))
        error = future.exception()
        if isinstance(error, WatchwordError):
            log.error("afterwards.failed", fault=error.fault, why=error.what)
        elif error is not None:
            log.error("afterwards.failed", fault="broken", why=type(error).__name__)
