"""A ledger that went on from an older copy, because what witnesses had cosigned since was lost for good.

Two custodians say so, and the ledger keeps what they gave up: nobody can later claim that there was nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from watchword.core.errors import Corrupt
from watchword.core.ids import PersonId, Seq
from watchword.ledger.leader import Ledger

LEDGER_STREAM = "ledger"
"""What the ledger says of itself: erasures, holds, restorations."""

_Utc = Annotated[datetime, msgspec.Meta(tz=True)]

TYPE = "ledger.restored"


class Restoration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=TYPE):
    """What was given up: the checkpoint at *size* with *root* (hex), which witnesses had cosigned.

    *since* is the time of the last entry that is left, *until* that of the ceremony: every directory change between the
    two owes a review. *custodians* are the two persons who held it; why they did is a payload.
    """

    size: int
    root: str
    since: _Utc
    until: _Utc
    custodians: tuple[PersonId, PersonId]


def restorations(ledger: Ledger) -> tuple[tuple[Seq, Restoration], ...]:
    """Return every restoration with the index of its entry, in order; `Corrupt` for one this version can not read."""
    found: list[tuple[Seq, Restoration]] = []
    for appended in ledger.read(LEDGER_STREAM):
        if appended.entry.type != TYPE:
            continue
        try:
            found.append((appended.seq, msgspec.convert({**appended.entry.data, "type": TYPE}, type=Restoration)))
        except msgspec.ValidationError as error:
            raise Corrupt(
                f"Entry {appended.seq} is no restoration this version knows: {error}.",
                "Run the version that wrote it, or `watchword ledger fsck`.",
                appended.seq,
            ) from error
    return tuple(found)


def given_up(ledger: Ledger, size: int, root: bytes) -> Restoration | None:
    """Return the restoration that gave up the checkpoint at *size* with *root*; None where there is none."""
    told = (each for _, each in restorations(ledger) if (each.size, each.root) == (size, root.hex()))
    return next(told, None)
