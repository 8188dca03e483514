"""Which browser something came from, as a keyed mark: equal for one browser, and saying nothing of which it is.

A mark stands beside a verification and beside an approval, so that one browser can not have done both for one case. It
is as good as the cookie behind it: another browser, another profile or a private window is another mark.
"""

from __future__ import annotations

import msgspec

from watchword.core.ids import PersonId
from watchword.ledger.leader import Ledger


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever opens a page that asks for no session: who is *signed_in* all the same, and the browser's *mark*."""

    signed_in: PersonId | None = None
    mark: str | None = None


def mark(ledger: Ledger, browser: str) -> str | None:
    """The mark of the *browser* that showed this value; None for one that showed none."""
    return ledger.keyed("browser", browser) if browser else None
