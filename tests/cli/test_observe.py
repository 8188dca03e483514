"""`watchword watch observe`: how every support event stands, in the terminal and as files that nobody can make run."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Here
from tests.cli.desk import is_told
from tests.watch.conftest import Okta, _write_log

NOW = datetime.now(UTC).replace(microsecond=0)
SAMBA = Path(__file__).resolve().parents[1] / "watch" / "samples" / "samba_reset_by_administrator.jsonl"
PEOPLE = (
    "keys,person,groups,unit,vendor,status,shared\n"
    "00uana,Ana Adler,Domain Admins,Finance,,active,no\n"
    "00uben,Ben Bach,Staff,Sales,,active,no\n"
    "00uagent,Ada Agent,Staff,Desk,Deskworks,active,no\n"
    "00ugone,Gus Gone,Staff,Desk,,leaver,no\n"
    "00udesk,,Staff,Desk,,active,yes\n"
)
GROUPS = '[groups]\n"*admins*" = "privileged"\n"staff" = "standard"\n'
HOSTILE = (
    "=cmd|'/C calc'!A0",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "'); DROP TABLE event; --",
    "\u001b[2J\u001b]0;owned\u0007",
    "\u202egnp.exe",
    'a"b,c\nd',
)


@pytest.fixture
def okta() -> Okta:
    """The maker of Okta events."""
    return Okta()


@pytest.fixture
def lines(okta: Okta) -> list[dict[str, Any]]:
    """A week of support: one ticketed, one by a leaver, one by a shared account, two of a privileged account."""
    at = NOW - timedelta(days=3)
    return [
        okta(actor="00uagent", target="00uben", at=at),
        okta(actor="00ugone", target="00uben", at=at - timedelta(days=2)),
        okta(actor="00udesk", target="00uben", at=at - timedelta(days=8)),
        okta("user.mfa.factor.reset_all", actor="00uagent", target="00uana", at=at + timedelta(hours=3)),
        okta(actor="00uagent", target="00uana", at=at + timedelta(hours=3, minutes=5)),
        okta(actor="00uben", target="00uben", at=at),
        okta(actor="00uagent", target="00uold", at=at - timedelta(days=200)),
    ]


@pytest.fixture
def given(tmp_path: Path, lines: list[dict[str, Any]]) -> Path:
    """A folder with log, tickets, accounts and groups."""
    (tmp_path / "logs").mkdir()
    _write_log(tmp_path / "logs" / "a.jsonl", lines[:4])
    _write_log(tmp_path / "logs" / "b.jsonl", lines[4:])
    (tmp_path / "accounts.csv").write_text(PEOPLE)
    (tmp_path / "groups.toml").write_text(GROUPS)
    opened = NOW - timedelta(days=3, minutes=10)
    rows = f"INC7,Ben Bach,Password reset,{opened:%Y-%m-%d %H:%M:%S},\nINC8,,Nobody,{opened:%Y-%m-%d %H:%M:%S},\n"
    (tmp_path / "tickets.csv").write_text(f"number,caller_id,short_description,opened_at,closed_at\n{rows}")
    return tmp_path


def observe(given: Path, *words: str | Path) -> tuple[str, ...]:
    """The words of one command over everything that is given."""
    told = ("--tickets", given / "tickets.csv", "--accounts", given / "accounts.csv", "--groups", given / "groups.toml")
    return tuple(map(str, ("watch", "observe", "--log", f"okta@corp={given / 'logs'}", *told, *words)))


def test_how_every_support_event_stands(here: Here, given: Path) -> None:
    """Of five support events within 90 days one is ticketed; the rest are ungoverned, and said by what they are."""
    typed = here(*observe(given, "--json"))
    seen = json.loads(typed.out)

    assert typed.code == 0
    assert seen["total"] == {"events": 5, "governed": 0, "ticketed": 1, "ungoverned": 4}
    assert (seen["before"], seen["tickets"], seen["accounts"]) == (1, 1, 5)
    by = {each["by"]: {g["label"]: g["ungoverned"] for g in each["groups"]} for each in seen["breakdowns"]}
    assert by["directory"] == {"corp": 4}
    assert by["action"] == {"password.reset": 3, "mfa.factor_reset_all": 1}
    assert by["class"] == {"standard": 2, "privileged": 2}
    assert by["unit"] == {"Sales": 2, "Finance": 2}
    assert by["vendor"] == {"Deskworks": 2, "own staff, or unknown": 2}
    assert sum(by["hour"].values()) == 4
    assert len(by["hour"]) == 24
    assert {a["who"]: a["flags"] for a in seen["flagged"]} == {
        "00udesk@example.test": ["shared_actor"],
        "Gus Gone": ["leaver_actor"],
    }
    assert next((a["who"], a["ungoverned"], a["ticketed"]) for a in seen["native"]) == ("Ada Agent", 2, 1)
    assert sum(week["events"] for week in seen["weeks"]) == 5
    assert seen["first"][0]["whom"] == "Ana Adler"
    assert "the account is privileged" in seen["first"][0]["why"]
    assert "no ticket" in typed.err


def test_the_terminal_says_the_same(here: Here, given: Path) -> None:
    """The summary has the figures, the list to look at first, and what was left out."""
    shown = here(*observe(given)).out

    assert "5 support events" in shown
    assert "4 ungoverned, 1 ticketed, 0 governed; 20 % covered" in shown
    assert "Gus Gone: 1 events" in shown
    assert "1 event is older than" in shown
    assert shown.index("Look at these first") < shown.index("Ana Adler", shown.index("Look at these first"))


def test_since_may_be_said(here: Here, given: Path) -> None:
    """A day, or so many days back, is where the reading begins."""
    days = json.loads(here(*observe(given, "--json", "--since", "7d")).out)
    day = json.loads(here(*observe(given, "--json", "--since", f"{NOW - timedelta(days=300):%Y-%m-%d}")).out)

    assert (days["total"]["events"], days["before"]) == (4, 2)
    assert (day["total"]["events"], day["before"]) == (6, 0)


def test_a_time_of_another_age_makes_no_report_of_that_length(
    here: Here, given: Path, lines: list[dict[str, Any]]
) -> None:
    """Weeks without an event are shown for a year at most; every week with one is."""
    (odd,) = (line | {"uuid": "odd", "published": "9998-11-24T09:00:00.000Z"} for line in lines[:1])
    _write_log(given / "logs" / "c.jsonl", [odd])
    weeks = json.loads(here(*observe(given, "--json")).out)["weeks"]

    assert len(weeks) < 30
    assert (sum(week["events"] for week in weeks), weeks[-1]["begins"]) == (6, "9998-11-23")


def test_cells_are_observed_until_they_are_enforced(here: Here, given: Path) -> None:
    """An enforced cell has its date, and takes the ticket's word no more; the others go on being observed."""
    settings = given / "watchword.toml"
    since = NOW - timedelta(days=30)
    settings.write_text(
        '[ledger]\norigin = "example.test/observe"\n[[watch.enforce]]\naccount_class = "standard"\n'
        f'action = "password_reset"\nunit = "sales"\nsince = {since:%Y-%m-%d}\n'
    )
    seen = json.loads(here(*observe(given, "--json", "--config", settings)).out)

    assert seen["total"]["ticketed"] == 0
    modes = {(c["account_class"], c["action"], c["unit"]): c["enforced_since"] for c in seen["cells"]}
    assert modes.pop(("standard", "password_reset", "Sales")) == f"{since:%Y-%m-%d}T00:00:00Z"
    assert set(modes.values()) == {None}
    assert len(modes) == 2


def test_the_preview_says_which_class_and_why(here: Here, given: Path) -> None:
    """Before anything is read, each account is shown with its class and the group that gives it."""
    words = [w for w in observe(given, "--preview") if w not in ("--log", f"okta@corp={given / 'logs'}")]
    shown = here(*words).out

    assert re.search(r"00uana +Ana Adler +privileged +group Domain Admins fits \*admins\*", shown)
    assert "5 accounts, 0 of them without a class." in shown


def test_files_are_written(here: Here, given: Path) -> None:
    """The folder has the page, the JSON and one CSV for each list; JSON and CSV have every event."""
    folder = given / "report"
    assert here(*observe(given, "--out", folder)).code == 0

    names = {file.name for file in folder.iterdir()}
    assert names == {
        "report.html", "report.json", "events.csv", "first.csv", "native.csv", "flagged.csv", "weeks.csv", "cells.csv",
        "by.csv",
    }  # fmt: skip
    with (folder / "events.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    told = json.loads((folder / "report.json").read_text())
    assert [row["id"] for row in rows] == [event["id"] for event in told["events"]]
    assert len(rows) == 5


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and its attributes."""
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_never_obeyed(here: Here, okta: Okta, tmp_path: Path, text: str) -> None:
    """Formulas, markup, statements and terminal codes in every field of log, ticket and account stay text."""
    at = NOW - timedelta(days=1)
    line = okta(
        actor=text,
        target=text,
        at=at,
        client={"ipAddress": text},
        transaction={"id": text},
        outcome={"result": text},
    )
    line["uuid"] = text
    line["actor"]["id"] = f"{text}2"
    log = _write_log(tmp_path / "log.jsonl", [line, {**line, "eventType": text}])
    with (tmp_path / "accounts.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["keys", "class", "person", "unit", "vendor"], [f"{text}|{text}2", "finance", text, text, text]]
        )
    with (tmp_path / "tickets.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["number", "target", "text", "opened", "agent"], [text, text, text, f"{at:%Y-%m-%d %H:%M}", text]]
        )
    given = ("--tickets", tmp_path / "tickets.csv", "--accounts", tmp_path / "accounts.csv", "--out", tmp_path / "out")
    typed = here(*map(str, ("watch", "observe", "--log", f"okta={log}", *given)))

    assert typed.code == 0
    assert not set(typed.out + typed.err) & set("\x1b\x07\u202e")
    page = (tmp_path / "out" / "report.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert not tags.seen & {"script", "img", "iframe", "object", "a", "form", "link"}
    assert not {name for name in tags.attributes if name.startswith("on") or name in {"href", "src"}}
    assert not set(page) & set("\x1b\x07\u202e")
    for table in (tmp_path / "out").glob("*.csv"):
        with table.open(newline="") as opened:
            cells = [cell for row in csv.reader(opened) for cell in row]
        assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@|") and not re.fullmatch(r"-?[\d.]+", cell)]
        assert not set("".join(cells)) & set("\x1b\x07\u202e\n")


def test_the_page_needs_nothing_and_allows_nothing(here: Here, given: Path) -> None:
    """One file with a policy that lets its own style sheet in and nothing else."""
    here(*observe(given, "--out", given / "report"))
    page = (given / "report" / "report.html").read_text()

    assert "default-src 'none'; style-src 'sha256-" in page
    assert " style=" not in page
    assert not re.search(r"(?:href|src)=|url\(|@import", page)
    assert page.count("<svg") > 5


def test_another_providers_log_is_told_and_not_guessed(here: Here, tmp_path: Path) -> None:
    """Lines that Okta never writes are counted, and the question is asked; no verdict is made of them."""
    typed = here("watch", "observe", "--log", f"okta={SAMBA}")

    assert typed.code == 0
    assert "No support event was found" in typed.out
    assert "is it the log of another provider?" in typed.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--log"),
        (("--log", "okta"), "whose log"),
        (("--log", "=x.jsonl"), "whose log"),
        (("--log", "abacus=x.jsonl"), "abacus"),
        (("--log", "okta=nowhere.jsonl"), "nowhere.jsonl"),
        (("--log", f"samba={SAMBA}", "--since", "soon"), "soon"),
        (("--log", f"samba={SAMBA}", "--tickets", "nowhere.csv"), "nowhere.csv"),
        (("--log", f"samba={SAMBA}", "--tickets", str(SAMBA), "--zone", "Moon/Base"), "Moon/Base"),
        (("--log", f"samba={SAMBA}", "--tickets", str(SAMBA)), "No column says"),
        (("--log", f"samba={SAMBA}", "--groups", "g.toml"), "--accounts"),
        (("--preview",), "--accounts"),
    ],
)
def test_bad_input_is_told(here: Here, words: tuple[str, ...], told: str) -> None:
    """What is missing or can not be used is named, with the way on."""
    assert is_told(here("watch", "observe", *words), 2, told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keys,class\n00u,king\n", "king"),
        ("keys,class,status\n00u,standard,asleep\n", "asleep"),
        ("keys,class,shared\n00u,standard,perhaps\n", "perhaps"),
        ("keys,class,status,since\n00u,standard,leaver,soon\n", "soon"),
        ("login,class\n00u,standard\n", "target_keys"),
        ("keys,person\n00u,Ana\n", "class"),
    ],
)
def test_bad_accounts_are_told_by_their_line(here: Here, tmp_path: Path, text: str, told: str) -> None:
    """A class, status, answer or day that nobody knows stops the run, and says in which line it stands."""
    file = tmp_path / "accounts.csv"
    file.write_text(text)
    typed = here("watch", "observe", "--log", f"samba={SAMBA}", "--accounts", str(file))

    assert is_told(typed, 2, told)
    assert "accounts.csv" in typed.err


def test_every_source_of_the_settings_is_read(here: Here, given: Path) -> None:
    """A tail, a folder and what a poller kept are read under their directories; what is not there yet is told."""
    settings = given / "watchword.toml"
    (given / "dropped").mkdir()
    (given / "dropped" / "one.jsonl").write_bytes(SAMBA.read_bytes())
    (given / "dropped" / ".part").write_text("no log")
    kept = given / "spools" / "tenant"
    kept.mkdir(parents=True)
    reset = {
        "uuid": "u-1", "published": "2026-03-01T09:00:00.000Z", "eventType": "user.account.reset_password",
        "outcome": {"result": "SUCCESS"}, "actor": {"id": "a", "type": "User", "alternateId": "ada@example.test"},
        "target": [{"id": "t", "type": "User", "alternateId": "tom@example.test"}],
    }  # fmt: skip
    (kept / "00000000.jsonl").write_text(json.dumps(reset) + "\n")
    settings.write_text(
        '[ledger]\norigin = "example.test/observe"\n'
        f'[watch]\nprovider = "samba"\nlog = "{SAMBA}"\n'
        '[watch.sources.more]\nkind = "folder"\nprovider = "samba"\npath = "dropped"\ndirectory = "corp"\n'
        '[watch.sources.tenant]\nkind = "okta"\nurl = "https://okta.example.test"\ntoken_file = "none"\n'
        'directory = "tenant"\n'
        '[watch.sources.later]\nkind = "okta"\nurl = "https://okta.example.test"\ntoken_file = "none"\n'
    )
    typed = here("watch", "observe", "--config", str(settings), "--since", "2000-01-01", "--json")
    seen = json.loads(typed.out)

    assert {Path(file["file"]).name for file in seen["files"]} == {SAMBA.name, "one.jsonl", "00000000.jsonl"}
    (directories,) = (by["groups"] for by in seen["breakdowns"] if by["by"] == "directory")
    assert {"corp", "tenant"} <= {group["label"] for group in directories}
    assert "source later" in typed.err
    settings.write_text(
        '[ledger]\norigin = "example.test/observe"\n[watch]\nprovider = "samba"\nlog = "nowhere.jsonl"\n'
    )
    assert is_told(here("watch", "observe", "--config", str(settings)), 2, "has anything on this machine")


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("since = 2026-03-02\nuntil = 2026-03-01", "until is not after since"),
        ('action = "dance"\nsince = 2026-03-02', "watch.enforce (1st).action"),
        ('account_class = "king"\nsince = 2026-03-02', "watch.enforce (1st).account_class"),
        ('unit = "Desk"', "watch.enforce (1st).since"),
    ],
)
def test_a_cell_that_can_not_be_is_told(here: Here, tmp_path: Path, cell: str, told: str) -> None:
    """A cell of an unknown class or action, without a day, or that ends before it begins is a mistake."""
    settings = tmp_path / "watchword.toml"
    settings.write_text(f'[ledger]\norigin = "example.test/observe"\n[[watch.enforce]]\n{cell}\n')

    assert is_told(here("watch", "observe", "--log", f"samba={SAMBA}", "--config", str(settings)), 2, told)


@pytest.mark.parametrize("option", ["--tickets", "--accounts", "--groups"])
def test_a_table_that_is_not_there_is_told_by_its_path(here: Here, tmp_path: Path, option: str) -> None:
    """A path that was mistyped is a path that was mistyped, and no question of CSV."""
    log, accounts = tmp_path / "okta.jsonl", tmp_path / "accounts.csv"
    log.write_text("{}\n", encoding="utf-8")
    accounts.write_text("keys,class\nben,standard\n", encoding="utf-8")
    others = () if option == "--accounts" else ("--accounts", str(accounts))
    said = here("watch", "observe", "--log", f"okta={log}", *others, option, str(tmp_path / "nothere.csv"))
    assert said.code == 2
    assert "can not be read: No such file or directory." in said.err
    assert "Check the path" in said.err
    assert "CSV" not in said.err
