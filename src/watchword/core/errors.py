"""Errors by fault, each with the remedy.

Adapters let only these out. One function turns them into HTTP problem details and one into exit codes; nobody else
formats errors.
"""

from __future__ import annotations

from typing import ClassVar


class WatchwordError(Exception):
    """Root of everything this code raises on purpose: *what* happened, and the *remedy* as the way on."""

    fault: ClassVar[str]

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


class Refused(WatchwordError):
    """Policy said no. *reasons* are the ids and words of every rule that refused, never empty."""

    fault = "refused"

    def __init__(self, what: str, remedy: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(what, remedy)
        self.reasons = reasons or (what,)


class Invalid(WatchwordError):
    """The caller's input is wrong; *where* names the file, line and path, or the field."""

    fault = "invalid"

    def __init__(self, what: str, remedy: str, where: str = "") -> None:
        super().__init__(what, remedy)
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {super().__str__()}" if self.where else super().__str__()


class Conflict(WatchwordError):
    """It does not fit what is there now: somebody was faster, or it is so already. Read again and decide again."""

    fault = "conflict"


class Unavailable(WatchwordError):
    """Another system did not answer, or answered with its own failure; the step may be tried again."""

    fault = "unavailable"


class Corrupt(WatchwordError):
    """Evidence does not hold together: stop the world. *seq* is the first bad entry where one is known."""

    fault = "corrupt"

    def __init__(self, what: str, remedy: str, seq: int | None = None) -> None:
        super().__init__(what, remedy)
        self.seq = seq
