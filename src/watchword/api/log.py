"""The ledger's files, as monitors and witnesses read them: https://c2sp.org/tlog-tiles under `/ledger/`.

Entries name nobody, but pseudonyms are personal data still: unless the settings say otherwise they are for people who
may read evidence. Checkpoint and hash tiles are open to anybody, unless people recover alone: then what a stranger asks
writes entries where there is such an account and none where there is not, and how the ledger grows would tell which.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get

from watchword.api.session import COOKIE
from watchword.app import App
from watchword.core.errors import Invalid
from watchword.ledger.tiles import parse_path
from watchword.reception.cases import demand_overview
from watchword.reception.given import Now, TheApp, TheSessions
from watchword.reception.problems import NotThere
from watchword.reception.sessions import Sessions

_PREFIX = "/ledger/"
_NEVER = "no-store"
_FOR_EVER = "public, max-age=31536000, immutable"

# A cookie would keep shared caches from keeping anything.
_COOKIELESS = {"exclude_from_csrf": True}


@get(f"{_PREFIX}checkpoint", sync_to_thread=True, tags=["evidence"], opt=_COOKIELESS, media_type="text/plain")
def checkpoint(app: TheApp, sessions: TheSessions, at: Now, request: Request[Any, Any, Any]) -> Response[str]:
    """The latest signed checkpoint."""
    if app.settings.console.self_service:
        _demand_reader(app, sessions, at, request)
    app.ledger.refresh()
    note, _ = app.ledger.checkpoint
    return Response(note, media_type="text/plain", headers={"cache-control": _NEVER})


@get(
    f"{_PREFIX}tile/{{tile:path}}",
    sync_to_thread=True,
    tags=["evidence"],
    opt=_COOKIELESS,
    media_type="application/octet-stream",
)
def tile(app: TheApp, sessions: TheSessions, at: Now, request: Request[Any, Any, Any]) -> Response[bytes]:
    """A hash tile, or a bundle of entries, as the ledger stands now; a full one never changes."""
    try:
        asked = parse_path(str(request.scope["path"]).removeprefix(_PREFIX))
    except Invalid as error:
        raise NotThere from error
    alone = app.settings.console.self_service
    guarded = alone or (asked.level is None and not app.settings.ledger.public_entries)
    if guarded:
        _demand_reader(app, sessions, at, request)
    data = app.ledger.tile(asked)
    if data is None:
        # Another process may have written since this one last looked.
        app.ledger.refresh()
        data = app.ledger.tile(asked)
    if data is None:
        raise NotThere
    cache = _FOR_EVER if asked.full and not guarded else _NEVER
    return Response(data, media_type="application/octet-stream", headers={"cache-control": cache})


def _demand_reader(app: App, sessions: Sessions, at: datetime, request: Request[Any, Any, Any]) -> None:
    """Refuse whoever is not signed in, or may not read evidence."""
    demand_overview(app, sessions.actor(request.cookies.get(COOKIE)).person, at)
