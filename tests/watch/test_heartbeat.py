"""Silence: each feed has its usual gap, what is beyond it is told as blind since, and so is its end."""

from __future__ import annotations

from datetime import timedelta

from watchword.watch.sources.heartbeat import MOST, Heartbeat

from .conftest import NOON

MINUTE = timedelta(minutes=1)


def test_a_feed_is_silent_beyond_its_own_gaps() -> None:
    """One that speaks every two minutes is blind after six, told once, since its last word."""
    beat = Heartbeat("okta", arrivals=[NOON + n * 2 * MINUTE for n in range(30)])
    last = NOON + 58 * MINUTE
    assert beat.limit == 6 * MINUTE
    assert beat.beat((), last + 6 * MINUTE) == ()
    (told,) = beat.beat((), last + 6.1 * MINUTE)
    assert (told.reasons, told.at, told.detail) == (("feed_silent",), last, "blind since 2026-03-02 12:58:00 UTC")
    assert beat.blind_since == last
    assert beat.beat((), last + 60 * MINUTE) == ()
    (end,) = beat.beat([last + 70 * MINUTE], last + 71 * MINUTE)
    assert (end.reasons, end.key) == (("feed_silent", "feed_back"), told.key)
    assert end.detail == "blind from 2026-03-02 12:58:00 to 2026-03-02 14:08:00 UTC"
    assert beat.blind_since is None
    assert beat.limit == 6 * MINUTE  # a silence that was told teaches no patience


def test_a_silence_nobody_watched_is_told_with_its_end() -> None:
    """The watch was down while the feed was: it is told of the hole as soon as lines come."""
    beat = Heartbeat("okta", limit=MINUTE * 10, arrivals=[NOON])
    (told,) = beat.beat([NOON + 60 * MINUTE], NOON + 60 * MINUTE)
    assert told.reasons == ("feed_silent", "feed_back")


def test_what_is_not_known_is_given_a_day() -> None:
    """A feed too young to know, and one that never spoke, are silent after a day; a set limit holds at once."""
    assert Heartbeat("new", arrivals=[NOON, NOON + MINUTE]).limit == MOST
    never = Heartbeat("never")
    assert never.beat((), NOON) == ()
    assert never.beat((), NOON + MOST) == ()
    assert [told.at for told in never.beat((), NOON + 1.1 * MOST)] == [NOON]
    assert len(Heartbeat("set", limit=MINUTE, arrivals=[NOON]).beat((), NOON + 2 * MINUTE)) == 1
