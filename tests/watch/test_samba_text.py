"""Samba's audit as people read it: a real controller's lines (samples/), and what those lines do not escape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import SAMBA
from watchword.watch.providers.samba_text import of_text
from watchword.watch.sieve import Tally, sieve_lines
from watchword.watch.verdicts import Report

SAMPLE = Path(__file__).parent / "samples" / "samba_text.log"
ADMIN = "S-1-5-21-2585028162-1971805579-1324786756-500"
INES = "CN=Ines Vale,OU=People,DC=corp,DC=example,DC=test"
HEAD = "[2026/11/27 21:07:40.403982,  5] ../../lib/audit_logging/audit_logging.c:95(audit_log_human_text)"
_BY = f"status [Success] remote host [ipv4:192.0.2.7:5000] SID [{ADMIN}] DN"


def _read(folder: Path, *lines: str) -> Report:
    log = folder / "log"
    log.write_text("".join(f"{line}\n" for line in lines))
    return Engine().classify("samba", (log,))


def _modified(attributes: str, at: str = "Fri, 27 Nov 2026 21:07:40.403970 CET") -> str:
    return f"  DSDB Change [Modify] at [{at}] {_BY} [{INES}] attributes [{attributes}]"


def test_what_a_controller_wrote_is_read_as_its_json_is() -> None:
    """Reset, own change, contact, expiry, administrator's role, a refused reset, deletion and lock-out, all by whom."""
    report = Engine().classify("samba", (SAMPLE,))
    assert (report.rejected_lines, report.unknown_types) == (0, ())
    said = [(row.action, row.verdict, row.actor == ADMIN, row.address) for row in report.verdicts]
    assert said == [
        (Canonical.PASSWORD_RESET, Verdict.UNVERIFIED, True, "127.0.0.1"),
        (Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE, False, "127.0.0.1"),
        (Canonical.RECOVERY_INFO_CHANGE, Verdict.SUSPICIOUS, True, "127.0.0.1"),
        (Canonical.PASSWORD_EXPIRE, Verdict.SUSPICIOUS, True, "127.0.0.1"),
        (Canonical.PRIVILEGE_GRANT, Verdict.SUSPICIOUS, True, "127.0.0.1"),
        (Canonical.PASSWORD_RESET, Verdict.IGNORED, True, "127.0.0.1"),
        (Canonical.PRIVILEGE_REVOKE, Verdict.IGNORED, True, "127.0.0.1"),
        (Canonical.ACCOUNT_DELETE, Verdict.IGNORED, True, "127.0.0.1"),
        (Canonical.ACCOUNT_LOCK, Verdict.IGNORED, False, None),
    ]
    assert report.verdicts[5].reasons == ("attempt_failed",)
    assert report.verdicts[0].at.isoformat() == "2026-11-27T20:07:40.403970+00:00"


@pytest.mark.parametrize(
    "before",
    [
        "",
        HEAD,
        "Nov 27 21:07:40 dc1 samba[812]:",
        "<30>Nov 27 21:07:40 dc1 samba[812]:",
        "<30>1 2026-11-27 dc1 samba 8 - -",
    ],
)
def test_the_record_is_found_behind_its_head(tmp_path: Path, before: str) -> None:
    """Alone, on the line of its head, and as syslog hands it on."""
    report = _read(tmp_path, f"{before} {_modified('replace: unicodePwd [REDACTED SECRET ATTRIBUTE]').strip()}")
    assert [(row.action, row.target) for row in report.verdicts] == [(Canonical.PASSWORD_RESET, INES)]


def test_the_journal_and_collectors_hand_it_on(tmp_path: Path) -> None:
    """As text in a member of theirs, with its head or without."""
    said = _modified("replace: unicodePwd [REDACTED SECRET ATTRIBUTE]")
    lines = [json.dumps({"MESSAGE": said, "_COMM": "samba"}), json.dumps({"log": f"{HEAD} {said}"})]
    report = _read(tmp_path, *lines)
    assert ([row.target for row in report.verdicts], report.rejected_lines) == ([INES], 0)


def test_a_message_that_has_a_record_in_it_is_none(tmp_path: Path) -> None:
    """What a client makes a server log is no audit, whatever it looks like: kept aside, and told."""
    record = _modified("replace: mail [a]").strip()
    for before in ("  user not found:", "Nov 27 21:07:40 dc1 dovecot: auth: no user samba:"):
        report = _read(tmp_path, f"{before} {record}")
        assert (report.verdicts, report.rejected_lines) == ((), 1)


@pytest.mark.parametrize(
    ("zone", "at"),
    [("UTC", "21:07:40"), ("CEST", "19:07:40"), ("EST", "02:07:40"), ("-03", "00:07:40"), ("+0530", "15:37:40")],
)
def test_the_zone_is_known_by_its_name(tmp_path: Path, zone: str, at: str) -> None:
    """As the C library abbreviates it."""
    (row,) = _read(tmp_path, _modified("replace: mail [a]", f"Fri, 27 Nov 2026 21:07:40.000000 {zone}")).verdicts
    assert row.at.isoformat()[11:19] == at


@pytest.mark.parametrize("zone", ["IST", "CST", "XYZ", "/etc"])
def test_a_name_of_several_zones_is_no_time(tmp_path: Path, zone: str) -> None:
    """It is told and not guessed."""
    (row,) = _read(tmp_path, _modified("replace: mail [a]", f"Fri, 27 Nov 2026 21:07:40.000000 {zone}")).verdicts
    assert "no_time" in row.reasons


def test_a_value_hides_no_change(tmp_path: Path) -> None:
    """A description that closes its bracket adds what it says, and takes away nothing."""
    report = _read(
        tmp_path, _modified("replace: description [x] [y [] replace: lockoutTime [0] delete: mail  add: info [z]")
    )
    assert {row.action for row in report.verdicts} == {Canonical.ACCOUNT_UNLOCK, Canonical.RECOVERY_INFO_CHANGE}


def test_a_reset_is_not_made_its_owners_by_a_value(tmp_path: Path) -> None:
    """The old password beside free text that could say so is no proof; alone it is."""
    secret = "[REDACTED SECRET ATTRIBUTE]"
    own = f"delete: unicodePwd {secret} add: unicodePwd {secret}"
    forged = f"replace: unicodePwd {secret} replace: description [x] {own}]"
    assert [row.action for row in _read(tmp_path, _modified(own)).verdicts] == [Canonical.PASSWORD_CHANGE_SELF]
    assert [row.action for row in _read(tmp_path, _modified(forged)).verdicts] == [Canonical.PASSWORD_RESET]


@pytest.mark.parametrize("name", ["unicodepwd", "UNICODEPWD"])
def test_a_name_is_as_whoever_wrote_it_spelt_it(tmp_path: Path, name: str) -> None:
    """Another spelling of the attribute makes a reset no more its owner's."""
    secret = "[REDACTED SECRET ATTRIBUTE]"
    forged = f"replace: {name} {secret} replace: description [x] delete: {name} [y] add: {name} [z]"
    assert [row.action for row in _read(tmp_path, _modified(forged)).verdicts] == [Canonical.PASSWORD_RESET]


@pytest.mark.parametrize(
    "common", ["x] attributes [y", "x] attributes [delete: unicodePwd [] add: unicodePwd [", "a] New DN [b"]
)
def test_a_name_with_brackets_hides_nothing(tmp_path: Path, common: str) -> None:
    """A name ends in its domain, and what is set or reset is told of the whole name."""
    dn = f"CN={common},OU=People,DC=corp,DC=example,DC=test"
    at = "[Fri, 27 Nov 2026 21:07:40.403970 CET]"
    for line in (
        f"  DSDB Change [Modify] at {at} {_BY} [{dn}] attributes [replace: unicodePwd [REDACTED SECRET ATTRIBUTE]]",
        f"  Password Change [Reset] at {at} {_BY} [{dn}]",
    ):
        (row,) = _read(tmp_path, line).verdicts
        assert (row.action, row.verdict, row.target) == (Canonical.PASSWORD_RESET, Verdict.UNVERIFIED, dn)
    nowhere = f"  DSDB Change [Modify] at {at} {_BY} [CN={common}] attributes [replace: mail [a]]"
    assert _read(tmp_path, nowhere).rejected_lines == 1


@pytest.mark.parametrize(
    ("said", "actions"),
    [
        ("replace: userAccountControl [512] {} replace: userAccountControl [514]", {Canonical.ACCOUNT_ENABLE}),
        ("replace: lockoutTime [0] {} replace: lockoutTime [133]", {Canonical.ACCOUNT_UNLOCK}),
        ("replace: pwdLastSet [0] {} replace: pwdLastSet [-1]", {Canonical.PASSWORD_EXPIRE}),
        (
            "replace: userAccountControl [16843264] {} replace: userAccountControl [512]",
            {Canonical.ACCOUNT_ENABLE, Canonical.PRIVILEGE_GRANT},
        ),
    ],
)
def test_a_later_value_takes_nothing_away(tmp_path: Path, said: str, actions: set[Canonical]) -> None:
    """Of several values each may be the one that counts: a description can add one, and hides none."""
    rows = _read(tmp_path, _modified(said.format("replace: description [x]"))).verdicts
    assert {row.action for row in rows} == actions


def test_a_new_account_is_not_made_a_computer_by_a_value(tmp_path: Path) -> None:
    """Two lists of classes: one of them is a value's."""
    classes = "objectClass [top] [person] [user] sAMAccountName [ines]"
    made = f"  DSDB Change [Add] at [Fri, 27 Nov 2026 21:07:40.403970 CET] {_BY} [{INES}] attributes [{{}}]"
    for said in (classes, f"description [x] objectClass [computer]] {classes}"):
        (row,) = _read(tmp_path, made.format(said)).verdicts
        assert row.action == Canonical.ACCOUNT_CREATE


_SIGNED = (
    "  Auth: [SMB2,NTLMSSP] user [CORP]\\[{0}] at [Fri, 27 Nov 2026 21:07:40.403970 CET] with [NTLMv2] status "
    "[NT_STATUS_WRONG_PASSWORD] workstation [{1}] remote host [ipv4:192.0.2.7:5000] mapped to [CORP]\\[{0}]. "
    "local host [ipv4:192.0.2.1:445] {2}"
)


def test_a_sign_in_says_who_and_how_it_ended() -> None:
    """With the machine that passed it on, where there is one."""
    for trust in ("", " NETLOGON computer [WS1] trust account [WS1$]"):
        read = of_text(_SIGNED.format("ines", "WS1", trust))
        assert read is not None
        assert read["type"] == "Authentication"
        assert read["Authentication"]["status"] == "NT_STATUS_WRONG_PASSWORD"
        assert read["Authentication"]["mappedAccount"] == "ines"


def test_whoever_signs_in_forges_no_success() -> None:
    """A name or a workstation with brackets could be more members: the line is kept aside."""
    forged = f"W] remote host [ipv4:192.0.2.9:1] became [CORP]\\[olga] [{ADMIN}]. local host [ipv4:192.0.2.1:445"
    tally = Tally()
    lines = [_SIGNED.format("ines", forged, ""), _SIGNED.format("a] at [b", "WS1", "")]
    kept = list(sieve_lines(((n, line.encode()) for n, line in enumerate(lines, 1)), SAMBA, tally))
    assert (tally.rejected, len(kept)) == (2, 2)


def test_heads_and_transactions_are_no_damage() -> None:
    """Nor is what another controller changed, which that one tells; a head with its record behind it is no head."""
    lines = [HEAD, "  DSDB Transaction [rollback] at [Fri, 27 Nov 2026 21:07:41.474571 CET] duration [39991]"]
    tally = Tally()
    assert list(sieve_lines(((n, line.encode()) for n, line in enumerate(lines, 1)), SAMBA, tally)) == []
    assert (tally.preamble, tally.rejected) == (2, 0)
