"""“Not me”: one signal stops a case, a second one takes back what it gave, and somebody else lets it go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.sample import ANN, IDA, RUE, SUE, VIC, procedure
from tests.core.story import (
    Tell,
    asked,
    closed,
    ended,
    executed,
    given,
    hold_over,
    hold_told,
    page_opened,
    proved,
    released,
    started,
    verified,
    wait,
    withdrawn,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import Closed, Contained, Executed, Holding, Paused, Releasable, Released, Withdrawn
from watchword.core.change import RevokeSessions, Suspend
from watchword.core.ids import PersonId
from watchword.core.standing import AccountShielded, RecoveryDisowned, Thresholds

HELD = procedure(hold_s=3600)


def objected(by: PersonId = ANN, channel: past.ObjectedOver = "desk", *, bound: bool = False) -> Tell:
    """Somebody says that it was not them."""
    return lambda story: story.take(do.Object(by=by, channel=channel, bound=bound))


def lifted(by: PersonId = IDA) -> Tell:
    """Somebody lets it go on."""
    return lambda story: story.take(do.LiftPause(by=by))


@pytest.mark.parametrize(
    "step",
    [asked(), proved("passkey"), released(), hold_over(), page_opened(), started(0)],
    ids=lambda s: s.__qualname__,
)
def test_nothing_goes_on_once_somebody_objected(step: Tell) -> None:
    """Whatever comes next is refused, by the state the case is in."""
    given(verified(), objected()).when(step).refused("wrong_state")


def test_a_running_hold_stops_and_begins_anew() -> None:
    """The time that ran while the case stood still does not count towards the hold."""
    story = given(verified(HELD), asked(), hold_told(), wait(minutes=50), objected(), wait(minutes=30))
    story.when(hold_over()).refused("wrong_state")
    after = given(lifted(), start=story)
    assert after.now(Holding).until == after.at + timedelta(hours=1)
    after.when(wait(minutes=60), hold_over()).refused("untold")
    after = given(hold_told(), start=after)
    after.when(wait(minutes=59), hold_over()).refused("hold")
    after.when(wait(minutes=60), hold_over()).then(Releasable)


def test_it_goes_on_where_it_stood() -> None:
    """What was proven stays proven; who objected before the look counts no more for a second signal."""
    story = given(verified(), asked(), released(), objected(), lifted())
    assert story.now(Released).objections == ()
    story.when(objected(VIC)).then(Paused, past.Objected)


@pytest.mark.parametrize("by", [ANN, VIC, RUE, SUE])
def test_nobody_who_took_part_lets_it_go_on(by: PersonId) -> None:
    """Neither who opened, verified or objected, nor whom it is about."""
    given(verified(), objected(RUE)).when(lifted(by)).refused("same_person")


def test_the_same_voice_twice_is_one_signal() -> None:
    """One agent can not take a recovery back by saying it twice."""
    given(verified(), objected()).when(objected()).refused("said_already")


SECOND: tuple[Tell, ...] = (objected(VIC), objected(ANN, "person"), objected(RUE, "page", bound=True))


@pytest.mark.parametrize("second", SECOND)
def test_a_second_signal_before_anything_was_begun_ends_the_case_and_freezes_the_account(second: Tell) -> None:
    """Another person or channel is enough; nothing was given, so nothing is taken, and nobody is locked out."""
    after = given(verified(), objected()).when(second).then(Contained)
    spent = tuple(e.by for e in after.events if isinstance(e, past.ProtectionSpent))
    said = next(e for e in after.events if isinstance(e, past.Objected))
    assert spent == ((said.by,) if said.channel == "desk" else ())
    assert [type(e) for e in after.events if not isinstance(e, past.ProtectionSpent)] == [
        past.Objected,
        past.CaseContained,
        RecoveryDisowned,
    ]
    assert after.now(Contained).taken_back == ()
    assert after.account.freeze(after.at + timedelta(days=400), Thresholds()) == 2


@pytest.mark.parametrize("hand", [ANN, VIC])
def test_a_page_nobody_is_bound_to_is_no_second_voice_beside_who_knows_its_address(hand: PersonId) -> None:
    """Who opened or verified the case may have said both, in either order; somebody who did neither has not."""
    first = given(verified(), objected(hand))
    first.when(objected(RUE, "page")).refused("said_already")
    page = given(verified(), objected(RUE, "page"))
    page.when(objected(hand)).refused("said_already")
    page.when(objected(IDA)).then(Contained)
    first.when(objected(RUE, "page", bound=True)).then(Contained)


def test_the_page_alone_counts_twice_only_from_the_browser_the_case_is_bound_to() -> None:
    """Whoever merely has the address says it once; the browser that made the key says it as the verified person."""
    story = given(verified(), objected(RUE, "page"))
    story.when(objected(RUE, "page")).refused("said_already")
    story.when(objected(RUE, "page", bound=True)).then(Contained)


def test_a_second_signal_takes_back_what_was_begun() -> None:
    """Once a change was started the account is suspended and signed out, under numbers of their own."""
    story = given(verified(), asked(), released(), executed(), objected())
    after = story.when(objected(VIC)).then(Contained)
    account = after.account.id
    assert after.now(Contained).taken_back == (Suspend(account=account), RevokeSessions(account=account))
    assert after.account.cut == {"mail"}
    assert AccountShielded(account=account, case=after.now(Contained).id, by=VIC, cut=("mail",)) in after.events


def test_a_change_under_way_is_still_ended_by_the_directory_s_word() -> None:
    """What the directory was asked before anybody objected ends as it ends, and the case goes on from there."""
    story = given(verified(), asked(), released(), started(), objected())
    assert story.account.begun is not None
    after = given(ended(), start=story)
    assert isinstance(after.now(Paused).resumes, Executed)
    given(lifted(), start=after).now(Executed)


def test_a_recovery_that_is_over_needs_two_voices_as_well() -> None:
    """A notice may be read after the case was closed: the first voice is kept, the second takes back."""
    story = given(verified(), asked(), released(), executed(), closed_after_read_back(), objected())
    story.now(Closed)
    story.when(objected(VIC)).then(Contained)


def closed_after_read_back() -> Tell:
    """Read back, found sound, closed."""
    return lambda story: closed()(story.take(do.Validate(by=ANN, sound=True)))


def test_what_never_came_to_anything_is_not_objected_to() -> None:
    """A withdrawn case gave nothing and leads nowhere."""
    given(verified(), withdrawn()).when(objected()).refused("wrong_state")


def test_a_paused_case_can_be_withdrawn() -> None:
    """Nobody has to let a case go on in order to end it."""
    given(verified(), objected()).when(withdrawn()).then(Withdrawn)
