"""One output's way through the verdict files: its position, what it holds back, and when it tries again.

The position is written after the receiver has taken what is before it, so whoever is killed between the two sends some
again and loses none; receivers know a repeat by its tag. While a receiver is away nothing is read ahead: the verdict
files are the queue.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.watch.formats.alert import Alert
from watchword.watch.outputs.port import Output
from watchword.watch.verdicts import VerdictRow, read_verdicts, verdict_files

BATCH = 200
"""Alerts of one message at most."""

HELD = 1000
"""Alerts held back at most: more than that are a receiver that takes nothing, and the delivery waits for help."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=5)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far an output is: *rows* of *file* are behind it, and of every file before it all of them."""

    file: str = ""
    rows: int = 0
    sent: int = 0
    held: tuple[str, ...] = ()
    """Tags of the alerts that the receiver would not take."""
    error: str | None = None
    """What went wrong last, if it has not gone right since."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told of an output: how far it is, what went wrong last."""

    name: str
    sent: int
    behind: int
    held: tuple[str, ...]
    error: str | None


class Delivery:
    """Takes what *verdicts* say to *output*, called *name*; `step` is called often, by one thread at a time.

    Told are findings, and later revisions of what was one; with *everything* every verdict is.
    """

    def __init__(self, name: str, output: Output, verdicts: Path, positions: Path, *, everything: bool = False) -> None:
        self.name, self._output, self._verdicts, self._everything = name, output, verdicts, everything
        self._file = positions / f"{name}.json"
        self._place = self._read()
        self._failures = 0
        self._retry_at: datetime | None = None

    def step(self, at: datetime) -> int:
        """Send what is new, until nothing is left or the receiver fails; return how many it took."""
        if self._retry_at is not None and at < self._retry_at:
            return 0
        before = self._place.sent
        for place, alerts in self._batches():
            try:
                taken, refused, why = self._hand_over(alerts)
            except Unavailable as error:
                self._fail(at, error)
                break
            held = self._place.held + refused
            if len(held) > HELD:
                self._fail(at, Unavailable("The receiver takes nothing.", "Look at what it says, and mend its set-up."))
                break
            sent = self._place.sent + taken
            self._write(msgspec.structs.replace(place, sent=sent, held=held, error=why))
            self._failures, self._retry_at = 0, None
        return self._place.sent - before

    def state(self) -> State:
        """How it stands."""
        return State(
            name=self.name,
            sent=self._place.sent,
            behind=sum(len(alerts) for _, alerts in self._batches()),
            held=self._place.held,
            error=self._place.error,
        )

    @property
    def error(self) -> str | None:
        """What went wrong last, if it has not gone right since."""
        return self._place.error

    @property
    def retry_at(self) -> datetime | None:
        """When it tries again, after a fault."""
        return self._retry_at

    def resume(self) -> None:
        """Go on from where the position file says, which another process may have moved."""
        self._place = self._read()

    def close(self) -> None:
        """Let go of the receiver."""
        self._output.close()

    def _hand_over(self, alerts: tuple[Alert, ...]) -> tuple[int, tuple[str, ...], str | None]:
        """How many the receiver took, the tags of those it never will, and its words for why."""
        if not alerts:
            return 0, (), self._place.error if self._place.held else None
        try:
            self._output.send(alerts)
        except Invalid as error:
            if len(alerts) == 1:
                return 0, (alerts[0].tag,), f"{error.what} {error.remedy}"
            halves = (alerts[: len(alerts) // 2], alerts[len(alerts) // 2 :])
            first, second = (self._hand_over(half) for half in halves)
            return first[0] + second[0], first[1] + second[1], first[2] or second[2]
        return len(alerts), (), None

    def _batches(self) -> Iterator[tuple[Place, tuple[Alert, ...]]]:
        """What is ahead, in order: each batch with the place after it."""
        for file in verdict_files(self._verdicts):
            if file.name < self._place.file:
                continue
            skip = self._place.rows if file.name == self._place.file else 0
            rows = read_verdicts(file)
            for start in range(skip, len(rows), BATCH):
                chosen = rows[start : start + BATCH]
                alerts = tuple(Alert.of(row) for row in chosen if self._is_told(row))
                yield Place(file=file.name, rows=start + len(chosen)), alerts

    def _is_told(self, row: VerdictRow) -> bool:
        return self._everything or row.is_finding or row.revision > 1

    def _fail(self, at: datetime, error: Unavailable) -> None:
        self._write(msgspec.structs.replace(self._place, error=f"{error.what} {error.remedy}"))
        wait = min(FIRST_WAIT * 2 ** min(self._failures, 20), LONGEST_WAIT)
        # So that all outputs of a receiver that comes back do not come at once.
        self._retry_at = at + wait * (0.5 + random.random())  # noqa: S311
        self._failures += 1

    def _read(self) -> Place:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Place)
        except FileNotFoundError:
            return Place()
        except msgspec.MsgspecError as error:
            raise Corrupt(
                f"{self._file} does not say how far the output {self.name} is: {error}.",
                "Restore it from a copy; or delete it, and everything is sent again.",
            ) from error

    def _write(self, place: Place) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        with partial.open("wb") as out:
            out.write(msgspec.json.encode(place))
            out.flush()
            os.fsync(out.fileno())
        partial.replace(self._file)
        self._place = place


class Unconnected:
    """The output of whoever only looks how far a delivery is."""

    where = ""

    def send(self, alerts: Sequence[Alert]) -> None:
        """Nothing is sent from here."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""
