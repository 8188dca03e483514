"""Hostile names in every provider's log: what is printed and exported of them runs nowhere, and hides nothing."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.conftest import Here
from tests.cli.test_observe import Tags
from tests.watch.conftest import _write_log
from tests.watch.good_events import GOOD
from watchword.watch.providers import PROVIDERS

NAMES = (
    "=cmd|'/C calc'!A0",
    "@SUM(1)",
    "<script>alert(1)<|script>",
    "'); DROP TABLE event; --",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    'a"b;c\nd',
)
"""What somebody may call an account. No slash: it parts the members of a path."""

OBEYED = set("\x1b\x07\u202e")


def _logs(folder: Path) -> list[str]:
    """A log of each provider, in which every name has done something to every other, as `--log` takes it."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    times = {str: yesterday.strftime("%Y-%m-%dT%H:%M:%SZ"), int: int(yesterday.timestamp())}
    words = []
    for provider, good in GOOD.items():
        at = times[type(good.noon)]
        lines = [
            good(name.replace("/", "|"), actor=f"{other}{number}".replace("/", "|"), at=at, name=f"{name}{number}")
            for name in NAMES
            for number, other in enumerate(NAMES)
        ]
        words += ["--log", f"{provider}={_write_log(folder / f'{provider}.jsonl', lines)}"]
    return words


def test_hostile_names_of_any_provider_are_shown_and_never_obeyed(here: Here, tmp_path: Path) -> None:
    """Terminal, page and tables of one analysis over all logs: every act is in them, and no name is more than text."""
    out = tmp_path / "out"
    typed = here("watch", "observe", *_logs(tmp_path), "--out", str(out))
    assert typed.code == 0
    assert not OBEYED & set(typed.out + typed.err)

    page = (out / "report.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert not tags.seen & {"script", "img", "iframe", "object", "a", "form", "link"}
    assert not {name for name in tags.attributes if name.startswith("on") or name in {"href", "src"}}
    assert not OBEYED & set(page)

    for table in out.glob("*.csv"):
        with table.open(newline="") as opened:
            cells = [cell for row in csv.reader(opened) for cell in row]
        assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@|") and not re.fullmatch(r"-?[\d.]+", cell)]
        assert not (OBEYED | {"\n"}) & set("".join(cells))
    with (out / "events.csv").open(newline="") as opened:
        seen = {(row["directory"], row["target"]) for row in csv.DictReader(opened)}
    assert {directory for directory, _ in seen} == PROVIDERS.keys()
    assert all(len({target for of, target in seen if of == name}) == len(NAMES) for name in PROVIDERS), seen


def test_hostile_names_are_printed_as_text(here: Here, tmp_path: Path) -> None:
    """The verdicts on one log, whoever's: nothing in a name, a type or a rejected line is obeyed by a terminal."""
    words = _logs(tmp_path)[1::2]
    for word in words:
        provider, _, log = word.partition("=")
        with Path(log).open("a") as more:
            more.write('{"\x1b[2J": "\u202e')
        typed = here("watch", "classify", log, "--provider", provider)
        assert not OBEYED & set(typed.out + typed.err), provider
        shown = " ".join(typed.out.split())
        counted = re.search(r"50 lines: ([^.]*)\.", shown)
        assert counted is not None, provider
        assert sum(map(int, re.findall(r"\d+", counted[1]))) == len(NAMES) ** 2, shown
        assert "1 line(s) are no events" in shown, provider
