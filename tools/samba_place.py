"""The demo's story on a real Active Directory: a Samba domain for the length of the play."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.samba_demo import DIRECTORY, settings_of
from tools.samba_rig import SambaDomain, free_address, why_not
from watchword.app import App
from watchword.cli.demo.organisation import EVERYTHING, MAIL, PEOPLE, Member, phone_of
from watchword.cli.terminal import out
from watchword.core.errors import Unavailable
from watchword.directories.sandbox import GROUPS

PREFIX = "Watchword "
"""Before each group's name: some of the sandbox's names belong to the domain itself."""


class SambaPlace:
    """A domain with the sample organisation in it."""

    name: str = DIRECTORY

    def __init__(self, domain: SambaDomain) -> None:
        self._domain = domain
        groups = {name: domain.add_group(PREFIX + name) for name in GROUPS}
        known: dict[str, str] = {}
        for member in EVERYTHING:
            known[member.login] = domain.add_user(
                member.login,
                password=secrets.token_urlsafe(18) + "aA1",
                name=member.name,
                groups=(groups[member.group],),
                attributes=_attributes(member, known),
            )
        self.settings: str | None = settings_of(domain, {groups[n]: c.value for n, c in GROUPS.items()})

    def ready(self) -> None:
        """Forget what adding the people wrote into the log."""
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


def _attributes(member: Member, known: dict[str, str]) -> dict[str, str]:
    """What the domain keeps of a member; DNs of those it names, who were added before."""
    told = {"department": member.unit}
    if member in PEOPLE:
        told |= {"mail": f"{member.login}@{MAIL}", "telephoneNumber": phone_of(member)}
    above = member.owner or member.manager
    if above:
        told["manager"] = known[above]
    if member.second_owner:
        told["secretary"] = known[member.second_owner]
    return told


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
