"""A real Keycloak of its own, in memory, on loopback: the realm `corp`, whose events are all kept and logged.

Needs Java and the distribution that `scripts/install-keycloak` puts into `.tools` (`why_not()` says what is missing).
It starts in about 40 s. Every name in it is invented; it ends with whoever started it.
"""

from __future__ import annotations

import html
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ADMIN = "rig-admin"
ADMIN_PASSWORD = "Rig-Adm1nistrator!"
REALM = "corp"
FAILURES = 2

_HERE = Path(__file__).resolve().parent.parent


def home() -> Path | None:
    """Where the distribution is, or None."""
    found = sorted((_HERE / ".tools").glob("keycloak-*/bin/kc.sh"))
    return found[-1].parents[1] if found else None


def why_not() -> str | None:
    """Why a server can not run here, or None when it can."""
    if shutil.which("java") is None:
        return "java is not installed: apt-get install openjdk-17-jre-headless"
    return None if home() else "Keycloak is not installed: scripts/install-keycloak"


@dataclass(kw_only=True)
class Keycloak:
    """The server under *root*; a context manager that starts and stops it."""

    root: Path
    address: str = field(default_factory=lambda: f"127.0.55.{random.randrange(1, 255)}")
    port: int = 18080
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _token: tuple[str, float] = field(default=("", 0.0), init=False, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.address}:{self.port}"

    @property
    def log(self) -> Path:
        """The server's log, with the lines of its `jboss-logging` listener."""
        return self.root / "keycloak.log"

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Call the realm's admin REST API at *path* as its administrator; the answer as JSON."""
        token, until = self._token
        if time.monotonic() > until:
            answer = self.token("master", ADMIN, ADMIN_PASSWORD)
            token = str(answer["access_token"])
            self._token = (token, time.monotonic() + int(answer["expires_in"]) / 2)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/admin/realms{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def token(self, realm: str, user: str, password: str) -> Any:
        """A token for *user*; `urllib.error.HTTPError` when the password is wrong or the account locked."""
        form = {"grant_type": "password", "client_id": "admin-cli", "username": user, "password": password}
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.url}/realms/{realm}/protocol/openid-connect/token", data, 30) as answer:
            return json.loads(answer.read())

    def can_sign_in(self, user: str, password: str) -> bool:
        """Whether *user* may sign in with *password*."""
        try:
            self.token(REALM, user, password)
        except urllib.error.HTTPError:
            return False
        return True

    def change_password(self, user: str, old: str, new: str) -> None:
        """As a person does who must: sign in with the *old* password in a browser and set a *new* one."""
        # As a browser does on loopback: cookies marked Secure go over plain HTTP too.
        jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http",)))
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        query = urllib.parse.urlencode(
            {"client_id": "account-console", "response_type": "code", "scope": "openid", "code_challenge": "x" * 43,
             "redirect_uri": f"{self.url}/realms/{REALM}/account/", "code_challenge_method": "S256"}
        )  # fmt: skip
        page = (
            opener.open(f"{self.url}/realms/{REALM}/protocol/openid-connect/auth?{query}", timeout=30).read().decode()
        )
        for form in ({"username": user, "password": old}, {"password-new": new, "password-confirm": new}):
            found = re.search(r'<form[^>]*action="([^"]+)"', page)
            if found is None:
                raise RuntimeError("the sign-in page has no form")
            page = opener.open(html.unescape(found[1]), urllib.parse.urlencode(form).encode(), 30).read().decode()

    def add_person(self, username: str, password: str, *, temporary: bool = False) -> str:
        """Add a person; return the id."""
        credential = {"type": "password", "value": password, "temporary": temporary}
        person = {"username": username, "enabled": True, "email": f"{username}@example.test", "emailVerified": True}
        person |= {"firstName": username, "lastName": "Example", "credentials": [credential]}
        self.admin("POST", f"/{REALM}/users", person)
        return str(self.admin("GET", f"/{REALM}/users?username={username}")[0]["id"])

    def __enter__(self) -> Self:
        where = home()
        if where is None:
            raise RuntimeError(why_not())
        self.root.mkdir(parents=True, exist_ok=True)
        named = {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN_PASSWORD}
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [
                    "setpriv", "--pdeathsig", "TERM", str(where / "bin/kc.sh"), "start-dev", "--db=dev-mem",
                    "--cache=local", f"--http-host={self.address}", f"--http-port={self.port}",
                    "--log-level=info,org.keycloak.events:debug",
                ],
                env={**os.environ, **named, "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx512m", "TZ": "UTC"},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._await_answer(180)
        self.admin(
            "POST",
            "",
            {
                "realm": REALM, "enabled": True, "eventsEnabled": True, "adminEventsEnabled": True,
                "adminEventsDetailsEnabled": True, "eventsListeners": ["jboss-logging"], "bruteForceProtected": True,
                "failureFactor": FAILURES,
            },
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)  # the session that this started, and nothing else
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def _await_answer(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}/realms/master", timeout=5).close()
            except OSError:
                if self._process is None or self._process.poll() is not None:
                    break
                time.sleep(0.3)
            else:
                return
        self.__exit__(None, None, None)
        raise TimeoutError(f"Keycloak does not answer: {self.log.read_text(errors='replace')[-2000:]}")
