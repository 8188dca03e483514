"""Where signing in leads back to: the page that asked for it, and never anywhere else.

An address that came out of an address is whatever somebody wrote there. What is taken is a path of the console's own
pages; no scheme, host, backslash or control character is left for a browser to read as another site.
"""

from __future__ import annotations

import re
from urllib.parse import quote

START = "/"

PAGES = ("board", "cases", "downtime", "findings", "people", "policy", "seats", "threat", "vouch")
"""The first part of every address that staff look at."""

LONGEST = 400

_PATH = re.compile(rf"/(?:{'|'.join(PAGES)})(?:/[\w.@%~-]+)*(?:\?[\w.@%~=&+:-]*)?", re.ASCII)


def landing(asked: str) -> str:
    """*asked*, where it is a page of the console, by its path and query; the start for anything else."""
    path = asked.partition("?")[0]
    good = len(asked) <= LONGEST and _PATH.fullmatch(asked) and not {".", ".."} & set(path.split("/"))
    return asked if good else START


def door(asked: str = START, problem: str = "") -> str:
    """The address of the sign-in page that leads on to *asked*, and says of a sign-in that failed its *problem*."""
    said = {"problem": problem, "to": "" if (to := landing(asked)) == START else to}
    query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in said.items() if value)
    return f"/sign-in?{query}" if query else "/sign-in"
