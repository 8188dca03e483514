"""How the watch follows: lines a second when it has to catch up, and the time from arrival to verdict at a steady rate.

`python -m bench.follow [megabytes] [rows of evidence] [lines a second]`. One process with one DuckDB thread; a thread
of it brings the lines, as a webhook or a poller does, in batches of a tenth of a second.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.okta_generator import generate
from bench.samples import write_evidence
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import OKTA
from watchword.watch.sources.spool import Spool

SECONDS = 20.0
"""How long the steady rate lasts."""


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def bring(spool: Spool, lines: list[bytes], rate: int, stop: threading.Event) -> None:
    """Append *rate* lines a second, a batch every tenth of a second."""
    size, begun = max(rate // 10, 1), time.monotonic()
    for number, start in enumerate(range(0, len(lines), size)):
        stop.wait(max(begun + number / 10 - time.monotonic(), 0))
        spool.append(lines[start : start + size], now())


def main(megabytes: int, rows: int, rate: int) -> None:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="watchword-bench-") as name:
        folder = Path(name)
        sample = generate(folder / "log.jsonl", megabytes * 1_000_000, rows=rows)
        write_evidence(folder / "evidence.parquet", sample.evidence)
        lines = (folder / "log.jsonl").read_bytes().splitlines()
        steady = min(int(rate * SECONDS), len(lines) // 2)
        spool = Spool(folder / "spool")
        for start in range(0, len(lines) - steady, 1000):
            spool.append(lines[start : min(start + 1000, len(lines) - steady)], now())
        feed = Followed(name="okta", provider=OKTA, spool=spool)
        with Follow((feed,), folder / "state", folder / "out", folder / "evidence.parquet", clock=now) as follow:
            begun = time.perf_counter()
            while follow.step(now()) or follow.tick.lines:
                pass
            took = time.perf_counter() - begun
            console.print(
                f"catching up: {len(lines) - steady:,} lines ({sample.support:,} of support in all) in {took:.1f} s, "
                f"{(len(lines) - steady) / took:,.0f} lines/s, with {rows:,} rows of evidence"
            )
            stop = threading.Event()
            bringing = threading.Thread(target=bring, args=(spool, lines[-steady:], rate, stop))
            bringing.start()
            waits, steps, judged = [], [], 0
            begun = time.perf_counter()
            while bringing.is_alive() or follow.tick.lines:
                follow.step(now())
                if follow.tick.p99_ms is not None:
                    waits.append(follow.tick.p99_ms)
                    steps.append(follow.tick.seconds)
                    judged += follow.tick.lines
                stop.wait(0.05)
            bringing.join()
            took = time.perf_counter() - begun
        waits.sort()
        steps.sort()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        console.print(
            f"steady: {judged:,} lines at {judged / took:,.0f} lines/s, arrival to verdict p50 "
            f"{waits[len(waits) // 2]:.0f} ms, p99 {waits[len(waits) * 99 // 100]:.0f} ms, worst {waits[-1]:.0f} ms; "
            f"a step takes {steps[len(steps) // 2] * 1000:.0f} ms; peak {peak:.0f} MB"
        )


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*(given + [100, 5_000, 2_000][len(given) :]))
