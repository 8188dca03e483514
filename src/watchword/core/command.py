"""What somebody asks of a case. Verbs; each carries what the decision needs and nothing it can look up."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import Change
from watchword.core.event import Outcome, Purpose
from watchword.core.ids import AccountId, CaseId, OriginId, PersonId
from watchword.core.request import NotBefore
from watchword.core.requirement import Context, Requirement


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Take a request in."""

    case: CaseId
    account: AccountId
    account_class: AccountClass | None
    unit: str
    action: Action
    changes: tuple[Change, ...]
    context: Context
    opener: PersonId
    subject: PersonId | None
    origin: OriginId | None
    protected: str | None = None


class LinkTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Tie the case to a ticket."""

    by: PersonId


class EnterContact(msgspec.Struct, frozen=True, kw_only=True):
    """Take the new contact point from the person's own page, as the *commitment* (hex) of what they typed."""

    commitment: str


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """Start a method."""

    challenge: str
    method: str
    purpose: Purpose
    by: PersonId
    prover: PersonId | None
    credential: str | None
    contact_changed_at: datetime | None
    expires: datetime


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """Record a wrong answer; *final* when the method itself said no."""

    challenge: str
    by: PersonId
    final: bool = False


class Prove(msgspec.Struct, frozen=True, kw_only=True):
    """Record a right answer, already checked by the method."""

    challenge: str
    by: PersonId
    counter: int | None
    browser: str | None = None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for approval (or hold, or release), if the evidence holds; *checkpoint* is where the ledger *log* stands."""

    log: str
    nonce: str
    checkpoint: NotBefore


class Approve(msgspec.Struct, frozen=True, kw_only=True):
    """Say yes to exactly *request*; a signature in *proof*, checked already, used *credential* up to *counter*."""

    person: PersonId
    roles: tuple[str, ...]
    request: str
    proof: str
    credential: str | None = None
    counter: int | None = None
    unit: str = ""
    browser: str | None = None
    lent_by: tuple[PersonId, ...] = ()


class AskQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the desk something before deciding."""

    person: PersonId
    roles: tuple[str, ...]
    question: str


class AnswerQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Answer what an approver asked."""

    by: PersonId
    question: str


class Refuse(msgspec.Struct, frozen=True, kw_only=True):
    """Say no."""

    person: PersonId
    roles: tuple[str, ...]


class ElapseHold(msgspec.Struct, frozen=True, kw_only=True):
    """Say that the waiting time is over."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """Let *executor* act. *changes* are what the releaser believes will be done; anything else is refused."""

    by: PersonId
    executor: PersonId
    changes: tuple[Change, ...]


class OpenHandOver(msgspec.Struct, frozen=True, kw_only=True):
    """Bind the hand-over to the key of the first browser that opens it."""

    jwk: str


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Begin one change."""

    number: int
    effect: str
    executor: PersonId
    before: str


class End(msgspec.Struct, frozen=True, kw_only=True):
    """Record what the directory made of it."""

    number: int
    outcome: Outcome


class RefuseExecution(msgspec.Struct, frozen=True, kw_only=True):
    """Record that the executor's own check said no."""

    executor: PersonId
    reasons: tuple[str, ...]


class Validate(msgspec.Struct, frozen=True, kw_only=True):
    """Record the read-back."""

    by: PersonId
    sound: bool


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """Let the sealed credential go, once."""


class Escalate(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for more than policy does."""

    by: PersonId
    requirement: Requirement


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """End a case whose work is done."""

    by: PersonId


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    """End a case nobody wants any more."""

    by: PersonId


class Expire(msgspec.Struct, frozen=True, kw_only=True):
    """End a case nothing happened to in time."""


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """Stop a case because of another one."""

    because: CaseId


class Contain(msgspec.Struct, frozen=True, kw_only=True):
    """Take back what a fraudulent recovery gave."""

    by: PersonId


class BreakGlass(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for the predefined procedure, which skips verification and owes a review."""

    by: PersonId
    requirement: Requirement
    log: str
    nonce: str
    checkpoint: NotBefore
    expires_s: int
    review_s: int


class OverdueReview(msgspec.Struct, frozen=True, kw_only=True):
    """Say that a review was not done in time."""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """Look at it afterwards."""

    by: PersonId
    sound: bool


Command = (
    Open
    | LinkTicket
    | EnterContact
    | Begin
    | Miss
    | Prove
    | Ask
    | Approve
    | AskQuestion
    | AnswerQuestion
    | Refuse
    | ElapseHold
    | Release
    | OpenHandOver
    | Start
    | End
    | RefuseExecution
    | Validate
    | HandOver
    | Escalate
    | Close
    | Withdraw
    | Expire
    | Freeze
    | Contain
    | BreakGlass
    | OverdueReview
    | Review
)
