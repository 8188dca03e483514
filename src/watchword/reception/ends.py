"""When something ends, as people say it: a length of time from now, a day, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from watchword.core.errors import Invalid

_LENGTH = re.compile(r"([0-9]{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def end_of(said: str, at: datetime) -> datetime:
    """*said* as a time: `12h`, `30d` or `8w` from *at*, `2026-12-24` (its first moment), or an ISO 8601 time.

    What names no offset is UTC, and so is what is returned. `Invalid` for anything else; whether the time may be one
    is not asked here.
    """
    if length := _LENGTH.fullmatch(said.strip().lower()):
        return at + int(length[1]) * _UNITS[length[2]]
    return _read(said, "Say how long (12h, 30d, 8w), a day (2026-12-24), or a time.", "until")


def moment(said: str, where: str = "since") -> datetime:
    """A time as it was written down, `2026-11-21 14:05` or ISO 8601, UTC where it names no offset; `Invalid` else."""
    return _read(said, "Write it as 2026-11-21 14:05, in UTC.", where)


def in_utc(at: datetime, where: str = "until") -> datetime:
    """*at* in UTC, the one zone that entries and pages know; `Invalid` where that is before year 1 or after 9999."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise Invalid(f"{at.isoformat()} is no time.", "Write it in UTC.", where=where) from error


def _read(said: str, remedy: str, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(said.strip())
    except ValueError as error:
        raise Invalid(f"{said!r} is no time.", remedy, where=where) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else in_utc(found, where)
