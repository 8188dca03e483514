"""A stream that no sequence of decisions could have written is corrupt; it is never guessed into a case."""

from __future__ import annotations

import pytest

from tests.core.sample import ANN, CASE, EXE, MANAGER, MAX, NOON, REX, procedure
from tests.core.story import (
    Story,
    answered,
    approved,
    asked,
    begun,
    closed,
    ended,
    executed,
    given,
    glass_broken,
    leaf,
    opened,
    page_opened,
    released,
    started,
    step,
    ticketed,
    validated,
    verified,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.action import Action
from watchword.core.case import Executing, Holding, become, progress_of
from watchword.core.errors import Corrupt, Invalid
from watchword.core.fold import evolve, fold

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


def test_broken_glass_that_asks_nobody_takes_no_vote() -> None:
    """Where a forged entry broke the glass under a procedure without seats, a yes stands where none was asked."""
    story = given(opened(), ticketed(), glass_broken(procedure()))
    planted(story, YES)


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
    two = given(verified(procedure(Action.TOTAL_LOSS)), asked(), released(), page_opened(), started(0))
    planted(two, past.ChangeEnded(case=CASE, number=1, outcome="done"))


def test_a_case_is_asked_before_it_is_released() -> None:
    """A release planted behind the opening has no request to stand on."""
    planted(given(opened()), RELEASE)
    planted(given(opened()), past.HandedOver(case=CASE))


def test_a_state_is_not_reached_without_what_it_knows() -> None:
    """A case that was never asked can not wait, and nothing is made up for it."""
    case = given(opened()).case
    assert case is not None
    with pytest.raises(Corrupt, match="verifying to Holding"):
        become(Holding, case)


def test_a_case_begins_with_nothing_but_its_request() -> None:
    """Of what the person or the desk may do later, none is taken to be done, and no review to be late."""
    case = given(opened()).case
    assert case is not None
    assert (case.code_spoken, case.code_misses, case.assisted, case.entered) == (False, 0, False, 0)
    assert (case.confirmed, case.unconfirmed, case.review_overdue) == (False, False, False)


def test_what_became_of_a_challenge_is_kept() -> None:
    """A prompt that was sent, an answer that was right: each is noted on its own challenge, and on no other."""
    story = given(opened(), begun("totp"), begun("passkey"), step(do.NotePrompt(challenge="passkey")))
    story = given(answered("totp"), start=story)
    assert story.case is not None
    assert [(c.id, c.misses, c.sent, c.proved, c.ended) for c in story.case.challenges] == [
        ("totp", 0, False, True, True),
        ("passkey", 0, True, False, False),
    ]


def test_a_change_that_was_begun_is_not_silent_yet() -> None:
    """Its executor still waits for the directory; that it stopped waiting is an entry of its own."""
    story = given(verified(), asked(), released(), started())
    assert [p.silent for p in progress_of(story.now(Executing))] == [False]
    assert [p.silent for p in progress_of(given(ended("unknown"), start=story).now(Executing))] == [True]
