"""The leader against a chain that every client locks, on a disk that takes 10 ms longer to keep what it is given.

A shared object of a few lines, made here with the C compiler and put before the C library, lets every fsync and
fdatasync of this process take 10 ms more: about what a spinning disk or a synchronous replica costs. The chain is what
most audit tables are: a client takes the lock, reads the head, writes one entry and the new head, commits. The leader
does the same for all who wait at once, and signs it. Both on SQLite with the same durability, 32 clients.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, closing
from pathlib import Path

from rich.console import Console
from rich.table import Table as Printed

from bench.append import BARE, RAW, Step, leader, run

CLIENTS = 32
ROUNDS = 3
TARGET = 10.0
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static void wait_a_little(void) { struct timespec t = {0, 10 * 1000 * 1000}; nanosleep(&t, 0); }
int fsync(int fd) { wait_a_little(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { wait_a_little(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""


def chain(path: Path, stack: ExitStack) -> Step:
    """Return the step that puts one entry after the others, under the lock of the chain's head."""
    connection = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(BARE.format("INTEGER", "BLOB"))
    connection.execute("CREATE TABLE head (id INTEGER PRIMARY KEY, size INTEGER, digest BLOB)")
    connection.execute("INSERT INTO head VALUES (1, 0, x'')")
    lock = threading.Lock()

    def step(number: int) -> None:
        with lock:
            connection.execute("BEGIN IMMEDIATE")
            size, digest = connection.execute("SELECT size, digest FROM head").fetchone()
            after = hashlib.sha256(digest + RAW).digest()
            entry = (size, f"case/{number}", size, "method.succeeded", RAW, after)
            connection.execute("INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?)", entry)
            connection.execute("UPDATE head SET size = ?, digest = ?", (size + 1, after))
            connection.execute("COMMIT")

    return step


def measure() -> None:
    """Measure both in turn and print the rates as JSON; run where the slow disk is in force."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        steps = {
            "chain": chain(folder / "chain.db", stack),
            "leader": leader(f"sqlite:///{folder / 'ledger.db'}", folder, stack),
        }
        found = {name: [run(step, CLIENTS).rate for _ in range(ROUNDS)] for name, step in steps.items()}
    sys.stdout.write(json.dumps(found))


def main() -> None:
    """Print what the leader makes of the chain."""
    compiler = shutil.which("cc")
    if compiler is None:
        sys.exit("A C compiler is needed to slow the disk down: install gcc.")
    with tempfile.TemporaryDirectory() as name:
        source, shim = Path(name) / "slow.c", Path(name) / "slow.so"
        source.write_text(SHIM)
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", shim, source, "-ldl"], check=True)
        env = os.environ | {"LD_PRELOAD": str(shim), "PYTHONPATH": os.pathsep.join(sys.path)}
        told = subprocess.run([sys.executable, __file__, "--here"], env=env, check=True, capture_output=True, text=True)
    found = json.loads(told.stdout)
    ratio = statistics.median(mine / bare for mine, bare in zip(found["leader"], found["chain"], strict=True))
    table = Printed("disk + 10 ms, 32 clients", "chain rows/s", "leader appends/s", "ratio", "target")
    table.add_row(
        "SQLite",
        f"{statistics.median(found['chain']):,.0f}",
        f"{statistics.median(found['leader']):,.0f}",
        f"{ratio:.1f} x",
        f"{TARGET} x: {'met' if ratio >= TARGET else 'missed'}",
    )
    Console(width=120).print(table)


if __name__ == "__main__":
    measure() if "--here" in sys.argv else main()
