"""Where callers come from is throttled before any target is."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce

import pytest

from tests.core.sample import ACCOUNT, CALLER, CASE, DAY, NOON
from watchword.core.errors import Refused
from watchword.core.ids import AccountId
from watchword.core.origin import Origin, OriginFailed, Throttle, evolve_origin

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
