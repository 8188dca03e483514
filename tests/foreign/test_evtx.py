"""Windows' EVTX files, as the reader we use and one that shares nothing with it see them."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from evtx import PyEvtxParser

from watchword.watch.engine import Engine
from watchword.watch.verdicts import Report

from .evtx_file import evtx

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def _event(number: int, event: int, **data: str) -> str:
    inner = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>{event}</EventID>"
        f"<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2026-03-02T12:00:{number:02}.5Z'/>"
        f"<EventRecordID>{number}</EventRecordID><Channel>Security</Channel><Computer>dc1.example.test</Computer>"
        f"</System><EventData>{inner}</EventData></Event>"
    ).replace(" xmlns='http://schemas.microsoft.com/win/2004/08/events/event'", "")


def _change(number: int, event: int, target: str) -> str:
    return _event(
        number,
        event,
        SubjectUserSid="S-1-5-21-1-1100",
        SubjectUserName="agent",
        SubjectLogonId="0x3e8",
        TargetUserName=target,
        TargetSid=f"S-1-5-21-1-{target}",
        Note="ä &amp; 東 &lt;x&gt;",
    )


EVENTS = [_change(1, 4724, "ana"), _change(2, 4767, "ben"), _change(3, 4726, "cem"), _change(4, 4724, "dan")]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file of four events."""
    path = tmp_path / "Security.evtx"
    path.write_bytes(evtx(EVENTS, NOON))
    return path


def _read(log: Path) -> Report:
    return Engine().classify("windows", (log,))


def _members(event: ET.Element) -> list[tuple[str, dict[str, str], str]]:
    return [(each.tag.rpartition("}")[2], dict(each.attrib), (each.text or "").strip()) for each in event.iter()]


def _exported(log: Path) -> str:
    if (tool := shutil.which("evtxexport")) is None:
        pytest.skip("libevtx-utils is not installed")
    return subprocess.run([tool, "-f", "xml", log], check=True, capture_output=True, text=True).stdout


def test_two_readers_see_the_same_events(log: Path) -> None:
    """Libevtx and the `evtx` package give the same elements, attributes and texts of each record."""
    ours = [ET.fromstring(record["data"].encode()) for record in PyEvtxParser(str(log)).records() if record]
    text = _exported(log)
    theirs = list(ET.fromstring("<all>" + text[text.index("<Event>") :] + "</all>"))
    assert [_members(event) for event in ours] == [_members(event) for event in theirs]
    assert len(ours) == len(EVENTS)


def test_the_verdicts_are_those_on_what_the_other_reader_exports(log: Path, tmp_path: Path) -> None:
    """An EVTX file, and the XML that libevtx exports of it, have the same verdicts."""
    exported = tmp_path / "exported.xml"
    text = _exported(log)
    exported.write_text(text[text.index("<Event>") :])
    assert _read(log).verdicts == _read(exported).verdicts
    assert [row.target for row in _read(log).verdicts] == [
        f"S-1-5-21-1-{name}" for name in ("ana", "ben", "cem", "dan")
    ]


@pytest.mark.parametrize("where", [4096 + 512 + 40, 4096 + 512 + 200, 4096 + 8, 60, 4096 + 512 + 4])
def test_a_damaged_file_is_read_as_far_as_it_goes(log: Path, where: int) -> None:
    """Wrong bytes anywhere are kept aside with a reason, never a crash, and never an event made up."""
    content = bytearray(log.read_bytes())
    content[where : where + 8] = b"\xff" * 8
    log.write_bytes(content)
    report = _read(log)
    assert report.rejected_lines + len(report.verdicts) >= 1
    assert {row.target for row in report.verdicts} <= {f"S-1-5-21-1-{name}" for name in ("ana", "ben", "cem", "dan")}


def test_a_file_cut_short_is_no_crash(log: Path) -> None:
    """What is left of a file is read; a file of nothing but its head has no events."""
    content = log.read_bytes()
    for size in (100, 4096, 5000, 40000):
        log.write_bytes(content[:size])
        assert len(_read(log).verdicts) <= len(EVENTS)
