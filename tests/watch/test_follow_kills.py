"""SIGKILL of a real follower before and after what it does to the disk: nothing is lost, nothing is told twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from watchword.core.evidence import EvidenceRow
from watchword.watch.sources.spool import Position, Spool

from .conftest import Okta

VICTIM = Path(__file__).with_name("follow_victim.py")
SIGKILLED = -9


def start(folder: Path, at: int) -> subprocess.Popen[str]:
    """A follower that kills itself at its *at*th moment."""
    return subprocess.Popen(
        [sys.executable, str(VICTIM), str(folder), str(at)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(victim: subprocess.Popen[str]) -> tuple[int, int]:
    """Exit code, and how many moments it counted."""
    out, error = victim.communicate(timeout=120)
    assert victim.returncode in {0, SIGKILLED}, error
    return victim.returncode, int(out.split()[0]) if victim.returncode == 0 else 0


def told(folder: Path) -> list[tuple[str, int, str]]:
    """Every verdict ever written, with its revision."""
    files = sorted((folder / "out").glob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    return sorted((row["id"], row["revision"], row["verdict"]) for row in rows)


def spooled(folder: Path) -> list[bytes]:
    """Every line that counts."""
    spool, at, lines = Spool(folder / "spool"), Position(), []
    while (part := spool.read(at)) is not None:
        lines += part.read().splitlines()
        at = part.until
    return lines


def test_killed_before_and_after_writes(
    tmp_path: Path,
    okta: Okta,
    evidence: Callable[..., EvidenceRow],
    write_log: Callable[..., Path],
    write_evidence: Callable[..., Path],
) -> None:
    """Whoever goes on after the kill comes to what would have been told without it, each verdict once."""
    ready = tmp_path / "ready"
    ready.mkdir()
    events = [okta(target=f"00u{n % 7}", after=n, transaction={"id": f"t-{n // 2}"}) for n in range(12)]
    write_log(ready / "log.jsonl", events)
    write_evidence(ready / "evidence.parquet", [evidence("00u0")])
    calm = shutil.copytree(ready, tmp_path / "calm")
    code, moments = finish(start(calm, 0))
    assert code == 0
    assert moments > 20
    expected = told(calm)
    assert len({each[0] for each in expected}) == 12

    wrong = []
    points = range(1, moments + 1, max(moments // 15, 1))
    for first in range(0, len(points), 4):  # a few at a time: most of a victim's life is its imports
        homes = {at: shutil.copytree(ready, tmp_path / str(at)) for at in points[first : first + 4]}
        killed = {at: start(home, at) for at, home in homes.items()}
        assert {finish(victim)[0] for victim in killed.values()} == {SIGKILLED}
        again = {at: start(home, 0) for at, home in homes.items()}
        for at, victim in again.items():
            assert finish(victim)[0] == 0
            if told(homes[at]) != expected:
                wrong.append((at, told(homes[at])))
            lines = [json.loads(line)["uuid"] for line in spooled(homes[at])]
            assert lines == [event["uuid"] for event in events], at
            shutil.rmtree(homes[at])
    assert not wrong
