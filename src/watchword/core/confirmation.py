"""What after-care adds to a case: the person said that it was them, or nobody did in time."""

from __future__ import annotations

import msgspec

from watchword.core.change import Change
from watchword.core.ids import CaseId


class CareConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag="care.confirmed"):
    """After it was done the person said, in the browser that is bound to the case or proved there, that it was them."""

    case: CaseId


class CareMissed(msgspec.Struct, frozen=True, kw_only=True, tag="care.missed"):
    """Nobody said so in time: access is taken away by *changes*."""

    case: CaseId
    changes: tuple[Change, ...]


CareEvent = CareConfirmed | CareMissed
