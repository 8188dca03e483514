"""Samba's JSON audit, as a real domain controller wrote it (samples/), and its traps."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch import correlation
from watchword.watch.engine import Engine
from watchword.watch.meter import Meter
from watchword.watch.providers import SAMBA, Feed
from watchword.watch.reading import read_log
from watchword.watch.sieve import Tally
from watchword.watch.verdicts import VerdictRow

from .conftest import Classify

SAMPLES = Path(__file__).parent / "samples"
SYSTEM = "S-1-5-18"
ADMIN = "S-1-5-21-1729238248-238275011-3406139492-500"
BIND = "S-1-5-21-1729238248-238275011-3406139492-1102"
ROOT = "DC=corp,DC=example,DC=test"
OTTO = f"CN=Otto Lund,OU=People,{ROOT}"


def _rows(name: str, evidence: Path | None = None) -> tuple[VerdictRow, ...]:
    return Engine().classify("samba", (SAMPLES / f"samba_{name}.jsonl",), evidence).verdicts


@pytest.mark.parametrize(
    ("sample", "action", "verdict", "folded"),
    [
        ("reset_by_administrator", Canonical.PASSWORD_RESET, Verdict.UNVERIFIED, 2),
        ("reset_by_bind", Canonical.PASSWORD_RESET, Verdict.UNVERIFIED, 4),
        ("reset_refused", Canonical.PASSWORD_RESET, Verdict.IGNORED, 2),
        ("self_change", Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE, 2),
        ("unlock_by_bind", Canonical.ACCOUNT_UNLOCK, Verdict.UNVERIFIED, 1),
        ("lockout", Canonical.ACCOUNT_LOCK, Verdict.IGNORED, 1),
        ("disable_by_bind", Canonical.ACCOUNT_DISABLE, Verdict.IGNORED, 1),
        ("contact_by_administrator", Canonical.RECOVERY_INFO_CHANGE, Verdict.UNVERIFIED, 1),
    ],
)
def test_each_sample_is_one_support_action(sample: str, action: Canonical, verdict: Verdict, folded: int) -> None:
    """What a real controller logged for one act is one row with its canonical action."""
    assert [(row.action, row.verdict, row.folded) for row in _rows(sample)] == [(action, verdict, folded)]


def test_every_type_in_the_samples_is_known() -> None:
    """Nothing a real controller wrote is unknown to the catalogue, and no line is rejected."""
    report = Engine().classify("samba", tuple(sorted(SAMPLES.glob("samba_*.jsonl"))))
    assert report.unknown_types == ()
    assert report.rejected_lines == 0
    assert report.lines == sum(len(file.read_text().splitlines()) for file in SAMPLES.glob("samba_*.jsonl"))


def test_names_and_socket_come_as_the_receipt_has_them() -> None:
    """The target is a DN, the actor a SID, and the socket `address:port` without the scheme."""
    (row,) = _rows("reset_by_bind")
    assert row.target == "CN=Rosa Feld,OU=People,DC=corp,DC=example,DC=test"
    assert (row.actor, row.address, row.socket) == (BIND, "127.0.0.1", "127.0.0.1:38571")


def _governed(evidence: Callable[..., EvidenceRow], row: VerdictRow, **fields: Any) -> EvidenceRow:
    return evidence(
        **{
            "directory": "corp",
            "target_keys": (row.target, "s-1-5-21-1"),
            "principal_keys": (BIND,),
            "socket": row.socket,
            "started": row.at - timedelta(seconds=1),
            "ended": row.at + timedelta(seconds=1),
            "expires": row.at + timedelta(minutes=5),
            **fields,
        }
    )


def test_a_governed_reset_on_a_real_controller_is_verified(
    tmp_path: Path, evidence: Callable[..., EvidenceRow], write_evidence: Callable[..., Path]
) -> None:
    """Reset, must-change and unlock of one click over the socket of the receipt are verified by one case."""
    (row,) = _rows("reset_by_bind")
    (verified,) = _rows("reset_by_bind", write_evidence(tmp_path / "e.parquet", [_governed(evidence, row)]))
    assert (verified.verdict, verified.case) == (Verdict.VERIFIED, "c-0001")


def test_the_bind_account_over_another_socket_is_unverified(
    tmp_path: Path, evidence: Callable[..., EvidenceRow], write_evidence: Callable[..., Path]
) -> None:
    """The executor's credentials used beside the executor, at the same minute, are told apart by the socket."""
    (row,) = _rows("reset_by_bind")
    table = write_evidence(tmp_path / "e.parquet", [_governed(evidence, row, socket="127.0.0.1:1")])
    assert [(r.verdict, r.reasons) for r in _rows("reset_by_bind", table)] == [
        (Verdict.UNVERIFIED, ("other_connection",))
    ]


def test_a_reset_wider_than_an_unlock_is_out_of_policy(
    tmp_path: Path, evidence: Callable[..., EvidenceRow], write_evidence: Callable[..., Path]
) -> None:
    """An approved unlock does not cover the reset that came with it."""
    (row,) = _rows("reset_by_bind")
    table = write_evidence(tmp_path / "e.parquet", [_governed(evidence, row, effects=("account.unlock",))])
    assert [r.reasons for r in _rows("reset_by_bind", table)] == [("wider_than_approved",)]


def _change(attribute: str, *values: str, act: str = "replace", actor: str = ADMIN, dn: str = OTTO) -> str:
    body = {
        "statusCode": 0,
        "operation": "Modify",
        "remoteAddress": "ipv4:127.0.0.1:4000",
        "userSid": actor,
        "dn": dn,
        "transactionId": f"{attribute}-{act}",
        "attributes": {attribute: {"actions": [{"action": act, "values": [{"value": v} for v in values]}]}},
    }
    record = {"timestamp": "2026-11-21T04:44:29.663464+0000", "type": "dsdbChange", "dsdbChange": body}
    return "  " + json.dumps(record)


@pytest.mark.parametrize(
    ("line", "action"),
    [
        (_change("lockoutTime", "0"), Canonical.ACCOUNT_UNLOCK),
        (_change("lockoutTime", act="delete"), Canonical.ACCOUNT_UNLOCK),
        (_change("lockoutTime", "0", actor=SYSTEM), Canonical.ACCOUNT_UNLOCK_SELF),
        (_change("lockoutTime", "134397098660499630", actor=SYSTEM), Canonical.ACCOUNT_LOCK),
        (_change("pwdLastSet", "0"), Canonical.PASSWORD_EXPIRE),
        (_change("pwdLastSet", "-1"), None),
        (_change("userAccountControl", "512"), Canonical.ACCOUNT_ENABLE),
        (_change("userAccountControl", "66050"), Canonical.ACCOUNT_DISABLE),
        (_change("unicodePwd"), Canonical.PASSWORD_RESET),
        (_change("mobile", "+310000000"), Canonical.RECOVERY_INFO_CHANGE),
        (_change("msDS-KeyCredentialLink", "x", act="add"), Canonical.FACTOR_ENROLL),
        (_change("MSDS-keycredentiallink", "x", act="add"), Canonical.FACTOR_ENROLL),
        (_change("msDS-KeyCredentialLink", "x", act="delete"), Canonical.FACTOR_RESET),
        (_change("description", "x"), None),
        (_change("sIDHistory", "S-1-5-21-1-2-3-512", act="add"), Canonical.PRIVILEGE_GRANT),
        (_change("servicePrincipalName", "http/otto.example.test", act="add"), Canonical.BYPASS_GRANT),
        (_change("servicePrincipalName", "http/otto.example.test", act="delete"), None),
        (_change("msDS-AllowedToDelegateTo", "cifs/dc1.example.test", act="add"), Canonical.PRIVILEGE_GRANT),
        (_change("msDS-AllowedToActOnBehalfOfOtherIdentity", "x"), Canonical.PRIVILEGE_GRANT),
        (_change("msDS-AllowedToActOnBehalfOfOtherIdentity", "x", act="delete"), None),
        (_change("member", OTTO, act="add", dn="CN=Domain Admins,CN=Users,DC=x"), Canonical.PRIVILEGE_GRANT),
        (_change("member", OTTO, act="delete", dn="CN=Domain Admins,CN=Users,DC=x"), Canonical.PRIVILEGE_REVOKE),
        (_change("member", OTTO, act="add", dn="CN=Canteen,CN=Users,DC=x"), None),
    ],
)
def test_each_attribute_means_what_it_does(classify: Classify, line: str, action: Canonical | None) -> None:
    """An attribute's new value, and who wrote it, decide the canonical action; others are no identity support."""
    rows = classify([line], provider="samba").verdicts
    assert [(row.action, row.target) for row in rows] == ([(action, OTTO)] if action else [])


@pytest.mark.parametrize(
    ("line", "actions"),
    [
        (_change("userAccountControl", str(0x200 | 0x400000)), {Canonical.ACCOUNT_ENABLE, Canonical.BYPASS_GRANT}),
        (_change("userAccountControl", str(0x202 | 0x80000)), {Canonical.ACCOUNT_DISABLE, Canonical.PRIVILEGE_GRANT}),
        (_change("userAccountControl", str(0x200 | 0x20)), {Canonical.ACCOUNT_ENABLE, Canonical.BYPASS_GRANT}),
        (
            _change("userAccountControl", str(0x1000 | 0x20), dn=f"CN=PC1,CN=Computers,{ROOT}"),
            {Canonical.ACCOUNT_ENABLE},
        ),
        (
            _change("userAccountControl", str(0x82000), dn=f"CN=DC2,OU=Domain Controllers,{ROOT}"),
            {Canonical.ACCOUNT_ENABLE},
        ),
        (_change("servicePrincipalName", "HOST/pc1", act="add", dn=f"CN=PC1,CN=Computers,{ROOT}"), set()),
        (_change("nTSecurityDescriptor", "D:", dn=f"CN=AdminSDHolder,CN=System,{ROOT}"), {Canonical.PRIVILEGE_GRANT}),
        (_change("nTSecurityDescriptor", "D:", dn=ROOT), {Canonical.PRIVILEGE_GRANT}),
        (_change("nTSecurityDescriptor", "D:"), set()),
    ],
)
def test_flags_and_rights_tell_what_they_let(classify: Classify, line: str, actions: set[Canonical]) -> None:
    """A state of an account is written as all its flags at once; a machine's are what machines have."""
    report = classify([line], provider="samba")
    assert ({row.action for row in report.verdicts}, report.unknown_types) == (actions, ())


def test_a_new_user_is_no_reset(classify: Classify) -> None:
    """Adding a user and setting its first password over one connection is the making of an account."""
    add = _change("objectClass", "top", "user").replace('"Modify"', '"Add"')
    (row,) = classify([add, _change("unicodePwd")], provider="samba").verdicts
    assert row.reasons == ("new_account",)


@pytest.mark.parametrize(
    ("attribute", "classes", "is_made"),
    [
        ("objectClass", ("top", "user"), True),
        ("objectclass", ("User",), True),
        ("OBJECTCLASS", ("inetOrgPerson",), True),
        ("objectClass", ("top", "user", "computer"), False),
        ("objectclass", ("group",), False),
    ],
)
def test_a_new_account_however_its_class_is_spelt(
    classify: Classify, attribute: str, classes: tuple[str, ...], is_made: bool
) -> None:
    """The log has names and classes as whoever wrote them spelt them; a machine is no person's account."""
    add = _change(attribute, *classes).replace('"Modify"', '"Add"')
    made = [row.action for row in classify([add], provider="samba").verdicts]
    assert made == ([Canonical.ACCOUNT_CREATE] if is_made else [])


def test_a_changed_key_is_told_once(classify: Classify) -> None:
    """The log of passwords says that some key or name to sign in by changed; the change beside it says which."""
    body = {"statusCode": 0, "eventId": 5136, "action": "Public key change", "userSid": ADMIN, "dn": OTTO}
    body |= {"remoteAddress": "ipv4:127.0.0.1:4000", "transactionId": "msDS-KeyCredentialLink-add"}
    line = {"timestamp": "2026-11-21T04:44:29.663464+0000", "type": "passwordChange", "passwordChange": body}
    lines = [json.dumps(line), _change("msDS-KeyCredentialLink", "x", act="add")]
    report = classify(lines, provider="samba")
    assert [row.action for row in report.verdicts] == [Canonical.FACTOR_ENROLL]
    assert report.unknown_types == ()


def test_a_member_is_named_by_the_dn_behind_its_other_names(classify: Classify) -> None:
    """A controller writes GUID and SID before the DN of a member; the account is the same one."""
    named = f"<GUID=0f3b2c8e-3f52-4d0b-9c55-0a1b2c3d4e5f>;<SID={BIND}>;{OTTO}"
    row = classify.one(_change("member", named, act="add", dn="CN=Domain Admins,CN=Users,DC=x"), provider="samba")
    assert (row.target, row.action) == (OTTO, Canonical.PRIVILEGE_GRANT)


def test_a_group_change_and_its_member_are_one_grant(classify: Classify) -> None:
    """`groupChange` and the `member` written for it are one click on the member's account."""
    body = {
        "statusCode": 0,
        "eventId": 4728,
        "action": "Added",
        "remoteAddress": "ipv4:127.0.0.1:4000",
        "userSid": ADMIN,
    }
    body |= {"group": "CN=Domain Admins,CN=Users,DC=x", "user": OTTO, "transactionId": "g"}
    change = {"timestamp": "2026-11-21T04:44:29.663464+0000", "type": "groupChange", "groupChange": body}
    lines = [json.dumps(change), _change("member", OTTO, act="add", dn="CN=Domain Admins,CN=Users,DC=x")]
    (row,) = classify(lines, provider="samba").verdicts
    assert (row.action, row.folded, row.target) == (Canonical.PRIVILEGE_GRANT, 2, OTTO)


def test_headers_between_records_are_no_damage(classify: Classify) -> None:
    """Samba heads each record with a line of its own: counted apart, never rejected."""
    header = "[2026/11/21 04:44:23.043021,  5, pid=1] ../../lib/audit_logging/audit_logging.c:97(audit_log_json)"
    report = classify([header, _change("unicodePwd"), "Could not open the tdb"], provider="samba")
    assert (report.lines, report.preamble, len(report.verdicts)) == (3, 1, 1)
    assert [(line.line, line.reason) for line in report.rejected] == [(3, "not JSON")]


@pytest.mark.parametrize(
    "carry",
    [
        lambda line: (
            f"[2026/11/21 04:44:23.043021,  5] ../../lib/audit_logging/audit_logging.c:97(audit_log_json)  {line}"
        ),
        lambda line: f"Nov 21 04:44:23 dc1 samba[77]:   {line}",
        lambda line: json.dumps({"MESSAGE": f"  {line}", "__REALTIME_TIMESTAMP": "1795236263043021"}),
        lambda line: json.dumps({"@message": line, "@timestamp": "2026-11-21 04:44:23.043"}),
    ],
    ids=["its head", "syslog", "the journal", "CloudWatch"],
)
def test_a_record_behind_a_head_is_read(classify: Classify, carry: Callable[[str], str]) -> None:
    """Where Samba logs through syslog or the journal, its record is part of a line."""
    row = classify.one(carry(_change("unicodePwd")), provider="samba")
    assert (row.action, row.target) == (Canonical.PASSWORD_RESET, OTTO)


def test_a_record_cut_short_behind_its_head_is_told(classify: Classify) -> None:
    """What is cut short is no head without a record."""
    report = classify(["[2026/11/21 04:44:23.043021,  5] log.c:97(x)  " + _change("unicodePwd")[:90]], provider="samba")
    assert report.rejected_lines == 1


def test_sign_ins_are_read_with_their_end() -> None:
    """Wrong passwords are failures, told by the name that was given; the bind account is known by both its names."""
    with correlation.connected("128MB", 1) as con:
        correlation.set_up(con, (SAMBA,), timedelta())
        feed = Feed(provider=SAMBA)
        for name in ("lockout", "reset_by_bind"):
            file = SAMPLES / f"samba_{name}.jsonl"
            read_log(con, feed, file, Tally(), lambda _, __: None, Meter(tell=None, size=file.stat().st_size))
        failed = con.execute("SELECT target_keys, address FROM sign_in WHERE NOT done").fetchall()
        assert failed
        assert {tuple(keys) for keys, _ in failed} == {("otto.lund",)}
        assert {address for _, address in failed} == {"127.0.0.1"}
        both = [BIND.lower(), "watchword-executor"]
        signed_in = con.execute(
            "SELECT DISTINCT target_keys FROM sign_in WHERE done AND target = $1", [BIND]
        ).fetchall()
        assert signed_in == [(both,)]
        acted = con.execute("SELECT DISTINCT actor_keys, actor_class FROM native WHERE actor = $1", [BIND]).fetchall()
        assert acted == [([f"name:{both[1]}", both[0]], None)]
        system = con.execute("SELECT DISTINCT actor_class FROM native WHERE actor = $1", [SYSTEM]).fetchall()
        assert system == [("system",)]


def test_anothers_name_is_not_the_executor(
    tmp_path: Path, evidence: Callable[..., EvidenceRow], write_evidence: Callable[..., Path]
) -> None:
    """A sign-in beside it says what its actor is called; other domains have that name too, so the SID counts."""
    (row,) = _rows("reset_by_bind")
    signed_in = {"type": "Authorization", "timestamp": "2026-11-21T04:44:00.000000+0000"}
    signed_in["Authorization"] = {"sid": BIND, "account": "svc-watchword", "authType": "krb5"}  # type: ignore[assignment]
    log = tmp_path / "log.jsonl"
    log.write_text((SAMPLES / "samba_reset_by_bind.jsonl").read_text() + json.dumps(signed_in) + "\n")
    given = _governed(evidence, row, principal_keys=("s-1-5-21-7-8-9-1102", "svc-watchword"), socket=None)
    table = write_evidence(tmp_path / "e.parquet", [given])
    (other,) = Engine().classify("samba", (log,), table).verdicts
    assert (other.verdict, other.reasons) == (Verdict.OUT_OF_POLICY, ("other_actor",))


def test_a_member_whose_name_is_no_ascii_is_named(classify: Classify) -> None:
    """Samba writes such a value in base64; with the record of the group beside it, it is one grant."""
    dn, group = f"CN=Jörg Väle,OU=People,{ROOT}", f"CN=Domain Admins,CN=Users,{ROOT}"
    value = base64.b64encode(f"<GUID=1>;<SID=S-1-5-21-1>;{dn}".encode()).decode()
    by = {"statusCode": 0, "remoteAddress": "ipv4:127.0.0.1:4000", "userSid": ADMIN, "transactionId": "t"}
    member = {"member": {"actions": [{"action": "add", "values": [{"base64": True, "value": value}]}]}}
    changed = by | {"operation": "Modify", "dn": group, "attributes": member}
    added = by | {"action": "Added", "group": group, "user": dn, "eventId": 4728}
    lines = [
        json.dumps({"timestamp": f"2026-11-21T04:44:23.{number}+0000", "type": kind, kind: body})
        for number, (kind, body) in enumerate((("groupChange", added), ("dsdbChange", changed)))
    ]
    (row,) = classify(lines, provider="samba").verdicts
    assert (row.action, row.target, row.folded) == (Canonical.PRIVILEGE_GRANT, dn, 2)


@pytest.mark.parametrize("value", ["!!", "/w==", "Q049"])
def test_a_value_that_is_no_base64_is_as_it_stands(classify: Classify, value: str) -> None:
    """One that was cut, or is damaged, ends no reading."""
    member = {"member": {"actions": [{"action": "add", "values": [{"base64": True, "value": value}]}]}}
    body = {"statusCode": 0, "userSid": ADMIN, "operation": "Modify", "dn": f"CN=Domain Admins,{ROOT}"}
    line = {
        "timestamp": "2026-11-21T04:44:23.043021+0000",
        "type": "dsdbChange",
        "dsdbChange": body | {"attributes": member},
    }
    assert classify.one(line, provider="samba").target == (value if value != "Q049" else "CN=")
