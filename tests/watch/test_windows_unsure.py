"""Windows' messages in which a value looks like a part of the event's own form, and those that lack a part of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import UNSURE, WINDOWS
from watchword.watch.providers.windows_message import IMITATED, fields_of
from watchword.watch.sources.files import lines_of
from watchword.watch.verdicts import Report

AGENT, INES = "S-1-5-21-3-5-7-1104", "S-1-5-21-3-5-7-1107"
DN = "CN=Ines,DC=corp,DC=example,DC=test"
SUBJECT = (
    f"Subject:\n\tSecurity ID:\t\t{AGENT}\n\tAccount Name:\t\tolga\n\tAccount Domain:\t\tCORP\n\tLogon ID:\t\t0x3D5F\n"
)
TARGET = f"Target Account:\n\tSecurity ID:\t\t{INES}\n\tAccount Name:\t\tines\n\tAccount Domain:\t\tCORP\n"
END = "\nAdditional Information:\n\tPrivileges:\t\t-\n"


def _changed(name: str = "Ines", password: str = "11/1/2026 10:00:00 AM", control: str = "-") -> str:
    """4738, whole: the display name stands before what lets somebody in."""
    return (
        f"A user account was changed.\n\n{SUBJECT}\n{TARGET}\nChanged Attributes:\n\tSAM Account Name:\t-\n"
        f"\tDisplay Name:\t\t{name}\n\tUser Principal Name:\t-\n\tHome Directory:\t\t-\n\tHome Drive:\t\t-\n"
        f"\tScript Path:\t\t-\n\tProfile Path:\t\t-\n\tUser Workstations:\t-\n\tPassword Last Set:\t{password}\n"
        "\tAccount Expires:\t\t-\n\tPrimary Group ID:\t-\n\tAllowedToDelegateTo:\t-\n\tOld UAC Value:\t\t-\n"
        f"\tNew UAC Value:\t\t-\n\tUser Account Control:\t{control}\n\tUser Parameters:\t-\n\tSID History:\t\t-\n"
        f"\tLogon Hours:\t\t-\n{END}"
    )


def _written(value: str, attribute: str = "mail") -> str:
    """5136, whole: the value that was written stands before whether it was added or taken off."""
    return (
        f"A directory service object was modified.\n\t\n{SUBJECT}\nDirectory Service:\n\tName:\tcorp.example.test\n"
        f"\tType:\tActive Directory Domain Services\n\t\nObject:\n\tDN:\t{DN}\n\tGUID:\t{DN}\n\tClass:\tuser\n\t\n"
        f"Attribute:\n\tLDAP Display Name:\t{attribute}\n\tSyntax (OID):\t2.5.5.12\n\tValue:\t{value}\n\t\n"
        "Operation:\n\tType:\tValue Added\n\tCorrelation ID:\t{c1}\n\tApplication Correlation ID:\t-\n"
    )


def _in_group(member: str) -> str:
    return (
        f"A member was added to a security-enabled global group.\n\n{SUBJECT}\nMember:\n\tSecurity ID:\t\t{INES}\n"
        f"\tAccount Name:\t\t{member}\n\nGroup:\n\tSecurity ID:\t\tS-1-5-21-3-5-7-512\n\tGroup Name:\t\tDomain Admins\n"
        f"\tGroup Domain:\t\tCORP\n{END}"
    )


def _powershell(number: int, message: str) -> str:
    event = {"Id": number, "LogName": "Security", "RecordId": 1, "TimeCreated": "/Date(1793527200000)/"}
    return json.dumps(event | {"Message": message}) + "\n"


def _fluentd(number: int, message: str) -> str:
    event = {"EventID": str(number), "Channel": "Security", "TimeCreated": "2026-11-01T10:00:00Z"}
    return json.dumps(event | {"Description": message.replace("\n", "\r\n")}) + "\n"


def _splunk(number: int, message: str) -> str:
    return (
        f"11/01/2026 10:00:00 AM\nLogName=Security\nEventCode={number}\nEventType=0\n"
        f"ComputerName=dc1.corp.example.test\nKeywords=Audit Success\nMessage={message}"
    )


def _viewer(number: int, message: str) -> str:
    return (
        "Log Name:      Security\nSource:        Microsoft-Windows-Security-Auditing\n"
        f"Date:          11/1/2026 10:00:00 AM\nEvent ID:      {number}\nTask Category: User Account Management\n"
        "Level:         Information\nKeywords:      Audit Success\nUser:          N/A\n"
        f"Computer:      dc1.corp.example.test\nDescription:\n{message}"
    )


def _line(message: str) -> str:
    return " ".join(message.split())


def _ossec(number: int, message: str) -> str:
    head = f"2026 Nov 01 10:00:00 WinEvtLog: Security: AUDIT_SUCCESS({number}): Microsoft-Windows-Security-Auditing"
    return f"{head}: olga: CORP: dc1: {_line(message)}\n"


def _snare(number: int, message: str) -> str:
    fields = ("1", "Security", "7", "Sun Nov 01 10:00:00 2026", str(number), "Auditing", "CORP\\olga", "N/A")
    rest = ("Success Audit", "dc1", "Accounts", "", _line(message), "8")
    return "\t".join(("<14>Nov  1 10:00:00 dc1 MSWinEventLog", *fields, *rest)) + "\n"


def _flat(number: int, message: str) -> str:
    event = {"EventTime": "2026-11-01T10:00:00Z", "EventID": number, "Channel": "Security"}
    return json.dumps(event | {"Message": _line(message)}) + "\n"


SHAPES = (_powershell, _fluentd, _splunk, _viewer, _ossec, _snare, _flat)
Shape = Callable[[int, str], str]


def _report(folder: Path, text: str, *, spooled: bool = False) -> Report:
    log = folder / "security.log"
    log.write_text(text)
    if spooled:  # as a folder takes it
        lines = tuple(lines_of(log, WINDOWS))
        log.write_bytes(b"".join(line + b"\n" for line in lines))
    return Engine().classify("windows", (log,))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_whole_message_is_read(tmp_path: Path, shape: Shape) -> None:
    """Each of them says what was done to whom where no value looks like anything else."""
    roastable = "\n\t\t'Don't Require Preauth' - Enabled"
    said = shape(4738, _changed()) + shape(4738, _changed(password="-", control=roastable))
    said += shape(5136, _written("x", "msDS-KeyCredentialLink"))
    report = _report(tmp_path, said)
    assert {(row.action, row.actor, row.target) for row in report.verdicts} == {
        (Canonical.PASSWORD_RESET, AGENT, INES),
        (Canonical.BYPASS_GRANT, AGENT, INES),
        (Canonical.FACTOR_ENROLL, AGENT, DN),
    }
    assert (report.lines, report.rejected_lines) == (3, 0)


FORGED = {
    "a label": (4738, _changed("x\n\tPassword Last Set:\t-\n\tUser Account Control:\t-")),
    "a section": (4738, _changed("x\n\nAdditional Information:\n\tPrivileges:\t\t-")),
    "the account": (4738, _changed(f"x\n\n{TARGET.replace(INES, AGENT)}\nChanged Attributes:\n\tDisplay Name:\t\ty")),
    "an operation": (5136, _written("a@example.test\n\t\nOperation:\n\tType:\tValue Deleted")),
    "a group": (4728, _in_group("CN=x\n\nGroup:\n\tSecurity ID:\t\tS-1-5-21-3-5-7-1777\n\tGroup Name:\t\tSales")),
}


@pytest.mark.parametrize(
    ("shape", "spooled"), [*((shape, False) for shape in SHAPES), (_splunk, True), (_viewer, True)]
)
@pytest.mark.parametrize("forged", FORGED)
def test_a_value_that_looks_like_the_form_hides_nothing(
    tmp_path: Path, shape: Shape, spooled: bool, forged: str
) -> None:
    """Whoever writes a name or a value may write labels into it: that nobody can tell what was done is told itself."""
    number, message = FORGED[forged]
    report = _report(tmp_path, shape(number, message), spooled=spooled)
    assert (report.rejected_lines, report.lines) == (0, 1)
    told, owed = sorted(report.verdicts, key=lambda row: row.native_action)
    assert (told.action, told.native_action, told.actor) == (Canonical.LOG_TAMPERED, "imitated", AGENT)
    assert f"twice in the text of {number}" in (told.detail or "")
    most = Canonical.PRIVILEGE_GRANT
    assert (owed.action, owed.actor, owed.target) == (most, AGENT, DN if number == 5136 else INES)
    assert owed.verdict is Verdict.UNVERIFIED


def test_one_s_own_account_is_no_excuse(tmp_path: Path) -> None:
    """What can not be told is not known to be one's own affair."""
    own = _changed("x\n\tPassword Last Set:\t-").replace(INES, AGENT)
    found = {row.native_action: row.verdict for row in _report(tmp_path, _powershell(4738, own)).verdicts}
    assert found["imitated change"] is Verdict.UNVERIFIED


@pytest.mark.parametrize("name", ["Ines\n\nMember:", "Ines\nGroup:\n\tSecurity ID:\tS-1-5-7", "Object: of the year"])
def test_what_is_no_part_of_the_event_s_own_form_is_text(tmp_path: Path, name: str) -> None:
    """A section that this event has not begins none; it hid all that came after it."""
    (row,) = _report(tmp_path, _powershell(4738, _changed(name))).verdicts
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, AGENT, INES)


def test_a_value_to_the_end_of_its_section_may_say_anything(tmp_path: Path) -> None:
    """The value of an attribute is the last of its section: what it says there is nothing but itself."""
    said = _written("x\n\tValue:\ty\n\tLDAP Display Name:\tdescription")
    (row,) = _report(tmp_path, _powershell(5136, said)).verdicts
    assert (row.action, row.target, row.detail) == (Canonical.RECOVERY_INFO_CHANGE, DN, "mail")


@pytest.mark.parametrize("head", ["EventCode=4634\nEventType=0\n", "EventCode=4738\nMessage=x\n"])
def test_a_head_within_a_value_hides_nothing(tmp_path: Path, head: str) -> None:
    """What a whole head in a name cuts off is told of the event that lacks it."""
    name = f"x\n11/01/2026 10:00:00 AM\nLogName=Security\n{head}"
    report = _report(tmp_path, _splunk(4738, _changed(name)))
    assert report.rejected_lines >= 1
    assert "without 'Additional Information'" in report.rejected[0].reason


@pytest.mark.parametrize("shape", SHAPES)
def test_a_message_that_was_cut_short_is_kept_aside(tmp_path: Path, shape: Shape) -> None:
    """What changed is not known: it was nothing at all."""
    changed, member = _changed(password="-"), _in_group("CN=" + "x" * 64)
    for number, message, cut in ((4738, changed, "\tPassword Last Set"), (4728, member, "-512\n")):
        report = _report(tmp_path, shape(number, message[: message.index(cut)] + "\n"))
        assert (report.verdicts, report.rejected_lines) == ((), 1)
        assert "without 'Additional Information': cut short" in report.rejected[0].reason


@pytest.mark.parametrize("shape", SHAPES)
def test_a_message_that_said_all_before_it_was_cut_is_read(tmp_path: Path, shape: Shape) -> None:
    """Whose name became which stands before the last section, which has privileges alone."""
    names = TARGET.replace("Account Name:\t\tines", "Old Account Name:\tines\n\tNew Account Name:\teva")
    said = f"The name of an account was changed:\n\n{SUBJECT}\n{names}"
    (row,) = _report(tmp_path, shape(4781, said)).verdicts
    assert (row.action, row.actor, row.detail) == (Canonical.ACCOUNT_RENAME, AGENT, "ines → eva")


def test_a_message_in_another_language_says_so(tmp_path: Path) -> None:
    """Its labels are not known, and it was an event as one parser has it, and none as another."""
    message = _changed().replace("Subject:", "Antragsteller:").replace("Security ID:", "Sicherheits-ID:")
    report = _report(tmp_path, _powershell(4738, message))
    assert [one.reason for one in report.rejected] == [
        "a message without 'Subject': cut short, or in another language than English"
    ]


def test_a_message_of_a_sign_in_or_another_log() -> None:
    """Of a sign-in no section may stand twice; an event of that number in another log has another form."""
    logon = f"{SUBJECT}\nAccount For Which Logon Failed:\n\tSecurity ID:\t\tS-1-0-0\n\tAccount Name:\t\t{{}}\n"
    network = "\nNetwork Information:\n\tSource Network Address:\t198.51.100.7\n"
    assert UNSURE not in fields_of(logon.format("ines") + network, "4625")
    assert IMITATED in fields_of(logon.format("x" + network) + network, "4625")
    assert IMITATED not in fields_of(network + network, "4738", "Application")
    assert IMITATED not in fields_of(network + network, "4648")


def test_values_of_many_lines() -> None:
    """Services that may be delegated to and identifiers of others stand each on a line."""
    said = _changed().replace("AllowedToDelegateTo:\t-", "AllowedToDelegateTo:\n\t\tcifs/fs1\n\t\thttp/web")
    assert fields_of(said, "4738")["AllowedToDelegateTo"] == "cifs/fs1 http/web"


def test_what_further_messages_say() -> None:
    """The account of a computer, a status that is in no keyword, and a group's name where the message is one line."""
    changed = _changed().replace("Target Account", "Computer Account That Was Changed")
    assert fields_of(changed, "4742")["TargetSid"] == INES
    renamed = changed.replace("\tSID History:", "\tDNS Host Name:\tdc1.example.test\n\tSID History:", 1)
    assert fields_of(renamed, "4742")["DnsHostName"] == "dc1.example.test"
    told = f"{SUBJECT}\nAdditional Information:\n\tCaller Workstation:\tDC1\n\tStatus Code:\t0xC000006A\n"
    assert fields_of(told, "4794")["Status"] == "0xC000006A"
    assert fields_of(_line(_in_group("CN=Ines")), "4728")["TargetUserName"] == "Domain Admins"


def test_a_message_longer_than_an_event_is_unsure() -> None:
    """What is behind its end is not looked at."""
    assert "longer" in fields_of(_changed() + "x" * 70_000, "4738")[UNSURE]


def test_blanks_within_a_value_are_looked_at_once() -> None:
    """From each of sixty thousand to the end took a dozen seconds, and whoever writes a value wrote as many events."""
    wide = "Workstation" + " " * 60_000 + "x"
    message = f"{SUBJECT}Network Information:\n\tWorkstation Name:\t{wide} \t\r\n"
    for _ in range(500):
        assert fields_of(message)["WorkstationName"] == wide


def test_blanks_within_a_member_are_looked_at_once() -> None:
    """The same in what stands before the message, where it may be as long as an event."""
    wide = "dc1" + " " * 2_000_000 + "x"
    event = f"11/01/2026 10:00:00 AM\nLogName=Security\nEventCode=4724\nComputerName={wide} \nMessage={SUBJECT}{TARGET}"
    assert WINDOWS.text is not None
    made = WINDOWS.text(event.encode())
    assert made is not None
    assert made[0]["Computer"] == wide
