"""Raising, breaking the glass, containing and reviewing, and that what is over stays over."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.core.sample import (
    ANN,
    COY,
    CYD,
    EXE,
    GLASS,
    MANAGER,
    MANAGER_AND_DUTY,
    METHODS,
    RESET,
    REX,
    RUE,
    SUE,
    VIC,
    WITH_MANAGER,
    procedure,
)
from tests.core.story import (
    Tell,
    approved,
    asked,
    begun,
    closed,
    contained,
    declined,
    ended,
    escalated,
    executed,
    execution_refused,
    expired,
    frozen,
    given,
    glass_broken,
    handed_over,
    hold_over,
    opened,
    page_opened,
    proved,
    released,
    reproved,
    reviewed,
    started,
    step,
    ticketed,
    validated,
    verified,
    wait,
    withdrawn,
)
from watchword.core import command as do
from watchword.core.case import TERMINAL, Expired
from watchword.core.ids import PersonId
from watchword.core.requirement import Requirement


@pytest.mark.parametrize(
    ("lower", "name"),
    [
        ({"hold_s": 0}, "hold"),
        ({"hold_waived_by": ("totp",)}, "hold"),
        ({"approve": None}, "approve"),
        ({"approve": MANAGER}, "approve"),
        ({"approve": MANAGER_AND_DUTY}, "signed"),
        ({"verify": ()}, "verify"),
        ({"separate": ()}, "separate"),
        ({"cosigned": False}, "cosigned"),
        ({"policy": "00" * 32}, "procedure"),
        ({"review_s": 0}, "review"),
        ({"methods": (msgspec.structs.replace(METHODS[0], weight=9),)}, "methods"),
        ({"verify": (msgspec.structs.replace(procedure().verify[0], min_weight=3),)}, "verify"),
    ],
)
def test_a_requirement_may_only_be_raised(lower: dict[str, Any], name: str) -> None:
    """Escalating to anything that asks less in any part is refused, and says which."""
    signed = msgspec.structs.replace(MANAGER_AND_DUTY, signed=True)
    strict: dict[str, Any] = {"approve": signed, "hold_s": 3600, "review_s": 60, "cosigned": True}
    story = given(verified(procedure(**strict)))
    less: Requirement = procedure(**(strict | lower))
    story.when(escalated(less)).refused("lowered", name)


def test_a_case_does_not_expire_before_its_time() -> None:
    """Two days and its hold are everybody's, whoever says otherwise."""
    story = given(opened(procedure(hold_s=3600)), wait(days=2, minutes=59))
    story.when(step(do.Expire())).refused("too_early")
    given(wait(minutes=1), step(do.Expire()), start=story).now(Expired)


def test_the_glass_is_broken_once_and_not_by_one_person() -> None:
    """Who broke it does not approve it, nobody breaks it again, and nothing is escalated from there."""
    story = given(opened(), ticketed(), glass_broken(GLASS))
    story.when(approved(CYD, "custodian")).refused("same_person")
    story.when(glass_broken(GLASS, COY)).refused("glass_broken")
    story.when(escalated(WITH_MANAGER)).refused("glass_broken")


def test_broken_glass_does_not_undo_a_no() -> None:
    """A case an approver declined, or that was released, is beyond break-glass."""
    given(verified(WITH_MANAGER), asked(), declined()).when(glass_broken(GLASS)).refused("wrong_state")
    given(verified(), asked(), released()).when(glass_broken(GLASS)).refused("wrong_state")


def test_a_case_is_contained_once() -> None:
    """What is contained already is followed to its end, not begun again."""
    given(verified(), asked(), released(), contained()).when(contained()).refused("wrong_state")


def test_a_containment_takes_nothing_else_back() -> None:
    """The numbers of the case's own changes, and any beyond those taken back, do not begin."""
    story = given(verified(), asked(), released(), contained())
    story.when(started(0)).refused("order")
    story.when(started(2)).refused("order")
    story = given(started(1), ended(), started(2), ended(), start=story)
    story.when(started(3)).refused("order")
    story.when(started(1)).refused("one_use")


def test_a_review_is_owed_before_it_is_given() -> None:
    """Where none is owed, or it was given, a review is refused."""
    given(opened()).when(reviewed()).refused("no_review")
    story = given(verified(procedure(review_s=60)), asked(), released(), executed(), reviewed())
    story.when(reviewed()).refused("no_review")


def test_a_review_looks_back() -> None:
    """Nobody reviews broken glass before anything came of it."""
    given(opened(), ticketed(), glass_broken(GLASS)).when(reviewed()).refused("wrong_state")


@pytest.mark.parametrize("hand", [ANN, VIC, CYD, COY, REX, EXE, SUE])
def test_nobody_reviews_what_they_took_part_in(hand: PersonId) -> None:
    """Opener, verifier, custodians, releaser, executor and subject are refused; somebody else is not."""
    story = given(opened(), ticketed(), proved("totp"), glass_broken(GLASS), approved(COY, "custodian"))
    story = given(released(), executed(), start=story)
    story.when(reviewed(by=hand)).refused("same_person")
    given(reviewed(by=RUE), start=story)


ENDS: dict[str, tuple[Tell, ...]] = {
    "closed": (verified(RESET), asked(), released(), executed(), validated(), reproved(), handed_over(), closed()),
    "declined": (verified(WITH_MANAGER), asked(), declined()),
    "withdrawn": (opened(), withdrawn()),
    "expired": (opened(), expired()),
    "frozen": (opened(), frozen()),
    "contained": (verified(), asked(), released(), contained()),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "tell",
    [
        ticketed(),
        begun("passkey", "late"),
        begun("passkey", "late", purpose="hand_over"),
        asked(),
        approved(),
        declined(),
        hold_over(),
        released(),
        page_opened(),
        started(0),
        ended("done", 0),
        execution_refused(),
        validated(),
        handed_over(),
        escalated(WITH_MANAGER),
        glass_broken(GLASS),
        closed(),
        withdrawn(),
        expired(),
        frozen(),
    ],
)
def test_what_is_over_stays_over(end: str, tell: Tell) -> None:
    """No step of anybody's but containing moves a case that ended."""
    story = given(*ENDS[end])
    assert type(story.case) in TERMINAL
    story.when(tell).refused()
