"""`watchword execute`: the executor as a process of its own, on a PostgreSQL that a desk without one shares."""

from __future__ import annotations

import threading

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told


def test_only_the_executor_makes_the_change(shared_desk: Desk, here: Here) -> None:
    """A desk without executor leaves a released case alone; the executor does it, once and then as it runs."""
    with shared_desk.served("--no-executor"):
        first = _released(shared_desk, here, "tom.ashby")
        threading.Event().wait(2)  # several rounds of the desk's own runner
        waits = _state(here, first)
        once = shared_desk.type("execute", "--once", "--json")

        assert (waits, _state(here, first)) == ("released", "delivered")
        assert once.json["effects"] > 0
        assert shared_desk.type("execute", "--once").out == "0 effect(s) done.\n"

        second = _released(shared_desk, here, "nina.crane")
        with shared_desk.process("execute", until=""):
            _until(here, second, "delivered")

    assert here("ledger", "fsck").code == 0


def test_several_processes_share_the_ledger(shared_desk: Desk) -> None:
    """While a console runs, status, fsck and explain work beside it; a copy is left to PostgreSQL's own tools."""
    with shared_desk.served():
        assert shared_desk.type("ledger", "status").code == 0
        assert shared_desk.type("ledger", "fsck").code == 0
        assert shared_desk.type("doctor").code == 0
        assert is_told(shared_desk.type("ledger", "copy", "copy.db"), 2, "pg_dump")


def test_on_sqlite_it_is_told_to_share(desk: Desk) -> None:
    """Beside a console on SQLite it can not start, and says which process has the ledger."""
    with desk.served("--no-executor") as running:
        assert is_told(desk.type("execute", "--once"), 4, f"in use by process {running.pid}")


def _released(desk: Desk, here: Here, account: str) -> str:
    asked = ("case", "open", account, "unlock", "--reason", "x", "--location", "office", "--ticket", "I-1", "--json")
    case = here(*asked, login="ines").json
    number = str(case["case"])
    assert here("case", "verify", number, "totp", login="ines").code == 0
    desk.answers_totp(case)
    _until(here, number, "releasable")
    assert here("case", "execute", number, login="xena").code == 0
    return number


def _state(here: Here, number: str) -> str:
    return str(here("case", "show", number, "--json", login="ines").json["state"])


def _until(here: Here, number: str, state: str) -> None:
    for _ in range(100):
        if (now := _state(here, number)) == state:
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"still {now}")
