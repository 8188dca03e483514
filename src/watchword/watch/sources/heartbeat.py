"""Whether a feed is as talkative as it usually is: silence is told, *blind since*, and so is its end.

What is usual is learned for each hour of the week. An hour at which nothing ever came is one the feed sleeps in, and
silence then counts for nothing. All else is measured in the time that it is awake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from statistics import median_low

from watchword.watch.sources.port import Told

LEARNED = timedelta(days=28)
"""How far back a feed's gaps are known: each hour of the week four times."""

LEAST, MOST = timedelta(minutes=5), timedelta(days=7)
"""Silence shorter than the one is never told, silence longer than the other always."""

UNKNOWN = timedelta(days=1)
"""What a feed may be silent in a day of the week that was not seen from end to end yet."""

FACTOR = 3
"""How many times its usual gap a feed may be silent."""

_HOUR = timedelta(hours=1)

_Hour = tuple[date, int]
_Gap = tuple[datetime, datetime]


class Heartbeat:
    """The gaps between arrivals of one feed.

    *limit* is how long it may be silent. When it is not set, that is `FACTOR` times the usual gap of the hours that the
    silence reaches into: in each hour of the week the median of the longest gaps that reached into it, so that one
    outage teaches nothing. It is at least `LEAST` and at most `MOST`; and `UNKNOWN` where the silence reaches into a
    day of the week that is not known. A feed that never gave anything is silent since it was first looked at.
    """

    def __init__(self, name: str, limit: timedelta | None = None, arrivals: Iterable[datetime] = ()) -> None:
        self.name = name
        self._set = limit
        self._longest: dict[_Hour, _Gap] = {}
        """Of each hour the longest gap that reached into it."""
        self._heard: set[_Hour] = set()
        """The hours in which something came."""
        self._first: datetime | None = None
        self.last: datetime | None = None
        self._begun: datetime | None = None
        self._silent: Told | None = None
        self._week: dict[tuple[int, int], timedelta | None] | None = None
        for at in arrivals:
            self._learn(at)

    @property
    def blind_since(self) -> datetime | None:
        """Since when it is silent beyond its limit, as of the last `beat`."""
        return None if self._silent is None else self._silent.at

    def beat(self, came: Iterable[datetime], at: datetime) -> tuple[Told, ...]:
        """Take note of arrivals (oldest first) as of *at*; return what is to be told."""
        self._begun = self._begun or at
        told: list[Told] = []
        for each in came:
            told += self._end_before(each)
            self._learn(each)
        since = self.last or self._begun
        if self._silent is None and self._is_too_long(since, at):
            self._silent = Told(
                reasons=("feed_silent",),
                at=since,
                key=f"{self.name}/silent/{since.isoformat()}",
                about=self.name,
                detail=f"blind since {since:%Y-%m-%d %H:%M:%S} UTC",
            )
            told.append(self._silent)
        return tuple(told)

    def _end_before(self, at: datetime) -> tuple[Told, ...]:
        since = self.last or self._begun
        if self._silent is None:
            # It was silent for too long while nobody looked: told all the same, with its end.
            if since is None or not self._is_too_long(since, at):
                return ()
        else:
            since = self._silent.at
        self._silent = None
        return (
            Told(
                reasons=("feed_silent", "feed_back"),
                at=since,
                key=f"{self.name}/silent/{since.isoformat()}",
                about=self.name,
                detail=f"blind from {since:%Y-%m-%d %H:%M:%S} to {at:%Y-%m-%d %H:%M:%S} UTC",
            ),
        )

    def _is_too_long(self, since: datetime, at: datetime) -> bool:
        """Whether silence from *since* to *at* is more than the feed may have."""
        if self._set is not None:
            return at - since > self._set
        if not LEAST < at - since <= MOST:
            return at - since > MOST
        week = self._usual()
        awake, usual = timedelta(), timedelta()
        for day, hour, part in _hours(since, at):
            slot = day.weekday(), hour
            if slot not in week:
                return at - since > UNKNOWN
            gap = week[slot]
            if gap is not None:
                awake, usual = awake + part, max(usual, gap)
        return awake > max(FACTOR * usual, LEAST)

    def _usual(self) -> dict[tuple[int, int], timedelta | None]:
        """The usual gap of each hour of the week that is known, in time awake; None of one in which the feed sleeps."""
        if self._week is not None:
            return self._week
        found: dict[tuple[int, int], list[_Gap]] = {}
        for (day, hour), gap in self._longest.items():
            # The first day and the last one are parts.
            if self._first and self.last and self._first.date() < day < self.last.date():
                found.setdefault((day.weekday(), hour), []).append(gap)
        awake = {(day.weekday(), hour) for day, hour in self._heard}
        lengths = {gap: _awake(gap, awake) for gap in set(self._longest.values())}
        self._week = {
            slot: median_low([lengths[gap] for gap in gaps]) if slot in awake else None for slot, gaps in found.items()
        }
        return self._week

    def _learn(self, at: datetime) -> None:
        self._first = self._first or at
        if self.last is not None and at > self.last:
            gap = self.last, at
            for day, hour, _ in _hours(max(self.last, at - MOST), at):
                before = self._longest.get((day, hour))
                if before is None or at - self.last > before[1] - before[0]:
                    self._longest[day, hour] = gap
        now = at.date(), at.hour
        if now not in self._heard:
            self._heard.add(now)
            self._forget(at)
        self.last = at if self.last is None else max(at, self.last)

    def _forget(self, at: datetime) -> None:
        """Let go of what is older than `LEARNED`, and learn anew what is usual: once an hour."""
        self._week = None
        oldest = at.date() - LEARNED
        self._heard = {one for one in self._heard if one[0] >= oldest}
        self._longest = {one: gap for one, gap in self._longest.items() if one[0] >= oldest}


def _hours(since: datetime, until: datetime) -> Iterator[tuple[date, int, timedelta]]:
    """Each hour that is reached into between two times, with how much of it."""
    while since < until:
        end = min(since.replace(minute=0, second=0, microsecond=0) + _HOUR, until)
        yield since.date(), since.hour, end - since
        since = end


def _awake(gap: _Gap, awake: set[tuple[int, int]]) -> timedelta:
    parts = (part for day, hour, part in _hours(max(gap[0], gap[1] - MOST), gap[1]) if (day.weekday(), hour) in awake)
    return sum(parts, timedelta())
