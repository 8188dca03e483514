"""Events as ledger entries, and back. The only place that knows how a typed event lies in an entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias, get_args

import msgspec

from watchword.core.downtime import DowntimeEvent
from watchword.core.errors import Corrupt
from watchword.core.event import ApprovalAsked, CaseEvent, CaseReleased, GlassBroken, ProtectionSpent, Recorded
from watchword.core.ids import AccountId, CaseId, LeafHash, OriginId, PersonId
from watchword.core.origin import OriginEvent, OriginFailed, OriginGuessed, OriginSeen
from watchword.core.person import PersonEvent
from watchword.core.standing import AccountEvent
from watchword.desk.posture import PolicyActivated, PolicyEvent
from watchword.ledger.append import Appended, Draft
from watchword.ledger.entry import Disclosure
from watchword.ledger.erasure import LedgerEvent
from watchword.ledger.restoration import LEDGER_STREAM

Event: TypeAlias = (
    CaseEvent
    | GlassBroken
    | ProtectionSpent
    | DowntimeEvent
    | AccountEvent
    | PersonEvent
    | OriginEvent
    | PolicyEvent
    | LedgerEvent
)

_CASE, _ACCOUNT, _PERSON, _LEDGER = (get_args(u) for u in (CaseEvent, AccountEvent, PersonEvent, LedgerEvent))

_KINDS: dict[str, Any] = {kind.__struct_config__.tag: kind for kind in get_args(Event)}
"""The class of an event by its tag: the union of all of them is taken apart anew each time msgspec is given it."""


def case_stream(case: CaseId) -> str:
    """The stream of a case."""
    return f"case/{case}"


def account_stream(account: AccountId) -> str:
    """The stream of an account."""
    return f"account/{account}"


def person_stream(person: PersonId) -> str:
    """The stream of a person."""
    return f"person/{person}"


def origin_stream(origin: OriginId) -> str:
    """The stream of where callers come from."""
    return f"origin/{origin}"


def protection_stream(person: PersonId) -> str:
    """The stream of what a person took away, so that a budget holds whoever asks at the same time."""
    return f"protection/{person}"


POLICY_STREAM = "policy"

GLASS_STREAM = "break_glass"
"""One entry for each use of break-glass, so that they come one after the other."""


DOWNTIME_STREAM = "downtime"
"""What was done while Watchword was down, as it is declared, confirmed and reviewed."""


def stream_of(event: Event) -> str:
    """The stream an event belongs to."""
    if isinstance(event, _ACCOUNT):
        return account_stream(event.account)
    if isinstance(event, OriginFailed | OriginSeen | OriginGuessed):
        return origin_stream(event.origin)
    if isinstance(event, _PERSON):
        return person_stream(event.person)
    if isinstance(event, GlassBroken):
        return GLASS_STREAM
    if isinstance(event, DowntimeEvent):
        return DOWNTIME_STREAM
    if isinstance(event, ProtectionSpent):
        return protection_stream(event.by)
    if isinstance(event, _CASE):
        return case_stream(event.case)
    return LEDGER_STREAM if isinstance(event, _LEDGER) else POLICY_STREAM


def draft(event: Event, actor: str, at: datetime, disclosures: tuple[Disclosure, ...] = ()) -> Draft:
    """The entry to be for *event*: its tag is the type, its fields the data."""
    data = msgspec.to_builtins(event)
    kind = data.pop("type")
    return Draft(type=kind, at=at, actor=actor, data=data, refs=_refs(event), disclosures=disclosures)


def _refs(event: Event) -> tuple[LeafHash, ...]:
    """The entries an event stands on."""
    match event:
        case ApprovalAsked():
            return event.leaves
        case CaseReleased():
            return event.approvals
        case PolicyActivated(proposed=str() as proposed):
            return (LeafHash(proposed),)
        case _:
            return ()


def event_of(appended: Appended) -> Event:
    """The event an entry holds; raise `Corrupt` for one this version can not have written."""
    try:
        kind = _KINDS.get(appended.entry.type, Event)
        event: Event = msgspec.convert({**appended.entry.data, "type": appended.entry.type}, type=kind)
    except msgspec.ValidationError as error:
        raise Corrupt(
            f"Entry {appended.seq} is not an event this version knows: {error}.",
            "Run the version that wrote it, or `watchword ledger fsck`.",
            appended.seq,
        ) from error
    return event


def recorded(appended: Appended) -> Recorded:
    """A case's entry as `core.fold.evolve` takes it."""
    event = event_of(appended)
    if not isinstance(event, _CASE):
        raise Corrupt(f"Entry {appended.seq} stands in a case but is not a case's.", "Run fsck.", appended.seq)
    return Recorded(event=event, at=appended.entry.at, leaf=appended.leaf)
