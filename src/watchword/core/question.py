"""What approvers ask before they decide, and what the desk answers: entries that move nothing and delay nothing."""

from __future__ import annotations

import msgspec

from watchword.core import event as past
from watchword.core.errors import Corrupt, Refused
from watchword.core.ids import PersonId

MOST = 20
"""Questions one case may hold; an approver who has more of them says no."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question by its random *id*: who asked, and who answered (None while nobody has)."""

    id: str
    person: PersonId
    answered_by: PersonId | None = None


def demand_room(questions: tuple[Question, ...]) -> None:
    """Raise `Refused` where a case holds as many questions as it may."""
    if len(questions) >= MOST:
        raise Refused("This case holds no more questions.", "Refuse it, or talk to the desk.", ("too_many",))


def demand_open(questions: tuple[Question, ...], question: str) -> Question:
    """The question of that id; `Refused` where there is none, or it was answered already."""
    found = next((q for q in questions if q.id == question), None)
    if found is None:
        raise Refused("There is no such question in this case.", "Read the case again.", ("unknown_question",))
    if found.answered_by is not None:
        raise Refused("This question was answered already.", "Read the case again.", ("answered",))
    return found


def told(questions: tuple[Question, ...], event: past.QuestionAsked | past.QuestionAnswered) -> tuple[Question, ...]:
    """The questions of a case after *event*; `Corrupt` for an answer to what nobody asked."""
    if isinstance(event, past.QuestionAsked):
        return (*questions, Question(id=event.question, person=event.person))
    if event.question not in {q.id for q in questions}:
        raise Corrupt("A question was answered that nobody asked.", "Run `watchword ledger fsck`.")
    return tuple(msgspec.structs.replace(q, answered_by=event.by) if q.id == event.question else q for q in questions)
