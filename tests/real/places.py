"""Real directories as places where things are done to accounts: the same deeds in each, by its own means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

import ldap3

from tests.real.conftest import password
from tools.samba_demo import DIRECTORY
from tools.samba_rig import BASE as CORP
from tools.samba_rig import SambaDomain
from tools.slapd_rig import BASE, EXECUTOR_DN, GROUPS, STAFF, Slapd
from watchword.watch.providers import OPENLDAP, SAMBA, Provider


class Place(Protocol):
    """A directory, its administrator, and people who have their passwords."""

    provider: Provider
    keeps_refusals: bool
    """Whether the log of `pieces` has what was refused."""

    def add(self, login: str, secret: str) -> str:
        """Add a person; return the DN."""

    def lock_out(self, login: str, dn: str) -> None:
        """Lock the account out with wrong passwords."""

    def change_own(self, login: str, dn: str, secret: str) -> None:
        """Its owner changes the password."""

    def try_other(self, login: str, dn: str, secret: str, target: str) -> None:
        """Somebody sets another's password without the right to, and is refused."""

    def reset(self, target: str) -> None:
        """The administrator sets a password; no case speaks for it."""

    def empower(self, login: str, target: str) -> str:
        """The administrator puts an account into a group that lends power; return whose DN the log has as target."""

    def pieces(self, folder: Path) -> tuple[Path, ...]:
        """A log of all that happened in ten files, last first, one of them twice."""


class SambaPlace:
    """An Active Directory domain."""

    provider = SAMBA
    keeps_refusals = True

    def __init__(self, samba: SambaDomain, admin: ldap3.Connection) -> None:
        self._samba, self._admin = samba, admin

    @classmethod
    @contextmanager
    def of(cls, samba: SambaDomain) -> Iterator[Self]:
        """The domain, with its administrator bound."""
        _set_aside(samba).unlink(missing_ok=True)
        with samba.administrator() as admin:
            yield cls(samba, admin)

    def add(self, login: str, secret: str) -> str:
        """See `Place`."""
        return self._samba.add_user(login, password=secret, admin=self._admin)

    def lock_out(self, login: str, dn: str) -> None:
        """See `Place`."""
        del dn
        self._samba.lock_out(login)

    def change_own(self, login: str, dn: str, secret: str) -> None:
        """See `Place`."""
        with self._person(login, secret) as person:
            change = [(ldap3.MODIFY_DELETE, [_quoted(secret)]), (ldap3.MODIFY_ADD, [_quoted(password())])]
            assert person.modify(dn, {"unicodePwd": change}), person.result

    def try_other(self, login: str, dn: str, secret: str, target: str) -> None:
        """See `Place`."""
        del dn
        with self._person(login, secret) as person:
            assert not self._set(person, target), person.result

    def reset(self, target: str) -> None:
        """See `Place`."""
        assert self._set(self._admin, target), self._admin.result

    def empower(self, login: str, target: str) -> str:
        """See `Place`."""
        del login
        group = f"CN=Domain Admins,CN=Users,{CORP}"
        assert self._admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [target])]})
        return target

    def pieces(self, folder: Path) -> tuple[Path, ...]:
        """See `Place`; the controller sets a log of 5 MB aside and begins anew."""
        logs = (file for file in (_set_aside(self._samba), self._samba.audit_log) if file.exists())
        lines = b"".join(file.read_bytes() for file in logs).splitlines(keepends=True)
        return _shuffled(lines, folder, "jsonl")

    def _person(self, login: str, secret: str) -> ldap3.Connection:
        server = ldap3.Server(self._samba.address, port=636, use_ssl=True, get_info=None)
        return ldap3.Connection(server, user=f"{login}@corp.example.test", password=secret)

    @staticmethod
    def _set(who: ldap3.Connection, target: str) -> bool:
        return bool(who.modify(target, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [_quoted(password())])]}))


class SlapdPlace:
    """An OpenLDAP tree, followed by the lines of slapd itself, and judged again by what its auditlog kept."""

    provider = OPENLDAP
    keeps_refusals = False

    def __init__(self, slapd: Slapd, admin: ldap3.Connection) -> None:
        self._slapd, self._admin = slapd, admin

    @classmethod
    @contextmanager
    def of(cls, slapd: Slapd) -> Iterator[Self]:
        """The tree, with its administrator bound."""
        with slapd.bound() as admin:
            yield cls(slapd, admin)

    def add(self, login: str, secret: str) -> str:
        """See `Place`."""
        dn = self._slapd.person_dn(login)
        named = {"uid": login, "cn": login, "sn": login, "mail": f"{login}@example.test", "userPassword": secret}
        assert self._admin.add(dn, "inetOrgPerson", named), self._admin.result
        assert self._admin.modify(STAFF, {"member": [(ldap3.MODIFY_ADD, [dn])]}), self._admin.result
        return dn

    def lock_out(self, login: str, dn: str) -> None:
        """See `Place`."""
        del login
        self._slapd.lock_out(dn)

    def change_own(self, login: str, dn: str, secret: str) -> None:
        """See `Place`."""
        del login
        with self._slapd.bound(dn, secret) as person:
            assert person.extend.standard.modify_password(old_password=secret, new_password=password()), person.result

    def try_other(self, login: str, dn: str, secret: str, target: str) -> None:
        """See `Place`."""
        del login
        with self._slapd.bound(dn, secret) as person:
            assert not person.extend.standard.modify_password(target, new_password=password()), person.result

    def reset(self, target: str) -> None:
        """See `Place`."""
        assert self._admin.extend.standard.modify_password(target, new_password=password()), self._admin.result

    def empower(self, login: str, target: str) -> str:
        """See `Place`; lines of slapd have no values, so there the group is the target: each has one of its own."""
        group = f"cn=admins of {login},{GROUPS}"
        assert self._admin.add(group, "groupOfNames", {"member": f"cn=nobody,{BASE}"}), self._admin.result
        assert self._admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [target])]}), self._admin.result
        return group

    def pieces(self, folder: Path) -> tuple[Path, ...]:
        """See `Place`; of the auditlog, whose records stand each alone, as the lines of one connection do not."""
        records = self._slapd.audit_log.read_bytes().split(b"\n\n")
        return _shuffled([record + b"\n\n" for record in records if record.strip()], folder, "ldif")


def slapd_settings(slapd: Slapd) -> str:
    """The parts `[[directories]]` and `[watch]` of a watchword.toml."""
    return f"""\
[[directories]]
kind = "openldap"
name = "{DIRECTORY}"
host = "{slapd.address}"
port = {slapd.tls_port}
ca_file = "{slapd.ca_file}"
bind_user = "{EXECUTOR_DN}"
password_file = "{slapd.password_file}"
base = "{BASE}"
[directories.classes]
"{STAFF}" = "standard"

[watch]
provider = "openldap"
log = "{slapd.stats_log}"
"""


def _shuffled(records: list[bytes], folder: Path, kind: str) -> tuple[Path, ...]:
    size = -(-len(records) // 10)
    files = []
    for number in range(10):
        file = folder / f"piece-{number}.{kind}"
        file.write_bytes(b"".join(records[number * size : (number + 1) * size]))
        files.append(file)
    return (*reversed(files), files[3])


def _set_aside(samba: SambaDomain) -> Path:
    return samba.audit_log.with_name(f"{samba.audit_log.name}.old")


def _quoted(secret: str) -> bytes:
    return f'"{secret}"'.encode("utf-16-le")  # [MS-ADTS] 3.1.1.3.1.5: unicodePwd is quoted UTF-16LE
