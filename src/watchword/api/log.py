"""The ledger's files, as monitors and witnesses read them: https://c2sp.org/tlog-tiles under `/ledger/`.

Checkpoint and hash tiles are open to anybody. Entries name nobody, but pseudonyms are personal data still: unless the
settings say otherwise they are for people who may read evidence.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from watchword.api.session import COOKIE
from watchword.core.errors import Invalid
from watchword.ledger.tiles import parse_path
from watchword.reception.cases import demand_overview
from watchword.reception.given import Now, TheApp, TheSessions
from watchword.reception.problems import NotThere

_PREFIX = "/ledger/"
_NEVER = "no-store"
_FOR_EVER = "public, max-age=31536000, immutable"

# A cookie would keep shared caches from keeping anything.
_COOKIELESS = {"exclude_from_csrf": True}


@get(f"{_PREFIX}checkpoint", sync_to_thread=True, tags=["evidence"], opt=_COOKIELESS, media_type="text/plain")
def checkpoint(app: TheApp) -> Response[str]:
    """The latest signed checkpoint."""
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
    guarded = asked.level is None and not app.settings.ledger.public_entries
    if guarded:
        demand_overview(app, sessions.actor(request.cookies.get(COOKIE)).person, at)
    data = app.ledger.tile(asked)
    if data is None:
        # Another process may have written since this one last looked.
        app.ledger.refresh()
        data = app.ledger.tile(asked)
    if data is None:
        raise NotThere
    cache = _FOR_EVER if asked.full and not guarded else _NEVER
    return Response(data, media_type="application/octet-stream", headers={"cache-control": cache})
