"""Verdict files: what is written is read again, whatever a log says, and writing loads no more than it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from watchword.core.identity_event import Verdict
from watchword.watch.verdicts import append_verdicts, latest_verdicts, read_verdicts, verdict_files

from .conftest import Okta
from .rows import HOSTILE, row

_WRITE = """
import sys
from pathlib import Path
import msgspec
from watchword.watch.verdicts import VerdictRow, append_verdicts
append_verdicts(Path(sys.argv[1]), [msgspec.json.decode(sys.stdin.read(), type=VerdictRow)])
print("pandas" in sys.modules)
"""


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Hostile and huge texts, texts that look like other things, the ends of the calendar and of integers, nothing."""
    first = datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    rows = (
        row(id="a", at=first, actor=HOSTILE, target="x" * 3_000_000, asn=2**53 + 1),
        row(id="b", actor="null", target="2026-03-02T12:00:00Z", address="", detail="1e3", action=None),
        row(id="c", at=last, verdict=Verdict.VERIFIED, reasons=(), leaves=(0, 2**63 - 1), folded=2**31 - 1),
    )
    append_verdicts(tmp_path, rows)
    assert latest_verdicts(tmp_path) == rows
    (file,) = verdict_files(tmp_path)
    assert {kept.id for kept in read_verdicts(file)} == {"a", "b", "c"}


def test_what_somebody_is_called_is_no_revision(tmp_path: Path) -> None:
    """A verdict that was written before logins were kept says the same with them; the next revision has them."""
    append_verdicts(tmp_path, [row(id="a")])
    (file,) = verdict_files(tmp_path)
    older = pq.read_table(file).drop_columns(["actor_login", "target_login"])
    pq.write_table(older, file)
    named = row(id="a", target_login="ana@example.test")
    assert append_verdicts(tmp_path, [named]) == ()
    assert latest_verdicts(tmp_path) == (row(id="a"),)
    (last,) = append_verdicts(tmp_path, [msgspec.structs.replace(named, verdict=Verdict.VERIFIED)])
    assert (last.revision, last.target_login) == (2, "ana@example.test")
    assert last.changed == ("verdict: unverified -> verified",)


def test_many_verdicts_keep_their_order(tmp_path: Path) -> None:
    """More rows than are made into a table at a time stand in the file in the order they were given in."""
    names = [f"{(number * 7919) % 20_011:05d}" for number in range(20_011)]
    append_verdicts(tmp_path, (row(id=name) for name in names))
    (file,) = verdict_files(tmp_path)
    assert [kept.id for kept in read_verdicts(file)] == names


def test_writing_loads_no_pandas(tmp_path: Path) -> None:
    """A process that writes verdicts does not import pandas, though it is installed here."""
    assert find_spec("pandas") is not None
    said = subprocess.run(
        [sys.executable, "-c", _WRITE, str(tmp_path)], input=msgspec.json.encode(row()), check=True, capture_output=True
    )
    assert said.stdout.split() == [b"False"]
    assert latest_verdicts(tmp_path) == (row(),)


_JUDGE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from watchword.watch.engine import Context, Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.tickets import read_tickets
folder = Path(sys.argv[1])
engine, feeds = Engine(), (Feed(provider=OKTA, files=(folder / "okta.jsonl",)),)
tickets, _ = read_tickets(folder / "tickets.csv")
with engine.judging(feeds, None, Context(accounts=folder / "accounts.csv", tickets=tickets)) as (_, report):
    print(report.lines, "pandas" in sys.modules)
"""


def test_accounts_and_tickets_load_no_pandas(tmp_path: Path, okta: Okta) -> None:
    """A process that judges by accounts and tickets does not import pandas, which takes longer than a small log."""
    (tmp_path / "okta.jsonl").write_text(json.dumps(okta()))
    (tmp_path / "accounts.csv").write_text("keys,class,since\n00uana|ana@example.test,standard,2026-01-01\n")
    (tmp_path / "tickets.csv").write_text("ticket,target,opened\nINC-1,ana@example.test,2026-03-02 11:00:00\n")
    said = subprocess.run([sys.executable, "-c", _JUDGE, str(tmp_path)], check=True, capture_output=True)
    assert said.stdout.split() == [b"1", b"False"]
