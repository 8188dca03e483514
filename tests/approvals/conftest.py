"""A desk whose approvers sign on a page of another origin and another domain, both served for real."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.desk.conftest import founded, office, signing, strict
from tests.desk.office import Keys, Office
from tests.web.conftest import browser
from watchword.cli.serving import serving

__all__ = ["browser", "founded", "office", "signing", "strict"]


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def apart(signing: Office, tmp_path: Path) -> Iterator[Office]:
    """An office that asks for signatures, served; the approver's page is at `approve.localhost`."""
    home = tmp_path / "apart"
    shutil.copytree(signing.home, home)
    console, page = free_port(), free_port()
    config = home / "watchword.toml"
    text = (
        config.read_text().replace("port = 8787", f"port = {console}").replace("localhost:8787", f"localhost:{console}")
    )
    part = f'[approvals]\norigin = "http://approve.localhost:{page}"\nrp_id = "approve.localhost"\nport = {page}\n'
    config.write_text(f"{text}\n{part}")
    desk = Office(home, Keys(signing.keys))
    for login in tuple(desk.keys.passkeys):
        own = desk.keys.passkeys[login] = copy(desk.keys.passkeys[login])
        own.origin = desk.origin
    try:
        for login in ("ivy.iam", "boss.one", "ada.agent", "ben.agent"):
            desk.app.people.set_password(desk["root.admin"], desk[login], f"the password of {login}", desk.at)
        with serving(desk.app):
            yield desk
        desk.fsck()
    finally:
        desk.close()


def with_authenticator(context: BrowserContext, *, synced: bool = False, verified: bool = True) -> None:
    """Give every page that *context* opens from now on an authenticator with a PIN, which no code here wrote."""

    def attach(page: object) -> None:
        session = context.new_cdp_session(page)  # type: ignore[arg-type]
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verified,
            "automaticPresenceSimulation": True,
            "defaultBackupEligibility": synced,
            "defaultBackupState": synced,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    context.on("page", attach)
