"""How fast the watch classifies: 300 MB of Okta-shaped log against DuckDB's bare parse, and against an orjson loop.

Each measure is a process of its own with two threads, so its peak memory is its own; the best of several rounds counts,
rounds interleaved, so that a busy machine is unfair to nobody. `python -m bench.classify` exits 1 on a missed target.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench.okta_generator import generate
from watchword.core.evidence import SCHEMA, EvidenceRow
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA
from watchword.watch.reading import source

SIZE = 300_000_000
ROUNDS = 9
AGAINST_BARE, AGAINST_ORJSON, MEMORY = 0.5, 2.0, 1 << 30
"""The targets: at least these shares of the other's speed, at most these bytes."""

_ARROW = {
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "BIGINT": pa.int64(),
    "BIGINT[]": pa.list_(pa.int64()),
    "BOOLEAN": pa.bool_(),
}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One measure in one process: wall-clock seconds, peak resident bytes, and what it counted."""

    seconds: float
    peak: int
    events: int
    note: str = ""


def ours(log: Path, evidence: Path) -> tuple[int, str]:
    """Logs and evidence to verdicts, whole."""
    report = Engine(threads=2).classify("okta", (log,), evidence)
    counts = {verdict.value: count for verdict, count in report.counts.items() if count}
    return report.lines, ", ".join(f"{verdict} {count:,}" for verdict, count in counts.items())


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


MEASURES: dict[str, Callable[[Path, Path], tuple[int, str]]] = {"ours": ours, "bare": bare, "loop": loop}
_NAMES = {"ours": "watch: log to verdicts", "bare": "DuckDB bare parse", "loop": "orjson loop (1 thread)"}


def write_evidence(path: Path, rows: tuple[EvidenceRow, ...]) -> None:
    """Write *rows* as the desk's evidence table."""
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in SCHEMA])
    pq.write_table(pa.Table.from_pylist([msgspec.structs.asdict(row) for row in rows], schema=schema), path)


def measure(name: str, log: Path, evidence: Path) -> Run:
    """Run one measure in a process of its own."""
    command = [sys.executable, "-m", "bench.classify", name, str(log), str(evidence)]
    done = subprocess.run(command, check=True, capture_output=True)
    return msgspec.json.decode(done.stdout, type=Run)


def _child(name: str, log: Path, evidence: Path) -> None:
    begun = time.perf_counter()
    events, note = MEASURES[name](log, evidence)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "events": events, "note": note}))


def main() -> int:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="watchword-bench-") as folder:
        log, evidence = Path(folder) / "okta.jsonl", Path(folder) / "evidence.parquet"
        begun = time.perf_counter()
        sample = generate(log, SIZE)
        write_evidence(evidence, sample.evidence)
        size = log.stat().st_size
        console.print(
            f"{size / 1e6:.0f} MB, {sample.events:,} events of {size / sample.events:,.0f} bytes, "
            f"{sample.support / sample.events:.1%} identity support, {len(sample.evidence):,} rows of evidence "
            f"(made in {time.perf_counter() - begun:.1f} s)"
        )
        runs: dict[str, list[Run]] = {name: [] for name in MEASURES}
        for _ in range(ROUNDS):
            for name, of_name in runs.items():
                of_name.append(measure(name, log, evidence))
    best = {name: min(of_name, key=lambda run: run.seconds) for name, of_name in runs.items()}
    peak = max(run.peak for run in runs["ours"])
    against_bare = best["bare"].seconds / best["ours"].seconds
    against_loop = best["loop"].seconds / best["ours"].seconds
    table = Table(title=f"Classification, 2 threads, best of {ROUNDS}")
    table.add_column("measure")
    for heading in ("seconds", "MB/s", "events/s", "peak MB", "watch / it", "target"):
        table.add_column(heading, justify="right", no_wrap=True)
    ratios = {
        "ours": ("", f"peak < {MEMORY >> 20} MB"),
        "bare": (f"{against_bare:.2f}", f">= {AGAINST_BARE}"),
        "loop": (f"{against_loop:.2f}", f">= {AGAINST_ORJSON}"),
    }
    for name, run in best.items():
        speed = (f"{run.seconds:.3f}", f"{size / 1e6 / run.seconds:,.0f}", f"{run.events / run.seconds:,.0f}")
        table.add_row(_NAMES[name], *speed, f"{run.peak / (1 << 20):,.0f}", *ratios[name])
    console.print(table)
    for name, run in best.items():
        console.print(f"{_NAMES[name]}: {run.note}", style="dim")
    is_met = against_bare >= AGAINST_BARE and against_loop >= AGAINST_ORJSON and peak < MEMORY
    console.print("targets met" if is_met else "[bold]a target is missed[/bold]")
    return 0 if is_met else 1


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _child(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
