"""What signals look for is what the shipped providers give: in cases, in SQL, and over raw lines of logs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchword.core.activity import Did
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import PROVIDERS, Feed, provider_named
from watchword.watch.signals import SHIPPED, Signal, read_signals, tuned
from watchword.watch.signals.cases import file_of

from .conftest import NOON, Okta

SIGNALS = read_signals(SHIPPED)
NAMED = {signal.name: signal for signal in SIGNALS}


@cache
def catalogue(provider: str) -> dict[str, frozenset[str]]:
    """The canonical actions that each native type of *provider* may be."""
    with PROVIDERS[provider].catalogue.open(encoding="utf-8", newline="") as lines:
        return {row["native"]: frozenset({row["canonical"], row["by_owner"]} - {""}) for row in csv.DictReader(lines)}


PRODUCED = frozenset(
    action for name in PROVIDERS for actions in catalogue(name).values() for action in actions
)  # fmt: skip


@cache
def families() -> dict[str, str]:
    """The family of each canonical action."""
    with (SHIPPED.parent / "sql" / "actions.csv").open(encoding="utf-8", newline="") as lines:
        return {row["action"]: row["family"] for row in csv.DictReader(lines)}


def named_rows(signal: Signal) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of the cases of *signal* that name a native type, with the table they are of."""
    cases = yaml.safe_load(file_of(signal).read_text(encoding="utf-8"))
    for case in (*cases["positive"], *cases["negative"]):
        for table in ("happened", "signed_in"):
            for row in case.get(table, ()):
                if "native_action" in row:
                    yield table, row


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_cases_name_what_a_provider_gives(signal: Signal) -> None:
    """A native type that a case names is in the catalogue of its provider, as the action that the case claims."""
    for table, row in named_rows(signal):
        provider = row.get("provider", "okta")
        wanted = {row["action"]} if table == "happened" else {Canonical.LOGIN_SUCCESS, Canonical.LOGIN_FAILURE}

        assert catalogue(provider).get(row["native_action"], frozenset()) & wanted, (provider, row["native_action"])


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_actions_that_a_signal_names_are_given_by_a_provider(signal: Signal) -> None:
    """Each canonical action and family in its SQL comes from some log; each step of the desk is one it writes."""
    words = set(re.findall(r"'([a-z_]+(?:\.[a-z_]+)?)'", re.sub(r"--.*", "", signal.query)))
    dotted = {word for word in words if "." in word}
    of_family = [word for found in re.findall(r"family\s*(?:=|IN)\s*(\([^)]*\)|'\w+')", signal.query)
                 for word in re.findall(r"\w+", found)]  # fmt: skip
    steps = [word for found in re.findall(r"\bdid\s*(?:=|IN)\s*(\([^)]*\)|'\w+')", signal.query)
             for word in re.findall(r"\w+", found)]  # fmt: skip

    assert dotted <= PRODUCED
    assert set(of_family) <= {families()[action] for action in PRODUCED}
    assert set(steps) <= set(Did)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_verdicts_and_reasons_that_a_signal_names_are_given(signal: Signal) -> None:
    """What it asks of verdicts and reasons is what `verdict.sql` says."""
    said = (SHIPPED.parent / "sql" / "verdict.sql").read_text(encoding="utf-8")
    verdicts = [word for found in re.findall(r"verdict\s*(?:=|<>|IN|NOT IN)\s*(\([^)]*\)|'\w+')", signal.query)
                for word in re.findall(r"\w+", found)]  # fmt: skip
    reasons = [word for found in re.findall(r"list_has_any\(reasons, \[([^\]]*)\]", signal.query)
               for word in re.findall(r"\w+", found)]  # fmt: skip

    assert set(verdicts) <= set(Verdict)
    assert all(f"'{reason}'" in said for reason in reasons)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_pattern_of_native_types_fits_one_that_is_given(signal: Signal) -> None:
    """A pattern over native types fits a type that some catalogue maps, and is no guess at one."""
    for name in re.findall(r"regexp_matches\((?:(?!regexp_matches).)*native_action(?:(?!\$).)*\$(\w+)\)", signal.query):
        pattern = re.compile(str(signal.parameters[name]))

        assert any(
            pattern.search(native.lower()) for p in PROVIDERS for native, actions in catalogue(p).items() if actions
        )


def at(after: timedelta) -> str:
    """A time *after* noon, as most logs write it."""
    return (NOON + after).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def minutes(count: float) -> timedelta:
    """That long."""
    return timedelta(minutes=count)


def okta_line(kind: str, who: str, whom: str | None, after: timedelta, **more: Any) -> dict[str, Any]:
    """A line of the System Log."""
    return {
        "uuid": f"{kind}-{who}-{after}", "published": at(after), "eventType": kind,
        "actor": {"id": who, "type": "User", "alternateId": f"{who}@example.test"},
        "client": {"ipAddress": "198.51.100.7", "geographicalContext": {"country": "Germany"}},
        "outcome": {"result": "SUCCESS"}, "transaction": {"id": f"t-{after}"}, "debugContext": {"debugData": {}},
        "target": None if whom is None else [{"id": whom, "type": "User", "alternateId": f"{whom}@example.test"}],
        **more,
    }  # fmt: skip


def okta_reset(after: timedelta = timedelta(), kind: str = "user.account.reset_password") -> dict[str, Any]:
    """An agent lets Ana back in."""
    return okta_line(kind, "00uagent", "00uana", after)


def unified(operation: str, after: timedelta, **members: Any) -> dict[str, Any]:
    """A row of the unified audit log."""
    return {
        "Id": f"{operation}-{after}", "CreationTime": at(after)[:-5], "Operation": operation, "RecordType": 2,
        "UserId": "ana@example.test", "UserType": 0, "ResultStatus": "Succeeded", "ClientIP": "198.51.100.7", **members,
    }  # fmt: skip


def audited(
    activity: str, after: timedelta = timedelta(), who: str = "agent", whom: str = "ana", **more: Any
) -> dict[str, Any]:
    """An audit of Entra."""
    return {
        "id": f"{activity}-{after}", "activityDisplayName": activity, "activityDateTime": at(after),
        "result": "success", "correlationId": f"c-{after}",
        "initiatedBy": {"user": {"id": f"id-{who}", "userPrincipalName": f"{who}@example.test"}},
        "targetResources": [{"id": f"id-{whom}", "type": "User", "userPrincipalName": f"{whom}@example.test"}], **more,
    }  # fmt: skip


def entra_sign_in(after: timedelta, who: str = "ana", **members: Any) -> dict[str, Any]:
    """A sign-in of Entra."""
    return {
        "id": f"sign-in-{after}", "createdDateTime": at(after), "userId": f"id-{who}",
        "userPrincipalName": f"{who}@example.test", "appDisplayName": "Office 365 Exchange Online",
        "ipAddress": "198.51.100.7", "status": {"errorCode": 0}, "location": {"countryOrRegion": "DE"}, **members,
    }  # fmt: skip


def aws(name: str, asked: dict[str, Any], by: str, key: str, after: timedelta, given: Any = None) -> dict[str, Any]:
    """A call of AWS."""
    return {
        "eventVersion": "1.09", "eventTime": at(after), "eventSource": "iam.amazonaws.com", "eventName": name,
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/{by}", "accountId": "111122223333",
                         "principalId": f"AIDA{by}", "accessKeyId": key, "userName": by},
        "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli", "requestParameters": asked,
        "responseElements": given,
        "requestID": f"r-{after}", "eventID": f"e-{name}-{after}",
    }  # fmt: skip


def google(application: str, name: str, actor: str, after: timedelta, **parameters: str) -> dict[str, Any]:
    """An activity of Google Workspace."""
    return {
        "kind": "admin#reports#activity",
        "id": {"time": at(after), "uniqueQualifier": f"{name}-{after}", "applicationName": application},
        "actor": {"callerType": "USER", "email": f"{actor}@example.test"}, "ipAddress": "198.51.100.7",
        "events": [{"type": "T", "name": name, "parameters": [{"name": k, "value": v} for k, v in parameters.items()]}],
    }  # fmt: skip


def keycloak(after: timedelta, **members: Any) -> dict[str, Any]:
    """An event of Keycloak's."""
    return {"id": f"k-{after}", "time": int((NOON + after).timestamp() * 1000), "realmId": "main", **members}


def ecs(action: str, after: timedelta, who: str, whom: str | None = None) -> dict[str, Any]:
    """A document in ECS."""
    target = {"target": {"id": whom, "name": whom}} if whom else {}
    return {
        "@timestamp": at(after),
        "event": {"action": action, "category": ["iam"], "outcome": "success", "id": f"{action}-{after}"},
        "user": {"id": who, "name": who, **target},
    }  # fmt: skip


def duo_admin(action: str, after: timedelta, says: dict[str, Any]) -> dict[str, Any]:
    """An event of Duo's administrator log."""
    return {
        "action": action, "description": json.dumps(says), "object": "ana", "username": "Mara Lind",
        "isotimestamp": at(after), "timestamp": int((NOON + after).timestamp()),
    }  # fmt: skip


def duo_sign_in(after: timedelta, factor: str, reason: str) -> dict[str, Any]:
    """An event of Duo's authentication log."""
    return {
        "event_type": "authentication", "result": "success", "factor": factor, "reason": reason, "txid": f"x-{after}",
        "user": {"key": "DUANA", "name": "ana"}, "isotimestamp": at(after),
        "timestamp": int((NOON + after).timestamp()), "access_device": {"ip": "198.51.100.7"},
    }  # fmt: skip


def windows(number: int, after: timedelta, who: str, **data: str) -> dict[str, Any]:
    """An event of Windows' Security log, as the `evtx` package gives it."""
    system = {"EventID": number, "TimeCreated": {"#attributes": {"SystemTime": at(after)}}, "EventRecordID": number,
              "Channel": "Security", "Computer": "dc1.example.test", "Keywords": "0x8020000000000000"}  # fmt: skip
    subject = {"SubjectUserSid": f"S-1-5-21-1-{who}", "SubjectUserName": who, "SubjectDomainName": "EXAMPLE"}
    return {"Event": {"System": system, "EventData": {**subject, **data}}}


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEYED = {"accessKey": {"userName": "svc", "accessKeyId": "AKIANEW1"}}

SEEN: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("consent_in_probation", "okta", [
        okta_reset(),
        okta_line("app.oauth2.as.consent.grant", "00uana", None, DAY,
                  target=[{"id": "0oaapp", "type": "AppInstance", "alternateId": "Mail helper"}]),
    ]),
    ("consent_in_probation", "entra", [
        audited("Reset password (by admin)"),
        audited("Consent to application", HOUR, "ana",
                targetResources=[{"id": "sp-1", "type": "ServicePrincipal", "displayName": "Mail helper"}]),
    ]),
    ("consent_in_probation", "google", [
        google("admin", "CHANGE_PASSWORD", "agent", timedelta(), USER_EMAIL="ana@example.test"),
        google("token", "authorize", "ana", HOUR, app_name="Mail helper"),
    ]),
    ("consent_in_probation", "keycloak", [
        keycloak(timedelta(), operationType="ACTION", resourceType="USER", resourcePath="users/u-ana/reset-password",
                 authDetails={"userId": "u-agent", "realmId": "main"}),
        keycloak(HOUR, type="GRANT_CONSENT", clientId="mail-helper", userId="u-ana", details={"username": "ana"}),
    ]),
    ("mass_download_in_probation", "entra", [
        audited("Reset password (by admin)"),
        *(unified("FileDownloaded", HOUR + minutes(n), ObjectId=f"https://files.example.test/{n}") for n in range(20)),
    ]),
    ("mass_download_in_probation", "google", [
        google("admin", "CHANGE_PASSWORD", "agent", timedelta(), USER_EMAIL="ana@example.test"),
        *(google("drive", "download", "ana", HOUR + minutes(n), doc_id=f"d-{n}") for n in range(20)),
    ]),
    ("notice_deleted", "entra", [
        audited("Reset password (by admin)"),
        unified("HardDelete", minutes(9), MailboxOwnerUPN="ana@example.test",
                AffectedItems=[{"Id": "i-1", "Subject": "Your account: Password reset (case 7QX4)"}]),
    ]),
    ("notice_deleted", "entra", [
        audited("Reset password (by admin)"),
        {"OfficeWorkload": "Exchange", "Operation": "SoftDelete", "OfficeId": "o-1", "TimeGenerated": at(minutes(9)),
         "UserId": "ana@example.test", "UserType": "Regular", "MailboxOwnerUPN": "ana@example.test",
         "AffectedItems": '[{"Subject": "Your password was changed"}]'},
    ]),
    ("payroll_in_probation", "ecs", [
        ecs("reset-password", timedelta(), "u-agent", "u-ana"), ecs("bank-account-changed", DAY, "u-ana", "u-ana"),
    ]),
    ("old_secret_still_used", "cloudtrail", [
        aws("AttachUserPolicy", {"userName": "bo", "policyArn": "a"}, "svc", "AKIAOLD1", -DAY),
        aws("CreateAccessKey", {"userName": "svc"}, "mara", "ASIAMARA", timedelta(), KEYED),
        aws("AttachUserPolicy", {"userName": "cy", "policyArn": "a"}, "svc", "AKIAOLD1", 2 * DAY),
    ]),
    ("factors_reset_then_admin_console", "entra", [
        audited("Admin deleted security info"),
        entra_sign_in(HOUR, appDisplayName="Azure Portal"),
    ]),
    ("bypass_code_lingers", "duo", [
        duo_admin("bypass_create", timedelta(), {"count": 1, "remaining_uses": 2, "valid_secs": 0}),
        duo_sign_in(minutes(5), "bypass_code", "valid_passcode"),
        duo_sign_in(minutes(9), "bypass_code", "valid_passcode"),
    ]),
    ("lost_device_still_used", "entra", [
        entra_sign_in(-DAY, deviceDetail={"deviceId": "d-1"}),
        audited("Admin deleted security info"),
        entra_sign_in(HOUR, deviceDetail={"deviceId": "d-2"}),
        entra_sign_in(2 * HOUR, deviceDetail={"deviceId": "d-1"}),
    ]),
    ("old_session_alive", "okta", [
        okta_line("user.session.start", "00uana", None, -HOUR, authenticationContext={"externalSessionId": "s-1"}),
        okta_reset(),
        okta_line("user.session.access_admin_app", "00uana", None, HOUR,
                  authenticationContext={"externalSessionId": "s-1"}),
        okta_line("user.session.clear", "00uagent", "00uana", minutes(1)),
    ]),
    ("user_report_after_recovery", "okta", [
        okta_reset(), okta_line("user.account.report_suspicious_activity_by_enduser", "00uana", "00uana", HOUR),
    ]),
    ("mailbox_rule_after_recovery", "entra", [
        audited("Reset password (by admin)"),
        unified("New-InboxRule", HOUR, Parameters=[{"Name": "Name", "Value": "."}], MailboxOwnerUPN="ana@example.test"),
    ]),
    ("vendor_support_acts", "okta", [
        okta_line("user.session.impersonation.initiate", "system", "00uana", timedelta(),
                  actor={"id": "system", "type": "SystemPrincipal", "alternateId": "system" + "@okta.com"}),
    ]),
    ("mass_lock_outs", "okta", [
        okta_line("user.account.lock", f"00u{n}", f"00u{n}", minutes(718 + n / 2)) for n in range(10)
    ]),
    ("contact_change_then_recovery", "okta", [
        okta_line("user.account.update_primary_email", "00uana", "00uana", -DAY), okta_reset(),
    ]),
    ("new_factor_from_new_address", "okta", [
        okta_line("user.session.start", "00uana", None, -DAY), okta_reset(kind="user.mfa.factor.reset_all"),
        okta_line("user.mfa.factor.activate", "00uana", "00uana", HOUR, client={"ipAddress": "203.0.113.66"}),
    ]),
]  # fmt: skip

UNSEEN: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("notice_deleted", "entra", [
        audited("Reset password (by admin)"),
        unified("HardDelete", minutes(9), MailboxOwnerUPN="ana@example.test",
                AffectedItems=[{"Id": "i-1", "Subject": "Lunch on Friday"}]),
    ]),
    ("bypass_code_lingers", "duo", [
        duo_admin("bypass_create", timedelta(), {"count": 1, "remaining_uses": 1, "valid_secs": 3600}),
        duo_sign_in(DAY, "duo_push", "user_approved"),
    ]),
    ("bypass_code_lingers", "entra", [
        audited("Admin registered security info",
                resultReason="Admin registered temporary access pass method for user"),
        entra_sign_in(minutes(5)), entra_sign_in(DAY),
    ]),
    ("repeated_recovery", "entra", [
        audited("Reset password (by admin)"), audited("Reset user password", timedelta(seconds=9)),
        audited("Reset password (self-service)", minutes(9), "ana"),
    ]),
]  # fmt: skip


TRUSTS: dict[str, list[dict[str, Any]]] = {
    "okta": [okta_line("user.mfa.factor.reset_all", "00uagent", "00uroot", timedelta()),
             okta_line("system.idp.lifecycle.create", "00uroot", None, HOUR,
                       target=[{"id": "0oaidp", "type": "IDP", "alternateId": "unknown"}])],
    "entra": [audited("Admin deleted security info", whom="root"),
              audited("Set federation settings on domain", HOUR, "root",
                      targetResources=[{"id": "d-1", "type": "Other", "displayName": "example.test"}])],
    "keycloak": [keycloak(timedelta(), operationType="ACTION", resourceType="USER",
                          resourcePath="users/u-root/reset-password",
                          authDetails={"userId": "u-agent", "realmId": "main"}),
                 keycloak(HOUR, operationType="CREATE", resourceType="IDENTITY_PROVIDER",
                          resourcePath="identity-provider/instances/oidc",
                          authDetails={"userId": "u-root", "realmId": "main"})],
    "google": [google("admin", "TURN_OFF_2_STEP_VERIFICATION", "agent", timedelta(), USER_EMAIL="root@example.test"),
               google("admin", "CHANGE_SSO_SETTINGS", "root", HOUR, DOMAIN_NAME="example.test")],
    "cloudtrail": [aws("UpdateLoginProfile", {"userName": "root"}, "mara", "ASIAMARA", timedelta()),
                   aws("CreateSAMLProvider", {"name": "idp"}, "root", "ASIAROOT", HOUR)],
    "windows": [windows(4724, timedelta(), "agent", TargetUserName="root", TargetDomainName="EXAMPLE",
                        TargetSid="S-1-5-21-1-root"),
                windows(4706, HOUR, "root", DomainName="OTHER", DomainSid="S-1-5-21-9", TdoType="2")],
    "github": [
        {"_document_id": f"g-{kind}", "@timestamp": int((NOON + after).timestamp() * 1000), "action": kind,
         "actor": who, "org": "example", **more}
        for kind, who, after, more in (
            ("two_factor_authentication.disabled", "agent", timedelta(), {"user": "root"}),
            ("org.enable_saml", "root", HOUR, {}),
        )
    ],
}  # fmt: skip
"""A recovery of an administrator, and what they then have the directory trust."""


@pytest.mark.parametrize("provider", TRUSTS)
def test_a_change_of_trust_is_seen_in_each_log_that_has_one(tmp_path: Path, provider: str) -> None:
    """An administrator was recovered and has the directory trust another: one hit, by their account's class."""
    log, accounts = tmp_path / "log.jsonl", tmp_path / "accounts.csv"
    log.write_text("".join(json.dumps(line) + "\n" for line in TRUSTS[provider]))
    accounts.write_text(
        "keys,class\n"
        "00uroot|id-root|root@example.test|u-root|root|s-1-5-21-1-root|arn:aws:iam::111122223333:user/root,privileged\n"
    )
    report = Engine(threads=1).judge(
        (Feed(provider=provider_named(provider), files=(log,)),),
        accounts=accounts,
        signals=(NAMED["trust_change_after_admin_recovery"],),
    )

    (hit,) = report.hits
    assert hit.why.endswith("by an administrator recovered 0 days ago")


UNITS = """keys,class,unit
00uada|ada,identity_control,Pune
00uben,identity_control,Berlin
00ucem,identity_control,
00udan,identity_control,Pune
dan@example.test,identity_control,Berlin
"""


def test_hours_are_those_of_the_unit_that_the_agent_is_in(okta: Okta, tmp_path: Path) -> None:
    """By the list of accounts; an agent who is in none there, or whose names are in two, is held to `zone`."""
    log, accounts = tmp_path / "log.jsonl", tmp_path / "accounts.csv"
    accounts.write_text(UNITS)
    agents = {"00uada": "ada", "00ucem": "cem", "00uben": "ben", "00udan": "dan@example.test", "00uelf": "elf"}
    lines = [okta(actor=agent, uuid=agent, target="00uana") for agent in agents]
    for line in lines:
        line["actor"]["alternateId"] = agents[line["actor"]["id"]]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    hours = {"opens": 12, "closes": 13, "zone": "Etc/GMT-12", "zones": {"pune": "Asia/Kolkata", "berlin": "UTC"}}
    report = Engine(threads=1).judge(
        (Feed(provider=provider_named("okta"), files=(log,)),),
        accounts=accounts,
        signals=(tuned(NAMED["outside_queue_hours"], hours),),
    )

    words = {hit.actor: re.sub(r".* at ([^,]*), .*", r"\1", hit.why) for hit in report.hits}
    assert words == {
        "00uada": "17:00 Asia/Kolkata",
        "00ucem": "0:00 Etc/GMT-12",
        "00udan": "0:00 Etc/GMT-12",
        "00uelf": "0:00 Etc/GMT-12",
    }


@pytest.fixture
def hits(tmp_path: Path) -> Callable[..., list[str]]:
    """The lines of evidence of one signal over logs of several providers."""

    def found(name: str, **logs: list[dict[str, Any]]) -> list[str]:
        feeds = []
        for provider, lines in logs.items():
            log = tmp_path / f"{provider}.jsonl"
            log.write_text("".join(json.dumps(line) + "\n" for line in lines))
            feeds.append(Feed(provider=provider_named(provider), files=(log,)))
        report = Engine(threads=1).judge(tuple(feeds), None, signals=(NAMED[name],))
        assert not report.rejected
        return [hit.why for hit in report.hits]

    return found


@pytest.mark.parametrize(("name", "provider", "lines"), SEEN, ids=[f"{n}-{p}-{i}" for i, (n, p, _) in enumerate(SEEN)])
def test_a_signal_fires_on_what_a_log_says(
    hits: Callable[..., list[str]], name: str, provider: str, lines: list[dict[str, Any]]
) -> None:
    """Over lines as the vendor writes them it is one hit, with all its words."""
    (why,) = hits(name, **{provider: lines})
    assert "{" not in why


@pytest.mark.parametrize(("name", "provider", "lines"), UNSEEN, ids=[f"{n}-{p}" for n, p, _ in UNSEEN])
def test_a_signal_is_silent_on_what_a_log_says(
    hits: Callable[..., list[str]], name: str, provider: str, lines: list[dict[str, Any]]
) -> None:
    """Over lines as the vendor writes them it is no hit."""
    assert hits(name, **{provider: lines}) == []


@pytest.mark.parametrize(("country", "fires"), [("DE", False), ("Germany", False), ("FR", True), (None, False)])
def test_a_country_is_one_whatever_a_log_calls_it(
    hits: Callable[..., list[str]], country: str | None, fires: bool
) -> None:
    """Okta has its name and Entra its code; what has neither is nowhere, and so nowhere else."""
    came = hits(
        "first_sign_in_elsewhere",
        okta=[
            okta_line("user.session.start", "ana@example.test", None, -DAY,
                      actor={"id": "00uana", "type": "User", "alternateId": "ana@example.test"}),
            okta_line("user.account.reset_password", "00uagent", None, timedelta(),
                      target=[{"id": "00uana", "type": "User", "alternateId": "ana@example.test"}]),
        ],
        entra=[entra_sign_in(HOUR, location={"countryOrRegion": country})],
    )  # fmt: skip
    assert came == (["first sign-in after password.reset from 198.51.100.7: new country FR"] if fires else [])
