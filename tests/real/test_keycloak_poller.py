"""A real Keycloak, asked for its events: every one is spooled once, also those that come between two readings."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tools.keycloak_rig import REALM, Keycloak
from watchword.watch.sources.keycloak import KeycloakEvents
from watchword.watch.sources.pull import Pull
from watchword.watch.sources.spool import Position, Spool
from watchword.watch.sources.web import Web

CLIENT, SECRET = "watchword-watch", "the secret of the watch"


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def allow(keycloak: Keycloak) -> None:
    """A client of the realm that may look at events, and at nothing else."""
    realm = f"/{REALM}"
    keycloak.admin(
        "POST",
        f"{realm}/clients",
        {"clientId": CLIENT, "secret": SECRET, "serviceAccountsEnabled": True, "standardFlowEnabled": False},
    )
    (client,) = keycloak.admin("GET", f"{realm}/clients?clientId={CLIENT}")
    account = keycloak.admin("GET", f"{realm}/clients/{client['id']}/service-account-user")
    (management,) = keycloak.admin("GET", f"{realm}/clients?clientId=realm-management")
    role = keycloak.admin("GET", f"{realm}/clients/{management['id']}/roles/view-events")
    keycloak.admin("POST", f"{realm}/users/{account['id']}/role-mappings/clients/{management['id']}", [role])


def spooled(spool: Spool) -> list[dict[str, Any]]:
    """The events that are durable."""
    at, found = Position(), []
    while (part := spool.read(at)) is not None:
        found += [json.loads(line) for line in part.read().splitlines()]
        at = part.until
    return found


def test_every_event_is_read_once(keycloak: Keycloak, tmp_path: Path) -> None:
    """Over pages of three, by one poller and then by another that begins where the first one ended."""
    allow(keycloak)
    spool = Spool(tmp_path / "spool")
    with Web(now) as web:

        def pull() -> None:
            poller = KeycloakEvents(web, keycloak.url, REALM, CLIENT, SECRET, most=3, overlap=timedelta(0))
            waiting = Pull("keycloak", poller, spool, timedelta(seconds=30), now)
            assert waiting.once() == 30, waiting.health.error

        people = [keycloak.add_person(f"person{n}", "first") for n in range(4)]
        pull()
        before = len(spooled(spool))
        users = f"/{REALM}/users"
        for person in people:
            new = {"type": "password", "value": "second", "temporary": False}
            keycloak.admin("PUT", f"{users}/{person}/reset-password", new)
        assert not keycloak.can_sign_in("person0", "wrong")
        pull()
    found = spooled(spool)
    assert before
    resets = [e["resourcePath"] for e in found[before:] if e.get("operationType") == "ACTION"]
    assert sorted(resets) == sorted(f"users/{person}/reset-password" for person in people)
    assert [e["type"] for e in found if e.get("userId") == people[0] and "type" in e] == ["LOGIN_ERROR"]
    kept = keycloak.admin("GET", f"/{REALM}/admin-events?max=1000")
    assert {e["id"] for e in kept} <= {e["id"] for e in found}
