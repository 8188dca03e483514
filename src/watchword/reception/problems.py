"""Errors as problem details (RFC 9457): the one place that gives each fault its status and shape."""

from __future__ import annotations

import msgspec

from watchword.core.errors import Invalid, Refused, Unavailable, WatchwordError

RETRY_S = 10
"""After how many seconds whoever finds too much waiting may try again."""


class NotSignedIn(WatchwordError):
    """Nobody is signed in under this session, or login and password did not hold."""

    fault = "not_signed_in"

    def __init__(self, what: str = "You are not signed in, or your session is over.", remedy: str = "Sign in.") -> None:
        super().__init__(what, remedy)


class NotThere(WatchwordError):
    """There is nothing here, or nothing this person may see: both are said in the same words."""

    fault = "not_there"

    def __init__(self) -> None:
        super().__init__("There is nothing here that you may see.", "Check the address, or ask whoever gave it to you.")


class PageOver(NotThere):
    """A page of somebody's own that can not be used, whichever the reason, or that never was one."""

    fault = "page_over"

    def __init__(self) -> None:
        WatchwordError.__init__(
            self,
            "This page is closed: it was used, taken back or guessed at, or its time is over.",
            "Ask whoever gave you the address for another. If it was not you who used it, tell the desk at once.",
        )


class TooMany(WatchwordError):
    """Too many failed sign-ins came from one address."""

    fault = "too_many"

    def __init__(self, remedy: str = "Wait a minute, then try again.") -> None:
        super().__init__("Too many failed sign-ins came from this address.", remedy)


class Busy(Unavailable):
    """Too much waits to be done; nothing was looked at."""

    def __init__(self) -> None:
        super().__init__("Too much waits to be done here.", f"Try again in {RETRY_S} seconds.")


class Forged(WatchwordError):
    """A request that changes something came without its token, or another site had a browser send it."""

    fault = "forged"

    def __init__(self) -> None:
        super().__init__(
            "This request did not come from a page of ours: another site sent it, or its token is missing or wrong.",
            "Load the page again and repeat the step; a program sends the cookie `csrftoken` as header `X-CSRFToken`.",
        )


class Malformed(WatchwordError):
    """A request whose shape is wrong; *where* lists each mistake."""

    fault = "malformed"

    def __init__(self, where: tuple[str, ...]) -> None:
        super().__init__("The request has not the shape this step needs.", "Correct it; /api/schema describes it.")
        self.where = where


class Broken(WatchwordError):
    """Something in here went wrong that nobody foresaw."""

    fault = "broken"

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong inside the console.",
            "See first whether it was done all the same, then try again; the log has the reason.",
        )


FAULTS: dict[str, tuple[int, str]] = {
    "malformed": (400, "The request is malformed"),
    "not_signed_in": (401, "Nobody is signed in"),
    "refused": (403, "Policy said no"),
    "forged": (403, "This request is not trusted"),
    "not_there": (404, "Nothing is here"),
    "page_over": (404, "This page is closed"),
    "conflict": (409, "It does not fit what is there now"),
    "invalid": (422, "Something in it is wrong"),
    "too_many": (429, "Too many attempts"),
    "broken": (500, "A mistake of ours"),
    "corrupt": (500, "The evidence does not hold together"),
    "unavailable": (503, "Another system did not answer"),
}
"""HTTP status and title of each fault."""

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 with three members of our own: the way on, every reason, and where in the request it is."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    reasons: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


def problem_of(error: WatchwordError) -> Problem:
    """The problem details of *error*."""
    status, title = FAULTS[error.fault]
    where: tuple[str, ...] = ()
    if isinstance(error, Invalid) and error.where:
        where = (error.where,)
    elif isinstance(error, Malformed):
        where = error.where
    return Problem(
        type=f"urn:watchword:problem:{error.fault}",
        title=title,
        status=status,
        detail=error.what,
        remedy=error.remedy,
        reasons=error.reasons if isinstance(error, Refused) else (),
        where=where,
    )
