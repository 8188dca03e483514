"""What the `ledger` stream says of payloads: erased, archived, held. Codes and counts alone; no datum stands in it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from watchword.core.ids import CaseId, PersonId
from watchword.ledger.entry import Retention
from watchword.ledger.restoration import Restoration


class Reason(StrEnum):
    """Why something was erased, as a code: words could hold what was erased."""

    TIME_OVER = "time_over"
    PERSON_ASKED = "person_asked"
    MISTAKE = "mistake"
    AUTHORITY = "authority"


class EvidenceErased(msgspec.Struct, frozen=True, kw_only=True, tag="evidence.erased"):
    """The data *keys* of *stream* and *retention* are gone, and the *payloads* under them, with this entry.

    *policy* is the digest that was active; *archive* the SHA-256 of the file that keeps them for whoever has the
    offline key, where there is one.
    """

    stream: str
    retention: Retention
    keys: tuple[str, ...]
    payloads: int
    why: Reason
    by: PersonId
    policy: str
    archive: str | None = None


class EvidenceArchived(msgspec.Struct, frozen=True, kw_only=True, tag="evidence.archived"):
    """What is erased next was encrypted to *recipient*, in a file of *size* bytes whose SHA-256 is *sha256*."""

    sha256: str
    size: int
    recipient: str


class HoldSet(msgspec.Struct, frozen=True, kw_only=True, tag="hold.set"):
    """Nothing of this case is erased until the hold is lifted; the words are a payload."""

    case: CaseId
    by: PersonId


class HoldLiftAsked(msgspec.Struct, frozen=True, kw_only=True, tag="hold.lift_asked"):
    """One of the two people that lifting takes."""

    case: CaseId
    by: PersonId


class HoldLifted(msgspec.Struct, frozen=True, kw_only=True, tag="hold.lifted"):
    """The second of the two: the case is held no longer."""

    case: CaseId
    by: PersonId


LedgerEvent = EvidenceErased | EvidenceArchived | HoldSet | HoldLiftAsked | HoldLifted | Restoration


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A case under hold: since when, by whom, and who asked that it be lifted."""

    case: CaseId
    by: PersonId
    since: datetime
    lifting: tuple[PersonId, ...] = ()


def evolve_holds(holds: dict[CaseId, Hold], event: LedgerEvent, at: datetime) -> dict[CaseId, Hold]:
    """Fold one event into the holds that stand."""
    match event:
        case HoldSet():
            return {**holds, event.case: Hold(case=event.case, by=event.by, since=at)}
        case HoldLiftAsked():
            asked = holds[event.case]
            return {**holds, event.case: msgspec.structs.replace(asked, lifting=(*asked.lifting, event.by))}
        case HoldLifted():
            return {case: hold for case, hold in holds.items() if case != event.case}
        case _:
            return holds
