"""Outputs at work: one thread each, so that a receiver that hangs holds up nobody else."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self, TextIO

import structlog

from watchword.core.errors import WatchwordError
from watchword.watch.outputs.delivery import Delivery

log = structlog.get_logger("watchword.watch.outputs")

PAUSE_S = 0.5
PATIENCE_S = 20


class Delivering:
    """Steps each of *deliveries* every half second while a `with` lasts.

    An output that another process of this folder delivers is left to that process, until it ends.
    """

    def __init__(self, deliveries: tuple[Delivery, ...], positions: Path, clock: Callable[[], datetime]) -> None:
        self._stop, self._positions, self._clock = threading.Event(), positions, clock
        self._threads = [
            threading.Thread(target=self._run, args=(one,), name=f"output {one.name}", daemon=True)
            for one in deliveries
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _run(self, delivery: Delivery) -> None:
        self._positions.mkdir(parents=True, exist_ok=True)
        with (self._positions / f"{delivery.name}.lock").open("w", encoding="ascii") as lock:
            while not self._stop.is_set() and not _has(lock):
                self._stop.wait(PAUSE_S)
            told: str | None = None
            is_resumed = False
            while not self._stop.is_set():
                try:
                    if not is_resumed:
                        delivery.resume()  # whoever had it has gone on since
                        is_resumed = True
                        delivery.retry()
                    delivery.step(self._clock())
                except Exception as fault:
                    # A thread that ended here would leave the receiver without alerts until somebody starts again.
                    log.critical("output.fault", output=delivery.name, why=_said(fault), exc_info=fault)
                    self._note(delivery, fault)
                error = delivery.error
                if error != told:
                    told = error
                    say = log.warning if error else log.info
                    say("output.waits" if error else "output.works", output=delivery.name, why=error)
                self._stop.wait(PAUSE_S)
        delivery.close()

    def _note(self, delivery: Delivery, fault: Exception) -> None:
        """Have the fault told by `watchword watch outputs`; a disk that takes nothing leaves it to the log."""
        try:
            delivery.fail(self._clock(), _said(fault))
        except OSError as full:
            log.critical("output.untold", output=delivery.name, why=str(full))


def _said(fault: Exception) -> str:
    """A fault in words: ours say what to do, others are named."""
    if isinstance(fault, WatchwordError):
        return f"{fault.what} {fault.remedy}"
    return f"An unforeseen fault, {type(fault).__name__}: {fault}. It is tried again; the log has all of it."


def _has(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
