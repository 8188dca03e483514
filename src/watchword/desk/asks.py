"""Which effects a case's new state asks for. Rows are hints: whoever claims one derives what to do from the evidence.

An id names the case, the kind and the version of the entry that asked, so that asking twice is one row:
`case/c-…/change/7`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from watchword.core import event as past
from watchword.core.case import Case, Contained, Executed, Holding, Released, yields_credential
from watchword.core.gates import CASE_LIFE, Event
from watchword.desk.recording import case_stream
from watchword.ledger.store import EffectRow

READ_BACK = timedelta(seconds=5)
"""How long after silence the directory is asked what became of a change."""

AGAIN = timedelta(seconds=15)
"""How long after a change was read back as not done it is tried again."""


class Kind:
    """The kinds of effect rows."""

    SEND = "send"
    NOTICE = "notice"
    HOLD = "hold"
    EXPIRE = "expire"
    FREEZE = "freeze"
    CHANGE = "change"
    CONFIRM = "confirm"
    VALIDATE = "validate"
    REVIEW = "review"

    DESK = (SEND, NOTICE, HOLD, EXPIRE, FREEZE, REVIEW)
    """What the desk's own runner does."""

    EXECUTOR = (CHANGE, CONFIRM, VALIDATE)
    """What only the executor does: it alone holds directory credentials."""


def effects_asked(
    before: Case | None, after: Case, events: tuple[Event, ...], version: int, at: datetime, *, send: bool
) -> tuple[EffectRow, ...]:
    """The rows *events* ask for, on the way from *before* to *after*; *version* is that of the case's last entry."""
    rows: list[EffectRow] = []

    def due(entry: int, kind: str, when: datetime, suffix: str = "") -> None:
        stream = case_stream(after.id)
        rows.append(EffectRow(id=f"{stream}/{kind}/{entry}{suffix}", stream=stream, kind=kind, due_at=when))

    for entry, event in enumerate((e for e in events if isinstance(e, past.CaseEvent)), version + 1):
        match event:
            case past.CaseOpened():
                due(entry, Kind.EXPIRE, at + CASE_LIFE + timedelta(seconds=event.requirement.hold_s))
            case past.CaseEscalated():  # a longer hold gives the case more time than its first row did
                life = CASE_LIFE + timedelta(seconds=event.requirement.hold_s)
                due(entry, Kind.EXPIRE, after.opened_at + life)
            case past.ChallengeBegun() if send:
                due(entry, Kind.SEND, at, f"/{event.challenge}")
            case past.CaseReleased() if isinstance(after, Released) and (after.jwk or not yields_credential(after)):
                due(entry, Kind.CHANGE, at)
            case past.HandOverOpened():
                due(entry, Kind.CHANGE, at)
            case past.CaseContained():
                due(entry, Kind.CHANGE, at)
                due(entry, Kind.FREEZE, at)
                due(entry, Kind.NOTICE, at)
            case past.ChangeEnded():
                _after_change(event, after, at, partial(due, entry))
            case past.Validated() | past.BreakGlassInvoked():
                due(entry, Kind.NOTICE, at)
            case past.ReviewOwed():
                due(entry, Kind.REVIEW, event.due)
    if isinstance(after, Holding) and not isinstance(before, Holding):
        due(version + len(events), Kind.HOLD, after.until)
        due(version + len(events), Kind.NOTICE, at)
    return tuple(rows)


def _after_change(event: past.ChangeEnded, after: Case, at: datetime, due: Callable[[str, datetime], None]) -> None:
    if event.outcome == "unknown":
        due(Kind.CONFIRM, at + READ_BACK)
    elif event.outcome == "not_done":
        due(Kind.CHANGE, at + AGAIN)
    elif event.outcome == "done" and isinstance(after, Executed):
        due(Kind.VALIDATE, at)
    elif isinstance(after, Contained):  # what is taken back goes on past a refusal: each of it stands alone
        if len(after.progress) < len(after.taken_back):
            due(Kind.CHANGE, at)
    elif event.outcome == "done":
        due(Kind.CHANGE, at)
