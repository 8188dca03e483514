"""A small organisation behind a real console: its ledger, desk, sandbox directory and sessions, on a clock of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from watchword import app as composition
from watchword.console import create_console
from watchword.core.ids import PersonId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.directories.sandbox import Sandbox, Seed
from watchword.reception.sessions import Sessions, Throttle
from watchword.settings import load

BEGINNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
STAFF = {
    "ilse": ("Ilse Okonjo", (Role.AGENT,)),
    "dario": ("Dario Nkemelu", (Role.AGENT, Role.VERIFIER)),
    "wen": ("Wen Castellanos", (Role.IAM_DUTY,)),
    "noor": ("Noor Haraldsen", (Role.SECURITY_DUTY,)),
    "hanne": ("Hanne Duarte", (Role.EXECUTOR,)),
    "rafael": ("Rafael Imanov", (Role.REVIEWER,)),
    "nobody": ("Nils Nobody", ()),
}
"""Login, name and roles, in every unit."""


class Organisation:
    """One running Watchword with people in it. `at` moves when a test says so, and never by itself."""

    def __init__(self, home: Path) -> None:
        self.open = ExitStack()
        self.at = BEGINNING
        self.wall = BEGINNING
        settings = load(composition.init(home, origin="example.test/desk"))
        composition.found(settings, administrator="root", password=PASSWORD, at=self.at)
        self.app = composition.App(settings, clock=lambda: self.at)
        self.sandbox = self.app.directories["sandbox"]
        assert isinstance(self.sandbox, Sandbox)
        seeds = (
            Seed(login="t.adeyemi", display_name="Tomas Adeyemi", mail="t.adeyemi@example.test"),
            Seed(
                login="m.lindqvist",
                display_name="Mara Lindqvist",
                manager="t.adeyemi",
                mail="m.lindqvist@example.test",
                phone="+4420794604417",
                factors=("otp-8841",),
            ),
            Seed(login="ilse", display_name="Ilse Okonjo", groups=("All Staff", "Identity Control")),
        )
        self.sandbox.seed(seeds)
        self.root = self.app.names.person("root")
        for login, (name, roles) in STAFF.items():
            self.join(login, name, *roles)
        for login, name in (("mara", "Mara Lindqvist"), ("tomas", "Tomas Adeyemi")):
            self.join(login, name)
        self.link("tomas", "t.adeyemi")
        self.link("mara", "m.lindqvist")
        self.sessions = Sessions(clock=lambda: self.wall)
        self.console = create_console(self.app, sessions=self.sessions, throttle=Throttle(clock=lambda: self.wall))

    def join(self, login: str, name: str, *roles: Role) -> PersonId:
        """Somebody new, with a local sign-in."""
        people = self.app.people
        person = people.register(self.root, login=login, name=name, kind=Kind.EMPLOYEE, unit="", at=self.at)
        for role in roles:
            people.grant(self.root, person, RoleGrant(role=role), self.at)
        people.set_password(self.root, person, PASSWORD, self.at)
        return person

    def link(self, login: str, account: str) -> None:
        """Say whose account one is."""
        seen = self.app.desk.intake.find("sandbox", account)
        self.app.people.link(self.root, self.app.names.person(login), "sandbox", seen.native_id, self.at)

    def passes(self, **length: float) -> None:
        """Let time pass, and do what became due."""
        self.at += timedelta(**length)
        self.works()

    def works(self) -> None:
        """Do what is due now."""
        self.app.tick()

    def client(self) -> TestClient[Litestar]:
        """A browser with no session."""
        return self.open.enter_context(TestClient(self.console))

    def sign_in(self, login: str) -> Staff:
        """A browser with a session."""
        return Staff(self.client(), login)

    def code(self, channel: str) -> str:
        """The code in the latest message that went out over *channel*."""
        assert self.app.outbox is not None
        texts = [m.text for m in self.app.outbox.sent() if m.channel == channel]
        found = re.findall(r"\b\d{6,8}\b|\b\d{3} \d{3}\b", texts[-1])
        return found[-1].replace(" ", "")


class Staff:
    """Somebody signed in; their requests carry the token."""

    def __init__(self, client: TestClient[Litestar], login: str) -> None:
        self.client = client
        answer = client.post("/api/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        client.get("/api/session")

    @property
    def token(self) -> str:
        """The CSRF token of this browser."""
        return self.client.cookies["csrftoken"]

    def get(self, path: str) -> Any:
        """What *path* answers."""
        return self.client.get(path, follow_redirects=False)

    def post(self, path: str, body: Any = None) -> Any:
        """What *path* answers to JSON."""
        return self.client.post(path, json=body, headers={"x-csrftoken": self.token})

    def form(self, path: str, **fields: str) -> Any:
        """What *path* answers to a form."""
        return self.client.post(path, data={"_csrf_token": self.token, **fields}, follow_redirects=False)


@pytest.fixture
def organisation(tmp_path: Path) -> Iterator[Organisation]:
    """A fresh organisation."""
    made = Organisation(tmp_path / "home")
    yield made
    made.open.close()
    made.app.close()
