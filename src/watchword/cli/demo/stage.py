"""The stage: a ledger founded for the play, the organisation in its directory, its people known and enrolled."""

from __future__ import annotations

import re
import secrets
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from watchword.app import App, found, init, wall_clock
from watchword.cli.client import Client
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.cli.demo.cast import Caller, Staff, StoryClock
from watchword.cli.demo.directories import Place
from watchword.cli.demo.organisation import EVERYTHING, MAIL, PEOPLE, Member, phone_of
from watchword.core.ids import PersonId
from watchword.core.person import Credential, RoleGrant
from watchword.directories.sandbox import Sandbox, Seed
from watchword.settings import Settings, load

ADMINISTRATOR = "demo.admin"
ORIGIN = f"{MAIL}/demo"


class Stage:
    """Everything the story needs; the password of all staff is one random word, shown once."""

    def __init__(self, home: Path, place: Place, *, port: int) -> None:
        self.home = home
        self.clock = StoryClock(wall_clock)
        self.password = secrets.token_urlsafe(12)
        self.directory = place.name
        config = init(home, origin=ORIGIN, port=port)
        if place.settings is not None:
            config.write_text(_with_directory(config.read_text(), place.settings))
        self.settings: Settings = load(config)
        self.administrator, self.policy = found(
            self.settings, administrator=ADMINISTRATOR, password=self.password, at=self.clock()
        )
        self.app = App(self.settings, clock=self.clock)
        self._close = ExitStack()
        self._close.callback(self.app.close)
        self.people: dict[str, PersonId] = {}
        self.seeds: dict[str, bytes] = {}
        self.keys: dict[str, SoftAuthenticator] = {}
        self.place: Place = place

    @property
    def sandbox(self) -> Sandbox | None:
        """The simulated directory, when the story plays on it."""
        reached = self.app.directories[self.directory]
        return reached if isinstance(reached, Sandbox) else None

    def populate(self) -> None:
        """Put the organisation into the sandbox; a real directory has it already."""
        if self.sandbox is not None:
            old = self.clock() - timedelta(days=400)
            self.sandbox.seed(tuple(_seed(member, old) for member in EVERYTHING))

    def know(self) -> None:
        """Make the people known to Watchword: roles, accounts, and how they prove who they are."""
        people, at = self.app.people, self.clock
        for member in PEOPLE:
            person = people.register(
                self.administrator, login=member.login, name=member.name, kind=member.kind, unit=member.unit, at=at()
            )
            self.people[member.login] = person
            native = self.app.desk.intake.find(self.directory, member.login).native_id
            people.link(self.administrator, person, self.directory, native, at())
            for role in member.roles:
                people.grant(self.administrator, person, RoleGrant(role=role), at())
        for member in EVERYTHING:
            # Read again now that everybody is known, so that managers and owners of record are people.
            self.app.registry.observe(self.app.desk.intake.find(self.directory, member.login), self.administrator, at())

    def enrol_totp(self, login: str) -> None:
        """Give somebody an authenticator app."""
        seed, _ = self.app.totp.enrol(login)
        credential = Credential(id=self.app.ledger.pseudonym("k"), method="totp", enrolled_at=self.clock())
        self.app.people.enrol(self.administrator, self.people[login], credential, seed.hex(), self.clock())
        self.seeds[login] = seed

    def enrol_passkey(self, login: str) -> None:
        """Give somebody a passkey, made by a software authenticator as a browser would."""
        person, challenge = self.people[login], self.app.ledger.pseudonym("h")
        key = SoftAuthenticator(self.settings.console.public_url.rstrip("/"))
        options = self.app.passkey.enrolment_options(challenge=challenge, person=person, login=login)
        public = self.app.passkey.enrol(challenge=challenge, person=person, answer=key.create(options))
        credential = Credential(
            id=self.app.ledger.pseudonym("k"), method="passkey", enrolled_at=self.clock(), public=public
        )
        self.app.people.enrol(self.administrator, person, credential, None, self.clock())
        self.keys[login] = key

    def let_sign_in(self, *logins: str) -> None:
        """Give staff their local sign-in."""
        for login in logins:
            self.app.people.set_password(self.administrator, self.people[login], self.password, self.clock())

    def staff(self, url: str, login: str) -> Staff:
        """Somebody, signed in at the API."""
        member = next(m for m in PEOPLE if m.login == login)
        client = Client.sign_in(url, login, self.password)
        self._close.callback(client.close)
        return Staff(client, login, member.name, self.keys.get(login))

    def caller(self, url: str, login: str) -> Caller:
        """Somebody at their own page, with the app and key they enrolled."""
        client = Client.anonymous(url)
        self._close.callback(client.close)
        caller = Caller(client, self.clock)
        caller.seed = self.seeds.get(login)
        caller.key = self.keys.get(login)
        return caller

    def code_sent_to(self, login: str, method: str) -> str | None:
        """The code in the latest message to somebody's address or number of record; None while none came."""
        assert self.app.outbox is not None
        member = next(m for m in PEOPLE if m.login == login)
        to = f"{member.login}@{MAIL}" if method == "mail_code" else phone_of(member)
        codes = [code for sent in self.app.outbox.sent(to) if (code := _code_in(sent.text))]
        return codes[-1] if codes else None

    @property
    def keeps_factors(self) -> bool:
        """Whether the directory has factors that can be reset."""
        return "reset_factors" in self.app.directories[self.directory].capabilities()

    def lock(self, login: str) -> None:
        """Lock an account out, as too many wrong passwords do."""
        self.place.lock(self.app, login)

    def reset_by_hand(self, login: str) -> None:
        """Reset a password behind Watchword's back."""
        self.place.reset_by_hand(self.app, login)

    def sign_in(self, login: str, password: str) -> str:
        """What the directory says to a sign-in."""
        return self.place.sign_in(self.app, login, password)

    def close(self) -> None:
        """Let go of everything."""
        self._close.close()


def _code_in(text: str) -> str | None:
    """The eight digits of a message's code, however they are grouped."""
    found = re.search(r"(?:\d[ ,.]*){8}", text)
    return "".join(c for c in found.group() if c.isdigit()) if found else None


def _seed(member: Member, contacts_changed_at: datetime) -> Seed:
    person = member in PEOPLE
    return Seed(
        login=member.login,
        display_name=member.name,
        groups=(member.group,),
        unit=member.unit,
        manager=member.manager,
        owner=member.owner,
        second_owner=member.second_owner,
        sponsor=member.manager,
        mail=f"{member.login}@{MAIL}" if person else None,
        phone=phone_of(member) if person else None,
        contacts_changed_at=contacts_changed_at,
        factors=member.factors,
    )


def _with_directory(config: str, section: str) -> str:
    """The example settings with another directory, and its log, in place of the sandbox."""
    start, mail, watch = (config.index(part) for part in ("[[directories]]", "[mail]", "[watch]"))
    return f"{config[:start]}{config[mail:watch]}{section}"
