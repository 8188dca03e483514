"""What a decision asks for that no other one does: whose word it is, and to the moment until when it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.sample import ANN, COY, CYD, GLASS, MANAGER, MAX, NOON, UNLOCK, VIC, WITH_MANAGER, procedure
from tests.core.story import (
    approved,
    asked,
    executed,
    given,
    glass_broken,
    opened,
    released,
    step,
    ticketed,
    validated,
    verified,
    wait,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import AwaitingApproval, Delivered, Failed, Holding, Releasable, Released
from watchword.core.person import CredentialUsed


def test_whoever_broke_the_glass_does_not_release_it() -> None:
    """The second custodian's yes does not make the first one a releaser; somebody else is."""
    story = given(opened(), ticketed(), glass_broken(GLASS), approved(COY, "custodian"))
    changes = story.now(Releasable).changes
    refusal = story.when(step(do.Release(by=CYD, executor=VIC, changes=changes))).refused("same_person")
    assert "broke the glass" in refusal.what
    story.when(released()).then(Released)


@pytest.mark.parametrize("rule", [UNLOCK, WITH_MANAGER], ids=["nobody approves", "the manager approves"])
def test_a_release_comes_before_what_was_asked_is_over(rule: object) -> None:
    """Up to the very moment, with approvals or without any; afterwards there is nothing that an executor could do."""
    agreed = (approved(),) if rule is WITH_MANAGER else ()
    story = given(verified(rule), asked(), *agreed, wait(days=1))  # type: ignore[arg-type]
    released_at_last = story.when(released()).then(Released)
    assert released_at_last.now(Released).until == story.at
    refusal = story.when(wait(microseconds=1), released()).refused("expired")
    assert "approval is over" in refusal.what


def test_a_yes_that_comes_later_than_the_release_fills_no_seat() -> None:
    """Where the clock went back behind an approval, it is missing and nothing is released."""
    story = given(verified(WITH_MANAGER), asked(), approved(), wait(seconds=-1))
    refusal = story.when(released()).refused("expired")
    assert "missing" in refusal.what


def test_a_question_is_asked_for_as_long_as_its_approval_and_its_hold_take() -> None:
    """The request ends a day and the hold after it was asked; a yes comes early enough for its whole hold."""
    story = given(verified(procedure(approve=MANAGER, hold_s=3600)), asked())
    assert story.now(AwaitingApproval).not_after == NOON + timedelta(days=1, hours=1)
    story.when(wait(days=1), approved()).then(Holding)
    story.when(wait(days=1, microseconds=1), approved()).refused("expired")


@pytest.mark.parametrize(
    ("credential", "counter", "is_used"),
    [("k-1", 7, True), ("k-1", 0, True), ("k-1", None, False), (None, 7, False), (None, None, False)],
)
def test_a_signature_uses_up_the_counter_of_its_key(credential: str | None, counter: int | None, is_used: bool) -> None:
    """Where the key has one: so that no signature counts twice anywhere. A yes without it uses nothing up."""
    story = given(verified(WITH_MANAGER), asked())
    command = do.Approve(
        person=MAX,
        roles=("manager_of_record",),
        request=story.now(AwaitingApproval).request,
        proof='{"kind":"session","session":"00"}',
        credential=credential,
        counter=counter,
    )
    after = story.when(step(command)).works()
    used = tuple(e for e in after.events if isinstance(e, CredentialUsed))
    assert used == ((CredentialUsed(person=MAX, credential="k-1", counter=counter or 0),) if is_used else ())


def test_nobody_answers_their_own_question() -> None:
    """An approver who asked is answered by somebody else, or the entry would say that the desk had told them."""
    rule = procedure(approve=MANAGER)
    roles = ("manager_of_record",)
    story = given(verified(rule), asked(), step(do.AskQuestion(person=MAX, roles=roles, question="q-1")))
    story.when(step(do.AnswerQuestion(by=MAX, question="q-1"))).refused("same_person")
    story.when(step(do.AnswerQuestion(by=ANN, question="q-1"))).then(AwaitingApproval, past.QuestionAnswered)


@pytest.mark.parametrize("sound", [True, False])
def test_a_read_back_is_taken_as_it_was_found(sound: bool) -> None:
    """A change that the directory does not show fails the case, and stands in its entry as unsound."""
    story = given(verified(), asked(), released(), executed())
    after = story.when(validated(sound=sound)).then(Delivered if sound else Failed, past.Validated)
    assert [e.sound for e in after.events if isinstance(e, past.Validated)] == [sound]


def test_a_lent_seat_is_no_second_voice_of_who_broke_the_glass() -> None:
    """Neither they nor whoever sits in their place is the second custodian."""
    story = given(opened(), ticketed(), glass_broken(GLASS))
    request = story.now(AwaitingApproval).request
    lent = do.Approve(person=COY, roles=("custodian",), request=request, proof="{}", lent_by=(CYD,))
    story.when(step(lent)).refused("same_person")
    story.when(step(do.Approve(person=COY, roles=("custodian",), request=request, proof="{}"))).then(Releasable)
