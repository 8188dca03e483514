"""A desk on the real domain: Watchword whole, from its settings file, with people who work at it and one clock."""

from __future__ import annotations

import base64
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

import msgspec
import pyotp
from joserfc import jwe
from joserfc.jwk import ECKey

from tools.samba_demo import DIRECTORY, settings_of
from tools.samba_rig import BASE, SambaDomain
from watchword.app import App, found, init, wall_clock
from watchword.core.action import Action
from watchword.core.case import Case, state_of
from watchword.core.change import Change, Receipt
from watchword.core.identity_event import Verdict
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Credential, Kind, Role, RoleGrant
from watchword.core.requirement import Context
from watchword.desk.effects import RECEIPT
from watchword.desk.intake import Wish
from watchword.directories.port import Directory
from watchword.settings import Settings, load
from watchword.watch.settling import SETTLES
from watchword.watch.verdicts import VerdictRow

STAFF = {"ada.agent": Role.AGENT, "ben.agent": Role.AGENT, "rae.release": Role.EXECUTOR}
EVERYONE = f"CN=Domain Users,CN=Users,{BASE}"
APP_STEP = timedelta(seconds=30)


class Named(Protocol):
    """A real directory that knows the DN of each login."""

    def dn(self, login: str) -> str:
        """The DN of the account with this login."""


class CorpDesk:
    """Watchword in *home*, over the domain's own log; its time is the wall clock's and what was skipped.

    *text* has the settings of the directory and the watch.
    """

    def __init__(self, home: Path, domain: Named, text: str) -> None:
        self.domain = domain
        self.settings = _settings(home, text)
        self.skipped = timedelta(0)
        self.administrator, _ = found(
            self.settings, administrator="root.admin", password="correct horse battery", at=self.now()
        )
        self.app = App(self.settings, clock=self.now)
        self._seeds: dict[str, str] = {}
        self._browsers: dict[CaseId, ECKey] = {}
        self._held: dict[CaseId, str] = {}
        for login, role in STAFF.items():
            self.app.people.grant(self.administrator, self._register(login), RoleGrant(role=role), self.now())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.app.outbox is not None:
            self.app.outbox.close()
        self.app.close()

    def __getitem__(self, login: str) -> PersonId:
        return self.app.names.person(login)

    def now(self) -> datetime:
        """The time."""
        return wall_clock() + self.skipped

    def skip(self, span: timedelta) -> None:
        """Let time pass, which the controller's clock does not: within what the watch allows clocks to differ."""
        self.skipped += span

    @property
    def directory(self) -> Directory:
        """The adapter, bound as the executor: what it does without a case, the bind account does."""
        return self.app.directories[DIRECTORY]

    def native(self, login: str) -> str:
        """The object GUID of an account."""
        return self.directory.find(login)[0].native_id

    def know(self, login: str) -> str:
        """Make the owner of an account known, with an authenticator app; returns the login."""
        person = self._register(login)
        self.app.people.link(self.administrator, person, DIRECTORY, self.native(login), self.now())
        seed, _ = self.app.totp.enrol(login)
        app = Credential(id=self.app.ledger.pseudonym("k"), method="totp", enrolled_at=self.now())
        self.app.people.enrol(self.administrator, person, app, seed.hex(), self.now())
        self._seeds[login] = base64.b32encode(seed).decode()
        return login

    def _register(self, login: str) -> PersonId:
        return self.app.people.register(
            self.administrator, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=self.now()
        )

    # --- steps -------------------------------------------------------------------------------------------------------

    def open(self, login: str, action: Action, ticket: str = "INC-1") -> CaseId:
        """Take a request in, with its ticket."""
        agent, intake = self["ada.agent"], self.app.desk.intake
        case = intake.open(
            agent,
            directory=DIRECTORY,
            query=login,
            wish=Wish(action=action),
            context=Context(),
            origin=None,
            reason="says so",
            at=self.now(),
        )
        intake.link_ticket(agent, case, ticket, self.now())
        return case

    def released(self, login: str, action: Action = Action.PASSWORD_RESET, ticket: str = "INC-1") -> CaseId:
        """A case whose person typed their code, came to the desk for more than an unlock, and that may be done now."""
        case = self.open(login, action, ticket)
        verification = self.app.desk.verification
        challenge, _ = verification.begin(self["ben.agent"], case, "totp", self.now())
        verification.answer(case, challenge, self._code(login), self.now(), attesting=None)
        if action is not Action.UNLOCK:
            seen, _ = verification.begin(self["ben.agent"], case, "in_person", self.now())
            verification.answer(case, seen, "passport, front desk", self.now(), attesting=self["ben.agent"])
        verification.ask(self["ben.agent"], case, self.now())
        self.app.desk.decisions.release(self["rae.release"], case, self.now())
        return case

    def browse(self, case: CaseId) -> None:
        """Open the person's own page, whose browser makes the hand-over key."""
        key = self._browsers[case] = ECKey.generate_key("P-256")
        self._held[case] = self.app.desk.hand_over.open(
            case, msgspec.json.encode(key.as_dict(private=False)).decode(), self.now()
        )

    def take(self, case: CaseId, login: str) -> str:
        """Type the app's next code, and open the sealed password in the browser."""
        challenge, _ = self.app.desk.hand_over.reprove(case, "totp", self._held[case], self.now())
        code = self._code(login, APP_STEP)  # each code counts once; a phone may be a step ahead
        self.app.desk.verification.answer(case, challenge, code, self.now(), attesting=None)
        (envelope,) = self.app.desk.hand_over.take(case, self._held[case], self.now())
        opened = jwe.decrypt_compact(envelope, self._browsers[case]).plaintext
        assert opened is not None
        return opened.decode()

    def close(self, case: CaseId) -> None:
        """End a case whose work is done."""
        self.app.desk.decisions.close(self["ada.agent"], case, self.now())
        self.app.tick()

    def done(self, login: str, action: Action, ticket: str) -> CaseId:
        """A case whose change was made."""
        case = self.released(login, action, ticket)
        self.app.tick()
        return case

    def by_the_bind_account(self, login: str, change: Change, secret: str | None = None) -> Receipt:
        """Make a change as the executor's own principal, with no regard to any case."""
        return self.directory.apply(self.native(login), change, "none", secret)

    def _code(self, login: str, ahead: timedelta = timedelta(0)) -> str:
        return pyotp.TOTP(self._seeds[login]).at(self.now() + ahead)

    # --- what came of it ---------------------------------------------------------------------------------------------

    def case(self, case: CaseId) -> Case:
        """The case as its entries say."""
        return self.app.desk.steps.load(case).case

    def state(self, case: CaseId) -> str:
        """Its state in words."""
        return state_of(self.case(case))

    def entries(self, case: CaseId) -> dict[int, str]:
        """The types of its entries, by leaf index."""
        return {a.seq: a.entry.type for a in self.app.ledger.read(f"case/{case}")}

    def receipt(self, case: CaseId) -> Receipt:
        """The directory's proof of its last change."""
        ended = [a for a in self.app.ledger.read(f"case/{case}") if a.entry.type == "change.ended"]
        return msgspec.json.decode(self.app.ledger.disclosures(ended[-1])[RECEIPT], type=Receipt)

    def verdicts(self, login: str) -> tuple[VerdictRow, ...]:
        """What the watch says of an account's events that owe evidence, newest first, once it has read all there is."""
        self.app.follow()
        self.watch()
        return self._board(login)

    def watch(self) -> None:
        """Have the watch read all there is, and tell what waited for evidence as well."""
        self.app.watch()
        time.sleep(SETTLES.total_seconds())
        self.app.watch()

    def verdict(self, login: str) -> VerdictRow:
        """The one verdict there is."""
        (row,) = self.verdicts(login)
        return row

    def await_verdict(self, login: str, *, until: Verdict | None = None, seconds: float = 10) -> VerdictRow:
        """Wait, while somebody else watches, for the newest verdict on an account, or for that it is *until*."""
        end = time.monotonic() + seconds
        rows: tuple[VerdictRow, ...] = ()
        while time.monotonic() < end:
            rows = self._board(login)
            if rows and until in (None, rows[0].verdict):
                return rows[0]
            time.sleep(0.05)
        raise TimeoutError(f"no such verdict on {login} within {seconds} s, only {rows}")

    def _board(self, login: str) -> tuple[VerdictRow, ...]:
        dn = self.domain.dn(login).lower()
        return tuple(row for row in self.app.board() if row.target.lower() == dn and row.verdict is not Verdict.IGNORED)


def samba_settings(domain: SambaDomain) -> str:
    """The directory and the watch of a domain in which everybody is of one class."""
    return settings_of(domain, {EVERYONE: "standard"})


def _settings(home: Path, directory: str) -> Settings:
    """What `watchword init` writes, with the domain and its log in place of the sandbox."""
    config = init(home, origin="example.test/corp")
    text = config.read_text()
    start, mail, watch = (text.index(part) for part in ("[[directories]]", "[mail]", "[watch]"))
    config.write_text(text[:start] + text[mail:watch] + directory)
    return load(config)
