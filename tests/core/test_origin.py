"""Where callers come from is throttled before any target is."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce

import pytest

from tests.core.sample import ACCOUNT, CALLER, CASE, DAY, NOON
from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.origin import (
    AGENTS,
    Origin,
    OriginFailed,
    OriginGuessed,
    OriginSeen,
    Throttle,
    evolve_origin,
    of_agent,
)

SLOW = Throttle(failures=3, wait_s=60, longest_wait_s=3600, targets=2)


def after(*accounts: AccountId, at: datetime = NOON, origin: Origin | None = None) -> Origin:
    """An origin that failed at *at* on the way to each of *accounts*."""
    events = (OriginFailed(origin=CALLER, case=CASE, account=a) for a in accounts)
    return reduce(lambda so_far, event: evolve_origin(so_far, event, at), events, origin or Origin())


def test_an_origin_may_fail_a_little() -> None:
    """Nothing is held against one nobody knows, nor against the first failures."""
    Origin().demand(NOON, SLOW)
    after(ACCOUNT, ACCOUNT).demand(NOON, SLOW)


@pytest.mark.parametrize(("failures", "wait_s"), [(3, 60), (4, 120), (5, 240), (8, 1920), (9, 3600), (99, 3600)])
def test_each_further_failure_doubles_the_wait_up_to_the_longest(failures: int, wait_s: int) -> None:
    """It has to wait out the last second, and then it may call again."""
    origin = after(*[ACCOUNT] * failures)
    with pytest.raises(Refused) as caught:
        origin.demand(NOON + timedelta(seconds=wait_s - 1), SLOW)
    assert caught.value.reasons == ("origin_throttled",)
    origin.demand(NOON + timedelta(seconds=wait_s), SLOW)


def test_an_origin_that_fails_on_many_accounts_is_closed_until_that_ages() -> None:
    """One caller who fails as three people is none of them."""
    origin = after(AccountId("a-1"), AccountId("a-2"))
    origin.demand(NOON, SLOW)
    origin = after(AccountId("a-3"), origin=origin)
    with pytest.raises(Refused) as caught:
        origin.demand(NOON + timedelta(hours=23), SLOW)
    assert caught.value.reasons == ("origin_targets",)
    origin.demand(NOON + DAY, SLOW)


def test_failures_are_forgotten_after_the_window() -> None:
    """Yesterday's do not lengthen today's wait."""
    after(ACCOUNT, at=NOON + DAY, origin=after(*[ACCOUNT] * 9)).demand(NOON + DAY, SLOW)


def test_the_wait_runs_from_the_latest_failure() -> None:
    """Three failures half a minute apart: the minute begins with the last of them."""
    origin = Origin()
    for half in range(3):
        origin = after(ACCOUNT, at=NOON + timedelta(seconds=30 * half), origin=origin)
    with pytest.raises(Refused):
        origin.demand(NOON + timedelta(seconds=119), SLOW)
    origin.demand(NOON + timedelta(seconds=120), SLOW)


def seen(account: str, case: str, at: datetime, origin: Origin | None = None) -> Origin:
    """An origin a case for *account* came from at *at*."""
    event = OriginSeen(origin=CALLER, case=CaseId(case), account=AccountId(account), kind="number")
    return evolve_origin(origin or Origin(), event, at)


def test_others_are_the_cases_of_other_accounts_from_that_moment_on() -> None:
    """One's own cases are none of them, what is older than asked for is not, and each is named once."""
    origin = seen("a-1", "c-old", NOON - DAY)
    for account, case in (("a-1", "c-1"), ("a-2", "c-2"), ("a-2", "c-2"), ("a-3", "c-3")):
        origin = seen(account, case, NOON, origin)
    assert origin.others(AccountId("a-1"), NOON) == ("c-2", "c-3")
    assert origin.others(AccountId("a-2"), NOON) == ("c-1", "c-3")
    assert origin.others(AccountId("a-2"), NOON - DAY) == ("c-old", "c-1", "c-3")
    assert origin.others(AccountId("a-2"), NOON + timedelta(seconds=1)) == ()


def test_being_seen_is_no_failure_and_failing_no_sighting() -> None:
    """Who asks for many people without failing waits for nothing; who only failed asked for nobody here."""
    origin = reduce(lambda so_far, n: seen(f"a-{n}", f"c-{n}", NOON, so_far), range(9), Origin())
    origin.demand(NOON, SLOW)
    assert after(ACCOUNT, AccountId("a-2")).others(ACCOUNT, NOON) == ()


def test_an_agent_waits_later_and_shorter_than_a_caller_and_is_never_closed() -> None:
    """Ten failures make a minute, more a quarter of an hour at most, on however many accounts they were."""
    accounts = [AccountId(f"a-{n}") for n in range(99)]
    after(*accounts[:9]).demand(NOON, AGENTS)
    for failures, wait_s in ((10, 60), (11, 120), (14, 900), (99, 900)):
        origin = after(*accounts[:failures])
        with pytest.raises(Refused) as caught:
            origin.demand(NOON + timedelta(seconds=wait_s - 1), AGENTS)
        assert caught.value.reasons == ("origin_throttled",)
        assert "agent" in caught.value.what
        origin.demand(NOON + timedelta(seconds=wait_s), AGENTS)
    assert of_agent(PersonId("p-1")) != of_agent(PersonId("p-2"))


def test_what_is_not_said_is_the_shipped_policys() -> None:
    """A day, three failures, a minute and an hour, two accounts."""
    assert Throttle() == Throttle(window_s=86_400, failures=3, wait_s=60, longest_wait_s=3600, targets=2)
    assert AGENTS.window_s == 86_400


def guessed(*minutes: float) -> Origin:
    """An origin that guessed passwords so many minutes after noon."""
    event = OriginGuessed(origin=CALLER, failures=10)
    times = (NOON + timedelta(minutes=m) for m in minutes)
    return reduce(lambda so_far, at: evolve_origin(so_far, event, at), times, Origin())


@pytest.mark.parametrize(
    ("minutes", "wait_s"),
    [
        ((0,), 60),
        ((-5, 0), 120),
        ((-9, -5, 0), 240),
        ((-40, -30, -20, -10, 0), 900),
        ((-1440, 0), 60),
        ((0,) * 99, 900),
    ],
)
def test_an_address_that_guesses_waits_longer_each_time(minutes: tuple[float, ...], wait_s: int) -> None:
    """A minute, twice as long each further time within a day, and never so long that an office is locked out."""
    origin = guessed(*minutes)
    with pytest.raises(Refused) as caught:
        origin.demand_sign_in(NOON + timedelta(seconds=wait_s - 1))
    assert caught.value.reasons == ("sign_in_throttled",)
    origin.demand_sign_in(NOON + timedelta(seconds=wait_s))


def test_what_guesses_for_ever_is_remembered_by_its_last_times() -> None:
    """Five make the longest wait, so no more are kept of an address that never stops."""
    assert guessed(*range(1000)).guessed == guessed(*range(995, 1000)).guessed
    with pytest.raises(Refused):
        guessed(*range(1000)).demand_sign_in(NOON + timedelta(minutes=999 + 14))


def test_guesses_at_the_door_are_not_held_against_a_caller() -> None:
    """Whoever calls from an office where somebody mistyped a password is not slowed by it, nor the other way round."""
    guessed(0).demand(NOON, SLOW)
    after(*[ACCOUNT] * 9).demand_sign_in(NOON)
    Origin().demand_sign_in(NOON)
