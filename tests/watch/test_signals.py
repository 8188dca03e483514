"""Each signal: its cases hold, its metadata is whole, its runbook is written; and all of them over a real judgement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.watch.conftest import EXECUTOR, NOON, Okta
from watchword.core.errors import Invalid
from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Verdict
from watchword.core.ids import CaseId
from watchword.desk.activity import ARROW_SCHEMA
from watchword.watch.campaigns import campaigns, items_of
from watchword.watch.engine import Engine
from watchword.watch.providers import Feed, provider_named
from watchword.watch.signals import SHIPPED, Hit, Signal, read_signal, read_signals, tuned
from watchword.watch.signals.cases import check, file_of
from watchword.watch.verdicts import Report

SIGNALS = read_signals(SHIPPED)
DOCS = Path(__file__).parents[2] / "docs" / "watch" / "signals.md"

WHOLE = """/*
title = "A title"
says = "{native}"
runbook = "mine"
attack = ["T1098"]
severity = "low"
window = "1 h"
false_positives = "None."
needs = ["happened"]

[parameters]
least = 2
*/
SELECT id AS event, "target", actor, "time", native_action AS native FROM happened WHERE $least > 1
"""


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_cases_hold(signal: Signal) -> None:
    """A signal fires on each positive case, with exactly the hits it expects, and on no negative one."""
    cases, failed = check(signal)

    assert cases >= 2
    assert not failed


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_words_are_facts(signal: Signal) -> None:
    """Whatever the line of evidence names is a column of the query."""
    for word in re.findall(r"\{(\w+)\}", signal.says):
        assert re.search(rf'\b{word}\b|"{word}"', signal.query), word


def test_every_signal_is_of_its_own() -> None:
    """There are no fewer than the thirty that are promised, and no two have one title."""
    assert len(SIGNALS) >= 30
    assert len({s.title for s in SIGNALS}) == len(SIGNALS)


def test_every_signal_has_a_runbook() -> None:
    """The runbook anchor of each signal is a heading of the documentation."""
    headings = {
        re.sub(r"[^\w-]", "", line[4:].strip()) for line in DOCS.read_text("utf-8").splitlines() if line[:4] == "### "
    }

    assert {s.runbook for s in SIGNALS} - headings == set()


def _written(value: object) -> str:
    """A parameter as the documentation writes it."""
    if isinstance(value, timedelta):
        units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
        seconds = int(value.total_seconds())
        return next(f"{seconds // size} {unit}" for unit, size in units.items() if seconds % size == 0)
    if isinstance(value, dict):
        return "nothing" if not value else str(value)
    if isinstance(value, list):
        return ", ".join(f"`{each}`" for each in value)
    return str(value) if not isinstance(value, str) else f"`{value}`" if value else "nothing"


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_runbook_says_what_its_signal_does(signal: Signal) -> None:
    """What the documentation says of it is its own: title, severity, techniques, tables, what to do, and the rest."""
    section = DOCS.read_text("utf-8").partition(f"### {signal.runbook}\n")[2].partition("\n### ")[0].splitlines()
    parameters = ", ".join(f"`{name}` {_written(value)}" for name, value in signal.parameters.items())

    assert (
        f"**{signal.title}** · {signal.severity} · {', '.join(signal.attack)} · reads {', '.join(signal.needs)}"
        in section
    )
    assert f"False positives: {signal.false_positives}" in section
    told = " ".join(section).replace("*blind since*", "blind since")
    assert signal.response
    assert f" {signal.response} " in told
    assert [line for line in section if line.startswith("Parameters:")] == (
        [f"Parameters: {parameters}."] if parameters else []
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ('severity = "low"', 'severity = "loud"', 6, "severity"),
        ('window = "1 h"', 'window = "soon"', 7, "window"),
        ('attack = ["T1098"]', 'attack = ["T10"]', 5, "attack"),
        ('title = "A title"', 'title = "A', 2, "TOML"),
        ('title = "A title"', 'tilte = "A title"', 1, "title"),
        ("least = 2", "most = 2", 14, "least is no parameter"),
        ("$least > 1", "true", 12, "Nothing uses least"),
        ("/*\n", "-- no header\n", 1, "metadata"),
    ],
)
def test_a_wrong_header_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, what: str) -> None:
    """What is wrong with a signal of one's own is told with file, line and field."""
    file = tmp_path / "mine.sql"
    file.write_text(WHOLE.replace(old, new))

    with pytest.raises(Invalid, match=what) as told:
        read_signal(file)
    assert told.value.where == f"{file}:{line}"


def test_broken_sql_names_the_file(tmp_path: Path) -> None:
    """SQL that does not run, or gives no hit, is told as the fault of its signal."""
    for query in ("SELECT FROM nowhere", 'SELECT id AS event, "time" FROM happened'):
        file = tmp_path / "mine.sql"
        file.write_text(WHOLE.rpartition("*/\n")[0].replace("least = 2", "") + "*/\n" + query)
        file.with_suffix(".cases.yaml").write_text(
            "positive: [{why: one, happened: [{action: password.reset}], hits: [{event: e1}]}]\n"
            "negative: [{why: none}]\n"
        )

        with pytest.raises(Invalid) as told:
            check(read_signal(file))
        assert told.value.where == str(file)


def test_cases_of_both_kinds_are_demanded(tmp_path: Path) -> None:
    """A signal without cases, without a negative one, or with a positive one that expects nothing is refused."""
    file = tmp_path / "mine.sql"
    file.write_text(WHOLE)
    signal = read_signal(file)

    with pytest.raises(Invalid, match="no cases"):
        check(signal)
    for text in (
        "positive: [{why: one, happened: [{action: password.reset}], hits: [{event: e1}]}]",
        "positive: [{why: one}]\nnegative: [{why: two}]",
        "positive: [{why: one, happened: [{action: no.such}], hits: [{}]}]\nnegative: [{why: two}]",
        "positive: [",
    ):
        file_of(signal).write_text(text)
        with pytest.raises(Invalid):
            check(signal)


def test_a_case_that_does_not_hold_is_seen(tmp_path: Path) -> None:
    """The check of cases can fail: a wrong expectation is reported with what was found."""
    file = tmp_path / "mine.sql"
    file.write_text(WHOLE)
    file_of(read_signal(file)).write_text(
        "positive: [{why: one, happened: [{action: password.reset}], hits: [{event: other}]}]\n"
        "negative: [{why: two, happened: [{action: password.reset}]}]\n"
    )

    _, failed = check(read_signal(file))

    assert [f.why for f in failed] == ["one", "two"]


def test_a_line_of_evidence_has_all_its_words(tmp_path: Path) -> None:
    """A case whose hit leaves a word of `says` in braces does not hold; who acted is a fact as well."""
    file = tmp_path / "mine.sql"
    file_of_mine = file.with_suffix(".cases.yaml")
    file_of_mine.write_text(
        "positive: [{why: one, happened: [{action: password.reset, actor: bo, address: null}], hits: [{event: e1}]}]\n"
        "negative: [{why: two}]\n"
    )
    for words, column, fails in (
        ("{native} by {actor}", "native_action AS native", []),
        ("{native}", "address AS native", ["one"]),
    ):
        file.write_text(WHOLE.replace("{native}", words).replace("native_action AS native", column))
        _, failed = check(read_signal(file))
        assert [f.why for f in failed] == fails


def test_a_zone_is_one_there_is() -> None:
    """A signal that speaks of hours takes a time zone, and none that nobody knows."""
    (signal,) = (s for s in SIGNALS if s.name == "outside_queue_hours")

    assert tuned(signal, {"zone": "Europe/Berlin"}).parameters["zone"] == "Europe/Berlin"
    for wrong in ("Europe/Nowhere", "", "../etc", "UTC+1 "):
        with pytest.raises(Invalid, match="no time zone") as told:
            tuned(signal, {"zone": wrong})
        assert told.value.where == "watch.thresholds.outside_queue_hours.zone"


@pytest.mark.parametrize("name", ["agent_off_shift", "outside_queue_hours"])
def test_each_unit_may_have_a_zone(name: str) -> None:
    """Units are told apart whatever their capitals; what is no zone, no text or no table is told with its place."""
    (signal,) = (s for s in SIGNALS if s.name == name)
    zones = {"Berlin": "Europe/Berlin", "pune ": "Asia/Kolkata"}

    assert tuned(signal, {"zones": zones}).parameters["zones"] == {"berlin": "Europe/Berlin", "pune": "Asia/Kolkata"}
    wrongs: tuple[tuple[object, str, str], ...] = (
        ({"pune": "Asia/Nowhere"}, ".pune", "'Asia/Nowhere' is no time zone. Give one such as Europe/Berlin"),
        ({"pune": 5}, ".pune", "What stands for 'pune' is no text. Write it in quotes."),
        ({"pune": ["Asia/Kolkata"]}, ".pune", "What stands for 'pune' is no text. Write it in quotes."),
        ({"pune": "UTC", "Pune": "Asia/Kolkata"}, ".Pune", "'Pune' stands there twice"),
        ({" ": "UTC"}, ". ", "A unit without a name is none."),
        ("Europe/Berlin", "", 'Give a table such as { berlin = "Europe/Berlin" }.'),
    )
    for wrong, place, words in wrongs:
        with pytest.raises(Invalid) as told:
            tuned(signal, {"zones": wrong})
        assert told.value.where == f"watch.thresholds.{name}.zones{place}"
        assert words in f"{told.value.what} {told.value.remedy}"


def test_parameters_are_set(tmp_path: Path) -> None:
    """A threshold of the settings replaces the default; a wrong name or kind is refused, with its path."""
    (tmp_path / "mine.sql").write_text(WHOLE)
    tuned = read_signals(tmp_path, settings={"mine": {"least": 7}})

    assert tuned[0].parameters["least"] == 7
    wrongs: tuple[dict[str, dict[str, object]], ...] = (
        {"yours": {}},
        {"mine": {"most": 1}},
        {"mine": {"least": "many"}},
        {"mine": {"least": True}},
    )
    for wrong in wrongs:
        with pytest.raises(Invalid) as told:
            read_signals(tmp_path, settings=wrong)
        assert str(told.value.where).startswith("watch.thresholds.")


def test_a_shipped_name_is_not_taken(tmp_path: Path) -> None:
    """A signal of one's own can not stand in for one that came along."""
    (tmp_path / "repeated_recovery.sql").write_text(WHOLE)

    with pytest.raises(Invalid, match="already"):
        read_signals(SHIPPED, tmp_path)


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Report]:
    """Judges Okta lines with every signal, and perhaps rows of activity."""

    def judge(
        *lines: dict[str, Any],
        activity: list[dict[str, Any]] | None = None,
        evidence: Path | None = None,
        accounts: Path | None = None,
    ) -> Report:
        import json

        log = tmp_path / "okta.jsonl"
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))
        folder = None
        if activity is not None:
            folder = tmp_path / "activity"
            folder.mkdir(exist_ok=True)
            pq.write_table(pa.Table.from_pylist(activity, schema=ARROW_SCHEMA), folder / "activity-000000.parquet")
        feed = Feed(provider=provider_named("okta"), files=(log,))
        return Engine().judge((feed,), evidence, signals=SIGNALS, activity=folder, accounts=accounts)

    return judge


def _named(report: Report, name: str) -> list[Hit]:
    return [hit for hit in report.hits if hit.signal == name]


def test_events_and_sign_ins_of_a_log_meet(okta: Okta, judged: Callable[..., Report]) -> None:
    """Over a real log: factors reset, then the admin console by the same account, is one hit with words."""
    report = judged(
        okta("user.mfa.factor.reset_all", actor="00uagent", target="00uana"),
        okta("user.session.access_admin_app", actor="00uana", target="00uana", after=600),
    )

    (hit,) = _named(report, "factors_reset_then_admin_console")
    assert (hit.event, hit.target, hit.actor) == ("u-0001", "00uana", "00uagent")
    assert hit.why == "user.session.access_admin_app 10 minutes after mfa.factor_reset_all"
    assert hit.at == NOON + timedelta(seconds=600)
    assert "approved_in_seconds" in report.blind_signals
    assert "change_without_case" in report.blind_signals


@pytest.mark.parametrize(("shared", "hits"), [("00uana@example.test", 0), ("00uana", 0), ("eve@example.test", 1)])
def test_a_name_of_two_accounts_joins_them_for_no_signal(
    okta: Okta, judged: Callable[..., Report], tmp_path: Path, shared: str, hits: int
) -> None:
    """What is done to one of them is not done to the other; names that one alone has are one account's."""
    accounts = tmp_path / "accounts.csv"
    accounts.write_text(
        f"keys,class\n00ueve|eve@example.test|{shared},standard\n00uana|00uana@example.test,standard\n", "utf-8"
    )
    eve = {"id": "00ueve" if hits == 0 else "eve@example.test", "type": "User", "alternateId": None}
    later = okta(target="00uana" if hits == 0 else "00ueve")
    report = judged(okta(target=[eve], after=-86_400), later, accounts=accounts)
    assert len(_named(report, "repeated_recovery")) == hits


def test_what_is_odd_about_governed_recoveries_is_found_for_each_account(
    okta: Okta,
    judged: Callable[..., Report],
    evidence: Callable[..., EvidenceRow],
    write_evidence: Callable[[Path, Iterable[EvidenceRow]], Path],
    tmp_path: Path,
) -> None:
    """The desk's executor did them all: what is found is of the account, and not one finding of the executor's."""
    names = ("00uana", "00uben")
    rows = [evidence(name, effects=("mfa.factor_reset_all",), case=CaseId(f"c-{name}")) for name in names]
    lines = [okta("user.mfa.factor.reset_all", target=name) for name in names]
    lines += [okta("user.session.access_admin_app", actor=name, target=name, after=600) for name in names]

    report = judged(*lines, evidence=write_evidence(tmp_path / "evidence.parquet", rows))

    assert {row.verdict for row in report.verdicts} == {Verdict.VERIFIED}
    hits = _named(report, "factors_reset_then_admin_console")
    assert [(hit.target, hit.actor, hit.is_governed) for hit in hits] == [(name, EXECUTOR, True) for name in names]
    assert {(one.by, one.name) for one in campaigns(items_of((), hits))} == {("target", name) for name in names}
    rogue = judged(*(okta("user.mfa.factor.reset_all", target=name, actor="00ueve") for name in names), *lines[2:])
    (one,) = campaigns(items_of((), _named(rogue, "factors_reset_then_admin_console")))
    assert (one.by, one.name, len(one.items)) == ("actor", "00ueve", 2)


def test_activity_is_read(okta: Okta, judged: Callable[..., Report]) -> None:
    """With the desk's table given, signals about the desk look; the same hit has the same id each time."""
    rows = [
        {"seq": 4, "time": NOON, "did": "approved", "account": "a-1", "person": "p-1", "seat": "employee",
         "since": NOON - timedelta(seconds=3)}
    ]  # fmt: skip

    first, again = (judged(okta(), activity=rows) for _ in range(2))

    (hit,) = _named(first, "approved_in_seconds")
    assert (hit.target, hit.actor) == ("a-1", "p-1")
    assert [h.id for h in first.hits] == [h.id for h in again.hits]


def test_a_hit_stays_one_when_a_log_names_its_account(
    okta: Okta,
    judged: Callable[..., Report],
    evidence: Callable[..., EvidenceRow],
    write_evidence: Callable[[Path, Iterable[EvidenceRow]], Path],
    tmp_path: Path,
) -> None:
    """What the desk did is the same hit before and after a log has an event of the account, under its name there."""
    rows = [
        {"seq": 4, "time": NOON, "did": "approved", "account": "a-00uana", "person": "p-1", "seat": "employee",
         "since": NOON - timedelta(seconds=3)}
    ]  # fmt: skip
    known = write_evidence(tmp_path / "evidence.parquet", [evidence()])

    before = judged(okta(target="00ubo"), activity=rows, evidence=known)
    after = judged(okta(target="00uana"), activity=rows, evidence=known)

    (first,), (second,) = (_named(report, "approved_in_seconds") for report in (before, after))
    assert (first.target, second.target) == ("a-00uana", "00uana")
    assert (first.account, first.id) == (second.account, second.id)


def test_hostile_text_stays_text(okta: Okta, judged: Callable[..., Report]) -> None:
    """Braces, quotes and SQL in a log's fields are shown as they are, and change nothing else."""
    nasty = "{action}'; DROP TABLE happened; --"
    report = judged(
        okta("user.account.reset_password", actor=nasty, target="00uana"),
        okta("user.account.reset_password", actor=nasty, target="00uana", after=7200),
    )

    (hit,) = _named(report, "repeated_recovery")
    assert hit.actor == nasty
    assert "DROP" not in hit.why
