"""`watchword watch classify`: verdicts as a table and as lines, and an exit code that says whether any is a finding."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from tests.cli.conftest import Here
from tests.cli.desk import WATCHWORD, Desk, is_told
from tests.watch.rows import NOON, row
from watchword.app import App, wall_clock
from watchword.core.identity_event import Verdict
from watchword.settings import load
from watchword.watch.outputs.delivery import Delivery, Unconnected
from watchword.watch.verdicts import append_verdicts

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "watch" / "samples"
OKTA = ROOT / "tests" / "watch" / "golden" / "okta.jsonl"


def zstd(data: bytes) -> bytes:
    """*data*, compressed."""
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def classify(provider: str, *words: str | Path) -> tuple[str, ...]:
    """The words of one command."""
    return ("watch", "classify", "--provider", provider, *map(str, words))


def test_a_finding_exits_with_one(here: Here) -> None:
    """A reset that nothing speaks for is a row of the table, and the exit code says that there is a finding."""
    typed = here(*classify("samba", SAMPLES / "samba_reset_by_administrator.jsonl"))

    assert typed.code == 1
    assert "unverified" in typed.out
    assert "No evidence was given (--evidence)" in typed.out


def test_nothing_found_exits_with_zero(here: Here) -> None:
    """People who change their own password are no finding."""
    typed = here(*classify("samba", SAMPLES / "samba_self_change.jsonl"))

    assert typed.code == 0
    assert "self_service" in typed.out


def test_verdicts_are_lines_of_json(here: Here) -> None:
    """With --json each line of the answer is one verdict, and nothing else is printed there."""
    typed = here(*classify("okta", OKTA, "--json"))
    rows = [json.loads(line) for line in typed.out.splitlines()]

    assert typed.code == 1
    assert len(rows) > 5
    assert all(row["verdict"] and row["at"] for row in rows)


def test_a_file_that_breaks_off_exits_with_one(here: Here, tmp_path: Path) -> None:
    """What is there is judged; which file was not read to its end, and why, is told beside it, also with --json."""
    whole = zstd(b"".join(line + b"\n" for line in OKTA.read_bytes().splitlines() for _ in range(400)))
    log = tmp_path / "cut[red].zst"
    log.write_bytes(whole[: len(whole) // 2])
    for words in ((), ("--json",)):
        typed = here(*classify("okta", log, *words))
        assert typed.code == 1
        assert typed.out
        assert "not read to its end" in typed.err
        assert "cut[red].zst: the compressed file breaks off here: " in typed.err.replace("\n", "")


def test_what_files_may_unpack_to_is_a_setting(here: Here, tmp_path: Path) -> None:
    """A file that unpacks to more than the settings allow is told and not read, with exit code 1."""
    settings, log = tmp_path / "watchword.toml", tmp_path / "log.zst"
    settings.write_text('[ledger]\norigin = "example.test/bomb"\n[watch]\nunpack_mib = 1\nunpack_ratio = 20\n')
    log.write_bytes(zstd(OKTA.read_bytes().splitlines()[0] + b"\n" + b"\n" * (2 << 20)))
    typed = here(*classify("okta", log, "--json", "--config", str(settings)))
    assert (typed.code, typed.out) == (1, "")
    assert "unpacks to more than 1,048,576, and is not read" in typed.err.replace("\n", "")
    assert here(*classify("okta", log, "--json")).err == ""


def test_the_log_of_another_provider_is_told(here: Here, tmp_path: Path) -> None:
    """A log that is mostly nothing of its provider is asked about, with exit code 1; its markup is shown as it is."""
    log = tmp_path / "log.jsonl"
    log.write_text('{"eventType": "[/not.known]"}\n' * 3)
    typed = here(*classify("okta", log))
    assert "[/not.known]: 3 line(s)" in typed.out
    for told in (typed, here(*classify("okta", log, "--json"))):
        assert told.code == 1  # nothing was judged, which is not that nothing was found
        assert "3 of 3 lines of " in told.err
        assert "is it the log of another provider?" in " ".join(told.err.split())


def test_tickets_cells_and_a_beginning(here: Here, tmp_path: Path) -> None:
    """A ticket speaks for the event it is about, but not in an enforced cell; what is of before --since is left out."""
    tickets = tmp_path / "tickets.csv"
    tickets.write_text("ticket,target,action,opened\nINC7,00uana,password reset,2026-03-02T11:55:00Z\n")
    settings = tmp_path / "watchword.toml"
    settings.write_text(
        '[ledger]\norigin = "example.test/classify"\n[[watch.enforce]]\naction = "password_reset"\nsince = 2026-03-01\n'
    )
    words = classify("okta", OKTA, "--tickets", tickets)

    verdicts = [
        (row["verdict"], row["ticket"])
        for typed in (here(*words, "--json"), here(*words, "--json", "--config", str(settings)))
        for row in map(json.loads, typed.out.splitlines())
        if (row["target"], row["action"]) == ("00uana", "password.reset")
    ]
    late = here(*words, "--since", "2026-03-02T12:05:00")

    assert verdicts == [("ticketed", "INC7"), ("unverified", "INC7")]
    assert "00uana" not in late.out
    assert "left out" in late.out


def test_lines_that_are_no_events_are_kept(here: Here, tmp_path: Path) -> None:
    """Broken lines are counted, the first is named, and all are written aside with file and line."""
    log = tmp_path / "broken.jsonl"
    log.write_bytes(OKTA.read_bytes() + b"{ half\nnot json\n")
    typed = here(*classify("okta", log, "--rejects", tmp_path / "aside.jsonl"))
    aside = [json.loads(line) for line in (tmp_path / "aside.jsonl").read_text().splitlines()]

    assert typed.code == 1
    assert f"{len(aside)} line(s) are no events" in typed.out
    assert [row["text"].strip() for row in aside][-2:] == ["{ half", "not json"]
    assert all(row["line"] > 0 and row["file"] == str(log) for row in aside)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (classify("okta"), "FILES"),
        (classify("okta", "nowhere.jsonl"), "nowhere.jsonl"),
        (classify("abacus", OKTA), "abacus"),
        (classify("okta", OKTA, "--evidence", "nowhere.parquet"), "nowhere.parquet"),
        (classify("okta", OKTA, "--evidence", OKTA), "okta.jsonl"),
        (classify("okta", OKTA, "--accounts", "nowhere.csv"), "nowhere.csv"),
        (classify("okta", OKTA, "--rejects", "no/such/folder.jsonl"), "no/such/folder.jsonl"),
        (classify("okta", SAMPLES), "samples"),
    ],
)
def test_bad_input_is_told(here: Here, words: tuple[str, ...], told: str) -> None:
    """What is not there, or is not what it should be, is named; the exit code is that of the caller's mistake."""
    assert is_told(here(*words), 2, told)


def test_terminal_codes_in_a_log_are_not_obeyed(here: Here, tmp_path: Path) -> None:
    """A log that somebody wrote escape sequences into does not paint on the terminal of who reads it."""
    log = tmp_path / "painted.jsonl"
    code, sign_in = "\\u001b[2J", '"alternateId": "'
    for text, painted in (
        (OKTA.read_text().replace("00uagent", f"{code}00uagent").replace(sign_in, '"another": "'), "\\x1b[2J00uagent"),
        (OKTA.read_text().replace(sign_in, f"{sign_in}{code}"), "\\x1b[2j"),  # logins are lower case
    ):
        log.write_text(text)
        shown = here(*classify("okta", log)).out
        assert painted in shown
        assert "\x1b" not in shown


@pytest.fixture
def told(desk: Desk) -> Desk:
    """A desk that kept two verdicts, and tells them to a file."""
    append_verdicts(desk.home / "verdicts", [row(), row(id="u-0002", verdict=Verdict.VERIFIED)])
    config = desk.home / "watchword.toml"
    config.write_text(f'{config.read_text()}\n[watch.outputs.siem]\nkind = "lines"\npath = "alerts.jsonl"\n')
    return desk


@pytest.mark.parametrize(("name", "lines"), [("ocsf", 2), ("bulk", 4), ("cef", 2), ("jsonl", 2)])
def test_kept_verdicts_are_exported(here: Here, told: Desk, tmp_path: Path, name: str, lines: int) -> None:
    """One message a line in the format asked for, to a file that was not there; alerts alone where that is asked."""
    words = ("watch", "export", "--config", str(told.home / "watchword.toml"), "--format", name)
    assert here(*words, "--to", str(tmp_path / "out")).code == 0
    assert len((tmp_path / "out").read_bytes().splitlines()) == lines
    assert here(*words, "--alerts", "--to", str(tmp_path / "alerts")).code == 0
    assert len((tmp_path / "alerts").read_bytes().splitlines()) == lines // 2
    assert here(*words, "--to", str(tmp_path / "out")).code == 2
    assert here(*words[:-1], "leef").code == 2


def test_findings_are_exported(told: Desk, here: Here) -> None:
    """Each step of a finding's life is a message as an output of the format has it; who may not see it gets none."""
    with App(load(told.home / "watchword.toml")) as app:
        (made,) = app.findings.take((row(),), (), wall_clock())
        app.findings.triage(made, app.names.person("root"), wall_clock())
    words = ("watch", "export", "--findings", "--format", "bulk")
    typed = here(*words, login="ada")
    documents = [json.loads(line) for line in typed.out.splitlines()]

    assert typed.code == 0, typed.err
    assert [one["create"]["_id"] for one in documents[::2]] == [f"{made}/1", f"{made}/2"]
    assert [one["watchword"]["status"] for one in documents[1::2]] == ["new", "triaged"]
    tomorrow = f"{wall_clock() + timedelta(days=1):%Y-%m-%d}"
    assert here(*words, "--since", tomorrow, login="ada").out == ""
    assert "nothing here that you may see" in here(*words, login="tom").err
    assert "Add --as LOGIN" in here(*words).err


def test_a_reader_that_has_enough_is_no_fault(told: Desk) -> None:
    """A pipe whose other end is closed ends the export without a word."""
    config = str(told.home / "watchword.toml")
    append_verdicts(told.home / "verdicts", [row(id=f"u-{n:05d}") for n in range(2000)])
    command = f"{WATCHWORD} watch export --config {config} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)


def test_outputs_say_how_far_they_are(here: Here, told: Desk) -> None:
    """What waits is counted without sending any of it."""
    typed = here("watch", "outputs", "--config", str(told.home / "watchword.toml"), "--json")
    (state,) = json.loads(typed.out)
    assert (typed.code, state["name"], state["sent"], state["behind"], state["held"]) == (0, "siem", 0, 1, [])
    assert not (told.home / "alerts.jsonl").exists()


def test_an_output_with_a_fault_is_told(here: Here, told: Desk) -> None:
    """What nobody foresaw stands in the list with the next try, and the exit code says that somebody has to look."""
    Delivery("siem", Unconnected(), told.home / "verdicts", told.home / "outputs").fail(NOON, "A fault of the test.")
    typed = here("watch", "outputs", "--config", str(told.home / "watchword.toml"))
    assert typed.code == 1
    assert "A fault of the test. (again at 12:00:0" in " ".join(typed.out.split())


def test_signals_are_listed_and_their_cases_hold(here: Here) -> None:
    """Every signal is a line; with --check their cases run, and those of a folder of one's own as well."""
    listed = here("watch", "signals")
    checked = here("watch", "signals", "--check")

    assert "repeated_recovery" in listed.out
    assert checked.code == 0
    assert "0 of them do not hold" in checked.out


def test_a_case_that_does_not_hold_exits_with_one(here: Here, tmp_path: Path) -> None:
    """A signal of one's own whose case is wrong is named, and the exit code says so."""
    shipped = ROOT / "src" / "watchword" / "watch" / "signals" / "repeated_recovery.sql"
    (tmp_path / "mine.sql").write_text(shipped.read_text())
    (tmp_path / "mine.cases.yaml").write_text(
        "positive: [{why: once, happened: [{action: password.reset}], hits: [{event: e1}]}]\nnegative: [{why: none}]\n"
    )
    typed = here("watch", "signals", "--check", "--folder", str(tmp_path))

    assert typed.code == 1
    assert "does not hold mine: once" in typed.out


def test_campaigns_and_sigma_beside_verdicts(here: Here, tmp_path: Path) -> None:
    """With --signals and --sigma what was found is grouped, and rules that can not run are named."""
    (tmp_path / "good.yml").write_text(
        "title: Any reset\nlogsource: {product: okta}\nlevel: low\n"
        "detection:\n  sel: {eventType|contains: reset}\n  condition: sel\n"
    )
    (tmp_path / "odd.yml").write_text("title: [")
    typed = here(*classify("okta", OKTA, "--signals", "--sigma", tmp_path))

    assert typed.code == 1
    assert "Campaigns" in typed.out
    assert "could not look" in typed.out
    assert "sigma.good" in typed.out
    assert "odd.yml" in typed.err
