"""Commands of Exchange in the unified audit log: who is given what, whose password is set, where mail goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from watchword.core.identity_event import Canonical

from .conftest import NOON, Classify
from .test_unified_audit import ANA, _row

PATH = "EUR.example.test/Microsoft Exchange Hosted Organizations/example.test"
GRANT, REVOKE = Canonical.PRIVILEGE_GRANT, Canonical.PRIVILEGE_REVOKE


def _command(operation: str, parameters: Mapping[str, str | None], **members: Any) -> dict[str, Any]:
    """A row as Exchange writes one: what was done is a path, and nobody is named by an id."""
    told = [{"Name": name, "Value": value} for name, value in parameters.items()]
    members = {"ObjectId": f"{PATH}/ceo", "ResultStatus": "True", "Actor": [], "Target": [], **members}
    return _row(operation, Parameters=told, **members)


@pytest.mark.parametrize(
    ("operation", "parameters", "action", "target"),
    [
        ("Add-MailboxPermission", {"Identity": f"{PATH}/ceo", "User": "bo", "AccessRights": "FullAccess"}, GRANT, "bo"),
        ("Add-MailboxPermission", {"Identity": "ceo", "User": "bo", "Deny": "True"}, REVOKE, "bo"),
        ("Remove-MailboxPermission", {"Identity": "ceo", "User": "bo", "AccessRights": "FullAccess"}, REVOKE, "bo"),
        ("Remove-MailboxPermission", {"Identity": "ceo", "User": "bo", "Deny": "True"}, GRANT, "bo"),
        ("Add-RecipientPermission", {"Identity": "ceo", "Trustee": "bo", "AccessRights": "SendAs"}, GRANT, "bo"),
        ("Add-RoleGroupMember", {"Identity": "Organization Management", "Member": "bo"}, GRANT, "bo"),
        ("Remove-RoleGroupMember", {"Identity": "Organization Management", "Member": "bo"}, REVOKE, "bo"),
        ("New-RoleGroup", {"Name": "Helpers", "Roles": "Mail Recipients", "Members": "bo"}, GRANT, "bo"),
        ("New-ManagementRoleAssignment", {"Role": "ApplicationImpersonation", "User": "bo"}, GRANT, "bo"),
        ("New-ManagementRoleAssignment", {"Role": "Application Mail.Read", "App": "0f-app"}, GRANT, "0f-app"),
        ("Set-ManagementRoleAssignment", {"Identity": "a-1", "Enabled": "True"}, GRANT, "ceo"),
        ("Set-ManagementRoleAssignment", {"Identity": "a-1", "Enabled": "False"}, REVOKE, "ceo"),
        ("Add-eDiscoveryCaseAdmin", {"User": "bo"}, GRANT, "bo"),
        ("Set-Mailbox", {"Identity": "ceo", "GrantSendOnBehalfTo": "bo"}, GRANT, "bo"),
        *(
            ("Set-Mailbox", {"Identity": "ceo", "GrantSendOnBehalfTo": said}, action, target)
            for said, action, target in (
                # A list with nobody in it, and one that somebody is taken off, lend nothing to anybody.
                ("", REVOKE, "ceo"), ("$null", REVOKE, "ceo"), (" @() ", REVOKE, "ceo"), ("[]", REVOKE, "ceo"),
                ("@{Remove=bo}", REVOKE, "bo"), ("@{Remove='bo'}", REVOKE, "bo"), ('{"remove": ["bo"]}', REVOKE, "bo"),
                ("@{Remove=@('bo')}", REVOKE, "bo"), ("@{Add=bo}", GRANT, "bo"), ("@{Remove=cy; Add=bo}", GRANT, "bo"),
                ("@{add='bo';remove='cy'}", GRANT, "bo"), ("@{Add=}", GRANT, "ceo"),
                # What is said otherwise may be a grant.
                (None, GRANT, "ceo"), ("@{Put=bo}", GRANT, "@{Put=bo"),
                ("@{Remove=smtp:bo}", GRANT, "@{Remove=smtp:bo"),
                ("remove", GRANT, "remove"), ("System.Collections.Hashtable", GRANT, "System.Collections.Hashtable"),
            )
        ),
        ("Set-Mailbox", {"Identity": "ceo", "Password": "****"}, Canonical.PASSWORD_RESET, "ceo"),
        ("Set-MailUser", {"Identity": "ceo", "Password": "****"}, Canonical.PASSWORD_RESET, "ceo"),
        ("Set-User", {"Identity": "ceo", "ResetPasswordOnNextLogon": "$true"}, Canonical.PASSWORD_EXPIRE, "ceo"),
        ("Set-User", {"Identity": "ceo", "MobilePhone": "+44 1632 960001"}, Canonical.RECOVERY_INFO_CHANGE, "ceo"),
        ("Set-Mailbox", {"Identity": "ceo", "MicrosoftOnlineServicesID": "x"}, Canonical.ACCOUNT_RENAME, "ceo"),
        ("Set-Mailbox", {"Identity": "ceo", "AccountDisabled": "True"}, Canonical.ACCOUNT_DISABLE, "ceo"),
        ("Set-Mailbox", {"Identity": "ceo", "AccountDisabled": "False"}, Canonical.ACCOUNT_ENABLE, "ceo"),
        ("New-Mailbox", {"Name": "New One", "MicrosoftOnlineServicesID": "new@example.test"}, Canonical.ACCOUNT_CREATE,
         "new@example.test"),
        ("Remove-Mailbox", {"Identity": f"{PATH}/ceo"}, Canonical.ACCOUNT_DELETE, "ceo"),
        ("New-TransportRule", {"Name": "r", "BlindCopyTo": "x@example.test"}, Canonical.MAILBOX_RULE,
         "admin@example.test"),
        ("Set-TransportRule", {}, Canonical.MAILBOX_RULE, "admin@example.test"),
        ("New-JournalRule", {"JournalEmailAddress": "x@example.test"}, Canonical.MAILBOX_RULE, "admin@example.test"),
        ("Set-MailUser", {"Identity": "ceo", "ExternalEmailAddress": "x@example.test"}, Canonical.MAILBOX_RULE, "ceo"),
        ("Add-FederatedDomain", {"DomainName": "example.test"}, Canonical.TRUST_CHANGE, "ceo"),
        ("Set-OrganizationConfig", {"DefaultAuthenticationPolicy": "basic"}, Canonical.TRUST_CHANGE, "ceo"),
        ("Set-OrganizationConfig", {"AuditDisabled": "True"}, Canonical.LOG_TAMPERED, "ceo"),
        ("Remove-UnifiedAuditLogRetentionPolicy", {"Identity": "p"}, Canonical.LOG_TAMPERED, "ceo"),
        ("New-UnifiedAuditLogRetentionPolicy", {"RetentionDuration": "SevenDays"}, Canonical.LOG_TAMPERED, "ceo"),
        ("Set-Mailbox", {"AuditEnabled": "Disabled"}, Canonical.LOG_TAMPERED, "ceo"),
        ("Set-MailboxFolderPermission", {"Identity": "ceo:\\Inbox", "User": "Default"}, GRANT, "ceo"),
    ],
)  # fmt: skip
def test_a_command_is_what_it_did(
    classify: Classify, operation: str, parameters: dict[str, str | None], action: Canonical, target: str
) -> None:
    """Whom a right is given is whom it is about, and not the mailbox, the group or the rule that it is over."""
    row = classify.one(_command(operation, parameters), provider="entra")
    assert (row.action, row.target, row.actor) == (action, target, "admin@example.test")


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("New-RoleGroup", {"Name": "Helpers", "Roles": "Mail Recipients"}),
        ("New-TransportRule", {"Name": "r", "PrependSubject": "[outside]"}),
        ("Set-TransportRule", {"Identity": "r", "DeleteMessage": "False"}),
        ("Set-OrganizationConfig", {"AuditDisabled": "False"}),
        ("Set-OrganizationConfig", {"FocusedInboxOn": "True"}),
        ("New-UnifiedAuditLogRetentionPolicy", {"RetentionDuration": "TenYears"}),
        ("Set-User", {"Identity": "ceo", "Title": "x", "ResetPasswordOnNextLogon": "False"}),
        ("Set-MailboxFolderPermission", {"Identity": "ceo:\\Calendar", "User": "Default", "AccessRights": "Reviewer"}),
        ("Set-MailboxFolderPermission", {"Identity": "ceo:\\Inbox", "User": "Default", "AccessRights": "None"}),
        ("Add-MailboxFolderPermission", {"Identity": "ceo:\\Inbox", "User": "bo", "AccessRights": "Reviewer"}),
        ("Set-MailboxFolderPermission", {"Identity": "ceo:\\Kalendarz", "User": "Default", "AccessRights": "Reviewer"}),
        ("Set-MailboxFolderPermission", {"Identity": "ceo:\\予定表", "User": "Default", "AccessRights": "Reviewer"}),
        ("Add-MailboxPermission", {"Identity": "ceo", "User": "NT AUTHORITY\\SELF", "AccessRights": "FullAccess"}),
        ("Add-RecipientPermission", {"Identity": "ceo", "Trustee": "NT AUTHORITY\\SELF", "AccessRights": "SendAs"}),
    ],
)
def test_a_command_that_lets_nobody_in_is_let_be(
    classify: Classify, operation: str, parameters: dict[str, str]
) -> None:
    """It is known, and no event that anybody owes anything for."""
    report = classify([_command(operation, parameters)], None, provider="entra")
    assert (report.verdicts, report.rejected_lines, report.unknown_types) == ((), 0, ())


def test_a_command_that_does_several_things_is_each_of_them(classify: Classify) -> None:
    """Who sets a password and has the mail sent elsewhere in one command did both."""
    both = {"Identity": "ceo", "Password": "****", "ForwardingSmtpAddress": "smtp:x@example.test"}
    report = classify([_command("Set-Mailbox", both)], None, provider="entra")
    assert {row.action for row in report.verdicts} == {Canonical.PASSWORD_RESET, Canonical.MAILBOX_RULE}


def test_everybody_that_a_role_group_has_then_is_given_it(classify: Classify) -> None:
    """The command replaces all who were in it: each of them is told."""
    told = {"Identity": "Organization Management", "Members": "bo@example.test;cy@example.test"}
    report = classify([_command("Update-RoleGroupMember", told)], None, provider="entra")
    assert {(row.action, row.target) for row in report.verdicts} == {
        (GRANT, "bo@example.test"), (GRANT, "cy@example.test"),
    }  # fmt: skip


def test_a_folder_shared_with_everybody_is_told_by_the_mailbox_s_own_audit(classify: Classify) -> None:
    """What its owner does in Outlook is no command, and has the folder and who may read it in the item."""
    folder = {"Path": "\\Inbox", "MemberUpn": "Everyone", "MemberRights": "ReadAny, Visible"}
    shared = {"Item": {"ParentFolder": folder}, "MailboxOwnerUPN": "ceo@example.test"}
    row = classify.one(_command("ModifyFolderPermissions", {}, **shared), provider="entra")
    assert (row.action, row.target) == (GRANT, "ceo@example.test")
    folder |= {"MemberRights": "FreeBusySimple"}
    assert not classify([_command("ModifyFolderPermissions", {}, **shared)], None, provider="entra").verdicts


def test_exchange_s_own_services_are_the_system(classify: Classify) -> None:
    """The servers of the service lend mailboxes to themselves, and say so by another name."""
    system = {"UserId": "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)", "UserType": 3}
    told = {"Identity": "ceo", "User": "bo", "AccessRights": "FullAccess"}
    assert classify.one(_command("Add-MailboxPermission", told, **system), provider="entra").actor_class == "system"


def test_what_searches_found_is_lent_by_the_service_to_those_who_search(classify: Classify) -> None:
    """It does so time and again by itself; a person who lends it gives somebody what others' mailboxes have."""
    told = {
        "Identity": f"{PATH}/DiscoverySearchMailbox{{1}}",
        "User": "Discovery Management",
        "AccessRights": "FullAccess",
    }
    assert classify.one(_command("Add-MailboxPermission", told), provider="entra").action == GRANT
    system = {"UserId": "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)", "UserType": 3}
    report = classify([_command("Add-MailboxPermission", told, **system)], None, provider="entra")
    assert (report.verdicts, report.unknown_types) == ((), ())


def test_a_row_of_the_enriched_table_is_one(classify: Classify) -> None:
    """Sentinel's table of what went through Microsoft's own network has the command's parameters apart."""
    row = _command("Add-MailboxPermission", {"Identity": "ceo", "User": "bo", "AccessRights": "FullAccess"})
    enriched = {
        "TimeGenerated": "2026-03-02T12:00:00Z",
        "RecordType": "ExchangeAdmin",
        "Workload": "Exchange",
        "Operation": row["Operation"],
        "UserId": row["UserId"],
        "UserType": "Admin",
        "ClientIp": "198.51.100.7:4711",
        "ObjectId": row["ObjectId"],
        "ResultStatus": "True",
        "AdditionalProperties": json.dumps({"Parameters": row["Parameters"]}),
    }
    found = classify.one(enriched, provider="entra")
    assert (found.action, found.target, found.address, found.at) == (GRANT, "bo", "198.51.100.7", NOON)


def test_elastic_s_document_of_a_command_is_one(classify: Classify) -> None:
    """The integration makes an object of a command's parameters."""
    audit = {
        "Operation": "New-ManagementRoleAssignment",
        "Parameters": {"Role": "ApplicationImpersonation", "User": "bo"},
        "ResultStatus": "True",
        "UserId": "admin@example.test",
        "CreationTime": "2026-03-02T12:00:00",
    }
    row = classify.one({"@timestamp": "2026-03-02T12:00:00Z", "o365": {"audit": audit}}, provider="entra")
    assert (row.action, row.target, row.detail) == (GRANT, "bo", "ApplicationImpersonation")


def test_a_member_of_a_group_in_the_unified_log_is_given_what_it_lends(classify: Classify) -> None:
    """Its name is among what changed, as in the directory's own audit."""
    changed = [{"Name": "Group.DisplayName", "NewValue": "Service Desk Administrators", "OldValue": ""}]
    row = classify.one(_row("Add member to group.", ModifiedProperties=changed), provider="entra")
    assert (row.action, row.target) == (GRANT, ANA)
