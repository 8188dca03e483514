"""Self-service: a person recovers alone what asks for nobody else, in the same case with the same evidence.

Whoever asks learns nothing of any account before they have proved something. So whatever depends on the account is done
after the answer was given (`open`, `begin`, `answer` return nothing and refuse nobody), and what is answered (`new`,
`ask`, `standing`) takes the same reads whether there is a case or none was ever opened under that name.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec
import structlog

from watchword.core.account import DirectoryAccount
from watchword.core.action import Action
from watchword.core.case import Case, Delivered, Released, Verifying
from watchword.core.errors import Conflict, Invalid, Refused, Unavailable
from watchword.core.facts import ALONE, PORTAL, portal_relations
from watchword.core.fold import fold
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.proving import desk_browser
from watchword.core.requirement import Context, counting, is_young
from watchword.desk.browsers import Visitor
from watchword.desk.desk import Desk
from watchword.desk.intake import Wish
from watchword.desk.posture import demand_self_service
from watchword.desk.recording import case_stream, recorded
from watchword.methods.port import Ask
from watchword.policy.sufficient import sufficient

log = structlog.get_logger("watchword.self_service")

Lost = Literal["password", "unlock"]

LOST: dict[Lost, Action] = {"password": Action.PASSWORD_RESET, "unlock": Action.UNLOCK}
"""What can be asked for alone, by what the page calls it."""

WAYS = ("passkey", "totp", "recovery_code", "mail_code", "call_code", "sms_code")
"""The methods a person can answer alone, on the page; offered alike to everybody, whatever is enrolled."""

BOUND = ("passkey", "totp")
"""Who has none of these enrolled has nothing to begin with: no case is opened."""

UNPROVED, WITHIN = 2, timedelta(days=1)
"""How many cases of one account may be opened alone, within a time, in which nothing was proved.

Each can add one failure to the account, so that this door alone never closes its remote methods (three do).
"""

LONGEST_NAME = 200


class Unnamed(Protocol):
    """A method whose request names no enrolment."""

    def unnamed(self, ask: Ask) -> str:
        """Request options as JSON, the same shape for somebody who has none."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the page asks next: the *challenge* with its *method*, and a passkey's request *options*."""

    challenge: str
    method: str
    options: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far the person got; nothing at all before they have proved something.

    *goes_on*: released, so that their own page is next · *more*: another proof and it goes on by itself, by one of
    *ways*, whatever is enrolled · neither, with something *proved*: the desk takes it from here.
    """

    proved: tuple[str, ...] = ()
    goes_on: bool = False
    more: bool = False
    ways: tuple[str, ...] = ()


class SelfService:
    """The part of Watchword that opens and walks a case for the person, ruled like everybody else."""

    def __init__(self, desk: Desk, passkey: Unnamed) -> None:
        self.desk = desk
        self.steps = desk.steps
        self.passkey = passkey

    @property
    def ways(self) -> tuple[str, ...]:
        """What the page offers."""
        return tuple(name for name in WAYS if name in self.desk.verification.methods)

    # --- what is answered at once: the same for every name -----------------------------------------------------------

    def new(self) -> CaseId:
        """The name of a case that may or may not be opened."""
        return CaseId(self.steps.ledger.pseudonym("c"))

    def token(self, case: CaseId) -> str:
        """What the page of *case* is addressed by."""
        return self.steps.ledger.keyed("self-service-page", case)

    def demand_page(self, case: CaseId, token: str) -> None:
        """Raise `Invalid` unless *token* is that of *case*, whether or not there is such a case."""
        if not hmac.compare_digest(self.token(case).encode(), token.encode()):
            raise Invalid("There is no such page.", "Begin again.", where="page")

    def ask(self, case: CaseId, method: str, at: datetime) -> Asked:
        """A challenge for *method*, which may or may not be begun; `Invalid` for one that is not offered."""
        if method not in self.ways:
            raise Invalid("That is no way to prove it here.", f"Use one of: {', '.join(self.ways)}.", where="method")
        opened = self._opened(case)
        challenge = self.steps.ledger.pseudonym("h")
        account = opened.account if opened else AccountId(f"a-{self.steps.ledger.keyed('self-service-account', case)}")
        options = None
        if method == "passkey":
            ask = Ask(challenge=challenge, case=case, account=account, purpose="verify", at=at)
            options = self.passkey.unnamed(ask)
        return Asked(challenge=challenge, method=method, options=options)

    def standing(self, case: CaseId, at: datetime) -> Standing:
        """How far the case is; a case nobody opened stands where one without a proof does."""
        opened = self._opened(case)
        if opened is None or not opened.evidence:
            return Standing()
        alone = ALONE in portal_relations(opened, opened.opener, self.steps.portal)
        ways = self._left(opened, at) if alone and isinstance(opened, Verifying) else ()
        return Standing(
            proved=tuple(dict.fromkeys(e.method for e in opened.evidence)),
            goes_on=isinstance(opened, Released),
            more=bool(ways),
            ways=ways,
        )

    def _left(self, case: Case, at: datetime) -> tuple[str, ...]:
        """What the page offers that ends with the case released; says nothing of what is enrolled.

        A method that sends something is begun once in a case.
        """
        freeze = self.steps.registry.account(case.account).freeze(at, self.steps.thresholds)
        counts = {e.method for e in counting(case.requirement, case.evidence, at, freeze=freeze)}
        proved = {e.method for e in case.evidence}
        free = counts | {name for name in self.ways if name not in proved or name not in self.steps.sends}
        methods = tuple(method for method in case.requirement.methods if method.name in free)
        whole = sufficient(msgspec.structs.replace(case.requirement, methods=methods), freeze=freeze)
        return tuple(name for name in self.ways if name not in counts and any(name in way for way in whole))

    def is_open(self, case: CaseId) -> bool:
        """Whether a case was opened under this name; for nobody's eyes."""
        return self._opened(case) is not None

    def _opened(self, case: CaseId) -> Case | None:
        """The case, where one was opened under this name: one read of one stream, either way."""
        entries = self.steps.ledger.read(case_stream(case))
        opened = fold(tuple(recorded(a) for a in entries)) if entries else None
        return opened if opened is not None and opened.opener == self.steps.portal else None

    # --- what follows, after the answer ------------------------------------------------------------------------------

    def open(self, case: CaseId, name: str, lost: Lost, visitor: Visitor, at: datetime) -> None:
        """Open *case* for the one account *name* names, where policy lets it be, and *visitor* may be who it is of."""
        try:
            self._open(case, name, lost, visitor, at)
        except (Refused, Invalid, Unavailable, Conflict) as fault:
            log.info("self_service.not_opened", fault=fault.fault, reasons=getattr(fault, "reasons", ()))

    def _open(self, case: CaseId, name: str, lost: Lost, visitor: Visitor, at: datetime) -> None:
        portal = self._portal()
        demand_self_service(self.steps.registry.posture(), LOST[lost], at)
        seen = self._find(name)
        self.steps.names.follow(self.steps.ledger)
        account = self.steps.names.account(seen.directory, seen.native_id)
        subject = self.steps.names.owner(account) if account else None
        if account is None or subject is None:
            raise Refused("Nobody is known to stand behind this account.", "Ask the desk.", ("nobody_linked",))
        if visitor.signed_in not in (None, subject):
            raise desk_browser()
        person = self.steps.registry.person(subject)
        if not any(person.credentials_of(method) for method in BOUND):
            raise Refused("Nothing is enrolled to begin with.", "Ask the desk.", ("not_enrolled",))
        self._demand_rest(account, at)
        self.desk.intake.open(
            portal,
            directory=seen.directory,
            query=seen.login,
            wish=Wish(action=LOST[lost]),
            context=Context(channel=PORTAL, device=self._device(subject, visitor.mark, at)),
            origin=None,
            reason="Asked for by whoever opened the self-service page.",
            at=at,
            case=case,
        )

    def _portal(self) -> PersonId:
        if self.steps.portal is None:
            raise Refused("Self-service is off.", "Ask the desk.", ("off",))
        return self.steps.portal

    def _find(self, name: str) -> DirectoryAccount:
        """The one account of all directories whose login or mail address is *name*; what it is called is no name."""
        wanted = name.strip().casefold()
        if not wanted or len(wanted) > LONGEST_NAME or not wanted.isprintable():
            raise Invalid("That is no name of an account.", "Write its login.", where="account")
        found = tuple(
            seen
            for directory in self.steps.directories.values()
            for seen in directory.find(name.strip())
            if wanted in {seen.login.casefold(), *(c.value.casefold() for c in seen.contacts if c.kind == "mail")}
        )
        if len(found) != 1:
            raise Invalid("No one account has this name.", "Ask the desk.", where="account")
        return found[0]

    def _demand_rest(self, account: AccountId, at: datetime) -> None:
        """Refuse an account for which others were opened alone lately, and nothing proved."""
        self.steps.cases.follow(self.steps.ledger)
        mine = (row.case for row in self.steps.cases.rows() if row.case.opener == self.steps.portal)
        unproved = (c for c in mine if c.account == account and at - c.opened_at < WITHIN and not c.evidence)
        if sum(1 for _ in unproved) >= UNPROVED:
            raise Refused("Enough was opened for this account.", "Ask the desk.", ("too_many",))

    def _device(self, subject: PersonId, browser: str | None, at: datetime) -> str:
        """`known` where this very browser proved for the same person, in a case that came to its end, long ago."""
        if browser is None:
            return "unknown"
        self.steps.cases.follow(self.steps.ledger)
        ended = (r.case for r in self.steps.cases.rows() if isinstance(r.case, Delivered) and not r.case.objections)
        proofs = (
            e.browser == browser and not is_young(case.requirement, e.at, at)
            for case in ended
            if case.subject == subject
            for e in case.evidence
        )
        return "known" if any(proofs) else "unknown"

    def begin(self, case: CaseId, method: str, challenge: str, visitor: Visitor, at: datetime) -> None:
        """Begin *method* in *case*, once where it sends something, and never after one has failed there."""
        opened = self._opened(case)
        if opened is None or not isinstance(opened, Verifying):
            return
        failed = any(c.ended and not c.proved for c in opened.challenges)
        sent = method in self.steps.sends and any(c.method == method for c in opened.challenges)
        if failed or sent:
            return
        try:
            self.desk.their_page.demand(self.steps.load(case), visitor, at)
            self.desk.verification.begin(self._portal(), case, method, at, challenge=challenge)
        except (Refused, Invalid, Unavailable, Conflict) as fault:
            log.info("self_service.not_begun", case=case, method=method, fault=fault.fault)

    def answer(self, case: CaseId, method: str, answer: str, visitor: Visitor, at: datetime) -> None:
        """Take an answer to the latest challenge of *method*, and go on where nothing is missing any more."""
        opened = self._opened(case)
        if opened is None or not isinstance(opened, Verifying):
            return
        running = [c for c in opened.challenges if c.method == method and not c.ended]
        if not running:
            return
        try:
            self.desk.their_page.demand(self.steps.load(case), visitor, at)
            self.desk.verification.answer(case, running[-1].id, answer, at, attesting=None, mark=visitor.mark)
            self._go_on(case, at)
        except (Refused, Invalid, Unavailable, Conflict) as fault:
            log.info("self_service.not_proved", case=case, method=method, fault=fault.fault)

    def _go_on(self, case: CaseId, at: datetime) -> None:
        """Ask and release, where the procedure asks for nobody else; anything above waits for the desk as it is."""
        portal, now = self._portal(), self.steps.load(case).case
        if ALONE not in portal_relations(now, portal, portal) or self.desk.verification.missing(now, at):
            return
        if now.ticket is None:  # else this stopped half-way before
            self.desk.intake.link_ticket(portal, case, f"self-service {case}", at)
        self.desk.verification.ask(portal, case, at)
        self.desk.decisions.release(portal, case, at)

    def close(self, case: Case, at: datetime) -> None:
        """Close a case that was walked alone once its work is done: nobody else will."""
        if case.opener == self.steps.portal and type(case) is Delivered:
            self.desk.decisions.close(self._portal(), case.id, at)
