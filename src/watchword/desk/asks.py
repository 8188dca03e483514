"""Which effects a case asks for, and which of them it still owes. Rows are hints: what to do is derived from evidence.

An id names the case, the kind and the version of the entry that asked, so that asking twice is one row:
`case/c-…/change/7`. The same function says what an entry asked for when it is appended and when it is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import msgspec

from watchword.core import event as past
from watchword.core.action import AlertLevel
from watchword.core.aftercare import confirm_due
from watchword.core.case import (
    TERMINAL,
    UNBEGUN,
    Case,
    Contained,
    Delivered,
    Executed,
    Executing,
    Failed,
    Holding,
    Paused,
    Released,
    beneath,
    yields_credential,
)
from watchword.core.confirmation import CareMissed
from watchword.core.execution import PROVISIONAL, in_flight
from watchword.core.fold import evolve
from watchword.core.gates import CASE_LIFE, Event
from watchword.desk.recording import case_stream
from watchword.ledger.store import EffectRow

READ_BACK = timedelta(seconds=5)
"""How long after silence the directory is asked what became of a change."""

AGAIN = timedelta(seconds=15)
"""How long after a change was read back as not done it is tried again."""


LOOK = timedelta(seconds=3)
"""How long after a provider sent a prompt it is asked for the answer, and asked again."""


ALERTED = {AlertLevel.QUEUE: "recovery.queued", AlertLevel.PAGE: "recovery.released"}
"""What security is told of a recovery that is let go on, by the alert its procedure asks for."""


class Kind:
    """The kinds of effect rows."""

    SEND = "send"
    LOOK = "look"
    NOTICE = "notice"
    HOLD = "hold"
    EXPIRE = "expire"
    FREEZE = "freeze"
    CHANGE = "change"
    CONFIRM = "confirm"
    VALIDATE = "validate"
    REVIEW = "review"
    CAMPAIGN = "campaign"
    SHIELD = "shield"
    PAGE = "page"
    SKIPPED = "skipped"
    APPROVED = "approved"
    CARE = "care"
    CREDENTIAL = "credential"

    DESK = (
        SEND,
        LOOK,
        NOTICE,
        HOLD,
        EXPIRE,
        FREEZE,
        REVIEW,
        CAMPAIGN,
        SHIELD,
        PAGE,
        SKIPPED,
        APPROVED,
        CARE,
        CREDENTIAL,
    )
    """What the desk's own runner does."""

    EXECUTOR = (CHANGE, CONFIRM, VALIDATE)
    """What only the executor does: it alone holds directory credentials."""


OWN, BACK = "own changes", "changes back"
"""The strands of rows by which a case's own changes go on, and those that a containment takes back."""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A *row* that entry *entry* of its case asked for; the newest of a *strand* takes the place of those before."""

    strand: str
    row: EffectRow
    entry: int


def effects_asked(
    before: Case | None, events: tuple[Event, ...], version: int, at: datetime, sends: Collection[str]
) -> tuple[EffectRow, ...]:
    """The rows *events* ask for, appended at *at* after entry *version* of the case as it was *before*.

    *sends* are the methods whose challenge sends something.
    """
    rows: list[EffectRow] = []
    case = before
    for entry, event in enumerate((e for e in events if isinstance(e, past.CaseEvent)), version + 1):
        after = evolve(case, past.Recorded(event=event, at=at, leaf=PROVISIONAL))
        rows.extend(asked.row for asked in _asked(case, after, event, entry, at, sends))
        case = after
    return tuple(rows)


def effects_owed(history: tuple[past.Recorded, ...], at: datetime, sends: Collection[str]) -> tuple[Owed, ...]:
    """The rows that the case with this *history* still waits for at *at*: the newest of each strand that goes on.

    They are the very rows `effects_asked` asked for, with their ids, so that asking for them again makes none twice.
    """
    newest: dict[str, Owed] = {}
    case: Case | None = None
    for entry, recorded in enumerate(history):
        after = evolve(case, recorded)
        newest |= {o.strand: o for o in _asked(case, after, recorded.event, entry, recorded.at, sends)}
        case = after
    return tuple(o for o in newest.values() if case is not None and _goes_on(o, case, at))


def may_owe(case: Case, changed_at: datetime, at: datetime) -> bool:
    """Whether a case may wait for anything at *at*, by what a list knows: quick, and never wrong by saying no."""
    if not isinstance(case, (Delivered, Failed, *TERMINAL)) or at - changed_at < CASE_LIFE:
        return True
    return _awaits_review(case) or _awaits_confirmation(case, at) or _own_goes_on(case, at) or _goes_back(case)


def _asked(
    before: Case | None, after: Case, event: past.CaseEvent, entry: int, at: datetime, sends: Collection[str]
) -> Iterator[Owed]:
    """What one event asks for, on the way from *before* to *after*."""
    stream = case_stream(after.id)

    def due(kind: str, when: datetime, *, of: str | None = None, strand: str = "") -> Owed:
        """A row of this entry; *of* says which one, where a case may wait for several of its kind at once."""
        one = "" if of is None else f"/{of}"
        row = EffectRow(id=f"{stream}/{kind}/{entry}{one}", stream=stream, kind=kind, due_at=when)
        return Owed(strand=strand or f"{kind}{one}", row=row, entry=entry)

    match event:
        case past.CaseOpened():
            yield due(Kind.EXPIRE, at + CASE_LIFE + timedelta(seconds=event.requirement.hold_s))
            if event.shared_origin:
                yield due(Kind.CAMPAIGN, at)
        case past.CallerSeen(shared=True):
            yield due(Kind.CAMPAIGN, at)
        case past.CaseEscalated():  # a longer hold gives the case more time than its first row did
            life = CASE_LIFE + timedelta(seconds=event.requirement.hold_s)
            yield due(Kind.EXPIRE, after.opened_at + life)
        case past.ChallengeBegun() if event.method in sends:
            yield due(Kind.SEND, at, of=event.challenge)
        case past.PromptSent():
            yield due(Kind.LOOK, at + LOOK, of=event.challenge)
        case past.CaseReleased() if isinstance(after, Released) and _has_key(after):
            yield due(Kind.CHANGE, at, strand=OWN)
        case past.HandOverOpened():
            yield due(Kind.CHANGE, at, strand=OWN)
        case past.CaseContained():
            if event.changes:  # where nothing was begun there is nothing to take back, and no other case to stop
                yield due(Kind.CHANGE, at, strand=BACK)
                yield due(Kind.FREEZE, at)
            yield due(Kind.NOTICE, at)
            yield due(Kind.PAGE, at, of="case.contained")
        case past.ProtectionTaken():
            yield due(Kind.CHANGE, at, strand=BACK)
            yield due(Kind.SHIELD, at)
            yield due(Kind.NOTICE, at)
        case CareMissed():
            yield due(Kind.CHANGE, at, strand=BACK)
            yield due(Kind.SHIELD, at)
            yield due(Kind.NOTICE, at)
            yield due(Kind.PAGE, at, of="care.missed")
        case past.HoldTold() if isinstance(after, Holding) and isinstance(before, Holding) and not before.told:
            yield due(Kind.HOLD, after.until)
        case past.HoldRestarted():
            yield due(Kind.HOLD, event.until)
            yield due(Kind.NOTICE, at)
        case past.Objected() if before is not None and not before.objections:
            if isinstance(after, Paused):
                yield due(Kind.NOTICE, at)
            # What is done already stands still by itself, and is looked into all the sooner.
            yield due(Kind.PAGE, at, of="case.objected")
        case past.PauseLifted():
            yield from (due(kind, when, strand=OWN) for kind, when in _resumed(after, at))
        case past.ChangeEnded():
            strand = OWN if event.number < len(after.changes) else BACK
            yield from (due(kind, when, strand=strand) for kind, when in _after_change(event, after, at))
        case past.BreakGlassInvoked():
            yield due(Kind.NOTICE, at)
            yield due(Kind.SKIPPED, at)
            yield due(Kind.PAGE, at, of="break_glass.invoked")
        case past.ReviewOverdue():
            yield due(Kind.PAGE, at, of="review.overdue")
        case past.ReviewDone(sound=False):
            yield due(Kind.PAGE, at, of="review.unsound")
        case past.Validated():
            yield due(Kind.NOTICE, at)
        case past.ReviewOwed():
            yield due(Kind.REVIEW, event.due)
        case past.ApprovalGiven():
            yield due(Kind.APPROVED, at, strand=f"{Kind.APPROVED}/{entry}")
    if isinstance(event, past.CaseReleased) and (told := _alerted(before, after)):
        yield due(Kind.PAGE, at, of=told)
    if not isinstance(before, Delivered) and (confirm := confirm_due(after)):
        yield due(Kind.CARE, confirm)
    if isinstance(after, Holding) and not isinstance(before, Holding):
        yield due(Kind.HOLD, after.until)
        yield due(Kind.NOTICE, at)


def _alerted(before: Case | None, after: Case) -> str:
    """What security hears of a release, by the alert its procedure asks for; nothing of one that is only renewed.

    Broken glass was paged when it was broken.
    """
    if isinstance(before, Released) or after.broke_glass is not None:
        return ""
    return ALERTED.get(after.requirement.alert, "")


def _resumed(after: Case, at: datetime) -> Iterator[tuple[str, datetime]]:
    """What was dropped while the case stood still."""
    if type(after) is Executed:
        yield Kind.VALIDATE, at
    elif isinstance(after, Released) and type(after) in (Released, Executing) and _has_key(after):
        yield Kind.CHANGE, at


def _has_key(case: Released) -> bool:
    """Whether what is born could be sealed; a change that bears nothing needs no key."""
    return case.jwk is not None or not yields_credential(case)


def _after_change(event: past.ChangeEnded, after: Case, at: datetime) -> Iterator[tuple[str, datetime]]:
    if event.outcome == "unknown":
        yield Kind.CONFIRM, at + READ_BACK
    elif event.outcome == "not_done":
        yield Kind.CHANGE, at + AGAIN
    elif event.outcome == "done" and isinstance(after, Executed):
        yield Kind.VALIDATE, at
    elif isinstance(after, Contained):  # what is taken back goes on past a refusal: each of it stands alone
        if len(after.progress) < len(after.taken_back):
            yield Kind.CHANGE, at
    elif event.outcome == "done":
        yield Kind.CHANGE, at


def _goes_on(owed: Owed, case: Case, at: datetime) -> bool:
    """Whether *case* still waits for this row."""
    kind, _, challenge = owed.strand.partition("/")
    match kind:
        case Kind.SEND | Kind.LOOK:
            running = (c for c in case.challenges if c.id == challenge and not c.ended and at <= c.expires)
            return not isinstance(case, TERMINAL) and any(running)
        case Kind.NOTICE | Kind.FREEZE | Kind.CAMPAIGN | Kind.SHIELD | Kind.PAGE | Kind.SKIPPED | Kind.APPROVED:
            # No entry says that these were done, so they are not asked for for ever.
            ended = isinstance(case, TERMINAL) and not isinstance(case, Contained)
            return not ended and at - owed.row.due_at < CASE_LIFE
        case Kind.HOLD:
            return isinstance(case, Holding)
        case Kind.CARE:
            return _awaits_confirmation(case, at)
        case Kind.EXPIRE:
            return type(beneath(case)) in UNBEGUN
        case Kind.REVIEW:
            return _awaits_review(case)
        case _ if owed.row.kind == Kind.VALIDATE:
            return type(case) is Executed
        case _:
            return _own_goes_on(case, at) if owed.strand == OWN else _goes_back(case)


def _awaits_review(case: Case) -> bool:
    return case.review_due is not None and case.reviewer is None and not case.review_overdue


def _awaits_confirmation(case: Case, at: datetime) -> bool:
    """Whether the person still has to confirm, or lately had: what is older was done before anybody was asked."""
    due = confirm_due(case)
    return due is not None and at - due < CASE_LIFE


def _own_goes_on(case: Case, at: datetime) -> bool:
    """Whether the case's own changes wait to be started, or read back; a grant that ran out unused waits for people."""
    if type(case) is Executing or in_flight(case):
        return True
    return type(case) is Released and at < case.until and _has_key(case)


def _goes_back(case: Case) -> bool:
    """Whether a containment has something left to take back."""
    if not isinstance(case, Contained):
        return False
    return len(case.progress) < len(case.taken_back) or any(p.outcome in (None, "not_done") for p in case.progress)
