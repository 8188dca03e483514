"""A declaration of what was done while Watchword was down: its times, its two custodians, its review."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.core.sample import ACCOUNT, COY, CYD, NOON, RUE, SUE
from watchword.core.action import Action
from watchword.core.downtime import (
    CUSTODIANS,
    Downtime,
    DowntimeConfirmed,
    DowntimeDeclared,
    DowntimeReviewed,
    confirm,
    declare,
    evolve_downtime,
    granted,
    review,
)
from watchword.core.errors import Conflict, Corrupt, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant, RoleGranted

HOUR, DAY, MOMENT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


def said(since: datetime = NOON - HOUR, until: datetime = NOON, action: Action = Action.UNLOCK) -> DowntimeDeclared:
    """What Cyd says was done to Sue's account."""
    return DowntimeDeclared(downtime="d-1", account=ACCOUNT, action=action, since=since, until=until, by=CYD)


DECLARED = evolve_downtime(None, said())
CONFIRMED = evolve_downtime(DECLARED, DowntimeConfirmed(downtime="d-1", by=COY, due=NOON + DAY))
REVIEWED = evolve_downtime(CONFIRMED, DowntimeReviewed(downtime="d-1", by=RUE, sound=True))


def refused(step: Callable[[], object]) -> str:
    """Why a step is refused."""
    with pytest.raises(Refused) as caught:
        step()
    return caught.value.reasons[0]


def fault(since: datetime, until: datetime) -> str:
    """Which of the times is said to be wrong, at noon."""
    with pytest.raises(Invalid) as caught:
        declare(said(since, until), SUE, NOON)
    return caught.value.where


@pytest.mark.parametrize("until", [None, NOON + MOMENT, NOON])
@pytest.mark.parametrize("first", sorted(CUSTODIANS))
def test_the_two_pairs_of_custodians_are_apart(first: Role, until: datetime | None) -> None:
    """Who holds the one role, for as long as they do, is not given the other; any third one they may have."""
    held = Person(id=CYD, kind=Kind.EMPLOYEE, unit="north", grants=(RoleGrant(role=first, unit="north", until=until),))
    (other,) = CUSTODIANS - {first}
    for role in (first, Role.AGENT):
        given = RoleGrant(role=role)
        assert granted(held, given, NOON) == RoleGranted(person=CYD, grant=given)
    if until == NOON:
        assert granted(held, RoleGrant(role=other), NOON).grant.role is other
    else:
        assert refused(lambda: granted(held, RoleGrant(role=other), NOON)) == "custodian_of_both"


def test_it_is_declared_once_it_is_over() -> None:
    """It began before it ended, and it has ended: up to the very moment it is declared."""
    assert declare(said(), SUE, NOON) == (said(),)
    assert fault(NOON, NOON) == "until"
    assert fault(NOON, NOON - HOUR) == "until"
    assert fault(NOON - HOUR, NOON + MOMENT) == "until"


def test_it_took_three_days_at_most() -> None:
    """Longer work is declared in pieces that each say when."""
    assert declare(said(NOON - 3 * DAY), SUE, NOON)
    assert fault(NOON - 3 * DAY - MOMENT, NOON) == "since"


def test_it_is_declared_within_fourteen_days() -> None:
    """Up to the last moment of them; later than that it stays a finding."""
    late = NOON - 14 * DAY
    assert declare(said(late - HOUR, late), SUE, NOON)
    assert fault(late - HOUR, late - MOMENT) == "until"


def test_two_custodians_stand_for_it() -> None:
    """Whoever declared it can not confirm it; whoever else does, sets the review's day."""
    assert refused(lambda: confirm(DECLARED, CYD, SUE, NOON)) == "same_person"
    assert confirm(DECLARED, COY, SUE, NOON) == (DowntimeConfirmed(downtime="d-1", by=COY, due=NOON + DAY),)
    with pytest.raises(Conflict):
        confirm(CONFIRMED, RUE, SUE, NOON)


@pytest.mark.parametrize("own", [CYD, COY, RUE])
def test_nobody_declares_confirms_or_reviews_what_was_done_to_their_own_account(own: PersonId) -> None:
    """The subject takes none of the three steps, whoever took the others."""
    mine = DowntimeDeclared(
        downtime="d-1", account=ACCOUNT, action=Action.UNLOCK, since=NOON - HOUR, until=NOON, by=own
    )
    assert refused(lambda: declare(mine, own, NOON)) == "subject"
    assert refused(lambda: confirm(DECLARED, own, own, NOON)) == "subject"
    assert refused(lambda: review(CONFIRMED, own, own, sound=True)) == "subject"


def test_an_account_that_is_nobodys_has_no_subject_to_keep_away() -> None:
    """Where nobody is known to own it, all three steps are open to whoever may take them."""
    assert declare(said(), None, NOON)
    assert confirm(DECLARED, COY, None, NOON)
    assert review(CONFIRMED, RUE, None, sound=True)


def test_it_is_reviewed_once_by_somebody_who_does_not_stand_for_it() -> None:
    """Not before it is confirmed, by neither custodian, and not twice; what they found is kept as they said it."""
    assert refused(lambda: review(DECLARED, RUE, SUE, sound=True)) == "unconfirmed"
    for custodian in (CYD, COY):
        assert refused(lambda who=custodian: review(CONFIRMED, who, SUE, sound=True)) == "same_person"  # type: ignore[misc]
    for sound in (True, False):
        assert review(CONFIRMED, RUE, SUE, sound=sound) == (DowntimeReviewed(downtime="d-1", by=RUE, sound=sound),)
    with pytest.raises(Conflict):
        review(REVIEWED, RUE, SUE, sound=True)


def test_a_review_is_overdue_from_its_time_on_until_it_is_done() -> None:
    """Before it is confirmed nothing is due, and afterwards the very moment counts."""
    assert not DECLARED.overdue(NOON + 9 * DAY)
    assert not CONFIRMED.overdue(NOON + DAY - MOMENT)
    assert CONFIRMED.overdue(NOON + DAY)
    assert not REVIEWED.overdue(NOON + DAY)


def test_it_speaks_for_what_its_action_looks_like_in_a_log() -> None:
    """Every event of every change that the action allows, and no other."""
    assert evolve_downtime(None, said(action=Action.UNLOCK)).effects == ("account.unlock",)
    assert evolve_downtime(None, said(action=Action.PASSWORD_RESET)).effects == (
        "account.unlock",
        "password.expire",
        "password.reset",
    )


@pytest.mark.parametrize("first", [CONFIRMED.confirmed, REVIEWED.reviewed])
def test_its_entries_begin_with_the_declaration(first: DowntimeConfirmed | DowntimeReviewed) -> None:
    """What no decision can have written stops the world; so does a second declaration."""
    with pytest.raises(Corrupt):
        evolve_downtime(None, first)
    with pytest.raises(Corrupt):
        evolve_downtime(DECLARED, said())


def test_its_entries_are_kept_as_they_are() -> None:
    """The fold holds the three entries, each in its place."""
    assert Downtime(declared=said(), confirmed=CONFIRMED.confirmed, reviewed=REVIEWED.reviewed) == REVIEWED
