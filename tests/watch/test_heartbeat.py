"""Silence: each feed has its usual gaps by the hour of the week, what is beyond is told as blind since, and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest

from watchword.watch.sources.heartbeat import LEAST, MOST, UNKNOWN, Heartbeat

from .conftest import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONDAY = NOON.replace(hour=0)
assert MONDAY.weekday() == 0


def usual(days: int, is_heard: Callable[[datetime], bool] = lambda at: at.hour != 3) -> list[datetime]:
    """Arrivals of *days* ending at noon: one every ten minutes, when *is_heard* says so."""
    start = NOON - timedelta(days=days)
    return [at for n in range(days * 144 + 1) if is_heard(at := start + n * 10 * MINUTE)]


def at_work(at: datetime) -> bool:
    """From seven to eight in the evening, from Monday to Friday."""
    return at.weekday() < 5 and 7 <= at.hour < 20


def told_at(beat: Heartbeat, begin: datetime, end: datetime, heard: Iterable[datetime] = ()) -> list[datetime]:
    """When silence is told, looked at every five minutes from *begin* to *end*, while *heard* come."""
    waiting = sorted(heard)
    found = []
    while begin <= end:
        came = [at for at in waiting if at <= begin]
        waiting = waiting[len(came) :]
        if any(one.reasons == ("feed_silent",) for one in beat.beat(came, begin)):
            found.append(begin)
        begin += 5 * MINUTE
    return found


def test_a_feed_is_silent_beyond_its_own_gaps() -> None:
    """One that speaks every ten minutes is blind after half an hour, told once, since its last word; so is its end."""
    beat = Heartbeat("okta", arrivals=usual(14))
    assert beat.beat((), NOON + 30 * MINUTE) == ()
    (told,) = beat.beat((), NOON + 31 * MINUTE)
    assert (told.reasons, told.at, told.detail) == (("feed_silent",), NOON, "blind since 2026-03-02 12:00:00 UTC")
    assert beat.blind_since == NOON
    assert beat.beat((), NOON + 300 * MINUTE) == ()
    (end,) = beat.beat([NOON + 310 * MINUTE], NOON + 311 * MINUTE)
    assert (end.reasons, end.key) == (("feed_silent", "feed_back"), told.key)
    assert end.detail == "blind from 2026-03-02 12:00:00 to 2026-03-02 17:10:00 UTC"
    assert beat.blind_since is None


def test_one_outage_teaches_no_patience() -> None:
    """After a day on which the feed was silent from noon on, it is blind as soon as before."""
    outage = NOON - 7 * DAY
    heard = usual(28, lambda at: at_work(at) and not (at.date() == outage.date() and at > outage))
    beat = Heartbeat("okta", arrivals=heard)
    assert told_at(beat, NOON, NOON + 4 * HOUR) == [NOON + 35 * MINUTE]


def test_nights_and_weekends_are_no_silence() -> None:
    """Where nobody works at night and at weekends, neither is told, and nothing learned from them delays the day."""
    beat = Heartbeat("okta", arrivals=usual(28, at_work))
    coming = [at + 28 * DAY for at in usual(28, at_work) if NOON - 28 * DAY < at <= NOON - 14 * DAY]
    friday = NOON + 11 * DAY
    until = [at for at in coming if at < friday]
    assert told_at(beat, NOON, friday - 10 * MINUTE, until) == []
    assert told_at(beat, friday, friday + 4 * DAY) == [friday + 25 * MINUTE]


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (timedelta(days=4, hours=19, minutes=50), timedelta(days=7, hours=7, minutes=25)),  # Friday evening
        (timedelta(days=1, hours=19, minutes=50), timedelta(days=2, hours=7, minutes=25)),
        (timedelta(days=2, hours=10), timedelta(days=2, hours=10, minutes=35)),
    ],
)
def test_what_ends_before_a_night_is_told_in_the_morning(ended: timedelta, told: timedelta) -> None:
    """A feed that ends in the evening is missed as soon as it should have spoken again, after a weekend too."""
    heard = [at for at in usual(35, at_work) if at <= MONDAY - 7 * DAY + ended]
    beat = Heartbeat("okta", arrivals=heard)
    last = MONDAY - 7 * DAY + ended
    assert told_at(beat, last, last + 4 * DAY) == [MONDAY - 7 * DAY + told]


def test_a_feed_that_speaks_less_at_night_may_be_silent_for_longer_then() -> None:
    """Each hour has its own gap: hours of silence are nothing at night, and half an hour is an alarm by day."""
    heard = usual(28, lambda at: 6 <= at.hour < 22 or (at.hour, at.minute) == (2, 0))
    assert told_at(Heartbeat("okta", arrivals=heard), NOON, NOON + HOUR) == [NOON + 35 * MINUTE]
    night = [at for at in heard if at < MONDAY]
    assert told_at(Heartbeat("okta", arrivals=night), night[-1], MONDAY + 6 * HOUR) == []


def test_a_rare_feed_is_measured_by_its_own_days() -> None:
    """One that speaks once a day is not told on its second day of silence, and is on its fourth."""
    heard = [MONDAY - n * DAY + 9 * HOUR + (n % 3) * HOUR for n in range(28, 0, -1)]
    (told,) = told_at(Heartbeat("rare", arrivals=heard), heard[-1], heard[-1] + 8 * DAY)
    assert 2 * DAY < told - heard[-1] <= 7 * DAY + 5 * MINUTE


def test_a_silence_nobody_watched_is_told_with_its_end() -> None:
    """The watch was down while the feed was: it is told of the hole as soon as lines come."""
    beat = Heartbeat("okta", limit=MINUTE * 10, arrivals=[NOON])
    (told,) = beat.beat([NOON + 60 * MINUTE], NOON + 60 * MINUTE)
    assert told.reasons == ("feed_silent", "feed_back")


def test_there_is_a_floor_and_a_ceiling() -> None:
    """A feed of one line a second is not told of a pause for breath; a week of silence is told whatever was learned."""
    start = NOON - 8 * DAY
    busy = Heartbeat("busy", arrivals=[start + n * timedelta(seconds=20) for n in range(8 * 4320 + 1)])
    assert busy.beat((), NOON + LEAST) == ()
    assert len(busy.beat((), NOON + LEAST + MINUTE)) == 1
    heard = [NOON - n * 9 * DAY for n in range(3, -1, -1)]
    assert [one.at for one in Heartbeat("dull", arrivals=heard).beat((), NOON + MOST + MINUTE)] == [NOON]


def test_what_is_not_known_is_given_a_day() -> None:
    """A feed too young to know, and one that never spoke, are silent after a day; a set limit holds at once."""
    young = Heartbeat("young", arrivals=[NOON, NOON + MINUTE])
    assert young.beat((), NOON + UNKNOWN) == ()
    assert len(young.beat((), NOON + UNKNOWN + 2 * MINUTE)) == 1
    never = Heartbeat("never")
    assert never.beat((), NOON) == ()
    assert never.beat((), NOON + UNKNOWN) == ()
    assert [told.at for told in never.beat((), NOON + 1.1 * UNKNOWN)] == [NOON]
    assert len(Heartbeat("set", limit=MINUTE, arrivals=[NOON]).beat((), NOON + 2 * MINUTE)) == 1


def test_a_day_of_the_week_is_known_once_it_was_seen() -> None:
    """In its first week a feed has a day; after its first weekend a weekend is no silence any more."""
    friday = MONDAY - 3 * DAY + 19 * HOUR + 50 * MINUTE
    first = [at for at in usual(7, at_work) if at <= friday]
    assert told_at(Heartbeat("new", arrivals=first), friday, MONDAY + 7 * HOUR) == [friday + DAY + 5 * MINUTE]
    second = [at for at in usual(14, at_work) if at <= friday]
    assert told_at(Heartbeat("new", arrivals=second), friday, MONDAY + 7 * HOUR) == []
