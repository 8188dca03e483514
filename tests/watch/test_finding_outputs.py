"""Findings on their way out: told when they are raised, when they grow, and at each step of their life, in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from watchword.core.errors import Invalid, Unavailable
from watchword.core.finding import Status
from watchword.core.identity_event import Verdict
from watchword.core.ids import PersonId
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.leader import Ledger
from watchword.ledger.vault import KeyFile
from watchword.watch.findings import Findings
from watchword.watch.formats import FORMATS
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert
from watchword.watch.outputs.delivering import Delivering
from watchword.watch.outputs.delivery import FEW, Delivery, Unconnected
from watchword.watch.outputs.port import Output
from watchword.watch.outputs.streams import ParquetFolder
from watchword.watch.signals import SHIPPED, Hit, read_signals
from watchword.watch.verdicts import append_verdicts

from .rows import NOON as HALF_PAST
from .rows import row

NOON = HALF_PAST.replace(microsecond=0)
SOC = PersonId("p-soc")
_PAUSE = threading.Event()
NOBODY: frozenset[PersonId] = frozenset()
SIGNALS = {signal.name: signal for signal in read_signals(SHIPPED)}


class Taking:
    """A receiver in the process: keeps what it takes, and fails as it is told to."""

    where = "a receiver of the test"

    def __init__(self) -> None:
        self.taken: list[AnyAlert] = []
        self.fault: Callable[[Sequence[AnyAlert]], Exception | None] = lambda _: None

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """Take all or nothing."""
        if fault := self.fault(alerts):
            raise fault
        self.taken.extend(alerts)

    def close(self) -> None:
        """Nothing is open."""

    @property
    def findings(self) -> list[FindingAlert]:
        """The findings among what it took."""
        return [one for one in self.taken if isinstance(one, FindingAlert)]

    @property
    def told(self) -> list[tuple[str, Status]]:
        """Tag and state of each."""
        return [(one.tag, one.status) for one in self.findings]


class Place:
    """A ledger with findings, positions, and deliveries of both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keys = KeyFile.create(folder / "payload.keys")
        signing = SigningKey.generate("example.test/findings")
        self.ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", signing, keys, "example.test/findings")
        self.findings = Findings(self.ledger)
        self.output = Taking()

    def begin(self, output: Output | None = None, findings: Findings | None = None) -> Delivery:
        """A delivery, as after a start."""
        places = self.folder / "verdicts", self.folder / "outputs"
        taking, queue = output or self.output, findings or self.findings
        return Delivery("siem", taking, *places, findings=queue, signals=SIGNALS)

    def raised(self, id_: str = "u-1", *, after: float = 0, at: datetime = NOON, **fields: object) -> str:
        """One event without evidence, as a finding."""
        when = NOON + timedelta(minutes=after)
        return self.findings.take((row(id=id_, at=when, **fields),), (), at)[0]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """One without a finding."""
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def hit(signal: str, event: str | None, target: str = "00uana") -> Hit:
    return Hit(
        signal=signal, title="A title", severity="critical", event=event, target=target, actor="00uagent", at=NOON,
        says="said",
    )  # fmt: skip


def test_each_step_of_its_life_is_told_once(place: Place) -> None:
    """Raised, triaged, confirmed and closed; a note and a new owner are nobody else's business."""
    delivery, made = place.begin(), place.raised()
    assert delivery.step(NOON) == 1
    place.findings.triage(made, SOC, NOON)
    place.findings.note(made, SOC, NOON, words="called back")
    place.findings.own(made, SOC, NOON, owner=PersonId("p-2"), about=NOBODY)
    place.findings.confirm(made, SOC, NOON)
    place.findings.close(made, SOC, NOON, about=NOBODY)
    assert (delivery.state().behind, delivery.step(NOON), delivery.step(NOON)) == (3, 3, 0)
    assert place.output.told == [
        (f"{made}/1", Status.NEW),
        (f"{made}/2", Status.TRIAGED),
        (f"{made}/5", Status.CONFIRMED),
        (f"{made}/6", Status.CLOSED),
    ]
    assert [one.is_first for one in place.output.findings] == [True, False, False, False]
    assert place.begin().step(NOON) == 0


def test_what_was_missed_is_told_as_it_was_then(place: Place) -> None:
    """A receiver that comes back hears each state by itself, not the last one many times."""
    place.output.fault = lambda _: Unavailable("away", "wait")
    delivery, made = place.begin(), place.raised()
    delivery.step(NOON)
    place.findings.triage(made, SOC, NOON + timedelta(hours=1))
    place.findings.dismiss(made, SOC, NOON + timedelta(hours=2), reason="expected", words="drill", about=NOBODY)
    place.output.fault = lambda _: None
    assert delivery.step(NOON + timedelta(days=1)) == 3
    first, second, third = place.output.findings
    assert (first.status, first.owner, first.at) == (Status.NEW, None, NOON)
    assert (second.status, second.owner) == (Status.TRIAGED, SOC)
    assert (third.status, third.dismissal) == (Status.DISMISSED, "expected")
    assert [item.event for item in first.items] == ["u-1"]


def test_a_new_rule_and_a_graver_severity_are_told_and_more_of_the_same_is_not(place: Place) -> None:
    """What joins by a rule that was told already changes nothing outside; a signal that joins is news."""
    delivery, made = place.begin(), place.raised()
    delivery.step(NOON)
    place.raised("u-2", after=5, at=NOON + timedelta(minutes=5))
    assert delivery.step(NOON) == 0
    place.findings.take((), (hit("privileged_target", "u-1"),), NOON + timedelta(minutes=6))
    assert delivery.step(NOON) == 1
    (_, told) = place.output.findings
    assert (told.finding, told.severity.word, told.status, told.is_first) == (made, "Critical", Status.NEW, False)
    assert told.rules == ("verdict.unverified", "privileged_target")
    assert (told.events, told.left_out) == (2, 0)


def test_a_signal_without_a_verdict_is_told_by_its_title(place: Place) -> None:
    """A hit is a finding of its own, with the title and the techniques of its signal, in every format."""
    name = next(iter(SIGNALS))
    place.findings.take((), (hit(name, None),), NOON)
    place.begin().step(NOON)
    (told,) = place.output.findings
    assert (told.title, told.attack) == (SIGNALS[name].title, SIGNALS[name].attack)
    assert all(FORMATS[shape](told) for shape in FORMATS)


def test_late_evidence_closes_it(place: Place) -> None:
    """When every event of it is spoken for, the receiver hears that it is over."""
    delivery, made = place.begin(), place.raised()
    delivery.step(NOON)
    verified = row(id="u-1", at=NOON, verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2)
    place.findings.take((verified,), (), NOON + timedelta(hours=1))
    assert delivery.step(NOON) == 1
    assert place.output.told[-1][1] is Status.CLOSED
    assert (place.output.findings[-1].finding, place.output.findings[-1].events) == (made, 0)


def test_a_thousand_events_are_one_message(place: Place) -> None:
    """What one step of the watch finds comes whole, though it stands in many entries."""
    rows = tuple(row(id=f"u-{n}", target=f"t-{n}", at=NOON + timedelta(seconds=n)) for n in range(300))
    place.findings.take(rows, (), NOON)
    assert place.begin().step(NOON) == 1
    (told,) = place.output.findings
    assert (told.events, len(told.items), told.left_out, told.is_first) == (300, 50, 250, True)


def test_a_finding_that_was_held_is_sent_once_its_receiver_is_mended(place: Place) -> None:
    """As it was then, by its tag, at the next start."""
    made = place.raised()
    place.output.fault = lambda _: Invalid("There is no such index.", "", "")
    place.begin().step(NOON)
    place.findings.triage(made, SOC, NOON)
    place.output.fault = lambda _: None
    delivery = place.begin()
    delivery.retry()
    assert place.output.told == [(f"{made}/1", Status.NEW)]
    assert delivery.state().held == ()
    assert delivery.step(NOON) == 1


def test_a_finding_that_was_held_is_not_told_after_its_sequel(place: Place) -> None:
    """Whoever heard that somebody looks at it does not hear afterwards that it is new."""
    made = place.raised()
    place.output.fault = lambda _: Invalid("There is no such index.", "", "")
    place.begin().step(NOON)
    place.findings.triage(made, SOC, NOON)
    place.output.fault = lambda _: None
    place.begin().step(NOON)
    delivery = place.begin()
    delivery.retry()
    assert [status for _, status in place.output.told] == [Status.TRIAGED]
    assert delivery.state().held == (f"{made}/1",)


def test_verdicts_and_findings_keep_their_own_places(place: Place) -> None:
    """Killed between a message and its note, some come again and none is lost, over restarts of everything."""

    class Killed(BaseException):
        pass

    class Dying(Taking):
        def send(self, alerts: Sequence[AnyAlert]) -> None:
            super().send(alerts)
            if len(self.findings) > FEW:
                raise Killed

    for n in range(FEW * 2):
        place.raised(f"u-{n:02d}", after=n * 60 * 30)
    append_verdicts(place.folder / "verdicts", [row(id="v-1")])
    dying = Dying()
    with pytest.raises(Killed):
        place.begin(dying).step(NOON)
    assert len(dying.findings) == FEW * 2
    place.begin(findings=Findings(place.ledger)).step(NOON)
    again = [one.tag for one in place.output.findings]
    assert [one.tag for one in dying.findings][FEW:] == again
    assert [one.tag for one in dying.taken if not isinstance(one, FindingAlert)] == ["v-1/1"]
    assert len(place.output.taken) == FEW


def test_whoever_only_looks_sees_how_many_wait(place: Place) -> None:
    """Without the ledger the count is that of the last try."""
    place.output.fault = lambda _: Unavailable("away", "wait")
    for n in range(3):
        place.raised(f"u-{n:02d}", after=n * 60 * 30)
    place.begin().step(NOON)
    looking = Delivery("siem", Unconnected(), place.folder / "verdicts", place.folder / "outputs")
    assert (looking.state().behind, looking.state().error) == (3, "away wait")
    place.output.fault = lambda _: None
    place.begin().step(NOON)
    looking = Delivery("siem", Unconnected(), place.folder / "verdicts", place.folder / "outputs")
    assert (looking.state().behind, looking.state().error) == (0, None)


def test_parquet_keeps_each_thing_once(place: Place, tmp_path: Path) -> None:
    """A folder of findings beneath the verdicts; what comes again is not written again."""
    made, folder = place.raised(), tmp_path / "lake"
    place.begin(ParquetFolder(folder)).step(NOON)
    place.findings.triage(made, SOC, NOON)
    (tmp_path / "outputs" / "siem.json").unlink()
    place.begin(ParquetFolder(folder)).step(NOON)
    kept = [r for file in sorted((folder / "findings").glob("*.parquet")) for r in pq.read_table(file).to_pylist()]
    assert [(r["tag"], r["status"], r["event_ids"]) for r in kept] == [
        (f"{made}/1", "new", ["u-1"]),
        (f"{made}/2", "triaged", ["u-1"]),
    ]


def test_an_unforeseen_fault_is_told_and_tried_again(place: Place) -> None:
    """A fault that nobody named neither ends the output nor hides: it waits, says what it was, and goes on."""
    place.output.fault = lambda _: ZeroDivisionError("a fault of the test")
    place.raised()
    delivery = place.begin()
    with Delivering((delivery,), place.folder / "outputs", lambda: NOON):
        _until(lambda: delivery.error is not None)
        looked = Delivery("siem", Unconnected(), place.folder / "verdicts", place.folder / "outputs").state()
        assert looked.is_fault
        assert "ZeroDivisionError: a fault of the test" in (looked.error or "")
        assert looked.retry_at is not None
        assert NOON < looked.retry_at < NOON + timedelta(seconds=2)
    place.output.fault = lambda _: None
    with Delivering((delivery,), place.folder / "outputs", lambda: NOON + timedelta(minutes=10)):
        _until(lambda: delivery.error is None)
    assert len(place.output.findings) == 1
    assert not Delivery("siem", Unconnected(), place.folder / "verdicts", place.folder / "outputs").state().is_fault


def _until(done: Callable[[], bool]) -> None:
    for _ in range(200):
        if done():
            return
        _PAUSE.wait(0.02)
    raise AssertionError
