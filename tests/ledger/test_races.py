"""Many threads, many processes, one dense log."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.ledger.conftest import ORIGIN, Place, draft, effect, to
from watchword.core.errors import Conflict, Unavailable
from watchword.desk.folds import Folds
from watchword.ledger.append import Appended
from watchword.ledger.leader import Ledger

OWNER = """
import sys
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.leader import Ledger
from watchword.ledger.vault import KeyFile
url, key, keys, origin = sys.argv[1:]
ledger = Ledger.open(url, SigningKey.load(key), KeyFile.load(keys), origin)
print("open", flush=True)
sys.stdin.read()
"""

CLOSER = """
import sys, threading
from watchword.core.errors import Unavailable
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.leader import Ledger
from watchword.ledger.vault import KeyFile
url, key, keys, origin = sys.argv[1:]
def uses(ledger, begun, closed):
    begun.set()
    while not closed.is_set():
        ledger.streams()
        ledger.refresh()
for _ in range(60):
    ledger = Ledger.open(url, SigningKey.load(key), KeyFile.load(keys), origin)
    begun, closed = threading.Event(), threading.Event()
    users = [threading.Thread(target=uses, args=(ledger, begun, closed)) for _ in range(4)]
    for user in users:
        user.start()
    begun.wait()
    try:
        ledger.close()
    finally:
        closed.set()
    for user in users:
        user.join()
"""


def contend(ledgers: tuple[Ledger, ...], streams: int, each: int) -> Counter[str]:
    """Let a thread for each ledger and stream append *each* entries, deciding again after every conflict."""
    outcomes: Counter[str] = Counter()
    failures: list[Exception] = []

    def appender(ledger: Ledger, stream: str) -> None:
        written = 0
        try:
            while written < each:
                version = len(ledger.read(stream)) - 1
                try:
                    ledger.append((to(stream, version, draft(of=threading.get_ident() % 1000)),))
                    written += 1
                    outcomes["written"] += 1
                except Conflict:
                    outcomes["conflict"] += 1
        except Exception as error:  # noqa: BLE001  # told to the test's own thread
            failures.append(error)

    threads = [
        threading.Thread(target=appender, args=(ledger, f"case/{number}"))
        for ledger in ledgers
        for number in range(streams)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    return outcomes


def test_threads_on_many_streams(place: Place) -> None:
    """Two threads for each of eight streams, racing, write every entry once, dense in the log and in its stream."""
    ledger = place.open()
    outcomes = contend((ledger, ledger), streams=8, each=6)
    assert outcomes["written"] == ledger.size == 2 * 8 * 6
    for stream in ledger.streams():
        assert [appended.entry.version for appended in ledger.read(stream)] == list(range(12))
    ledger.close()
    assert place.fsck().size == 96


def test_two_ledgers_on_one_postgresql(on_postgresql: Place) -> None:
    """Two processes' worth of ledgers on one database, racing for the head and for the same streams, make one log."""
    one, two = on_postgresql.open(), on_postgresql.open()
    outcomes = contend((one, two), streams=4, each=10)
    assert outcomes["written"] == 80
    assert one.refresh() == two.refresh() == 80
    assert one.checkpoint == two.checkpoint
    assert tuple(one.entries()) == tuple(two.entries())
    for ledger in (one, two):
        ledger.close()
    assert on_postgresql.fsck().size == 80


def test_reader_sees_what_another_process_wrote(on_postgresql: Place) -> None:
    """A read takes in, and verifies, what others have appended since."""
    one, two = on_postgresql.open(), on_postgresql.open()
    appended = one.append((to("case/1", -1),))
    assert two.read("case/1") == appended
    more = one.append((to("case/1", 0), to("case/2", -1)))
    assert tuple(two.entries()) == (*appended, *more)
    with pytest.raises(Conflict):
        two.append((to("case/1", 0),))


def test_a_fold_notices_what_another_process_wrote(on_postgresql: Place) -> None:
    """What is kept of a stream is carried on by another process's entries at the next look, or the next moment."""
    one, two = on_postgresql.open(), on_postgresql.open()
    folds = Folds(two)

    def counted(before: int | None, appended: Appended) -> int:
        assert appended.entry.version == (before or 0)  # each entry once, in order
        return appended.entry.version + 1

    one.append((to("case/1", -1),))
    assert folds.of("case/1", counted) == (1, 0)
    one.append((to("case/1", 0),))
    assert folds.of("case/1", counted) == (2, 1)
    with folds.moment():
        one.append((to("case/1", 1),))
        assert folds.of("case/1", counted) == (2, 1)
    with folds.moment():
        assert folds.of("case/1", counted) == (3, 2)
        two.append((to("case/1", 2),))
        assert folds.of("case/1", counted) == (4, 3)


def test_effects_of_two_processes_clash(on_postgresql: Place) -> None:
    """The same effect asked for by two processes is written by one of them."""
    one, two = on_postgresql.open(), on_postgresql.open()
    one.append((to("case/1", -1),), (effect("e"),))
    with pytest.raises(Conflict, match="effect e exists"):
        two.append((to("case/2", -1),), (effect("e", "case/2"),))
    assert two.append((to("case/2", -1),))[0].seq == 1


def test_second_process_on_sqlite_is_refused(on_sqlite: Place) -> None:
    """A SQLite ledger has one owner; the next one is told which process that is and what to do."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, on_sqlite.url, str(on_sqlite.key_path), str(on_sqlite.keys_path), ORIGIN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        for attempt in (on_sqlite.open, on_sqlite.fsck):
            with pytest.raises(Unavailable, match=f"in use by process {owner.pid}") as refusal:
                attempt()
            assert "copy" in refusal.value.remedy
        owner.communicate("")
    assert on_sqlite.open().size == 0


def test_second_ledger_in_one_process_is_refused(on_sqlite: Place) -> None:
    """The lock holds within a process too, and is let go by close."""
    ledger = on_sqlite.open()
    with pytest.raises(Unavailable, match="in use"):
        on_sqlite.open()
    ledger.close()
    on_sqlite.open()


def test_it_is_closed_beside_whoever_reads(place: Place) -> None:
    """Closing waits for a question that is being answered; SQLite's connection would take the process with it."""
    words = (place.url, str(place.key_path), str(place.keys_path), ORIGIN)
    done = subprocess.run(
        [sys.executable, "-c", CLOSER, *words], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_nobody_comes_back_to_a_closed_file(on_sqlite: Place) -> None:
    """Who asks after the close is told, instead of opening a file that is another's by then; closing again is well."""
    ledger = on_sqlite.open()
    ledger.append((to("case/1", -1),))
    ledger.close()
    ledger.close()
    another = on_sqlite.open()
    for late in (lambda: ledger.append((to("case/1", 0),)), lambda: ledger.read("case/1"), ledger.effects):
        with pytest.raises(Unavailable, match="The ledger is closed"):
            late()
    assert another.size == 1


# --- processes of their own

RACER = Path(__file__).with_name("racer.py")


def race(place: Place, name: str, late_ms: int, each: int) -> subprocess.Popen[str]:
    """Start a process that appends *each* entries to its own stream and to a shared one, as fast as it can."""
    words = (place.url, str(place.key_path), str(place.keys_path), ORIGIN, name, str(late_ms), str(each))
    return subprocess.Popen(
        [sys.executable, str(RACER), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def answers(lines: Iterable[str]) -> list[tuple[int, str]]:
    """The index and leaf of every answer that a process was given, and wrote down before it went on."""
    whole = (line.split() for line in lines if line.endswith("\n") and line != "ready\n")
    return [(int(seq), leaf) for seq, leaf in whole]


def start_together(*racers: subprocess.Popen[str]) -> None:
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()


def test_two_processes_with_one_key(on_postgresql: Place) -> None:
    """Two processes that sign with one key, their clocks a second apart, make one log: every answer is true."""
    on_postgresql.open().close()
    racers = (race(on_postgresql, "one", 0, 15), race(on_postgresql, "two", 1000, 15))
    start_together(*racers)
    told = [answers(racer.communicate()[0].splitlines(keepends=True)) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    ledger = on_postgresql.open()
    written = [(appended.seq, appended.leaf) for appended in ledger.entries()]
    assert sorted(told[0] + told[1]) == written
    assert [seq for seq, _ in written] == list(range(60))
    assert [appended.entry.version for appended in ledger.read("case/shared")] == list(range(30))
    assert {appended.entry.actor for appended in ledger.read("case/shared")} == {"p-one", "p-two"}
    ledger.close()
    # No fork: fsck holds every checkpoint that either of them signed against this one history.
    assert on_postgresql.fsck().size == 60


def test_one_of_two_processes_is_killed(on_postgresql: Place) -> None:
    """A process that is killed in the middle of a race takes no answer with it, and does not stop the other."""
    on_postgresql.open().close()
    killed, other = race(on_postgresql, "one", 0, 10_000), race(on_postgresql, "two", 0, 25)
    start_together(killed, other)
    assert killed.stdout is not None
    lines = [killed.stdout.readline() for _ in range(12)]
    killed.kill()
    told = answers([*lines, *killed.communicate()[0].splitlines(keepends=True)])
    more = answers(other.communicate()[0].splitlines(keepends=True))
    assert (killed.returncode, other.returncode, len(more)) == (-signal.SIGKILL, 0, 50)
    ledger = on_postgresql.open()
    written = {(appended.seq, appended.leaf) for appended in ledger.entries()}
    assert written.issuperset([*told, *more])
    # At most one append was written that nobody was told of any more.
    assert len(written) - len(told) - len(more) in {0, 1}
    assert ledger.append((to("case/after", -1, draft(after=10)),))[0].seq == len(written)
    ledger.close()
    assert on_postgresql.fsck().size == len(written) + 1
