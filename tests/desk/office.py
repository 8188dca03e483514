"""A small organisation on the sandbox: people by login, accounts of every kind, a clock that moves when told to."""

from __future__ import annotations

import base64
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyotp
from joserfc import jwe
from joserfc.jwk import ECKey

from watchword.app import App, found, init
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core import command as do
from watchword.core.action import Action
from watchword.core.case import Asked, Case, Released, state_of
from watchword.core.change import Change, ResetPassword
from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.person import Credential, Kind, Role, RoleGrant
from watchword.core.requirement import Context
from watchword.desk.decisions import request_digest
from watchword.desk.effects import Caps
from watchword.desk.intake import Wish
from watchword.desk.people import APPROVING, fingerprint
from watchword.directories.sandbox import Sandbox, Seed
from watchword.ledger.audit import Report
from watchword.ledger.fsck import fsck
from watchword.methods.video import drawn
from watchword.policy.procedures import DEFAULT
from watchword.settings import Settings, load

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG_AGO = MONDAY - timedelta(days=400)

STAFF: dict[str, tuple[Role, ...]] = {
    "ada.agent": (Role.AGENT,),
    "ben.agent": (Role.AGENT,),
    "rae.release": (Role.EXECUTOR,),
    "sam.security": (Role.SECURITY_DUTY,),
    "ivy.iam": (Role.IAM_DUTY,),
    "rex.review": (Role.REVIEWER,),
    "cleo.custodian": (Role.CUSTODIAN,),
    "cato.custodian": (Role.CUSTODIAN,),
    "paul.platform": (Role.PLATFORM_SECURITY,),
    "dora.ciso": (Role.CISO_DELEGATE,),
    "ann.author": (Role.POLICY_AUTHOR,),
}
"""Who works here, and as what."""

SECOND = "otto.admin"
"""The second administrator, where signatures are asked for: who confirms what the first one enrolled."""

OWNERS = ("boss.one", "mara.lind", "noah.berg", "eve.exec", "piet.priv", "olga.owner")
"""People with an account of their own, each with a passkey and an authenticator app."""


def seeds() -> tuple[Seed, ...]:
    """Every account of the directory."""

    def of(login: str, *groups: str, manager: str | None = "boss.one", owner: str | None = None) -> Seed:
        return Seed(
            login=login,
            display_name=login.replace(".", " ").title(),
            groups=groups,
            unit="sales",
            mail=f"{login}@example.test",
            phone="+493012345" + str(100 + sum(map(ord, login)) % 900),
            contacts_changed_at=LONG_AGO,
            factors=("authenticator_app", "security_key"),
            manager=manager,
            owner=owner,
            password="the old secret of it",
        )

    return (
        of("boss.one", "All Staff", manager=None),
        of("mara.lind", "All Staff"),
        of("noah.berg", "All Staff"),
        of("eve.exec", "All Staff", "Executives"),
        of("piet.priv", "Administrators"),
        of("olga.owner", "All Staff"),
        of("svc.backup", "Service Accounts", manager=None, owner="olga.owner"),
        of("sealed.one", "Break Glass", manager=None),
        of("temp.nobody"),
        Seed(login="twin.a", display_name="Alex Twin"),
        Seed(login="twin.b", display_name="Alex Twin"),
        Seed(login="kept.apart", display_name="Kept Apart", protected="the directory keeps it apart"),
    )


class Keys:
    """What people carry with them: authenticator apps, passkeys. Made once, used with every copy of the office."""

    def __init__(self, other: Keys | None = None) -> None:
        self.apps: dict[str, bytes] = dict(other.apps) if other else {}
        self.passkeys: dict[str, SoftAuthenticator] = dict(other.passkeys) if other else {}
        self.codes: dict[str, tuple[str, ...]] = dict(other.codes) if other else {}


class Office:
    """Watchword in a folder of its own, with everybody in it; `at` is the time."""

    def __init__(self, home: Path, keys: Keys, *, at: datetime = MONDAY, caps: Caps | None = None) -> None:
        self.home = home
        self.keys = keys
        self.at = at
        self.settings: Settings = load(home / "watchword.toml")
        self.app = self._start(caps)
        self.tampered = False
        self.browsers: dict[CaseId, ECKey] = {}
        self.held: dict[CaseId, str] = {}

    @classmethod
    def build(cls, home: Path, url: str = "sqlite:///ledger.db") -> Office:
        """Found the office in *home* and let everybody in."""
        settings = load(init(home, origin="example.test/office", url=url))
        administrator, _ = found(settings, administrator="root.admin", password="correct horse battery", at=MONDAY)
        office = cls(home, Keys())
        office._hire(administrator)
        office.run()  # everybody is told what was enrolled for them
        return office

    def copy(self, home: Path, *, caps: Caps | None = None) -> Office:
        """Another office that is the same so far; this one has to be closed."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return Office(home, Keys(self.keys), caps=caps)

    def _hire(self, administrator: PersonId) -> None:
        people, directory = self.app.people, self.directory
        directory.seed(seeds())
        for login in (*STAFF, *OWNERS):
            person = people.register(
                administrator, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=self.at
            )
            for role in STAFF.get(login, ()):
                people.grant(administrator, person, RoleGrant(role=role), self.at)
        for login in OWNERS:
            people.link(administrator, self[login], "sandbox", self.native(login), self.at)
        for login in (*OWNERS, "cleo.custodian", "cato.custodian"):
            self._enrol(administrator, login)

    def link(self, *logins: str) -> None:
        """Say that behind each of these accounts stands somebody of their own, who has no role here."""
        people, administrator = self.app.people, self["root.admin"]
        for login in logins:
            person = people.register(
                administrator, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=self.at
            )
            people.link(administrator, person, "sandbox", self.native(login), self.at)

    def _enrol(self, administrator: PersonId, login: str) -> None:
        person = self[login]
        seed = self.keys.apps[login] = pyotp.random_base32().encode()[:20]
        totp = Credential(id=self.app.ledger.pseudonym("k"), method="totp", enrolled_at=self.at)
        self.app.people.enrol(administrator, person, totp, seed.hex(), self.at)
        authenticator = self.keys.passkeys[login] = SoftAuthenticator(self.origin, counts=False)
        self.enrol(login, authenticator.create)

    def enrol(self, login: str, create: Callable[[str], str]) -> None:
        """Enrol the passkey that *create*, a browser's own or one in software, makes for these options."""
        passkey, person = self.app.passkey, self[login]
        challenge = self.app.ledger.pseudonym("e")
        options = passkey.enrolment_options(challenge=challenge, person=person, login=login)
        public = passkey.enrol(challenge=challenge, person=person, answer=create(options))
        credential = Credential(id=self.app.ledger.pseudonym("k"), method="passkey", enrolled_at=self.at, public=public)
        self.app.people.enrol(self["root.admin"], person, credential, None, self.at)
        self.confirm(login)

    def confirm(self, login: str) -> None:
        """Have a second administrator, where there is one, confirm every key of *login* that nobody has."""
        if not self.app.names.has_person(SECOND):
            return
        for held in self.app.registry.person(self[login]).credentials:
            if held.method in APPROVING and held.confirmed_by is None:
                self.app.people.confirm_credential(self[SECOND], self[login], held.id, fingerprint(held), self.at)

    def save_codes(self, login: str, *, by: str = "root.admin") -> str:
        """Have *login* open the page of a new set of recovery codes, and keep them; returns the link's token."""
        link = self.app.saved_codes.link(self[by], self[login], self.at)
        self.keys.codes[login] = self.app.saved_codes.open(link.token, link.code, self.at)
        return link.token

    # --- who and what ------------------------------------------------------------------------------------------------

    def __getitem__(self, login: str) -> PersonId:
        return self.app.names.person(login)

    @property
    def origin(self) -> str:
        """The page passkeys are bound to."""
        return self.settings.console.public_url

    @property
    def directory(self) -> Sandbox:
        """The simulated directory."""
        found = self.app.directories["sandbox"]
        assert isinstance(found, Sandbox)
        return found

    def native(self, login: str) -> str:
        """The directory's own id of an account."""
        return self.directory.find(login)[0].native_id

    def version(self, login: str, change: Change | None = None) -> int:
        """How often the directory changed what *change* touches (a password, when not given)."""
        touched = change or ResetPassword(account=AccountId(""))
        return int(self.directory.before(self.native(login), touched).partition("=")[2])

    def case(self, case: CaseId) -> Case:
        """The case as its entries say."""
        return self.app.desk.steps.load(case).case

    def state(self, case: CaseId) -> str:
        """Its state in words."""
        return state_of(self.case(case))

    def types(self, case: CaseId) -> list[str]:
        """The types of its entries, in order."""
        return [e.entry.type for e in self.app.ledger.read(f"case/{case}")]

    def tamper_directory(self, statement: str) -> None:
        """Run SQL on the sandbox's database: what an administrator of the directory can do without Watchword."""
        with sqlite3.connect(self.home / "sandbox.db", isolation_level=None) as connection:
            connection.execute(statement)
        connection.close()

    def restart(self, *, caps: Caps | None = None) -> None:
        """End the process, as far as Watchword can tell, and start another."""
        self.close()
        self.app = self._start(caps)

    def _start(self, caps: Caps | None = None) -> App:
        return App(self.settings, clock=lambda: self.at, caps=caps)

    def fsck(self) -> Report:
        """Close, and check the whole ledger."""
        self.close()
        return fsck(self.settings.database, self.app.signing_key.vkey, self.app.keys)

    def tamper(self, statement: str, **values: object) -> int:
        """Run SQL on the ledger's database while nobody has it open, then start again; returns the rows met."""
        self.tampered = True
        self.close()
        with sqlite3.connect(self.home / "ledger.db", isolation_level=None) as connection:
            met = connection.execute(statement, values).rowcount
        connection.close()
        self.app = self._start()
        return met

    # --- time and the runner -----------------------------------------------------------------------------------------

    def wait(self, **span: float) -> None:
        """Let time pass; nothing is done in it."""
        self.at += timedelta(**span)

    def run(self) -> int:
        """Do everything that is due now."""
        return self.app.tick()

    def pass_by(self, **span: float) -> None:
        """Let time pass, then do what became due."""
        self.wait(**span)
        self.run()

    # --- steps -------------------------------------------------------------------------------------------------------

    def open(
        self,
        login: str = "mara.lind",
        action: Action = Action.PASSWORD_RESET,
        *,
        agent: str = "ada.agent",
        ticket: str | None = "INC-1",
        origin: str | None = None,
        context: Context = Context(),  # noqa: B008  (a frozen value)
        **wish: object,
    ) -> CaseId:
        """Take a request in, with its ticket."""
        asked = msgspec.convert({"action": action, **wish}, Wish)
        case = self.app.desk.intake.open(
            self[agent],
            directory="sandbox",
            query=login,
            wish=asked,
            context=context,
            origin=origin,
            reason="says so",
            at=self.at,
        )
        if ticket:
            self.app.desk.intake.link_ticket(self[agent], case, ticket, self.at)
        return case

    def begin(self, case: CaseId, method: str, *, agent: str = "ben.agent", custodian: str | None = None) -> str:
        """Start a method at the desk; returns the challenge."""
        named = self[custodian] if custodian else None
        challenge, _ = self.app.desk.verification.begin(self[agent], case, method, self.at, custodian=named)
        return challenge

    def answer(self, case: CaseId, challenge: str, answer: str, *, agent: str | None = None) -> str:
        """Answer it: as the person, or as the *agent* who attests."""
        if agent is None:
            return self.app.desk.hand_over.answer(case, challenge, answer, self.held.get(case, ""), self.at)
        return self.app.desk.verification.answer(case, challenge, answer, self.at, attesting=self[agent])

    def enter(self, case: CaseId, value: str = "+493055500199", *, browser: str | None = None) -> str:
        """Have the person enter the new contact point on their own page; returns what their browser keeps of it.

        In another *browser* where one is named by what it shows: none that was ever bound shows nothing.
        """
        shown = self.held.get(case, "") if browser is None else browser
        kept = self.app.desk.new_contact.enter(case, value, shown, self.at)
        self.held[case] = kept
        return kept

    def prove(
        self, case: CaseId, method: str, *, agent: str = "ben.agent", who: str = "", custodian: str | None = None
    ) -> None:
        """Have the person (*who*, when it is not whose account it is) prove themself."""
        challenge = self.begin(case, method, agent=agent, custodian=custodian)
        attests = agent if method in ("in_person", "video") else None
        self.answer(case, challenge, self.right(case, challenge, custodian or who), agent=attests)

    def right(self, case: CaseId, challenge: str, who: str = "") -> str:
        """The right answer to a challenge, as the person would find it."""
        owner = who or self.login_of(case)
        port, ask = self.app.desk.verification.ask_of(self.case(case), challenge, self.at)
        if port.name == "totp":
            return self.totp(owner)
        if port.name in ("mail_code", "call_code", "sms_code"):
            self.run()
            digits = re.findall(r"\d", self.delivered(case, challenge).partition("Case")[0])
            return "".join(digits[:8])
        if port.name == "recovery_code":
            return self.keys.codes[owner][3]
        if port.name == "in_person":
            return "passport, front desk"
        if port.name == "video":
            return f"seen, {' '.join(drawn(ask)[0])}"
        return self.keys.passkeys[owner].get(port.begin(ask).show_caller or "")

    def totp(self, login: str) -> str:
        """What the person's authenticator app shows now."""
        code: str = pyotp.TOTP(base64.b32encode(self.keys.apps[login]).decode()).at(self.at)
        return code

    def delivered(self, case: CaseId, challenge: str) -> str:
        """The text that went out last to a contact point of the account."""
        assert self.app.outbox is not None
        _, ask = self.app.desk.verification.ask_of(self.case(case), challenge, self.at)
        assert ask.contact is not None
        return [
            sent.text
            for sent in self.app.outbox.sent(ask.contact.value)
            if "code" in sent.text and not sent.subject.startswith("A way to show")
        ][-1]

    def login_of(self, case: CaseId) -> str:
        """Whose account a case is about."""
        _, native = self.app.registry.native_id(self.case(case).account)
        return self.directory.read(native).login

    def ask(self, case: CaseId, *, agent: str = "ben.agent") -> None:
        """Say that verification is complete."""
        self.app.desk.verification.ask(self[agent], case, self.at)

    def digest(self, case: CaseId) -> str:
        """What an approver's screen shows."""
        now = self.case(case)
        assert isinstance(now, Asked)
        return request_digest(now.request)

    def approve(self, case: CaseId, *who: str) -> None:
        """Have each of *who* say yes to what the case asks now."""
        for login in who:
            self.app.desk.decisions.approve(self[login], case, self.digest(case), f"session of {login}", self.at)

    def sign(self, case: CaseId, login: str, *, by: str = "", **fault: Any) -> None:
        """Have *login* sign what the case asks now; with the authenticator of *by*, or not as it should be."""
        asked = self.app.desk.approvals.options(self[login], case, self.at)
        answer = self.keys.passkeys[by or login].get(asked.options, **fault)
        approve = self.app.desk.decisions.approve
        approve(self[login], case, self.digest(case), f"session of {login}", self.at, assertion=answer)

    def admit_all(self) -> None:
        """Activate a policy on whose rungs every method counts that has the weight."""
        self.adopt(r",?\n? *forbid: \[[^\]]*\]", "")

    def demand_signatures(self) -> None:
        """Activate a policy whose approvals are signed; a second administrator confirms everybody's keys."""
        people, administrator = self.app.people, self["root.admin"]
        second = people.register(administrator, login=SECOND, name=SECOND, kind=Kind.EMPLOYEE, unit="desk", at=self.at)
        people.grant(administrator, second, RoleGrant(role=Role.ADMINISTRATOR), self.at)
        for login in self.keys.passkeys:
            self.confirm(login)
        self.adopt(r"^(  A\w+: +\{)", r"\1signed: true, ")

    def demand_witnesses(self) -> None:
        """Activate a policy that wants the evidence of every cell cosigned."""
        self.adopt(r"^(    \w+: +\{)verify:", r"\1cosigned: true, verify:")

    def adopt(self, pattern: str, new: str) -> None:
        """Activate the shipped policy, with *new* in the place of each *pattern* of its procedures."""
        folder = self.home / "policy"
        shutil.copytree(DEFAULT, folder)  # type: ignore[arg-type]  # a folder on disk, as installed
        table = folder / "procedures.yaml"
        table.write_text(re.sub(pattern, new, table.read_text(), flags=re.MULTILINE))
        config = self.home / "watchword.toml"
        config.write_text(f'policy = "policy"\n{config.read_text()}')
        self.close()
        self.settings = load(config)
        self.app = self._start()
        self.activate()

    def activate(self, first: str = "root.admin", second: str = "ann.author") -> str:
        """Have two authors make the policy on disk the active one."""
        life = self.app.activation
        proposed = life.propose(self[first], f"session of {first}", self.at)
        return life.activate(self[second], proposed.digest, f"session of {second}", self.at)

    def release(self, case: CaseId, *, who: str = "rae.release", changes: Sequence[Change] | None = None) -> None:
        """Let the executor act."""
        believed = None if changes is None else tuple(changes)
        self.app.desk.decisions.release(self[who], case, self.at, believed)

    def browse(self, case: CaseId) -> None:
        """Open the person's own page, whose browser makes the hand-over key."""
        key = ECKey.generate_key("P-256")
        jwk = msgspec.json.encode(key.as_dict(private=False)).decode()
        self.held[case] = self.app.desk.hand_over.open(case, jwk, self.at)
        self.browsers[case] = key

    def take(self, case: CaseId, method: str = "passkey", *, who: str = "") -> str:
        """Prove once more, and open the sealed credential in the browser."""
        browser = self.held.get(case, "")
        challenge, _ = self.app.desk.hand_over.reprove(case, method, browser, self.at)
        self.answer(case, challenge, self.right(case, challenge, who))
        (envelope,) = self.app.desk.hand_over.take(case, browser, self.at)
        opened = jwe.decrypt_compact(envelope, self.browsers[case]).plaintext
        assert opened is not None
        return opened.decode()

    # --- whole ways --------------------------------------------------------------------------------------------------

    def released(self, login: str = "mara.lind", **how: str) -> CaseId:
        """A password reset of a standard account that the executor may do now."""
        case = self.open(login, **how)  # type: ignore[arg-type]  # only names of people
        self.prove(case, "passkey")
        self.ask(case)
        self.release(case)
        self.browse(case)
        assert isinstance(self.case(case), Released)
        return case

    def crash_before_apply(self, case: CaseId) -> None:
        """Have an executor claim the change, write that it starts, and end before the directory hears of it."""
        now = self.case(case)
        steps, ledger = self.app.desk.steps, self.app.ledger
        (row,) = ledger.claim(self.at, "another executor", timedelta(seconds=60), ("change",))
        before = self.directory.before(self.native(self.login_of(case)), now.changes[0])
        start = do.Start(number=0, effect=row.id, executor=steps.executor, before=before)
        steps.system_step(case, lambda _: start, self.at)

    def fail(self, case: CaseId, method: str = "totp", *, agent: str = "ben.agent") -> None:
        """Have a caller fail: three wrong answers, or no document where they are looked at."""
        challenge = self.begin(case, method, agent=agent)
        if method == "in_person":
            refused(lambda: self.answer(case, challenge, "none, front desk", agent=agent))
            return
        for _ in range(3):
            refused(lambda: self.answer(case, challenge, "000000"))

    def close(self) -> None:
        """Let go of everything."""
        for directory in self.app.directories.values():
            assert isinstance(directory, Sandbox)
            directory.close()
        if self.app.outbox is not None:
            self.app.outbox.close()
        self.app.close()


def refused(step: Callable[[], object]) -> tuple[str, ...]:
    """Take *step*, which has to be refused; returns the reasons."""
    try:
        step()
    except Refused as refusal:
        return refusal.reasons
    raise AssertionError("that was not refused")
