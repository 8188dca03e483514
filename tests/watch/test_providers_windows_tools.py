"""Windows' events as further tools hand them on, and what else in them gives somebody power."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers.windows_message import fields_of

from .conftest import Classify
from .signed_in import rows
from .test_windows import AGENT, ANA, SUBJECT, TARGET, UNCHANGED, _event

PAYLOAD = {"EventData": {"Data": [{"@Name": name, "#text": each} for name, each in (SUBJECT | TARGET).items()]}}
ECMD = {
    "RecordNumber": "7",
    "EventRecordId": "7",
    "TimeCreated": "2026-03-02 12:00:00.1234567",
    "EventId": "4724",
    "Provider": "Microsoft-Windows-Security-Auditing",
    "Channel": "Security",
    "Computer": "dc1.example.test",
    "MapDescription": "An attempt was made to reset an account's password",
    "UserName": "EXAMPLE\\agent",
    "Keywords": "Audit success",
    "Payload": json.dumps(PAYLOAD),
}
MESSAGE = """An attempt was made to reset an account's password.

Subject:
\tSecurity ID:\t\tS-1-5-21-1-2-3-1100
\tAccount Name:\t\tagent
\tAccount Domain:\t\tEXAMPLE
\tLogon ID:\t\t0x3E8F1

Target Account:
\tSecurity ID:\t\tS-1-5-21-1-2-3-1200
\tAccount Name:\t\tana
\tAccount Domain:\t\tEXAMPLE
"""


def _rendered(number: str = "4724", record: int = 7, keywords: str = "Audit Success") -> str:
    """An event as Splunk renders it, where XML is not asked for."""
    return (
        f"03/02/2026 12:00:00 PM\nLogName=Security\nEventCode={number}\nEventType=0\nComputerName=dc1.example.test\n"
        f"SourceName=Microsoft Windows security auditing.\nRecordNumber={record}\nKeywords={keywords}\n"
        f"TaskCategory=User Account Management\nOpCode=Info\nMessage={MESSAGE}"
    )


def _table(row: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, tuple(row))
    writer.writeheader()
    writer.writerow(row)
    return out.getvalue()


OTEL = {
    "channel": "Security",
    "computer": "dc1.example.test",
    "event_id": {"id": 4724, "qualifiers": 0},
    "provider": {"name": "Microsoft-Windows-Security-Auditing"},
    "record_id": 7,
    "system_time": "2026-03-02T12:00:00.1234567Z",
    "keywords": ["Audit Success"],
    "event_data": {"data": [{name: each} for name, each in (SUBJECT | TARGET).items()]},
}
VELOCIRAPTOR = {
    "System": {
        "Provider": {"Name": "Microsoft-Windows-Security-Auditing"},
        "EventID": {"Value": 4724},
        "TimeCreated": {"SystemTime": 1772452800.25},
        "EventRecordID": 7,
        "Channel": "Security",
        "Computer": "dc1.example.test",
    },
    "EventData": SUBJECT | TARGET,
}
FLAT = {"EventID": "4724", "Channel": "Security", "Computer": "dc1.example.test", "EventRecordID": "7"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ECMD) + "\n",
        _table(ECMD),
        _rendered(),
        _rendered().replace("EventCode=4724\n", "").replace("EventType=0\n", "SourceName=x\r\nEventCode=4724\r\n"),
        json.dumps({"result": {"_raw": _rendered(), "sourcetype": "WinEventLog:Security"}}) + "\n",
        json.dumps({"time": 1772452800, "event": _rendered()}) + "\n",
        _table({"_time": "2026-03-02T12:00:00.000+0000", "_raw": _rendered()}),
        json.dumps(FLAT | {"SystemTime": "2026-03-02T12:00:00Z"} | SUBJECT | TARGET) + "\n",
        json.dumps(FLAT | {"TimeCreated": "2026-03-02 13:00:00 +0100", "Message": MESSAGE}) + "\n",
        json.dumps({"body": OTEL, "attributes": {}}) + "\n",
        json.dumps(VELOCIRAPTOR) + "\n",
    ],
    ids=[
        "ecmd",
        "ecmd-table",
        "rendered",
        "rendered-earlier",
        "search",
        "collector",
        "search-table",
        "system-time",
        "zone-apart",
        "opentelemetry",
        "velociraptor",
    ],
)
def test_further_tools_hand_on_whom_it_is_about(tmp_path: Path, text: str) -> None:
    """The tools of responders and of Splunk keep data in places of their own; nothing of who and whom is lost."""
    log = tmp_path / "security.log"
    log.write_text(text)
    report = Engine().classify("windows", (log,))
    (row,) = report.verdicts
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, AGENT, ANA)
    assert (row.at.isoformat()[:19], report.rejected_lines) == ("2026-03-02T12:00:00", 0)


def test_rendered_events_are_parted_where_each_begins(tmp_path: Path) -> None:
    """A file has many events of many lines, and blank lines between some of them."""
    log = tmp_path / "security.log"
    log.write_text(_rendered() + "\n" + _rendered("4767", 8) + _rendered("4724", 9, "Audit Failure"))
    report = Engine().classify("windows", (log,))
    assert {(kind.native, kind.lines) for kind in report.types} == {("4724", 2), ("4767", 1)}
    assert [row.outcome for row in report.verdicts] == ["SUCCESS", "FAILURE"]  # the unlock goes with the first reset
    assert (report.lines, report.rejected_lines) == (3, 0)


ADDED, REMOVED = "%%14674", "%%14675"


def _written(attribute: str, of: str, dn: str, operation: str = ADDED) -> dict[str, Any]:
    given: dict[str, Any] = {
        "ObjectDN": dn,
        "ObjectClass": of,
        "AttributeLDAPDisplayName": attribute,
        "AttributeValue": "x",
    }
    return _event(5136, **SUBJECT, **given, OperationType=operation)


def _changed(control: object) -> dict[str, Any]:
    return _event(4738, **SUBJECT, **TARGET, **{**UNCHANGED, "UserAccountControl": control})


@pytest.mark.parametrize(
    ("event", "action"),
    [
        (_event(4765, **SUBJECT, **TARGET, SourceSid="S-1-5-21-1-2-3-500"), Canonical.PRIVILEGE_GRANT),
        (_event(4738, **SUBJECT, **TARGET, **UNCHANGED, SidHistory="%{S-1-5-21-1-2-3-500}"), Canonical.PRIVILEGE_GRANT),
        (_event(4738, **SUBJECT, **TARGET, **UNCHANGED, SidHistory="-"), None),
        (_written("sIDHistory", "user", "CN=Ana,DC=example,DC=test"), Canonical.PRIVILEGE_GRANT),
        (_written("nTSecurityDescriptor", "domainDNS", "DC=example,DC=test"), Canonical.PRIVILEGE_GRANT),
        (_written("nTSecurityDescriptor", "domainDNS", "DC=example,DC=test", REMOVED), None),
        (_written("nTSecurityDescriptor", "user", "CN=Ana,DC=example,DC=test"), None),
        (
            _written("nTSecurityDescriptor", "container", "CN=AdminSDHolder,CN=System,DC=example,DC=test"),
            Canonical.PRIVILEGE_GRANT,
        ),
        (_changed(["2080", "2082"]), Canonical.BYPASS_GRANT),
        (_changed("%%20821"), None),
    ],
)  # fmt: skip
def test_power_is_given_in_several_ways(classify: Classify, event: dict[str, Any], action: Canonical | None) -> None:
    """Another's identifier on an account, and rights over the domain, are power though no group says so."""
    assert [row.action for row in classify([event], provider="windows").verdicts] == ([action] if action else [])


def test_attempts_that_failed_are_no_changes(classify: Classify) -> None:
    """An identifier that could not be added, and a recovery password that was not set, are attempts."""
    lines = [
        _event(4766, record=1, keywords="0x8010000000000000", **SUBJECT, **TARGET),
        _event(4794, record=2, **SUBJECT, Workstation="DC1", Status="0xc000006a"),
    ]
    assert {row.reasons for row in classify(lines, provider="windows").verdicts} == {("attempt_failed",)}


def test_an_account_is_known_by_the_name_it_had(tmp_path: Path) -> None:
    """A rename is of the account under its old name, which lists may still have."""
    renamed: dict[str, Any] = {
        "OldTargetUserName": "ana",
        "NewTargetUserName": "ana.bach",
        "TargetDomainName": "EXAMPLE",
    }
    line = _event(4781, **SUBJECT, **renamed, TargetSid=ANA)
    found = rows(tmp_path, "windows", [line], "SELECT list_sort(target_keys) FROM native")
    assert found == [(["ana", "ana.bach", ANA.lower()],)]


ONE_LINE = " ".join(MESSAGE.split())
AUDITING = "Microsoft-Windows-Security-Auditing"


def _parameters(data: dict[str, Any]) -> str:
    return " ".join(f'{name}="{value}"' for name, value in data.items())


def _snare(between: str) -> str:
    fields = ("MSWinEventLog", "1", "Security", "7", "Mon Mar 02 12:00:00 2026", "4724", AUDITING, "EX\\agent", "N/A")
    return "<14>Mar  2 12:00:00 dc1 " + between.join((*fields, "Success Audit", "dc1", "Accounts", "", ONE_LINE))


@pytest.mark.parametrize(
    "line",
    [
        _snare("\t") + "\t8",
        _snare("#011"),
        (
            f'<14>1 2026-03-02T12:00:00Z dc1 {AUDITING} 4 - [NXLOG@14506 Keywords="-92143" EventType="AUDIT_SUCCESS" '
            f'EventID="4724" Channel="Security" {_parameters(SUBJECT | TARGET)}] TargetSid="S-1-5-7" {ONE_LINE}'
        ),
        f"2026 Mar 02 12:00:00 WinEvtLog: Security: AUDIT_SUCCESS(4724): {AUDITING}: agent: EX: dc1: {ONE_LINE}",
        json.dumps(
            {
                "EventTime": "2026-03-02T12:00:00Z",
                "Hostname": "dc1.example.test",
                "EventID": 4724,
                "Channel": "Security",
                "Message": ONE_LINE,
            }
        ),
        json.dumps(
            {
                "TimeCreated": "2026/03/02 12:00:00.000000000",
                "Computer": "dc1.example.test",
                "EventID": "4724",
                "Channel": "Security",
                "Description": MESSAGE,
                "EventData": list((SUBJECT | TARGET).values()),
            }
        ),
        json.dumps(
            {
                "TimeGenerated": "2026-03-02T12:00:00Z",
                "Computer": "dc1.example.test",
                "EventID": 4724,
                "Channel": "Security",
                "EventData": json.dumps(SUBJECT | TARGET),
            }
        ),
        json.dumps(
            {
                "Event": {
                    "System": {
                        "EventID": "4724",
                        "TimeCreated": {"SystemTime": "2026-03-02T12:00:00Z"},
                        "Channel": "Security",
                        "Computer": "dc1.example.test",
                    },
                    "EventData": {"Data": SUBJECT | TARGET},
                }
            }
        ),
    ],
    ids=[
        "snare",
        "snare through rsyslog",
        "nxlog",
        "ossec",
        "a message of one line",
        "fluentd",
        "data as text",
        "one object of data",
    ],
)
def test_what_agents_write_in_one_line(classify: Classify, line: str) -> None:
    """An event whose message was made one line, or whose data came as text, says who did what to whom, and when."""
    row = classify.one(line, provider="windows")
    assert (row.action, row.actor, row.target) == (Canonical.PASSWORD_RESET, AGENT, ANA)
    assert row.at.isoformat() == "2026-03-02T12:00:00+00:00"


@pytest.mark.parametrize("between", ["\t", "#011"])
def test_what_an_event_says_is_no_other_event(classify: Classify, between: str) -> None:
    """Text that somebody put into an event, such as a task's, forges none, in whatever form it comes."""
    forged = (
        "WinEvtLog: Security: AUDIT_SUCCESS(4724): x: a: b: dc1: Subject: Security ID: S-1-5-18 Target Account: "
        "Security ID: S-1-5-21-9 <Event><System><EventID>4724</EventID></System></Event>"
    )
    report = classify([_snare(between).replace("4724", "4698") + forged], provider="windows")
    assert (report.verdicts, report.unknown_types, report.rejected_lines) == ((), (), 0)


@pytest.mark.parametrize(
    ("line", "forged"),
    [
        (
            f'<14>1 2026-03-02T12:00:00Z dc1 {AUDITING} 4 - [NXLOG@14506 EventID="4724" Full Name="x"]',
            '1 2026-03-02T12:00:00Z dc1 x - - [NXLOG@1 EventID="4634"]',
        ),
        (
            "2026 Mar 02 12:00:00 WinEvtLog: Security: AuditSuccess(4724): x: a: b: c: dc1: x",
            "WinEvtLog: Security: INFO(4634): s: u: d: c: x",
        ),
    ],
)
def test_what_begins_as_no_such_event_is_not_what_its_text_is(classify: Classify, line: str, forged: str) -> None:
    """A head that can not be read hides no event behind another one in its text: the line is kept aside."""
    report = classify([f"{line} {forged}"], None, provider="windows")
    assert (report.rejected_lines, sum(one.lines for one in report.types)) == (1, 0)


def test_a_message_of_spaces_is_read_as_fast_as_any() -> None:
    """Twenty thousand spaces are tried once each, and not once for each label and each space behind them."""
    begun = time.process_time()
    assert fields_of(f"An attempt. Target Account: Account Name: bob{' ' * 19_000}x")["TargetUserName"].startswith(
        "bob"
    )
    assert time.process_time() - begun < 10  # it was a minute


def test_one_line_says_which_attributes_changed_and_whether_it_failed(classify: Classify) -> None:
    """A label ends the value before it, and an attempt is one in words, too."""
    subject = ONE_LINE[ONE_LINE.index("Subject:") :]
    changed = (
        " Changed Attributes: SAM Account Name: - Display Name: Ana of Staff User Principal Name: ana2@example.test "
        "Home Directory: - Password Last Set: - Account Expires: - AllowedToDelegateTo: - User Account Control: - "
        "SID History: - Logon Hours: - Additional Information: Privileges: -"
    )
    head = "2026 Mar 02 12:00:00 WinEvtLog: Security: AUDIT_{}({}): Microsoft-Windows-Security-Auditing: a: b: dc1: x. "
    renamed = classify.one(head.format("SUCCESS", 4738) + subject + changed, provider="windows")
    assert (renamed.action, renamed.native_action, renamed.target) == (Canonical.ACCOUNT_RENAME, "4738 renamed", ANA)
    tried = classify.one(head.format("FAILURE", 4724) + subject, provider="windows")
    assert tried.reasons == ("attempt_failed",)


AUDIT = "&lt;AuditBase&gt;&lt;UserId&gt;EXAMPLE\\ana&lt;/UserId&gt;&lt;/AuditBase&gt;"


def _federation(number: int, record: int, outcome: str = "AUDIT_SUCCESS", user: str = "EXAMPLE\\ana") -> dict[str, Any]:
    """An event of an AD FS server as NXLog has it: the account is in the text, the record's own is the service's."""
    audit = f"<AuditBase><UserId>{user}</UserId><IpAddress>203.0.113.9,198.51.100.1</IpAddress></AuditBase>"
    return {
        "EventTime": "2026-03-02T12:00:00Z", "Hostname": "fs1.example.test", "SourceName": "AD FS Auditing",
        "EventID": number, "EventType": outcome, "Channel": "Security", "RecordNumber": record,
        "AccountName": "svc-federation", "Message": f"See XML for details.\r\nXML: {audit}",
    }  # fmt: skip


def test_the_account_of_a_federation_server_s_event_is_in_its_text(classify: Classify, tmp_path: Path) -> None:
    """A lock at the edge is done though the sign-in failed; who changes a password there has its old one."""
    failed = "AUDIT_FAILURE"
    lines = [_federation(1210, 1, failed), _federation(1204, 2), _federation(1205, 3, failed)]
    report = classify(lines, None, provider="windows")
    found = {row.id.rpartition("/")[2]: row for row in report.verdicts}
    assert [(found[n].action, found[n].target, found[n].address, found[n].outcome) for n in "123"] == [
        (Canonical.ACCOUNT_LOCK, "EXAMPLE\\ana", "203.0.113.9", "SUCCESS"),
        (Canonical.PASSWORD_CHANGE_SELF, "EXAMPLE\\ana", "203.0.113.9", "SUCCESS"),
        (Canonical.PASSWORD_CHANGE_SELF, "EXAMPLE\\ana", "203.0.113.9", "FAILURE"),
    ]
    assert found["2"].verdict is Verdict.SELF_SERVICE
    table = {**lines[0], "EventSourceName": "AD FS Auditing", "EventData": f"<EventData><Data>7</Data><Data>{AUDIT}"}
    table["EventData"] += "</Data></EventData>"
    for name in ("Message", "SourceName"):
        del table[name]
    assert classify.one(table, provider="windows").target == "EXAMPLE\\ana"
    signed_in = [_federation(1202, 4, user="ana@example.test"), _federation(1203, 5, failed, user="ana@example.test")]
    seen = rows(tmp_path, "windows", signed_in, "SELECT target, done, address FROM sign_in ORDER BY done")
    assert seen == [("ana@example.test", False, "203.0.113.9"), ("ana@example.test", True, "203.0.113.9")]


@pytest.mark.parametrize("number", [{"#text": 1210, "#attributes": {"Qualifiers": 0}}, {"Value": "1210"}, "1210"])
@pytest.mark.parametrize("named", [False, True])
def test_a_number_with_qualifiers(classify: Classify, number: Any, named: bool) -> None:
    """Services that register their events the old way have qualifiers beside the number, and data without names."""
    text = "<AuditBase><UserId>ana@example.test</UserId></AuditBase>"
    event = _event(number)
    event["Event"]["EventData"] = {"Data": {"#text": ["7", text]}}
    event["Event"]["System"]["Provider"]["#attributes"]["Name"] = "AD FS Auditing"
    if named:
        event["Event"]["EventData"] = {"Data": [{"Name": "Data", "text": text}]}
    row = classify.one(event, provider="windows")
    assert (row.action, row.target) == (Canonical.ACCOUNT_LOCK, "ana@example.test")


def test_a_check_of_credentials_names_its_machine(tmp_path: Path) -> None:
    """4776 calls the machine that it was asked from otherwise than a sign-in does."""
    event = _event(4776, TargetUserName="ana", Workstation="PC7", Status="0x0")
    assert rows(tmp_path, "windows", [event], "SELECT target, device FROM sign_in") == [("ana", "PC7")]


def _timeline(number: int, **data: Any) -> dict[str, Any]:
    """A row of Hayabusa's timeline with all fields."""
    return {
        "Timestamp": "2026-03-02 21:00:00.123 +09:00",
        "Computer": "dc1.example.test",
        "Channel": "Sec",
        "Provider": AUDITING,
        "EventID": number,
        "Level": "med",
        "RecordID": 7,
        "RuleTitle": "x",
        "Details": {"TgtUser": "ana"},
        "AllFieldInfo": SUBJECT | TARGET | data,
    }


def test_a_timeline_of_what_rules_hit(classify: Classify) -> None:
    """An event that two rules hit is one; whether a password was reset the timeline does not say."""
    two = [_timeline(4725), _timeline(4725) | {"RuleTitle": "y"}]
    row = classify.one("\n".join(json.dumps(each, indent=2) for each in two), provider="windows")
    assert (row.action, row.actor, row.target) == (Canonical.ACCOUNT_DISABLE, AGENT, ANA)
    assert row.at.isoformat() == "2026-03-02T12:00:00.123000+00:00"
    report = classify([_timeline(4724)], provider="windows")
    assert [one.reason.partition(",")[0] for one in report.rejected] == ["a timeline"]


def test_what_chainsaw_hunted(classify: Classify) -> None:
    """A hit has the record within a document."""
    hit = {
        "group": "x",
        "kind": "individual",
        "document": {"kind": "evtx", "path": "a", "data": _event(4725, **SUBJECT, **TARGET)},
    }
    assert classify.one(hit, provider="windows").target == ANA
