"""What policy may know: who did what, and what Watchword's own part for self-service is to a case."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.core.sample import ANN, EXE, MANAGER, MAX, REX, SUE, VIC, procedure
from tests.core.story import Story, approved, asked, given, opened, released, started, verified
from tests.core.test_objection import objected
from watchword.core.case import Case
from watchword.core.facts import facts_of, portal_relations
from watchword.core.ids import PersonId
from watchword.core.requirement import Context

PORTAL = PersonId("p-portal")


def case_of(story: Story) -> Case:
    """The case, which is there."""
    assert story.case is not None
    return story.case


def by_itself(**raised: Any) -> Case:
    """A case that the portal opened for whoever stands before it."""
    plain = case_of(given(opened(procedure(**raised))))
    return msgspec.structs.replace(plain, opener=PORTAL, context=Context(channel="portal"))


def test_the_portal_walks_alone_where_nobody_else_is_asked() -> None:
    """No approval, no hold and no code that somebody at the desk tells."""
    assert portal_relations(by_itself(), PORTAL, PORTAL) == ("portal", "portal_alone")


@pytest.mark.parametrize("raised", [{"approve": MANAGER}, {"hold_s": 1}, {"deliver": "spoken"}])
def test_where_somebody_else_is_asked_it_is_not_alone(raised: dict[str, Any]) -> None:
    """Each of them is somebody else's to give."""
    assert portal_relations(by_itself(**raised), PORTAL, PORTAL) == ("portal",)


def test_broken_glass_is_never_walked_alone() -> None:
    """Whoever broke it did so for somebody, not for a page."""
    broken = msgspec.structs.replace(by_itself(), broke_glass=ANN)
    assert portal_relations(broken, PORTAL, PORTAL) == ("portal",)


def test_it_is_nothing_to_any_other_case_and_nobody_else_is_it() -> None:
    """Neither to one that an agent opened, nor to one of another channel, nor where there is no portal."""
    own = by_itself()
    assert portal_relations(own, ANN, PORTAL) == ()
    assert portal_relations(own, PORTAL, None) == ()
    assert portal_relations(msgspec.structs.replace(own, opener=ANN), PORTAL, PORTAL) == ()
    assert portal_relations(msgspec.structs.replace(own, context=Context(channel="phone")), PORTAL, PORTAL) == ()
    assert portal_relations(msgspec.structs.replace(own, opener=ANN), ANN, PORTAL) == ()


def test_policy_is_told_who_released_and_executes_also_of_a_paused_case() -> None:
    """An objection hides nobody's step; before there was one, nobody took it."""
    story = given(verified(procedure(approve=MANAGER)), asked(), approved())
    before = facts_of(case_of(story), story.account, MAX, story.at, recovered=False)
    assert (before.releaser, before.executor) == (None, None)
    for paused in (given(released(), started(), start=story), given(released(), started(), objected(), start=story)):
        told = facts_of(case_of(paused), paused.account, MAX, paused.at, recovered=True)
        assert (told.releaser, told.executor, told.subject, told.opener) == (REX, EXE, SUE, ANN)
        assert (told.verifiers, told.provers, told.approvers) == ((VIC,), (SUE,), (MAX,))
        assert told.relations == ("manager_of_record",)
        assert told.recovered
