"""Windows' events as Graylog and Fluent Bit hand them on, and as Event Viewer copies them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import WINDOWS
from watchword.watch.sources.files import lines_of
from watchword.watch.spark.splits import splits_of

from .conftest import Classify

AGENT, INES = "S-1-5-21-3-5-7-1104", "S-1-5-21-3-5-7-1107"
ACCOUNT = {"TargetUserName": "ines", "TargetDomainName": "CORP", "TargetSid": INES}
SUBJECT = {
    "SubjectUserSid": AGENT,
    "SubjectUserName": "olga",
    "SubjectDomainName": "CORP",
    "SubjectLogonId": "0x30d5f",
}


def _graylog(prefix: str, **members: Any) -> dict[str, Any]:
    named = {
        "winlog_event_id": "4724",
        "winlog_channel": "Security",
        "winlog_computer_name": "dc1.corp.example.test",
        "winlog_record_id": 7,
        "winlog_keywords": ["Audit Success"],
        **{f"winlog_event_data_{name}": each for name, each in (ACCOUNT | SUBJECT).items()},
        **members,
    }
    stamped = {"timestamp": "2026-11-01T10:00:00.000Z", "source": "dc1", "message": "An attempt was made"}
    return stamped | {f"{prefix}{name}": each for name, each in named.items() if each is not None}


def _beat(keywords: list[str], outcome: str) -> dict[str, Any]:
    winlog = {"event_id": "4724", "channel": "Security", "keywords": keywords, "event_data": ACCOUNT | SUBJECT}
    return {"@timestamp": "2026-11-01T10:00:00.000Z", "event": {"outcome": outcome}, "winlog": winlog}


def _fluent(number: int, *values: str, **members: Any) -> dict[str, Any]:
    return {
        "EventID": number,
        "Channel": "Security",
        "Computer": "dc1.corp.example.test",
        "EventRecordID": 9,
        "Keywords": "0x8020000000000000",
        "TimeCreated": "2026-11-01 10:00:00 +0000",
        "Message": "",
        "StringInserts": list(values),
    } | members


@pytest.mark.parametrize("prefix", ["winlogbeat_", "", "_winlogbeat_", "_"])
def test_winlogbeat_through_graylog(classify: Classify, prefix: str) -> None:
    """Each member has one name, with Graylog's prefix or without, and GELF's or not."""
    row = classify.one(_graylog(prefix), provider="windows")
    assert (row.action, row.target, row.actor) == (Canonical.PASSWORD_RESET, INES, AGENT)
    assert row.at.isoformat() == "2026-11-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("whole", "subject"),
    [("x", AGENT), (None, AGENT), ({"TargetSid": "S-1-5-21-9"}, AGENT), (json.dumps(ACCOUNT | SUBJECT), None)],
)
def test_all_members_as_one_beside_each(classify: Classify, whole: object, subject: str | None) -> None:
    """Each has the last word; of all as one, those are read that are nowhere else."""
    event = _graylog("", winlog_event_data_SubjectUserSid=subject)
    row = classify.one({"winlog_event_data": whole, **event}, provider="windows")
    assert (row.target, row.actor) == (INES, AGENT)


def test_a_failed_attempt_through_graylog_is_none(classify: Classify) -> None:
    """By its keywords, or by an outcome that says so whatever they say, or by the type that old events have."""
    failed = [
        _graylog("winlogbeat_", winlog_keywords=["Audit Failure"]),
        _graylog("winlogbeat_", winlog_keywords=None, event_outcome="failure"),
        _graylog("winlogbeat_", winlog_keywords="", event_outcome="failure"),
        _graylog("winlogbeat_", winlog_keywords="Überwachung gescheitert", event_outcome="failure"),
        _beat(["Überwachung gescheitert"], "failure"),
        _fluent(4724, *ACCOUNT.values(), *SUBJECT.values(), Keywords=None, EventType=16),
        _fluent(4724, **ACCOUNT, **SUBJECT, Keywords=None, EventType=16, StringInserts=None),
    ]
    for event in failed:
        row = classify.one(event, provider="windows")
        assert (row.verdict, row.reasons) == (Verdict.IGNORED, ("attempt_failed",))


@pytest.mark.parametrize("sid", ["{}", "%{{{}}}"])
@pytest.mark.parametrize("members", [{}, {"Data": "", "Message": None}])
def test_data_without_names(classify: Classify, sid: str, members: dict[str, Any]) -> None:
    """In the order of the event's own XML; the old event log writes a SID so that it can be resolved."""
    values = ("ines", "CORP", sid.format(INES), sid.format(AGENT), "olga", "CORP", "0x30d5f")
    row = classify.one(_fluent(4724, *values, **members), provider="windows")
    assert (row.action, row.target, row.actor) == (Canonical.PASSWORD_RESET, INES, AGENT)


@pytest.mark.parametrize(
    ("number", "before", "behind", "action"),
    [
        (4723, (), ("-",), Canonical.PASSWORD_RESET),
        (4767, (), (), Canonical.ACCOUNT_UNLOCK),
        (4738, ("-",), ("-",) * 9 + ("11/1/2026 10:00:00 AM",) + ("-",) * 8, Canonical.PASSWORD_RESET),
        (4738, ("-",), ("-",) * 9 + ("%%1794",) + ("-",) * 8, Canonical.PASSWORD_EXPIRE),
        (4738, ("-",), ("-",) * 15 + ("%%2096",) + ("-",) * 3, Canonical.BYPASS_GRANT),
    ],
)
def test_the_order_is_the_events_own(
    classify: Classify, number: int, before: tuple[str, ...], behind: tuple[str, ...], action: Canonical
) -> None:
    """4738 has one that means nothing before the account, and what was changed behind whoever changed it."""
    values = (*before, *ACCOUNT.values(), *SUBJECT.values(), *behind)
    row = classify.one(_fluent(number, *values), provider="windows")
    assert (row.action, row.target, row.actor) == (action, INES, AGENT)


def test_members_and_objects_without_names(classify: Classify) -> None:
    """Who is put into a group stands before the group; a change of the directory has its object in the middle."""
    member = ("CN=Ines,DC=corp", INES, "Domain Admins", "CORP", "S-1-5-21-3-5-7-512", *SUBJECT.values(), "-")
    row = classify.one(_fluent(4728, *member), provider="windows")
    assert (row.action, row.target, row.actor) == (Canonical.PRIVILEGE_GRANT, INES, AGENT)
    changed = (
        "{1}",
        "-",
        *SUBJECT.values(),
        "corp",
        "%%14676",
        "CN=Ines,DC=corp",
        "{2}",
        "user",
        "mobile",
        "2.5.5.12",
        "5",
    )
    row = classify.one(_fluent(5136, *changed, "%%14674"), provider="windows")
    assert (row.action, row.target, row.actor) == (Canonical.RECOVERY_INFO_CHANGE, "CN=Ines,DC=corp", AGENT)


def test_what_has_names_needs_no_order(classify: Classify) -> None:
    """The event's own names win."""
    row = classify.one(_fluent(4724, *(["x"] * 7), **ACCOUNT, **SUBJECT), provider="windows")
    assert row.target == INES


RESET = (*ACCOUNT.values(), *SUBJECT.values())


@pytest.mark.parametrize(
    "event",
    [
        _fluent(4724, "ines", "CORP"),
        _fluent(4724, StringInserts="ines, CORP"),
        _fluent(4724, StringInserts=[[], *RESET[1:]]),
        _fluent(4738, *RESET),
        _fluent(4738, "-", *RESET, "-"),
    ],
)
def test_an_event_of_which_nothing_tells_whose_it_is_is_kept_aside(classify: Classify, event: dict[str, Any]) -> None:
    """It has less than such an event has, or no list: it is no event of nobody's."""
    report = classify([event], provider="windows")
    assert (report.verdicts, report.rejected_lines) == ((), 1)


def test_values_as_text_and_one_that_is_null(classify: Classify) -> None:
    """A list as text is a list; a value that is null is none, and the others keep their places."""
    row = classify.one(_fluent(4724, StringInserts=json.dumps(RESET)), provider="windows")
    assert (row.target, row.actor) == (INES, AGENT)
    row = classify.one(_fluent(4724, StringInserts=["ines", None, *RESET[2:-1], None]), provider="windows")
    assert (row.target, row.actor) == (INES, AGENT)


def test_the_event_as_xml_in_a_member(classify: Classify) -> None:
    """Fluent Bit can hand on the event's own XML."""
    data = "".join(f"<Data Name='{name}'>{each}</Data>" for name, each in (ACCOUNT | SUBJECT).items())
    event = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>4724</EventID>"
        "<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2026-11-01T10:00:00.1Z'/>"
        f"<Channel>Security</Channel><Computer>dc1</Computer></System><EventData>{data}</EventData></Event>"
    )
    row = classify.one({"System": event, "Message": "An attempt was made"}, provider="windows")
    assert (row.action, row.target, row.actor) == (Canonical.PASSWORD_RESET, INES, AGENT)


def _copied(number: int, *, xml: bool = True, keywords: str = "Audit Success") -> str:
    data = "".join(f'    <Data Name="{name}">{each}</Data>\n' for name, each in (ACCOUNT | SUBJECT).items())
    event = (
        'Event Xml:\n<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">\n  <System>\n'
        f"    <EventID>{number}</EventID>\n    <Keywords>0x8020000000000000</Keywords>\n"
        f'    <TimeCreated SystemTime="2026-11-01T10:00:00.1Z" />\n    <EventRecordID>{number}</EventRecordID>\n'
        "    <Channel>Security</Channel>\n    <Computer>dc1</Computer>\n  </System>\n"
        f"  <EventData>\n{data}  </EventData>\n</Event>\n"
    )
    return (
        "Log Name:      Security\nSource:        Microsoft-Windows-Security-Auditing\n"
        f"Date:          11/1/2026 11:00:00 AM\nEvent ID:      {number}\n"
        "Task Category: User Account Management\nLevel:         Information\n"
        f"Keywords:      {keywords}\nUser:          N/A\nComputer:      dc1.corp.example.test\nDescription:\n"
        "An attempt was made.\n\nSubject:\n\tSecurity ID:\t\tCORP\\olga\n\tAccount Name:\t\tolga\n"
        "\tLogon ID:\t\t0x30D5F\n\nTarget Account:\n\tSecurity ID:\t\tCORP\\ines\n\tAccount Name:\t\t<Event>ines\n"
        f"\tAccount Domain:\t\tCORP\n{event if xml else ''}"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("spooled", [False, True])
def test_what_event_viewer_copies_as_text(tmp_path: Path, end: str, spooled: bool) -> None:
    """Its XML says who by SID and when by UTC; without it the message says who. A failure is none either way."""
    log = tmp_path / "copied.txt"
    said = _copied(4724) + "\n" + _copied(4767, xml=False) + _copied(4723, xml=False, keywords="Audit Failure")
    log.write_bytes(said.replace("\n", end).encode("utf-16" if end == "\n" else "utf-8"))
    if spooled:  # as a folder takes it
        lines = tuple(lines_of(log, WINDOWS))
        log.write_bytes(b"".join(line + b"\n" for line in lines))
    report = Engine().classify("windows", (log,))
    assert (report.lines, report.rejected_lines) == (3, 0)
    found = {row.action: row for row in report.verdicts}
    reset, unlock = found[Canonical.PASSWORD_RESET], found[Canonical.ACCOUNT_UNLOCK]
    assert unlock.target == "CORP\\ines"
    assert {row.target for row in report.verdicts} == {INES, "CORP\\ines"}
    assert [row.at.isoformat() for row in report.verdicts if row.target == INES] == ["2026-11-01T10:00:00.100000+00:00"]
    assert sorted(row.verdict for row in report.verdicts if row.action == reset.action) == [
        Verdict.IGNORED,
        Verdict.UNVERIFIED,
    ]


def test_events_of_many_lines_are_one_part(tmp_path: Path) -> None:
    """What would be cut within an event is no work to be shared out."""
    log = tmp_path / "copied.txt"
    log.write_text("".join(_copied(4724) for _ in range(20)))
    assert len(splits_of(log, WINDOWS, feed=0, file=0, size=2000)) == 1


FLAGS = (
    "\tUser Account Control:\t\n\t\t'Don't Require Preauth' - Enabled\n\nAdditional Information:\n\tPrivileges:\t\t-\n"
)
OTHER = "<Event><System><EventID>{}</EventID><Channel>Security</Channel></System></Event>"


def _flagged(name: str) -> str:
    """A copy without XML of an account's flags that were changed, whose display name comes before them."""
    return _copied(4738, xml=False) + f"\nChanged Attributes:\n\tDisplay Name:\t\t{name}\n{FLAGS}"


@pytest.mark.parametrize(
    "name",
    [
        "Ines",
        "x\nEvent Xml:\n" + OTHER.format(4634),
        "x\nEvent Xml:\n" + OTHER.format(4738),
        "x\nLog Name: Security\nSource: a",
        "x\n\nLog Name: Security",
        "x\nLogName=Security",
    ],
)
@pytest.mark.parametrize("spooled", [False, True])
def test_a_value_is_no_end_of_a_copied_event(tmp_path: Path, name: str, spooled: bool) -> None:
    """Who may write a name may write lines into it: what looks like XML or another event is text of the event's own."""
    log = tmp_path / "copied.txt"
    log.write_text(_flagged(name))
    if spooled:
        lines = tuple(lines_of(log, WINDOWS))
        log.write_bytes(b"".join(line + b"\n" for line in lines))
    report = Engine().classify("windows", (log,))
    assert [(row.action, row.target) for row in report.verdicts] == [(Canonical.BYPASS_GRANT, "CORP\\ines")]
    assert (report.lines, report.rejected_lines) == (1, 0)


def test_a_copy_whose_xml_is_of_another_event_is_kept_aside(tmp_path: Path) -> None:
    """Neither of them is believed."""
    log = tmp_path / "copied.txt"
    log.write_text(f"{_flagged('Ines')}\nEvent Xml:\n{OTHER.format(4634)}\n\n{_copied(4724)}")
    report = Engine().classify("windows", (log,))
    assert [row.target for row in report.verdicts] == [INES]
    assert (report.lines, [one.line for one in report.rejected]) == (2, [1])


WORDS = {
    "Audit Success": True, "Audit Failure": False, "Überwachung erfolgreich": True, "Überwachung gescheitert": False,
    "Succès de l'audit": True, "Échec de l'audit": False, "ÉCHEC DE L'AUDIT": False, "Auditoría correcta": True,
    "Error de auditoría": False, "Аудит успеха": True, "Аудит отказа": False, "0x8020000000000000": True,
    "0x8010000000000000": False, "Success Audit": True, "-9214364837600034816": True,
}  # fmt: skip


def _tried(keywords: str, **members: Any) -> dict[str, Any]:
    """A line as a table has it, flat."""
    head = {"EventID": "4724", "Channel": "Security", "TimeCreated": "2026-11-01T10:00:00Z", "Keywords": keywords}
    return head | ACCOUNT | SUBJECT | members


@pytest.mark.parametrize("shaped", [False, True])
def test_words_that_say_whether_it_was_done(classify: Classify, shaped: bool) -> None:
    """In the languages that are known, wherever the line is read."""
    for number, (keywords, done) in enumerate(WORDS.items()):
        event = _tried(keywords, EventID=4724 if shaped else "4724", TargetSid=f"{INES}{number}")
        row = classify.one(event, provider="windows")
        assert (row.reasons == ("attempt_failed",)) is not done, keywords


@pytest.mark.parametrize("number", [4724, "4724"])
@pytest.mark.parametrize("keywords", ["Sikeres naplózás", "감사 성공함"])
def test_words_of_another_language_are_kept_aside(classify: Classify, number: int | str, keywords: str) -> None:
    """Neither done nor failed, unless something else says which; what has no such attempt is judged as it is."""
    report = classify([_tried(keywords, EventID=number), _tried("Audit Success", TargetSid=AGENT)], provider="windows")
    assert [row.target for row in report.verdicts] == [AGENT]
    assert [one.reason.partition(":")[0] for one in report.rejected] == ["keywords in a language that is not known"]
    assert classify.one(_tried(keywords, EventID=number, EventType="AUDIT_FAILURE"), provider="windows").reasons == (
        "attempt_failed",
    )
    assert classify.one(_tried(keywords, EventID=number, EventType=8), provider="windows").reasons != (
        "attempt_failed",
    )
    assert classify.one(_beat([keywords], "success"), provider="windows").target == INES
    unlocked = _tried(keywords, EventID=4767 if number == 4724 else "4767")
    assert classify.one(unlocked, provider="windows").action is Canonical.ACCOUNT_UNLOCK


def test_a_failed_and_a_done_attempt_in_one_second_are_two(classify: Classify) -> None:
    """Without the number of the record, whether it was done tells one from the other."""
    rows = classify([_tried("Audit Failure"), _tried("Audit Success")], provider="windows").verdicts
    assert sorted(row.outcome for row in rows) == ["FAILURE", "SUCCESS"]
    assert len({row.id for row in rows}) == 2
