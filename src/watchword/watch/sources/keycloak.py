"""Keycloak's admin events and user events over its admin REST API, newest first, by `first` and `max`."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from watchword.watch.sources.port import Page
from watchword.watch.sources.recent import Recent
from watchword.watch.sources.token import AccessToken
from watchword.watch.sources.web import Web, demand_base, line_of, objects

Log = Literal["admin-events", "events"]

_LOGS: tuple[Log, ...] = ("admin-events", "events")


class _Mark(msgspec.Struct, frozen=True, kw_only=True):
    """For each log the newest time read whole, in milliseconds since 1970."""

    newest: dict[str, int] = {}


OVERLAP = timedelta(minutes=5)
"""How much is read again, when it is not set."""

_DAY_MS = 86_400_000


class KeycloakEvents:
    """One *realm* at *url*, as the *client* with a *secret* (a service account with the role `view-events`).

    Events that come while it pages only push older ones to later pages, so some are read twice and none is passed
    over. Each reading goes back *overlap* before the newest event read. Both logs have to be switched on in the realm.
    """

    def __init__(
        self,
        web: Web,
        url: str,
        realm: str,
        client: str,
        secret: str,
        *,
        backfill: timedelta = timedelta(days=30),
        overlap: timedelta | None = None,
        most: int = 500,
    ) -> None:
        self._web, self._most = web, most
        self._backfill, self._overlap = backfill, OVERLAP if overlap is None else overlap
        base, name = demand_base(url, "url"), quote(realm, safe="")
        self._admin = f"{base}/admin/realms/{name}"

        def form() -> Mapping[str, str]:
            return {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}

        self._token = AccessToken(web, f"{base}/realms/{name}/protocol/openid-connect/token", form)
        self._recent: dict[Log, Recent] = {log: Recent() for log in _LOGS}

    def poll(self, checkpoint: str | None, at: datetime) -> Iterator[Page]:
        """See `Poller.poll`."""
        mark = msgspec.json.decode(checkpoint, type=_Mark) if checkpoint else _Mark()
        for log in _LOGS:
            mark = yield from self._read(log, mark, at)

    def _read(self, log: Log, mark: _Mark, at: datetime) -> Generator[Page, None, _Mark]:
        newest = mark.newest.get(log)
        overlap = int(self._overlap.total_seconds() * 1000)
        since = newest - overlap if newest is not None else int((at - self._backfill).timestamp() * 1000)
        first, reaching = 0, newest
        while True:
            # By the day, which every version takes, and the one before: it begins by the server's own zone, in the
            # west hours later. What is older than *since* ends the paging.
            day = datetime.fromtimestamp(max(since - _DAY_MS, 0) / 1000, UTC).strftime("%Y-%m-%d")
            asked = urlencode({"dateFrom": day, "first": first, "max": self._most})
            answer = self._web.ask("GET", f"{self._admin}/{log}?{asked}", headers=self._token.header())
            events = objects(answer.body)
            recent = self._recent[log]
            fresh = tuple(event for event in events if (when := _time(event)) is None or when >= since)
            new = tuple(event for event in fresh if recent.new(_keyed(event), "id"))
            times = [when for e in events if (when := _time(e)) is not None and when <= at.timestamp() * 1000]
            reaching = max([*times, *([reaching] if reaching is not None else [])], default=reaching)
            first += len(events)
            is_last = len(events) < self._most or len(fresh) < len(events)
            if is_last and reaching is not None:
                mark = _Mark(newest={**mark.newest, log: reaching})
            try:
                yield Page(lines=tuple(map(line_of, new)), checkpoint=msgspec.json.encode(mark).decode())
            except GeneratorExit:
                recent.forget(tuple(map(_keyed, new)), "id")
                raise
            if is_last:
                return mark


def _time(event: dict[str, object]) -> int | None:
    at = event.get("time")
    return at if isinstance(at, int) and not isinstance(at, bool) else None


def _keyed(event: dict[str, object]) -> dict[str, object]:
    """*event* by its id, which older versions do not give; else by all that it says."""
    known = event.get("id")
    return {"id": known if isinstance(known, str) else msgspec.json.encode(event, order="sorted").decode()}
