"""Events of which any one member is something else: no crash, and every line a verdict, a count or a reason."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from watchword.watch.providers import PROVIDERS, provider_named
from watchword.watch.shapes import Aside
from watchword.watch.shapes_slapd import SlapdReader
from watchword.watch.sieve import Tally, sieve_lines

from . import test_cloudtrail as cloudtrail
from . import test_duo as duo
from . import test_ecs as ecs
from . import test_entra as entra
from . import test_github as github
from . import test_google as google
from . import test_google_cloud as google_cloud
from . import test_keycloak as keycloak
from . import test_ocsf_okta as ocsf_okta
from . import test_openldap as openldap
from . import test_providers_windows_tools as windows_tools
from . import test_ssf as ssf
from . import test_unified_audit as unified
from . import test_windows as windows
from .conftest import Classify, Okta

_ODD: tuple[Any, ...] = (
    None, "null", 7, -1.5, True, [], {}, [None], [7], {"x": 1}, "", [[]], 1e300, 12345678901234567890123, "x" * 300,
    {"0": {}}, ["a", {"b": 1}],
)  # fmt: skip

_RESET = google._activity(google._event("CHANGE_PASSWORD"))
_UPDATE = entra._update(StrongAuthenticationMethod=(entra.METHODS, []))
_SAMBA = sorted((Path(__file__).parent / "samples").glob("samba_*.jsonl"))


def _operations(*records: str) -> Iterator[dict[str, Any]]:
    """What the reader of OpenLDAP's log makes of *records*: the lines that its queries see."""
    reader = SlapdReader()
    for line in "\n".join(records).splitlines():
        yield from (json.loads(found) for _, found in reader.read(1, line.encode()) if isinstance(found, bytes))
    yield from (json.loads(found) for _, found in reader.end() if isinstance(found, bytes))


_BASES: dict[str, list[dict[str, Any]]] = {
    "okta": [Okta()()],
    "entra": [
        entra._audit(),
        entra._hub(_UPDATE),
        entra._sign_in(),
        entra._table(entra._audit()),
        entra._elastic(entra._audit()),
        entra._unified("New-InboxRule", Parameters=[{"Name": "a", "Value": "b"}]),
        unified._of_graph(unified._row()),
        unified._streamed(unified._row()),
        unified._of_wazuh({"integration": "office365", "office365": unified._row()}),
    ],
    "windows": [
        windows._reset(),
        windows._beat(windows._reset()),
        windows._flat(windows._logon()),
        windows._wazuh(windows._reset()),
        windows._dotted(windows._beat(windows._reset())),
        {"body": windows_tools.OTEL, "attributes": {}},
        windows_tools.VELOCIRAPTOR,
    ],
    "google": [
        _RESET,
        google._cloud(_RESET),
        google._elastic(_RESET),
        google_cloud._membership(),
        google_cloud._bound(),
        google_cloud._platform("SetAccountInfo", {"localId": "u-ana", "mfa": {"enrollments": [{}]}}),
    ],
    "ecs": [
        ecs._document(),
        {"event": {"dataset": "okta.system", "original": json.dumps(Okta()())}, "okta": {"uuid": "1"}},
        entra._elastic(entra._audit()),
        windows._beat(windows._reset()),
    ],
    "ocsf": [ecs._change(), ocsf_okta._event(300301, "user.session.impersonation.grant", user=ocsf_okta.ANA)],
    "samba": [json.loads(line) for file in _SAMBA for line in file.read_text(encoding="utf-8").splitlines()[-2:]],
    "keycloak": [
        keycloak.user_event("UPDATE_CREDENTIAL", details={"credential_type": "otp", "username": "ana"}),
        keycloak.admin_event("UPDATE", "USER", "users/u-ana", body={"email": "x@example.test", "requiredActions": []}),
        {"@timestamp": "2026-03-02T12:00:00Z", "message": 'type="UPDATE_TOTP", realmId="r-1", userId="u-ana"'},
        {
            "@timestamp": "2026-03-02T12:00:00Z",
            "event": {"action": "UPDATE_TOTP"},
            "user": {"id": "u-ana", "name": "ana"},
            "source": {"ip": "198.51.100.7"},
            "keycloak": {"realm": {"id": "r-1"}, "client": {"id": "c-1"}},
        },
    ],
    "duo": [
        duo.admin_log("user_update", says={"status": "Bypass"}),
        duo.activity("user_update", says={"status": "Active"}, was={"status": "Locked Out"}),
        duo.sign_in("success"),
        {"response": {"items": [duo.activity("bypass_create")]}},
    ],
    "cloudtrail": [
        cloudtrail.call("UpdateLoginProfile"),
        cloudtrail.call("AssociateAccessPolicy", {"name": "c", "principalArn": "arn%3Aaws%3Aiam%3A%3A1"}, source="eks"),
        cloudtrail.call("CreateAccessKey", {}, by=cloudtrail.ROLE, responseElements={"accessKey": {"userName": "ana"}}),
        {"Records": [cloudtrail.call("DeactivateMFADevice")]},
        {"detail-type": "AWS API Call via CloudTrail", "detail": cloudtrail.call("UpdateUser")},
    ],
    "github": [
        github.entry("org.update_member", permission="admin", old_permission="read"),
        github.entry("personal_access_token.create", data={"user_id": 12}),
        {"github": github.entry("two_factor_authentication.disabled")},
    ],
    "openldap": [
        *_operations(openldap.accesslog("userPassword:= x", "pwdReset:= TRUE"), openldap.auditlog(kind="delete")),
        {"@timestamp": "2026-03-02T12:00:00Z", "message": openldap.stats('MOD dn="uid=ana"')[-3]},
    ],
    "ssf": [
        ssf.claims(),
        ssf.claims(
            "caep/event-type/credential-change",
            event={"event_timestamp": 1772452800, "credential_type": "password", "change_type": "update"},
            sub_id={"format": "complex", "user": {"format": "iss_sub", "iss": ssf.ISSUER, "sub": "u-ana"}},
        ),
    ],
}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in members:
        yield from _paths(each, (*path, name))


def _replaced(event: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    event = copy.deepcopy(event)
    here: Any = event
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = odd
    return event


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_any_member_may_be_anything(classify: Classify, provider: str) -> None:
    """Each member of each shape, at any depth, is replaced by what it never is: the log is read to its end."""
    chance = random.Random(6)
    lines = [
        _replaced(event, path, odd)
        for event in _BASES[provider]
        for path in _paths(event)
        for odd in chance.sample(_ODD, 3)
    ]
    report = classify(lines, None, provider=provider)
    assert report.lines >= len(lines)
    assert report.rejected_lines + report.preamble + sum(count.lines for count in report.types) == report.lines


def test_a_line_that_a_reader_fails_on_costs_that_line() -> None:
    """Of a fault in a provider's own code nobody foresaw, the line is kept aside with that reason; the others count."""

    def fails(value: dict[str, Any]) -> tuple[dict[str, Any], ...] | None:
        return ({"eventType": value["fails"] + 1},) if "fails" in value else None

    provider, tally = msgspec.structs.replace(provider_named("okta"), shape=fails), Tally()
    lines = [Okta()(), {"fails": "x"}, Okta()()]
    numbered = enumerate((json.dumps(line).encode() + b"\n" for line in lines), 1)
    found = list(sieve_lines(numbered, provider, tally))
    (kept,) = [one for one in found if isinstance(one, Aside)]

    assert (kept.line, kept.reason) == (2, "a mistake of ours: TypeError; report this line")
    assert (tally.lines, tally.rejected, len(found)) == (3, 1, 3)
    assert json.loads(kept.text) == {"fails": "x"}
