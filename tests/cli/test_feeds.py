"""`watchword watch follow` and `watchword watch sources`: over a real folder, and as a process that is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.cli.conftest import Here
from tests.cli.desk import WATCHWORD
from tests.watch.test_cloudtrail import call

EVENT = {
    "uuid": "u-1",
    "published": "2026-03-02T12:00:00.000Z",
    "eventType": "user.account.reset_password",
    "actor": {"id": "00uhelen"},
    "target": [{"id": "00uana", "type": "User"}],
    "outcome": {"result": "SUCCESS"},
}


def settings(home: Path) -> Path:
    """A watch over one folder, with nothing else beside it."""
    (home / "in").mkdir()
    config = home / "watchword.toml"
    config.write_text(
        '[ledger]\norigin = "example.test/desk"\n'
        '[watch.sources.files]\nkind = "folder"\nprovider = "okta"\npath = "in"\n'
        '[watch.sources.gone]\nkind = "tail"\nprovider = "okta"\npath = "gone.jsonl"\n'
    )
    return config


def put(home: Path, name: str, uuid: str, text: str = "") -> None:
    """A file that is settled already."""
    file = home / "in" / name
    file.write_text(text or json.dumps({**EVENT, "uuid": uuid}) + "\n")
    os.utime(file, (time.time() - 60, time.time() - 60))


def test_once_and_how_the_sources_are(here: Here, tmp_path: Path) -> None:
    """What is there is judged, the second time there is nothing; each source says how it is, and one is not well."""
    config = str(settings(tmp_path))
    put(tmp_path, "a.jsonl", "u-1")
    told = here("watch", "follow", "--config", config, "--once", "--json")
    assert (told.code, json.loads(told.out.splitlines()[0])["lines"]) == (0, 1)
    again = here("watch", "follow", "--config", config, "--once", "--json")
    assert json.loads(again.out.splitlines()[0])["lines"] == 0
    told = here("watch", "sources", "--config", config, "--json")
    files, gone = map(json.loads, told.out.splitlines())
    assert (files["state"], files["spooled"], files["provider"]) == ("ok", 1, "okta")
    assert (gone["state"], told.code) == ("failing", 1)
    assert "gone.jsonl is not there" in here("watch", "sources", "--config", config).out


def test_a_source_that_is_not_understood_is_not_well(here: Here, tmp_path: Path) -> None:
    """A source whose lines are another system's says so, and since when, to whoever asks and to the doctor."""
    config = str(settings(tmp_path))
    put(tmp_path, "a.jsonl", "u-1")
    file = tmp_path / "in" / "a.jsonl"
    file.write_text("not this provider's\n" * 30)
    os.utime(file, (time.time() - 60, time.time() - 60))
    here("watch", "follow", "--config", config, "--once")
    told = here("watch", "sources", "--config", config, "--json")
    files = json.loads(told.out.splitlines()[0])
    assert (files["state"], told.code) == ("strange", 1)
    assert "30 of 30 lines are nothing that okta is known to write, such as a line that is not JSON" in files["told"]
    found = json.loads(here("doctor", "--config", config, "--json").out)
    assert [one["state"] for one in found if one["part"] == "watch files"] == ["wrong"]


def test_several_tenants_in_a_source_are_told_to_whoever_follows_and_asks(here: Here, tmp_path: Path) -> None:
    """Once on the way; and by `sources` and the doctor, whose judgement that the source is well stays."""
    config = settings(tmp_path)
    text = config.read_text().split("[watch.sources.gone]")[0].replace("okta", "cloudtrail")
    config.write_text(text)
    file = tmp_path / "in" / "a.jsonl"
    calls = [call("DeleteLoginProfile", recipientAccountId=account, eventID=account) for account in ("111", "222")]
    file.write_text("".join(json.dumps(one) + "\n" for one in calls))
    os.utime(file, (time.time() - 60, time.time() - 60))
    told = here("watch", "follow", "--config", str(config), "--once")
    said = "The lines of files are of 2 tenants, and all were judged as its own: 111 (1), 222 (1)."
    assert (told.code, told.err.count(said)) == (0, 1)
    assert said not in here("watch", "follow", "--config", str(config), "--once").err

    told = here("watch", "sources", "--config", str(config), "--json")
    one = json.loads(told.out)
    assert (told.code, one["state"], one["tenants"]) == (0, "ok", {"111": 1, "222": 1})
    said = "its lines are of 2 tenants, and all are judged: 111 (1), 222 (1)"
    assert said in one["told"]
    found = json.loads(here("doctor", "--config", str(config), "--json").out)
    assert [said in one["told"] for one in found if one["part"] == "watch files"] == [True]

    config.write_text(text + 'tenants = ["111", "222"]\n')
    assert json.loads(here("watch", "sources", "--config", str(config), "--json").out)["tenants"] == {}


def test_nothing_to_follow_is_a_mistake(here: Here, tmp_path: Path) -> None:
    """Without a source there is nothing to do, and it is said where to name one."""
    config = tmp_path / "watchword.toml"
    config.write_text('[ledger]\norigin = "example.test/desk"\n')
    told = here("watch", "follow", "--config", str(config))
    assert (told.code, "watch.sources.NAME" in told.err) == (2, True)


def test_it_follows_until_it_is_told_to_end(tmp_path: Path) -> None:
    """A file that comes while it runs is judged within five seconds of its arrival; Ctrl-C ends it well."""
    config = settings(tmp_path)
    command = [str(WATCHWORD), "watch", "follow", "--config", str(config), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        following.stdout.readline()  # the first tick: it stands
        put(tmp_path, "b.jsonl", "u-2")
        ticks: list[dict[str, Any]] = []
        while not ticks or not ticks[-1]["lines"]:
            ticks.append(json.loads(following.stdout.readline()))
        following.send_signal(signal.SIGINT)
        assert following.wait(30) == 0
    assert ticks[-1]["p99_ms"] < 5000
    assert ticks[-1]["findings"] == 1
