"""The message that Windows renders of a security event, where a forwarder passes on only that; in English."""

from __future__ import annotations

import re

from watchword.watch.providers.provider import UNSURE

IMITATED = "watchword_imitated"
"""The member of an event in which a value looks like a part of the event's own form: what stands there twice."""

_LINE = re.compile(r"[ \t]*([A-Z][A-Za-z ]+):(.*)")  # no blanks at the end: looking for those takes the square of them
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
    "Computer Account That Was Changed": _TARGET,
    "Additional Information": {"Caller Computer Name": "TargetDomainName", "Status Code": "Status"},
    "Changed Attributes": {
        "SAM Account Name": "SamAccountName",
        "User Principal Name": "UserPrincipalName",
        "Password Last Set": "PasswordLastSet",
        "Account Expires": "AccountExpires",
        "User Account Control": "UserAccountControl",
        "AllowedToDelegateTo": "AllowedToDelegateTo",
        "SID History": "SidHistory",
        "DNS Host Name": "DnsHostName",
    },
    "Object": {"DN": "ObjectDN", "GUID": "ObjectGUID", "Class": "ObjectClass"},
    "Attribute": {"LDAP Display Name": "AttributeLDAPDisplayName", "Value": "AttributeValue"},
    "Operation": {"Type": "OperationType", "Correlation ID": "OpCorrelationID"},
    "Audit Policy Change": {"Changes": "AuditPolicyChanges"},
}
_ALONE = {"Requester": "Requester", "Attributes": "Attributes", "SAN": "Attributes", "Logon Type": "LogonType"}
"""What is in no section: who asked for a certificate, and for what name; of old, how somebody signed in."""

_MEMBER = ("Subject", "Member", "Group", "Additional Information")
_TEMPLATES = {
    **dict.fromkeys(("4722", "4723", "4724", "4725", "4726", "4767"), ("Subject", "Target Account")),
    **dict.fromkeys(("4728", "4729", "4732", "4733", "4756", "4757"), _MEMBER),
    "4704": ("Subject", "Target Account", "New Right"),
    "4705": ("Subject", "Target Account", "Removed Right"),
    "4719": ("Subject", "Audit Policy Change"),
    "4720": ("Subject", "New Account", "Attributes", "Additional Information"),
    "4738": ("Subject", "Target Account", "Changed Attributes", "Additional Information"),
    "4740": ("Subject", "Account That Was Locked Out", "Additional Information"),
    "4742": ("Subject", "Computer Account That Was Changed", "Changed Attributes", "Additional Information"),
    "4765": ("Subject", "Target Account", "Source Account", "Additional Information"),
    "4766": ("Subject", "Target Account", "Additional Information"),
    "4781": ("Subject", "Target Account", "Additional Information"),
    "4794": ("Subject", "Additional Information"),
    "5136": ("Subject", "Directory Service", "Object", "Attribute", "Operation"),
}
"""The sections of each event's message, as Microsoft's documentation of it has them: all of them, each once."""
_SIGN_INS = {
    "4624": ("Subject", "Logon Information", "New Logon", "Process Information", "Network Information"),
    "4625": ("Subject", "Account For Which Logon Failed", "Failure Information", "Network Information"),
}
"""Sections of messages whose form differs between versions of Windows: none of them twice."""
_TO_ITS_END = {"Attribute": "Value"}
"""A section's last label, where what is behind it, up to the next section, is its value."""
_OF_MANY_LINES = frozenset({"UserAccountControl", "AllowedToDelegateTo", "SidHistory"})
"""Members whose values stand each on a line of its own."""
_AT_THE_END = "Additional Information"
"""The section that tells that a message is whole."""
_MAY_BE_CUT = frozenset({"4740", "4765", "4766", "4781"})
"""Events that have said what lets somebody in before their last section; of others it may be cut with that."""
_LONGEST = 65_536
"""Characters of a message: an event has no more than 64 KiB."""
# fmt: off
_REST = (
    "Display Name", "Home Directory", "Home Drive", "Script Path", "Profile Path", "User Workstations", "Logon Hours",
    "Primary Group ID", "Old UAC Value", "New UAC Value", "User Parameters", "Service Principal Names",
    "Privileges", "Attributes", "Failure Information", "Failure Reason", "Status", "Sub Status", "Process Information",
    "Caller Process ID", "Logon GUID", "Impersonation Level", "Restricted Admin Mode", "Virtual Account", "Client Port",
    "Elevated Token", "Linked Logon ID", "Network Account Name", "Service Information", "Service Name", "Service ID",
    "Source Port", "Detailed Authentication Information", "Directory Service", "Syntax (OID)", "User ID",
    "Application Correlation ID", "Supplied Realm Name", "Expiration time", "Category", "Subcategory", "Group Domain",
    "Source Account", "New Right", "Removed Right", "User Right", "Caller Workstation", "SID List", "Subcategory GUID",
)
"""Other labels, which end what is before them where a message is one line."""
# fmt: on
_LABELS = {*_SECTIONS, *_ALONE, *_REST, *(label for names in _SECTIONS.values() for label in names)}
_BEFORE = re.compile(rf"(?<!\s)\s++((?:{'|'.join(map(re.escape, sorted(_LABELS, key=len, reverse=True)))}):)(?=\s|$)")


def fields_of(message: str, number: str | None = None, log: str | None = None) -> dict[str, str]:
    """The data of event *number* of *log* (None: Security) by the event's own names, as far as *message* says them.

    Forwarders that write a line an event make one line of it. A value is not escaped: where one has what looks like a
    part of the event's own form, `IMITATED` says which; where a part of that form is not there, `UNSURE` says so.
    """
    is_long = len(message) > _LONGEST
    message = message[:_LONGEST]
    if "\n" not in message.strip():
        message = _BEFORE.sub(r"\n\1", message)
    is_security = (log or "security").lower() == "security"
    whole = _TEMPLATES.get(number or "", ()) if is_security else ()
    read = _Read(whole or (_SIGN_INS.get(number or "", ()) if is_security else ()))
    for line in message.split("\n"):
        read.take(line)
    if read.imitated:
        return read.out | {IMITATED: f"{read.imitated} twice in the text of {number}"}
    needed = (each for each in whole if each != _AT_THE_END or number not in _MAY_BE_CUT)
    if (missing := next((each for each in needed if each not in read.begun), None)) is not None:
        return read.out | {UNSURE: f"a message without {missing!r}: cut short, or in another language than English"}
    if whole and is_long:
        return read.out | {UNSURE: f"a message longer than {_LONGEST} characters"}
    return read.out


class _Read:
    """What the lines of a message say, whose sections are *form*; with none, any that is known may come again.

    The first of several values is taken.
    """

    def __init__(self, form: tuple[str, ...]) -> None:
        self._form = form
        self._section = self._last = ""
        self.begun: set[str] = set()
        self._labels: set[str] = set()
        self.out: dict[str, str] = {}
        self.imitated = ""

    def take(self, line: str) -> None:
        """Read the next *line*: a section's head, a label with its value, or more of the value before it."""
        if (found := _LINE.match(line)) is None:
            if self._last in _OF_MANY_LINES and line.strip():
                self.out[self._last] = f"{self.out.get(self._last, '')} {line.strip()}".lstrip()
            return
        label, value = found[1], found[2].lstrip(" \t").rstrip(" \t\r")
        names = _SECTIONS.get(self._section, {})
        # Some versions write no colon behind the last label of all; and on one line, a name that is no label elsewhere.
        if label in (self._form or _SECTIONS) and (not value or value.startswith(("Privileges", "Name:"))):
            self._twice(label, label in self.begun)
            self._section, self._last, self._labels = label, "", set()
            self.begun.add(label)
        elif self._form and _TO_ITS_END.get(self._section) in self._labels:
            return
        elif (name := names.get(label) or _ALONE.get(label)) is not None:
            self._twice(label, label in self._labels and label in names)
            self._labels.add(label)
            self._last = name if name not in self.out else ""
            if value and name == "Attributes":  # each name that was asked for is one
                self.out[name] = f"{self.out.get(name, '')}\n{'SAN:' if label == 'SAN' else ''}{value}".lstrip()
            elif value:
                self.out.setdefault(name, value)
        else:
            self._last = ""

    def _twice(self, label: str, is_so: bool) -> None:
        if is_so and self._form and not self.imitated:
            self.imitated = label
