"""Outputs: in order, at least once, from where each one stopped, whatever its receiver does meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import ECKey

from tests.notices.receiver import Receiver, receiving
from tools.authority import Authority
from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.core.identity_event import Verdict
from watchword.watch.formats.alert import Alert
from watchword.watch.formats.finding_alert import AnyAlert
from watchword.watch.formats.security_events import Signer
from watchword.watch.news import News
from watchword.watch.outputs.delivery import BATCH, Delivery
from watchword.watch.outputs.delivery import Place as Position
from watchword.watch.outputs.http import Elastic, HttpOutput, Shape, SignalsPush, Splunk, Webhook
from watchword.watch.outputs.polling import ROOM, SignalsPoll
from watchword.watch.outputs.port import Output
from watchword.watch.outputs.streams import LinesFile, ParquetFolder, SyslogTls
from watchword.watch.verdicts import VerdictRow, append_verdicts, latest_verdicts, verdict_files, write_step

from .rows import NOON, row

SIGNER = Signer(
    key=ECKey.generate_key("P-256"),
    issuer="https://desk.example.test",
    audience="https://siem.example.test",
    issuers={},
    clock=lambda: NOON,
)


class Taking:
    """A receiver in the process: keeps what it takes, and fails as it is told to."""

    where = "a receiver of the test"

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.fault: Callable[[Sequence[AnyAlert]], Exception | None] = lambda _: None

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """Take all or nothing."""
        if fault := self.fault(alerts):
            raise fault
        self.taken.extend(alert.tag for alert in alerts)

    def close(self) -> None:
        """Nothing is open."""


class Place:
    """Verdict files, positions, and deliveries over them."""

    def __init__(self, folder: Path) -> None:
        self.verdicts, self.positions = folder / "verdicts", folder / "outputs"
        self.output = Taking()

    def write(self, *rows: VerdictRow) -> None:
        """Append verdicts as the watch does."""
        append_verdicts(self.verdicts, rows)

    def begin(self, output: Output | None = None, *, everything: bool = False) -> Delivery:
        """A delivery, as after a start."""
        return Delivery("siem", output or self.output, self.verdicts, self.positions, everything=everything)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty one."""
    return Place(tmp_path)


def _many(first: int, count: int, **fields: object) -> list[VerdictRow]:
    return [row(id=f"u-{n:05d}", at=NOON + timedelta(seconds=n), **fields) for n in range(first, first + count)]


def _tags(first: int, count: int) -> list[str]:
    return [f"u-{n:05d}/1" for n in range(first, first + count)]


def test_everything_comes_once_and_in_order_over_restarts(place: Place) -> None:
    """Files written while nobody delivered, and more than a message holds, come from where it stopped."""
    place.write(*_many(0, BATCH * 2 + 7))
    assert place.begin().step(NOON) == BATCH * 2 + 7
    place.write(*_many(1000, 3))
    place.write(*_many(2000, 3))
    delivery = place.begin()
    assert (delivery.state().behind, delivery.step(NOON), delivery.step(NOON)) == (6, 6, 0)
    assert place.output.taken == [*_tags(0, BATCH * 2 + 7), *_tags(1000, 3), *_tags(2000, 3)]


@pytest.mark.parametrize("left", [0, 1])
def test_files_that_were_taken_away_hide_no_later_ones(place: Place, left: int) -> None:
    """Verdicts that somebody put into an archive since, all of them too, hide nothing from those who go by order."""
    place.verdicts.mkdir()
    delivery, news = place.begin(), News(place.verdicts, place.verdicts / "hits.json")
    for step in range(1, 5):
        write_step(place.verdicts, step, _many(step, 1))
    delivery.step(NOON)
    news.look()
    for file in verdict_files(place.verdicts)[: 4 - left]:
        file.unlink()
    write_step(place.verdicts, 5, _many(5, 1))
    delivery.step(NOON)
    news.look()
    assert place.output.taken == _tags(1, 5)
    assert [one.id for one in news.rows] == [f"u-{n:05d}" for n in range(1, 6)]


def test_what_clears_a_finding_is_told_and_what_never_was_one_is_not(place: Place) -> None:
    """A governed change is silence; the same after a finding is news; with everything, all of it is told."""
    place.write(row(id="good", verdict=Verdict.VERIFIED), row(id="bad"))
    place.write(row(id="bad", verdict=Verdict.VERIFIED, reasons=("whole_chain",)))
    place.begin().step(NOON)
    assert place.output.taken == ["bad/1", "bad/2"]
    all_of_it = Taking()
    Delivery("lake", all_of_it, place.verdicts, place.positions, everything=True).step(NOON)
    assert set(all_of_it.taken) == {"good/1", "bad/1", "bad/2"}


def test_a_receiver_that_was_away_for_a_day_misses_nothing(place: Place) -> None:
    """While it is away each try waits longer, up to minutes, and nothing is skipped or read ahead."""
    place.output.fault = lambda _: Unavailable("away", "wait")
    delivery, tries, at = place.begin(), 0, NOON
    for hour in range(24):
        place.write(*_many(hour * 10, 10))
        for _ in range(60):
            before = delivery.retry_at
            delivery.step(at)
            tries += delivery.retry_at != before
            at += timedelta(minutes=1)
    assert 24 * 60 // 8 <= tries <= 24 * 60 // 2
    assert (delivery.state().behind, delivery.state().error) == (240, "away wait")
    place.output.fault = lambda _: None
    assert delivery.step(at + timedelta(minutes=10)) == 240
    assert place.output.taken == _tags(0, 240)
    assert delivery.state().error is None


def test_killed_between_sending_and_noting_it_sends_again(place: Place) -> None:
    """The position follows the receipt: what may be lost is only the knowledge that it was sent."""

    class Killed(BaseException):
        pass

    class Dying(Delivery):
        def _write(self, place: Position) -> None:
            del place
            raise Killed

    place.write(*_many(0, 3))
    with pytest.raises(Killed):
        Dying("siem", place.output, place.verdicts, place.positions).step(NOON)
    place.begin().step(NOON)
    assert place.output.taken == _tags(0, 3) * 2


def test_one_alert_that_is_never_taken_is_held_and_told(place: Place) -> None:
    """The others of its message go on in order; which one it was, and why, is in the state."""

    def fault(alerts: Sequence[AnyAlert]) -> Exception | None:
        return Invalid("no such field", "mend it") if any(a.tag == "u-00005/1" for a in alerts) else None

    place.output.fault = fault
    place.write(*_many(0, 11))
    delivery = place.begin()
    assert delivery.step(NOON) == 10
    assert sorted(place.output.taken) == sorted([*_tags(0, 5), *_tags(6, 5)])
    assert delivery.state().held == ("u-00005/1",)
    assert delivery.state().error == "no such field mend it"
    assert place.begin().state().held == ("u-00005/1",)


def test_what_was_held_is_sent_once_its_receiver_is_mended(place: Place) -> None:
    """At a start it is tried again, each by itself, and what is taken is held no more; what is still refused stays."""
    place.write(*_many(0, 5))
    place.output.fault = lambda alerts: Invalid("There is no such index.", "", "") if len(alerts) else None
    delivery = place.begin()
    delivery.step(NOON)
    assert delivery.state().held == tuple(_tags(0, 5))
    place.output.fault = lambda alerts: Invalid("No.", "", "") if alerts[0].tag == "u-00003/1" else None
    again = place.begin()
    again.retry()
    assert place.output.taken == [tag for tag in _tags(0, 5) if tag != "u-00003/1"]
    assert (again.state().held, again.state().sent, again.state().behind) == (("u-00003/1",), 4, 0)
    place.output.fault = lambda _: Unavailable("Away.", "")
    place.begin().retry()
    place.output.fault = lambda _: None
    place.begin().retry()
    assert place.output.taken[-1] == "u-00003/1"
    last = place.begin()
    last.retry()
    assert (last.state().held, last.state().sent, last.state().error) == ((), 5, None)


def test_what_was_held_is_not_told_after_its_sequel(place: Place) -> None:
    """A receiver that knows a verdict as cleared does not hear afterwards that it is open; before that it does."""
    place.write(row(id="u-1"), row(id="u-2"))
    place.output.fault = lambda alerts: Invalid("No.", "", "") if alerts[0].tag.endswith("/1") else None
    place.begin().step(NOON)
    place.write(row(id="u-1", verdict=Verdict.VERIFIED, reasons=("whole_chain",)))
    delivery = place.begin()
    assert (delivery.step(NOON), place.output.taken) == (1, ["u-1/2"])
    place.write(row(id="u-2", verdict=Verdict.VERIFIED, reasons=("whole_chain",)))
    place.output.fault = lambda _: None
    again = place.begin()
    again.retry()
    assert (place.output.taken, again.state().held) == (["u-1/2", "u-2/1"], ("u-1/1",))
    assert (again.step(NOON), place.output.taken[-1]) == (1, "u-2/2")


def test_a_receiver_that_takes_nothing_is_waited_for(place: Place) -> None:
    """When thousands are held back it is the receiver that is wrong: the delivery stops and loses nothing."""
    place.output.fault = lambda _: Invalid("no", "mend it")
    place.write(*_many(0, 1300))
    delivery = place.begin()
    delivery.step(NOON)
    assert "takes nothing" in (delivery.state().error or "")
    place.output.fault = lambda _: None
    delivery.step(NOON + timedelta(hours=1))
    assert place.output.taken == _tags(1000, 300)
    assert len(delivery.state().held) == 1000


def test_a_position_that_can_not_be_read_stops_the_output(place: Place) -> None:
    """Guessing would lose alerts or send all of them again; it says which file and what to do."""
    place.positions.mkdir()
    (place.positions / "siem.json").write_text("{")
    with pytest.raises(Corrupt, match=r"siem\.json"):
        place.begin()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real HTTP server."""
    with receiving() as made:
        yield made


ALERTS = (Alert.of(row()), Alert.of(row(id="u-0002", target="00uben")))


def test_splunk_gets_its_events_one_behind_the_other(receiver: Receiver) -> None:
    """With its own kind of authorization, and each event whole."""
    receiver.body, receiver.status = b'{"text":"Success","code":0}', 200
    HttpOutput(Splunk(url=f"{receiver.url}/services/collector/event", token="not-a-token")).send(ALERTS)
    ((path, headers, body),) = receiver.asked
    assert (path, headers["authorization"]) == ("/services/collector/event", "Splunk not-a-token")
    assert [json.loads(line)["event"]["class_uid"] for line in body.splitlines()] == [2004, 2004]


def test_elastic_gets_pairs_and_a_repeat_is_no_fault(receiver: Receiver) -> None:
    """409 for a document that came before is success; the id of each document is its alert's own."""
    receiver.status = 200
    receiver.body = b'{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":409}}]}'
    HttpOutput(Elastic(url=f"{receiver.url}/watchword/_bulk", token="key")).send(ALERTS)
    lines = [json.loads(line) for line in receiver.asked[0][2].splitlines()]
    assert [line["create"]["_id"] for line in lines[::2]] == ["u-0001/1", "u-0002/1"]


def test_a_webhook_is_signed_over_time_and_body(receiver: Receiver) -> None:
    """Whoever has the secret can tell that it is ours, and how old."""
    HttpOutput(Webhook(url=receiver.url, secret=b"secret", clock=lambda: NOON)).send(ALERTS)
    _, headers, body = receiver.asked[0]
    at, signed = (part.split("=")[1] for part in headers["x-watchword-signature"].split(","))
    assert int(at) == int(NOON.timestamp())
    assert signed == hmac.new(b"secret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert [json.loads(line)["id"] for line in body.splitlines()] == ["u-0001", "u-0002"]


def test_security_events_are_pushed_one_by_one(receiver: Receiver) -> None:
    """One token a request, as a receiver of RFC 8935 wants it; anything but 202 is no receipt."""
    receiver.status = 202
    push = HttpOutput(SignalsPush(url=receiver.url, signer=SIGNER, token="bearer"))
    push.send(ALERTS)
    assert [h["content-type"] for _, h, _ in receiver.asked] == ["application/secevent+jwt"] * 2
    receiver.status = 200
    with pytest.raises(Unavailable):
        push.send(ALERTS)


@pytest.mark.parametrize(
    ("shape", "status", "body", "fault"),
    [
        (Splunk, 403, b'{"text":"Invalid token","code":4}', Unavailable),
        (Splunk, 200, b'{"text":"Server is busy","code":9}', Unavailable),
        (Splunk, 400, b'{"text":"Invalid data format","code":6}', Invalid),
        (Splunk, 200, b"<html>Sign in</html>", Unavailable),
        (Splunk, 200, b"", Unavailable),
        (Splunk, 200, b"{}", Unavailable),
        (Splunk, 503, b"", Unavailable),
        (Splunk, 302, b"", Unavailable),
        (Elastic, 200, b'{"errors":true,"items":[{"create":{"status":400}}]}', Invalid),
        (Elastic, 200, b'{"errors":true,"items":[{"create":{"status":429}}]}', Unavailable),
        (Elastic, 200, b"<html>", Unavailable),
        (Elastic, 200, b'{"errors":true,"items":[]}', Unavailable),
        (Elastic, 200, b'{"errors":false,"items":[{"create":{"status":201}}]}', Unavailable),
        (Elastic, 413, b"", Invalid),
    ],
)
def test_a_refusal_of_the_alert_is_told_from_one_of_the_set_up(
    receiver: Receiver, shape: type[Splunk | Elastic], status: int, body: bytes, fault: type[Exception]
) -> None:
    """What will never be taken is Invalid, everything else is tried again; the token is in neither error."""
    receiver.status, receiver.body = status, body
    address = receiver.url.replace("://", "://elastic:not-a-password@")
    made: Shape = shape(url=address, token="not-a-token")
    with pytest.raises(fault) as error:
        HttpOutput(made).send(ALERTS)
    told = str(error.value) + repr(made)
    assert "not-a-token" not in told
    assert "not-a-password" not in told


def test_nobody_there_is_tried_again() -> None:
    """A closed port is Unavailable, and the error names the address without what is secret in it."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    output = HttpOutput(Webhook(url=f"http://user:pw@127.0.0.1:{port}/x?token=secret", secret=b"s", clock=lambda: NOON))
    with pytest.raises(Unavailable) as error:
        output.send(ALERTS)
    assert "secret" not in str(error.value)
    assert "pw" not in str(error.value)


class Collector:
    """A syslog server over TLS that keeps what it is sent."""

    def __init__(self, folder: Path) -> None:
        authority = Authority("syslog")
        certificate, key = authority.issue("localhost", "127.0.0.1")
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(authority.certificate)
        (folder / "server.pem").write_bytes(certificate + key)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(folder / "server.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received = b""

    def one(self) -> None:
        """Take one connection until the other side closes it."""
        accepted, _ = self._listener.accept()
        with self._tls.wrap_socket(accepted, server_side=True) as connection:
            while read := connection.recv(65536):
                self.received += read

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """One that listens."""
    made = Collector(tmp_path)
    yield made
    made.close()


def test_syslog_counts_its_octets(collector: Collector) -> None:
    """Each message stands behind its length in bytes (RFC 5425 4.3), over TLS that is verified."""
    thread = threading.Thread(target=collector.one)
    thread.start()
    output = SyslogTls("localhost", collector.port, ca_file=str(collector.ca_file))
    output.send(ALERTS)
    output.send(ALERTS[:1])
    output.close()
    thread.join(10)
    rest, messages = collector.received, []
    while rest:
        length, _, rest = rest.partition(b" ")
        messages.append(rest[: int(length)])
        rest = rest[int(length) :]
    assert [b'id="u-0001/1"' in m for m in messages] == [True, False, True]


def test_syslog_to_a_server_of_another_authority_sends_nothing(collector: Collector, tmp_path: Path) -> None:
    """A certificate that does not verify is Unavailable; not a byte of an alert goes out."""
    (tmp_path / "other.pem").write_bytes(Authority("other").certificate)

    def refused() -> None:
        with pytest.raises(ssl.SSLError):
            collector.one()

    thread = threading.Thread(target=refused)
    thread.start()
    with pytest.raises(Unavailable, match="certificate"):
        SyslogTls("localhost", collector.port, ca_file=str(tmp_path / "other.pem")).send(ALERTS)
    thread.join(10)
    assert collector.received == b""


def test_files_take_alerts_and_a_full_disk_is_tried_again(tmp_path: Path) -> None:
    """Lines are appended; Parquet has each revision once, however often it is sent; a path that is none is a fault."""
    lines = LinesFile(tmp_path / "alerts.jsonl", "cef")
    lines.send(ALERTS)
    lines.send(ALERTS[:1])
    assert [line[:5] for line in (tmp_path / "alerts.jsonl").read_text().splitlines()] == ["CEF:0"] * 3
    folder = ParquetFolder(tmp_path / "lake")
    folder.send(ALERTS)
    folder.send(ALERTS)
    assert [one.id for one in latest_verdicts(tmp_path / "lake")] == ["u-0001", "u-0002"]
    with pytest.raises(Unavailable):
        LinesFile(tmp_path / "none" / "alerts.jsonl").send(ALERTS)


def _poll(output: SignalsPoll, **asked: object) -> tuple[list[str], bool]:
    said = json.loads(output.answer(msgspec.json.encode(asked)))
    return list(said["sets"]), said["moreAvailable"]


def test_polled_events_wait_until_they_are_acknowledged(tmp_path: Path) -> None:
    """They come in order, again and again, until acknowledged or refused; a refusal's words are kept."""
    output = SignalsPoll(tmp_path / "waiting", SIGNER)
    output.send(ALERTS)
    output.send(ALERTS)
    first, second = (SIGNER.jti(alert.tag) for alert in ALERTS)
    assert _poll(output, maxEvents=1) == ([first], True)
    assert _poll(output) == ([first, second], False)
    assert _poll(output, ack=[first]) == ([second], False)
    assert _poll(output, maxEvents=0, setErrs={second: {"err": "invalid_key", "description": "no"}}) == ([], False)
    assert output.refused == {second: "invalid_key"}


@pytest.mark.parametrize("body", [b"[]", b'{"maxEvents":-1}', b'{"ack":"x"}', b"\xff"])
def test_what_is_no_poll_is_refused(tmp_path: Path, body: bytes) -> None:
    """It says so, and nothing that waits is let go."""
    output = SignalsPoll(tmp_path, SIGNER)
    output.send(ALERTS)
    with pytest.raises(Invalid, match="poll"):
        output.answer(body)
    assert len(_poll(output)[0]) == 2


def test_without_room_the_delivery_waits(tmp_path: Path) -> None:
    """A receiver that never polls fills its folder up to a bound, and then nothing is dropped: it is not taken."""
    output = SignalsPoll(tmp_path, SIGNER)
    for place in range(ROOM - 1):
        (tmp_path / f"{place:012d}_x-{place}.set").touch()
    with pytest.raises(Unavailable):
        output.send(ALERTS)
    output.send(ALERTS[:1])
