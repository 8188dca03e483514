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
        "Account Expires": "AccountExpires",
        "User Account Control": "UserAccountControl",
        "AllowedToDelegateTo": "AllowedToDelegateTo",
        "SID History": "SidHistory",
    },
    "Object": {"DN": "ObjectDN", "GUID": "ObjectGUID", "Class": "ObjectClass"},
    "Attribute": {"LDAP Display Name": "AttributeLDAPDisplayName", "Value": "AttributeValue"},
    "Operation": {"Type": "OperationType", "Correlation ID": "OpCorrelationID"},
    "Audit Policy Change": {"Changes": "AuditPolicyChanges"},
}
_ALONE = {"Requester": "Requester", "SAN": "Attributes", "Logon Type": "LogonType"}
"""What is in no section: who asked for a certificate, and for what name; of old, how somebody signed in."""
# fmt: off
_REST = (
    "Display Name", "Home Directory", "Home Drive", "Script Path", "Profile Path", "User Workstations", "Logon Hours",
    "Primary Group ID", "Old UAC Value", "New UAC Value", "User Parameters", "DNS Host Name", "Service Principal Names",
    "Privileges", "Attributes", "Failure Information", "Failure Reason", "Status", "Sub Status", "Process Information",
    "Caller Process ID", "Logon GUID", "Impersonation Level", "Restricted Admin Mode", "Virtual Account", "Client Port",
    "Elevated Token", "Linked Logon ID", "Network Account Name", "Service Information", "Service Name", "Service ID",
    "Source Port", "Detailed Authentication Information", "Directory Service", "Syntax (OID)", "User ID",
    "Application Correlation ID", "Supplied Realm Name", "Expiration time", "Category", "Subcategory",
)
"""Other labels, which end what is before them where a message is one line."""
# fmt: on
_LABELS = {*_SECTIONS, *_ALONE, *_REST, *(label for names in _SECTIONS.values() for label in names)}
_BEFORE = re.compile(rf"(?<!\s)\s++((?:{'|'.join(map(re.escape, sorted(_LABELS, key=len, reverse=True)))}):)(?=\s|$)")
_FLAGS = re.compile(r"^[ \t]*User Account Control:[ \t]*\r?\n((?:[ \t]+[^:\r\n]+\r?\n?)+)", re.MULTILINE)
"""Flags of an account stand each on a line of its own."""


def fields_of(message: str) -> dict[str, str]:
    """The event's data by the names that the event itself has, as far as *message* says them.

    Forwarders that write a line an event make one line of it.
    """
    if "\n" not in message.strip():
        message = _BEFORE.sub(r"\n\1", message[:20_000])
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
