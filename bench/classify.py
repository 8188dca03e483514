"""How fast the watch classifies: logs of several sizes against DuckDB's bare parse of the same file.

The whole pipeline: read, normalise, fold, match against a million cases, every shipped signal, verdicts to Parquet.
`python -m bench.classify [--sizes 300,3000,10000] [--folder DIR]`, sizes in MB; logs are made in DIR and stay there if
one is named. Each measure is a process of its own with two threads, so its peak memory is its own; the best of several
rounds counts, rounds interleaved, so that a busy machine is unfair to nobody. Exits 1 on a missed target.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import duckdb
import msgspec
import orjson
from rich.console import Console
from rich.table import Table

from bench.samples import Made, made
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.reading import source
from watchword.watch.signals import SHIPPED, read_signals
from watchword.watch.verdicts import append_verdicts

CASES = 1_000_000
AGAINST_BARE, GROWTH, MEMORY = 0.5, 1.2, 2 << 30
"""The targets: at least this share of the bare parse's speed; at most this many times the time a MB takes in the
size before; at most these bytes."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One measure in one process: wall-clock seconds, peak resident bytes, and what it counted."""

    seconds: float
    peak: int
    events: int
    note: str = ""


def ours(log: Path, evidence: Path) -> tuple[int, str]:
    """Logs and evidence to verdicts, whole."""
    feed = Feed(provider=OKTA, files=(log,))
    signals = read_signals(SHIPPED)
    report = Engine(threads=2).judge((feed,), evidence, signals=signals)
    with tempfile.TemporaryDirectory(prefix="watchword-bench-", dir=log.parent) as folder:
        append_verdicts(Path(folder), report.verdicts)
    counts = ", ".join(f"{verdict.value} {count:,}" for verdict, count in report.counts.items() if count)
    able = len(signals) - len(report.blind_signals)
    return report.lines, f"{counts}; {len(report.hits):,} hits of {able} signals"


def plain(log: Path, _: Path) -> tuple[int, str]:
    """The same without evidence and signals: what `watchword watch classify LOG` does."""
    return Engine(threads=2).classify("okta", (log,)).lines, "no evidence, no signals"


def bare(log: Path, _: Path) -> tuple[int, str]:
    """DuckDB parses the same columns of the same file, and counts what is not null."""
    counts = ", ".join(f'count("{name}")' for name, _ in OKTA.columns)
    with duckdb.connect(config={"threads": 2, "memory_limit": "512MB"}) as con:
        row = con.execute(
            f"SELECT {counts} FROM ({source(OKTA)})", {"file": str(log), "compression": "none"}
        ).fetchone()
    return max(row or (0,)), "non-null count of every column our SQL reads"


def loop(log: Path, _: Path) -> tuple[int, str]:
    """Parse each line with orjson, and keep the support events."""
    events, kept = 0, []
    with log.open("rb") as lines:
        for line in lines:
            event = orjson.loads(line)
            events += 1
            if event["eventType"].startswith(("user.account.", "user.mfa.", "system.api_token.")):
                kept.append(event)
    return events, f"{len(kept):,} lines kept, nothing joined"


MEASURES: dict[str, Callable[[Path, Path], tuple[int, str]]] = {
    "ours": ours,
    "plain": plain,
    "bare": bare,
    "loop": loop,
}
_NAMES = {
    "ours": "watch: the whole pipeline",
    "plain": "watch: verdicts alone",
    "bare": "DuckDB bare parse",
    "loop": "orjson loop (1 thread)",
}


def measure(name: str, log: Path, evidence: Path) -> Run:
    """Run one measure in a process of its own."""
    command = [sys.executable, "-m", "bench.classify", "--child", name, str(log), str(evidence)]
    done = subprocess.run(command, check=True, capture_output=True)
    return msgspec.json.decode(done.stdout, type=Run)


def best_of(sample: Made, rounds: int) -> dict[str, Run]:
    """Each measure's best of *rounds*."""
    runs: dict[str, list[Run]] = {name: [] for name in MEASURES}
    for _ in range(rounds):
        for name, of_name in runs.items():
            of_name.append(measure(name, sample.log, sample.evidence))
    best = {name: min(of_name, key=lambda run: run.seconds) for name, of_name in runs.items()}
    peaks = {name: max(run.peak for run in of_name) for name, of_name in runs.items()}
    return {name: msgspec.structs.replace(run, peak=peaks[name]) for name, run in best.items()}


def told(console: Console, sample: Made, best: dict[str, Run], rounds: int, before: float | None) -> bool:
    """Print the table of one size; whether its targets are met. *before*: seconds a MB of the size before."""
    megabytes = sample.size / 1e6
    ratio = best["bare"].seconds / best["ours"].seconds
    growth = 1.0 if before is None else best["ours"].seconds / megabytes / before
    table = Table(title=f"{megabytes:,.0f} MB, {sample.events:,} events, {sample.rows:,} cases, best of {rounds}")
    table.add_column("measure")
    for heading in ("seconds", "MB/s", "events/s", "peak MB", "whole pipeline / it"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, run in best.items():
        table.add_row(
            _NAMES[name],
            f"{run.seconds:.3f}",
            f"{megabytes / run.seconds:,.0f}",
            f"{run.events / run.seconds:,.0f}",
            f"{run.peak / (1 << 20):,.0f}",
            "" if name == "ours" else f"{run.seconds / best['ours'].seconds:.2f}",
        )
    console.print(table)
    for name, run in best.items():
        console.print(f"{_NAMES[name]}: {run.note}", style="dim")
    checks = (
        (f"of the bare parse's speed: {ratio:.2f}, at least {AGAINST_BARE}", ratio >= AGAINST_BARE),
        (f"time a MB, of the size before's: {growth:.2f}, at most {GROWTH}", growth <= GROWTH),
        (f"peak: {best['ours'].peak >> 20:,} MiB, below {MEMORY >> 20:,}", best["ours"].peak < MEMORY),
    )
    for text, is_met in checks:
        console.print(f"{text}: {'met' if is_met else '[bold]missed[/bold]'}")
    return all(is_met for _, is_met in checks)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="300,3000", help="MB, the smallest first")
    parser.add_argument("--folder", type=Path, help="where logs are made and stay; else in one that goes")
    parser.add_argument("--rounds", type=int, help="of each size; else 5, and 2 above a gigabyte")
    given = parser.parse_args()
    console, are_met, before = Console(width=110), [], None
    with tempfile.TemporaryDirectory(prefix="watchword-bench-") as own:
        folder = given.folder or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        for megabytes in map(int, given.sizes.split(",")):
            # In a process of its own: a child's peak begins at what its parent once had.
            with ProcessPoolExecutor(1, get_context("spawn")) as maker:
                sample = maker.submit(made, folder, megabytes, CASES).result()
            rounds = given.rounds or (5 if megabytes <= 1000 else 2)
            best = best_of(sample, rounds)
            are_met.append(told(console, sample, best, rounds, before))
            before = best["ours"].seconds / (sample.size / 1e6)
            if given.folder is None:
                sample.log.unlink()
    console.print("targets met" if all(are_met) else "[bold]a target is missed[/bold]")
    return 0 if all(are_met) else 1


def _child(name: str, log: Path, evidence: Path) -> None:
    begun = time.perf_counter()
    events, note = MEASURES[name](log, evidence)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "events": events, "note": note}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        sys.exit(main())
