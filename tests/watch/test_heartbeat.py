"""Silence: each feed has its usual gap, what is beyond it is told as blind since, and so is its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.watch.sources.heartbeat import UNKNOWN, Heartbeat

from .conftest import NOON

MINUTE = timedelta(minutes=1)


def usual(days: int) -> list[datetime]:
    """Arrivals of *days* ending at noon: every ten minutes by day, and an hour of silence in each night."""
    start = NOON - timedelta(days=days)
    times = [start + n * 10 * MINUTE for n in range(days * 144 + 1)]
    return [at for at in times if at.hour != 3]


def test_a_feed_is_silent_beyond_its_own_gaps() -> None:
    """One with an hour of silence every night is blind after three and a half, told once, since its last word."""
    beat = Heartbeat("okta", arrivals=usual(6))
    assert beat.limit == 210 * MINUTE
    assert beat.beat((), NOON + 210 * MINUTE) == ()
    (told,) = beat.beat((), NOON + 211 * MINUTE)
    assert (told.reasons, told.at, told.detail) == (("feed_silent",), NOON, "blind since 2026-03-02 12:00:00 UTC")
    assert beat.blind_since == NOON
    assert beat.beat((), NOON + 300 * MINUTE) == ()
    (end,) = beat.beat([NOON + 310 * MINUTE], NOON + 311 * MINUTE)
    assert (end.reasons, end.key) == (("feed_silent", "feed_back"), told.key)
    assert end.detail == "blind from 2026-03-02 12:00:00 to 2026-03-02 17:10:00 UTC"
    assert beat.blind_since is None
    later = [NOON + timedelta(days=1) + n * 10 * MINUTE for n in range(3)]
    beat.beat(later, later[-1])
    assert beat.limit == 210 * MINUTE  # one outage teaches no patience


def test_a_silence_nobody_watched_is_told_with_its_end() -> None:
    """The watch was down while the feed was: it is told of the hole as soon as lines come."""
    beat = Heartbeat("okta", limit=MINUTE * 10, arrivals=[NOON])
    (told,) = beat.beat([NOON + 60 * MINUTE], NOON + 60 * MINUTE)
    assert told.reasons == ("feed_silent", "feed_back")


def test_what_is_not_known_is_given_a_day() -> None:
    """A feed too young to know, and one that never spoke, are silent after a day; a set limit holds at once."""
    assert Heartbeat("new", arrivals=[NOON, NOON + MINUTE]).limit == UNKNOWN
    never = Heartbeat("never")
    assert never.beat((), NOON) == ()
    assert never.beat((), NOON + UNKNOWN) == ()
    assert [told.at for told in never.beat((), NOON + 1.1 * UNKNOWN)] == [NOON]
    assert len(Heartbeat("set", limit=MINUTE, arrivals=[NOON]).beat((), NOON + 2 * MINUTE)) == 1
