"""Records of several lines that are rejected: kept whole, read again as what they are, and no secret among them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.engine import Engine
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import provider_named
from watchword.watch.shapes import Aside as Kept
from watchword.watch.shapes_slapd import SlapdReader
from watchword.watch.shapes_text import EXCERPT, Shaped
from watchword.watch.sieve import Tally, sieve_lines
from watchword.watch.sources.folder import Folder
from watchword.watch.sources.spool import Spool
from watchword.watch.verdicts import Report

from .conftest import NOON
from .test_openldap import ADMIN, ANA, accesslog, auditlog, stats

Aside = Callable[..., tuple[Report, list[str]]]

SECRET = "{SSHA}c2VjcmV0"
MARKED = base64.b64encode(SECRET.encode()).decode()


@pytest.fixture
def aside(tmp_path: Path) -> Aside:
    """Classify a log of this text; the report, and the texts that were kept aside, in `rejects.jsonl`."""

    def kept(provider: str, log: str | bytes, name: str = "a.log") -> tuple[Report, list[str]]:
        file, side = tmp_path / name, tmp_path / "rejects.jsonl"
        file.write_bytes(log if isinstance(log, bytes) else log.encode())
        report = Engine().classify(provider, (file,), rejects=side)
        return report, [json.loads(line)["text"] for line in side.read_text().splitlines()]

    return kept


def again(provider: str, texts: list[str], folder: Path) -> tuple[Report, list[str]]:
    """What comes of *texts* as lines of a file of rejected lines, and what is rejected of them once more."""
    side, still = folder / "side.jsonl", folder / "still.jsonl"
    side.write_text(
        "".join(json.dumps({"file": "a.log", "line": 7, "reason": "x", "text": text}) + "\n" for text in texts)
    )
    report = Engine().classify(provider, (side,), rejects=still)
    return report, [json.loads(line)["text"] for line in still.read_text().splitlines()]


CUT = accesslog().replace("reqResult: 0\n", "reqResult\n")
AUDITED = auditlog("replace: pwdReset", "pwdReset TRUE", "-")


@pytest.mark.parametrize(
    ("log", "damage", "repair", "action"),
    [
        (CUT, "reqResult", "reqResult: 0\nreqMod: pwdReset:= TRUE", Canonical.PASSWORD_EXPIRE),
        (AUDITED, "pwdReset TRUE", "pwdReset: TRUE", Canonical.PASSWORD_EXPIRE),
        (
            accesslog("userPassword:= x").replace("dn: reqStart", "xx: reqStart"),
            "xx: (withheld)",
            "dn: reqStart=20260302120000.000001Z,cn=log",
            Canonical.PASSWORD_RESET,
        ),
    ],
    ids=["accesslog", "auditlog", "no dn"],
)
def test_a_rejected_record_is_kept_whole_and_read_again(
    aside: Aside, tmp_path: Path, log: str, damage: str, repair: str, action: Canonical
) -> None:
    """All of its lines are kept, an auditlog's head too: it is rejected again as it is, and an event once mended."""
    report, texts = aside("openldap", log + "\n" + accesslog("pwdReset:= TRUE"))
    assert (report.rejected_lines, len(texts), len(report.verdicts)) == (1, 1, 1)
    (text,) = texts
    assert damage in text.splitlines()

    report, still = again("openldap", [text, text], tmp_path)
    assert (report.verdicts, still, [one.line for one in report.rejected]) == ((), [text, text], [1, 2])
    report, still = again("openldap", [text.replace(damage, repair), text], tmp_path)
    assert still == [text]
    assert [(row.action, row.target, row.actor) for row in report.verdicts] == [(action, ANA, ADMIN)]


def test_no_secret_is_kept_aside(aside: Aside, tmp_path: Path) -> None:
    """Values that a record is not read by are withheld: encoded ones too, the rest of broken ones, and those of old."""
    modified = base64.b64encode(f"userPassword:= {SECRET}".encode()).decode()
    log = [
        accesslog(f"userPassword:= {SECRET}", "pwdReset:= TRUE", more=(f"reqOld: userPassword: {SECRET}", "reqEnt")),
        accesslog(more=(f"reqMod:: {modified}", f"reqData:: {MARKED}", "reqEnt")),
        auditlog("replace: userPassword", f"userPassword:: {MARKED[:8]}", MARKED[8:], "-"),
        auditlog("replace: userPassword", f"userPassword:: *{MARKED}", "-"),
        auditlog(f"userPassword;x-old: {SECRET}", "cn", kind="add"),
        auditlog("replace: userPassword", f"userPassword {SECRET}", "-"),
    ]
    report, texts = aside("openldap", "\n".join(log))
    assert report.rejected_lines == len(texts) == len(log)
    kept = "\n".join(texts)
    assert not [secret for secret in (SECRET, MARKED, MARKED[8:], modified) if secret in kept]
    assert "reqMod: userPassword:= (withheld)" in kept
    assert "reqMod: pwdReset:= TRUE" in kept
    assert "userPassword (withheld)" in kept

    _, still = again("openldap", texts, tmp_path)
    assert still == texts
    report, still = again("openldap", [texts[0].removesuffix("\n(withheld)")], tmp_path)
    assert (still, {row.action for row in report.verdicts}) == ([], {Canonical.PASSWORD_RESET})


def test_a_record_too_long_to_keep_is_never_taken_for_whole(aside: Aside, tmp_path: Path) -> None:
    """Its first MiB is kept, and a word that the rest was not: read again it is rejected again."""
    many = (f"member: uid=u{number},ou=people,dc=example,dc=test" for number in range(EXCERPT // 40))
    report, (text,) = aside("openldap", auditlog("add: member", *many, "-", "broken"))
    assert report.rejected_lines == 1
    assert EXCERPT // 2 < len(text) < EXCERPT + 200
    report, still = again("openldap", [text], tmp_path)
    assert (report.verdicts, report.rejected_lines, still) == ((), 1, [text])


def test_an_operation_that_does_not_say_of_what_is_kept_as_its_lines(aside: Aside, tmp_path: Path) -> None:
    """Of slapd's own log what began it and what ended it are kept; with what was missing between, it is an event."""
    log = stats(f'MOD dn="{ANA}"')
    report, texts = aside("openldap", "\n".join(log))
    begun, ended = (next(line for line in log if word in line) for word in ("MOD dn", "tag=103"))
    assert (report.rejected_lines, texts) == (1, [f"{begun}\n{ended}"])
    _, still = again("openldap", texts, tmp_path)
    assert still == texts
    mended = f"{begun}\n{begun.partition('MOD')[0]}MOD attr=pwdReset\n{ended}"
    report, still = again("openldap", [mended], tmp_path)
    assert (still, [row.action for row in report.verdicts]) == ([], [Canonical.PASSWORD_EXPIRE])


def test_an_operation_whose_number_is_begun_anew_is_not_lost(aside: Aside) -> None:
    """A server that stopped between a request and its result counts its connections anew: both are told."""
    first = stats(f'MOD dn="{ANA}"', "MOD attr=userPassword")[:-3]
    report, _ = aside("openldap", "\n".join([*first, *stats(f'MOD dn="{ANA}"', "MOD attr=mail")]))
    assert {row.action for row in report.verdicts} == {Canonical.PASSWORD_RESET, Canonical.RECOVERY_INFO_CHANGE}


EVENT = """<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">
 <System><Provider Name="Microsoft-Windows-Security-Auditing"/><EventID>4724</EventID>
  <TimeCreated SystemTime="2026-03-02T12:00:00Z"/><Channel>Security</Channel></System>
 <EventData><Data Name="TargetUserName">u-ana</Data>
  <Data Name="SubjectUserName">u-mara</Data></EventData>
"""
RENDERED = """LogName=Security
SourceName=Microsoft Windows security auditing.
EventKode=4724
Message=An attempt was made to reset an account's password.

Subject:
\tAccount Name:\tu-mara

Target Account:
\tAccount Name:\tu-ana
"""


def test_a_windows_event_over_several_lines_is_read_again(aside: Aside, tmp_path: Path) -> None:
    """XML without its end is kept to where the next begins, and a rendered event with its lines as they are."""
    filled = EVENT.replace("u-mara", "u-mara" + " " * 3000)
    report, texts = aside("windows", f"<Events>{filled}\n{EVENT}</Event>{filled}")
    assert (len(report.verdicts), texts) == (1, [filled.rstrip(), filled.rstrip()])
    _, still = again("windows", texts, tmp_path)
    assert still == texts
    report, still = again("windows", [texts[0] + "</Event>", texts[1]], tmp_path)
    assert ([row.target for row in report.verdicts], still) == (["u-ana"], texts[1:])

    report, texts = aside("windows", RENDERED + "03/02/2026 12:00:00 PM\n" + RENDERED.replace("Kode", "Code"))
    assert ([row.target for row in report.verdicts], texts) == (["u-ana"], [RENDERED.rstrip()])
    report, still = again("windows", [texts[0], texts[0].replace("Kode", "Code")], tmp_path)
    assert ([row.target for row in report.verdicts], still) == (["u-ana"], texts)


HEAD = "uuid,timestamp,event_type,outcome.result,actor.id,target0.id,target0.type"
ROW = "1,2026-03-02T12:00:00Z,user.account.reset_password,SUCCESS,u-mara,u-ana,User"


def test_a_row_of_a_table_is_kept_with_its_head(aside: Aside, tmp_path: Path) -> None:
    """Without it nobody could read the row again; rows that a quote without its end swallowed are not kept twice."""
    head, good = HEAD, ROW
    log = [head, good.replace(",User", ""), good.replace("1,", "2,", 1).replace("u-ana", '"u-ben'), good]
    report, texts = aside("okta", "\n".join(log))
    assert texts == [f"{head}\n{log[1]}", f"{head}\n{log[2]}"]
    read = {count.native: count.lines for count in report.types}
    _, still = again("okta", texts, tmp_path)
    assert still == texts
    report, still = again("okta", [f"{head}\n{good}"], tmp_path)
    assert ({count.native: count.lines for count in report.types}, still) == (read, [])


def test_what_a_followed_folder_rejects_is_kept_whole(tmp_path: Path) -> None:
    """A row of a table in it with its head, and an XML event with its lines; its neighbours are read."""
    folder, at = tmp_path / "in", NOON + timedelta(days=1)
    folder.mkdir()
    (folder / "a.csv").write_text(f"{HEAD}\n{ROW}\n{ROW.removesuffix(',User')}\n")
    (folder / "b.xml").write_text(EVENT)
    for file in folder.iterdir():
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    okta = provider_named("okta")
    feed = Followed(name="in", provider=okta, spool=Spool(tmp_path / "spool"), source=Folder(folder, okta, "*.csv"))
    windows = provider_named("windows")
    other = Followed(
        name="xml", provider=windows, spool=Spool(tmp_path / "other"), source=Folder(folder, windows, "*.xml")
    )
    with Follow((feed, other), tmp_path / "state", tmp_path / "verdicts", clock=lambda: at) as follow:
        assert [row.target for row in follow.step(at)] == ["u-ana"]
    (kept,) = (tmp_path / "state" / "rejected").glob("*.jsonl")
    told = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [(one["reason"], one["text"]) for one in told] == [
        ("a row with other columns than the head", f"{HEAD}\n{ROW.removesuffix(',User')}"),
        ("an XML event without its end", EVENT.rstrip()),
    ]


def test_what_is_kept_without_its_text_is_told_again(tmp_path: Path) -> None:
    """A record of which nothing could be kept does not vanish when what was rejected is read again."""
    side = tmp_path / "side.jsonl"
    side.write_text(json.dumps({"file": "a.evtx", "line": 3, "reason": "damaged EVTX record", "text": ""}) + "\n")
    report = Engine().classify("windows", (side,))
    assert [one.reason for one in report.rejected] == ["kept without its text: damaged EVTX record"]


def test_numbers_that_no_server_counts_to_end_nothing(aside: Aside) -> None:
    """A number of thousands of digits, and digits that are none, are no line of slapd's, or a result nobody knows."""
    log = [f'67890abc conn={"9" * 5000} op=1 MOD dn="x"', *stats(f'MOD dn="{ANA}"', "MOD attr=userPassword")]
    report, texts = aside("openldap", "\n".join(log))
    assert {row.action for row in report.verdicts} == {Canonical.PASSWORD_RESET}
    assert report.lines > len(texts)


def test_a_reader_that_fails_costs_the_line_it_was_at() -> None:
    """Of a fault nobody foresaw in the reader of a log the line is kept aside, and what comes after it is read."""

    class Failing(SlapdReader):
        def read(self, number: int, line: bytes | None) -> Iterator[Shaped]:
            if line == b"fails":
                raise KeyError(line)
            return super().read(number, line)

    lines = [line.encode() for line in (*stats(f'MOD dn="{ANA}"', "MOD attr=userPassword"),)]
    numbered = list(enumerate([b"fails", *lines], 1))
    found = list(sieve_lines(iter(numbered), provider_named("openldap"), Tally(), Failing()))
    assert [(one.line, one.reason) for one in found if isinstance(one, Kept)] == [
        (1, "a mistake of ours: KeyError; report this line")
    ]
    assert [one for one in found if isinstance(one, bytes)]
