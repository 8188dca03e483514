"""The watch on Spark with two local executors: against Spark's own JSON reader, and beside DuckDB alone.

Spark's reader is given a schema of every column that our SQL reads, and counts what is not null in each; ours makes
verdicts. Each side has a Spark of its own, warm from a small log; DuckDB alone has two threads. The best of several
rounds counts, rounds in turn. `python -m bench.spark [MEGABYTES]` exits 1 on a missed target.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec
from rich.console import Console
from rich.table import Table

from bench.okta_generator import generate
from bench.samples import write_evidence
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.spark import SparkEngine
from watchword.watch.spark.session import session

SIZE = 300
WARM = 10_000_000
ROUNDS = 5
MASTER = "local[2]"
AGAINST_READER = 3.0
"""The target: at least this many times the speed of Spark's own reader."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One measure: wall-clock seconds, and what it counted."""

    seconds: float
    events: int


def ours(log: Path, evidence: Path) -> int:
    """Logs and evidence to verdicts, on Spark."""
    return SparkEngine(master=MASTER).judge((Feed(provider=OKTA, files=(log,)),), evidence).lines


def alone(log: Path, evidence: Path) -> int:
    """The same on this machine, without Spark."""
    return Engine(threads=2).judge((Feed(provider=OKTA, files=(log,)),), evidence).lines


def reader(log: Path, _: Path) -> int:
    """Spark parses the same columns of the same file, and counts what is not null."""
    from pyspark.sql import functions as f

    with session(MASTER) as spark:
        frame = spark.read.schema(", ".join(f"`{name}` {_type(kind)}" for name, kind in OKTA.columns)).json(str(log))
        counts = frame.agg(*(f.count(f.col(f"`{name}`")) for name, _ in OKTA.columns)).first()
    return max(counts or (0,))


def _type(kind: str) -> str:
    """DuckDB's name of a type as Spark has it; a member that our SQL takes as JSON is text to Spark, unparsed."""
    if kind.endswith("[]"):
        return f"array<{_type(kind.removesuffix('[]'))}>"
    if kind.startswith("STRUCT("):
        members = _members(kind.removeprefix("STRUCT(").removesuffix(")"))
        return f"struct<{', '.join(f'`{name}`: {_type(of)}' for name, of in members)}>"
    return {"VARCHAR": "string", "JSON": "string", "BIGINT": "bigint", "INTEGER": "int", "BOOLEAN": "boolean"}[kind]


def _members(text: str) -> list[tuple[str, str]]:
    parts, depth, begun = list[str](), 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[begun:place])
            begun = place + 1
    found = [part.strip().split(" ", 1) for part in (*parts, text[begun:])]
    return [(name.strip('"'), of.strip()) for name, of in found]


MEASURES: dict[str, Callable[[Path, Path], int]] = {"ours": ours, "reader": reader, "alone": alone}
_NAMES = {
    "ours": "the watch on Spark: log to verdicts",
    "reader": "Spark's own JSON reader: non-null counts",
    "alone": "the watch on DuckDB alone: log to verdicts",
}


class Child:
    """A process of one measure, that stays warm between rounds."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.spark", "child", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def measure(self, log: Path, evidence: Path) -> Run:
        """Run it once."""
        asked, told = self._process.stdin, self._process.stdout
        assert asked is not None
        assert told is not None
        asked.write(f"{log}\t{evidence}\n".encode())
        asked.flush()
        return msgspec.json.decode(told.readline(), type=Run)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def _child(name: str, asked: IO[str]) -> None:
    def answer() -> None:
        for line in asked:
            log, evidence = map(Path, line.rstrip("\n").split("\t"))
            begun = time.perf_counter()
            events = MEASURES[name](log, evidence)
            print(msgspec.json.encode(Run(seconds=time.perf_counter() - begun, events=events)).decode(), flush=True)

    if name == "alone":
        answer()
    else:
        with session(MASTER):
            answer()


def main(megabytes: int) -> int:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="watchword-bench-") as folder:
        log, evidence, warm = (Path(folder) / name for name in ("okta.jsonl", "evidence.parquet", "warm.jsonl"))
        generate(warm, WARM)
        sample = generate(log, megabytes * 1_000_000)
        write_evidence(evidence, sample.evidence)
        size = log.stat().st_size
        console.print(
            f"{size / 1e6:.0f} MB, {sample.events:,} events, {len(sample.evidence):,} rows of evidence, {MASTER}"
        )
        children = {name: Child(name) for name in MEASURES}
        runs: dict[str, list[Run]] = {name: [] for name in MEASURES}
        for child in children.values():
            for _ in range(3):
                child.measure(warm, evidence)
        for _ in range(ROUNDS):
            for name, child in children.items():
                runs[name].append(child.measure(log, evidence))
        for child in children.values():
            child.close()
    best = {name: min(of_name, key=lambda run: run.seconds) for name, of_name in runs.items()}
    against = {name: run.seconds / best["ours"].seconds for name, run in best.items()}
    table = Table(title=f"On Spark, {MASTER}, best of {ROUNDS}")
    table.add_column("measure")
    for heading in ("seconds", "MB/s", "events/s", "Spark watch / it", "target"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, run in best.items():
        speed = (f"{run.seconds:.2f}", f"{size / 1e6 / run.seconds:,.0f}", f"{run.events / run.seconds:,.0f}")
        ratio = "" if name == "ours" else f"{against[name]:.2f}"
        table.add_row(_NAMES[name], *speed, ratio, f">= {AGAINST_READER:.0f}" if name == "reader" else "")
    console.print(table)
    is_met = against["reader"] >= AGAINST_READER
    console.print("targets met" if is_met else "[bold]a target is missed[/bold]")
    return 0 if is_met else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _child(sys.argv[2], sys.stdin)
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE))
