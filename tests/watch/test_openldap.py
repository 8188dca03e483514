"""OpenLDAP: LDIF of its two overlays and slapd's stats lines, whole and damaged."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.follow import Follow
from watchword.watch.providers import OPENLDAP
from watchword.watch.verdicts import VerdictRow

from .conftest import NOON, Classify
from .kinds import catalogue

ADMIN = "cn=admin,dc=example,dc=test"
ANA = "uid=ana,ou=people,dc=example,dc=test"


def accesslog(
    *mods: str, kind: str = "modify", dn: str = ANA, by: str = ADMIN, result: int = 0, more: tuple[str, ...] = ()
) -> str:
    """An object of the accesslog overlay, as ldapsearch writes it."""
    lines = [
        "# 20260302120000.000001Z, log",
        "dn: reqStart=20260302120000.000001Z,cn=log",
        f"objectClass: audit{kind.capitalize()}",
        "reqStart: 20260302120000.000001Z",
        "reqEnd: 20260302120000.000002Z",
        f"reqType: {kind}",
        "reqSession: 1001",
        f"reqAuthzID: {by}",
        f"reqDN: {dn}",
        f"reqResult: {result}",
        *(f"reqMod: {mod}" for mod in mods),
        *more,
    ]
    return "\n".join(lines) + "\n"


def auditlog(*lines: str, kind: str = "modify", dn: str = ANA, by: str = ADMIN) -> str:
    """A change record of the auditlog overlay."""
    head = f"# {kind} {int(NOON.timestamp())} dc=example,dc=test {by} IP=198.51.100.7:40000 conn=1001"
    return "\n".join([head, f"dn: {dn}", f"changetype: {kind}", *lines, f"# end {kind} {int(NOON.timestamp())}"]) + "\n"


def stats(
    *asked: str, dn: str = ADMIN, result: int = 0, prefix: str = "2026-03-02T12:00:00+00:00 ldap1 slapd[7]: "
) -> list[str]:
    """One connection in slapd's own log: bound as *dn*, with one operation and its result."""
    said = [
        "fd=14 ACCEPT from IP=198.51.100.7:40000 (IP=0.0.0.0:389)",
        f'op=0 BIND dn="{dn}" method=128',
        f'op=0 BIND dn="{dn}" mech=SIMPLE bind_ssf=0 ssf=0',
        "op=0 RESULT tag=97 err=0 qtime=0.000009 etime=0.000657 text=",
        *(f"op=1 {one}" for one in asked),
        "op=2 UNBIND",
        f"op=1 RESULT tag=103 err={result} qtime=0.000004 etime=0.000759 text=",
        "fd=14 closed",
    ]
    return [f"{prefix}conn=1001 {one}" for one in said]


def rows(classify: Classify, *lines: str, evidence: tuple[EvidenceRow, ...] = ()) -> tuple[VerdictRow, ...]:
    """The verdicts on a log of *lines*, none of which may be rejected or unknown."""
    report = classify(list(lines), evidence, provider="openldap")
    assert (report.rejected_lines, report.unknown_types) == (0, ())
    return report.verdicts


@pytest.mark.parametrize(
    ("accessed", "audited", "asked", "action"),
    [
        (
            "userPassword:= {SSHA}x",
            ["replace: userPassword", "userPassword:: e1NTSEF9eA==", "-"],
            "attr=userPassword",
            Canonical.PASSWORD_RESET,
        ),
        ("pwdReset:= TRUE", ["replace: pwdReset", "pwdReset: TRUE", "-"], "attr=pwdReset", Canonical.PASSWORD_EXPIRE),
        ("pwdReset:= FALSE", ["replace: pwdReset", "pwdReset: FALSE", "-"], None, None),
        (
            "pwdAccountLockedTime:-",
            ["delete: pwdAccountLockedTime", "-"],
            "attr=pwdAccountLockedTime",
            Canonical.ACCOUNT_UNLOCK,
        ),
        (
            "pwdAccountLockedTime:= 000001010000Z",
            ["replace: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z", "-"],
            None,
            Canonical.ACCOUNT_LOCK,
        ),
        (
            "mail:= x@example.test",
            ["replace: mail", "mail: x@example.test", "-"],
            "attr=mail",
            Canonical.RECOVERY_INFO_CHANGE,
        ),
        (
            "mobile:+ +310000000",
            ["add: mobile", "mobile: +310000000", "-"],
            "attr=mobile",
            Canonical.RECOVERY_INFO_CHANGE,
        ),
        ("oathSecret:-", ["delete: oathSecret", "-"], None, Canonical.FACTOR_RESET),
        (
            "sshPublicKey:+ ssh-ed25519 AAAA",
            ["add: sshPublicKey", "sshPublicKey: ssh-ed25519 AAAA", "-"],
            "attr=sshPublicKey",
            Canonical.TOKEN_REISSUE,
        ),
        ("description:= x", ["replace: description", "description: x", "-"], "attr=description", None),
    ],
)
def test_an_attribute_means_the_same_in_every_log(
    classify: Classify, accessed: str, audited: list[str], asked: str | None, action: Canonical | None
) -> None:
    """Both overlays and slapd's own lines of one change give one canonical action; lines without values say less."""
    expected = [(action, ANA, ADMIN, "SUCCESS")] if action else []
    logs = [[accesslog(accessed)], [auditlog(*audited)]]
    logs += [stats(f'MOD dn="{ANA}"', f"MOD {asked}")] if asked else []
    for log in logs:
        found = rows(classify, *log)
        assert [(row.action, row.target, row.actor, row.outcome) for row in found] == expected


@pytest.mark.parametrize(
    ("log", "action"),
    [
        (accesslog("objectClass:+ inetOrgPerson", "uid:+ ana", kind="add"), Canonical.ACCOUNT_CREATE),
        (accesslog("objectClass:+ organizationalUnit", kind="add"), None),
        (accesslog(kind="delete"), Canonical.ACCOUNT_DELETE),
        (accesslog(kind="modrdn", more=("reqNewRDN: uid=anna", "reqDeleteOldRDN: TRUE")), Canonical.ACCOUNT_RENAME),
        (auditlog("objectClass: inetOrgPerson", "uid: ana", kind="add"), Canonical.ACCOUNT_CREATE),
        (auditlog(kind="delete"), Canonical.ACCOUNT_DELETE),
        (auditlog("newrdn: uid=anna", "deleteoldrdn: 1", kind="modrdn"), Canonical.ACCOUNT_RENAME),
        ("\n".join(stats(f'DEL dn="{ANA}"')), Canonical.ACCOUNT_DELETE),
        ("\n".join(stats(f'ADD dn="{ANA}"')), Canonical.ACCOUNT_CREATE),
        ("\n".join(stats('ADD dn="ou=people,dc=example,dc=test"')), None),
        ("\n".join(stats(f'MODRDN dn="{ANA}"')), Canonical.ACCOUNT_RENAME),
    ],
)
def test_entries_are_made_renamed_and_deleted(classify: Classify, log: str, action: Canonical | None) -> None:
    """An account is told from other entries by its classes, or by how its name begins."""
    assert [row.action for row in rows(classify, *log.split("\n"))] == ([action] if action else [])


def test_who_connected_may_be_said_after_what_was_asked(classify: Classify) -> None:
    """The listener and the thread that works write at once: the address is known though it comes behind a request."""
    came, bound, named, accepted, *rest = stats(f'MOD dn="{ANA}"', "MOD attr=userPassword")
    for lines in ([bound, came, named, accepted, *rest], [bound, named, accepted, rest[0], came, *rest[1:]]):
        assert [row.address for row in rows(classify, *lines)] == ["198.51.100.7"]


def test_the_extended_operation_is_a_reset_or_a_change(classify: Classify) -> None:
    """`ldappasswd` names whose password it sets, or means the one who is bound."""
    (row,) = rows(classify, *stats("EXT oid=1.3.6.1.4.1.4203.1.11.1", f'PASSMOD id="{ANA}" new'))
    assert (row.action, row.target, row.verdict) == (Canonical.PASSWORD_RESET, ANA, Verdict.UNVERIFIED)
    (row,) = rows(classify, *stats("EXT oid=1.3.6.1.4.1.4203.1.11.1", "PASSMOD old new", dn=ANA))
    assert (row.action, row.target, row.verdict) == (Canonical.PASSWORD_CHANGE_SELF, ANA, Verdict.SELF_SERVICE)


@pytest.mark.parametrize("result", [50, 19, 53])
def test_a_refused_change_was_not_made(classify: Classify, result: int) -> None:
    """A result other than success is told, in the overlay's log and in slapd's."""
    for log in (
        [accesslog("userPassword:= x", result=result)],
        stats(f'MOD dn="{ANA}"', "MOD attr=userPassword", result=result),
    ):
        (row,) = rows(classify, *log)
        assert (row.reasons, row.outcome) == (("attempt_failed",), f"FAILURE {result}")


def test_the_socket_is_the_connections(classify: Classify, evidence: Callable[..., EvidenceRow]) -> None:
    """The receipt's socket tells the executor's change from another over the same account."""
    for log in (
        stats(f'MOD dn="{ANA}"', "MOD attr=userPassword"),
        [auditlog("replace: userPassword", "userPassword: x", "-")],
    ):
        fields = {"directory": "ldap", "target_keys": (ANA,), "principal_keys": (ADMIN,)}
        given = evidence(**fields, socket="198.51.100.7:40000")
        (row,) = rows(classify, *log, evidence=(given,))
        assert (row.verdict, row.address, row.socket) == (Verdict.VERIFIED, "198.51.100.7", "198.51.100.7:40000")
        (row,) = rows(classify, *log, evidence=(evidence(**fields, socket="198.51.100.7:1"),))
        assert row.reasons == ("other_connection",)


def test_a_change_done_again_is_told_as_far_as_its_log_tells(
    classify: Classify, evidence: Callable[..., EvidenceRow]
) -> None:
    """A connection proves that the case's own change was another; without one, the case was used twice."""
    again = str(int(NOON.timestamp()) + 60)
    first = auditlog("replace: userPassword", "userPassword: x", "-")
    second = first.replace(str(int(NOON.timestamp())), again).replace(":40000", ":40001")
    access = accesslog("userPassword:= x")
    fields = {"directory": "ldap", "target_keys": (ANA,), "principal_keys": (ADMIN,)}
    given = evidence(**fields, socket="198.51.100.7:40000")
    told = {}
    for name, log in (
        ("audit", [first, second]),
        ("access", [access, access.replace("20260302120000", "20260302120100").replace("1001", "1002")]),
    ):
        of_the_case, other = rows(classify, *log, evidence=(given,))
        assert (of_the_case.verdict, of_the_case.case) == (Verdict.VERIFIED, given.case)
        told[name] = (other.verdict, other.reasons, other.case)
    assert told == {
        "audit": (Verdict.SUSPICIOUS, ("other_connection", "repeat_24h"), None),
        "access": (Verdict.OUT_OF_POLICY, ("already_used", "repeat_24h"), given.case),
    }


def test_a_lock_by_the_server_is_the_systems(classify: Classify) -> None:
    """The password policy writes the lock together with the failure that caused it, as the root DN."""
    log = accesslog("pwdFailureTime:+ 20260302120000Z", "pwdAccountLockedTime:= 20260302120000Z")
    (row,) = rows(classify, log)
    assert (row.action, row.actor_class) == (Canonical.ACCOUNT_LOCK, "system")


def test_a_header_of_many_spaces_is_looked_at_once(classify: Classify) -> None:
    """Suffix and name stand behind each other, and either may have spaces: no suffix is longer than what it ends."""
    by = "cn=olga" + " " * 1_000_000 + "x"
    (row,) = rows(classify, auditlog("replace: userPassword", "userPassword: x", "-", dn="uid=ana,o=corp", by=by))
    assert row.actor == by


def test_members_of_a_group_that_lends_power(classify: Classify) -> None:
    """The account is the value, and which groups lend power is known by name; ten thousand are ten thousand."""
    added = [f"member:+ uid=u{n},dc=example,dc=test" for n in range(10_000)]
    found = rows(classify, accesslog(*added, dn="cn=ldap-admins,ou=groups,dc=example,dc=test"))
    assert len({row.target for row in found}) == 10_000
    assert {row.action for row in found} == {Canonical.PRIVILEGE_GRANT}
    for plain in ("canteen", "badminton", "canteen,ou=admins"):
        assert rows(classify, accesslog(*added[:3], dn=f"cn={plain},ou=groups,dc=example,dc=test")) == ()


@pytest.mark.parametrize(
    ("prefix", "at"),
    [
        ("2026-03-02T13:00:00.250+01:00 ldap1 slapd[7]: ", NOON + timedelta(milliseconds=250)),
        (f"{int(NOON.timestamp()):08x}.0ee6b280 0x7f832d9fe6c0 ", NOON + timedelta(milliseconds=250)),
        (f"{int(NOON.timestamp()):08x} ", NOON),
        ("<167>2026-03-02T12:00:00Z ldap1 slapd[7]: ", NOON),
    ],
    ids=["syslog", "slapd 2.5", "slapd 2.4", "with a priority"],
)
def test_each_prefix_has_its_time(classify: Classify, prefix: str, at: datetime) -> None:
    """Slapd writes hexadecimal seconds, syslog what it is set to."""
    (row,) = rows(classify, *stats(f'MOD dn="{ANA}"', "MOD attr=userPassword", prefix=prefix))
    assert row.at == at


def test_syslog_without_a_year_is_of_the_last_that_was(classify: Classify) -> None:
    """A day and month without a year can not lie ahead."""
    (row,) = rows(
        classify, *stats(f'MOD dn="{ANA}"', "MOD attr=userPassword", prefix="Mar  2 12:00:00 ldap1 slapd[7]: ")
    )
    assert (row.at.month, row.at.day, row.at.hour) == (3, 2, 12)
    now = datetime.now(UTC)
    assert now - timedelta(days=366) < row.at <= now + timedelta(days=1)


def test_journal_lines_carry_the_same(classify: Classify) -> None:
    """Lines that a journal export wraps in JSON are the lines of slapd."""
    stamp = str(int(NOON.timestamp() * 1e6))
    log = stats(f'MOD dn="{ANA}"', "MOD attr=userPassword", prefix="")
    (row,) = rows(classify, *(json.dumps({"__REALTIME_TIMESTAMP": stamp, "MESSAGE": line}) for line in log))
    assert (row.at, row.action) == (NOON, Canonical.PASSWORD_RESET)


def test_folded_and_encoded_lines_are_whole(classify: Classify) -> None:
    """LDIF folds long lines and writes what is no ASCII in base64 (RFC 2849)."""
    name = "uid=zoë,ou=people,dc=example,dc=test"
    encoded = base64.b64encode(name.encode()).decode()
    log = accesslog("userPassword:= x", dn="DN").replace("reqDN: DN", f"reqDN:: {encoded[:20]}\n {encoded[20:]}")
    log = log.replace("reqMod: userPassword:= x", "reqMod:: " + base64.b64encode(b"userPassword:= x").decode())
    (row,) = rows(classify, log)
    assert (row.target, row.action) == (name, Canonical.PASSWORD_RESET)


def test_no_secret_is_written_again(classify: Classify, tmp_path: Path) -> None:
    """Neither a verdict nor a rejected record repeats a password's value."""
    aside = tmp_path / "rejects.jsonl"
    damaged = accesslog("userPassword:= hunter2") + "this line has no colon and hunter2\n"
    report = classify([damaged, accesslog("userPassword:= hunter2")], None, provider="openldap", rejects=aside)
    assert (len(report.verdicts), report.rejected_lines) == (1, 1)
    assert "hunter2" not in aside.read_text() + repr(report)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dn: reqStart=x,cn=log\nno colon here\n", "damaged LDIF: a line without a colon"),
        ("dn: reqStart=x,cn=log\nreqMod:: ***\n", "damaged LDIF: a value that is no base64"),
        ("dn: reqStart=x,cn=log\nreqStart: 20260302120000Z\n", "a record of an operation without its reqType"),
        ("dn: reqStart=x,cn=log\nreqType: modify\nreqMod: userPass\n", "a modification that does not say of what"),
        ("dn: uid=ana\nchangetype: modify\n", "a modification that does not say of what"),
        ("reqType: modify\nreqDN: uid=ana\n", "an LDIF record without its dn"),
        ("what is this\n", "no LDIF and no line of slapd"),
    ],
)
def test_a_damaged_record_is_kept_aside_and_the_rest_is_judged(classify: Classify, text: str, reason: str) -> None:
    """A record that can not be read is named by its first line; both its neighbours have verdicts."""
    lines = [accesslog("userPassword:= x"), text, accesslog("userPassword:= x", dn="uid=ben,dc=example,dc=test")]
    report = classify(lines, None, provider="openldap")
    assert len(report.verdicts) == 2
    assert [(line.line, line.reason) for line in report.rejected] == [(13, reason)]


def test_a_log_that_ends_within_a_record_tells_what_it_has(classify: Classify) -> None:
    """What was written is read, and an operation without its result may have been done."""
    cut = accesslog("userPassword:= x").rstrip("\n")
    assert [row.action for row in rows(classify, cut)] == [Canonical.PASSWORD_RESET]
    (row,) = rows(classify, *stats(f'MOD dn="{ANA}"', "MOD attr=userPassword")[:-3])
    assert (row.outcome, row.verdict) == ("UNKNOWN", Verdict.UNVERIFIED)


def test_a_record_cut_short_takes_nothing_of_the_next(classify: Classify) -> None:
    """A record that ends without an empty line is one, and what begins with a dn another: neither hides the other."""
    cut = "\n".join(accesslog("userPassword:= x", dn="uid=ben,dc=example,dc=test").splitlines()[1:-2])
    whole = "\n".join(accesslog("userPassword:= x").splitlines()[1:])
    report = classify([f"{cut}\n{whole}\n", f"version: 1\n{whole}\n"], None, provider="openldap")
    assert [(row.target, row.action) for row in report.verdicts] == [(ANA, Canonical.PASSWORD_RESET)]
    assert [(one.line, one.reason) for one in report.rejected] == [(1, "a modification that does not say of what")]
    assert (report.lines, report.preamble) == (3, 0)


def test_lines_parted_by_a_rotation_are_told(classify: Classify) -> None:
    """What was changed stood in the other file: the modification is kept aside by its number, and is no silence."""
    asked, changed = stats(f'MOD dn="{ANA}"')[:5], stats("MOD attr=userPassword")[4:]
    for log in (asked, changed):
        report = classify(list(log), None, provider="openldap")
        assert report.verdicts == ()
        assert [one.reason for one in report.rejected] == ["a modification that does not say of what"]


def test_entries_and_answers_of_a_search_are_no_damage(classify: Classify) -> None:
    """A dump has entries, comments and the result of the search beside the changes."""
    log = "version: 1\n\n# x, log\ndn: cn=log\nobjectClass: auditContainer\ncn: log\n\nsearch: 2\nresult: 0 Success\n"
    report = classify([log, accesslog("mail:= x")], None, provider="openldap")
    assert (len(report.verdicts), report.rejected_lines) == (1, 0)


def test_a_hostile_name_changes_no_other_operation(classify: Classify) -> None:
    """Text in a DN that looks like a line of the log is only text."""
    name = r"uid=x conn=1001 op=1 RESULT tag=103 err=50\22,dc=example,dc=test"
    (row,) = rows(classify, *stats(f'MOD dn="{name}"', "MOD attr=userPassword"))
    assert (row.target, row.outcome) == (name, "SUCCESS")


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_change_and_its_result_may_come_apart(
    tmp_path: Path, following: Callable[..., Follow], is_restarted: bool
) -> None:
    """While a log is followed, what is asked and what comes of it may be read minutes and a start apart."""
    log = tmp_path / "slapd.log"
    first, second = stats(f'MOD dn="{ANA}"', "MOD attr=userPassword")[:6], stats(result=50)[4:]
    log.write_text("".join(f"{line}\n" for line in first))
    follow = following("openldap", log)
    assert follow.step(NOON) == ()
    with log.open("a") as out:
        out.write("".join(f"{line}\n" for line in second))
    if is_restarted:
        follow.close()
        follow = following("openldap", log)
    (row,) = follow.step(NOON + timedelta(minutes=5))
    follow.close()
    assert (row.action, row.outcome) == (Canonical.PASSWORD_RESET, "FAILURE 50")


def test_the_catalogue_has_every_operation() -> None:
    """Each operation of LDAP (RFC 4511) is mapped or ignored."""
    operations = {"add", "delete", "modify", "modrdn", "bind", "unbind", "search", "compare", "abandon", "extended"}
    assert operations <= set(catalogue(OPENLDAP))


def test_anothers_name_is_not_the_executor(classify: Classify, evidence: Callable[..., EvidenceRow]) -> None:
    """An entry of another branch with the executor's uid has another DN, and claims no evidence of it."""
    own, evil = (f"uid=watchword,ou={branch},dc=example,dc=test" for branch in ("services", "evil"))
    case = evidence(directory="ldap", target_keys=(ANA, "ana"), principal_keys=(own, "watchword"))
    for by, verdict in ((own, Verdict.VERIFIED), (evil, Verdict.OUT_OF_POLICY)):
        (row,) = rows(classify, accesslog("userPassword:= x", by=by), evidence=(case,))
        assert row.verdict is verdict


def test_anothers_name_owns_nothing(classify: Classify) -> None:
    """Whoever has the target's uid in another branch is another."""
    (row,) = rows(classify, accesslog("userPassword:= x", by="uid=ana,ou=evil,dc=example,dc=test"))
    assert row.verdict is Verdict.UNVERIFIED
