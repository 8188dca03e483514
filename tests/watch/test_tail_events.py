"""A log that is tailed and has events of Windows over many lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchword.watch.engine import Engine
from watchword.watch.providers import WINDOWS
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.tail import Tail

from .test_files import lines_in
from .test_windows_unsure import Shape, _changed, _splunk, _viewer


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("shape", [_splunk, _viewer])
def test_a_log_that_is_tailed_gives_whole_events(tmp_path: Path, shape: Shape, encoding: str) -> None:
    """However it grows, also over a start; the last is one when another begins, or when nothing comes any more."""
    log, spool = tmp_path / "security.log", Spool(tmp_path / "spool")
    said = shape(4738, _changed()) + "\n" + shape(4738, _changed("Ĺines\nLog Name: x\nLogName=Security"))
    text = (said + "\n" + shape(4738, _changed(password="-"))).encode(encoding)
    for begin in range(0, len(text), 701):
        with log.open("ab") as out:
            out.write(text[begin : begin + 701])
        _pull(log, spool, timedelta(seconds=1))
    assert len(lines_in(spool.folder)) == 2
    _pull(log, spool, timedelta(seconds=3))
    spooled = lines_in(spool.folder)
    assert len(spooled) == 3
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"".join(line + b"\n" for line in spooled))
    report = Engine().classify("windows", (lines,))
    assert (report.lines, report.rejected_lines) == (3, 0)


def _pull(log: Path, spool: Spool, after: timedelta) -> None:
    """Read what it gained, so long *after* it did, as a process of its own does."""
    source = Tail(log, WINDOWS)
    source.pull(spool, datetime.fromtimestamp(log.stat().st_mtime, UTC) + after)
    source.close()
