"""A real OpenLDAP server of its own, in a folder, on loopback, with every log that it can write.

Needs Debian's `slapd` and `ldap-utils` (`why_not()` says what is missing). It runs as whoever starts it, on a port of
one loopback address, and dies with its parent. Every name in it is invented; nothing outside *root* is written.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import ldap3

from tools.authority import Authority

BASE = "dc=example,dc=test"
PEOPLE = f"ou=people,{BASE}"
ADMIN_DN = f"cn=admin,{BASE}"
ADMIN_PASSWORD = "Rig-Adm1nistrator!"
EXECUTOR_DN = f"cn=watchword,{BASE}"
"""The least-privilege bind account: it reads, and writes passwords and what the password policy keeps."""
EXECUTOR_PASSWORD = "Rig-Ex3cutor-of-resets!"
STAFF = f"cn=staff,ou=groups,{BASE}"
GROUPS = f"ou=groups,{BASE}"
LOCKOUT_ATTEMPTS = 3
SHORTEST = 5

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"

_CONFIG = """\
include {etc}/schema/core.schema
include {etc}/schema/cosine.schema
include {etc}/schema/inetorgperson.schema
include {etc}/schema/nis.schema
include {etc}/schema/dyngroup.schema
modulepath {modules}
moduleload back_mdb
moduleload accesslog
moduleload auditlog
moduleload ppolicy
sizelimit unlimited
pidfile {root}/slapd.pid
TLSCACertificateFile {root}/ca.pem
TLSCertificateFile {root}/cert.pem
TLSCertificateKeyFile {root}/key.pem
database mdb
suffix cn=log
directory {root}/log
rootdn cn=log
access to * by * read
database mdb
suffix {base}
directory {root}/db
rootdn {admin}
rootpw {password}
index uid,mail,entryUUID,member,uniqueMember,memberUid eq
access to attrs=userPassword by dn.exact={executor} =w by self write by anonymous auth by * none
access to attrs=pwdReset,pwdAccountLockedTime by dn.exact={executor} write by * read
access to * by * read
overlay ppolicy
ppolicy_default cn=policy,{base}
overlay accesslog
logdb cn=log
logops writes session
overlay auditlog
auditlog {root}/audit.ldif
"""

_ENTRIES = f"""\
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: cn=policy,{BASE}
objectClass: person
objectClass: pwdPolicy
cn: policy
sn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: {LOCKOUT_ATTEMPTS}
pwdCheckQuality: 2
pwdMinLength: {SHORTEST}
pwdMustChange: TRUE

dn: {EXECUTOR_DN}
objectClass: person
cn: watchword
sn: watchword
userPassword: {EXECUTOR_PASSWORD}

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: {STAFF}
objectClass: groupOfNames
cn: staff
member: {ADMIN_DN}
"""


def why_not() -> str | None:
    """Why a server can not run here, or None when it can."""
    missing = [name for name in ("slapd", "ldapmodify", "setpriv") if shutil.which(name, path=_PATH) is None]
    return f"{' and '.join(missing)} not installed: apt-get install slapd ldap-utils" if missing else None


@dataclass(kw_only=True)
class Slapd:
    """The directory `dc=example,dc=test` under *root*; a context manager that starts and stops it."""

    root: Path
    address: str = field(default_factory=lambda: f"127.0.54.{random.randrange(1, 255)}")
    port: int = 3890
    tls_port: int = 3891
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"ldap://{self.address}:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority that issued the server's certificate, PEM."""
        return self.root / "ca.pem"

    @property
    def password_file(self) -> Path:
        """The password of `EXECUTOR_DN`."""
        return self.root / "executor-password"

    @property
    def stats_log(self) -> Path:
        """The lines of `slapd -d stats`."""
        return self.root / "stats.log"

    @property
    def audit_log(self) -> Path:
        """The change records of the auditlog overlay, LDIF."""
        return self.root / "audit.ldif"

    def access_log(self) -> Path:
        """Export the accesslog overlay's objects as LDIF, as they are now."""
        out = self.root / "access.ldif"
        said = self._client("ldapsearch", "-b", "cn=log", "-s", "one", "(objectClass=auditObject)", "*", "+")
        out.write_bytes(said.stdout)
        return out

    def modify(self, ldif: str, *, dn: str = ADMIN_DN, password: str = ADMIN_PASSWORD) -> bool:
        """Apply change records as *dn*; False when the server refuses."""
        return self._client("ldapmodify", "-D", dn, "-w", password, given=ldif).returncode == 0

    def set_password(self, target: str, new: str, *, dn: str = ADMIN_DN, password: str = ADMIN_PASSWORD) -> bool:
        """Set a password by the extended operation (RFC 3062); False when the server refuses."""
        whom = () if target == dn else (target,)
        return self._client("ldappasswd", "-D", dn, "-w", password, "-s", new, *whom).returncode == 0

    def can_bind(self, dn: str, password: str) -> bool:
        """Whether *dn* may sign in with *password*."""
        return self._client("ldapwhoami", "-D", dn, "-w", password).returncode == 0

    @staticmethod
    def person_dn(uid: str) -> str:
        """The DN of the person with this `uid`."""
        return f"uid={uid},{PEOPLE}"

    def dn(self, login: str) -> str:
        """The same, for whoever holds this and another directory alike."""
        return self.person_dn(login)

    def add_person(self, uid: str, password: str, *, name: str | None = None, more: str = "") -> str:
        """Add a person called *name*, with *more* lines of LDIF; return the DN."""
        dn = f"uid={uid},{PEOPLE}"
        self.modify(
            f"dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: {name or uid}\nsn: {uid}\nuid: {uid}\n"
            f"mail: {uid}@example.test\nuserPassword: {password}\n{more}"
        )
        return dn

    def bound(self, dn: str = ADMIN_DN, password: str = ADMIN_PASSWORD) -> ldap3.Connection:
        """A connection bound as *dn*, for use in `with`."""
        server = ldap3.Server(self.address, port=self.port, get_info=None)
        return ldap3.Connection(server, user=dn, password=password, check_names=False)

    def lock_out(self, dn: str) -> None:
        """Lock an account out with wrong passwords."""
        for attempt in range(LOCKOUT_ATTEMPTS):
            self.sign_in(dn, f"wrong {attempt}")

    def sign_in(self, dn: str, password: str) -> Literal["ok", "must_change", "wrong"]:
        """Try *password*; `must_change` says that it is right, and good for nothing but choosing another."""
        connection = self.bound(dn, password)
        try:
            if not connection.bind():
                return "wrong"
            connection.search(dn, "(objectClass=*)", ldap3.BASE)
            return (
                "must_change"
                if connection.result["result"] == ldap3.core.results.RESULT_INSUFFICIENT_ACCESS_RIGHTS
                else "ok"
            )
        finally:
            connection.unbind()

    def __enter__(self) -> Self:
        program = shutil.which("slapd", path=_PATH)
        if program is None:
            raise RuntimeError(why_not())
        home = Path(program).resolve().parents[2]
        for folder in ("db", "log"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self._issue_certificate()
        config = self.root / "slapd.conf"
        config.write_text(
            _CONFIG.format(
                etc=home / "etc/ldap",
                modules=home / "usr/lib/ldap",
                root=self.root,
                base=BASE,
                admin=ADMIN_DN,
                executor=EXECUTOR_DN,
                password=ADMIN_PASSWORD,
            )
        )
        with self.stats_log.open("ab") as out:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", program, "-f", str(config), "-h", self._urls, "-d", "stats"],
                stdout=out,
                stderr=out,
            )
        self._wait()
        self._client("ldapadd", "-D", ADMIN_DN, "-w", ADMIN_PASSWORD, given=_ENTRIES)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    @property
    def _urls(self) -> str:
        return f"{self.url} ldaps://{self.address}:{self.tls_port}"

    def _issue_certificate(self) -> None:
        authority = Authority("Watchword test authority")
        certificate, key = authority.issue("ldap.example.test", self.address)
        self.ca_file.write_bytes(authority.certificate)
        (self.root / "cert.pem").write_bytes(certificate)
        for secret, content in ((self.root / "key.pem", key), (self.password_file, f"{EXECUTOR_PASSWORD}\n".encode())):
            secret.touch(mode=0o600)
            secret.write_bytes(content)

    def _wait(self) -> None:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((self.address, self.port)) == 0:
                    return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise TimeoutError(f"slapd does not answer: {self.stats_log.read_text(errors='replace')[-2000:]}")

    def _client(self, program: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [program, "-x", "-H", self.url, *arguments],
            input=given.encode(),
            capture_output=True,
            timeout=20,
            check=False,
        )
