"""A small organisation behind a real console, on a clock of its own."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from litestar import Litestar

from watchword import app as composition
from watchword.cli.listening import IDLE_S
from watchword.console import create_console
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.desk.people import fingerprint
from watchword.directories.sandbox import Sandbox, Seed
from watchword.reception import countersign
from watchword.reception.afterwards import Afterwards
from watchword.reception.sessions import Sessions, Throttle
from watchword.settings import load

TLS = ssl.create_default_context()
"""Made once: reading the authorities of the web took longer than most requests, which are plain HTTP."""

BEGINNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
STAFF = {
    "ilse": ("Ilse Okonjo", (Role.AGENT,)),
    "dario": ("Dario Nkemelu", (Role.AGENT, Role.VERIFIER)),
    "wen": ("Wen Castellanos", (Role.IAM_DUTY,)),
    "noor": ("Noor Haraldsen", (Role.SECURITY_DUTY,)),
    "hanne": ("Hanne Duarte", (Role.EXECUTOR,)),
    "rafael": ("Rafael Imanov", (Role.REVIEWER,)),
    "paula": ("Paula Ekström", (Role.POLICY_AUTHOR,)),
    "nobody": ("Nils Nobody", ()),
    "mara": ("Mara Lindqvist", ()),
    "tomas": ("Tomas Adeyemi", ()),
}
"""Login, name and roles, in every unit."""


class Organisation:
    """One running Watchword with people in it, behind a real server; `at` moves only when a test says so.

    With a *port* it is served at its own public address, which is where passkeys are made.
    """

    def __init__(self, home: Path, *, port: int = 0) -> None:
        self.home = home
        self.open = ExitStack()
        self.at = BEGINNING
        self.wall = BEGINNING
        self.app = composition.App(load(home / "watchword.toml"), clock=lambda: self.at)
        sandbox = self.app.directories["sandbox"]
        assert isinstance(sandbox, Sandbox)
        self.sandbox = sandbox
        sessions = Sessions(self.app.people.sign_in_of, clock=lambda: self.wall)
        throttle = Throttle(clock=lambda: self.wall)
        self.afterwards = Afterwards()
        self.console = create_console(self.app, sessions=sessions, throttle=throttle, afterwards=self.afterwards)
        self.open.callback(self.app.close)
        self.url = self.open.enter_context(served(self.console, port))

    def passes(self, **length: float) -> None:
        """Let time pass, and do what became due."""
        self.at += timedelta(**length)
        self.works()

    def confirm_key(self, login: str) -> None:
        """Have a second administrator confirm the latest passkey of *login*."""
        root, person = self.app.names.person("root"), self.app.names.person(login)
        second = self.app.people.register(root, login="olaf", name="Olaf Wren", kind=Kind.EMPLOYEE, unit="", at=self.at)
        self.app.people.grant(root, second, RoleGrant(role=Role.ADMINISTRATOR), self.at)
        key = self.app.registry.person(person).credentials_of("passkey")[-1]
        self.app.people.confirm_credential(second, person, key.id, fingerprint(key), self.at)

    def works(self) -> None:
        """Do what is due now."""
        self.app.tick()

    def client(self) -> httpx2.Client:
        """A browser with no session."""
        return self.open.enter_context(httpx2.Client(base_url=self.url, timeout=30, verify=TLS))

    def listener(self, case: str, client: httpx2.Client | None = None) -> httpx2.Client:
        """The browser of somebody who has heard the word of *case* from the desk and tapped it on their page."""
        browser, token = client or self.client(), self.app.desk.hand_over.page_token(CaseId(case))
        first, _ = countersign.pair(self.app, CaseId(case))
        browser.post(f"/api/caller/{case}/{token}/check", json={"word": first}).raise_for_status()
        return browser

    def sign_in(self, login: str) -> Staff:
        """A browser with a session."""
        return Staff(self.client(), login)

    def code(self, channel: str) -> str:
        """The code in the latest message that went out over *channel*."""
        assert self.app.outbox is not None
        texts = [
            m.text
            for m in self.app.outbox.sent()
            if m.channel == channel and (channel != "mail" or "case" in m.subject)
        ]
        digits = re.findall(r"\d(?:[ ,.]*\d){5,7}", texts[-1])
        return re.sub(r"\D", "", digits[-1])


@contextmanager
def served(console: Litestar, port: int = 0) -> Iterator[str]:
    """*console* on a port of loopback, a free one where none is named, as its address."""
    server = uvicorn.Server(uvicorn.Config(console, port=0, log_config=None, lifespan="on", timeout_keep_alive=IDLE_S))
    listening = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://localhost:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def found(home: Path) -> None:
    """The organisation as it is before anything happens."""
    settings = load(composition.init(home, origin="example.test/desk"))
    composition.found(settings, administrator="root", password=PASSWORD, at=BEGINNING)
    with composition.App(settings, clock=lambda: BEGINNING) as app:
        sandbox = app.directories["sandbox"]
        assert isinstance(sandbox, Sandbox)
        sandbox.seed(
            (
                Seed(login="t.adeyemi", display_name="Tomas Adeyemi", mail="t.adeyemi@example.test"),
                Seed(
                    login="m.lindqvist",
                    display_name="Mara Lindqvist",
                    manager="t.adeyemi",
                    mail="m.lindqvist@example.test",
                    phone="+4420794604417",
                    factors=("otp-8841",),
                ),
            )
        )
        root = app.names.person("root")
        for login, (name, roles) in STAFF.items():
            person = app.people.register(root, login=login, name=name, kind=Kind.EMPLOYEE, unit="", at=BEGINNING)
            for role in roles:
                app.people.grant(root, person, RoleGrant(role=role), BEGINNING)
            app.people.set_password(root, person, PASSWORD, BEGINNING)
        for login, account in (("tomas", "t.adeyemi"), ("mara", "m.lindqvist")):
            seen = app.desk.intake.find("sandbox", account)
            app.people.link(root, app.names.person(login), "sandbox", seen.native_id, BEGINNING)


class Staff:
    """Somebody signed in; their requests carry the token."""

    def __init__(self, client: httpx2.Client, login: str) -> None:
        self.client = client
        answer = client.post("/api/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        client.get("/api/session")

    @property
    def token(self) -> str:
        """The CSRF token of this browser."""
        return str(self.client.cookies["csrftoken"])

    def get(self, path: str) -> Any:
        """What *path* answers."""
        return self.client.get(path, follow_redirects=False)

    def post(self, path: str, body: Any = None) -> Any:
        """What *path* answers to JSON."""
        return self.client.post(path, json=body, headers={"x-csrftoken": self.token})

    def form(self, path: str, **fields: str) -> Any:
        """What *path* answers to a form."""
        return self.client.post(path, data={"_csrf_token": self.token, **fields}, follow_redirects=False)
