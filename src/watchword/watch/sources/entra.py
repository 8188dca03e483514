"""Microsoft Entra's logs over Graph: `auditLogs/directoryAudits` and `auditLogs/signIns`, by `@odata.nextLink`."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from watchword.watch.sources.port import Page
from watchword.watch.sources.recent import LATE, Recent, is_due
from watchword.watch.sources.token import AccessToken
from watchword.watch.sources.web import Gone, Web, demand_base, demand_same_place, line_of, member_of, objects

GRAPH, LOGIN = "https://graph.microsoft.com", "https://login.microsoftonline.com"

Log = Literal["directoryAudits", "signIns"]

_TIME: dict[Log, str] = {"directoryAudits": "activityDateTime", "signIns": "createdDateTime"}


class _Mark(msgspec.Struct, frozen=True, kw_only=True):
    """For each log the newest time read whole; and of one that is being read, the next page and the newest so far.

    *swept* is when each was last read again far back, *sweep* that of such a reading that is under way.
    """

    newest: dict[str, datetime] = {}
    log: str | None = None
    next: str | None = None
    reaching: datetime | None = None
    swept: dict[str, datetime] = {}
    sweep: datetime | None = None


OVERLAP = timedelta(hours=2)
"""How much is read again, when it is not set."""

SWEPT: frozenset[Log] = frozenset({"directoryAudits"})
"""What has the changes: sign-ins are many, and only tell more of a change."""


class EntraLogs:
    """One *tenant*, as the application *client* with a *secret*; it needs `AuditLog.Read.All`.

    Records come minutes to hours late, in no order: each reading begins *overlap* before the newest record read, and
    once a day the changes of the last *late* are read again (0: never).
    """

    def __init__(
        self,
        web: Web,
        tenant: str,
        client: str,
        secret: str,
        *,
        logs: tuple[Log, ...] = ("directoryAudits", "signIns"),
        backfill: timedelta = timedelta(days=30),
        overlap: timedelta | None = None,
        late: timedelta = LATE,
        graph: str = GRAPH,
        login: str = LOGIN,
        top: int = 500,
    ) -> None:
        self._web, self._graph, self._logs, self._top = web, demand_base(graph, "graph"), logs, top
        self._backfill, self._overlap = backfill, OVERLAP if overlap is None else overlap
        self._late = late

        def form() -> Mapping[str, str]:
            return {
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": secret,
                "scope": f"{self._graph}/.default",
            }

        self._token = AccessToken(web, f"{demand_base(login, 'login')}/{tenant}/oauth2/v2.0/token", form)
        self._recent = {log: Recent() for log in logs}

    def poll(self, checkpoint: str | None, at: datetime) -> Iterator[Page]:
        """See `Poller.poll`."""
        mark = msgspec.json.decode(checkpoint, type=_Mark) if checkpoint else _Mark()
        logs = self._logs
        if mark.log in logs and mark.next:  # a reading that was broken off goes on first
            logs = (mark.log, *(log for log in logs if log != mark.log))
        for log in logs:
            mark = yield from self._read(log, mark, at)

    def _read(self, log: Log, mark: _Mark, at: datetime) -> Generator[Page, None, _Mark]:
        field = _TIME[log]
        since = (mark.newest[log] - self._overlap) if log in mark.newest else at - self._backfill
        sweep = at if log in SWEPT and is_due(mark.swept.get(log), at, self._late) else None
        if mark.log == log and mark.next:
            sweep = mark.sweep
        if sweep is not None and log in mark.newest:
            since = min(since, sweep - self._late)
        first = (
            f"{self._graph}/v1.0/auditLogs/{log}?$filter={field} ge {_text(since)}&$orderby={field} asc"
            f"&$top={self._top}"
        ).replace(" ", "%20")
        url: str | None = first
        reaching: datetime | None = None
        if mark.log == log and mark.next:
            url, reaching = mark.next, mark.reaching
        is_anew = False
        while url is not None:
            try:
                answer = self._web.ask("GET", demand_same_place(url, self._graph), headers=self._token.header())
            except Gone:
                if url == first or is_anew:
                    raise
                url, reaching, is_anew = first, None, True  # a page link that is too old: this reading begins anew
                continue
            events = objects(answer.body, "value")
            following = member_of(answer.body, "@odata.nextLink")
            new = tuple(event for event in events if self._recent[log].new(event, "id"))
            times = [when for e in events if (when := _time(e.get(field))) is not None and when <= at]
            reaching = max([*times, *([reaching] if reaching else [])], default=reaching)
            newest, swept = dict(mark.newest), dict(mark.swept)
            if following is None and reaching is not None:
                newest[log] = max(reaching, newest.get(log, reaching))
            if following is None and sweep is not None:
                swept[log] = sweep
            mark = _Mark(newest=newest, swept=swept)
            if following is not None:
                mark = _Mark(newest=newest, swept=swept, log=log, next=following, reaching=reaching, sweep=sweep)
            try:
                yield Page(lines=tuple(map(line_of, new)), checkpoint=msgspec.json.encode(mark).decode())
            except GeneratorExit:
                self._recent[log].forget(new, "id")
                raise
            url = following
        return mark


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
