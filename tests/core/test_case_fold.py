"""A stream that no sequence of decisions could have written is corrupt; it is never guessed into a case."""

from __future__ import annotations

import pytest

from tests.core.sample import ANN, CASE, EXE, MANAGER, MAX, NOON, REX, procedure
from tests.core.story import (
    Story,
    approved,
    asked,
    closed,
    ended,
    executed,
    given,
    leaf,
    opened,
    released,
    started,
    validated,
    verified,
)
from watchword.core import event as past
from watchword.core.case import evolve, fold
from watchword.core.errors import Corrupt, Invalid

START = past.ChangeStarted(case=CASE, number=0, effect="e", executor=EXE, before="7")
END = past.ChangeEnded(case=CASE, number=0, outcome="done")
YES = past.ApprovalGiven(case=CASE, person=MAX, roles=("manager_of_record",), request="", proof="{}", not_after=NOON)
RELEASE = past.CaseReleased(case=CASE, by=REX, request="", approvals=(), until=NOON)


def planted(story: Story, event: past.CaseEvent) -> None:
    """*event* after the story's own entries stops the world."""
    with pytest.raises(Corrupt):
        evolve(story.case, past.Recorded(event=event, at=story.at, leaf=leaf(999)))


def test_a_stream_begins_with_its_opening_once() -> None:
    """Neither without, nor twice."""
    planted(Story(), START)
    story = given(opened())
    planted(story, story.history[0].event)


def test_a_case_without_entries_is_no_case() -> None:
    """Asking for one that never was is the caller's mistake."""
    with pytest.raises(Invalid):
        fold(())


def test_a_vote_stands_where_one_was_asked() -> None:
    """Not before the question, and not under a procedure without approval."""
    planted(given(opened(procedure(approve=MANAGER))), YES)
    planted(given(verified(), asked()), YES)


def test_a_change_stands_in_a_released_case() -> None:
    """A start or an outcome planted in any other state is found."""
    for story in (
        given(verified(), asked()),
        given(verified(procedure(approve=MANAGER)), asked(), approved()),
        given(verified(), asked(), released(), executed()),
        given(verified(), asked(), released(), started(), ended("refused")),
    ):
        planted(story, START)
        planted(story, END)


@pytest.mark.parametrize(
    "event",
    [
        past.TicketLinked(case=CASE, by=ANN),
        YES,
        RELEASE,
        START,
        END,
        past.HandOverOpened(case=CASE, jwk="{}"),
        past.HoldElapsed(case=CASE),
        past.Validated(case=CASE, by=EXE, sound=True),
        past.HandedOver(case=CASE),
        past.CaseClosed(case=CASE, by=ANN),
        past.CaseWithdrawn(case=CASE, by=ANN),
        past.CaseFrozen(case=CASE, because=CASE),
    ],
)
def test_what_is_over_can_not_be_planted_back_to_life(event: past.CaseEvent) -> None:
    """No entry but a containment moves a case that was closed."""
    planted(given(verified(), asked(), released(), executed(), validated(), closed()), event)


def test_an_outcome_follows_its_start() -> None:
    """What never began did not end."""
    planted(given(verified(), asked(), released()), END)


def test_a_case_is_asked_before_it_is_released() -> None:
    """A release planted behind the opening has no request to stand on."""
    planted(given(opened()), RELEASE)
    planted(given(opened()), past.HandedOver(case=CASE))
