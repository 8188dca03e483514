"""What the API takes and gives. Unknown fields are refused; logins stand for people, never pseudonyms alone."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from watchword.core.action import Action
from watchword.core.advice import State
from watchword.core.change import Change, ContactKind
from watchword.core.event import Lane
from watchword.ledger.entry import Retention
from watchword.ledger.erasure import Reason


class In(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's body."""


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """A response's body."""


class SignIn(In, frozen=True, kw_only=True):
    """A local sign-in."""

    login: str
    password: str


class SignedIn(Out, frozen=True, kw_only=True):
    """Who is signed in."""

    person: str
    login: str
    name: str
    roles: tuple[str, ...]


class OpenCase(In, frozen=True, kw_only=True):
    """A request for recovery: which account, for what, and how it came in.

    *account* is a login, mail address, display name or native id, whole. *contact* is the kind of contact point to
    change; the person enters the new one on their own page. *origin* is the caller's number or address.
    *lane* `text` is for somebody who does not hear or speak on a call, `kiosk` for who stands at one on site;
    *caller* names whoever calls for the person.
    """

    directory: str
    account: str
    action: Action
    factors: tuple[str, ...] = ()
    contact: ContactKind | None = None
    role: str | None = None
    channel: str = "phone"
    location: str = "unknown"
    device: str = "unknown"
    risk: str = "low"
    situation: str = "normal"
    origin: str | None = None
    reason: str = ""
    lane: Lane = "voice"
    caller: str = ""


class Opened(Out, frozen=True, kw_only=True):
    """A new case, and the page the caller is sent to."""

    case: str
    page: str | None


class LinkTicket(In, frozen=True, kw_only=True):
    """The ticket's number."""

    ticket: str


class BeginMethod(In, frozen=True, kw_only=True):
    """A method to begin; *custodian* is a login, for the custodians' own method; at a kiosk, the supervisor's."""

    method: str
    custodian: str | None = None


class Begun(Out, frozen=True, kw_only=True):
    """A challenge under way; *show_agent* is for the desk and holds no secret."""

    challenge: str
    expires: datetime
    show_agent: str | None


class Answer(In, frozen=True, kw_only=True):
    """An answer to a challenge."""

    answer: str


class Proved(Out, frozen=True, kw_only=True):
    """The answer proved; *state* is where the case is now."""

    state: str


class Decide(In, frozen=True, kw_only=True):
    """Yes or no to exactly the request whose SHA-256 (hex) is *digest*.

    *assertion* is the browser's `PublicKeyCredential` as JSON text, made with the options of the same address;
    *signature* an armoured SSH signature over the request, made outside any browser.
    """

    digest: str
    approve: bool
    why: str = ""
    assertion: str | None = None
    signature: str | None = None


class AskedWords(In, frozen=True, kw_only=True):
    """A question of an approver's, or the answer to one; kept sealed."""

    words: str


class QuestionOut(Out, frozen=True, kw_only=True):
    """What an approver asked; *answer* None while nobody has answered. Erased words are empty."""

    question: str
    who: str
    words: str
    answer: str | None
    answered_by: str | None


class Release(In, frozen=True, kw_only=True):
    """What the releaser believes was approved; None releases what was approved."""

    changes: tuple[Change, ...] | None = None


class Why(In, frozen=True, kw_only=True):
    """A reason, kept sealed."""

    why: str


class Protect(In, frozen=True, kw_only=True):
    """Take access away: end every session, with *lock* disable the account, and suspend *factors* (directory ids)."""

    why: str
    lock: bool = True
    factors: tuple[str, ...] = ()


class Review(In, frozen=True, kw_only=True):
    """What a look back found."""

    sound: bool
    words: str


class Contained(Out, frozen=True, kw_only=True):
    """What the person behind a contained case did and could do since."""

    enabled: tuple[str, ...]


class EntryOut(Out, frozen=True, kw_only=True):
    """One ledger entry of a case."""

    seq: int
    leaf: str
    type: str
    at: datetime
    actor: str


class ChallengeOut(Out, frozen=True, kw_only=True):
    """A method begun on a case; *answer* says who answers it."""

    challenge: str
    method: str
    purpose: str
    by: str
    expires: datetime
    misses: int
    ended: bool
    answer: Literal["caller", "agent"]


class ShortfallOut(Out, frozen=True, kw_only=True):
    """What one way to verify still lacks; *words* say it for people."""

    tier: str
    missing: tuple[str, ...]
    words: str


class WayOut(Out, frozen=True, kw_only=True):
    """One method as it stands for this case now; *why* says what keeps it from bringing the case on, else empty."""

    method: str
    title: str
    state: State
    completes: bool
    why: str
    counts_from: datetime | None


class RequestOut(Out, frozen=True, kw_only=True):
    """The exact bytes that are approved, their SHA-256 and its beginning in words."""

    text: str
    digest: str
    spoken: str
    not_after: datetime


class SigningOut(Out, frozen=True, kw_only=True):
    """What an approver's passkey is asked to sign.

    *request* are the exact bytes to show; the browser's `navigator.credentials.get()` takes *options*, whose challenge
    binds the signature to them and to *namespace*. *needed* False says that being signed in would be enough.
    """

    request: RequestOut
    namespace: str
    options: str
    needed: bool


class ChangeOut(Out, frozen=True, kw_only=True):
    """One change and how far it got; *outcome* None while nobody knows."""

    number: int
    change: str
    words: str
    outcome: str | None
    ended: datetime | None


class CaseSummary(Out, frozen=True, kw_only=True):
    """One line of the case list."""

    case: str
    state: str
    action: Action
    account_class: str
    unit: str
    opener: str
    opened_at: datetime
    changed_at: datetime
    review_due: datetime | None
    review_overdue: bool


class Words(Out, frozen=True, kw_only=True):
    """The two words of a case: *first* the desk says, *second* the person answers."""

    first: str
    second: str


class CaseOut(Out, frozen=True, kw_only=True):
    """One case whole, as whoever may read it sees it.

    *within_reach* says whether all of *ways* that can be begun would be enough; None where nothing is missing.
    """

    case: str
    version: int
    state: str
    action: Action
    directory: str | None
    native_id: str | None
    account: str
    account_class: str
    unit: str
    subject: str | None
    opener: str
    opened_at: datetime
    ticket: str | None
    requirement: tuple[str, ...]
    raised: tuple[str, ...]
    missing: tuple[ShortfallOut, ...]
    ways: tuple[WayOut, ...]
    within_reach: bool | None
    challenges: tuple[ChallengeOut, ...]
    request: RequestOut | None
    approvals: tuple[str, ...]
    questions: tuple[QuestionOut, ...] = ()
    hold_until: datetime | None
    released_until: datetime | None
    changes: tuple[ChangeOut, ...]
    waits_for_contact: bool
    waits_for_witnesses: bool
    typed_changes: tuple[Change, ...]
    review_due: datetime | None
    reviewer: str | None
    review_sound: bool | None
    erased: tuple[Retention, ...]
    held_since: datetime | None
    page: str | None
    page_number: str | None
    words: Words | None
    paused: bool
    lane: Lane
    caller: str | None
    entries: tuple[EntryOut, ...]


class FreezeOut(Out, frozen=True, kw_only=True):
    """Whether the freeze is over; it takes two people."""

    released: bool


class LedgerOut(Out, frozen=True, kw_only=True):
    """Where the evidence stands: its name, how many entries are covered, and the signed checkpoint."""

    origin: str
    size: int
    checkpoint: str


class EraseEvidence(In, frozen=True, kw_only=True):
    """One class of a *case*, for a reason; without a case everything whose time is over, for that reason."""

    case: str | None = None
    retention: Retention | None = None
    why: Reason | None = None
    dry_run: bool = False


class HeldOut(Out, frozen=True, kw_only=True):
    """What was erased, or would be: payloads of one stream and class."""

    stream: str
    retention: Retention
    payloads: int
    keys: int


class HoldCase(In, frozen=True, kw_only=True):
    """A legal hold on a case, and the matter it is for; *lift* agrees that it ends."""

    case: str
    why: str = ""
    lift: bool = False


class HoldOut(Out, frozen=True, kw_only=True):
    """Whether the case is held now; lifting takes two people."""

    held: bool


class Healthy(Out, frozen=True, kw_only=True):
    """The process answers and its ledger holds *entries* covered entries."""

    entries: int
