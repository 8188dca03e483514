"""`/metrics`: of a console, an executor and a watch that really run, read over HTTP with Prometheus' own parser."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.conftest import Here
from tests.cli.desk import WATCHWORD, Desk, free_port, is_told
from tests.cli.test_feeds import EVENT, put, settings
from watchword.app import App, wall_clock
from watchword.cli.serving import serving
from watchword.desk.effects import LEASE
from watchword.ledger.append import Append, Draft
from watchword.ledger.store import EffectRow, Waiting
from watchword.metering.desk import OVERDUE
from watchword.settings import load

TOKEN = "sesame-opens-nothing-else"

Sample = tuple[str, frozenset[tuple[str, str]]]


def read(text: str) -> dict[Sample, float]:
    """Every sample by its name and labels."""
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


def scraped(url: str, **headers: str) -> dict[Sample, float]:
    """What is read from *url*."""
    answer = httpx2.get(f"{url}/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    return read(answer.text)


def until(url: str, wanted: Sample, least: float = 1) -> dict[Sample, float]:
    """What is read once *wanted* is at least *least*."""
    for _ in range(300):
        try:
            told = scraped(url)
        except httpx2.TransportError:
            told = {}
        if told.get(wanted, -1) >= least:
            return told
        threading.Event().wait(0.1)
    raise AssertionError(f"{wanted} is {told.get(wanted)}")


def measure(desk: Desk, text: str = "") -> None:
    """Add `[metrics]` with *text* to the settings."""
    with desk.config.open("a") as config:
        config.write(f"\n[metrics]\n{text}\n")


def guard(desk: Desk) -> None:
    """Ask for a token."""
    file = desk.home / "keys" / "metrics.token"
    file.touch(0o600)
    file.write_text(f"{TOKEN}\n")
    measure(desk, 'token_file = "keys/metrics.token"')


def test_it_is_not_there_unless_the_settings_say_so(desk: Desk) -> None:
    """Nothing is measured, and the address is one like any other that is not there."""
    with App(load(desk.config)) as app, serving(app, port=0) as url:
        assert httpx2.get(f"{url}/metrics").status_code == 404
        assert app.metrics is None


def test_a_running_console_tells_what_it_does(desk: Desk, here: Here) -> None:
    """A case that is opened and verified is in what Prometheus' parser reads, and nobody's name is."""
    measure(desk)
    with desk.served():
        before = scraped(desk.url)
        asked = ("case", "open", "tom.ashby", "unlock", "--reason", "x", "--location", "office", "--ticket", "I-1")
        case = here(*asked, "--json", login="ines").json
        assert here("case", "verify", str(case["case"]), "totp", login="ines").code == 0
        desk.answers_totp(case)
        httpx2.get(f"{desk.url}/nowhere/tom.ashby")
        httpx2.get(f"{desk.url}/static/tom.css")
        httpx2.get(f"{desk.url}/static/watchword.css")
        told = until(desk.url, sample("watchword_cases_open", stage="releasable"))

    assert told["watchword_append_seconds_count", frozenset()] > before["watchword_append_seconds_count", frozenset()]
    assert told["watchword_ledger_entries", frozenset()] > before["watchword_ledger_entries", frozenset()]
    assert sample("watchword_follower_behind_entries", follower="cases") in told
    assert told[sample("watchword_verifications_total", method="totp", outcome="begun")] == 1
    assert told[sample("watchword_verifications_total", method="totp", outcome="passed")] == 1
    assert told[sample("watchword_effects_overdue", kind="change")] == 0
    assert told[sample("watchword_http_requests_total", route="/api/cases", status="2xx")] == 1
    assert told[sample("watchword_http_requests_total", route="elsewhere", status="4xx")] >= 1
    assert {one: n for one, n in told.items() if one[0] == "watchword_scrape_errors" and n} == {}
    assert told[sample("watchword_threat_elevated")] == 0
    assert told[sample("watchword_reviews_overdue")] == 0
    assert told[sample("watchword_feed_blind", feed="log")] == 0
    assert told[sample("process_start_time_seconds")] > 0
    values = " ".join(value for _, labels in told for _, value in labels)
    assert not [name for name in ("tom", "ashby", "ines", str(case["case"]), "I-1", ".css") if name in values]


def test_without_a_token_only_this_machine_reads_it(desk: Desk) -> None:
    """Whoever comes through a proxy, or by another name, is refused, whatever they say of where they are."""
    measure(desk)
    with App(load(desk.config)) as app, serving(app, port=0) as url:
        scraped(url)
        for headers in (
            {"x-forwarded-for": "127.0.0.1"},
            {"x-forwarded-for": "192.0.2.7"},
            {"forwarded": "for=127.0.0.1"},
            {"host": "desk.example.test"},
            {"host": "127.0.0.1.example.test"},
        ):
            answer = httpx2.get(f"{url}/metrics", headers=headers)
            assert (answer.status_code, "watchword_" in answer.text) == (401, False), headers
        schema = httpx2.get(f"{url}/api/schema/openapi.json").text
        policy = httpx2.get(f"{url}/metrics").headers["content-security-policy"]
    assert '"/metrics"' not in schema
    assert "default-src 'none'" in policy


def test_with_a_token_nothing_else_counts(desk: Desk) -> None:
    """The token is shown as a bearer, whole; being on this machine is no longer enough."""
    guard(desk)
    with App(load(desk.config)) as app, serving(app, port=0) as url:
        scraped(url, authorization=f"Bearer {TOKEN}")
        for shown in ("", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN):
            assert httpx2.get(f"{url}/metrics", headers={"authorization": shown}).status_code == 401
        assert httpx2.get(f"{url}/metrics").status_code == 401


def test_a_token_that_is_no_secret_stops_the_start(desk: Desk, here: Here) -> None:
    """One that is short, or that others may read, is refused with what to do."""
    guard(desk)
    file = desk.home / "keys" / "metrics.token"
    file.write_text("short\n")
    assert is_told(here("serve"), 2, "16 or more letters and digits", "openssl rand -hex 32")
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o644)
    assert is_told(here("serve"), 2, "can be used by others (mode 0644)", "chmod 600")
    told = {one["part"]: one for one in here("doctor", "--json").json}
    assert (told["metrics"]["state"], told["ledger"]["state"]) == ("wrong", "ok")
    assert "metrics.token" in told["metrics"]["told"]
    file.chmod(0o600)
    told = {one["part"]: one for one in here("doctor", "--json").json}
    assert told["metrics"] == {
        "part": "metrics",
        "state": "ok",
        "told": "at /metrics of the console, for whoever shows the token",
    }


def test_a_part_that_can_not_answer_is_told_and_hides_nothing(desk: Desk) -> None:
    """Its series are absent, the others are there, and what failed has its name."""
    measure(desk)
    with App(load(desk.config)) as app, serving(app, port=0) as url:
        assert app.metrics is not None

        def broken() -> tuple[()]:
            raise OSError("no disk")

        app.metrics.ask("cases", broken)
        told = scraped(url)
    assert told[sample("watchword_scrape_errors", part="cases")] == 1
    assert told[sample("watchword_scrape_errors", part="ledger")] == 0
    assert "watchword_ledger_entries" in {name for name, _ in told}
    assert "watchword_reviews_owed" not in {name for name, _ in told}


def test_two_consoles_in_one_process_count_apart(desk: Desk) -> None:
    """What one does is not told by the other."""
    measure(desk)
    with App(load(desk.config)) as app:
        assert app.metrics is not None
        app.metrics.requests.labels("/x", "2xx").inc()
    with App(load(desk.config)) as again:
        assert again.metrics is not None
        assert b'route="/x"' not in again.metrics.text()


def test_effects_that_wait_are_counted_by_kind(desk: Desk) -> None:
    """What is due, what is overdue, and what is not due yet; one that somebody has in hand is not done either."""
    with App(load(desk.config)) as app:
        at = wall_clock()
        app.tick()
        rows = tuple(
            EffectRow(id=f"case/x/notice/{n}", stream="case/x", kind="notice", due_at=due)
            for n, due in enumerate((at - 2 * OVERDUE, at, at + OVERDUE))
        )
        last = next(iter(app.ledger.entries(app.ledger.size - 1)))
        draft = Draft(type="x.happened", at=at, actor=last.entry.actor, data={})
        app.ledger.append((Append(stream="case/x", expected_version=-1, drafts=(draft,)),), rows)
        assert app.ledger.waiting(at, OVERDUE) == (Waiting(kind="notice", due=2, overdue=1),)
        assert len(app.ledger.claim(at, "me", LEASE, ("notice",))) == 1
        assert app.ledger.waiting(at, OVERDUE) == (Waiting(kind="notice", due=2, overdue=1),)


def test_a_watch_that_follows_tells_what_it_reads(tmp_path: Path) -> None:
    """Lines, verdicts, silence and time to a verdict, on the address of the settings, until it ends in order."""
    config, port = settings(tmp_path), free_port()
    with config.open("a") as more:
        more.write(f'[metrics]\nfollow = "127.0.0.1:{port}"\n')
    put(tmp_path, "a.jsonl", "u-1")
    url = f"http://127.0.0.1:{port}"
    command = [str(WATCHWORD), "watch", "follow", "--config", str(config), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        told = until(url, sample("watchword_verdicts_total", verdict="unverified"))
        put(tmp_path, "b.jsonl", "u-2", text="no event\n")
        later = until(url, sample("watchword_lines_rejected_total", provider="okta"))
        assert httpx2.get(f"{url}/").status_code == 404
        assert httpx2.get(f"{url}/metrics", headers={"host": "desk.example.test"}).status_code == 401
        following.send_signal(signal.SIGINT)
        assert following.wait(30) == 0
    assert told[sample("watchword_lines_read_total", provider="okta")] == 1
    assert told[sample("watchword_verdicts_total", verdict="unverified")] == 1
    assert told[sample("watchword_verdicts_total", verdict="verified")] == 0
    assert told[sample("watchword_watch_step_seconds_count")] >= 1
    assert told[sample("watchword_verdict_latency_seconds_count")] >= 1
    assert told[sample("watchword_feed_blind", feed="files")] == 0
    assert 0 <= told[sample("watchword_feed_silence_seconds", feed="files")] < 120
    assert later[sample("watchword_lines_rejected_total", provider="okta")] == 1
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{url}/metrics")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Where something else listens, the watch does not start, and says which setting to change."""
    config = settings(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with config.open("a") as more:
            more.write(f'[metrics]\nfollow = "127.0.0.1:{taken.getsockname()[1]}"\n')
        told = subprocess.run(
            [WATCHWORD, "watch", "follow", "--config", config], capture_output=True, text=True, timeout=60, check=False
        )
    assert told.returncode == 4
    assert "can not be listened on" in told.stderr
    assert "under [metrics]" in " ".join(told.stderr.split())


def test_an_executor_tells_what_it_does(shared_desk: Desk) -> None:
    """An executor alone has a page of metrics where the settings name an address, and no other port."""
    port = free_port()
    measure(shared_desk, f'execute = "127.0.0.1:{port}"')
    with shared_desk.process("execute", until=""):
        told = until(f"http://127.0.0.1:{port}", sample("watchword_ledger_entries"))
    assert told[sample("watchword_effects_due", kind="change")] == 0
    assert not [name for name, _ in told if name.startswith(("watchword_feed", "watchword_output"))]


def test_how_far_outputs_are_is_told(desk: Desk) -> None:
    """What waits for a receiver is counted without a question to it, and is none once it has all."""
    with desk.config.open("a") as config:
        config.write('\n[watch.outputs.kept]\nkind = "lines"\npath = "kept.jsonl"\neverything = true\n')
    measure(desk)
    (desk.home / "audit.jsonl").write_text(json.dumps(EVENT) + "\n")
    with App(load(desk.config)) as app, serving(app, port=0) as url:
        app.watch()
        delivering = app.delivering()
        waits = scraped(url)[sample("watchword_output_behind", output="kept")]
        with delivering:
            for _ in range(100):
                told = scraped(url)
                if not told[sample("watchword_output_behind", output="kept")]:
                    break
                threading.Event().wait(0.1)
    assert waits >= 1
    assert told[sample("watchword_output_behind", output="kept")] == 0
    assert told[sample("watchword_output_failing", output="kept")] == 0
    assert told[sample("watchword_findings_open", severity="critical")] >= 0
