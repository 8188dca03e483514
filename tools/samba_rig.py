"""A real Active Directory domain controller of its own: Samba, provisioned in a folder, on loopback.

Needs root and Debian's `samba samba-dsdb-modules samba-vfs-modules winbind python3-samba` (`why_not()` says what is
missing). The controller answers on the standard LDAP ports of one loopback address and dies with its parent. Every
name in it is invented; nothing outside *root* is written.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import ldap3
from ldap3.protocol.formatters.formatters import format_sid
from ldap3.protocol.microsoft import security_descriptor_control
from ldap3.utils.conv import escape_filter_chars

from tools.authority import Authority

BASE = "DC=corp,DC=example,DC=test"
PEOPLE = f"OU=People,{BASE}"
GROUPS = f"OU=Groups,{BASE}"
AGENTS = f"OU=Agents,{BASE}"
ADMINISTRATOR = f"CN=Administrator,CN=Users,{BASE}"
ADMIN_PASSWORD = "Rig-Adm1nistrator!"
BIND_LOGIN = "watchword-executor"
BIND_USER = f"{BIND_LOGIN}@corp.example.test"
BIND_DN = f"CN={BIND_LOGIN},{AGENTS}"
BIND_PASSWORD = "Rig-Ex3cutor-secret!"
LOCKOUT_ATTEMPTS = 5

_USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
_RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"
_WRITABLE = {
    "pwdLastSet": "bf967a0a-0de6-11d0-a285-00aa003049e2",
    "lockoutTime": "28630ebf-41d5-11d1-a9c1-0000f80367c1",
    "userAccountControl": "bf967a68-0de6-11d0-a285-00aa003049e2",
}
_DACL = 4  # [MS-ADTS] 3.1.1.3.4.1.11: ask for, and write, the discretionary list alone
_PROTECTED = (
    0x10  # SE_DACL_PROTECTED, in the high byte of the control word at offset 2 ([MS-DTYP] 2.4.6): inherit nothing
)
_PORTS = (389, 636)


def free_address() -> str:
    """Return a loopback address where no directory server answers yet, so that several domains can run side by side."""
    candidates = random.sample([f"127.0.53.{last}" for last in range(1, 255)], k=20)
    return next((one for one in candidates if not any(_answers(one, port) for port in _PORTS)), candidates[0])


def why_not(address: str) -> str | None:
    """Why a domain can not run here (a missing program, not root, ports taken), or None when it can."""
    missing = [name for name in ("samba", "samba-tool", "setpriv") if shutil.which(name) is None]
    if missing:
        return (
            f"{' and '.join(missing)} not installed: apt-get install samba samba-dsdb-modules samba-vfs-modules winbind"
        )
    if os.geteuid() != 0:
        return "a domain controller is provisioned as root only"
    busy = [port for port in _PORTS if _answers(address, port)]
    if busy:
        return f"ports {busy} of {address} are taken: another directory server runs here"
    return None


@dataclass(kw_only=True)
class SambaDomain:
    """The domain `CORP` (corp.example.test) under *root*; a context manager that provisions, starts and stops it."""

    root: Path
    address: str = field(default_factory=free_address)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def ca_file(self) -> Path:
        """The certificate authority that issued the controller's certificate, PEM."""
        return self.root / "ca.pem"

    @property
    def foreign_ca_file(self) -> Path:
        """An authority that issued nothing here: for proving that a certificate it did not issue is refused."""
        return self.root / "foreign-ca.pem"

    @property
    def password_file(self) -> Path:
        """The password of the least-privilege bind account `BIND_USER`."""
        return self.root / "bind-password"

    @property
    def audit_log(self) -> Path:
        """JSON audit lines of sign-ins, changes and password resets, in the order they happened: what a watch follows.

        Each class names the same file: a controller of one process writes whole lines, and one click's stay together.
        """
        return self.root / "audit.jsonl"

    def __enter__(self) -> Self:
        self.provision()
        self.start()
        self.organise()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def provision(self) -> None:
        """Make the domain's database and its certificate (about 4 s)."""
        self.root.mkdir(parents=True, exist_ok=True)
        _run(
            "samba-tool", "domain", "provision", f"--targetdir={self._state}", "--realm=CORP.EXAMPLE.TEST",
            "--domain=CORP", "--server-role=dc", "--dns-backend=NONE", f"--adminpass={ADMIN_PASSWORD}",
            "--host-name=dc1", "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb",
            f"--option=interfaces={self.address}/8", "--option=bind interfaces only=yes",
        )  # fmt: skip
        self._issue_certificate()
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(f"{BIND_PASSWORD}\n")

    def start(self) -> None:
        """Start the controller and wait until LDAPS answers; `TimeoutError` with its log when it never does.

        It ends with the thread that calls this, which should therefore be the main one.
        """
        if reason := why_not(self.address):
            raise RuntimeError(reason)
        run = self.root / "run"
        run.mkdir(exist_ok=True)
        audits = ("auth_json_audit", "dsdb_json_audit", "dsdb_password_json_audit", "dsdb_group_json_audit")
        levels = " ".join(("1", *(f"{audit}:5@{self.audit_log}" for audit in audits)))
        with (self.root / "samba.out").open("ab") as out:
            self._process = subprocess.Popen(
                [
                    "setpriv", "--pdeathsig", "TERM",  # a controller must not outlive whoever wanted it
                    "samba", "-s", str(self._state / "etc/smb.conf"), "--foreground", "--no-process-group",
                    "-M", "single", "--option=server services=ldap,kdc,rpc", f"--option=log level={levels}",
                    f"--option=log file={self.root / 'samba.log'}", f"--option=pid directory={run}",
                    f"--option=ncalrpc dir={run / 'ncalrpc'}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._await_answer(timedelta(seconds=60))

    def stop(self) -> None:
        """End the controller; doing it twice is fine."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def organise(self) -> None:
        """Make the units and the bind account, delegate to it what a recovery needs, and forget the audit of it."""
        with self.administrator() as admin:
            for unit in (PEOPLE, GROUPS, AGENTS):
                _done(admin, admin.add(unit, "organizationalUnit"))
            # a person who was just recovered may change the password at once, as must-change asks
            policy = {"minPwdAge": "0", "lockoutThreshold": str(LOCKOUT_ATTEMPTS)}
            _done(
                admin, admin.modify(BASE, {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in policy.items()})
            )
        self.add_user(BIND_LOGIN, password=BIND_PASSWORD, unit=AGENTS)
        self.delegate(BIND_DN)
        self.forget_audit()

    def delegate(self, trustee: str) -> None:
        """Give *trustee* (a DN) the right to reset passwords and unlock under `OU=People`, and nothing else."""
        sid = self.sid(trustee)
        rights = [f"(OA;CIIO;CR;{_RESET_PASSWORD};{_USER};{sid})"]
        rights += [f"(OA;CIIO;RPWP;{attribute};{_USER};{sid})" for attribute in _WRITABLE.values()]
        _run(
            "samba-tool", "dsacl", "set", f"--objectdn={PEOPLE}", f"--sddl={''.join(rights)}",
            *self._as_administrator(),
        )  # fmt: skip

    def add_user(
        self,
        login: str,
        *,
        password: str,
        name: str | None = None,
        unit: str = PEOPLE,
        groups: Iterable[str] = (),
        attributes: Mapping[str, str] | None = None,
        admin: ldap3.Connection | None = None,
    ) -> str:
        """Add an enabled user and put them in *groups* (DNs); return their DN. *admin* spares a connection."""
        dn = f"CN={name or login},{unit}"
        values: dict[str, str | bytes] = {
            "sAMAccountName": login,
            "userPrincipalName": f"{login}@corp.example.test",
            "displayName": name or login,
            "userAccountControl": "512",
            "unicodePwd": _quoted(password),
            **(attributes or {}),
        }
        with nullcontext(admin) if admin else self.administrator() as bound:
            _done(bound, bound.add(dn, "user", values))
            for group in groups:
                _done(bound, bound.modify(group, {"member": [(ldap3.MODIFY_ADD, [dn])]}))
        return dn

    def add_group(
        self,
        name: str,
        *,
        members: Iterable[str] = (),
        login: str | None = None,
        admin: ldap3.Connection | None = None,
    ) -> str:
        """Add a security group with *members* (DNs), whose *login* is unique in the domain; return its DN."""
        dn = f"CN={name},{GROUPS}"
        values: dict[str, str | list[str]] = {"sAMAccountName": login or name}
        if listed := list(members):
            values["member"] = listed
        with nullcontext(admin) if admin else self.administrator() as bound:
            _done(bound, bound.add(dn, "group", values))
        return dn

    def make_older(self, attributes: Iterable[str], age: timedelta) -> None:
        """Let the people's *attributes* have been written *age* (whole days) earlier, as the controller has it."""
        _run(
            "/usr/bin/python3", str(Path(__file__).with_name("samba_past.py")), str(self._state / "etc/smb.conf"),
            PEOPLE, str(age.days), *attributes,
        )  # fmt: skip

    def protect(self, dn: str) -> None:
        """Put the account under AdminSDHolder as a Windows controller does hourly; Samba has no such task."""
        control = security_descriptor_control(sdflags=_DACL)
        with self.administrator() as admin:
            holder = f"CN=AdminSDHolder,CN=System,{BASE}"
            admin.search(holder, "(objectClass=*)", ldap3.BASE, attributes=["nTSecurityDescriptor"], controls=control)
            descriptor = bytearray(admin.response[0]["raw_attributes"]["nTSecurityDescriptor"][0])
            descriptor[3] |= _PROTECTED
            change = {"nTSecurityDescriptor": [(ldap3.MODIFY_REPLACE, [bytes(descriptor)])]}
            _done(admin, admin.modify(dn, change, controls=control))
            _done(admin, admin.modify(dn, {"adminCount": [(ldap3.MODIFY_REPLACE, ["1"])]}))

    def lock_out(self, login: str) -> None:
        """Lock an account out with wrong passwords, as an attacker or a forgetful person does."""
        for attempt in range(LOCKOUT_ATTEMPTS):
            self.sign_in(login, f"wrong {attempt}")

    def admin_reset(self, login: str, password: str) -> None:
        """Reset a password as Administrator over LDAP, as a person with a console would: no case speaks for it."""
        _run("samba-tool", "user", "setpassword", login, f"--newpassword={password}", *self._as_administrator())

    def change_own_password(self, login: str, old: str, new: str) -> None:
        """Change a password as its owner, who knows the old one."""
        connection = ldap3.Connection(self._server(), user=f"{login}@corp.example.test", password=old)
        with connection as owner:
            own = [(ldap3.MODIFY_DELETE, [_quoted(old)]), (ldap3.MODIFY_ADD, [_quoted(new)])]
            _done(owner, owner.modify(self.dn(login), {"unicodePwd": own}))

    def sign_in(self, login: str, password: str) -> Literal["ok", "must_change", "wrong"]:
        """Try *password* with an LDAP bind; `must_change` says that it is right and has to be changed first."""
        connection = ldap3.Connection(self._server(), user=f"{login}@corp.example.test", password=password)
        bound = connection.bind()
        message = connection.result["message"]
        connection.unbind()
        if bound:
            return "ok"
        return "must_change" if "data 773" in message else "wrong"  # ERROR_PASSWORD_MUST_CHANGE

    def dn(self, login: str) -> str:
        """The distinguished name of the account with this login."""
        with self.administrator() as admin:
            admin.search(BASE, f"(sAMAccountName={escape_filter_chars(login)})", attributes=["cn"])
            return str(next(entry["dn"] for entry in admin.response if entry["type"] == "searchResEntry"))

    def sid(self, dn: str) -> str:
        """The security identifier of an object, `S-1-5-21-…`."""
        with self.administrator() as admin:
            admin.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["objectSid"])
            return str(format_sid(admin.response[0]["raw_attributes"]["objectSid"][0]))

    def administrator(self) -> ldap3.Connection:
        """A connection bound as Administrator over LDAPS, for use in `with`."""
        return ldap3.Connection(self._server(), user="Administrator@corp.example.test", password=ADMIN_PASSWORD)

    def forget_audit(self) -> None:
        """Empty the audit log: what came before was making the domain, not its life."""
        if self.audit_log.exists():
            os.truncate(self.audit_log, 0)

    @property
    def _state(self) -> Path:
        return self.root / "domain"

    def _as_administrator(self) -> tuple[str, ...]:
        return ("-H", f"ldap://{self.address}", "--use-kerberos=off", f"-UCORP\\Administrator%{ADMIN_PASSWORD}")

    def _server(self) -> ldap3.Server:
        return ldap3.Server(self.address, port=636, use_ssl=True, get_info=ldap3.DSA, connect_timeout=5)

    def _await_answer(self, limit: timedelta) -> None:
        assert self._process is not None
        end = time.monotonic() + limit.total_seconds()
        while time.monotonic() < end and self._process.poll() is None:
            if self._is_ours() and self.sign_in("Administrator", ADMIN_PASSWORD) == "ok":
                return
            time.sleep(0.1)
        self.stop()
        raise TimeoutError(
            f"Samba did not answer on {self.address}:636: {(self.root / 'samba.out').read_text()[-2000:]}"
        )

    def _is_ours(self) -> bool:
        """Whether who answers has the certificate that was made for this domain, and is not another server."""
        trust = ssl.create_default_context(cafile=self.ca_file)
        try:
            with (
                socket.create_connection((self.address, 636), timeout=2) as plain,
                trust.wrap_socket(plain, server_hostname=self.address),
            ):
                return True
        except OSError:
            return False

    def _issue_certificate(self) -> None:
        """Samba's own certificate names no subject alternative: issue one that a strict client accepts."""
        tls = self._state / "private/tls"
        tls.mkdir(mode=0o700, exist_ok=True)
        authority = Authority("Watchword test authority")
        certificate, key = authority.issue("dc1.corp.example.test", self.address)
        for path in (self.ca_file, tls / "ca.pem"):
            path.write_bytes(authority.certificate)
        self.foreign_ca_file.write_bytes(Authority("A foreign authority").certificate)
        (tls / "cert.pem").write_bytes(certificate)
        secret = tls / "key.pem"
        secret.touch(mode=0o600)
        secret.write_bytes(key)


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def _quoted(password: str) -> bytes:
    return f'"{password}"'.encode("utf-16-le")  # [MS-ADTS] 3.1.1.3.1.5: unicodePwd is quoted UTF-16LE


def _done(connection: ldap3.Connection, result: object) -> None:
    if not result:
        raise RuntimeError(f"the domain refused what the rig asked: {connection.result}")


def _run(*command: str) -> str:
    """Run a program to its end; `RuntimeError` with what it printed when it fails."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise RuntimeError(f"{command[0]} {command[1]} failed: {finished.stdout}{finished.stderr}")
    return finished.stdout
