"""`watchword execute`: the executor as a process of its own, on a PostgreSQL that a desk without one shares."""

from __future__ import annotations

import threading

from tests.cli.desk import Desk, Typed, is_told


def test_only_the_executor_makes_the_change(shared_desk: Desk) -> None:
    """A desk without executor leaves a released case alone; the executor does it, once and then as it runs."""
    with shared_desk.served("--no-executor"):
        first = _releases(shared_desk)
        threading.Event().wait(2)  # several rounds of the desk's own runner
        waits = _state(shared_desk, first)
        once = shared_desk.type("execute", "--once", "--json")
        done = _state(shared_desk, first)

        assert (waits, done) == ("released", "delivered")
        assert once.json["effects"] > 0
        assert shared_desk.type("execute", "--once").out == "0 effect(s) done.\n"

        second = _releases(shared_desk, ahead_s=30)
        with shared_desk.process("execute", until=""):
            _until(shared_desk, second, "delivered")

    assert shared_desk.type("ledger", "fsck").code == 0


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


def _releases(desk: Desk, *, ahead_s: int = 0) -> str:
    case = _typed(desk, "open", "tom.ashby", "unlock", "--reason", "x", "--location", "office", "--ticket", "I-1").json
    number = str(case["case"])
    _typed(desk, "verify", number, "totp")
    desk.answers_totp(case, ahead_s=ahead_s)
    _until(desk, number, "releasable")
    _typed(desk, "execute", number, login="xena")
    return number


def _typed(desk: Desk, step: str, *words: str, login: str = "ines") -> Typed:
    typed = desk.type("case", step, *words, "--json", login=login)
    assert typed.code == 0, typed.err
    return typed


def _state(desk: Desk, number: str) -> str:
    return str(_typed(desk, "show", number).json["state"])


def _until(desk: Desk, number: str, state: str) -> None:
    for _ in range(40):
        if (now := _state(desk, number)) == state:
            return
    raise AssertionError(f"still {now}")
