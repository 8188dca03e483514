"""Two-way verification: two words bound to a case, of which the desk says the first and the person the second.

The desk goes first. The person's page shows four words and not which of them is right; they tap the one they hear, and
only then learn the second, which they say back. So somebody who rings them up and has no case before them gives
themself away before the person has shown or said anything. Whoever holds the page's address and the line to the desk
at once can relay both words: what then protects is what is proven and by whom, never these words.

The words are proquints, the same in every language: the desk and the person may read different ones.
"""

from __future__ import annotations

import hashlib
import hmac

from watchword.app import App
from watchword.core.case import Case
from watchword.core.errors import Refused
from watchword.core.ids import CaseId
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
    """The words the page shows, the right one among them, in an order that says nothing; none where nobody speaks."""
    if case.context.channel not in SPOKEN_TO:
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
            "Ask them to say it once more. If they can not, say so on this page and hang up.",
            ("not_the_word",),
        )
    return second


def _digest(app: App, case: CaseId, purpose: str) -> str:
    return hashlib.sha256(app.ledger.keyed(f"countersign-{purpose}", case).encode()).hexdigest()
