"""The page of the watch, typed line by line, on the files that it shows."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, commands
from watchword.app import App
from watchword.cli.main import main
from watchword.feeds import EnforcePart
from watchword.settings import load
from watchword.watch.verdicts import REASONS

PAGE = ROOT / "docs" / "watch.md"
NAMED = {"csv": ("tickets.csv", "accounts.csv"), "toml": ("groups.toml", "enforce.toml", "alert.toml")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files the page shows, and a log of yesterday."""
    text = PAGE.read_text(encoding="utf-8")
    for language, names in NAMED.items():
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for name, block in zip(names, blocks, strict=True):
            (tmp_path / name).write_text(block, encoding="utf-8")
    reset = {
        "uuid": "u-1",
        "published": f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%S}.000Z",
        "eventType": "user.account.reset_password",
        "actor": {"id": "00ugus", "alternateId": "gus.gone@example.test"},
        "outcome": {"result": "SUCCESS"},
        "target": [{"id": "00ucem", "type": "User", "alternateId": "cem.can@example.test"}],
    }
    (tmp_path / "okta.jsonl").write_text(json.dumps(reset) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


LISTED = "watchword watch accounts --directory"
"""Takes a directory that can be listed: typed in tests/real/test_directory_read.py."""


def test_what_the_page_shows_can_be_typed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each whole command works on the files of the page, and ends in a report or in a finding."""
    lines = [
        line
        for line in dict.fromkeys(commands(PAGE, "watchword"))
        if line not in ("watchword", "watchword serve") and not line.startswith(LISTED)
    ]
    assert len(lines) >= 4
    secret = _private(folder / "password", "not-a-real-password")
    monkeypatch.setenv("WATCHWORD_PASSWORD_FILE", str(secret))
    for line in lines:
        words = line.split()[1:]
        if words[:2] == ["people", "password"]:
            words += ["--new-password-file", str(secret)]
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == (1 if "classify" in line else 0), line
        if words[0] == "init":
            _configure(folder)
    shown = capsys.readouterr().out
    assert "Nothing to look at." in shown  # nobody served yet
    assert "who did it used the account of somebody who has left" in shown
    assert "group Domain Admins fits *admins*, the strictest of 2" in shown
    assert (folder / "report" / "report.html").stat().st_size > 5000
    with App(load(folder / "watchword.toml")) as app:  # what `watchword serve` does, once
        app.watch()
        app.telling.deliveries[0].step(datetime.now(UTC))
    told = [json.loads(line) for line in (folder / "alerts.jsonl").read_text("utf-8").splitlines()]
    assert [one["class_uid"] for one in told] == [2004, 2004]
    assert [one["finding_info"]["uid"][:2] for one in told] == ["u-", "f-"]


def _private(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    return path


def _configure(folder: Path) -> None:
    """Have the settings say what the page says, beside what they said."""
    config, block = folder / "watchword.toml", (folder / "alert.toml").read_text("utf-8")
    watch, outputs = block.split("\n\n", 1)
    before, after = config.read_text("utf-8").split("[watch]\n")
    kept = [line for line in after.splitlines() if not line.startswith(("provider", "log", "directory"))]
    config.write_text("\n".join((before + watch, *kept, outputs)), encoding="utf-8")
    _private(folder / "keys" / "splunk.token", "not-a-real-token")


def test_the_cell_of_the_page_is_one() -> None:
    """The settings that the page shows for a cell are those there are."""
    block = re.findall(r"^\[\[watch\.enforce\]\]\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    assert set(re.findall(r"^(\w+) =", block, re.MULTILINE)) <= set(EnforcePart.model_fields)


def test_every_reason_the_page_names_is_one() -> None:
    """What the table of verdicts calls a reason is one that rows have."""
    table = PAGE.read_text("utf-8").partition("| verdict |")[2].partition("A verdict may change")[0]
    named = set(re.findall(r"`([a-z_0-9]+(?::…)?)`", table)) - {"reasons"}
    verdicts = {
        "verified",
        "out_of_policy",
        "unverified",
        "suspicious",
        "ticketed",
        "downtime",
        "self_service",
        "ignored",
    }
    assert len(named - verdicts) > 10
    assert not [one for one in named - verdicts if one not in REASONS and one != "missing:…"]
