"""Whether a feed is as talkative as it usually is: silence is told, *blind since*, and so is its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from statistics import median

from watchword.watch.sources.port import Told

LEARNED = timedelta(days=14)
"""How far back a feed's gaps are known."""

ENOUGH = 2
"""Whole days below which nothing is known of a feed."""

LEAST, MOST = timedelta(minutes=5), timedelta(days=7)
"""Silence shorter than the one is never told, silence longer than the other always."""

UNKNOWN = timedelta(days=1)
"""What a feed may be silent while too little is known of it."""

FACTOR = 3
"""How many times its usual gap a feed may be silent."""


class Heartbeat:
    """The gaps between arrivals of one feed.

    *limit* is how long it may be silent; when it is not set, that is `FACTOR` times the usual longest gap of a day (the
    median of the days, so that one outage teaches nothing and every night does), between `LEAST` and `MOST`; and
    `UNKNOWN` until `ENOUGH` days are known. A feed that never gave anything is silent since it was first looked at.
    """

    def __init__(self, name: str, limit: timedelta | None = None, arrivals: Iterable[datetime] = ()) -> None:
        self.name = name
        self._set = limit
        self._longest: dict[date, timedelta] = {}
        self.last: datetime | None = None
        self._begun: datetime | None = None
        self._silent: Told | None = None
        for at in arrivals:
            self._learn(at)

    @property
    def limit(self) -> timedelta:
        """How long the feed may be silent now."""
        if self._set is not None:
            return self._set
        today = self.last.date() if self.last else None
        days = [gap.total_seconds() for day, gap in self._longest.items() if day != today]
        if len(days) < ENOUGH:
            return UNKNOWN
        return min(max(FACTOR * timedelta(seconds=median(days)), LEAST), MOST)

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
        if self._silent is None and at - since > self.limit:
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
            if since is None or at - since <= self.limit:
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

    def _learn(self, at: datetime) -> None:
        if self.last is not None and at > self.last:
            day = at.date()
            self._longest[day] = max(self._longest.get(day, timedelta()), at - self.last)
            if len(self._longest) > LEARNED.days:
                del self._longest[min(self._longest)]
        self.last = at if self.last is None else max(at, self.last)
