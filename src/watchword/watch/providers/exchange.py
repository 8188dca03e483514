"""Commands of Exchange, as the unified audit log has them: who may do what, whose account it is, where mail goes."""

from __future__ import annotations

import re
from typing import NamedTuple

Parameters = dict[str, str | None]


class Told(NamedTuple):
    """What a command did: the *name* of its event, *whom* it is about where a parameter says so, and what was given."""

    name: str
    whom: tuple[str, ...] = ()
    given: str | None = None


_POWER = {
    "Add-MailboxPermission": ("User", "Owner"),
    "Remove-MailboxPermission": ("User",),
    "Add-RecipientPermission": ("Trustee",),
    "Remove-RecipientPermission": ("Trustee",),
    "Add-RoleGroupMember": ("Member",),
    "Remove-RoleGroupMember": ("Member",),
    "Update-RoleGroupMember": ("Members",),
    "New-RoleGroup": ("Members",),
    "New-ManagementRoleAssignment": ("User", "SecurityGroup", "App", "Computer", "Policy"),
    "Set-ManagementRoleAssignment": (),
    "Remove-ManagementRoleAssignment": (),
    "Add-eDiscoveryCaseAdmin": ("User",),
    "Update-eDiscoveryCaseAdmin": ("Users",),
    "Remove-eDiscoveryCaseAdmin": ("User",),
}
"""Commands that give or take power, by the parameters that name who has it then."""
_DENIES = {"Add-MailboxPermission", "Remove-MailboxPermission"}
"""Of these a parameter says that it is a right denied: whoever is freed of such a one may do what they could not."""
_RIGHTS = ("AccessRights", "Role", "Roles", "Identity", "Name")
_MAIL_RULES = {"New-TransportRule", "Set-TransportRule"}
_ELSEWHERE = frozenset(
    {
        *("RedirectMessageTo", "BlindCopyTo", "CopyTo", "AddToRecipients", "AddManagerAsRecipientType"),
        *("RouteMessageOutboundConnector", "DeleteMessage", "Quarantine"),
    }
)
"""What a rule for everybody's mail does so that a message is read by somebody else, or by nobody."""
_ACCOUNTS = {"Set-Mailbox", "Set-MailUser", "Set-User"}
_SET = {
    "/password": {"Password", "RoomMailboxPassword"},
    "/renamed": {"MicrosoftOnlineServicesID", "UserPrincipalName", "WindowsLiveID"},
    "/another means": {"LinkedMasterAccount", "LinkedCredential", "CertificateSubject"},
    "/contact": {"MobilePhone", "Phone", "HomePhone", "OtherTelephone", "OtherHomePhone"},
    "/forwarding": {
        *("ForwardingAddress", "ForwardingSmtpAddress", "DeliverToMailboxAndForward", "ExternalEmailAddress"),
    },
    "/on behalf": {"GrantSendOnBehalfTo"},
}
"""What a command sets of an account, by its parameters."""
_FLAGS = {"AccountDisabled": ("/enabled", "/disabled"), "ResetPasswordOnNextLogon": (None, "/password to be changed")}
"""Parameters that are false or true, and what they make of an account then."""
_AUDITS = {
    ("Set-AdminAuditLogConfig", "UnifiedAuditLogIngestionEnabled"): ("/less", "/more"),
    ("Set-AdminAuditLogConfig", "AdminAuditLogEnabled"): ("/less", "/more"),
    ("Set-MailboxAuditBypassAssociation", "AuditBypassEnabled"): ("/more", "/less"),
    ("Set-Mailbox", "AuditEnabled"): ("/less", None),
    ("Set-OrganizationConfig", "AuditDisabled"): (None, "/less"),
}
"""Commands that set what is logged, by their parameter: what it makes of the log, false and true."""
_SIGN_IN = {"DefaultAuthenticationPolicy", "OAuth2ClientProfileEnabled"}
"""What is asked of all that sign in to mailboxes."""
_KEPT_SHORT = {"SevenDays", "OneMonth", "ThreeMonths"}
"""How long a policy of retention may keep the log that is less than the log is kept without one."""
_EVERYBODY = {"default", "anonymous", "everyone"}
_NOTHING_READ = frozenset(
    {
        *("none", "availabilityonly", "limiteddetails", "foldervisible", "contributor", "createitems"),
        *("freebusysimple", "freebusydetailed", "visible", "create"),
    }
)
"""Rights in a folder with which nothing in it is read, as a command and as the mailbox's own audit call them."""
_FOLDERS = {
    "Add-MailboxFolderPermission",
    "Set-MailboxFolderPermission",
    "AddFolderPermissions",
    "ModifyFolderPermissions",
    "UpdateFolderPermissions",
}
_CALENDAR = re.compile(
    r"cal[eé]nd|kalen[dt]|agenda|takvim|napt[aá]r|lịch|ημερολ[οό]γιο|календар|каляндар|לוח שנה|التقويم|تقويم"
    r"|日历|日曆|行事曆|予定表|カレンダー|일정|달력|ปฏิทิน",
    re.IGNORECASE,
)
_MEMBERS = re.compile(r"\s*[;,]\s*")
_CHANGE = re.compile(r"\s*@?\{\s*(.*?)\s*\}\s*", re.DOTALL)
_CHANGES = re.compile(r"[\"']?\b(add|remove)\b[\"']?\s*[=:]\s*", re.IGNORECASE)
"""A list that is changed and not replaced, and by what."""
_EMPTY = {"$null", "@()", "()", "[]", "{}", "@{}"}
"""A list with nobody in it."""
EMPTIED = frozenset({"GrantSendOnBehalfTo"})
"""Parameters that are such lists."""
_LENT = {"Add-MailboxPermission", "Add-RecipientPermission"}
_SELF = {"nt authority\\self", "s-1-5-10"}
"""Whose mailbox it is, whoever that is."""
_FOUND = "discoverysearchmailbox{"
"""How the mailbox begins that has what searches found: the service itself lends it to those who may search."""


def told(command: str, parameters: Parameters, *, by_service: bool = False) -> tuple[Told, ...]:
    """What *command* did, once for each kind of thing; itself alone where it did nothing that is told apart.

    *by_service* says that Exchange's own service gave it.
    """
    if command in _POWER:
        return (_power(command, parameters, by_service=by_service),)
    if command in _MAIL_RULES:
        # A call that lost what it asked for is the most that it may be.
        elsewhere = not parameters or any(_is_set(parameters.get(name)) for name in _ELSEWHERE)
        return (Told(command + "/forwarding" * elsewhere, given=parameters.get("Name") or parameters.get("Identity")),)
    if command in _FOLDERS:
        return (_folder(command, parameters),)
    if command == "New-UnifiedAuditLogRetentionPolicy":
        kept = parameters.get("RetentionDuration")
        return (Told(command + ("/less" if kept is None or kept in _KEPT_SHORT else "/more")),)
    parts = list(filter(None, (_of_audit(command, name, said) for name, said in parameters.items())))
    if command in _ACCOUNTS:
        parts += (part for part, names in _SET.items() if any(name in parameters for name in names))
        parts += filter(None, (_flag(_FLAGS[name], said) for name, said in parameters.items() if name in _FLAGS))
    if command == "Set-OrganizationConfig" and any(name in parameters for name in _SIGN_IN):
        parts.append("/sign-in")
    return tuple(
        _on_behalf(command, parameters.get("GrantSendOnBehalfTo")) if part == "/on behalf" else Told(command + part)
        for part in parts
    ) or (Told(command),)


def _on_behalf(command: str, said: str | None) -> Told:
    """Who may send in a mailbox's name then: the list that replaces all, or who is added to it and taken off."""
    name, change = command + "/on behalf", _CHANGE.fullmatch(said or "")
    before, *parts = _CHANGES.split(change[1]) if change is not None else ("all",)
    named = {"add": list[str](), "remove": list[str]()}
    for key, who in zip(parts[::2], parts[1::2], strict=True):
        named[key.lower()] += _listed(re.sub(r"^@?\((.*)\)$", r"\1", who.strip("; ,")))
    # What is said in any other way may be a grant, and so may a list without its value.
    if before or not parts or any(set("=:").intersection(one) for one in named["remove"]):
        is_empty = said is not None and said.strip().lower() in _EMPTY
        return Told(name + "/nobody" * is_empty, _listed(said) if not is_empty else (), "SendOnBehalf")
    if named["add"] or "add" in (key.lower() for key in parts[::2]):
        return Told(name, tuple(named["add"]), "SendOnBehalf")
    return Told(name + "/fewer", tuple(named["remove"]), "SendOnBehalf")


def _power(command: str, parameters: Parameters, *, by_service: bool) -> Told:
    name = command
    if command in _DENIES and _is_set(parameters.get("Deny")):
        name += "/deny"
    if command == "Set-ManagementRoleAssignment" and _flag(("off", None), parameters.get("Enabled")):
        name += "/off"
    whom = tuple(one for parameter in _POWER[command] for one in _listed(parameters.get(parameter)))
    mailbox = (parameters.get("Identity") or "").rpartition("/")[2].lower()
    if command in _LENT and (
        (whom and _SELF.issuperset(one.lower() for one in whom)) or (by_service and mailbox.startswith(_FOUND))
    ):
        name += "/as it is"
    if command == "New-RoleGroup" and parameters and not whom:
        name += "/nobody in it"
    given = " ".join(said for right in _RIGHTS if (said := parameters.get(right)))
    return Told(name, whom, given or None)


def _folder(command: str, parameters: Parameters) -> Told:
    """What is shared of a mailbox: what everybody may read of it beside its calendar lets everybody read a notice."""
    whom = (parameters.get("User") or "").lower()
    # The word for no right at all is also the word for no value.
    rights = _listed((parameters["AccessRights"] or "none").lower()) if "AccessRights" in parameters else ()
    is_read = not rights or not _NOTHING_READ.issuperset(rights)
    everybody = whom in _EVERYBODY and is_read and not _CALENDAR.search(parameters.get("Identity") or "")
    return Told(command + "/everybody" * everybody, given=parameters.get("AccessRights"))


def _of_audit(command: str, parameter: str, said: str | None) -> str | None:
    made = _AUDITS.get((command, parameter))
    return None if made is None else _flag(made, said)


def _flag(made: tuple[str | None, str | None], said: str | None) -> str | None:
    """What a flag makes, of what false and true do; one that is neither does what is worth a look."""
    if said is None:
        return None
    is_true = {"true": True, "false": False}.get(said.strip("$ ").lower())
    return made[made[0] in (None, "/more") if is_true is None else is_true]


def _is_set(said: str | None) -> bool:
    return (said or "").strip("$ ").lower() not in ("", "false", "0")


def _listed(said: str | None) -> tuple[str, ...]:
    """The names in a parameter that may have several."""
    return tuple(filter(None, (one.strip("\"'{}[] ") for one in _MEMBERS.split(said or ""))))
