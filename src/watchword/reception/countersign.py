"""Two-way verification: two words bound to a case, of which the desk says the first and the person the second.

The desk goes first. The person's page shows four words and not which of them is right; they tap the one they hear, and
only then learn the second, which they say back. So somebody who rings them up and has no case before them gives
themself away before the person has shown or said anything. Whoever holds the page's address and the line to the desk
at once can relay both words: what then protects is what is proven and by whom, never these words.

Until then the page's own server takes nothing from that browser that would be of use to somebody who only claims to be
the desk: no contact point, no answer, no key. A workload that proves itself has nobody to be talked to, and goes on.

The words are proquints, the same in every language: the desk and the person may read different ones.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from litestar.datastructures import Cookie

from watchword.app import App
from watchword.core.case import Case
from watchword.core.errors import Refused
from watchword.core.ids import CaseId
from watchword.core.proving import KIOSK
from watchword.reception.spoken import spoken

SPOKEN_TO = frozenset({"phone", "chat", "vendor_desk"})
"""The channels over which somebody claims to be the desk."""

OFFERED = 4
"""How many words the page shows."""


def pair(app: App, case: CaseId) -> tuple[str, str]:
    """The first word, for the desk to say, and the second, for the person to answer."""
    first, second = spoken(_digest(app, case, "pair"), 2).split()
    return first, second


def offered(app: App, case: Case) -> tuple[str, ...]:
    """The words the page shows, the right one among them, in an order that says nothing; none where nobody speaks.

    At a kiosk somebody of the site stands beside the person, who has no telephone to hear a word from.
    """
    if case.context.channel not in SPOKEN_TO or case.lane == KIOSK:
        return ()
    others = spoken(_digest(app, case.id, "others"), 8).split()
    first, second = pair(app, case.id)
    decoys = [word for word in dict.fromkeys(others) if word not in (first, second)]
    return tuple(sorted((first, *decoys[: OFFERED - 1])))


def answer(app: App, case: CaseId, heard: str) -> str:
    """The second word, for whoever heard the first; `Refused` for any other."""
    first, second = pair(app, case)
    if not hmac.compare_digest(first.encode(), heard.strip().lower().encode()):
        raise Refused(
            "That is not the word of this case.",
            "Ask them for it once more. If they can not give it, say so on this page, and hang up or close the chat.",
            ("not_the_word",),
        )
    return second


def heard(app: App, case: Case, shown: Mapping[str, str]) -> bool:
    """Whether the browser that shows these cookies heard the first word of *case*, or none is asked of it."""
    if not offered(app, case):
        return True
    return hmac.compare_digest(_mark(app, case.id).encode(), shown.get(cookie_of(case.id), "").encode())


def demand_heard(app: App, case: Case, shown: Mapping[str, str]) -> None:
    """Raise `Refused` unless the browser that shows these cookies heard the first word of *case*."""
    if not heard(app, case, shown):
        raise Refused(
            "Nobody has shown yet that they are the desk.",
            "Have whoever says they are the desk tell you the word of this case, and tap it on this page first.",
            ("words_first",),
        )


def remembered(app: App, case: CaseId) -> Cookie:
    """What says from now on that this browser heard the first word: for as long as it runs, and for this case."""
    return Cookie(
        key=cookie_of(case),
        value=_mark(app, case),
        path="/api",
        httponly=True,
        samesite="strict",
        secure=app.settings.console.public_url.startswith("https:"),
    )


def cookie_of(case: CaseId) -> str:
    """The name of that cookie."""
    return f"watchword_heard_{case}"


def _mark(app: App, case: CaseId) -> str:
    return app.ledger.keyed("countersign-heard", case)


def _digest(app: App, case: CaseId, purpose: str) -> str:
    return hashlib.sha256(app.ledger.keyed(f"countersign-{purpose}", case).encode()).hexdigest()
