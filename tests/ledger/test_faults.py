"""Fault twins: every write point fails and is lost, or fails and persists; a kill at any leaves a whole ledger."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy import exc

from tests.ledger.conftest import NOON, ORIGIN, Place, draft, effect, to
from tests.ledger.victim import ONCE
from watchword import ledger as ledger_package
from watchword.core.errors import Conflict, Unavailable
from watchword.core.ids import Seq
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Appended, EffectRow, EffectState, Ledger, Settle

LOST = (
    "append.begin",
    "append.entries",
    "append.erase",
    "append.payloads",
    "append.effects",
    "append.settle",
    "append.head",
    "append.commit",
)
PERSISTS = ("append.committed",)
PHONE = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)


class Fault:
    """Makes the database fail at one point, as long as it is set."""

    def __init__(self) -> None:
        self.point: str | None = None

    def __call__(self, reached: str) -> None:
        """Pass or fail *reached*."""
        if reached == self.point:
            raise exc.OperationalError("statement", {}, OSError("the connection broke"))


def first(ledger: Ledger) -> None:
    ledger.append((to("case/1", -1),), (effect("first"),))
    ledger.append((to("case/0", -1, draft(disclosures=(PHONE,))),))


def second(ledger: Ledger) -> tuple[Appended, ...]:
    return ledger.append(
        (to("case/1", 0, draft(disclosures=(PHONE,))), to("account/1", -1)),
        (effect("second"),),
        (Settle(effect_id="first", state=EffectState.DONE),),
        ledger.holdings("case/0"),
    )


def erased(ledger: Ledger) -> bool:
    return ledger.disclosures(ledger.read("case/0")[0]) == {}


def states(ledger: Ledger) -> dict[str, EffectState]:
    return {row.id: row.state for row in ledger.effects()}


@pytest.mark.parametrize("point", LOST)
def test_failed_and_lost(place: Place, point: str) -> None:
    """A failure before the commit is told, nothing of the append is there, and trying again writes it once."""
    fault = Fault()
    ledger = place.open(fault)
    first(ledger)
    before = ledger.checkpoint
    fault.point = point
    with pytest.raises(Unavailable, match="connection broke"):
        second(ledger)
    fault.point = None
    assert (ledger.checkpoint, states(ledger), erased(ledger)) == (before, {"first": EffectState.DUE}, False)
    assert [appended.seq for appended in second(ledger)] == [2, 3]
    assert states(ledger) == {"first": EffectState.DONE, "second": EffectState.DUE}
    assert erased(ledger)
    ledger.close()
    assert place.fsck().size == 4


@pytest.mark.parametrize("point", PERSISTS)
def test_failed_and_persists(place: Place, point: str) -> None:
    """A failure after the commit is looked into: what is there is answered as written, and is there once."""
    fault = Fault()
    ledger = place.open(fault)
    first(ledger)
    fault.point = point
    appended = second(ledger)
    fault.point = None
    assert [each.seq for each in appended] == [2, 3]
    assert ledger.read("account/1") == appended[1:]
    assert erased(ledger)
    with pytest.raises(Conflict):
        second(ledger)
    ledger.close()
    assert place.fsck().size == 4


def test_connections_that_the_server_ended(on_postgresql: Place) -> None:
    """After the server ended every connection while nobody used it, as a restart does, the next append just works."""
    ledger = on_postgresql.open()
    first(ledger)
    assert end_connections(on_postgresql.url) > 0
    assert [appended.seq for appended in second(ledger)] == [2, 3]


ASKED = EffectRow(id="first", stream="case/1", kind="reset", due_at=NOON, asked_by=Seq(0))


def bear_witness(ledger: Ledger) -> None:
    ledger.testimony.keep_token(1, "tsa", b"token")
    ledger.testimony.keep_cosignatures(1, {"w": "line"})


ACTS: dict[str, Callable[[Ledger], object]] = {
    "claim": lambda ledger: ledger.claim(NOON, "one", timedelta(seconds=1), ("reset",)),
    "settle": lambda ledger: ledger.append((), settle=(Settle(effect_id="first", state=EffectState.DONE),)),
    "ask_again": lambda ledger: ledger.ask_again((ASKED, msgspec.structs.replace(ASKED, id="b"))),
    "put_right": lambda ledger: ledger.put_right((msgspec.structs.replace(ASKED, kind="mail"),)),
    "reschedule": lambda ledger: ledger.reschedule("first", NOON + timedelta(seconds=9)),
    "cancel": lambda ledger: ledger.cancel_effects("case/1"),
    "testimony": bear_witness,
}
"""Everything that writes outside of an append, over the row `first`."""


def rows(ledger: Ledger) -> tuple[object, ...]:
    """Everything that is written outside of an append."""
    return ledger.effects(), ledger.testimony.stamped(), ledger.testimony.lines()


@pytest.mark.parametrize("moment", ["begin", "commit", "committed"])
@pytest.mark.parametrize("act", ACTS)
def test_other_writes_fail_whole(place: Place, act: str, moment: str) -> None:
    """A write outside of an append is told when it fails, and is there or not; made again, it comes to the same."""
    fault = Fault()
    ledger = place.open(fault)
    first(ledger)
    before = rows(ledger)
    fault.point = f"{act}.{moment}"
    with pytest.raises(Unavailable):
        ACTS[act](ledger)
    fault.point = None
    assert (rows(ledger) == before) == (moment != "committed")
    ACTS[act](ledger)
    after = rows(ledger)
    assert after != before
    ACTS[act](ledger)
    assert rows(ledger) == after
    ledger.close()
    assert place.fsck().size == 2


def test_every_write_point_is_tried() -> None:
    """Each point that the code names is in the lists above, and in the list of those that kill; none is left over."""
    source = "".join(path.read_text() for path in Path(ledger_package.__file__).parent.glob("*.py"))
    assert set(re.findall(r"_faults\(f?[\"']([^\"']+)[\"']\)", source)) == {
        *LOST,
        *PERSISTS,
        *ONCE,  # in test_turn.py
        "{act}.begin",
        "{act}.commit",
        "{act}.committed",
    }
    assert source.count("self._faults(") == len(LOST) + len(PERSISTS) + len(ONCE) + 3
    assert set(re.findall(r"_acting\(\"([a-z_]+)\"\)", source)) == set(ACTS)


@pytest.mark.parametrize("point", [*LOST, *PERSISTS])
def test_server_ends_the_connection(on_postgresql: Place, point: str) -> None:
    """A real connection, cut at a write point: told and lost before the commit, written and answered after it."""
    armed = False

    def cut(reached: str) -> None:
        nonlocal armed
        if armed and reached == point:
            armed = False
            ended = end_connections(on_postgresql.url)
            assert ended > 0

    ledger = on_postgresql.open(cut)
    first(ledger)
    armed = True
    if point in PERSISTS:
        appended = second(ledger)
    else:
        with pytest.raises(Unavailable):
            second(ledger)
        assert ledger.refresh() == 2
        appended = second(ledger)
    assert not armed
    assert [each.seq for each in appended] == [2, 3]
    ledger.close()
    assert on_postgresql.fsck().size == 4


def end_connections(url: str) -> int:
    """Have the server end every other connection to it; return how many there were."""
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert ended is not None
    return int(ended[0])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_leader_that_ends_answers_everybody(place: Place) -> None:
    """An error nobody foresaw ends the leader, and callers are told instead of left waiting."""

    def unforeseen(point: str) -> None:
        if point == "append.commit" and armed:
            raise RuntimeError("a mistake of ours")

    armed = False
    ledger = place.open(unforeseen)
    first(ledger)
    armed = True
    for _ in range(2):
        with pytest.raises(Unavailable, match="ended"):
            second(ledger)
    ledger.close()
    assert place.fsck().size == 2


Places = Callable[[str], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    """A new URL for each write point."""
    if request.param == "sqlite":
        yield lambda point: f"sqlite:///{tmp_path / point}.db"
        return
    server: str = request.getfixturevalue("postgresql")
    with psycopg.connect(server, autocommit=True) as connection:

        def schema(point: str) -> str:
            name = f"killed_{point.replace('.', '_')}"
            connection.execute(f"CREATE SCHEMA {name}".encode())
            return f"{server}&options=-csearch_path%3D{name}"

        yield schema


def test_kill_at_every_write_point(on_sqlite: Place, urls: Places) -> None:
    """A process killed at any write point leaves the append whole or absent, and the next one goes on from there."""
    points = (*LOST, *PERSISTS)
    pairs = [(urls(point), point) for point in points]
    victim = Path(__file__).with_name("victim.py")
    done = subprocess.run(
        [
            sys.executable,
            str(victim),
            str(on_sqlite.key_path),
            str(on_sqlite.keys_path),
            *(word for pair in pairs for word in pair),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "OK\n", done.stdout + done.stderr
    for url, point in pairs:
        whole = point in PERSISTS
        with ExitStack() as stack:
            ledger = stack.enter_context(closing(Ledger.open(url, on_sqlite.key, on_sqlite.keys, ORIGIN)))
            assert (ledger.size, erased(ledger)) == ((4, True) if whole else (2, False)), point
            if whole:
                with pytest.raises(Conflict):
                    second(ledger)
            else:
                assert [appended.seq for appended in second(ledger)] == [2, 3]
            assert erased(ledger)
            assert states(ledger) == {"first": EffectState.DONE, "second": EffectState.DUE}
        assert fsck(url, on_sqlite.key.vkey, on_sqlite.keys).size == 4
