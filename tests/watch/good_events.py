"""One good support event of each provider: what an agent did to an account, as one line of its log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from . import test_cloudtrail as cloudtrail
from . import test_duo as duo
from . import test_ecs as ecs
from . import test_entra as entra
from . import test_github as github
from . import test_google as google
from . import test_keycloak as keycloak
from . import test_ssf as ssf
from . import test_windows as windows
from .conftest import Okta


def _okta(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    return Okta()(actor=actor, target=target, uuid=name, transaction={"id": f"t-{name}"}, published=at)


def _samba(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    change = {
        "version": {"major": 1, "minor": 1},
        "eventId": 4724,
        "statusCode": 0,
        "status": "Success",
        "remoteAddress": "ipv4:198.51.100.7:49534",
        "userSid": actor,
        "dn": target,
        "action": "Reset",
        "transactionId": f"t-{name}",
        "sessionId": f"s-{name}",
    }
    return {"timestamp": at, "type": "passwordChange", "passwordChange": change}


def _entra(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    of: dict[str, Any] = {
        "id": target,
        "displayName": None,
        "type": "User",
        "userPrincipalName": target,
        "modifiedProperties": [],
    }
    by = {"user": {"id": actor, "displayName": None, "userPrincipalName": actor}, "app": None}
    return entra._audit(id=name, correlationId=f"c-{name}", activityDateTime=at, targetResources=[of], initiatedBy=by)


def _windows(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    event = windows._reset(
        TargetUserName=target, TargetSid=target, SubjectUserName=actor, SubjectUserSid=actor, SubjectLogonId=name
    )
    event["Event"]["System"]["TimeCreated"]["#attributes"]["SystemTime"] = at
    event["Event"]["System"]["EventRecordID"] = name
    return event


def _google(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    event = google._activity(google._event("CHANGE_PASSWORD", target), number=name, at=at)
    return event | {"actor": {"callerType": "USER", "email": actor, "profileId": actor}}


def _keycloak(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    path = f"users/{target}/reset-password"
    return keycloak.admin_event("ACTION", "USER", path, actor=actor) | {"id": name, "time": at}


def _duo(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    return duo.activity("bypass_create", who=actor, whom=target, activity_id=name, ts=at)


def _cloudtrail(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    by = cloudtrail.MARA | {"userName": actor}
    more = {"eventTime": at, "eventID": name, "requestID": name}
    return cloudtrail.call("UpdateLoginProfile", {"userName": target}, by=by, **more)


def _github(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    more = {"user": target, "user_id": None, "actor": actor, "actor_id": None, "request_id": name}
    times = {"@timestamp": at, "created_at": at}
    return github.entry("two_factor_authentication.disabled", **more, **times, _document_id=name)


def _openldap(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    """An operation as the reader makes it of LDIF."""
    return {
        "type": "modify",
        "source": "accesslog",
        "time": at,
        "session": name,
        "operation": None,
        "actor": actor,
        "target": target,
        "address": None,
        "result": 0,
        "mods": [{"attribute": "userpassword", "act": "replace", "values": []}],
    }


def _ssf(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    event = {"event_timestamp": at, "initiating_entity": "admin"} | {"credential_type": "password"}
    sub = {"format": "opaque", "id": target}
    return ssf.claims("caep/event-type/credential-change", name, event=event, sub_id=sub, iat=None)


def _ecs(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    document = ecs._document(user={"id": actor, "target": {"id": target}}, **{"@timestamp": at})
    return document | {"event": document["event"] | {"id": name}}


def _ocsf(target: str, actor: str, at: Any, name: str) -> dict[str, Any]:
    return ecs._change(metadata={"uid": name}, actor={"user": {"uid": actor}}, user={"uid": target}, time=at)


class Good(msgspec.Struct, frozen=True, kw_only=True):
    """How one provider's log tells of one support act, at noon unless told otherwise.

    *make* takes the account, who did it, when, and a name of the event. *noon* is the time as this log writes it.
    """

    make: Callable[[str, str, Any, str], dict[str, Any]]
    noon: Any = "2026-03-02T12:00:00Z"

    def __call__(self, target: str, *, actor: str = "u-mara", at: Any = None, name: str = "") -> dict[str, Any]:
        """The event; its name is the account's unless told otherwise."""
        return self.make(target, actor, self.noon if at is None else at, name or f"e-{target}")


_SECONDS, _MILLISECONDS = 1772452800, 1772452800000

GOOD: dict[str, Good] = {
    "okta": Good(make=_okta),
    "samba": Good(make=_samba),
    "entra": Good(make=_entra),
    "windows": Good(make=_windows),
    "google": Good(make=_google),
    "keycloak": Good(make=_keycloak, noon=_MILLISECONDS),
    "duo": Good(make=_duo),
    "cloudtrail": Good(make=_cloudtrail),
    "github": Good(make=_github, noon=_MILLISECONDS),
    "openldap": Good(make=_openldap),
    "ssf": Good(make=_ssf, noon=_SECONDS),
    "ecs": Good(make=_ecs),
    "ocsf": Good(make=_ocsf, noon=_MILLISECONDS),
}
"""By the provider's name."""
