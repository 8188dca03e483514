"""UTF-16 that no byte-order mark tells: read where it is that beyond doubt, told where it may be something else."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from watchword.watch.engine import Engine
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import provider_named
from watchword.watch.sources.folder import Folder
from watchword.watch.sources.spool import Spool
from watchword.watch.verdicts import Report

from .conftest import NOON, Okta
from .test_kept_aside import EVENT, HEAD, RENDERED, ROW
from .test_openldap import accesslog

Read = Callable[[str, str | bytes], tuple[Report, list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Classify a log of this; the report, and what was kept aside."""

    def found(provider: str, log: str | bytes) -> tuple[Report, list[str]]:
        file, side = tmp_path / "a.log", tmp_path / "rejects.jsonl"
        file.write_bytes(log if isinstance(log, bytes) else log.encode())
        report = Engine().classify(provider, (file,), rejects=side)
        return report, [json.loads(line)["text"] for line in side.read_text().splitlines()]

    return found


UNMARKED: dict[str, tuple[str, str]] = {
    "xml": ("windows", f"<Events>{EVENT}</Event>\r\n</Events>"),
    "xml lines": ("windows", (EVENT.replace("\n", " ") + "</Event>\r\n") * 2),
    "rendered": ("windows", ("03/02/2026 12:00:00 PM\r\n" + RENDERED.replace("Kode", "Code")) * 2),
    "table": ("okta", f"{HEAD}\r\n{ROW}\r\n"),
    "ldif": ("openldap", accesslog("pwdReset:= TRUE")),
}
"""Logs that are no lines of JSON."""


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", UNMARKED)
def test_utf_16_without_a_mark_is_read_where_that_is_sure(read: Read, form: str, encoding: str) -> None:
    """Whatever the form, as PowerShell and exporters of Windows write it: the same verdicts as of UTF-8."""
    provider, text = UNMARKED[form]
    expected, none = read(provider, text)
    assert (none, len(expected.verdicts) > 0) == ([], True)
    report, texts = read(provider, text.encode(encoding))
    assert (report.verdicts, report.lines, texts) == (expected.verdicts, expected.lines, [])


@pytest.mark.parametrize(
    "log",
    [
        (ROW.replace("u-mara", "u-\u03b1") + "\n").encode("utf-16-le"),
        "not an event\n".encode("utf-16-le") * 300,
        b"{\0" * 3000,
        b"\0" * 5000,
    ],
    ids=["other letters", "no event", "no line", "zeros"],
)
def test_what_may_not_be_utf_16_is_told_as_it_is(read: Read, log: bytes) -> None:
    """Other letters near the beginning, nothing of the provider's, or only zeros: rejected, and nothing guessed."""
    report, texts = read("okta", log)
    assert report.verdicts == ()
    assert report.rejected_lines == len(texts) > 0


def test_letters_beyond_the_beginning_are_read_too(read: Read, okta: Okta) -> None:
    """The first 4 KiB tell the encoding; what follows may have any letter."""
    name = "u-\u0107\u03b1\U0001f511"
    lines = [json.dumps(okta(target=target), ensure_ascii=False) for target in (*["u-ana"] * 30, name)]
    report, texts = read("okta", "\n".join(lines).encode("utf-16-le"))
    assert (name in {row.target for row in report.verdicts}, report.lines, texts) == (True, 31, [])


def test_utf_16_without_a_mark_is_read_where_it_is_followed(tmp_path: Path, okta: Okta) -> None:
    """In a folder and compressed, as in a file that is classified."""
    folder, at = tmp_path / "in", NOON + timedelta(days=1)
    folder.mkdir()
    (folder / "a.csv").write_bytes(f"{HEAD}\n{ROW}\n".encode("utf-16-le"))
    line = json.dumps(okta(target="u-ben"))
    (folder / "b.jsonl").write_bytes((line + "\n").encode("utf-16-be"))
    packed = tmp_path / "c.gz"
    packed.write_bytes(gzip.compress((line + "\n").encode("utf-16-le")))
    for file in folder.iterdir():
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    of = provider_named("okta")
    feed = Followed(name="in", provider=of, spool=Spool(tmp_path / "spool"), source=Folder(folder, of))
    with Follow((feed,), tmp_path / "state", tmp_path / "verdicts", clock=lambda: at) as follow:
        assert [row.target for row in follow.step(at)] == ["u-ana", "u-ben"]
        assert follow.tally.rejected == 0
    report = Engine().classify("okta", (packed,))
    assert ([row.target for row in report.verdicts], report.rejected_lines) == (["u-ben"], 0)
