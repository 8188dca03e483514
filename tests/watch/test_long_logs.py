"""A long log is read as a short one is, though its sign-ins stay where they were read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchword.watch.engine import Context, Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.signals import SHIPPED, read_signals
from watchword.watch.verdicts import Report

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LINES = 51_000
"""Of one log: more than what is short."""


def _line(number: int, log: str) -> bytes:
    """Sign-ins of a hundred people from home, some resets by an agent, and a sign-in from elsewhere after each."""
    user, is_reset, is_after = number % 100, number % 1000 == 500, number % 1000 == 600
    who = f"{log}-{user}"
    person = {"id": who, "type": "User", "alternateId": f"{who}@example.test"}
    agent = {"id": "agent-1", "type": "User", "alternateId": "agent@example.test"}
    event = {
        "uuid": f"{log}-{number}",
        "published": (START + timedelta(seconds=number)).isoformat(),
        "eventType": "user.account.reset_password" if is_reset else "user.session.start",
        "actor": agent if is_reset else person,
        "target": [person] if is_reset else None,
        "outcome": {"result": "SUCCESS"},
        "client": {"ipAddress": "198.51.100.7", "geographicalContext": {"country": "Chile" if is_after else "Chad"}},
        "authenticationContext": {"externalSessionId": f"s-{user}"},
    }
    return json.dumps(event).encode() + b"\n"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, tuple[Path, ...]]]:
    """Two long logs, and each in short parts."""
    folder = tmp_path_factory.mktemp("long")
    made = {}
    for log in ("one", "other"):
        lines = [_line(number, log) for number in range(LINES)]
        whole = folder / f"{log}.jsonl"
        whole.write_bytes(b"".join(lines))
        parts = tuple(folder / f"{log}-{part}.jsonl" for part in range(2))
        for part, file in enumerate(parts):
            file.write_bytes(b"".join(lines[part::2]))
        made[log] = (whole, parts)
    return made


def _judged(feeds: tuple[Feed, ...], since: datetime | None = None, threads: int = 2) -> Report:
    context = Context(signals=read_signals(SHIPPED), since=since)
    with Engine(threads=threads).judging(feeds, None, context) as (_, report):
        return report


def _said(report: Report) -> tuple[object, ...]:
    return report.lines, report.verdicts, report.hits, report.types, report.left_out, report.rejected_lines


@pytest.mark.parametrize("since", [None, START + timedelta(minutes=15)])
def test_long_logs_say_what_their_parts_say(
    logs: dict[str, tuple[Path, tuple[Path, ...]]], since: datetime | None
) -> None:
    """Of two directories, what signals find of sign-ins, and all else, is the same for long logs and short ones."""
    directories = {"one": "first", "other": None}
    long = tuple(Feed(provider=OKTA, directory=directories[log], files=(whole,)) for log, (whole, _) in logs.items())
    short = tuple(Feed(provider=OKTA, directory=directories[log], files=parts) for log, (_, parts) in logs.items())
    report = _judged(long, since)
    found = {hit.signal for hit in report.hits}
    assert "first_sign_in_elsewhere" in found
    assert _said(report) == _said(_judged(short, since))


def test_one_thread_finds_what_two_find(logs: dict[str, tuple[Path, tuple[Path, ...]]]) -> None:
    """Signals side by side find what they find one after the other."""
    feed = Feed(provider=OKTA, files=(logs["one"][0],))
    assert _said(_judged((feed,), threads=1)) == _said(_judged((feed,), threads=2))
