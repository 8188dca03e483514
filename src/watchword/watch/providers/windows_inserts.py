"""A security event's data without names, in the order in which the event's own XML has it.

Fluent Bit (`StringInserts`) and what reads the old event log hand it on so, where they have not the event's message.
"""

from __future__ import annotations

import re

from watchword.watch.providers.provider import Json

_SUBJECT = "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"
_ACCOUNT = f"TargetUserName TargetDomainName TargetSid {_SUBJECT}"
_CHANGED = (
    "SamAccountName DisplayName UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations "
    "PasswordLastSet AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue UserAccountControl "
    "UserParameters SidHistory LogonHours"
)
_TARGET = f"{_SUBJECT} TargetUserSid TargetUserName TargetDomainName"
_PACKAGE = "LogonProcessName AuthenticationPackageName WorkstationName"
_PROCESS = "TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort"
_ORDERS = {
    **dict.fromkeys(("4722", "4723", "4724", "4725", "4726", "4740", "4767"), _ACCOUNT),
    "4720": f"{_ACCOUNT} PrivilegeList {_CHANGED}",
    "4738": f"Dummy {_ACCOUNT} PrivilegeList {_CHANGED}",
    "4781": f"OldTargetUserName NewTargetUserName TargetDomainName TargetSid {_SUBJECT} PrivilegeList",
    **dict.fromkeys(
        ("4728", "4729", "4732", "4733", "4756", "4757"),
        f"MemberName MemberSid TargetUserName TargetDomainName TargetSid {_SUBJECT} PrivilegeList",
    ),
    "5136": f"OpCorrelationID AppCorrelationID {_SUBJECT} DSName DSType ObjectDN ObjectGUID ObjectClass "
    "AttributeLDAPDisplayName AttributeSyntaxOID AttributeValue OperationType",
    "4624": f"{_TARGET} TargetLogonId LogonType {_PACKAGE} LogonGuid {_PROCESS}",
    "4625": f"{_TARGET} Status FailureReason SubStatus LogonType {_PACKAGE} {_PROCESS}",
}
"""The members of `EventData`, as Microsoft's documentation of each event has them."""

_LAST = {
    **dict.fromkeys(("4624", "4625"), "TargetDomainName"),
    "4738": "UserAccountControl",
    "5136": "OperationType",
}
"""The last member that is needed to know what an event says; of others that is the subject's session."""
_WHO = (
    *("SubjectUserSid", "SubjectUserName", "TargetSid", "TargetUserSid", "TargetUserName", "TargetName"),
    *("AccountName", "MemberSid", "MemberName", "ObjectDN", "ObjectGUID"),
)
_SID = re.compile(r"%\{(S-1-[\d-]+)\}")


def inserted(number: str | None, values: object) -> dict[str, str]:
    """The *values* of event *number* by name; nothing for an event whose order is not known, or has fewer.

    One that is null is left out.
    """
    order = _ORDERS.get(number or "", "").split()
    if not order or not isinstance(values, list) or not all(isinstance(each, str | int | None) for each in values):
        return {}
    if len(values) <= order.index(_LAST.get(number or "", "SubjectLogonId")):
        return {}
    return {name: _SID.sub(r"\1", str(each)) for name, each in zip(order, values, strict=False) if each is not None}


def is_nameless(number: str | None, event: Json) -> bool:
    """Whether *event*, number *number* of known order, has neither an actor nor a target by name."""
    return (number or "") in _ORDERS and not any(event.get(name) for name in _WHO)
