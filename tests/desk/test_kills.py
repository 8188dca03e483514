"""SIGKILL of a real executor between any two writes, or the loss of all its rows: the change is done exactly once."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.desk.office import MONDAY, Office
from watchword.core.change import RevokeSessions
from watchword.core.ids import AccountId, CaseId
from watchword.directories.sandbox import SignIn

VICTIM = Path(__file__).with_name("victim.py")
REVOKE = RevokeSessions(account=AccountId(""))


def run(*arguments: str) -> list[str]:
    """Let the victim work, and return what it printed before its OK."""
    done = subprocess.run(
        [sys.executable, str(VICTIM), MONDAY.isoformat(), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *lines, last = done.stdout.splitlines() or [""]
    assert last == "OK", done.stdout + done.stderr
    return lines


def test_killed_between_any_two_writes(founded: Office, tmp_path: Path) -> None:
    """Wherever the executor is killed, the next one finishes: one password, one revocation, a credential that fits.

    So it does where every effect row is lost with it.
    """
    ready = founded.copy(tmp_path / "ready")
    case = ready.released()
    ready.close()
    rehearsal = shutil.copytree(ready.home, tmp_path / "rehearsal")
    points = run(str(rehearsal), "list")
    assert {"append.commit", "append.committed", "apply.begin", "apply.end", "claim.begin"} <= set(points)

    homes = [shutil.copytree(ready.home, tmp_path / str(number)) for number in range(len(points))]
    run(*(word for number, home in enumerate(homes) for word in (str(home), str(number))))
    robbed = [shutil.copytree(home, tmp_path / f"{home.name} robbed") for home in homes[::2]]
    wrong = [f"{n} {points[n]}: {fault}" for n, home in enumerate(homes) if (fault := after(ready, home, case))]
    assert not wrong

    for home in robbed:
        with sqlite3.connect(home / "ledger.db", isolation_level=None) as connection:
            connection.execute("DELETE FROM effect")
        connection.close()
    wrong = [f"{points[2 * n]}: {fault}" for n, home in enumerate(robbed) if (fault := after(ready, home, case))]
    assert not wrong


def after(ready: Office, home: Path, case: CaseId) -> str | None:
    """Start again where somebody was killed, and go on until nothing is due; returns what is wrong then."""
    office = Office(home, ready.keys)
    office.browsers.update(ready.browsers)
    office.held.update(ready.held)
    try:
        for _ in range(4):  # a lease that runs out, a read-back, another try, a validation
            office.wait(seconds=61)
            office.app.runner.drain(office.at)
        state, times = office.state(case), (office.version("mara.lind"), office.version("mara.lind", REVOKE))
        if (state, times) != ("checked", (1, 1)):
            return f"{state} {times} {office.types(case)}"
        fits = office.directory.sign_in("mara.lind", office.take(case))
        return None if fits is SignIn.MUST_CHANGE else f"the credential is {fits}"
    finally:
        office.close()
