"""Processes that share a PostgreSQL write in turn, each batch of plain entries in one statement."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy import exc

from tests.ledger.conftest import ORIGIN, Place, draft, effect, to
from tests.ledger.victim import ONCE
from watchword.core.errors import Conflict, Corrupt, Unavailable
from watchword.ledger import lead, questions, turn, wire
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.leader import Appended, EffectState, Ledger, Settle

PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)
LOST, PERSISTS = ONCE


class Passed:
    """Counts the write points that are passed; at *fails* the database fails."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.fails: str | None = None

    def __call__(self, reached: str) -> None:
        """Count *reached*, or fail there."""
        if reached == self.fails:
            raise exc.OperationalError("statement", {}, OSError("the connection broke"))
        self.counts[reached] += 1


def plain(ledger: Ledger) -> tuple[Appended, ...]:
    return ledger.append((to("case/1", 0, draft(disclosures=(PHONE,))), to("account/1", -1)))


def test_plain_entries_take_one_statement(on_postgresql: Place) -> None:
    """Entries and payloads, under a new key and under one that is stored, need no transaction of several statements."""
    passed = Passed()
    ledger = on_postgresql.open(passed)
    ledger.append((to("case/1", -1, draft(disclosures=(PHONE,))),))
    appended = plain(ledger)
    assert passed.counts["append.begin"] == 0
    assert passed.counts[PERSISTS] == 3  # the empty ledger's checkpoint is the first
    assert [ledger.disclosures(each) for each in (*ledger.read("case/1"), appended[1])] == [
        {"phone": "+15550100"},
        {"phone": "+15550100"},
        {},
    ]
    ledger.append((to("case/1", 1),), (effect("e"),))
    assert passed.counts["append.begin"] == 0
    ledger.append((to("case/1", 2),), settle=(Settle(effect_id="e", state=EffectState.DONE),))
    assert passed.counts["append.begin"] == 1
    ledger.close()
    assert on_postgresql.fsck().size == 5


@pytest.mark.parametrize("clients", [1, 6])
def test_effects_come_with_their_entries(on_postgresql: Place, clients: int) -> None:
    """What an entry asks for stands as asked, from one client or several at once, and an id that exists is told."""
    ledger = on_postgresql.open()
    failures: list[Exception] = []

    def appender(mine: int) -> None:
        try:
            ledger.append((to(f"case/{mine}", -1),), tuple(effect(f"{mine}.{kind}", f"case/{mine}") for kind in "ab"))
        except Exception as error:  # noqa: BLE001  (shown below)
            failures.append(error)

    threads = [threading.Thread(target=appender, args=(mine,)) for mine in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    asked = {one.id: one for one in ledger.effects(EffectState.DUE)}
    assert set(asked) == {f"{mine}.{kind}" for mine in range(clients) for kind in "ab"}
    for name, one in asked.items():
        (entry,) = ledger.read(f"case/{name[0]}")
        assert one == msgspec.structs.replace(effect(name, f"case/{name[0]}"), asked_by=entry.seq)
    with pytest.raises(Conflict, match=r"0\.a"):
        ledger.append((to("case/0", 0),), (effect("0.c", "case/0"), effect("0.a", "case/0")))
    assert ledger.version("case/0") == 0
    assert len(ledger.effects(EffectState.DUE)) == 2 * clients
    ledger.close()
    assert on_postgresql.fsck().size == clients


def test_a_statement_the_driver_let_go_is_prepared_again(on_postgresql: Place) -> None:
    """When every prepared statement of the server's sessions is gone, the next append and the next look go on."""
    ledger = on_postgresql.open()
    ledger.append((to("case/1", -1),))
    assert ledger.look() == 1
    for connection in list(wire._NAMES):
        if not connection.closed:  # those of tests before this one are
            connection.execute("DEALLOCATE ALL")
    assert [each.seq for each in ledger.append((to("case/1", 0),))] == [1]
    assert ledger.look() == 2


def test_failed_and_lost(on_postgresql: Place) -> None:
    """A failure before the statement is told, nothing is there, and trying again writes it once."""
    passed = Passed()
    ledger = on_postgresql.open(passed)
    ledger.append((to("case/1", -1),))
    before = ledger.checkpoint
    passed.fails = LOST
    with pytest.raises(Unavailable, match="connection broke"):
        plain(ledger)
    passed.fails = None
    assert ledger.checkpoint == before
    assert [each.seq for each in plain(ledger)] == [1, 2]
    ledger.close()
    assert on_postgresql.fsck().size == 3


def test_failed_and_persists(on_postgresql: Place) -> None:
    """A failure after the statement is looked into: what is there is answered as written, and is there once."""
    passed = Passed()
    ledger = on_postgresql.open(passed)
    ledger.append((to("case/1", -1),))
    passed.fails = PERSISTS
    assert [each.seq for each in plain(ledger)] == [1, 2]
    passed.fails = None
    with pytest.raises(Conflict):
        plain(ledger)
    ledger.close()
    assert on_postgresql.fsck().size == 3


@pytest.mark.parametrize("point", ONCE)
def test_killed(on_postgresql: Place, point: str) -> None:
    """A process killed beside the statement leaves the append whole or absent, and its turn to the next one."""
    victim = Path(__file__).with_name("victim.py")
    command = [sys.executable, str(victim), str(on_postgresql.key_path), str(on_postgresql.keys_path)]
    done = subprocess.run([*command, on_postgresql.url, point], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "OK\n", done.stdout + done.stderr
    passed = Passed()
    with closing(
        Ledger.open(on_postgresql.url, on_postgresql.key, on_postgresql.keys, ORIGIN, faults=passed)
    ) as ledger:
        assert ledger.size == (4 if point == PERSISTS else 2)
        ledger.append((to("case/2", -1),))
        assert passed.counts[LOST] == 1
    assert on_postgresql.fsck().size == (5 if point == PERSISTS else 3)


def test_nobody_signs_for_a_place_that_another_gets(on_postgresql: Place) -> None:
    """Three processes race: as many checkpoints are stored as were signed."""
    passed = Passed()
    ledgers = [on_postgresql.open(passed) for _ in range(3)]
    failures: list[Exception] = []

    def appender(ledger: Ledger, stream: str) -> None:
        try:
            for version in range(-1, 19):
                ledger.append((to(stream, version),))
        except Exception as error:  # noqa: BLE001  # told to the test's own thread
            failures.append(error)

    threads = [
        threading.Thread(target=appender, args=(ledger, f"case/{place}-{number}"))
        for place, ledger in enumerate(ledgers)
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert passed.counts["append.begin"] == 0
    assert passed.counts[LOST] == passed.counts[PERSISTS] == on_postgresql.fetch("SELECT count(*) FROM checkpoint")
    for ledger in ledgers:
        ledger.close()
    assert on_postgresql.fsck().size == 180


def test_busy_process_lets_others_write(on_postgresql: Place) -> None:
    """Beside a process that never rests another one gets its turn, and need not go on without."""
    passed = Passed()
    one, two = on_postgresql.open(), on_postgresql.open(passed)
    over = threading.Event()

    def busy(stream: str) -> None:
        version = -1
        while not over.is_set():
            one.append((to(stream, version),))
            version += 1

    threads = [threading.Thread(target=busy, args=(f"case/{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for version in range(-1, 4):
            two.append((to("case/other", version),))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert (passed.counts[PERSISTS], passed.counts["append.begin"]) == (5, 0)


def test_turn_that_is_never_given_back(on_postgresql: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps the lock and says nothing holds nobody up for longer than the wait."""
    monkeypatch.setattr(turn, "TAKE", turn.take_statement(0.1))
    passed = Passed()
    ledger = on_postgresql.open(passed)
    with psycopg.connect(on_postgresql.url, autocommit=True) as holder:
        while holder.execute(f"SELECT pg_try_advisory_lock({turn.LOCK})".encode()).fetchone() != (True,):
            pass  # until the ledger, which has just been opened, rests
        assert ledger.append((to("case/1", -1),))[0].seq == 0
        assert passed.counts["append.committed"] == 1
    assert ledger.append((to("case/1", 0),))[0].seq == 1
    assert passed.counts["append.committed"] == 1
    ledger.close()
    assert on_postgresql.fsck().size == 2


def test_planted_row(on_postgresql: Place) -> None:
    """A row that nobody signed stands where the next entry would: the ledger stops, and writes nothing."""
    ledger = on_postgresql.open()
    ledger.append((to("case/1", -1),))
    on_postgresql.tamper(
        "INSERT INTO entry (idx, stream, version, type, bytes, leaf) VALUES (1, 'case/9', 0, 'x', '', '')"
    )
    with pytest.raises(Corrupt):
        plain(ledger)
    assert on_postgresql.fetch("SELECT count(*) FROM checkpoint") == 2


def test_a_busy_process_does_not_ask_where_the_head_is(on_postgresql: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the turn is its own a look takes no question; one that has rested asks."""
    asked: list[int] = []
    monkeypatch.setattr(questions.Questions, "stands_at", _counted(questions.Questions.stands_at, asked))
    ledger = on_postgresql.open()
    seen: list[tuple[int, int]] = []
    for version in range(-1, 49):
        ledger.append((to("case/1", version),))
        before = len(asked)
        seen.append((ledger.look(), len(asked) - before))
    assert [size for size, _ in seen] == list(range(1, 51))
    assert sum(how_often for _, how_often in seen) < 10  # none, but where this thread was held up
    settled = threading.Event()
    settled.wait(0.2)
    before = len(asked)
    assert ledger.look() == 50
    assert len(asked) == before + 1


def test_what_another_process_wrote_is_seen_by_the_next_look(on_postgresql: Place) -> None:
    """However busy this process is: once an append of another has returned, a look covers it."""
    one, two = on_postgresql.open(), on_postgresql.open()
    for version in range(-1, 39):
        one.append((to("case/1", version),))
        two.append((to("case/2", version),))
        assert one.look() == two.size
        one.append((to("case/3", version),))
        assert two.look() == one.size


def test_an_ended_session_is_not_relied_on(on_postgresql: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server ended the session that has the turn, whatever the other process writes then is seen at once."""
    monkeypatch.setattr(turn, "SURE_S", 60.0)
    monkeypatch.setattr(lead, "_BUSY_S", 60.0)
    one = on_postgresql.open()
    for version in range(-1, 2):
        one.append((to("case/1", version),))
        on_postgresql.fetch(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1467"
        )
        two = on_postgresql.open()
        two.append((to("case/2", version),))
        assert one.look() == two.size
        two.close()


def _counted(real: Callable[..., bool], asked: list[int]) -> Callable[..., bool]:
    def counting(self: questions.Questions, size: int, note: str) -> bool:
        asked.append(size)
        return real(self, size, note)

    return counting
