"""A code that the desk says opens nothing by itself, may be wrong three times, and comes before the hand-over."""

from __future__ import annotations

import pytest

from tests.core.sample import EXE, procedure
from tests.core.story import (
    Story,
    Tell,
    asked,
    contained,
    ended,
    executed,
    given,
    handed_over,
    page_opened,
    released,
    reproved,
    started,
    step,
    validated,
    verified,
    wait,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.action import Action
from watchword.core.case import Checked, Contained, Delivered, Released
from watchword.core.execution import in_flight
from watchword.core.standing import RecoveryCompleted

SPOKEN = procedure(Action.PASSWORD_RESET, deliver="spoken")
RESET = procedure(Action.PASSWORD_RESET)


def said(*, right: bool = True) -> Tell:
    """Somebody types the code that the desk told them, or another one."""
    return step(do.SayCode(right=right))


def page(rule: object = SPOKEN) -> Story:
    """A released reset whose page somebody has opened."""
    return given(verified(rule), asked(), released(), page_opened())  # type: ignore[arg-type]


def test_a_code_that_is_asked_opens_the_hand_over() -> None:
    """Without it the fresh proof is not enough; with it the credential goes, once it was read back."""
    story = given(executed(), validated(), reproved(), start=page())
    refusal = story.when(handed_over()).refused("no_code")
    assert "code" in refusal.what
    story = story.when(said()).then(Checked, past.CodeSpoken)
    assert story.now(Checked).code_spoken
    story.when(handed_over()).then(Delivered, past.HandedOver)


def test_a_code_that_nobody_asks_for_is_not_taken() -> None:
    """Neither where the procedure asks for none, nor before the page was opened, nor once it was right."""
    page(RESET).when(said()).refused("no_code_asked")
    given(verified(SPOKEN), asked(), released()).when(said()).refused("no_code_asked")
    given(said(), start=page()).when(said()).refused("no_code_asked")
    given(executed(), validated(), reproved(), start=page(RESET)).when(handed_over()).then(Delivered)


def test_three_wrong_codes_close_the_hand_over() -> None:
    """After two the right one still counts; after the third not even that one does."""
    story = page().when(said(right=False)).then(Released, past.CodeMissed)
    story = given(said(right=False), start=story)
    assert story.now(Released).code_misses == 2
    story.when(said()).then(Released, past.CodeSpoken)
    story = given(said(right=False), start=story)
    story.when(said()).refused("exhausted")
    story.when(said(right=False)).refused("exhausted")


def test_what_is_taken_back_is_no_recovery() -> None:
    """The change that a containment numbers on with completes nothing, so that no probation or review begins by it."""
    story = given(verified(procedure(review_s=60)), asked(), released(), contained())
    after = story.when(started(), ended()).then(Contained)
    assert [type(e) for e in after.events] == [past.ChangeEnded]
    own = given(verified(procedure(review_s=60)), asked(), released(), started()).when(ended()).works()
    assert {past.ReviewOwed, RecoveryCompleted} <= {type(e) for e in own.events}


@pytest.mark.parametrize("outcome", ["unknown", "not_done"])
def test_a_change_that_is_not_done_is_told_with_who_began_it(outcome: past.Outcome) -> None:
    """Silence is noted and leaves its end open; what was read back as not done has one."""
    story = given(verified(), asked(), released(), started(), ended(outcome))
    assert story.case is not None
    (progress,) = story.case.progress  # type: ignore[attr-defined]
    silent = outcome == "unknown"
    assert (progress.silent, progress.outcome) == (silent, None if silent else "not_done")
    assert (progress.ended, progress.executor) == (None if silent else story.at, EXE)


def test_a_sealed_credential_is_there_for_an_hour_to_the_moment() -> None:
    """Counted from when its change was done: at the hour it still goes, and behind it no more."""
    story = given(executed(), wait(minutes=59), validated(), reproved(), wait(minutes=1), start=page(RESET))
    story.when(handed_over()).then(Delivered)
    story.when(wait(microseconds=1), handed_over()).refused("expired")


def test_a_proof_opens_a_hand_over_for_a_quarter_of_an_hour_to_the_moment() -> None:
    """Fresh up to its last moment; behind it one is asked again."""
    story = given(executed(), validated(), reproved(), wait(minutes=15), start=page(RESET))
    story.when(handed_over()).then(Delivered)
    story.when(wait(microseconds=1), handed_over()).refused("not_reproved")


def test_only_a_change_of_the_case_itself_is_in_flight() -> None:
    """What a containment takes back is begun and its end unknown, and yet holds up nobody's own change."""
    story = given(verified(), asked(), released(), contained(), started())
    assert story.case is not None
    assert not in_flight(story.case)
    own = given(verified(), asked(), released(), started(), contained())
    assert own.case is not None
    assert in_flight(own.case)
