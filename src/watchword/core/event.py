"""What happened to a case: past tense, safe for a leaf (pseudonyms, digests, codes), in the order it can happen.

Words people wrote, native ids and raw proofs are disclosures beside the event, never in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import Change
from watchword.core.confirmation import PageEvent
from watchword.core.ids import AccountId, CaseId, LeafHash, OriginId, PersonId
from watchword.core.origin import Source
from watchword.core.requirement import Context, Requirement

Purpose = Literal["verify", "hand_over"]
Lane = Literal["voice", "text", "kiosk"]
"""text: for somebody who does not hear or speak on a call. No voice method is begun; all else is asked as ever."""

ObjectedOver = Literal["desk", "page", "person", "prompt"]
Outcome = Literal["done", "not_done", "refused", "unknown"]
"""not_done was read back and may be tried again; refused is the directory's own no; unknown waits for a read-back."""


class CaseOpened(msgspec.Struct, frozen=True, kw_only=True, tag="case.opened"):
    """Intake. The requirement is frozen here and may only be raised; *shared_origin* says that a campaign raised it.

    *assisted*: somebody else calls for the person, who still proves themself; who that is, is a payload.
    """

    case: CaseId
    account: AccountId
    account_class: AccountClass
    unit: str
    action: Action
    changes: tuple[Change, ...]
    context: Context
    requirement: Requirement
    opener: PersonId
    subject: PersonId | None
    origin: OriginId | None
    shared_origin: bool = False
    lane: Lane = "voice"
    assisted: bool = False


class CallerSeen(msgspec.Struct, frozen=True, kw_only=True, tag="caller.seen"):
    """The caller's own page was opened from *origin*; *shared*: lately for another account as well."""

    case: CaseId
    origin: OriginId
    kind: Source
    shared: bool


class TicketLinked(msgspec.Struct, frozen=True, kw_only=True, tag="ticket.linked"):
    """The ticket this case belongs to; its number is a payload."""

    case: CaseId
    by: PersonId


class ContactEntered(msgspec.Struct, frozen=True, kw_only=True, tag="contact.entered"):
    """The person entered the new contact point (a payload), in place of one before; proofs before it count no more."""

    case: CaseId
    commitment: str


class ChallengeBegun(msgspec.Struct, frozen=True, kw_only=True, tag="challenge.begun"):
    """A method was started in the *browser* of that mark; at a hand-over it is to be answered there (`Challenge`)."""

    case: CaseId
    challenge: str
    method: str
    purpose: Purpose
    by: PersonId
    prover: PersonId | None
    credential: str | None
    contact_changed_at: datetime | None
    expires: datetime
    browser: str | None = None


class PromptSent(msgspec.Struct, frozen=True, kw_only=True, tag="prompt.sent"):
    """A provider made the prompt of a challenge appear before the person; its transaction and number are a payload."""

    case: CaseId
    challenge: str


class ChallengeMissed(msgspec.Struct, frozen=True, kw_only=True, tag="challenge.missed"):
    """A wrong answer; the third exhausts the challenge."""

    case: CaseId
    challenge: str


class MethodFailed(msgspec.Struct, frozen=True, kw_only=True, tag="method.failed"):
    """A challenge was exhausted, or the method ended in no."""

    case: CaseId
    challenge: str
    method: str
    by: PersonId


class MethodProved(msgspec.Struct, frozen=True, kw_only=True, tag="method.proved"):
    """The right answer, checked (or attested) now; *counter* is against replay, *browser* marks where it came from."""

    case: CaseId
    challenge: str
    method: str
    purpose: Purpose
    by: PersonId
    prover: PersonId | None
    credential: str | None
    counter: int | None
    contact_changed_at: datetime | None
    browser: str | None = None


class ApprovalAsked(msgspec.Struct, frozen=True, kw_only=True, tag="approval.asked"):
    """Verification holds. *request* is the exact text that is approved, or released where no approval is asked."""

    case: CaseId
    tier: str
    leaves: tuple[LeafHash, ...]
    methods: tuple[str, ...]
    request: str
    not_after: datetime


class ApprovalGiven(msgspec.Struct, frozen=True, kw_only=True, tag="approval.given"):
    """One approver's yes to exactly *request*, with a proof: `core.approval` says which there are.

    *unit* is the approver's own; *browser* as in `MethodProved`; *lent_by* are those in whose place they sit.
    """

    case: CaseId
    person: PersonId
    roles: tuple[str, ...]
    request: str
    proof: str
    not_after: datetime
    unit: str = ""
    browser: str | None = None
    lent_by: tuple[PersonId, ...] = ()


class ApprovalRefused(msgspec.Struct, frozen=True, kw_only=True, tag="approval.refused"):
    """An approver's no ends the case; the reason is a payload."""

    case: CaseId
    person: PersonId
    roles: tuple[str, ...]


class QuestionAsked(msgspec.Struct, frozen=True, kw_only=True, tag="question.asked"):
    """An approver wants to know something before they decide; the words are a payload. Nothing waits for the answer."""

    case: CaseId
    question: str
    person: PersonId


class QuestionAnswered(msgspec.Struct, frozen=True, kw_only=True, tag="question.answered"):
    """Somebody at the desk answered it, once; the words are a payload."""

    case: CaseId
    question: str
    by: PersonId


class HoldElapsed(msgspec.Struct, frozen=True, kw_only=True, tag="hold.elapsed"):
    """The waiting time is over."""

    case: CaseId


class CaseReleased(msgspec.Struct, frozen=True, kw_only=True, tag="case.released"):
    """The executor may act on *request* and nothing else until *until*, with a grant of its own for this case."""

    case: CaseId
    by: PersonId
    request: str
    approvals: tuple[LeafHash, ...]
    until: datetime


class HandOverOpened(msgspec.Struct, frozen=True, kw_only=True, tag="hand_over.opened"):
    """The verified person's browser made a key; *jwk* is its public half, and no other will be taken."""

    case: CaseId
    jwk: str


class ChangeStarted(msgspec.Struct, frozen=True, kw_only=True, tag="change.started"):
    """The executor is about to speak to the directory; *before* is the directory's own version of what will change.

    A credential that is born here is a payload of this entry, sealed to the hand-over key before anything is changed,
    so that a crash can not leave the person with a password nobody knows.
    """

    case: CaseId
    number: int
    effect: str
    executor: PersonId
    before: str


class ChangeEnded(msgspec.Struct, frozen=True, kw_only=True, tag="change.ended"):
    """What the directory made of it. The receipt is a payload."""

    case: CaseId
    number: int
    outcome: Outcome


class ExecutionRefused(msgspec.Struct, frozen=True, kw_only=True, tag="execution.refused"):
    """The executor's own check of the evidence said no; nothing was changed."""

    case: CaseId
    executor: PersonId
    reasons: tuple[str, ...]


class Validated(msgspec.Struct, frozen=True, kw_only=True, tag="case.validated"):
    """The directory was read again: the change is there (*sound*), or it is not."""

    case: CaseId
    by: PersonId
    sound: bool


class HandedOver(msgspec.Struct, frozen=True, kw_only=True, tag="hand_over.completed"):
    """The sealed credential left us, once, after one enforced method was proven again."""

    case: CaseId


class CodeSpoken(msgspec.Struct, frozen=True, kw_only=True, tag="hand_over.spoken"):
    """The browser that made the key was told the code that the desk said to whoever is on the line."""

    case: CaseId


class CodeMissed(msgspec.Struct, frozen=True, kw_only=True, tag="hand_over.missed"):
    """It was told another one; the third closes the hand-over."""

    case: CaseId


class CaseEscalated(msgspec.Struct, frozen=True, kw_only=True, tag="case.escalated"):
    """Somebody asked for more than policy does; the requirement is raised."""

    case: CaseId
    by: PersonId
    requirement: Requirement


class CaseClosed(msgspec.Struct, frozen=True, kw_only=True, tag="case.closed"):
    """The work is done."""

    case: CaseId
    by: PersonId


class CaseWithdrawn(msgspec.Struct, frozen=True, kw_only=True, tag="case.withdrawn"):
    """Nobody wants it any more; the reason is a payload."""

    case: CaseId
    by: PersonId


class CaseExpired(msgspec.Struct, frozen=True, kw_only=True, tag="case.expired"):
    """Nothing happened in time."""

    case: CaseId


class CaseFrozen(msgspec.Struct, frozen=True, kw_only=True, tag="case.frozen"):
    """Another case of the account, or with the same agent, was found fraudulent; this one goes no further."""

    case: CaseId
    because: CaseId


class Objected(msgspec.Struct, frozen=True, kw_only=True, tag="case.objected"):
    """Somebody says that this recovery is not theirs; what they said is a payload.

    *channel*: `desk` an agent heard it, `page` it was said on the person's own page, `person` the person said it signed
    in, `prompt` in a browser they enrolled for prompts. *bound*: it came from the browser that this case is bound to.
    """

    case: CaseId
    by: PersonId
    channel: ObjectedOver
    bound: bool = False


class PauseLifted(msgspec.Struct, frozen=True, kw_only=True, tag="pause.lifted"):
    """Somebody who took no part looked at the objection, and the case goes on; their reason is a payload."""

    case: CaseId
    by: PersonId


class CaseContained(msgspec.Struct, frozen=True, kw_only=True, tag="case.contained"):
    """The recovery was found fraudulent: *changes* take back what it gave."""

    case: CaseId
    by: PersonId
    changes: tuple[Change, ...]


class ProtectionTaken(msgspec.Struct, frozen=True, kw_only=True, tag="protection.taken"):
    """Access is taken away by *changes* while somebody looks; the reason is a payload."""

    case: CaseId
    by: PersonId
    changes: tuple[Change, ...]


class HoldTold(msgspec.Struct, frozen=True, kw_only=True, tag="hold.told"):
    """The notice of a hold went out over these kinds of contact point."""

    case: CaseId
    channels: tuple[str, ...]


class HoldRestarted(msgspec.Struct, frozen=True, kw_only=True, tag="hold.restarted"):
    """The waiting begins anew and ends at *until*: case *because* changed how the person can be told."""

    case: CaseId
    because: CaseId
    until: datetime


class BreakGlassInvoked(msgspec.Struct, frozen=True, kw_only=True, tag="break_glass.invoked"):
    """A custodian asks for the predefined procedure, unverified; a second one has to agree, and a review is owed."""

    case: CaseId
    by: PersonId
    requirement: Requirement
    request: str
    not_after: datetime


class GlassBroken(msgspec.Struct, frozen=True, kw_only=True, tag="glass.broken"):
    """Beside the invocation, in the one stream of them all: of two uses at once, the second finds the first."""

    case: CaseId
    by: PersonId


class ProtectionSpent(msgspec.Struct, frozen=True, kw_only=True, tag="protection.spent"):
    """Beside it, in a stream of whoever did: one of so many that a person has within a day."""

    case: CaseId
    by: PersonId


class ApproversTold(msgspec.Struct, frozen=True, kw_only=True, tag="approvers.told"):
    """Who could have approved and was passed over: they were *told*, or nothing reached them."""

    case: CaseId
    told: tuple[PersonId, ...]
    untold: tuple[PersonId, ...]


class ReviewOwed(msgspec.Struct, frozen=True, kw_only=True, tag="review.owed"):
    """Somebody who took no step here has to look at it by *due*."""

    case: CaseId
    due: datetime
    why: str


class ReviewOverdue(msgspec.Struct, frozen=True, kw_only=True, tag="review.overdue"):
    """Nobody did in time."""

    case: CaseId


class ReviewDone(msgspec.Struct, frozen=True, kw_only=True, tag="review.done"):
    """Somebody did; what they wrote is a payload."""

    case: CaseId
    by: PersonId
    sound: bool


CaseEvent = (
    CaseOpened
    | CallerSeen
    | TicketLinked
    | ContactEntered
    | ChallengeBegun
    | PromptSent
    | ChallengeMissed
    | MethodFailed
    | MethodProved
    | ApprovalAsked
    | ApprovalGiven
    | ApprovalRefused
    | QuestionAsked
    | QuestionAnswered
    | HoldElapsed
    | CaseReleased
    | HandOverOpened
    | ChangeStarted
    | ChangeEnded
    | ExecutionRefused
    | Validated
    | CodeSpoken
    | CodeMissed
    | HandedOver
    | CaseEscalated
    | CaseClosed
    | CaseWithdrawn
    | CaseExpired
    | CaseFrozen
    | Objected
    | PauseLifted
    | CaseContained
    | ProtectionTaken
    | HoldTold
    | HoldRestarted
    | PageEvent
    | BreakGlassInvoked
    | ApproversTold
    | ReviewOwed
    | ReviewOverdue
    | ReviewDone
)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the ledger holds it: when it was appended and the leaf hash of its entry."""

    event: CaseEvent
    at: datetime
    leaf: LeafHash
