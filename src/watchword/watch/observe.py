"""Observation: what happens to identities today, from logs alone, before anything is governed.

Every support event (what somebody else did to let a person in) stands in one of three ways: *governed* (a case speaks
for it, or a declared downtime), *ticketed* (only a ticket does), *ungoverned*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import duckdb
import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.identity_event import Verdict
from watchword.watch.cells import ACTION_OF, Enforced
from watchword.watch.engine import Context, Engine, Progress
from watchword.watch.leads import Lead, leads_of
from watchword.watch.observed import Observed
from watchword.watch.providers import Feed
from watchword.watch.tenants import TenantCount
from watchword.watch.verdicts import FileShare, TypeCount, UnseenChange

DAYS = timedelta(days=90)
"""How far back is looked where nothing else is asked."""

UNKNOWN = "unknown"
"""The label of what no list of accounts told."""

LEADS = 10

_SQL = Path(__file__).parent / "sql"
T = TypeVar("T")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How many support events there were, and how they stand."""

    events: int
    governed: int
    ticketed: int
    ungoverned: int

    @property
    def coverage(self) -> float | None:
        """The share (0 to 1) that a case or at least a ticket speaks for; None without events."""
        return (self.governed + self.ticketed) / self.events if self.events else None


class Group(Standing, frozen=True, kw_only=True):
    """The events that have one *label* in common."""

    label: str


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """All support events *by* one thing, most ungoverned first (hours in their order)."""

    by: str
    groups: tuple[Group, ...]


class Actor(Standing, frozen=True, kw_only=True):
    """Somebody who changed accounts without a case; *flags* are `shared_actor` and `leaver_actor`, where they hold."""

    who: str
    actor: str
    directory: str
    unit: str
    vendor: str
    flags: tuple[str, ...]
    targets: int
    last: datetime


class Week(Standing, frozen=True, kw_only=True):
    """The events of one week, which begins on Monday *begins* (UTC)."""

    begins: date


class Cell(Standing, frozen=True, kw_only=True):
    """One account class, action and unit; *enforced_since* says from when a case is owed there, None while observed."""

    account_class: str
    action: str
    unit: str
    enforced_since: datetime | None
    enforced_until: datetime | None


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen between *since* and *until* (of the events; None where there are none).

    *asked_since* is from when on was looked, *before* how many events are older. *verdicts* counts every event, not
    support alone.
    """

    asked_since: datetime
    before: int
    since: datetime | None
    until: datetime | None
    lines: int
    rejected: int
    files: tuple[FileShare, ...]
    tenants: tuple[TenantCount, ...]
    unknown_types: tuple[TypeCount, ...]
    verdicts: dict[Verdict, int]
    has_evidence: bool
    tickets: int | None
    accounts: int
    unknown_targets: int
    total: Standing
    breakdowns: tuple[Breakdown, ...]
    flagged: tuple[Actor, ...]
    native: tuple[Actor, ...]
    weeks: tuple[Week, ...]
    cells: tuple[Cell, ...]
    first: tuple[Lead, ...]
    unseen: tuple[UnseenChange, ...]
    events: tuple[Observed, ...]


def observe(
    feeds: tuple[Feed, ...],
    *,
    since: datetime,
    evidence: Path | None = None,
    context: Context | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    rejects: Path | None = None,
) -> Observation:
    """Read the logs of *feeds* from *since* on, and say how every support event in them stands.

    Nothing but the files is touched. `Invalid` as `Engine.judge`.
    """
    context = msgspec.structs.replace(context or Context(), since=since)
    judging = (engine or Engine()).judging(feeds, evidence, context, rejects=rejects, progress=progress)
    with judging as (con, report):
        con.execute((_SQL / "observed.sql").read_text(encoding="utf-8"), {"classes": [str(c) for c in AccountClass]})
        events = _events(con)
        cells = _cells(events, context.enforced)
        return Observation(
            asked_since=since,
            before=report.left_out,
            since=min((e.at for e in events if e.at), default=None),
            until=max((e.at for e in events if e.at), default=None),
            lines=report.lines,
            rejected=report.rejected_lines,
            files=report.files,
            tenants=report.tenants,
            unknown_types=report.unknown_types,
            verdicts={verdict: count for verdict, count in report.counts.items() if count},
            has_evidence=report.has_evidence,
            tickets=None if context.tickets is None else len(context.tickets),
            accounts=len(context.known),
            unknown_targets=sum(not e.account_class for e in events),
            total=Standing(**_count(events)),
            breakdowns=_breakdowns(events),
            flagged=tuple(actor for actor in _actors(events) if actor.flags),
            native=_actors(e for e in events if e.standing != "governed"),
            weeks=_weeks(events),
            cells=cells,
            first=leads_of(events, LEADS),
            unseen=report.unseen,
            events=events,
        )


def _events(con: duckdb.DuckDBPyConnection) -> tuple[Observed, ...]:
    cursor = con.execute(
        "SELECT to_json(found) FROM (SELECT * EXCLUDE (class, timeless) REPLACE ("
        "CASE WHEN timeless THEN NULL ELSE strftime(timezone('UTC', \"at\"), '%Y-%m-%dT%H:%M:%S.%fZ') END AS \"at\""
        '), class AS account_class FROM observed ORDER BY observed."at", id) AS found'
    )
    read = msgspec.json.Decoder(Observed).decode
    return tuple(read(text) for (text,) in cursor.fetchall())


def _count(events: Iterable[Observed]) -> dict[str, int]:
    counts = Counter(event.standing for event in events)
    standings = {name: counts[name] for name in ("governed", "ticketed", "ungoverned")}
    return {"events": counts.total(), **standings}


def _grouped(events: Iterable[Observed], key: Callable[[Observed], T]) -> dict[T, list[Observed]]:
    groups: dict[T, list[Observed]] = {}
    for event in events:
        groups.setdefault(key(event), []).append(event)
    return groups


def _breakdowns(events: Sequence[Observed]) -> tuple[Breakdown, ...]:
    keys: dict[str, Callable[[Observed], str]] = {
        "directory": lambda e: e.directory,
        "action": lambda e: str(e.action),
        "class": lambda e: e.account_class or UNKNOWN,
        "unit": lambda e: e.unit or UNKNOWN,
        "vendor": lambda e: e.vendor or "own staff, or unknown",
    }
    made = [
        Breakdown(
            by=by,
            groups=tuple(
                sorted(
                    (Group(label=label, **_count(each)) for label, each in _grouped(events, key).items()),
                    key=lambda g: (-g.ungoverned, -g.events, g.label),
                )
            ),
        )
        for by, key in keys.items()
    ]
    hours = _grouped((e for e in events if e.at), lambda e: e.at.astimezone(UTC).hour if e.at else 0)
    by_hour = tuple(Group(label=f"{hour:02}", **_count(hours.get(hour, ()))) for hour in range(24))
    return (*made, Breakdown(by="hour", groups=by_hour))


def _actors(events: Iterable[Observed]) -> tuple[Actor, ...]:
    """Who acted in *events*, most ungoverned first."""
    made = []
    for (directory, who), each in _grouped(events, lambda e: (e.directory, e.who)).items():
        last = each[-1]
        flags = [f for f in ("shared_actor", "leaver_actor") if any(f in e.reasons for e in each)]
        made.append(
            Actor(
                who=who,
                actor=last.actor,
                directory=directory,
                unit=last.actor_unit,
                vendor=last.vendor,
                flags=tuple(flags),
                targets=len({e.target for e in each}),
                last=max((e.at for e in each if e.at), default=datetime(1970, 1, 1, tzinfo=UTC)),
                **_count(each),
            )
        )
    return tuple(sorted(made, key=lambda a: (-a.ungoverned, -a.events, a.directory, a.who)))


def _weeks(events: Iterable[Observed]) -> tuple[Week, ...]:
    """Every week from the first with an event to the last, those without one too, but for a year and more of these."""
    groups = _grouped((e for e in events if e.at), lambda e: _monday(e.at) if e.at else date.min)
    weeks: list[date] = []
    for begins in sorted(groups):
        # A log may have times of any year: one odd line must not make a report of ten thousand years.
        gap = (begins - weeks[-1]).days // 7 if weeks else 0
        if gap <= _EMPTY:
            weeks += (begins - timedelta(weeks=n) for n in range(gap - 1, 0, -1))
        weeks.append(begins)
    return tuple(Week(begins=week, **_count(groups.get(week, ()))) for week in weeks)


_EMPTY = 53
"""Weeks without an event that are shown in a row, at most."""


def _monday(at: datetime) -> date:
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def _cells(events: Iterable[Observed], enforced: tuple[Enforced, ...]) -> tuple[Cell, ...]:
    made = []
    for (account_class, event, unit), each in _grouped(events, _cell_of).items():
        since = until = None
        for cell in enforced:
            if cell.covers(account_class, event, unit) and (since is None or cell.since < since):
                since, until = cell.since, cell.until
        made.append(
            Cell(
                account_class=account_class or UNKNOWN,
                action=str(event) if event else UNKNOWN,
                unit=unit or UNKNOWN,
                enforced_since=since,
                enforced_until=until,
                **_count(each),
            )
        )
    return tuple(sorted(made, key=lambda c: (-c.ungoverned, -c.events, c.account_class, c.action, c.unit)))


def _cell_of(event: Observed) -> tuple[str, Action | None, str]:
    return event.account_class, ACTION_OF.get(event.action), event.unit
