"""What somebody asks of a case. Verbs; each carries what the decision needs and nothing it can look up."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import Change
from watchword.core.event import Lane, ObjectedOver, Outcome, Purpose
from watchword.core.ids import AccountId, CaseId, OriginId, PersonId
from watchword.core.origin import Source
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
    lane: Lane = "voice"
    assisted: bool = False
    protected: str | None = None
    shared_origin: bool = False


class SeeCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Note where the caller's own page was opened from; *shared*: lately for another account as well."""

    origin: OriginId
    kind: Source
    shared: bool


class TurnAway(msgspec.Struct, frozen=True, kw_only=True):
    """Note that the caller's own page was asked for in a browser of *person*, of the desk."""

    person: PersonId


class LinkTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Tie the case to a ticket."""

    by: PersonId


class EnterContact(msgspec.Struct, frozen=True, kw_only=True):
    """Take the new contact point from the person's own page, as the *commitment* (hex) of what they typed."""

    commitment: str


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """Start a method; *prompted* is when *prover* was prompted lately, None where the method prompts nobody.

    *browser* is the mark of the browser it is begun in at the desk; at a hand-over, of the one it is answered in.
    """

    challenge: str
    method: str
    purpose: Purpose
    by: PersonId
    prover: PersonId | None
    credential: str | None
    contact_changed_at: datetime | None
    expires: datetime
    prompted: tuple[datetime, ...] | None = None
    browser: str | None = None


class NotePrompt(msgspec.Struct, frozen=True, kw_only=True):
    """Note that a provider made the prompt of a challenge appear."""

    challenge: str


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


class SayCode(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the bound browser the code the desk said; whether it is *right* was held against this case already."""

    right: bool


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
    """Nothing happened in time.

    *alone*: a stranger opened it on the page of self-service. Wrong answers left there stick to nobody then: how many
    there can be in a day is bounded, and a failure two days late would add to those of that day.
    """

    alone: bool = False


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """Stop a case because of another one."""

    because: CaseId


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """Say that this recovery is not one's own; *bound* when it comes from the browser the case is bound to."""

    by: PersonId
    channel: ObjectedOver
    bound: bool = False


class LiftPause(msgspec.Struct, frozen=True, kw_only=True):
    """Let a case go on that somebody objected to."""

    by: PersonId


class Contain(msgspec.Struct, frozen=True, kw_only=True):
    """Take back what a fraudulent recovery gave."""

    by: PersonId


class Protect(msgspec.Struct, frozen=True, kw_only=True):
    """Take access away by *changes*; *on_duty* says that a responder does, who needs nobody's proof."""

    by: PersonId
    changes: tuple[Change, ...]
    on_duty: bool


class RestartHold(msgspec.Struct, frozen=True, kw_only=True):
    """Let the waiting begin anew."""

    because: CaseId


class ConfirmCare(msgspec.Struct, frozen=True, kw_only=True):
    """Say, once it is done, that it was oneself: in the browser it is *bound* to, or in that of mark *browser*."""

    bound: bool = False
    browser: str | None = None


class MissCare(msgspec.Struct, frozen=True, kw_only=True):
    """Note that nobody said so in time."""

    by: PersonId


class TellHold(msgspec.Struct, frozen=True, kw_only=True):
    """Note over which kinds of contact point the notice of a hold went out."""

    channels: tuple[str, ...]


class BreakGlass(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for the predefined procedure, which skips verification and owes a review."""

    by: PersonId
    requirement: Requirement
    log: str
    nonce: str
    checkpoint: NotBefore
    expires_s: int
    review_s: int


class TellApprovers(msgspec.Struct, frozen=True, kw_only=True):
    """Note who was told that an emergency passed them over."""

    told: tuple[PersonId, ...]
    untold: tuple[PersonId, ...]


class OverdueReview(msgspec.Struct, frozen=True, kw_only=True):
    """Say that a review was not done in time."""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """Look at it afterwards."""

    by: PersonId
    sound: bool


Command = (
    Open
    | SeeCaller
    | TurnAway
    | LinkTicket
    | EnterContact
    | Begin
    | NotePrompt
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
    | SayCode
    | HandOver
    | Escalate
    | Close
    | Withdraw
    | Expire
    | Freeze
    | Object
    | LiftPause
    | Contain
    | Protect
    | RestartHold
    | TellHold
    | ConfirmCare
    | MissCare
    | BreakGlass
    | TellApprovers
    | OverdueReview
    | Review
)
