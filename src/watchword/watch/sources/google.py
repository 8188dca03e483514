"""Google Workspace's Reports API: the activities of each application, newest first, by `pageToken`."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from watchword.core.errors import Invalid
from watchword.watch.sources.port import Page
from watchword.watch.sources.recent import LATE, Recent, is_due
from watchword.watch.sources.token import AccessToken
from watchword.watch.sources.web import Gone, Web, demand_base, line_of, member_of, objects

API = "https://admin.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
APPLICATIONS = ("admin", "login", "user_accounts", "token")

_LIFE_S = 3600


class _Account(msgspec.Struct, frozen=True):
    """The members of a service account's key file that are needed."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105


class _Mark(msgspec.Struct, frozen=True, kw_only=True):
    """For each application the newest time read whole; and where a reading was broken off.

    *swept* is when each was last read again far back, *sweep* that of such a reading that is under way.
    """

    newest: dict[str, datetime] = {}
    application: str | None = None
    page: str | None = None
    since: datetime | None = None
    reaching: datetime | None = None
    swept: dict[str, datetime] = {}
    sweep: datetime | None = None


OVERLAP = timedelta(hours=4)
"""How much is read again, when it is not set."""

UNSWEPT = frozenset({"token"})
"""What is not read again far back: it is much, and has no recovery."""


class GoogleReports:
    """One customer, through a service account (*key*: its JSON file) that acts as the administrator *subject*.

    Activities come up to hours late: each reading goes back *overlap* before the newest activity read, and once a day
    the last *late* is read again (0: never), for some come later than Google says they do.
    """

    def __init__(
        self,
        web: Web,
        key: bytes,
        subject: str,
        *,
        applications: tuple[str, ...] = APPLICATIONS,
        backfill: timedelta = timedelta(days=30),
        overlap: timedelta | None = None,
        late: timedelta = LATE,
        api: str = API,
        most: int = 1000,
    ) -> None:
        try:
            account = msgspec.json.decode(key, type=_Account)
            signing = RSAKey.import_key(account.private_key)
        except (msgspec.MsgspecError, JoseError, ValueError) as error:
            raise Invalid(
                "The key of the service account is none.", "Give the JSON file that Google made.", where="key_file"
            ) from error
        self._web, self._api, self._applications, self._most = web, demand_base(api, "api"), applications, most
        self._backfill, self._overlap = backfill, OVERLAP if overlap is None else overlap
        self._late = late
        token_url = demand_base(account.token_uri, "key_file")

        def form() -> Mapping[str, str]:
            now = int(web.clock().timestamp())
            claims = {
                "iss": account.client_email,
                "scope": SCOPE,
                "aud": token_url,
                "sub": subject,
                "iat": now,
                "exp": now + _LIFE_S,
            }
            header = {
                "alg": "RS256",
                "typ": "JWT",
                **({"kid": account.private_key_id} if account.private_key_id else {}),
            }
            assertion = jwt.encode(header, claims, signing, algorithms=["RS256"])
            return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}

        self._token = AccessToken(web, token_url, form)
        self._recent = {application: Recent() for application in applications}

    def poll(self, checkpoint: str | None, at: datetime) -> Iterator[Page]:
        """See `Poller.poll`."""
        mark = msgspec.json.decode(checkpoint, type=_Mark) if checkpoint else _Mark()
        applications = self._applications
        if mark.application in applications and mark.page:
            applications = (str(mark.application), *(a for a in applications if a != mark.application))
        for application in applications:
            mark = yield from self._read(application, mark, at)

    def _read(self, application: str, mark: _Mark, at: datetime) -> Generator[Page, None, _Mark]:
        newest = mark.newest.get(application)
        since = (newest - self._overlap) if newest else at - self._backfill
        sweep = at if application not in UNSWEPT and is_due(mark.swept.get(application), at, self._late) else None
        if sweep is not None and newest:
            since = min(since, sweep - self._late)
        token, reaching = None, None
        if mark.application == application and mark.page and mark.since:
            token, reaching, since, sweep = mark.page, mark.reaching, mark.since, mark.sweep
        is_anew = False
        while True:
            asked = {
                "maxResults": str(self._most),
                "startTime": _text(since),
                **({"pageToken": token} if token else {}),
            }
            url = f"{self._api}/admin/reports/v1/activity/users/all/applications/{application}?{urlencode(asked)}"
            try:
                answer = self._web.ask("GET", url, headers=self._token.header())
            except Gone:
                if token is None or is_anew:
                    raise
                token, reaching, is_anew = None, None, True  # a page token that is too old: this reading begins anew
                continue
            events = objects(answer.body, "items")
            token = member_of(answer.body, "nextPageToken")
            new = tuple(event for event in events if self._recent[application].new(_keyed(event), "id"))
            times = [when for e in events if (when := _time(e)) is not None and when <= at]
            reaching = max([*times, *([reaching] if reaching else [])], default=reaching)
            done, swept = dict(mark.newest), dict(mark.swept)
            if token is None and reaching is not None:
                done[application] = max(reaching, done.get(application, reaching))
            if token is None and sweep is not None:
                swept[application] = sweep
            mark = _Mark(newest=done, swept=swept)
            if token is not None:
                mark = msgspec.structs.replace(
                    mark, application=application, page=token, since=since, reaching=reaching, sweep=sweep
                )
            try:
                yield Page(lines=tuple(map(line_of, new)), checkpoint=msgspec.json.encode(mark).decode())
            except GeneratorExit:
                self._recent[application].forget(tuple(map(_keyed, new)), "id")
                raise
            if token is None:
                return mark


def _keyed(event: dict[str, object]) -> dict[str, object]:
    """*event* by what tells it from others: `id.time` and `id.uniqueQualifier`."""
    found = event.get("id")
    if not isinstance(found, dict):
        return {}
    return {"id": f"{found.get('time')}/{found.get('uniqueQualifier')}"}


def _time(event: dict[str, object]) -> datetime | None:
    found = event.get("id")
    try:
        at = datetime.fromisoformat(str(found.get("time"))) if isinstance(found, dict) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo else None


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
