"""Windows: what the rules of others look for: machines, templates, settings of the domain, who administers hosts."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.core.identity_event import Canonical

from .conftest import Classify
from .test_windows import SUBJECT, TARGET, UNCHANGED, _event
from .test_windows_ways_in import REMOVED, _each, _written

GRANT, TRUST = Canonical.PRIVILEGE_GRANT, Canonical.TRUST_CHANGE
REPLICATION = "E3514235-4B06-11D1-AB04-00C04FC2DCD2"
SETTINGS = "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=example,DC=test"
PC = "CN=PC1,OU=Machines,DC=example,DC=test"
ITSELF = {"SubjectUserName": "PC1$"}


LONG = {"ObjectDN": "CN=BUILD-RUNNER-WE,OU=Servers,DC=example,DC=test"}


def _machine(**changed: Any) -> dict[str, Any]:
    machine = {**SUBJECT, **TARGET, "TargetUserName": "PC1$", **UNCHANGED, "DnsHostName": "-"}
    return _event(4742, **machine | changed)


def test_a_machine_that_passes_for_another_has_its_power(classify: Classify) -> None:
    """A controller is sent every password, and a certificate for a name in DNS is that machine's."""
    table = [
        (_machine(UserAccountControl="\r\n\t\t%%2088"), GRANT),
        (_machine(UserAccountControl="'Server Trust Account' - Enabled"), GRANT),
        (_machine(UserAccountControl="\r\n\t\t%%2056"), None),
        (_machine(SidHistory="%{S-1-5-21-1-2-3-512}"), GRANT),
        (_machine(DnsHostName="dc1.example.test"), GRANT),
        (_machine(DnsHostName="pc1.example.test"), None),
        (_machine(DnsHostName="pc2.example.test", SamAccountName="PC2$"), None),
        # Of a longer name the account has the first fifteen letters, and no fewer.
        (_machine(DnsHostName="build-runner-west-01.example.test", TargetUserName="BUILD-RUNNER-WE$"), None),
        (_machine(DnsHostName="build-runner-west-01.example.test", TargetUserName="BUILD-RUNNER$"), GRANT),
        (_machine(DnsHostName="dc1.example.test", **ITSELF), None),
    ]
    rows = _each(classify, [event for event, _ in table])
    assert [row and row.action for row in rows] == [action for _, action in table]


def test_what_is_written_on_machines_and_on_the_domain(classify: Classify) -> None:
    """5136 shows the same, and what 4742 does not: names of replication, templates and settings of the domain."""
    computer = {"kind": "computer", "ObjectDN": PC}
    template = {"kind": "pKICertificateTemplate"}
    table = [
        (_written("userAccountControl", str(0x2000 | 0x80000), **computer), GRANT),
        (_written("userAccountControl", str(0x2000), **computer), GRANT),
        (_written("servicePrincipalName", "GC/pc1.example.test/example.test", **computer), GRANT),
        (_written("servicePrincipalName", f"{REPLICATION}/1/example.test", **computer), GRANT),
        (_written("servicePrincipalName", f"{REPLICATION}/1/example.test", REMOVED, **computer), None),
        (_written("servicePrincipalName", "GC/pc1.example.test/example.test", **computer, **ITSELF), None),
        (_written("dNSHostName", "dc1.example.test", **computer), GRANT),
        (_written("dNSHostName", "pc1.example.test", **computer), None),
        (_written("dNSHostName", "build-runner-west-01.example.test", **computer | LONG), None),
        (_written("msPKI-Certificate-Name-Flag", "1", **template), TRUST),
        (_written("nTSecurityDescriptor", "D:", **template), TRUST),
        (_written("dSHeuristics", "0000000001000001", kind="nTDSService", ObjectDN=SETTINGS), TRUST),
        (_written("ms-DS-MachineAccountQuota", "50", kind="domainDNS"), TRUST),
        (_written("msPKI-Certificate-Name-Flag", "1"), None),
    ]
    rows = _each(classify, [event for event, _ in table])
    assert [row and row.action for row in rows] == [action for _, action in table]


@pytest.mark.parametrize("group", ["ESX Admins", "esx admins"])
def test_a_group_that_hosts_take_for_their_administrators_lends_power(classify: Classify, group: str) -> None:
    """Hosts of virtual machines that joined the domain let its members do everything, whoever made the group."""
    data: dict[str, Any] = {
        "TargetUserName": group,
        "TargetSid": "S-1-5-21-1-2-3-1999",
        "MemberSid": "S-1-5-21-1-2-3-1106",
    }
    assert classify.one(_event(4728, **SUBJECT, **data), provider="windows").action == GRANT


def test_the_federation_service_s_settings_are_trust(classify: Classify) -> None:
    """AD FS says that it takes another's word, or asks less, by one number, and what by another."""
    events = [_event(number, Data="Configuration: ServiceSettings") for number in (307, 510)]
    for event in events:
        event["Event"]["System"] |= {"Channel": "AD FS/Admin"}
    row = classify.one(events[0], provider="windows")
    assert row.action == TRUST
    report = classify(events[1:], None, provider="windows")
    assert (report.verdicts, report.unknown_types) == ((), ())
