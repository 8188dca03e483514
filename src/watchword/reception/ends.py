"""When something ends, as people say it: a length of time from now, a day, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from watchword.core.errors import Invalid

_LENGTH = re.compile(r"([0-9]{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def end_of(said: str, at: datetime) -> datetime:
    """*said* as a time: `12h`, `30d` or `8w` from *at*, `2026-12-24` (its first moment), or an ISO 8601 time.

    What names no offset is UTC. `Invalid` for anything else; whether the time may be one is not asked here.
    """
    if length := _LENGTH.fullmatch(said.strip().lower()):
        return at + int(length[1]) * _UNITS[length[2]]
    try:
        end = datetime.fromisoformat(said.strip())
    except ValueError as error:
        raise Invalid(
            f"{said!r} is no time.", "Say how long (12h, 30d, 8w), a day (2026-12-24), or a time.", where="until"
        ) from error
    return end if end.tzinfo else end.replace(tzinfo=UTC)


def moment(said: str, where: str = "since") -> datetime:
    """A time as it was written down, `2026-11-21 14:05` or ISO 8601, UTC where it names no offset; `Invalid` else."""
    try:
        found = datetime.fromisoformat(said.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the latter: in UTC it would be before year 1, or after 9999
        raise Invalid(f"{said!r} is no time.", "Write it as 2026-11-21 14:05, in UTC.", where=where) from error
