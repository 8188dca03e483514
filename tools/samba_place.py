"""The demo's story on a real Active Directory: a Samba domain for the length of the play."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.samba_demo import DIRECTORY, organise_demo, settings_of
from tools.samba_rig import SambaDomain, free_address, why_not
from watchword.app import App
from watchword.cli.terminal import out
from watchword.core.errors import Unavailable


class SambaPlace:
    """A domain with the sample organisation in it."""

    name: str = DIRECTORY

    def __init__(self, domain: SambaDomain) -> None:
        self._domain = domain
        self.settings: str | None = settings_of(domain, organise_demo(domain))

    def ready(self) -> None:
        """Forget what went on while everybody was made known."""
        self._domain.forget_audit()

    def reset_by_hand(self, app: App, login: str) -> None:
        """Reset a password as Administrator, over LDAP."""
        del app
        self._domain.admin_reset(login, secrets.token_urlsafe(18) + "aA1")

    def sign_in(self, app: App, login: str, password: str) -> str:
        """Bind with a password."""
        del app
        return self._domain.sign_in(login, password)

    def lock(self, app: App, login: str) -> None:
        """Lock an account out with wrong passwords."""
        del app
        self._domain.lock_out(login)


@contextmanager
def samba_place(home: Path) -> Iterator[SambaPlace]:
    """A domain under *home*; `Unavailable` with the way on where Samba can not run."""
    address = free_address()
    if why := why_not(address):
        raise Unavailable(
            f"A Samba domain can not be started: {why}.",
            "Run `make setup-test` as root on Debian, or play on the sandbox.",
        )
    out.print("[bold]Samba[/]: provisioning an Active Directory domain on this machine (about 15 s) …")
    with SambaDomain(root=home / "samba", address=address) as domain:
        yield SambaPlace(domain)
