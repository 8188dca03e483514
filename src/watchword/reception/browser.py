"""The cookie that tells one browser from another for as long as it is kept; it names nobody and opens nothing.

It goes to whoever signs in and to whoever opens a caller's page, so that a verification and an approval in one browser
are seen to be that, and so is one browser on the pages of several people. Clearing it, another profile or another
browser is another one.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from litestar.datastructures import Cookie

from watchword.app import App
from watchword.desk.browsers import mark

NAME = "watchword_browser"
LIFE = timedelta(days=400)
_WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{22}")


def browser_cookie(app: App, shown: str | None) -> Cookie:
    """The cookie to keep: the value the browser *shown*, where it is one of ours, or a new one."""
    value = shown if shown and _WELL_FORMED.fullmatch(shown) else secrets.token_urlsafe(16)
    return Cookie(
        key=NAME,
        value=value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=app.settings.console.public_url.startswith("https:"),
        max_age=int(LIFE.total_seconds()),
    )


def mark_of(app: App, shown: str | None) -> str | None:
    """The mark of the browser that showed this cookie; None where it showed none of ours."""
    return mark(app.ledger, shown) if shown and _WELL_FORMED.fullmatch(shown) else None
