"""Windows: ways into an account that are no reset, changes of what the domain trusts, and of what its log holds."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.verdicts import VerdictRow

from .conftest import Classify
from .test_windows import AGENT, ANA, SUBJECT, TARGET, UNCHANGED, _event

ADDED, REMOVED = "%%14674", "%%14675"
DN = "CN=Ana,OU=Staff,DC=example,DC=test"
BYPASS, GRANT = Canonical.BYPASS_GRANT, Canonical.PRIVILEGE_GRANT


def _each(classify: Classify, events: list[dict[str, Any]]) -> list[VerdictRow | None]:
    """The verdict on each of *events*, which have sessions of their own so that no two are one click."""
    for number, event in enumerate(events, 1):
        event["Event"]["System"]["EventRecordID"] = number
        event["Event"]["EventData"]["SubjectLogonId"] = hex(number)
    report = classify(events, None, provider="windows")
    assert (report.unknown_types, report.rejected_lines) == ((), 0)
    rows = {row.id.rpartition("/")[2]: row for row in report.verdicts}
    return [rows.get(str(number)) for number in range(1, len(events) + 1)]


def _written(attribute: str, value: str, operation: str = ADDED, kind: str = "user", **data: Any) -> dict[str, Any]:
    return _event(
        5136,
        **{**SUBJECT, "OpCorrelationID": f"{{{attribute}{value}}}", "ObjectDN": DN, "ObjectClass": kind}
        | {"AttributeLDAPDisplayName": attribute, "AttributeValue": value, "OperationType": operation, **data},
    )


def test_flags_of_an_account_that_let_somebody_in(classify: Classify) -> None:
    """4738 and 4742 say by number which flag was put on, or in words where a forwarder renders them."""
    flags = {
        "\r\n\t\t%%2096": BYPASS,
        "\r\n\t\t%%2091": BYPASS,
        "\r\n\t\t%%2095": BYPASS,
        "\r\n\t\t%%2082": BYPASS,
        "\r\n\t\t%%2093": GRANT,
        "\r\n\t\t%%2098": GRANT,
        "'Trusted To Authenticate For Delegation' - Enabled": GRANT,
        "'Don't Require Preauth' - Enabled": BYPASS,
        "\r\n\t\t%%2089": None,  # never expires
        "\r\n\t\t%%2064": None,  # asked again
        "\r\n\t\t%%2066": None,
    }
    events = [_event(4738, **SUBJECT, **TARGET, **{**UNCHANGED, "UserAccountControl": flag}) for flag in flags]
    machine = {**TARGET, "TargetUserName": "PC1$"}
    events += [
        _event(4742, **SUBJECT, **machine, **{**UNCHANGED, "UserAccountControl": flag}) for flag in ("%%2093", "%%2080")
    ]
    events.append(_event(4742, **SUBJECT, **machine, **{**UNCHANGED, "AllowedToDelegateTo": "cifs/fs1.example.test"}))
    actions = [row and row.action for row in _each(classify, events)]
    assert actions == [*flags.values(), GRANT, None, GRANT]


def test_attributes_that_let_somebody_in(classify: Classify) -> None:
    """5136: what is put on an account so that another can be it, read its secret, or act for anybody."""
    table = [
        (_written("servicePrincipalName", "MSSQLSvc/db1.example.test"), BYPASS),
        (_written("servicePrincipalName", "MSSQLSvc/db1.example.test", REMOVED), None),
        (_written("servicePrincipalName", "HOST/pc1.example.test", kind="computer"), None),
        (_written("servicePrincipalName", "http/web", kind="msDS-GroupManagedServiceAccount"), None),
        (_written("servicePrincipalName", "http/web", OperationType=None, ObjectClass=None), BYPASS),
        (_written("msDS-AllowedToDelegateTo", "cifs/dc1.example.test"), GRANT),
        (_written("msDS-AllowedToActOnBehalfOfOtherIdentity", "O:BAD:", kind="computer"), GRANT),
        (_written("msDS-AllowedToActOnBehalfOfOtherIdentity", "O:BAD:", REMOVED, kind="computer"), None),
        (_written("msDS-KeyCredentialLink", "B:828:00"), Canonical.FACTOR_ENROLL),
        (_written("msDS-ManagedAccountPrecededByLink", "CN=Administrator,CN=Users,DC=example,DC=test"), GRANT),
        (_written("msDS-GroupMSAMembership", "O:SYD:(A;;0xf01ff;;;S-1-5-21-1-2-3-1300)"), GRANT),
        (_written("nTSecurityDescriptor", "D:", ObjectDN="CN=AdminSDHolder,CN=System,DC=example,DC=test"), GRANT),
        (_written("description", "of no matter"), None),
        (_written("userAccountControl", str(0x200 | 0x400000)), BYPASS),
        (_written("userAccountControl", str(0x200 | 0x20)), BYPASS),
        (_written("userAccountControl", str(0x200 | 0x80)), BYPASS),
        (_written("userAccountControl", str(0x1000 | 0x1000000), kind="computer"), GRANT),
        (_written("userAccountControl", str(0x200 | 0x10000)), None),
    ]
    rows = _each(classify, [event for event, _ in table])
    assert [row and row.action for row in rows] == [action for _, action in table]
    assert next(row.detail for row in rows if row) == "servicePrincipalName"


def test_flags_that_were_there_are_no_change(classify: Classify) -> None:
    """A change of the flags is written as the old ones off and the new ones on: only what differs was done."""
    same = {"OpCorrelationID": "{one}"}
    roastable = str(0x200 | 0x400000)
    rows = _each(
        classify,
        [
            _written("userAccountControl", str(0x202 | 0x400000), REMOVED, **same),
            _written("userAccountControl", roastable, **same),
            _written("userAccountControl", "512", REMOVED, OpCorrelationID="{two}"),
            _written("userAccountControl", roastable, OpCorrelationID="{two}"),
        ],
    )
    assert [row and row.action for row in rows] == [None, None, None, BYPASS]


@pytest.mark.parametrize(
    ("fields", "action", "verdict"),
    [
        ({}, Canonical.PASSWORD_RESET, Verdict.UNVERIFIED),
        ({"SubjectUserSid": ANA, "SubjectUserName": "ana"}, Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE),
        # Nobody is signed in yet, and the old password is what proves them.
        ({"SubjectUserSid": "S-1-5-7", "SubjectUserName": "ANONYMOUS LOGON"}, Canonical.PASSWORD_CHANGE_SELF, None),
    ],
)
def test_a_change_of_another_s_password_is_no_self_service(
    classify: Classify, fields: dict[str, Any], action: Canonical, verdict: Verdict | None
) -> None:
    """4723 by anybody but the account itself: who knew the old password has the account now."""
    row = classify.one(_event(4723, **{**SUBJECT, **TARGET, **fields}), provider="windows")
    assert (row.action, row.verdict) == (action, verdict or Verdict.SELF_SERVICE)


def _issued(requester: str, attributes: str = "CertificateTemplate:User") -> dict[str, Any]:
    return _event(4887, RequestId="7", Requester=requester, Attributes=attributes, Disposition="3")


@pytest.mark.parametrize(
    "asked",
    [
        "SAN:dns=pc1.example.test&upn=root@example.test",
        "SAN:upn=root@example.test&dns=pc1.example.test",
        "SAN:dns=pc1.example.test\nSAN:upn=root@example.test",
        "ccm:SAN:dns=pc1.example.test\nSAN:upn=root@example.test",
    ],
)
@pytest.mark.parametrize("told", ["", "lines", "line"])
def test_a_certificate_in_several_names(classify: Classify, asked: str, told: str) -> None:
    """Whoever asks may put their own name first: it is in another's if one of them is."""
    event = _issued("EXAMPLE\\PC1$", f"CertificateTemplate:Web\n{asked}")
    if told:
        said = (
            f"Issued.\n\t\nRequest ID:\t7\nRequester:\tEXAMPLE\\PC1$\nAttributes:\tCertificateTemplate:Web\n{asked}\n"
        )
        said += "Disposition:\t3\n"
        event = _told(4887, 6, " ".join(said.split()) if told == "line" else said)
    row = classify.one(event, provider="windows")
    assert (row.actor, row.target, row.verdict) == ("example\\pc1$", "root@example.test", Verdict.UNVERIFIED)


@pytest.mark.parametrize(
    ("requester", "asked"),
    [
        ("EXAMPLE\\ana$", "SAN:upn=ana.bo@example.test"),
        ("EXAMPLE\\ana$", "SAN:dns=ana.example.test&upn=ana.bo@example.test"),
        ("EXAMPLE\\agent", "SAN:upn= root@example.test"),
        ("EXAMPLE\\agent", "SAN:upn=agent@example.test&url=tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-500"),
        ("EXAMPLE\\agent", "SAN:guid=f00"),
    ],
)
def test_a_name_that_is_like_one_s_own_is_another_s(classify: Classify, requester: str, asked: str) -> None:
    """A computer is not the person whose name begins as its own does; what is not understood is not one's own."""
    row = classify.one(_issued(requester, asked), provider="windows")
    assert (row.action, row.verdict) == (Canonical.TOKEN_REISSUE, Verdict.UNVERIFIED)


def test_a_certificate_in_another_s_name(classify: Classify) -> None:
    """4887 names who asked; a certificate signs in as whom its alternative name says."""
    named = "\nCertificateTemplate:Web\nSAN:upn="
    rows = _each(
        classify,
        [
            _issued("EXAMPLE\\agent", f"{named}root@example.test"),
            _issued("EXAMPLE\\agent", f"{named}agent@example.test"),
            _issued("EXAMPLE\\ana"),
            _issued("EXAMPLE\\PC1$", "SAN:dns=pc1.example.test"),
        ],
    )
    said = [(row.action, row.actor, row.target, row.verdict) for row in rows if row]
    own, reissue = Verdict.SELF_SERVICE, Canonical.TOKEN_REISSUE
    assert said == [
        (reissue, "example\\agent", "root@example.test", Verdict.UNVERIFIED),
        (reissue, "example\\agent", "agent@example.test", own),
        (reissue, "example\\ana", "example\\ana", own),
        (reissue, "example\\pc1$", "pc1.example.test", own),
    ]


def test_an_attempt_on_another_s_identifier_failed(classify: Classify) -> None:
    """4766 is written when nothing came of it, whatever its keywords say."""
    row = classify.one(_event(4766, **SUBJECT, **TARGET), provider="windows")
    assert (row.verdict, row.reasons) == (Verdict.IGNORED, ("attempt_failed",))


def test_what_the_domain_trusts_and_what_its_log_holds(classify: Classify) -> None:
    """Both are about the machine, and shown with who did it; more of a log is no tampering."""
    cleared = _event(104, channel="System", **SUBJECT)
    table = [
        (_event(1102, **SUBJECT), Canonical.LOG_TAMPERED),
        (cleared, Canonical.LOG_TAMPERED),
        (_event(4719, **SUBJECT, AuditPolicyChanges="%%8448, %%8450"), Canonical.LOG_TAMPERED),
        (_event(4719, **SUBJECT, AuditPolicyChanges="Failure removed"), Canonical.LOG_TAMPERED),
        (_event(4719, **SUBJECT), Canonical.LOG_TAMPERED),
        (_event(4719, **SUBJECT, AuditPolicyChanges="%%8449, %%8451"), None),
        (_event(4706, **SUBJECT), Canonical.TRUST_CHANGE),
        (_event(4739, **SUBJECT), Canonical.TRUST_CHANGE),
        (_event(4899, **SUBJECT), Canonical.TRUST_CHANGE),
        (_event(7, channel="System"), None),
    ]
    rows = _each(classify, [event for event, _ in table])
    assert [row and row.action for row in rows] == [action for _, action in table]
    assert {(row.actor, row.target, row.verdict) for row in rows if row} == {
        (AGENT, "dc1.example.test", Verdict.IGNORED)
    }


def test_a_cleared_log_as_xml_has_it(classify: Classify) -> None:
    """1102 keeps who did it among user data, in an element of its own."""
    event = _event(1102)
    event["Event"] |= {"EventData": None, "UserData": {"LogFileCleared": SUBJECT}}
    row = classify.one(event, provider="windows")
    assert (row.action, row.actor, row.target) == (Canonical.LOG_TAMPERED, AGENT, "dc1.example.test")


WHO = (
    "Subject:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1100\r\n\tAccount Name:\t\tagent\r\n\tAccount Domain:\t\tEXAMPLE\r\n"
)
WHOM = "Target Account:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1200\r\n\tAccount Name:\t\tana\r\n"


def _told(number: int, record: int, message: str) -> dict[str, Any]:
    """An event of which a forwarder hands on the message that Windows renders."""
    head = {"Channel": "Security", "Computer": "dc1.example.test", "RecordNumber": str(record)}
    return head | {"EventID": str(number), "TimeCreated": f"2026-03-02T12:0{record}:00Z", "Message": message}


def test_the_message_says_as_much_as_the_data(classify: Classify) -> None:
    """Flags that stand on lines of their own, an attribute and its value, a policy, a certificate's other name."""
    flags = "Changed Attributes:\r\n\tUser Account Control:\t\r\n\t\t'Don't Require Preauth' - Enabled\r\n"
    flags += "\tUser Parameters:\t-\r\n\r\nAdditional Information:\r\n\tPrivileges:\t\t-\r\n"
    value = "Attribute:\r\n\tLDAP Display Name:\tservicePrincipalName\r\n\tValue:\thttp/ana\r\nOperation:\r\n\tType:\t"
    entry = f"Directory Service:\r\n\tName:\texample.test\r\nObject:\r\n\tDN:\t{DN}\r\n\tClass:\tuser\r\n{value}"
    policy = "Audit Policy Change:\r\n\tSubcategory:\t\tLogon\r\n\tChanges:\t\t"
    asked = "Requester:\tEXAMPLE\\agent\r\nAttributes:\t\r\nCertificateTemplate:Web\r\nSAN:upn=root@example.test\r\n"
    lines = [
        _told(4738, 1, f"A user account was changed.\r\n\r\n{WHO}\r\n{WHOM}\r\n{flags}\r\n"),
        _told(5136, 2, f"A directory service object was modified.\r\n\r\n{WHO}\r\n{entry}Value Added\r\n"),
        _told(5136, 3, f"A directory service object was modified.\r\n\r\n{WHO}\r\n{entry}Value Deleted\r\n"),
        _told(4719, 4, f"System audit policy was changed.\r\n\r\n{WHO}\r\n{policy}Success removed\r\n"),
        _told(4719, 5, f"System audit policy was changed.\r\n\r\n{WHO}\r\n{policy}Success Added\r\n"),
        _told(4887, 6, f"Certificate Services approved a certificate request.\r\n\r\n{asked}"),
        _told(1102, 7, f"The audit log was cleared.\r\n{WHO}"),
    ]
    report = classify(lines, None, provider="windows")
    assert (report.unknown_types, report.rejected_lines) == ((), 0)
    assert [(row.native_action, row.actor, row.target) for row in report.verdicts] == [
        ("4738 no proof before tickets", AGENT, ANA),
        ("5136 service name", AGENT, DN),
        ("4719 less", AGENT, "dc1.example.test"),
        ("4887", "example\\agent", "root@example.test"),
        ("1102", AGENT, "dc1.example.test"),
    ]


EVERYTHING = {
    "SamAccountName": "ana", "AccountExpires": "%%1794", "UserPrincipalName": "-", "AllowedToDelegateTo": "-",
    "PasswordLastSet": "1/5/2026 9:12:44 AM", "SidHistory": "-", "UserAccountControl": "-",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "action"),
    [
        ({}, None),
        ({"PasswordLastSet": "%%1794"}, Canonical.PASSWORD_EXPIRE),
        ({"PasswordLastSet": "%%1794", "UserAccountControl": "\r\n\t\t%%2048"}, None),
        ({"UserAccountControl": "\r\n\t\t%%2082"}, BYPASS),
    ],
)
def test_a_local_account_is_listed_whole(classify: Classify, changed: dict[str, str], action: Canonical | None) -> None:
    """4738 of an account that a machine keeps has every value, changed or not: only its flags tell what changed."""
    of_machine = {**TARGET, "TargetDomainName": "DC1"}
    event = _event(4738, **SUBJECT, **of_machine, **{**UNCHANGED, **EVERYTHING, **changed})
    assert [row.action for row in classify([event], provider="windows").verdicts] == ([action] if action else [])


def test_what_is_all_written_at_once_in_a_domain_changed(classify: Classify) -> None:
    """Whoever writes a domain's account may write each of these values, and so makes no listing of it."""
    event = _event(4738, **SUBJECT, **TARGET, **{**UNCHANGED, **EVERYTHING, "UserPrincipalName": "root@example.test"})
    assert [row.native_action for row in classify([event], provider="windows").verdicts] == ["4738 password set"]


@pytest.mark.parametrize("gone", ["%%1793", "<value not set>"])
@pytest.mark.parametrize(
    "name", ["AllowedToDelegateTo", "SidHistory", "UserPrincipalName", "SamAccountName", "PasswordLastSet"]
)
def test_a_value_that_is_gone_lends_nothing(classify: Classify, name: str, gone: str) -> None:
    """What an account may delegate to, another's identifier or its name, taken away, is no power given and no name."""
    events = [_event(4738, **SUBJECT, **TARGET, **{**UNCHANGED, name: gone})]
    assert _each(classify, events) == [None]


@pytest.mark.parametrize("who", ["S-1-5-7", "NT AUTHORITY\\ANONYMOUS LOGON"])
def test_an_expired_password_is_changed_with_the_old_one(classify: Classify, who: str) -> None:
    """Nobody is signed in while a password that has run out is changed: 4738 names the anonymous session."""
    anonymous = {**SUBJECT, "SubjectUserSid": who, "SubjectUserName": "ANONYMOUS LOGON"}
    changed = {**UNCHANGED, "PasswordLastSet": "3/2/2026 12:00:00 PM"}
    row = classify.one(_event(4738, **anonymous, **TARGET, **changed), provider="windows")
    assert (row.action, row.verdict) == (Canonical.PASSWORD_CHANGE_SELF, Verdict.SELF_SERVICE)
    other = {**changed, "UserAccountControl": "%%2082"}
    rows = classify([_event(4738, **anonymous, **TARGET, **other)], provider="windows").verdicts
    assert {row.action for row in rows} == {Canonical.PASSWORD_RESET, BYPASS}
    assert Verdict.SELF_SERVICE not in {row.verdict for row in rows}
