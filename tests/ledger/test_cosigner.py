"""Witnesses that are slow, wrong or hostile, and a memory that is damaged: what the ledger makes of each."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ledger.conftest import ORIGIN, Place, to
from tests.ledger.test_cosignature import Cosigning
from watchword.core.errors import Corrupt, Unavailable
from watchword.core.ids import Seq
from watchword.ledger.checkpoint import Checkpoint, SigningKey, sign
from watchword.ledger.cosignature import Quorum
from watchword.ledger.cosigner import Cosigner
from watchword.ledger.leader import Ledger
from watchword.ledger.line import Line
from watchword.ledger.memory import Memory
from watchword.ledger.outsiders import Outsiders
from watchword.ledger.timestamp import Authority
from watchword.ledger.witness import Witness

Answer = Callable[[str], tuple[int, str]]
"""What is answered to a note: status and body."""


class Answering:
    """Something at a URL that answers each question as it likes, with a key to cosign; counts what it was asked."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.cosigning = Cosigning(name)
        self.asked = 0
        self.answer: Answer = self.cosigns
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked += 1
                status, body = outer.answer(told.partition("\n\n")[2])
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        stack.callback(server.server_close)
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        self._url = f"http://127.0.0.1:{server.server_address[1]}"

    def client(self) -> Witness:
        """A client of it."""
        return Witness(self.cosigning.key, self._url, timeout_s=5)

    def cosigns(self, note: str) -> tuple[int, str]:
        """Do what a witness does that never saw anything else."""
        return 200, self.cosigning.cosign(note).line()


@pytest.fixture
def dripping() -> Iterator[str]:
    """The URL of something that begins an answer, and says one byte more each 50 ms for as long as it is let."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(0.05):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threads.append(threading.Thread(target=drip, args=(listener.accept()[0],)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()
        for thread in threads:
            thread.join()


def cosigner(place: Place, ledger: Ledger, *witnesses: Witness, threshold: int = 1, memory: str = "seen") -> Cosigner:
    """Somebody who has *ledger* cosigned by *threshold* of *witnesses*."""
    quorum = Quorum(tuple(w.key for w in witnesses), threshold)
    return Cosigner(ledger, place.key.verifier, witnesses, quorum, place.folder / memory)


def test_an_answer_without_end_is_given_up(dripping: str, on_sqlite: Place) -> None:
    """One byte now and then renews every timeout of HTTP, and still nobody waits longer than was said; nor twice."""
    witness = Witness(Cosigning("w").key, dripping, timeout_s=0.3)
    authority = Authority(name="tsa", url=dripping, roots=on_sqlite.folder / "roots.pem", timeout_s=0.3)
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=r"no whole answer came within 0\.3 seconds"):
        witness.add(sign(Checkpoint(origin=ORIGIN, size=1, root=bytes(32)), on_sqlite.key), 0, ())
    with pytest.raises(Unavailable, match="no whole answer"):
        authority.stamp(b"note")
    for _ in range(3):
        with pytest.raises(Unavailable, match="has not ended its answer"):
            authority.stamp(b"note")
    assert time.monotonic() - begun < 3


def test_a_slow_witness_costs_the_others_nothing(dripping: str, on_sqlite: Place, stack: ExitStack) -> None:
    """What a quorum cosigns counts; the one that did not answer is asked again only when it is needed."""
    there = Answering("w1", stack)
    slow = Witness(Cosigning("w2").key, dripping, timeout_s=0.3)
    ledger = on_sqlite.open()
    one = cosigner(on_sqlite, ledger, there.client(), slow)
    for number in range(3):
        ledger.append((to("case/1", number - 1),))
        one.demand(Seq(number))
    begun = time.monotonic()
    ledger.append((to("case/1", 2),))
    one.demand(Seq(3))
    assert time.monotonic() - begun < 0.25
    assert there.asked == 4


def test_another_root_of_the_same_size_is_a_fork(on_sqlite: Place, stack: ExitStack) -> None:
    """The protocol answers 409 with the very size that was asked from; that is no reason to ask for ever."""
    witness = Answering("w", stack)
    witness.answer = lambda _: (409, "1\n")
    ledger = on_sqlite.open()
    ledger.append((to("case/1", -1),))
    with pytest.raises(Corrupt, match="cosigned other 1 entries than these"):
        cosigner(on_sqlite, ledger, witness.client()).start()
    assert witness.asked == 1


def test_a_witness_that_changes_its_mind(on_sqlite: Place, stack: ExitStack) -> None:
    """One that is never where it said is asked three times, then left alone."""
    witness = Answering("w", stack)
    witness.answer = lambda _: (409, f"{1 + witness.asked % 2}\n")
    ledger = on_sqlite.open()
    for number in range(3):
        ledger.append((to("case/1", number - 1),))
    one = cosigner(on_sqlite, ledger, witness.client())
    assert one.step() == 0
    assert one.step() == 0
    assert witness.asked == 3
    with pytest.raises(Unavailable, match="Fewer than 1 of 1"):
        one.demand(Seq(0))


def test_one_that_saw_more_stops_the_others_too(on_sqlite: Place, stack: ExitStack) -> None:
    """At run time as at the start; what the others cosigned meanwhile is kept."""
    ledger = on_sqlite.open()
    ledger.append((to("case/1", -1),))
    one, other = (Answering(f"w{n}", stack) for n in (1, 2))
    outsiders = Outsiders(ledger, cosigner(on_sqlite, ledger, one.client(), other.client()), None)
    outsiders.start()
    one.answer = lambda _: (409, "12\n")
    ledger.append((to("case/1", 0),))
    with pytest.raises(Corrupt, match="w1 cosigned 12 entries of this ledger, and here are 2"):
        outsiders.demand(Seq(1))
    assert len(ledger.testimony.cosigned(1)) == 1
    assert outsiders.covers(Seq(1))
    outsiders.close()


def test_what_could_not_be_kept_is_asked_again(on_sqlite: Place, stack: ExitStack) -> None:
    """Where the memory can not be written the witness is asked once more for the same, until it can."""
    witness = Answering("w", stack)
    ledger = on_sqlite.open()
    ledger.append((to("case/1", -1),))
    one = cosigner(on_sqlite, ledger, witness.client(), memory="keys/seen")
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"seen can not be written: No such file"):
            one.step()
    (on_sqlite.folder / "keys").mkdir()
    assert one.step() == 1
    assert {file.name for file in (on_sqlite.folder / "keys").iterdir()} == {"seen", "seen.lock"}


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"example.test/ledger\n", b"\x00" * 200])
def test_a_damaged_memory_is_told_with_its_name(on_sqlite: Place, stack: ExitStack, damage: bytes) -> None:
    """Nothing starts over a memory that can not be read, since what it said is not known; the way on is said."""
    witness = Answering("w", stack)
    ledger = on_sqlite.open()
    ledger.append((to("case/1", -1),))
    one = cosigner(on_sqlite, ledger, witness.client())
    one.start()
    (on_sqlite.folder / "seen").write_bytes(damage)
    with pytest.raises(Corrupt, match="seen is no checkpoint") as told:
        cosigner(on_sqlite, ledger, witness.client()).start()
    assert "every witness answers" in told.value.remedy
    (on_sqlite.folder / "seen").write_text(
        sign(Checkpoint(origin=ORIGIN, size=1, root=bytes(32)), SigningKey.generate(ORIGIN))
    )
    with pytest.raises(Corrupt, match="seen is no checkpoint of this ledger"):
        cosigner(on_sqlite, ledger, witness.client()).start()


def test_the_memory_never_goes_back(tmp_path: Path) -> None:
    """However many processes keep what they had cosigned in one file, the largest is what stays."""
    key = SigningKey.generate(ORIGIN)

    def keep(size: int) -> None:
        note = sign(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)), key)
        Memory(tmp_path / "seen", key.verifier).keep(note, unless=lambda kept, _: kept > size)

    threads = [threading.Thread(target=keep, args=(1 + size * 7 % 40,)) for size in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Memory(tmp_path / "seen", key.verifier).read() == (40, bytes(32))


def test_many_demand_at_once(place: Place, stack: ExitStack) -> None:
    """From many threads, over two processes' worth of cosigners on one ledger and one memory."""
    witness = Answering("w", stack)
    ledger = place.open()
    pair = [cosigner(place, ledger, witness.client()) for _ in range(2)]
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            (entry,) = ledger.append((to(f"case/{number}", -1),))
            pair[number % 2].demand(entry.seq)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert all(one.covers(Seq(11)) for one in pair)


def test_a_line_to_nowhere(tmp_path: Path) -> None:
    """A URL that is none, and a name that does not resolve, are silence."""
    del tmp_path
    for url in ("http://[", "http://nowhere.invalid/", "http://127.0.0.1:9/"):
        with closing(Line(url, within_s=5)) as line, pytest.raises(Unavailable):
            line.post(b"")
