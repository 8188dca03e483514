"""One output's way through the verdict files and the findings: its position, what it holds back, when it tries again.

The position is written after the receiver has taken what is before it, so whoever is killed between the two sends some
again and loses none; receivers know a repeat by its tag. While a receiver is away nothing is read ahead: the verdict
files and the ledger are the queue.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Protocol

import msgspec

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.watch.finding_log import News, Shown
from watchword.watch.formats.alert import Alert, Severity
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert
from watchword.watch.outputs.port import Output
from watchword.watch.signals import Signal
from watchword.watch.verdicts import VerdictRow, read_verdicts, verdict_files

BATCH = 200
"""Alerts of one message at most."""

HELD = 1000
"""Alerts held back at most: more than that are a receiver that takes nothing, and the delivery waits for help."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=5)


FEW = 20
"""Findings of one message at most: each has its events with it."""


class Queue(Protocol):
    """What became of findings, in the order of the ledger; see `watch.findings.Findings`."""

    def news(self, since: int) -> tuple[News, ...]:
        """What others have to hear of, of the entries from *since* on."""

    def as_of(self, news: News) -> Shown:
        """The finding that *news* is about, as it was then."""

    def against(self, directory: str | None, target: str, but: str) -> Severity | None:
        """How grave the gravest is that open findings have against an account; *but* is none of them."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far an output is: *rows* of *file* are behind it, and of every file before it all of them.

    *seq* is the first entry of the ledger whose finding it has not heard of, *findings* how many wait from there on.
    """

    file: str = ""
    rows: int = 0
    seq: int = 0
    findings: int = 0
    sent: int = 0
    held: tuple[str, ...] = ()
    """Tags of the alerts that the receiver would not take."""
    error: str | None = None
    """What went wrong last, if it has not gone right since."""
    is_fault: bool = False
    """Whether that is nothing a receiver says, but a fault of ours: somebody has to see to it."""
    retry_at: datetime | None = None
    """When it tries again."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told of an output: how far it is, what went wrong last, and when it tries again.

    *behind* counts verdicts as they are now, and findings as they were at the last try.
    """

    name: str
    sent: int
    behind: int
    held: tuple[str, ...]
    error: str | None
    is_fault: bool = False
    retry_at: datetime | None = None


def place_of(positions: Path, name: str) -> Place:
    """How far the output *name* is, as its file in *positions* says; `Corrupt` where it can not be read."""
    file = positions / f"{name}.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Place)
    except FileNotFoundError:
        return Place()
    except msgspec.MsgspecError as error:
        raise Corrupt(
            f"{file} does not say how far the output {name} is: {error}.",
            "Restore it from a copy; or delete it, and everything is sent again.",
        ) from error


class Delivery:
    """Takes what *verdicts* say to *output*, called *name*; `step` is called often, by one thread at a time.

    Told are verdicts that somebody must look at, and later revisions of what was one; with *everything* every verdict
    is. What becomes of *findings* is told after them; *signals* say what their rules are called.
    """

    def __init__(
        self,
        name: str,
        output: Output,
        verdicts: Path,
        positions: Path,
        *,
        everything: bool = False,
        findings: Queue | None = None,
        signals: Mapping[str, Signal] | None = None,
    ) -> None:
        self.name, self._output, self._verdicts, self._everything = name, output, verdicts, everything
        self._findings, self._signals = findings, signals or {}
        self._file = positions / f"{name}.json"
        self._place = self._read()
        self._failures = 0
        self._retry_at: datetime | None = None

    def step(self, at: datetime) -> int:
        """Send what is new, until nothing is left or the receiver fails; return how many it took."""
        if self._retry_at is not None and at < self._retry_at:
            return 0
        before = self._place.sent
        for place, alerts in chain(self._batches(), self._finding_batches()):
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
            self._write(msgspec.structs.replace(place, sent=sent, held=held, error=why, is_fault=False, retry_at=None))
            self._failures, self._retry_at = 0, None
        else:
            if self._place.is_fault:  # it is over, though nothing had to be sent since
                self._write(msgspec.structs.replace(self._place, error=None, is_fault=False, retry_at=None))
                self._failures, self._retry_at = 0, None
        return self._place.sent - before

    def state(self) -> State:
        """How it stands."""
        waiting = len(self._findings.news(self._place.seq)) if self._findings else self._place.findings
        return State(
            name=self.name,
            sent=self._place.sent,
            behind=sum(len(alerts) for _, alerts in self._batches()) + waiting,
            held=self._place.held,
            error=self._place.error,
            is_fault=self._place.is_fault,
            retry_at=self._place.retry_at,
        )

    def fail(self, at: datetime, why: str) -> None:
        """Note a fault that is no receiver's, and wait before the next try; see `Place.is_fault`."""
        self._wait(at, why, is_fault=True)

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

    def retry(self) -> None:
        """Send again, one by one, what the receiver would not take: its set-up may have been mended since.

        What it was told the sequel of stays held: to whom it is new it would say again what is over.
        """
        held = self._place.held
        alerts = self._alerts_of(frozenset(held)) if held else {}
        left = list(held)
        for tag in held:
            if tag not in alerts:  # its file was taken away, its payloads were erased, or its sequel was told
                continue
            try:
                self._output.send((alerts[tag],))
            except Invalid:
                continue
            except Unavailable:
                break
            left.remove(tag)
        if len(left) < len(held):
            sent, error = self._place.sent + len(held) - len(left), self._place.error if left else None
            self._write(msgspec.structs.replace(self._place, held=tuple(left), sent=sent, error=error))

    def _alerts_of(self, tags: frozenset[str]) -> dict[str, AnyAlert]:
        """What *tags* name, without what a later one that the receiver took has gone beyond."""
        ids = {tag.rpartition("/")[0] for tag in tags}
        found = dict[str, AnyAlert]()
        beyond: dict[str, int] = {}
        for file in verdict_files(self._verdicts):
            is_last = file.name == self._place.file
            told = file.name < self._place.file
            for number, row in enumerate(read_verdicts(file, None if is_last else ids)):
                alert = Alert.of(row)
                if alert.tag in tags:
                    found[alert.tag] = alert
                elif row.id in ids and (told or (is_last and number < self._place.rows)):
                    beyond[row.id] = max(row.revision, beyond.get(row.id, 0))
        for one in self._findings.news(0) if self._findings else ():
            tag = f"{one.finding}/{one.version}"
            if tag in tags and tag not in found and self._findings:
                found[tag] = FindingAlert.of(self._findings.as_of(one), self._signals)
            elif one.finding in ids and one.seq < self._place.seq:
                beyond[one.finding] = max(one.version, beyond.get(one.finding, 0))
        named = ((tag, *tag.rsplit("/", 1)) for tag in found)
        return {tag: found[tag] for tag, about, version in named if int(version) > beyond.get(about, 0)}

    def close(self) -> None:
        """Let go of the receiver."""
        self._output.close()

    def _hand_over(self, alerts: tuple[AnyAlert, ...]) -> tuple[int, tuple[str, ...], str | None]:
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
                place = msgspec.structs.replace(self._place, file=file.name, rows=start + len(chosen))
                yield place, alerts

    def _finding_batches(self) -> Iterator[tuple[Place, tuple[AnyAlert, ...]]]:
        """The same of findings."""
        if self._findings is None:
            return
        news = self._findings.news(self._place.seq)
        for start in range(0, len(news), FEW):
            chosen = news[start : start + FEW]
            left = len(news) - start
            alerts = tuple(FindingAlert.of(self._findings.as_of(one), self._signals) for one in chosen)
            yield msgspec.structs.replace(self._place, seq=chosen[-1].seq + 1, findings=left - len(chosen)), alerts

    def _is_told(self, row: VerdictRow) -> bool:
        return self._everything or row.is_finding or row.revision > 1

    def _fail(self, at: datetime, error: Unavailable) -> None:
        if self._findings is not None:
            waiting = len(self._findings.news(self._place.seq))
            self._place = msgspec.structs.replace(self._place, findings=waiting)
        self._wait(at, f"{error.what} {error.remedy}", is_fault=False)

    def _wait(self, at: datetime, why: str, *, is_fault: bool) -> None:
        wait = min(FIRST_WAIT * 2 ** min(self._failures, 20), LONGEST_WAIT)
        # So that all outputs of a receiver that comes back do not come at once.
        self._retry_at = at + wait * (0.5 + random.random())  # noqa: S311
        self._failures += 1
        self._write(msgspec.structs.replace(self._place, error=why, is_fault=is_fault, retry_at=self._retry_at))

    def _read(self) -> Place:
        return place_of(self._file.parent, self.name)

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

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """Nothing is sent from here."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""
