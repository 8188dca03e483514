"""Real servers, started once for the whole run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import ldap3
import pytest

from tests.real.corp_desk import CorpDesk, samba_settings
from tools.keycloak_rig import Keycloak
from tools.keycloak_rig import why_not as no_keycloak
from tools.samba_rig import BASE, BIND_USER, PEOPLE, SambaDomain, free_address, why_not
from tools.slapd_rig import Slapd
from tools.slapd_rig import why_not as no_slapd
from watchword.core.account import AccountClass, Status
from watchword.directories.active_directory import ActiveDirectory, ActiveDirectorySettings
from watchword.directories.ldap_session import Endpoint

Connect = Callable[..., ActiveDirectory]
Person = Callable[..., str]
_numbers = count(1)


def password() -> str:
    """Return a password that no policy refuses."""
    return f"Aa1!{secrets.token_urlsafe(18)}"


def demand(server: str, reason: str | None) -> None:
    """Skip for the *reason* that a real *server* can not run here, but fail where everything must (CI=true)."""
    if reason and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"a real {server} must be tested here: {reason}")
    if reason:
        pytest.skip(f"no real {server}: {reason}")


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaDomain]:
    """A real Active Directory domain; skipped where it can not run."""
    address = free_address()
    demand("Active Directory", why_not(address))
    with SambaDomain(root=tmp_path_factory.mktemp("samba"), address=address) as domain:
        yield domain


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """A real OpenLDAP server; skipped where it can not run."""
    demand("OpenLDAP", no_slapd())
    with Slapd(root=tmp_path_factory.mktemp("slapd")) as server:
        yield server


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """A real Keycloak, for all its tests; skipped where it can not run."""
    demand("Keycloak", no_keycloak())
    with Keycloak(root=tmp_path_factory.mktemp("keycloak")) as server:
        yield server


@pytest.fixture(scope="session")
def groups(samba: SambaDomain) -> dict[str, str]:
    """Groups that mean something, one of them nested in another, and two people of the same name."""
    admins = samba.add_group("Identity Operators")
    nested = samba.add_group("Desk Leads")
    with samba.administrator() as admin:
        admin.modify(admins, {"member": [(ldap3.MODIFY_ADD, [nested])]})
    for login, unit in (("sam.reed", PEOPLE), ("sam.reed2", f"OU=Agents,{BASE}")):
        samba.add_user(login, password=password(), name="Sam Reed", unit=unit)
    return {"control": admins, "nested": nested, "leavers": samba.add_group("Leavers")}


@pytest.fixture
def connect(samba: SambaDomain, groups: dict[str, str]) -> Connect:
    """Make the adapter, with parts of its endpoint or settings replaced."""

    def made(*, classes: tuple[tuple[str, AccountClass], ...] | None = None, **endpoint: object) -> ActiveDirectory:
        where: dict[str, object] = {
            "host": samba.address,
            "ca_file": samba.ca_file,
            "bind_user": BIND_USER,
            "password_file": samba.password_file,
            **endpoint,
        }
        everyone = f"CN=Domain Users,CN=Users,{BASE}"
        return ActiveDirectory(
            ActiveDirectorySettings(
                name="corp",
                base=BASE,
                endpoint=Endpoint(**where),  # type: ignore[arg-type]
                classes=classes
                or ((everyone, AccountClass.STANDARD), (groups["control"], AccountClass.IDENTITY_CONTROL)),
                statuses=((groups["leavers"], Status.LEAVER),),
            )
        )

    return made


@pytest.fixture
def directory(connect: Connect) -> ActiveDirectory:
    """The adapter as it should be configured."""
    return connect()


@pytest.fixture
def person(samba: SambaDomain) -> Person:
    """Add a person with a login of their own, and return it."""

    def added(**more: object) -> str:
        login = f"person.{next(_numbers)}"
        attributes = {"mail": f"{login}@example.test", "department": "Sales"}
        samba.add_user(login, password=password(), name=f"Person {login}", attributes=attributes, **more)  # type: ignore[arg-type]
        return login

    return added


@pytest.fixture
def desk(samba: SambaDomain, tmp_path: Path) -> Iterator[CorpDesk]:
    """Watchword on the domain, whose log begins now."""
    samba.forget_audit()
    with CorpDesk(tmp_path, samba, samba_settings(samba)) as made:
        yield made
