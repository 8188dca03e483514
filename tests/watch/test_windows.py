"""Windows' Security log: EVTX's JSON, XML and what forwarders make of it; the traps of its events."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import WINDOWS
from watchword.watch.verdicts import VerdictRow

from .conftest import Classify
from .signed_in import SIGN_INS, rows

AGENT, ANA = "S-1-5-21-1-2-3-1100", "S-1-5-21-1-2-3-1200"
SUBJECT: dict[str, Any] = {
    "SubjectUserSid": AGENT,
    "SubjectUserName": "agent",
    "SubjectDomainName": "EXAMPLE",
    "SubjectLogonId": "0x3e8f1",
}
TARGET: dict[str, Any] = {"TargetUserName": "ana", "TargetDomainName": "EXAMPLE", "TargetSid": ANA}
UNCHANGED: dict[str, Any] = dict.fromkeys(
    ("PasswordLastSet", "UserAccountControl", "UserPrincipalName", "SamAccountName", "AllowedToDelegateTo"), "-"
)


def _event(
    number: int | str,
    *,
    record: int = 1,
    at: str = "2026-03-02T12:00:00.1234567Z",
    keywords: str = "0x8020000000000000",
    channel: str = "Security",
    **data: Any,
) -> dict[str, Any]:
    """An event as the `evtx` package gives it."""
    return {
        "Event": {
            "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
                "EventID": number,
                "TimeCreated": {"#attributes": {"SystemTime": at}},
                "EventRecordID": record,
                "Channel": channel,
                "Computer": "dc1.example.test",
                "Keywords": keywords,
            },
            "EventData": data,
        }
    }


def _reset(**fields: Any) -> dict[str, Any]:
    return _event(4724, **{**SUBJECT, **TARGET, **fields})


def _system(event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
    system = event["Event"]["System"]
    return system, event["Event"]["EventData"], system["TimeCreated"]["#attributes"]["SystemTime"]


def _beat(event: dict[str, Any]) -> dict[str, Any]:
    system, data, at = _system(event)
    return {
        "@timestamp": at,
        "event": {"code": str(system["EventID"]), "outcome": "success"},
        "winlog": {
            "event_id": str(system["EventID"]),
            "computer_name": system["Computer"],
            "channel": system["Channel"],
            "record_id": system["EventRecordID"],
            "keywords": ["Audit Success"],
            "event_data": data,
        },
    }


def _dotted(event: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in event.items():
        out |= _dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return out


def _flat(event: dict[str, Any]) -> dict[str, Any]:
    system, data, at = _system(event)
    head = {"Computer": system["Computer"], "Channel": system["Channel"], "EventID": system["EventID"]}
    return {"TimeGenerated": at, **head, "RecordNumber": str(system["EventRecordID"]), **data}


def _wazuh(event: dict[str, Any]) -> dict[str, Any]:
    system, data, at = _system(event)
    lower = {name[0].lower() + name[1:]: value for name, value in data.items()}
    head = {"computer": system["Computer"], "channel": system["Channel"], "eventID": str(system["EventID"])}
    head |= {"eventRecordID": str(system["EventRecordID"]), "systemTime": at, "severityValue": "AUDIT_SUCCESS"}
    return {"data": {"win": {"system": head, "eventdata": lower}}}


def _xml(event: dict[str, Any], gap: str = "") -> str:
    system, data, at = _system(event)
    inner = gap.join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>" + gap + "<System>"
        "<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625}'/>"
        f"<EventID>{system['EventID']}</EventID><Keywords>{system['Keywords']}</Keywords>"
        f"<TimeCreated SystemTime='{at}'/><EventRecordID>{system['EventRecordID']}</EventRecordID>"
        f"<Channel>{system['Channel']}</Channel><Computer>{system['Computer']}</Computer><Security/></System>"
        f"{gap}<EventData>{inner}</EventData></Event>"
    )


def _one(folder: Path, content: bytes) -> VerdictRow:
    log = folder / "log.data"
    log.write_bytes(content)
    (row,) = Engine().classify("windows", (log,)).verdicts
    return row


@pytest.mark.parametrize(
    "shape",
    [
        lambda e: json.dumps(_beat(e)).encode(),
        lambda e: json.dumps(_dotted(_beat(e))).encode(),
        lambda e: json.dumps(_flat(e)).encode(),
        lambda e: json.dumps({"value": [_flat(e)]}).encode(),
        lambda e: json.dumps(_wazuh(e)).encode(),
        lambda e: json.dumps({"_source": _beat(e)}).encode(),
        lambda e: json.dumps({"document": {"data": e}}).encode(),
        lambda e: json.dumps({"_raw": _xml(e)}).encode(),
        lambda e: _xml(e).encode(),
        lambda e: b"Mar  2 12:00:00 dc1 " + _xml(e).encode(),
        lambda e: b"<?xml version='1.0'?>\n<Events>" + _xml(e, "\r\n  ").encode() + b"\n</Events>",
        lambda e: ("<Events>" + _xml(e, "\n") + "</Events>").encode("utf-16"),
        lambda e: json.dumps(e, indent=2).encode(),
    ],
    ids=[
        "beat",
        "dotted",
        "flat",
        "a page",
        "wazuh",
        "search result",
        "chainsaw",
        "xml in json",
        "xml line",
        "xml after syslog",
        "xml document",
        "utf-16",
        "indented",
    ],
)
def test_every_shape_gives_the_row_that_evtx_gives(tmp_path: Path, shape: Callable[[dict[str, Any]], bytes]) -> None:
    """Whoever passes an event on, who did what to whom and when stay the same."""
    expected = _one(tmp_path, json.dumps(_reset()).encode())
    row = _one(tmp_path, shape(_reset()))
    assert (expected.actor, expected.target, expected.action) == (AGENT, ANA, Canonical.PASSWORD_RESET)
    assert row == expected


def test_every_type_is_mapped_or_ignored(classify: Classify) -> None:
    """A catalogued event gives its canonical action for another's account, or only its count."""
    entries = list(csv.DictReader(WINDOWS.catalogue.read_text(encoding="utf-8").splitlines()))
    plain = [e for e in entries if e["native"].isdecimal() and not e["canonical"].startswith("login.")]
    # Each of a session of its own: what is about the machine has no account that would tell its records apart.
    lines = [
        _event(e["native"], record=n, **{**SUBJECT, "SubjectLogonId": hex(n)}, **{**TARGET, "TargetSid": f"S-{n}"})
        for n, e in enumerate(plain)
    ]
    report = classify(lines, None, provider="windows")
    given = {row.native_action: row.action for row in report.verdicts}
    for entry in plain:
        assert given.get(entry["native"]) == (None if entry["ignored"] else entry["canonical"] or None), entry
    assert report.unknown_types == ()


def test_a_reset_and_the_change_that_goes_with_it_are_one_action(classify: Classify) -> None:
    """4738 always follows 4724: by the same logon on the same account it is the same click."""
    change = _event(4738, record=2, at="2026-03-02T12:00:00.9Z", **SUBJECT, **TARGET, **UNCHANGED)
    change["Event"]["EventData"]["PasswordLastSet"] = "%%1794"
    (row,) = classify([_reset(), change], provider="windows").verdicts
    assert (row.action, row.native_action, row.folded) == (Canonical.PASSWORD_RESET, "4724", 2)


@pytest.mark.parametrize(
    ("changed", "action"),
    [
        ({"PasswordLastSet": "%%1794"}, Canonical.PASSWORD_EXPIRE),
        ({"PasswordLastSet": "3/2/2026 12:00:00 PM"}, Canonical.PASSWORD_RESET),
        ({"UserAccountControl": "\r\n\t\t%%2082"}, Canonical.BYPASS_GRANT),
        ({"UserAccountControl": "\r\n\t\t%%2060"}, Canonical.FACTOR_RESET),
        ({"AllowedToDelegateTo": "cifs/fs1"}, Canonical.PRIVILEGE_GRANT),
        ({"UserPrincipalName": "ana2@example.test"}, Canonical.ACCOUNT_RENAME),
        ({}, None),
    ],
)
def test_a_change_is_what_differs(classify: Classify, changed: dict[str, str], action: Canonical | None) -> None:
    """4738 lists every attribute, a hyphen for each that stays."""
    event = _event(4738, **SUBJECT, **TARGET, **{**UNCHANGED, **changed})
    assert [row.action for row in classify([event], provider="windows").verdicts] == ([action] if action else [])


def _logon(**fields: Any) -> dict[str, Any]:
    given = {
        "TargetUserSid": AGENT,
        "TargetUserName": "agent",
        "TargetLogonId": "0x3e8f1",
        "LogonType": 3,
        "IpAddress": "198.51.100.7",
        "IpPort": "50123",
        "WorkstationName": "PC7",
        "SubjectUserSid": "S-1-0-0",
        "SubjectLogonId": "0x0",
    }
    return _event(4624, record=9, at="2026-03-02T11:59:00Z", **{**given, **fields})


def test_a_logon_lends_a_change_its_address(classify: Classify) -> None:
    """The log names no address with a change: the 4624 of the same logon does; another logon's does not."""
    assert [row.address for row in classify([_reset(), _logon()], provider="windows").verdicts] == ["198.51.100.7"]
    other = _logon(TargetLogonId="0x999")
    assert [row.address for row in classify([_reset(), other], provider="windows").verdicts] == [None]


def test_sign_ins_are_people_s(tmp_path: Path) -> None:
    """A person's logon, good and bad, is a sign-in; a machine's is counted only."""
    bad = _event(4625, record=10, TargetUserName="ana", TargetUserSid="S-1-0-0", IpAddress="::ffff:203.0.113.5")
    lines = [_logon(), _logon(TargetUserName="DC1$"), bad]
    found = rows(tmp_path, "windows", lines, SIGN_INS)
    assert [row[:3] for row in found] == [(AGENT, True, "198.51.100.7"), ("ana", False, "203.0.113.5")]


def test_the_domain_of_a_lock_out_is_a_computer(classify: Classify) -> None:
    """4740 writes the computer that the wrong passwords came from where others have the domain."""
    event = _event(4740, **{**SUBJECT, **TARGET, "SubjectUserSid": "S-1-5-18", "TargetDomainName": "PC7"})
    row = classify.one(event, provider="windows")
    assert (row.action, row.target, row.actor_class) == (Canonical.ACCOUNT_LOCK, ANA, "system")


@pytest.mark.parametrize(
    ("group", "name", "is_found"),
    [
        ("S-1-5-32-544", "Administrators", True),
        ("S-1-5-21-1-2-3-512", "Domänen-Admins", True),
        ("S-1-5-21-1-2-3-1777", "Sales", False),
    ],
)
def test_a_group_that_lends_power_is_known_by_its_identifier(
    classify: Classify, group: str, name: str, is_found: bool
) -> None:
    """Whatever the language of its name, such a group's SID ends alike; the member is the target."""
    data = {**SUBJECT, "MemberSid": ANA, "MemberName": "-", "TargetSid": group, "TargetUserName": name}
    found = classify([_event(4732, **data)], provider="windows").verdicts
    assert [(row.action, row.target) for row in found] == ([(Canonical.PRIVILEGE_GRANT, ANA)] if is_found else [])


@pytest.mark.parametrize("keywords", ["0x8010000000000000", "Audit Failure", "-9218868437227405312"])
def test_an_audit_failure_is_an_attempt(classify: Classify, keywords: str) -> None:
    """However a forwarder writes its keyword, a failure is no reset."""
    row = classify.one(_event(4724, keywords=keywords, **SUBJECT, **TARGET), provider="windows")
    assert row.reasons == ("attempt_failed",)


def test_who_changes_his_own_is_the_owner(classify: Classify) -> None:
    """Subject and target are one account."""
    own: dict[str, Any] = {"SubjectUserSid": ANA, "SubjectUserName": "ana", "SubjectLogonId": "0x1"}
    row = classify.one(_event(4723, **own, **TARGET), provider="windows")
    assert (row.action, row.verdict) == (Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE)


def test_a_key_credential_written_on_an_account_is_a_factor(classify: Classify) -> None:
    """5136 shows a key added to an account, as Windows Hello does and an attacker can."""
    data = {
        **SUBJECT,
        "ObjectDN": "CN=Ana,DC=example,DC=test",
        "AttributeLDAPDisplayName": "msDS-KeyCredentialLink",
        "OperationType": "%%14674",
    }
    row = classify.one(_event(5136, **data), provider="windows")
    assert (row.action, row.target) == (Canonical.FACTOR_ENROLL, "CN=Ana,DC=example,DC=test")


def test_another_channel_is_another_log(classify: Classify) -> None:
    """An event number means nothing outside its channel."""
    sysmon = _event(4724, channel="Microsoft-Windows-Sysmon/Operational", **SUBJECT, **TARGET)
    report = classify([sysmon], provider="windows")
    assert (report.verdicts, report.unknown_types, report.lines) == ((), (), 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<Event><System></System></Event>", "damaged XML"),
        ("<Event><System><EventID>4724", "an XML event without its end"),
        ("<Event><System><EventID>4724</System></Event>", "damaged XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Event><System/>&a;</Event>', "damaged XML"),
        ("{}", "no EventID"),
        ('{"Event": {"System": null}}', "no EventID"),
        ('{"Event": {"System": {"EventID": [1]}, "EventData": 7}}', "no EventID"),
        ('{"winlog": {"event_id": null}}', "no EventID"),
        ('{"winlog": {"event_id": 4724, "event_data": [], "user_data": 7}}', None),
    ],
)
def test_damaged_events_are_kept_aside(classify: Classify, text: str, reason: str | None) -> None:
    """A record that is no event is named with its reason, and the next is judged."""
    report = classify([text, _flat(_reset())] if text[0] == "{" else [text, _xml(_reset())], provider="windows")
    assert ANA in {row.target for row in report.verdicts}
    assert [rejected.reason for rejected in report.rejected] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("time", "year"),
    [("/Date(1772452800000)/", 2026), ("133000000000000000", 2022), ("1601-01-01T00:00:00Z", 1601), ("nonsense", 1970)],
)
def test_times_in_other_forms_are_read(classify: Classify, time: str, year: int) -> None:
    """PowerShell's date, a FILETIME, the year that FILETIME begins in, and none at all."""
    event = {**_flat(_reset()), "TimeCreated": time, "TimeGenerated": None, "EventID": 4724, "Extra": {"odd": 1}}
    assert classify.one({"winlog": None, "Event": None, **event, "event_data": {}}, provider="windows").at.year == year


_MESSAGE = """An attempt was made to reset an account's password.\r
\r
Subject:\r
\tSecurity ID:\t\tS-1-5-21-1-2-3-1100\r
\tAccount Name:\t\tagent\r
\tAccount Domain:\t\tEXAMPLE\r
\tLogon ID:\t\t0x3E8F1\r
\r
Target Account:\r
\tSecurity ID:\t\tS-1-5-21-1-2-3-1200\r
\tAccount Name:\t\tana\r
\tAccount Domain:\t\tEXAMPLE"""


def test_a_rendered_message_is_read_where_there_is_nothing_else(classify: Classify) -> None:
    """PowerShell's export has the data of an event only within its message."""
    event = {
        "Id": 4724,
        "LogName": "Security",
        "MachineName": "dc1.example.test",
        "RecordId": 1,
        "TimeCreated": "/Date(1772452800000)/",
        "Message": _MESSAGE,
    }
    row = classify.one(event, provider="windows")
    assert (row.actor, row.target, row.action, row.at.hour) == (AGENT, ANA, Canonical.PASSWORD_RESET, 12)


def test_a_record_s_own_time_comes_before_its_pipeline_s(tmp_path: Path) -> None:
    """Winlogbeat's document says when the record was written, beside when it was read."""
    beat = _beat(_reset())
    beat["winlog"]["time_created"] = "2026-03-01T10:00:00.1234567Z"
    row = _one(tmp_path, json.dumps(beat).encode())
    assert row.at.isoformat() == "2026-03-01T10:00:00.123456+00:00"


@pytest.mark.parametrize("time", [1772452800, 1772452800.25])
def test_a_graylog_message_is_read(tmp_path: Path, time: float) -> None:
    """A record as Graylog's extended format has it: flat, with the time in seconds."""
    fields = {"SubjectUserName": "mara", "TargetUserName": "ana", "EventID": 4724, "timestamp": time}
    row = _one(tmp_path, json.dumps(fields).encode())
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, "mara", "ana")
    assert row.at.replace(microsecond=0).isoformat() == "2026-03-02T12:00:00+00:00"


def test_xml_as_a_browser_shows_it_is_read(tmp_path: Path) -> None:
    """Microsoft's documentation has events as copied from a browser, with a dash before what folds."""
    text = "- " + _xml(_reset()).replace("<System>", "- <System>").replace("<EventData>", "- <EventData>")
    row = _one(tmp_path, text.encode())
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, AGENT, ANA)


FOREIGN = "S-1-5-21-7-8-9-1100"


def test_anothers_name_is_not_the_executor(classify: Classify, evidence: Callable[..., EvidenceRow]) -> None:
    """An account of another domain called as the executor has another SID, and claims no evidence of it."""
    keys = (AGENT.lower(), "agent", "agent@example.test")
    case = evidence("ana", directory="windows", target_keys=(ANA.lower(), "ana"), principal_keys=keys)
    assert classify.one(_reset(), case, provider="windows").verdict is Verdict.VERIFIED
    row = classify.one(_reset(SubjectUserSid=FOREIGN, SubjectDomainName="CHILD"), case, provider="windows")
    assert (row.verdict, row.reasons) == (Verdict.OUT_OF_POLICY, ("other_actor",))
    nameless = classify.one(_reset(SubjectUserSid="-"), case, provider="windows")
    assert nameless.verdict is Verdict.VERIFIED


def test_anothers_name_owns_nothing(classify: Classify) -> None:
    """Whoever is called as the target in another domain is another, by SID or, without one, by domain."""
    for sid in (FOREIGN, "-"):
        by = {"SubjectUserSid": sid, "SubjectUserName": "ana", "SubjectDomainName": "CHILD"}
        assert classify.one(_reset(**by), provider="windows").verdict is Verdict.UNVERIFIED
