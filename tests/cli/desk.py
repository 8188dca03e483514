"""A small desk in a folder, and ways to type at it: in this process, and as processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from watchword.app import App, wall_clock
from watchword.cli.client import Client
from watchword.cli.demo.cast import Caller, StoryClock
from watchword.cli.founding import found_at
from watchword.core.person import Credential, Kind, Role, RoleGrant
from watchword.directories.sandbox import Sandbox, Seed
from watchword.notices.simulators import Outbox
from watchword.settings import load

WATCHWORD = Path(sys.executable).with_name("watchword")
PASSWORD = "correct horse battery"
ORIGIN = "example.test/desk"
SEED = bytes(range(20))
PATIENCE_S = 60
STAFF = {
    "ines": ("Ines Veldkamp", (Role.AGENT,)),
    "vic": ("Vic Amadi", (Role.VERIFIER,)),
    "xena": ("Xena Roth", (Role.EXECUTOR,)),
    "ada": ("Ada Lunde", (Role.REVIEWER,)),
    "otto": ("Otto Brandt", (Role.POLICY_AUTHOR,)),
    "ruth": ("Ruth Vale", ()),
    "tom": ("Tom Ashby", ()),
    "nina": ("Nina Crane", ()),
}
"""Login, name and roles; Ruth is the manager of Tom and Nina, who get locked out."""

ACCOUNTS = {"ruth": "ruth.vale", "tom": "tom.ashby", "nina": "nina.crane"}
LOCKED = ("tom", "nina")


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value that was printed."""
        return json.loads(self.out)


def make(home: Path, *, url: str = "sqlite:///ledger.db") -> None:
    """Found a desk in *home*, with people, and two accounts that are locked out."""
    found_at(home, origin=ORIGIN, administrator="root", password=PASSWORD, url=url, port=free_port())
    secret = home / "password"
    secret.touch(0o600)
    secret.write_text(f"{PASSWORD}\n")
    with App(load(home / "watchword.toml")) as app:
        sandbox = app.directories["sandbox"]
        assert isinstance(sandbox, Sandbox)
        sandbox.seed((Seed(login="ruth.vale", display_name="Ruth Vale"), *(_locked(login) for login in LOCKED)))
        for login in LOCKED:
            sandbox.lock(sandbox.find(ACCOUNTS[login])[0].native_id)
        root, people = app.names.person("root"), app.people
        for login, (name, roles) in STAFF.items():
            person = people.register(root, login=login, name=name, kind=Kind.EMPLOYEE, unit="", at=wall_clock())
            for role in roles:
                people.grant(root, person, RoleGrant(role=role), wall_clock())
            people.set_password(root, person, PASSWORD, wall_clock())
        for login, account in ACCOUNTS.items():
            seen = app.desk.intake.find("sandbox", account)
            people.link(root, app.names.person(login), "sandbox", seen.native_id, wall_clock())
        for login in LOCKED:
            credential = Credential(id=app.ledger.pseudonym("k"), method="totp", enrolled_at=wall_clock())
            people.enrol(root, app.names.person(login), credential, SEED.hex(), wall_clock())


def _locked(login: str) -> Seed:
    account = ACCOUNTS[login]
    return Seed(
        login=account,
        display_name=STAFF[login][0],
        manager="ruth.vale",
        mail=f"{account}@example.test",
        factors=("authenticator_app",),
    )


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Desk:
    """A desk in *home*, and a terminal at it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "watchword.toml"
        self.url = f"http://127.0.0.1:{load(self.config).console.port}"

    def move(self) -> None:
        """Listen on a port of its own."""
        old, new = str(load(self.config).console.port), str(free_port())
        self.config.write_text(self.config.read_text().replace(old, new))
        self.url = f"http://127.0.0.1:{new}"

    def type(self, *words: str, login: str | None = None, env: dict[str, str] | None = None) -> Typed:
        """Run `watchword` in the desk's folder as a process, as *login* where one is given."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith("WATCHWORD_")} | (env or {})
        if login:
            mine |= {"WATCHWORD_LOGIN": login, "WATCHWORD_PASSWORD_FILE": "password"}
        ran = subprocess.run(
            [WATCHWORD, *words],
            cwd=self.home,
            env=mine,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # no terminal, wherever the tests run
            check=False,
        )
        return Typed(code=ran.returncode, out=ran.stdout, err=ran.stderr)

    @contextmanager
    def process(self, *words: str, until: str, ends: int = 0) -> Iterator[subprocess.Popen[str]]:
        """`watchword` running beside the test from the moment it said *until*; then Ctrl-C, and exit code *ends*."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("WATCHWORD_")} | {"PYTHONFAULTHANDLER": "1"}
        with subprocess.Popen(
            [WATCHWORD, *words],
            cwd=self.home,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as running:
            assert running.stdout is not None
            watchdog = threading.Timer(PATIENCE_S, running.kill)
            watchdog.start()
            try:
                said = ""
                while until and until not in said:
                    line = running.stdout.readline()
                    assert line, f"{words} ended: {said}"
                    said += line
                yield running
                running.send_signal(signal.SIGINT)
                rest, _ = running.communicate(timeout=PATIENCE_S)
                assert running.returncode == ends, f"{words} ended with {running.returncode}: {said}{rest}"
                assert "Traceback" not in said + rest
            finally:
                watchdog.cancel()
                running.kill()

    @contextmanager
    def served(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """`watchword serve`, answering."""
        with self.process("serve", *words, until="Watchword is at") as running:
            assert httpx2.get(f"{self.url}/healthz").status_code == 200
            yield running

    def answers_totp(self, case: dict[str, Any]) -> None:
        """The person types what their authenticator shows into their own page."""
        client = Client.anonymous(self.url)
        try:
            person = Caller(client, StoryClock(wall_clock))
            person.seed = SEED
            person.follow(case)
            person.answer(person.waiting()[0]["challenge"], person.code())
        finally:
            client.close()

    def answers_mail(self, case: dict[str, Any]) -> None:
        """Tom types the code of the latest mail into his own page."""
        with closing(Outbox(self.home / "outbox.db")) as outbox:
            mails = outbox.sent("tom.ashby@example.test")
        texts = [sent.text for sent in mails if "case" in sent.subject]
        code = re.sub(r"\D", "", re.findall(r"(?:\d[ ,.]*){8}", texts[-1])[-1])
        client = Client.anonymous(self.url)
        try:
            tom = Caller(client, StoryClock(wall_clock))
            tom.follow(case)
            tom.answer(tom.waiting()[0]["challenge"], code)
        finally:
            client.close()


def is_told(typed: Typed, code: int, *words: str) -> bool:
    """Whether *typed* ended with *code*, named each of *words*, gave a way on, and showed nobody a traceback."""
    lines = [line for line in typed.err.splitlines() if not line.startswith("  reasons: ")]
    return (
        typed.code == code
        and all(word in typed.err for word in words)
        and lines[-1].startswith("  → ")
        and "Traceback" not in typed.err
    )
