"""What becomes a case, to the moment and to the second, and where a caller's page is noted to be opened."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import ACCOUNT, ANN, CALLER, CASE, NOON, SUE, procedure
from tests.core.story import (
    Story,
    Tell,
    asked,
    closed,
    executed,
    given,
    on,
    opened,
    released,
    step,
    validated,
    verified,
)
from tests.core.test_case_release import recovered
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.case import Verifying
from watchword.core.change import (
    ContactKind,
    GrantOverride,
    IssuePass,
    ResetFactors,
    RevokeSessions,
    SetContact,
    Unlock,
)
from watchword.core.errors import Invalid
from watchword.core.ids import OriginId
from watchword.core.origin import OriginSeen
from watchword.core.requirement import Context

WEEK = timedelta(days=7)


def seen(place: str, *, shared: bool = False) -> Tell:
    """The caller's page is opened from somewhere."""
    return step(do.SeeCaller(origin=OriginId(place), kind="address", shared=shared))


def test_a_week_ends_to_the_moment() -> None:
    """Two recoveries within it close the desk to the account; one that is a week old does not count."""
    moment = timedelta(microseconds=1)
    given(on(recovered(WEEK - moment, WEEK - moment))).when(opened()).refused("third_in_7d")
    given(on(recovered(WEEK, timedelta(0)))).when(opened()).then(Verifying)
    given(on(recovered(timedelta(0)))).when(opened()).then(Verifying)


@pytest.mark.parametrize(
    ("action", "change"),
    [
        (Action.BYPASS_CODE, IssuePass(account=ACCOUNT, lifetime_s=600)),
        (Action.BYPASS_CODE, IssuePass(account=ACCOUNT, lifetime_s=3600)),
        (Action.PRIVILEGED_OVERRIDE, GrantOverride(account=ACCOUNT, role="operator", lifetime_s=60)),
        (Action.PRIVILEGED_OVERRIDE, GrantOverride(account=ACCOUNT, role="operator", lifetime_s=14_400)),
    ],
)
def test_a_lifetime_may_be_as_short_and_as_long_as_is_said(action: Action, change: IssuePass | GrantOverride) -> None:
    """The bounds themselves are allowed."""
    given().when(opened(procedure(action), changes=(change,))).then(Verifying)
    less = msgspec.structs.replace(change, lifetime_s=59)
    given().when(opened(procedure(action), changes=(less,))).fails(Invalid, "59 s is no lifetime")


def test_sessions_may_be_ended_beside_any_change() -> None:
    """It takes away, so it may go with what the action is for, and once."""
    ended = RevokeSessions(account=ACCOUNT)
    given().when(opened(changes=(Unlock(account=ACCOUNT), ended))).then(Verifying)
    given().when(opened(changes=(Unlock(account=ACCOUNT), ended, ended))).fails(Invalid, "do not belong")


def test_a_new_contact_point_is_not_given_at_the_desk() -> None:
    """Whoever opens the case would know it, or have made it up; the person enters it on their own page."""
    rule = procedure(Action.RECOVERY_INFO_CHANGE)
    empty = SetContact(account=ACCOUNT, contact=ContactKind.PHONE)
    filled = SetContact(account=ACCOUNT, contact=ContactKind.PHONE, commitment="c0" * 32)
    given().when(opened(rule, changes=(empty,))).then(Verifying)
    given().when(opened(rule, changes=(filled,))).fails(Invalid, "not given when a case is opened")


def test_all_factors_are_meant_where_all_are_lost_alone() -> None:
    """A reset of factors names them; a total loss need not."""
    given().when(opened(procedure(Action.FACTOR_RESET), changes=(ResetFactors(account=ACCOUNT),))).fails(
        Invalid, "Which factors"
    )
    given().when(opened(procedure(Action.TOTAL_LOSS), changes=(ResetFactors(account=ACCOUNT),))).then(Verifying)


def test_a_stricter_row_answers_for_a_softer_account() -> None:
    """The class of the row is at least the account's; another action's row never answers."""
    strict = procedure(account_class=AccountClass.PRIVILEGED)
    given().when(opened(strict, account_class=AccountClass.EXECUTIVE)).then(Verifying)
    given().when(opened(procedure(), account_class=AccountClass.CONTRACTOR)).refused("no_cell")


def test_a_case_is_opened_as_it_was_asked() -> None:
    """Lane, help on the phone and a number that others share are noted; a caller without a number leaves no place."""
    command = do.Open(
        case=CASE,
        account=ACCOUNT,
        account_class=AccountClass.STANDARD,
        unit="north",
        action=Action.UNLOCK,
        changes=(Unlock(account=ACCOUNT),),
        context=Context(),
        opener=ANN,
        subject=SUE,
        origin=CALLER,
        lane="text",
        assisted=True,
        shared_origin=True,
    )
    story = given().when(step(command, procedure())).then(Verifying, past.CaseOpened, OriginSeen)
    opening = story.events[0]
    assert isinstance(opening, past.CaseOpened)
    assert (opening.lane, opening.assisted, opening.shared_origin) == ("text", True, True)
    assert (story.now(Verifying).lane, story.now(Verifying).assisted) == ("text", True)
    unknown = msgspec.structs.replace(command, origin=None)
    given().when(step(unknown, procedure())).then(Verifying, past.CaseOpened)
    plain = given().when(opened()).then(Verifying).events[0]
    assert isinstance(plain, past.CaseOpened)
    assert (plain.lane, plain.assisted, plain.shared_origin) == ("voice", False, False)


def test_a_place_is_noted_once_and_twenty_at_most() -> None:
    """Neither the desk's own note of the caller nor a place that is known is noted again; behind twenty, none is."""
    story = given(opened())
    assert given(seen(CALLER), start=story).events == ()
    for number in range(20):
        story = story.when(seen(f"o-{number}", shared=number == 3)).then(Verifying, past.CallerSeen, OriginSeen)
        assert given(seen(f"o-{number}"), start=story).events == ()
        noted = story.events[0]
        assert isinstance(noted, past.CallerSeen)
        assert noted.shared is (number == 3)
    assert given(seen("o-20"), start=story).events == ()
    assert len(story.now(Verifying).pages) == 20


def test_nothing_is_noted_of_a_case_at_its_end() -> None:
    """Whoever opens its page later had no hand in it; until then they are noted, also once it was done."""
    done: Story = given(verified(), asked(), released(), executed(), validated())
    assert given(seen("o-late"), start=done).events != ()
    assert given(closed(), seen("o-late"), start=done).events == ()
    assert done.at == NOON
