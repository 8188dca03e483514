"""The activity table: a follower that writes, as Parquet, who did which step when, in pseudonyms.

Rows lie in segments of a folder, each written whole and swapped in at once. Only the last segment still grows, so a
ledger of years costs no more to keep up with than one of days. After a restart the same rows are made again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.activity import ACTIVITY, ActivityRow, Did
from watchword.core.confirmation import DeskBrowserRefused
from watchword.core.downtime import DowntimeConfirmed, DowntimeDeclared
from watchword.core.ids import CaseId
from watchword.core.origin import OriginSeen
from watchword.core.own_page import PageTurnedAway
from watchword.core.person import PersonRegistered
from watchword.core.standing import AccountObserved, RecoveryCompleted
from watchword.desk.posture import PolicyActivated, PolicyProposed
from watchword.desk.recording import Event, event_of
from watchword.ledger.append import Appended
from watchword.ledger.leader import Ledger

SEGMENT = 20_000
"""Rows of a whole segment."""

_TYPES: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "BIGINT": pa.int64(),
}

ARROW_SCHEMA = pa.schema([(name, _TYPES[kind]) for name, kind in ACTIVITY])
"""`core.activity.ACTIVITY` as Arrow has it."""

_WITHOUT_PEOPLE = frozenset({AccountClass.SERVICE, AccountClass.AI_AGENT})

_READ = frozenset(
    {
        "case.opened", "caller.seen", "method.failed", "method.proved", "challenge.begun", "approval.asked",
        "approval.given", "approval.refused", "case.released", "execution.refused", "case.objected", "case.contained",
        "break_glass.invoked", "account.observed", "recovery.completed", "origin.seen", "person.registered",
        "downtime.declared", "downtime.confirmed", "policy.proposed", "policy.activated", "desk_browser.refused",
        "page.turned_away",
    }
)  # fmt: skip
"""The types of entry that say something here; no other is decoded."""

_STEPS: tuple[tuple[type[Any], Did, Callable[[Any], dict[str, Any]]], ...] = (
    (past.CaseOpened, Did.OPENED, lambda e: {"person": e.opener, "origin": e.origin, "detail": e.context.channel}),
    (past.CallerSeen, Did.CAME_FROM, lambda e: {"origin": e.origin, "detail": e.kind}),
    (past.MethodFailed, Did.FAILED, lambda e: {"person": e.by, "detail": e.method}),
    (
        past.MethodProved,
        Did.PROVED,
        lambda e: {"person": e.by, "since": e.contact_changed_at, "browser": e.browser, "detail": e.method},
    ),
    (past.ApprovalAsked, Did.ASKED, lambda e: {"detail": e.tier}),
    (past.ApprovalGiven, Did.APPROVED, lambda e: {"person": e.person, "browser": e.browser}),
    (past.ApprovalRefused, Did.REFUSED, lambda e: {"person": e.person}),
    (past.CaseReleased, Did.RELEASED, lambda e: {"person": e.by}),
    (past.ExecutionRefused, Did.EXECUTION_REFUSED, lambda e: {"person": e.executor, "detail": ",".join(e.reasons)}),
    (past.Objected, Did.OBJECTED, lambda e: {"person": e.by, "detail": e.channel}),
    (past.CaseContained, Did.CONTAINED, lambda e: {"person": e.by}),
    (past.BreakGlassInvoked, Did.BREAK_GLASS, lambda e: {"person": e.by}),
    (DeskBrowserRefused, Did.TURNED_AWAY, lambda e: {"person": e.person}),
)
"""What a step of a case is called in the table, and what it says of it."""


class ActivityTable:
    """Follows the ledger and keeps the segments in *folder* up to date."""

    name = "activity"

    def __init__(self, folder: Path) -> None:
        self.position = 0
        self.folder = folder
        self._number = 0
        self._rows: list[ActivityRow] = []
        self._opened: dict[CaseId, past.CaseOpened] = {}
        self._asked: dict[CaseId, Appended] = {}
        self._glass: set[CaseId] = set()
        self._seats: dict[str, str] = {}

    def follow(self, ledger: Ledger) -> int:
        """Read what is new; write the last segment again where there was something."""
        has_new = not self.folder.exists()
        for appended in ledger.entries(self.position):
            self.position = appended.seq + 1
            if appended.entry.type not in _READ:
                continue
            for row in self._of(appended, event_of(appended)):
                self._rows.append(row)
                has_new = True
                if len(self._rows) == SEGMENT:
                    self._write()
                    self._number, self._rows = self._number + 1, []
        if has_new:
            self._write()
        return self.position

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist([msgspec.structs.asdict(row) for row in self._rows], schema=ARROW_SCHEMA)
        path = self.folder / f"activity-{self._number:06d}.parquet"
        new = path.with_suffix(f".{os.getpid()}.tmp")
        pq.write_table(table, new)
        new.replace(path)

    def _of(self, appended: Appended, event: Event) -> Iterator[ActivityRow]:
        match event:
            case PersonRegistered():
                self._seats[event.person] = event.kind
            case AccountObserved():
                yield from self._observed(appended, event)
            case RecoveryCompleted():
                subject = opened.subject if (opened := self._opened.get(event.case)) else None
                yield self._row(appended, Did.RECOVERED, event.case, other=subject, detail=event.action)
            case OriginSeen():
                yield self._row(appended, Did.CAME_FROM, event.case, origin=event.origin, detail=event.kind)
            case DowntimeDeclared():
                yield self._row(
                    appended, Did.DOWNTIME_DECLARED, None, person=event.by, account=event.account, detail=event.downtime
                )
            case DowntimeConfirmed():
                yield self._row(appended, Did.DOWNTIME_CONFIRMED, None, person=event.by, detail=event.downtime)
            case PageTurnedAway():
                yield self._row(appended, Did.TURNED_AWAY, None, person=event.by, other=event.person)
            case PolicyProposed():
                yield self._row(appended, Did.POLICY_PROPOSED, None, person=event.by, detail=event.digest)
            case PolicyActivated():
                how = "founding" if event.founding else "changed"
                yield self._row(appended, Did.POLICY_ACTIVATED, None, person=event.by, other=event.proposer, detail=how)
            case _:
                yield from self._step(appended, event)

    def _step(self, appended: Appended, event: Event) -> Iterator[ActivityRow]:
        """A step of a case."""
        if isinstance(event, past.CaseOpened):
            self._opened[event.case] = event
        elif isinstance(event, past.BreakGlassInvoked):
            self._glass.add(event.case)
        if isinstance(event, past.ApprovalAsked | past.BreakGlassInvoked):
            self._asked[event.case] = appended
        for kind, did, say in _STEPS:
            if isinstance(event, kind):
                said = say(event)
                if did is Did.OPENED:
                    said["other"] = event.subject
                if did is Did.APPROVED:
                    asked = self._asked.get(event.case)
                    said["since"] = asked.entry.at if asked else None
                    said["detail"] = "break_glass" if event.case in self._glass else None
                yield self._row(appended, did, event.case, **said)

    def _observed(self, appended: Appended, event: AccountObserved) -> Iterator[ActivityRow]:
        """Somebody looked an account up, and it was new or had changed; one without people has to have an owner."""
        about = {"account": event.account, "account_class": event.account_class, "unit": event.unit}
        if self._seats.get(appended.entry.actor, "system") != "system":
            yield self._row(appended, Did.LOOKED_UP, None, person=appended.entry.actor, **about)
        if event.account_class in _WITHOUT_PEOPLE and event.owner is None:
            yield self._row(appended, Did.UNOWNED, None, **about)

    def _row(self, appended: Appended, did: Did, case: CaseId | None, **said: Any) -> ActivityRow:
        opened = self._opened.get(case) if case else None
        of_case: dict[str, Any] = (
            {"account": opened.account, "account_class": opened.account_class, "unit": opened.unit} if opened else {}
        )
        person = said.get("person")
        return ActivityRow(
            seq=appended.seq,
            time=appended.entry.at,
            did=did,
            case=case,
            seat=self._seats.get(person) if person else None,
            **{**of_case, **said},
        )
