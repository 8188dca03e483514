"""Who had a hand in a case is remembered, whatever became of what they did, and never looks back on it."""

from __future__ import annotations

import pytest

from tests.core.sample import CASE, COY, CUSTODIAN, CYD, EXE, IDA, MANAGER_AND_DUTY, MAX, RUE, SUE, VIC, procedure
from tests.core.story import (
    Story,
    Tell,
    approved,
    asked,
    begun,
    closed,
    entered,
    escalated,
    executed,
    given,
    glass_broken,
    opened,
    page_opened,
    proved,
    released,
    reproved,
    reviewed,
    step,
    ticketed,
    validated,
    verified,
    withdrawn,
)
from tests.core.test_objection import lifted, objected
from watchword.core import command as do
from watchword.core.action import Action
from watchword.core.case import Paused, Verifying, participants, people_of, took
from watchword.core.facts import facts_of
from watchword.core.ids import PersonId

TWO = procedure(approve=MANAGER_AND_DUTY, review_s=60)
GLASS = procedure(approve=CUSTODIAN, review_s=60)
READY = given(verified(TWO), asked())


def judged(story: Story, *by: PersonId) -> None:
    """None of *by* may review what *story* came to, and somebody who took no part may."""
    for one in by:
        story.when(reviewed(one)).refused("same_person")
    story.when(reviewed(RUE)).works()


@pytest.mark.parametrize("after", [escalated(TWO), glass_broken(GLASS)], ids=["escalated", "glass broken"])
def test_a_vote_that_was_dropped_was_given(after: Tell) -> None:
    """Whoever agreed before a case was raised, or its glass broken, has approved for every later look."""
    story = given(approved(IDA, "iam_duty"), after, start=READY)
    assert story.case is not None
    assert story.case.votes == ()
    assert IDA in participants(story.case)
    assert people_of(story.case)["approve"] == {IDA}
    assert facts_of(story.case, story.account, IDA, story.at, recovered=False).approvers == (IDA,)


def test_whoever_voted_before_the_glass_was_broken_reviews_nothing() -> None:
    """Neither they, nor the two custodians."""
    story = given(approved(IDA, "iam_duty"), glass_broken(GLASS), approved(COY, "custodian"), withdrawn(), start=READY)
    judged(story, IDA, CYD, COY)


def test_whoever_looked_or_raised_or_objected_reviews_nothing() -> None:
    """To lift a pause, to ask for more, to say that it was not them: each is a hand in what is looked back on."""
    story = given(glass_broken(GLASS), objected(MAX), lifted(IDA), withdrawn(), start=READY)
    judged(story, MAX, IDA)
    raised = given(step(do.Escalate(by=IDA, requirement=TWO)), glass_broken(GLASS), withdrawn(), start=READY)
    judged(raised, IDA)


def test_whoever_took_any_other_step_reviews_nothing() -> None:
    """The ticket, the read-back, the closing, the withdrawal and the containment name somebody as well."""
    linked = given(opened(TWO), step(do.LinkTicket(by=MAX)), glass_broken(GLASS), step(do.Withdraw(by=VIC)))
    judged(linked, MAX, VIC)
    plain = given(verified(procedure(review_s=60)), asked(), released(), executed())
    ended = given(step(do.Validate(by=IDA, sound=True)), step(do.Close(by=MAX)), start=plain)
    judged(ended, IDA, MAX)
    judged(given(validated(), closed(), step(do.Contain(by=COY)), start=plain), COY, EXE)


def test_whose_seat_it_was_has_approved() -> None:
    """Somebody sat in their place: for whoever is kept apart the two are one."""
    request = READY.case.request  # type: ignore[union-attr]
    lent = do.Approve(person=IDA, roles=("iam_duty",), request=request, proof="{}", lent_by=(COY,))
    story = given(step(lent), start=READY)
    assert story.case is not None
    assert people_of(story.case)["approve"] == {IDA, COY}
    assert facts_of(story.case, story.account, COY, story.at, recovered=False).approvers == (IDA, COY)


def test_an_earlier_look_bars_nobody_from_looking_again() -> None:
    """Whoever let a case go on may do so a second time; whoever objected before may not."""
    story = given(verified(), objected(MAX), lifted(IDA), objected(VIC))
    assert isinstance(story.case, Paused)
    story.when(lifted(IDA)).then(Verifying)
    story.when(lifted(MAX)).refused("same_person")


def test_a_proof_that_counts_no_more_was_given() -> None:
    """A new contact point voids what was proven, and not who sat there."""
    story = given(opened(procedure(Action.RECOVERY_INFO_CHANGE)), ticketed(), entered(), proved("totp", by=IDA))
    story = given(entered("c1" * 32), start=story)
    assert story.case is not None
    assert story.case.id == CASE
    assert story.case.evidence == ()
    assert (took(story.case, "verify"), took(story.case, "prove")) == ((IDA,), (SUE,))
    told = facts_of(story.case, story.account, IDA, story.at, recovered=False)
    assert (told.verifiers, told.provers) == ((IDA,), (SUE,))


def test_who_proved_again_for_the_hand_over_verified_nobody() -> None:
    """Beginning and taking that proof is a step of its own; only what was proven for the request is verification."""
    reset = procedure(Action.PASSWORD_RESET)
    story = given(verified(reset), asked(), released(), page_opened(), reproved())
    assert story.case is not None
    assert (took(story.case, "verify"), took(story.case, "hand_over")) == ((VIC,), (EXE,))
    assert took(story.case, "prove") == (SUE,)
    begun_only = given(opened(), begun("totp", by=MAX))
    assert begun_only.case is not None
    assert (took(begun_only.case, "verify"), took(begun_only.case, "hand_over")) == ((MAX,), ())
    again = given(
        begun("totp", "again", by=EXE, purpose="hand_over"),
        start=given(page_opened(), start=given(verified(reset), asked(), released())),
    )
    assert again.case is not None
    assert (took(again.case, "verify"), took(again.case, "hand_over")) == ((VIC,), (EXE,))
