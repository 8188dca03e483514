"""The message that Windows renders of a security event, where a forwarder passes on only that; in English."""

from __future__ import annotations

import re

_LINE = re.compile(r"^[ \t]*([A-Z][A-Za-z ]+):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
_TARGET = {"Security ID": "TargetSid", "Account Name": "TargetUserName", "Account Domain": "TargetDomainName"}
_GROUP = {"Security ID": "TargetSid", "Group Name": "TargetUserName", "Account Name": "TargetUserName"}
_SECTIONS = {
    "Subject": {
        "Security ID": "SubjectUserSid",
        "Account Name": "SubjectUserName",
        "Account Domain": "SubjectDomainName",
        "Logon ID": "SubjectLogonId",
    },
    "Target Account": {**_TARGET, "Old Account Name": "OldTargetUserName", "New Account Name": "NewTargetUserName"},
    "New Account": _TARGET,
    "Account That Was Locked Out": _TARGET,
    "Account For Which Logon Failed": _TARGET,
    "Account Information": {"Security ID": "TargetSid", "Account Name": "TargetUserName"},
    "Member": {"Security ID": "MemberSid", "Account Name": "MemberName"},
    "Group": _GROUP,
    "New Logon": {**_TARGET, "Logon ID": "TargetLogonId"},
    "Logon Information": {"Logon Type": "LogonType"},
    "Network Information": {
        "Source Network Address": "IpAddress",
        "Client Address": "IpAddress",
        "Workstation Name": "WorkstationName",
    },
    "Additional Information": {"Caller Computer Name": "TargetDomainName"},
    "Changed Attributes": {
        "SAM Account Name": "SamAccountName",
        "User Principal Name": "UserPrincipalName",
        "Password Last Set": "PasswordLastSet",
        "User Account Control": "UserAccountControl",
        "AllowedToDelegateTo": "AllowedToDelegateTo",
        "SID History": "SidHistory",
    },
    "Object": {"DN": "ObjectDN", "GUID": "ObjectGUID", "Class": "ObjectClass"},
    "Attribute": {"LDAP Display Name": "AttributeLDAPDisplayName", "Value": "AttributeValue"},
    "Operation": {"Type": "OperationType", "Correlation ID": "OpCorrelationID"},
    "Audit Policy Change": {"Changes": "AuditPolicyChanges"},
}
_ALONE = {"Requester": "Requester", "SAN": "Attributes"}
"""What is in no section: who asked for a certificate, and for what name."""
_FLAGS = re.compile(r"^[ \t]*User Account Control:[ \t]*\r?\n((?:[ \t]+[^:\r\n]+\r?\n?)+)", re.MULTILINE)
"""Flags of an account stand each on a line of its own."""


def fields_of(message: str) -> dict[str, str]:
    """The event's data by the names that the event itself has, as far as *message* says them."""
    out: dict[str, str] = {}
    names: dict[str, str] = {}
    for label, value in _LINE.findall(message[:20_000]):
        if label in _SECTIONS and not value:
            names = _SECTIONS[label]
        elif (name := names.get(label) or _ALONE.get(label)) is not None and value:
            out.setdefault(name, f"SAN:{value}" if label == "SAN" else value)
    if flags := _FLAGS.search(message[:20_000]):
        out["UserAccountControl"] = " ".join(flags[1].split())
    return out
