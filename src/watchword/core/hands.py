"""Who had a hand in a case: whoever an entry of it names as taking a step, remembered whatever becomes of that step.

A vote that was dropped was given, a pause that was lifted was looked at: so this only ever grows, and is the one answer
to who took part. Nobody is forgotten by an escalation, by broken glass or by a new contact point.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from watchword.core import event as past
from watchword.core.ids import PersonId

Part: TypeAlias = Literal[
    "open",
    "verify",
    "approve",
    "break_glass",
    "release",
    "execute",
    "review",
    "prove",
    "link_ticket",
    "question",
    "escalate",
    "object",
    "lift_pause",
    "protect",
    "contain",
    "validate",
    "hand_over",
    "close",
    "withdraw",
]
"""The step somebody took; the first seven are those that procedures keep apart."""

APART: tuple[Part, ...] = ("open", "verify", "approve", "break_glass", "release", "execute", "review")
"""The steps that procedures keep apart, and none of which the subject ever takes."""


class Hand(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one part."""

    part: Part
    person: PersonId


def hands_of(event: past.CaseEvent) -> Iterator[Hand]:
    """Those whom *event* names as taking a step."""
    for part, person in _named(event):
        if person is not None:
            yield Hand(part=part, person=person)


def _named(event: past.CaseEvent) -> Iterator[tuple[Part, PersonId | None]]:
    match event:
        case past.CaseOpened():
            yield "open", event.opener
        case past.TicketLinked():
            yield "link_ticket", event.by
        case past.ChallengeBegun():
            yield "verify" if event.purpose == "verify" else "hand_over", event.by
        case past.MethodProved():
            yield "verify" if event.purpose == "verify" else "hand_over", event.by
            yield "prove", event.prover
        case past.ApprovalGiven():
            yield "approve", event.person
            yield from (("approve", lender) for lender in event.lent_by)
        case past.ApprovalRefused():
            yield "approve", event.person
        case past.QuestionAsked():
            yield "question", event.person
        case past.QuestionAnswered():
            yield "question", event.by
        case past.BreakGlassInvoked():
            yield "break_glass", event.by
        case past.CaseReleased():
            yield "release", event.by
        case past.ChangeStarted():
            yield "execute", event.executor
        case past.ExecutionRefused():
            yield "execute", event.executor
        case past.Validated():
            yield "validate", event.by
        case past.CaseEscalated():
            yield "escalate", event.by
        case past.Objected():
            yield "object", event.by
        case past.PauseLifted():
            yield "lift_pause", event.by
        case past.ProtectionTaken():
            yield "protect", event.by
        case past.CaseContained():
            yield "contain", event.by
        case past.CaseClosed():
            yield "close", event.by
        case past.CaseWithdrawn():
            yield "withdraw", event.by
        case past.ReviewDone():
            yield "review", event.by
