"""The activity table: what the desk did, one row a step, beside the evidence of what was changed.

Evidence says which changes were governed. Signals about the desk itself (failures, callers, approvals in seconds) need
to know more: who did which step when. Pseudonyms, times, kinds and seats: no datum of a person, no word anybody wrote.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from watchword.core.ids import AccountId, CaseId, OriginId, PersonId


class Did(StrEnum):
    """What a row says was done."""

    LOOKED_UP = "looked_up"
    UNOWNED = "unowned"
    OPENED = "opened"
    CAME_FROM = "came_from"
    FAILED = "failed"
    PROVED = "proved"
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    RELEASED = "released"
    EXECUTION_REFUSED = "execution_refused"
    RECOVERED = "recovered"
    OBJECTED = "objected"
    CONTAINED = "contained"
    TURNED_AWAY = "turned_away"
    BREAK_GLASS = "break_glass"
    DOWNTIME_DECLARED = "downtime_declared"
    DOWNTIME_CONFIRMED = "downtime_confirmed"
    POLICY_PROPOSED = "policy_proposed"
    POLICY_ACTIVATED = "policy_activated"


class ActivityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step; *seq* is the leaf index of its entry, times are UTC.

    *person* acted, of *seat* (`core.person.Kind`), and *other* is whom the step involves besides: who was recovered,
    who proposed. *account_class* and *unit* are the case's. *since* is when what was answered was asked, or when the
    contact point that was used last changed. *browser* marks where an answer came from; *detail* is a code: the method,
    the channel, how an objection was made.
    """

    seq: int
    time: datetime
    did: Did
    case: CaseId | None = None
    account: AccountId | None = None
    account_class: str | None = None
    unit: str | None = None
    person: PersonId | None = None
    seat: str | None = None
    other: PersonId | None = None
    origin: OriginId | None = None
    since: datetime | None = None
    browser: str | None = None
    detail: str | None = None


ACTIVITY: tuple[tuple[str, str], ...] = (
    ("seq", "BIGINT"),
    ("time", "TIMESTAMPTZ"),
    ("did", "VARCHAR"),
    ("case", "VARCHAR"),
    ("account", "VARCHAR"),
    ("account_class", "VARCHAR"),
    ("unit", "VARCHAR"),
    ("person", "VARCHAR"),
    ("seat", "VARCHAR"),
    ("other", "VARCHAR"),
    ("origin", "VARCHAR"),
    ("since", "TIMESTAMPTZ"),
    ("browser", "VARCHAR"),
    ("detail", "VARCHAR"),
)
"""Column name and DuckDB type, in order: the one schema of the activity table, equal to `ActivityRow`'s fields."""
