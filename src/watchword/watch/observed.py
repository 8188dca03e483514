"""One support event as an observation has it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.identity_event import Canonical, Verdict


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """One support event, what is known of both sides, and how it stands; fields else as `VerdictRow`."""

    id: str
    at: datetime | None
    provider: str
    directory: str
    action: Canonical
    native_action: str
    detail: str | None
    verdict: Verdict
    reasons: tuple[str, ...]
    case: str | None
    ticket: str | None
    actor: str
    who: str
    actor_unit: str
    vendor: str
    actor_class: str
    target: str
    whom: str
    account_class: str
    unit: str
    address: str
    country: str
    folded: int
    standing: str
