"""What approvers ask and the desk answers: each answered once, by its id, and not without end."""

from __future__ import annotations

import pytest

from tests.core.sample import ANN, CASE, MAX, SUE, VIC
from watchword.core import event as past
from watchword.core.errors import Corrupt, Refused
from watchword.core.question import Question, demand_open, demand_room, told


def asked(number: int) -> past.QuestionAsked:
    """Max asks once more."""
    return past.QuestionAsked(case=CASE, question=f"q-{number}", person=MAX)


def answered(number: int) -> past.QuestionAnswered:
    """Ann answers it."""
    return past.QuestionAnswered(case=CASE, question=f"q-{number}", by=ANN)


def questions(count: int) -> tuple[Question, ...]:
    """So many open questions."""
    held: tuple[Question, ...] = ()
    for number in range(count):
        held = told(held, asked(number))
    return held


def test_a_case_holds_twenty_questions() -> None:
    """The twentieth finds room, the one after it does not, whether or not the others were answered."""
    demand_room(questions(19))
    with pytest.raises(Refused) as caught:
        demand_room(told(questions(20), answered(0)))
    assert caught.value.reasons == ("too_many",)


def test_questions_are_kept_in_the_order_they_were_asked() -> None:
    """Each with who asked it, and answered by nobody yet."""
    assert questions(2) == (Question(id="q-0", person=MAX), Question(id="q-1", person=MAX))


def test_an_answer_goes_to_its_own_question_alone() -> None:
    """The others stay open; who answered is kept."""
    held = told(questions(3), answered(1))
    assert [q.answered_by for q in held] == [None, ANN, None]
    assert demand_open(held, "q-2") == Question(id="q-2", person=MAX)


def test_what_was_answered_is_not_answered_again() -> None:
    """The first answer is the one the approver decided on."""
    with pytest.raises(Refused) as caught:
        demand_open(told(questions(1), answered(0)), "q-0")
    assert caught.value.reasons == ("answered",)


@pytest.mark.parametrize("question", ["q-7", ""])
def test_there_is_no_answer_to_what_nobody_asked(question: str) -> None:
    """A person at the desk is refused."""
    with pytest.raises(Refused) as caught:
        demand_open(questions(2), question)
    assert caught.value.reasons == ("unknown_question",)


def test_a_stream_that_answers_what_nobody_asked_is_corrupt() -> None:
    """No decision ever wrote that, so folding it stops."""
    with pytest.raises(Corrupt):
        told(questions(2), answered(7))
    with pytest.raises(Corrupt):
        told((), answered(0))


def test_whoever_asked_stays_who_asked() -> None:
    """An answer by somebody else does not change whose question it was."""
    held = told((), past.QuestionAsked(case=CASE, question="q-0", person=SUE))
    (question,) = told(held, past.QuestionAnswered(case=CASE, question="q-0", by=VIC))
    assert (question.person, question.answered_by) == (SUE, VIC)
