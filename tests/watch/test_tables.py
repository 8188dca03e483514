"""Logs as tables: what vendors' consoles, Purview, Splunk and PowerShell export as comma-separated values."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from watchword.core.identity_event import Canonical
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA
from watchword.watch.sources.files import lines_of
from watchword.watch.verdicts import Report

from .conftest import Okta


def _csv(rows: Iterable[dict[str, Any]], delimiter: str = ",", end: str = "\r\n") -> str:
    rows = list(rows)
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _read(folder: Path, content: str | bytes, provider: str = "okta") -> Report:
    log = folder / "log"
    log.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Engine().classify(provider, (log,))


def _okta(number: int = 1, **columns: str) -> dict[str, str]:
    return {
        "timestamp": "2026-03-02T12:00:00.000Z",
        "uuid": f"u-{number}",
        "event_type": "user.account.reset_password",
        "display_message": 'Said "so",\nover two lines',
        "actor.id": "00umara",
        "actor.type": "User",
        "actor.alternate_id": "mara@example.test",
        "client.ip_address": "192.0.2.9",
        "client.geographical_context.country": "Iceland",
        "outcome.result": "SUCCESS",
        "transaction.id": f"t-{number}",
        "target0.id": "00uana",
        "target0.type": "User",
        "target0.alternate_id": "ana@example.test",
        "target1.id": "",
        "target1.type": "",
    } | columns


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: _csv(rows).encode(),
        lambda rows: _csv(rows, ";", "\n").encode(),
        lambda rows: _csv(rows, "\t").encode("utf-16"),
        lambda rows: b"\xef\xbb\xbf" + _csv(rows).encode(),
        lambda rows: ("#TYPE Selected.Object\r\n" + _csv(rows)).encode(),
        lambda rows: (_csv(rows[:1]) + _csv(rows[1:])).encode(),
        lambda rows: gzip.compress(_csv(rows).encode()),
    ],
    ids=["commas", "semicolons", "tabs", "with a mark", "PowerShell's", "two in one", "packed"],
)
def test_okta_s_table_is_read(tmp_path: Path, write: Any) -> None:
    """The console's download has one column for each member, and targets by their number."""
    report = _read(tmp_path, write([_okta(1), _okta(2, **{"outcome.result": "FAILURE", "target0.id": "00uben"})]))
    assert [
        (row.actor, row.target, row.action, row.address, row.country, row.correlation, row.outcome)
        for row in report.verdicts
    ] == [
        ("00umara", "00uana", Canonical.PASSWORD_RESET, "192.0.2.9", "Iceland", "t-1", "SUCCESS"),
        ("00umara", "00uben", Canonical.PASSWORD_RESET, "192.0.2.9", "Iceland", "t-2", "FAILURE"),
    ]
    assert (report.lines, report.rejected_lines, report.unknown_types) == (2, 0, ())


def _audit(**columns: str) -> dict[str, str]:
    return {
        "Date (UTC)": "2026-03-02T12:00:00+00:00",
        "CorrelationId": "c-1",
        "Service": "Core Directory",
        "Category": "UserManagement",
        "Activity": "Reset password (by admin)",
        "Result": "success",
        "ResultReason": "",
        "ActorType": "User",
        "ActorDisplayName": "",
        "ActorObjectId": "o-mara",
        "ActorUserPrincipalName": "mara@example.test",
        "IPAddress": "192.0.2.9",
        "ActorServicePrincipalId": "",
        "ActorServicePrincipalName": "",
        "Target1Type": "User",
        "Target1DisplayName": "",
        "Target1ObjectId": "o-ana",
        "Target1UserPrincipalName": "ana@example.test",
        "Target1ModifiedProperty1Name": "",
        "Target1ModifiedProperty1OldValue": "",
        "Target1ModifiedProperty1NewValue": "",
        "Target2Type": "",
        "AdditionalDetail1Key": "",
        "AdditionalDetail1Value": "",
    } | columns


def test_entra_s_audits_are_read_from_the_admin_centre_s_table(tmp_path: Path) -> None:
    """Who acted, on whom, what was changed and whether it was done, of people and of applications."""
    phone = {
        "Activity": "Update user",
        "CorrelationId": "c-2",
        "Target1ModifiedProperty1Name": "StrongAuthenticationUserDetails",
        "Target1ModifiedProperty1OldValue": "[]",
        "Target1ModifiedProperty1NewValue": '[{"PhoneNumber": "+354 555 0100"}]',
    }
    application = {
        "CorrelationId": "c-3",
        "Result": "failure",
        "ActorType": "Application",
        "ActorObjectId": "",
        "ActorUserPrincipalName": "",
        "ActorServicePrincipalId": "o-app",
        "ActorServicePrincipalName": "Joiner",
    }
    report = _read(tmp_path, _csv([_audit(), _audit(**phone), _audit(**application)]), "entra")
    assert {
        (row.correlation, row.actor, row.target, row.action, row.actor_class, row.outcome.lower())
        for row in report.verdicts
    } == {
        ("c-1", "o-mara", "o-ana", Canonical.PASSWORD_RESET, None, "success"),
        ("c-2", "o-mara", "o-ana", Canonical.RECOVERY_INFO_CHANGE, None, "success"),
        ("c-3", "o-app", "o-ana", Canonical.PASSWORD_RESET, "automation", "failure"),
    }
    assert {(row.at.isoformat(), row.address) for row in report.verdicts} == {
        ("2026-03-02T12:00:00+00:00", "192.0.2.9")
    }
    assert (report.rejected_lines, report.unknown_types) == (0, ())


def test_an_audit_has_its_country_from_a_table_of_sign_ins(tmp_path: Path) -> None:
    """The admin centre exports sign-ins with a place in words, whose last is the country."""
    sign_in = {
        "Date (UTC)": "2026-03-02T11:50:00Z",
        "Request ID": "r-1",
        "Correlation ID": "c-9",
        "User ID": "o-mara",
        "User": "Mara",
        "Username": "mara@example.test",
        "Application": "Portal",
        "IP address": "192.0.2.9",
        "Location": "Selfoss, Suðurland, IS",
        "Status": "Success",
        "Sign-in error code": "",
    }
    (tmp_path / "sign-ins.csv").write_text(_csv([sign_in]))
    (tmp_path / "audits.csv").write_text(_csv([_audit()]))
    report = Engine().classify("entra", (tmp_path / "audits.csv", tmp_path / "sign-ins.csv"))
    assert [(row.country, row.address) for row in report.verdicts] == [("IS", "192.0.2.9")]
    assert (report.lines, report.rejected_lines) == (2, 0)


def test_purview_s_table_is_read(tmp_path: Path) -> None:
    """The export of the unified audit log has a record as JSON in one of its columns."""
    record = {
        "CreationTime": "2026-03-02T12:00:00",
        "Id": "r-1",
        "Operation": "New-InboxRule",
        "ResultStatus": "True",
        "UserId": "mara@example.test",
        "MailboxOwnerUPN": "ana@example.test",
        "ClientIP": "192.0.2.9",
        "Parameters": [{"Name": "ForwardTo", "Value": "else@example.test"}],
    }
    row = {
        "RecordId": "r-1",
        "CreationDate": "2026-03-02T12:00:00.0000000Z ",
        "RecordType": 1,
        "Operation": "New-InboxRule",
        "UserId": "mara@example.test",
        "AuditData": json.dumps(record),
        "AssociatedAdminUnits": "",
    }
    (verdict,) = _read(tmp_path, _csv([row]), "entra").verdicts
    assert (verdict.action, verdict.target) == (Canonical.MAILBOX_RULE, "ana@example.test")


def test_sentinel_s_table_is_read(tmp_path: Path) -> None:
    """An export of Log Analytics has times in American order under a name that says UTC, and objects as text."""
    row = {
        "TimeGenerated [UTC]": "3/2/2026, 12:00:00.000 PM",
        "OperationName": "Reset password (by admin)",
        "Category": "UserManagement",
        "CorrelationId": "c-1",
        "Result": "success",
        "InitiatedBy": json.dumps({"user": {"id": "o-mara", "userPrincipalName": "mara@example.test"}}),
        "TargetResources": json.dumps([{"id": "o-ana", "type": "User", "userPrincipalName": "ana@example.test"}]),
    }
    (verdict,) = _read(tmp_path, _csv([row]), "entra").verdicts
    assert (verdict.actor, verdict.target, verdict.at.isoformat()) == ("o-mara", "o-ana", "2026-03-02T12:00:00+00:00")


def test_splunk_s_table_is_read_by_its_raw_events(okta: Okta, tmp_path: Path) -> None:
    """What Splunk took out of an event stands beside it, in names of its own: the event itself counts."""
    event = okta()
    row = {"_time": "2026-03-02", "eventType": event["eventType"], "target{}.id": "00uana x", "_raw": json.dumps(event)}
    (verdict,) = _read(tmp_path, _csv([row])).verdicts
    assert (verdict.id, verdict.target) == (event["uuid"], "00uana")


def test_splunk_s_json_is_read_by_its_raw_event(okta: Okta, tmp_path: Path) -> None:
    """The same in the lines of its export as JSON."""
    event = okta()
    result = {"eventType": event["eventType"], "target{}.id": ["00uana"], "_raw": json.dumps(event)}
    (verdict,) = _read(tmp_path, json.dumps({"preview": False, "result": result})).verdicts
    assert (verdict.id, verdict.target) == (event["uuid"], "00uana")


def test_github_s_table_is_read(tmp_path: Path) -> None:
    """A table whose columns are a vendor's own names."""
    row = {"action": "org.add_member", "actor": "mara", "user": "ana", "created_at": "1772452800000", "org": "example"}
    report = _read(tmp_path, _csv([row]), "github")
    assert [(kind.native, kind.known) for kind in report.types] == [("org.add_member", True)]
    assert report.rejected_lines == 0


def test_a_damaged_row_hides_no_other(tmp_path: Path) -> None:
    """A row cut short and a quote that never ends are kept aside with their lines; the rows after them are read."""
    rows = [_okta(number, display_message="one line") for number in range(1, 6)]
    lines = _csv(rows, end="\n").splitlines()
    lines[2] = lines[2][: len(lines[2]) // 2]
    lines[4] = '"' + "x" * 200_000
    report = _read(tmp_path, "\n".join(lines) + "\n")
    assert [row.correlation for row in report.verdicts] == ["t-1", "t-3", "t-5"]
    assert [rejected.line for rejected in report.rejected] == [3, 5]
    assert report.lines == 5


def test_a_table_of_something_else_is_named_line_by_line(tmp_path: Path) -> None:
    """No log of this provider is guessed into one."""
    report = _read(tmp_path, "name,count\nana,1\nmara,2\n")
    reason = "a table with other columns than this log has"
    assert [(rejected.line, rejected.reason) for rejected in report.rejected] == [(2, reason), (3, reason)]


def test_words_with_commas_before_a_log_are_no_table(tmp_path: Path) -> None:
    """Lines that a tool wrote before the events, however they are parted, take none of the events with them."""
    event = json.dumps({"eventType": "user.account.lock", "published": "2026-03-02T12:00:00Z", "actor": {"id": "a"}})
    report = _read(tmp_path, f"copied, once\nchecked, twice\n{event}\n")
    assert ([kind.native for kind in report.types], report.rejected_lines) == (["user.account.lock"], 2)


def test_a_row_without_a_type_is_named(tmp_path: Path) -> None:
    """A row that has everything but what it is of."""
    report = _read(tmp_path, _csv([_okta(1, event_type=""), _okta(2)]))
    assert [row.correlation for row in report.verdicts] == ["t-2"]
    assert [(rejected.line, rejected.reason) for rejected in report.rejected] == [(2, "no eventType")]


def test_a_table_in_a_folder_is_followed_as_its_rows(tmp_path: Path) -> None:
    """The live watch's sources give the rows of a table, too."""
    (tmp_path / "log.csv").write_text(_csv([_okta(1), _okta(2)]))
    assert [json.loads(line)["uuid"] for line in lines_of(tmp_path / "log.csv", OKTA)] == ["u-1", "u-2"]


RESET = """An attempt was made to reset an account's password.

Subject:
\tSecurity ID:\t\tCORP\\mara
\tAccount Name:\t\tmara
\tAccount Domain:\t\tCORP
\tLogon ID:\t\t0x5E2887

Target Account:
\tSecurity ID:\t\tCORP\\ana
\tAccount Name:\t\tana
\tAccount Domain:\t\tCORP"""


@pytest.mark.parametrize(("keywords", "done"), [("Audit Success", True), ("Audit Failure", False)])
def test_what_event_viewer_saves_is_read(tmp_path: Path, keywords: str, done: bool) -> None:
    """It has a value more than it has names: the message, which alone says who did it and to whom."""
    head = "Keywords,Date and Time,Source,Event ID,Task Category\r\n"
    source = "Microsoft-Windows-Security-Auditing"
    row = f'{keywords},3/2/2026 12:00:00 PM,{source},4724,User Account Management,"{RESET}"\r\n'
    report = _read(tmp_path, head + row, "windows")
    (verdict,) = report.verdicts
    assert (verdict.action, verdict.actor, verdict.target) == (
        Canonical.PASSWORD_RESET,
        "CORP\\mara",
        "CORP\\ana",
    )
    assert (verdict.at.isoformat(), "attempt_failed" not in verdict.reasons) == ("2026-03-02T12:00:00+00:00", done)
    assert report.rejected_lines == 0


@pytest.mark.parametrize(
    ("provider", "head", "why"),
    [
        ("cloudtrail", "Event name,Event time,User name,Event source", "does not say what was asked for"),
        ("google", "Event name,Event description,User,Date", "in words alone"),
        ("google", "Date,Event,Description,Actor", "in words alone"),
        ("duo", "Timestamp,User,Application,Result", "other columns than this log has"),
    ],
)
def test_a_table_that_lacks_what_a_verdict_needs_says_so(tmp_path: Path, provider: str, head: str, why: str) -> None:
    """Each row is kept aside for a reason that somebody can act on, and none is read as something else."""
    report = _read(tmp_path, f"{head}\na,b,c,d\ne,f,g,h\n", provider)
    assert (report.lines, report.rejected_lines, report.verdicts) == (2, 2, ())
    assert all(why in row.reason for row in report.rejected)


def test_words_with_commas_before_the_events_are_no_table(tmp_path: Path, okta: Okta) -> None:
    """A first line that could be the head of a table does not hide the events below it."""
    report = _read(tmp_path, f"exported,by,mara\n{json.dumps(okta())}\n", "okta")
    assert (report.rejected_lines, len(report.verdicts)) == (1, 1)
