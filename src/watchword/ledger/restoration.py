"""A ledger that went on from an older copy, because what witnesses had cosigned since was lost for good.

Two custodians say so, and the ledger keeps what they gave up: nobody can later claim that there was nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from watchword.core.errors import Corrupt
from watchword.core.ids import Seq
from watchword.ledger.append import Draft
from watchword.ledger.entry import JSON, Disclosure, Retention, format_time
from watchword.ledger.leader import Ledger

STREAM = "ledger"
TYPE = "ledger.restored"

_Utc = Annotated[datetime, msgspec.Meta(tz=True)]


class Restoration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was given up: the checkpoint at *size* with *root* (hex), which witnesses had cosigned.

    *since* is the time of the last entry that is left, *until* that of the ceremony: every directory change between the
    two owes a review. *custodians* are the two persons who held it.
    """

    size: int
    root: str
    since: _Utc
    until: _Utc
    custodians: tuple[str, ...]

    def draft(self, why: str, at: datetime) -> Draft:
        """Return the entry to be; *why* is a payload of the core evidence."""
        told = Disclosure(name="why", value=why, retention=Retention.CORE)
        data: dict[str, JSON] = {
            "size": self.size,
            "root": self.root,
            "since": format_time(self.since),
            "until": format_time(self.until),
            "custodians": self.custodians,
        }
        return Draft(type=TYPE, at=at, actor=self.custodians[0], data=data, disclosures=(told,))


def restorations(ledger: Ledger) -> tuple[tuple[Seq, Restoration], ...]:
    """Return every restoration with the index of its entry, in order; `Corrupt` for one this version can not read."""
    found: list[tuple[Seq, Restoration]] = []
    for appended in ledger.read(STREAM):
        if appended.entry.type != TYPE:
            continue
        try:
            found.append((appended.seq, msgspec.convert(appended.entry.data, type=Restoration)))
        except msgspec.ValidationError as error:
            raise Corrupt(
                f"Entry {appended.seq} is no restoration this version knows: {error}.",
                "Run the version that wrote it, or `watchword ledger fsck`.",
                appended.seq,
            ) from error
    return tuple(found)


def is_given_up(ledger: Ledger, size: int, root: bytes) -> bool:
    """Say whether the checkpoint at *size* with *root* is one that a restoration gave up."""
    return any((each.size, each.root) == (size, root.hex()) for _, each in restorations(ledger))
