"""What everybody signs in by, and what a log holds: of no one account, and shown with who changed it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchword.core.identity_event import Canonical, Verdict

from .conftest import Classify, Okta
from .test_cloudtrail import call
from .test_duo import activity
from .test_entra import _audit, _unified
from .test_github import entry
from .test_google import _activity, _event
from .test_keycloak import admin_event

TRUST, TAMPERED = Canonical.TRUST_CHANGE, Canonical.LOG_TAMPERED


def _cloudtrail(number: int, what: str, source: str, **asked: Any) -> dict[str, Any]:
    return call(what, asked, source=source) | {"eventID": f"e{number}", "requestID": f"r{number}"}


def _gone_after(days: int) -> dict[str, Any]:
    """A rule of a bucket that moves what is in it after a month, and lets it go after *days*."""
    moved = {"Days": 30, "StorageClass": "GLACIER"}
    rule = {"ID": "r", "Status": "Enabled", "Transition": moved, "Expiration": {"Days": days}}
    return {"LifecycleConfiguration": {"Rule": rule}}


def _okta(number: int, kind: str) -> dict[str, Any]:
    target = [{"id": f"o{number}", "type": "IdentityProvider", "alternateId": None, "displayName": "Sample"}]
    return Okta()(kind, target=target) | {"uuid": f"e{number}", "transaction": {"id": f"t{number}"}}


def _entra(number: int, activity: str, kind: str = "Policy") -> dict[str, Any]:
    target = {"id": f"o{number}", "type": kind, "displayName": "Sample", "modifiedProperties": []}
    return _audit(activity, id=f"e{number}", correlationId=f"c{number}", targetResources=[target], resultReason="")


def _keycloak(number: int, operation: str, resource: str, path: str) -> dict[str, Any]:
    return admin_event(operation, resource, path, after=10 * number) | {"id": f"e{number}"}


def _github(number: int, action: str) -> dict[str, Any]:
    return entry(action, user=None, user_id=None) | {"_document_id": f"e{number}", "request_id": f"r{number}"}


TABLE: dict[str, list[tuple[dict[str, Any], Canonical | None]]] = {
    "okta": [
        (_okta(1, "system.idp.lifecycle.create"), TRUST),
        (_okta(2, "policy.rule.update"), TRUST),
        (_okta(3, "application.policy.sign_on.update"), TRUST),
        (_okta(4, "security.authenticator.lifecycle.deactivate"), TRUST),
        (_okta(5, "zone.update"), TRUST),
        (_okta(6, "system.log_stream.lifecycle.deactivate"), TAMPERED),
        (_okta(7, "event_hook.deleted"), TAMPERED),
        (_okta(8, "system.log_stream.lifecycle.create"), None),
        (_okta(9, "policy.evaluate_sign_on"), None),
    ],
    "entra": [
        (_entra(1, "Set federation settings on domain", "Other"), TRUST),
        (_entra(2, "Set domain authentication", "Other"), TRUST),
        (_entra(3, "Add CertificationBasedAuthConfiguration"), TRUST),
        (_entra(4, "Authentication Methods Policy Update"), TRUST),
        (_entra(5, "Update conditional access policy"), TRUST),
        (_entra(6, "Update a partner cross-tenant access setting"), TRUST),
        (_entra(9, "Set Company Information", "Other"), TRUST),
        (_entra(10, "Create CertificateAuthorityEntity", "Other"), TRUST),
        (_entra(7, "Microsoft.aadiam/diagnosticSettings/delete", "Other"), TAMPERED),
        (_entra(8, "MICROSOFT.AADIAM/DIAGNOSTICSETTINGS/WRITE", "Other"), TAMPERED),
    ],
    "google": [
        (_activity(_event(f"{name}", None), number=str(number)), action)
        for number, (name, action) in enumerate(
            [
                ("CHANGE_SSO_SETTINGS", TRUST),
                ("INBOUND_SSO_PROFILE_CREATED", TRUST),
                ("ENFORCE_STRONG_AUTHENTICATION", TRUST),
                ("TOGGLE_SUPER_ADMIN_PASSWORD_RECOVERY", TRUST),
                ("AUTHORIZE_API_CLIENT_ACCESS", TRUST),
                ("CHANGE_LOGIN_ACTIVITY_TRACE", TAMPERED),
                ("TOGGLE_CONTACT_SHARING", None),
            ]
        )
    ],
    "cloudtrail": [
        (_cloudtrail(1, "CreateSAMLProvider", "iam", name="sample"), TRUST),
        (_cloudtrail(2, "UpdateAccountPasswordPolicy", "iam", minimumPasswordLength=6), TRUST),
        (_cloudtrail(3, "CreateOpenIDConnectProvider", "iam", url="https://idp.example.test"), TRUST),
        (_cloudtrail(4, "StopLogging", "cloudtrail", name="first"), TAMPERED),
        (_cloudtrail(5, "DeleteTrail", "cloudtrail", name="main"), TAMPERED),
        (_cloudtrail(6, "PutEventSelectors", "cloudtrail", trailName="third"), TAMPERED),
        (_cloudtrail(17, "PutApplicationGrant", "sso", applicationArn="arn:aws:sso::1:application/i/a"), TRUST),
        (_cloudtrail(9, "CreateTrustAnchor", "rolesanywhere", name="sample authority"), TRUST),
        (_cloudtrail(7, "StartLogging", "cloudtrail", name="main"), None),
        (_cloudtrail(10, "DeleteAwsLogSource", "securitylake", sources=[{"sourceName": "CLOUD_TRAIL_MGMT"}]), TAMPERED),
        (_cloudtrail(12, "DeleteLogGroup", "logs", logGroupName="aws-cloudtrail-logs"), TAMPERED),
        (_cloudtrail(13, "DeleteLogGroup", "logs", logGroupName="/aws/lambda/canteen"), None),
        (_cloudtrail(14, "DeleteBucket", "s3", bucketName="org-trail-1"), TAMPERED),
        (_cloudtrail(15, "PutBucketLifecycle", "s3", bucketName="audit"), TAMPERED),
        (_cloudtrail(16, "DeleteBucket", "s3", bucketName="canteen"), None),
        (_cloudtrail(17, "PutBucketLifecycle", "s3", bucketName="trail", **_gone_after(1)), TAMPERED),
        (_cloudtrail(18, "PutBucketLifecycle", "s3", bucketName="trail-2", **_gone_after(2555)), None),
        (_cloudtrail(11, "CreateSubscriber", "securitylake", subscriberName="siem"), None),
        (_cloudtrail(8, "CreateUserPool", "cognito-idp", poolName="sample"), None),
    ],
    "github": [
        (_github(1, "org.disable_two_factor_requirement"), TRUST),
        (_github(2, "business.update_saml_provider_settings"), TRUST),
        (_github(7, "org.saml_disabled"), TRUST),
        (_github(3, "ssh_certificate_authority.create"), TRUST),
        (_github(4, "audit_log_streaming.destroy"), TAMPERED),
        (_github(5, "audit_log_streaming.create"), None),
        (_github(6, "business.disable_source_ip_disclosure"), TAMPERED),
    ],
    "keycloak": [
        (_keycloak(1, "CREATE", "IDENTITY_PROVIDER", "identity-provider/instances/sample"), TRUST),
        (_keycloak(2, "UPDATE", "AUTH_EXECUTION", "authentication/flows/browser/executions"), TRUST),
        (_keycloak(3, "UPDATE", "REQUIRED_ACTION", "authentication/required-actions/CONFIGURE_TOTP"), TRUST),
        (_keycloak(4, "CREATE", "COMPONENT", "components/k-1"), TRUST),
        (_keycloak(5, "UPDATE", "REALM", "events/config"), TAMPERED),
        (_keycloak(6, "UPDATE", "CLIENT", "clients/c-1"), None),
    ],
    "duo": [
        (activity("policy_update", whom="P1"), TRUST),
        (activity("sso_update", whom="P2"), TRUST),
        (activity("policy_bulk_delete", whom="P4"), TRUST),
        (activity("branding_update", whom="P3"), None),
    ],
}


@pytest.mark.parametrize("provider", TABLE)
def test_what_is_about_everybody_is_shown(classify: Classify, provider: str) -> None:
    """It has an action, owes nothing, and says who did it; what makes a log say more is let be."""
    lines = [line for line, _ in TABLE[provider]]
    report = classify(lines, None, provider=provider)
    assert (report.unknown_types, report.rejected_lines) == ((), 0)
    assert sorted(row.action for row in report.verdicts if row.action) == sorted(
        action for _, action in TABLE[provider] if action
    )
    assert {(row.verdict, row.reasons) for row in report.verdicts} == {(Verdict.IGNORED, ("not_support",))}
    assert all(row.actor for row in report.verdicts)
    if provider not in ("google", "duo"):
        assert all(row.target for row in report.verdicts), [row.target for row in report.verdicts]


@pytest.mark.parametrize(
    ("command", "parameter", "said", "action"),
    [
        ("Set-AdminAuditLogConfig", "UnifiedAuditLogIngestionEnabled", "False", TAMPERED),
        ("Set-AdminAuditLogConfig", "UnifiedAuditLogIngestionEnabled", "True", None),
        ("Set-AdminAuditLogConfig", "AdminAuditLogAgeLimit", "1", TAMPERED),
        ("Set-MailboxAuditBypassAssociation", "AuditBypassEnabled", "True", TAMPERED),
        ("Set-MailboxAuditBypassAssociation", "AuditBypassEnabled", "False", None),
        ("Set-Mailbox", "AuditEnabled", "False", TAMPERED),
        ("Set-Mailbox", "AuditEnabled", "True", None),
    ],
)
def test_a_command_that_makes_the_log_say_less(
    classify: Classify, command: str, parameter: str, said: str, action: Canonical | None
) -> None:
    """The unified audit log has the command with its parameters: only some of them make less of it."""
    report = classify([_unified(command, Parameters=[{"Name": parameter, "Value": said}])], provider="entra")
    assert [row.action for row in report.verdicts] == ([action] if action else [])
    assert report.unknown_types == ()


def test_a_tamperer_who_was_refused_did_nothing(classify: Classify) -> None:
    """CloudTrail writes the attempt with its error."""
    row = classify.one(
        _cloudtrail(1, "StopLogging", "cloudtrail", name="main") | {"errorCode": "AccessDenied"}, provider="cloudtrail"
    )
    assert row.reasons == ("attempt_failed",)


def test_where_a_tenant_s_logs_are_sent_is_in_azure_s_own_log(classify: Classify) -> None:
    """On an event hub it stands beside the tenant's own, and names who it was among the claims of the token."""
    claims = {
        "idtyp": "user",
        "appid": "a-1",
        "http://schemas.microsoft.com/identity/claims/objectidentifier": "o-1",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "admin@example.test",
    }
    line = {
        "time": "2026-03-02T12:00:00.1234567Z",
        "resourceId": "/providers/microsoft.aadiam/diagnosticSettings/siem",
        "operationName": "MICROSOFT.AADIAM/DIAGNOSTICSETTINGS/DELETE",
        "category": "Administrative",
        "resultType": "Success",
        "callerIpAddress": "198.51.100.7",
        "correlationId": "c-1",
        "identity": {"authorization": {"action": "Microsoft.aadiam/diagnosticSettings/delete"}, "claims": claims},
        "properties": {"eventCategory": "Administrative"},
    }
    row = classify.one(line, provider="entra")
    assert (row.action, row.address, row.native_action) == (
        TAMPERED,
        "198.51.100.7",
        "microsoft.aadiam/diagnosticsettings/delete",
    )
    assert (row.actor, row.actor_class) == ("o-1", None)
    claims["idtyp"] = "app"
    row = classify.one(line, provider="entra")
    assert (row.actor, row.actor_class) == ("o-1", "automation")
    for said in ("Start", "Failure"):
        assert classify.one({**line, "resultType": said}, provider="entra").reasons == ("attempt_failed",)
    assert classify.one({**line, "identity": "admin"}, provider="entra").actor == ""


def test_who_is_lifted_over_all_of_azure_is_in_azure_s_own_log(classify: Classify) -> None:
    """On an event hub, and as Log Analytics keeps it; who asks for it gets it."""
    claims = {
        "http://schemas.microsoft.com/identity/claims/objectidentifier": "o-1",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "admin@example.test",
    }
    hub = {
        "time": "2026-03-02T12:00:00.1234567Z",
        "resourceId": "/providers/Microsoft.Authorization",
        "operationName": "MICROSOFT.AUTHORIZATION/ELEVATEACCESS/ACTION",
        "category": "Administrative",
        "resultType": "Success",
        "callerIpAddress": "198.51.100.7",
        "correlationId": "c-1",
        "identity": {"claims": claims},
        "properties": {"eventCategory": "Administrative"},
    }
    table = {
        "TimeGenerated": "2026-03-02T12:00:00.1234567Z",
        "OperationName": "Assigns the caller to User Access Administrator role",
        "OperationNameValue": "MICROSOFT.AUTHORIZATION/ELEVATEACCESS/ACTION",
        "CategoryValue": "Administrative",
        "ActivityStatusValue": "Success",
        "Caller": "admin@example.test",
        "CallerIpAddress": "198.51.100.7",
        "Claims": json.dumps(claims),
        "TenantId": "a workspace",
    }
    for line in (hub, table):
        row = classify.one(line, provider="entra")
        assert (row.action, row.actor, row.target, row.address) == (
            Canonical.PRIVILEGE_GRANT,
            "o-1",
            "o-1",
            "198.51.100.7",
        )
    assert classify.one({**hub, "resultType": "Start"}, provider="entra").reasons == ("attempt_failed",)
    row = classify.one({**table, "Claims": None}, provider="entra")
    assert (row.actor, row.target) == ("admin@example.test", "admin@example.test")


def test_google_says_what_of_the_organisation_it_is_about(classify: Classify) -> None:
    """A profile of single sign-on has a name and no account."""
    profile = "inboundSamlSsoProfiles/sample"
    event = _event("INBOUND_SSO_PROFILE_UPDATED", None, "INBOUND_SSO_SETTINGS")
    event["parameters"] = [{"name": "INBOUND_SSO_PROFILE_NAME", "value": profile}]
    row = classify.one(_activity(event), provider="google")
    assert (row.action, row.actor, row.detail) == (TRUST, "admin@example.test", profile)
