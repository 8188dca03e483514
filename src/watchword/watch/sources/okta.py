"""Okta's System Log: `GET /api/v1/logs`, followed by its `next` links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from watchword.watch.sources.port import Page
from watchword.watch.sources.recent import Recent
from watchword.watch.sources.web import Gone, Wait, Web, demand_base, demand_same_place, line_of, objects

AGAIN = timedelta(minutes=15)
"""How often what may have come late is read again."""

_FEW = 2
"""Requests of the rate limit that are left to others."""


class _Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on: the `next` link, the newest `published` seen, and when late events were looked for."""

    next: str | None = None
    newest: datetime | None = None
    again: datetime | None = None


OVERLAP = timedelta(minutes=30)
"""How much is read again, when it is not set."""


class OktaLog:
    """One organisation at *url*, with an API *token* (SSWS) that may read logs.

    Without `until`, `since` and the `next` link go by when Okta stored an event, so a late one is not passed over; and
    the last page has a `next` link too, to be asked again. Every `AGAIN` the last *overlap* is read anew all the same.
    *backfill* is how far back the first reading goes.
    """

    def __init__(
        self,
        web: Web,
        url: str,
        token: str,
        *,
        backfill: timedelta = timedelta(days=30),
        overlap: timedelta | None = None,
        limit: int = 1000,
    ) -> None:
        self._web, self._base = web, demand_base(url, "url")
        self._headers = {"Authorization": f"SSWS {token}"}
        self._backfill, self._limit = backfill, limit
        self._overlap = OVERLAP if overlap is None else overlap
        self._recent = Recent()

    def poll(self, checkpoint: str | None, at: datetime) -> Iterator[Page]:
        """See `Poller.poll`."""
        mark = msgspec.json.decode(checkpoint, type=_Mark) if checkpoint else _Mark(again=at)
        if mark.newest is not None and (mark.again is None or at - mark.again >= AGAIN):
            # Noted first: where there is more of it than the rate limit lets be read, what is new must not wait for it.
            mark = msgspec.structs.replace(mark, again=at)
            yield Page(lines=(), checkpoint=msgspec.json.encode(mark).decode())
            yield from self._late(mark, at)
        url = mark.next or self._since((mark.newest - self._overlap) if mark.newest else at - self._backfill)
        is_anew = False
        while True:
            try:
                events, following, left = self._page(url)
            except Gone:
                if mark.next is None or is_anew:
                    raise
                # A link that is too old for Okta: go on from the time of what was read last.
                url = self._since((mark.newest or at - self._backfill) - self._overlap)
                mark, is_anew = msgspec.structs.replace(mark, next=None), True
                continue
            new = tuple(event for event in events if self._recent.new(event, "uuid"))
            newest = max((when for e in events if (when := _published(e)) and when <= at), default=None)
            mark = msgspec.structs.replace(
                mark,
                next=following or mark.next,
                newest=max(filter(None, (mark.newest, newest)), default=None),
            )
            try:
                yield Page(lines=tuple(map(line_of, new)), checkpoint=msgspec.json.encode(mark).decode())
            except GeneratorExit:
                self._recent.forget(new, "uuid")
                raise
            if not events or following is None or following == url:
                return
            if left is not None:
                raise Wait("Okta", left)
            url = following

    def _late(self, mark: _Mark, at: datetime) -> Iterator[Page]:
        """What was stored within the overlap and is not known, without moving the place to go on from."""
        assert mark.newest is not None
        url: str | None = self._since(mark.newest - self._overlap, until=at)
        unmoved = msgspec.json.encode(mark).decode()
        while url is not None:
            events, following, left = self._page(url)
            new = tuple(event for event in events if self._recent.new(event, "uuid"))
            if new:
                try:
                    yield Page(lines=tuple(map(line_of, new)), checkpoint=unmoved)
                except GeneratorExit:
                    self._recent.forget(new, "uuid")
                    raise
            if left is not None:
                raise Wait("Okta", left)
            url = following if events else None

    def _since(self, since: datetime, *, until: datetime | None = None) -> str:
        bound = f"&until={_text(until)}" if until else ""
        return f"{self._base}/api/v1/logs?since={_text(since)}{bound}&sortOrder=ASCENDING&limit={self._limit}"

    def _page(self, url: str) -> tuple[tuple[dict[str, object], ...], str | None, float | None]:
        """The events of one page, the link to the next, and the seconds to wait when the rate limit is all but used."""
        answer = self._web.ask("GET", demand_same_place(url, self._base), headers=self._headers)
        remaining, reset = (answer.headers.get(f"x-rate-limit-{name}", "") for name in ("remaining", "reset"))
        left = None
        if remaining.isdigit() and reset.isdigit() and int(remaining) < _FEW:
            left = max(float(reset) - self._web.clock().timestamp(), 1.0)
        return objects(answer.body), answer.next, left


def _published(event: dict[str, object]) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(event.get("published")))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
