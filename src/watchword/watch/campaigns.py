"""What was found, grouped by what it shares: one caller, one vendor, one agent, one hour. A bad day is ten lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal
from unicodedata import normalize

import msgspec

from watchword.core.finding import SEVERITIES, VERDICT, GroupedBy, Severity
from watchword.core.identity_event import Verdict
from watchword.watch.signals import Hit
from watchword.watch.verdicts import VerdictRow

REACH = timedelta(hours=24)
"""How far from the events of a campaign another one may lie and still belong to it."""

LONE = 4
"""So many agents with one event each within an hour are one campaign of that hour, not so many findings."""

HOUR = timedelta(hours=1)

SIGMA = "sigma."
"""What the rule of a verdict begins with, and that of a Sigma rule."""

QUIET = "suppression."
"""What the rule of what is told of a suppression begins with: that is never kept quiet itself."""

_SEVERITIES: dict[Verdict, Severity] = {
    Verdict.SUSPICIOUS: "high",
    Verdict.UNVERIFIED: "medium",
    Verdict.OUT_OF_POLICY: "medium",
}

Party = Literal["caller", "vendor", "actor", "target"]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found: a verdict on *event*, or a hit of *rule*, which may be about none.

    *account* is the desk's own name of the target, where it is known; *case*, *ticket* and *leaves* are the evidence
    that a verdict names; *actor_login* and *target_login* are as in a verdict. Of what *is_governed* who acted is the
    desk's executor, of whom nothing is found by that.
    """

    rule: str
    event: str | None
    about: str
    severity: Severity
    at: datetime
    target: str
    actor: str
    account: str | None = None
    directory: str | None = None
    caller: str | None = None
    vendor: str | None = None
    unit: str | None = None
    why: str = ""
    is_feed: bool = False
    case: str | None = None
    ticket: str | None = None
    leaves: tuple[int, ...] = ()
    actor_login: str | None = None
    target_login: str | None = None
    is_governed: bool = False

    @property
    def key(self) -> tuple[GroupedBy, str]:
        """What it is grouped by first."""
        if self.is_feed:
            return "feed", self.directory or self.target
        for party, name in self.parties:
            if party != "actor" or not self.is_governed:
                return party, name
        return "hour", hour_of(self.at)

    @property
    def parties(self) -> tuple[tuple[Party, str], ...]:
        """Whom it is about, strongest tie first; one who is written in two ways (Unicode's forms) is one."""
        named: tuple[tuple[Party, str | None], ...] = (
            ("caller", self.caller), ("vendor", self.vendor), ("actor", self.actor), ("target", self.target)
        )  # fmt: skip
        return tuple((party, normalize("NFC", name)) for party, name in named if name)


Subject = Callable[[Item], tuple[GroupedBy, str]]
"""What an item is grouped by first, where somebody knows an account by more names than one."""


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """Items that belong together, by time. *name* stands for what they share, whatever each of them calls it."""

    by: GroupedBy
    name: str
    items: tuple[Item, ...]

    @property
    def called(self) -> str:
        """What they share, as the first of them calls it."""
        return next((name for by, name in (self.items[0].key, *self.items[0].parties) if by == self.by), self.name)

    @property
    def severity(self) -> Severity:
        """That of its worst item."""
        return max((item.severity for item in self.items), key=SEVERITIES.index)

    @property
    def rules(self) -> tuple[str, ...]:
        """What found its items, each once, in the order of the alphabet."""
        return tuple(sorted({item.rule for item in self.items}))

    @property
    def since(self) -> datetime:
        """When its first item happened."""
        return self.items[0].at

    @property
    def until(self) -> datetime:
        """When its last item happened."""
        return self.items[-1].at


def items_of(rows: Iterable[VerdictRow], hits: Iterable[Hit]) -> tuple[Item, ...]:
    """What of *rows* and *hits* somebody must look at."""
    return (*(of_row(row) for row in rows if row.is_finding), *(of_hit(hit) for hit in hits))


def of_row(row: VerdictRow) -> Item:
    """A verdict that is a finding; a privileged account makes it a grave one."""
    grave: Severity = "high" if "privileged_target" in row.reasons else _SEVERITIES[row.verdict]
    return Item(
        rule=f"{VERDICT}{row.verdict}",
        event=row.id,
        about=row.id,
        severity=grave,
        at=row.at,
        target=row.target,
        actor=row.actor,
        directory=row.directory,
        vendor=row.provider if row.actor_class == "vendor" else None,
        why=row.why if row.action is None else f"{row.action}: {row.why}",
        is_feed=row.action is None,
        case=row.case,
        ticket=row.ticket,
        leaves=row.leaves,
        actor_login=row.actor_login,
        target_login=row.target_login,
    )


def of_hit(hit: Hit) -> Item:
    """A hit of a signal or of a Sigma rule."""
    return Item(
        rule=normalize("NFC", hit.signal),  # of a Sigma rule without an id it is the name of its file
        event=hit.event,
        about=hit.event or hit.id,
        severity=hit.severity,
        at=hit.at,
        target=hit.target,
        actor=hit.actor,
        account=hit.account,
        caller=hit.caller,
        vendor=hit.vendor,
        unit=hit.unit,
        case=hit.case,
        why=hit.why,
        is_governed=hit.is_governed,
    )


def campaigns(items: Iterable[Item], subject: Subject = lambda item: item.key) -> tuple[Campaign, ...]:
    """*items* grouped, gravest first; lone ones within an hour, if there are `LONE` of them, are that hour's."""
    grouped = _grouped(items, subject)
    crowds = tuple(_crowds([campaign for campaign in grouped if is_lone(campaign)]))
    taken = {id(each) for crowd in crowds for each in crowd}
    merged = [
        Campaign(by="hour", name=hour_of(crowd[0].since), items=_ordered(item for each in crowd for item in each.items))
        for crowd in crowds
    ]
    whole = (*(each for each in grouped if id(each) not in taken), *merged)
    return tuple(sorted(whole, key=lambda c: (-SEVERITIES.index(c.severity), -len(c.items), c.since, c.name)))


def is_lone(campaign: Campaign) -> bool:
    """Whether it is one event of one agent or account, and nothing that may not wait."""
    events = {item.event or item.about for item in campaign.items}
    return campaign.by in {"actor", "target", "hour"} and len(events) == 1 and campaign.severity != "critical"


def hour_of(at: datetime) -> str:
    """The hour that begins with *at*, wherever on the clock, as a name."""
    return f"{at:%Y-%m-%dT%H}"


def crowded(at: datetime, others: Iterable[datetime]) -> str | None:
    """The name of an hour in which *at* lies with as many of *others* as make a campaign; None where there is none."""
    near = sorted(other for other in others if abs(other - at) <= HOUR)
    for start in (*(other for other in near if other <= at), at):
        if sum(timedelta() <= other - start <= HOUR for other in near) >= LONE - 1:
            return hour_of(start)
    return None


def _crowds(lone: list[Campaign]) -> Iterator[list[Campaign]]:
    """Those of *lone* of which `LONE` lie within an hour that slides over the clock's."""
    lone.sort(key=lambda campaign: campaign.since)
    first = 0
    while first < len(lone):
        last = first + 1
        # Differences, since no calendar has an hour after its last.
        while last < len(lone) and lone[last].since - lone[first].since <= HOUR:
            last += 1
        if last - first >= LONE:
            yield lone[first:last]
            first = last
        else:
            first += 1


def _grouped(items: Iterable[Item], subject: Subject) -> tuple[Campaign, ...]:
    by_key: dict[tuple[GroupedBy, str], list[Item]] = {}
    for item in _once(items):
        by_key.setdefault(subject(item), []).append(item)
    return tuple(
        Campaign(by=by, name=name, items=run) for (by, name), several in by_key.items() for run in _runs(several)
    )


def _once(items: Iterable[Item]) -> tuple[Item, ...]:
    """Each thing once; what is told of one event is kept together under the strongest tie that anything has to it."""
    distinct = {(item.rule, item.about): item for item in items}
    ties: dict[str, Item] = {}
    order = {"feed": 0, "caller": 1, "vendor": 2, "actor": 3, "target": 4, "hour": 5}
    for item in distinct.values():
        if item.event and ((best := ties.get(item.event)) is None or order[item.key[0]] < order[best.key[0]]):
            ties[item.event] = item
    return tuple(
        item
        if item.event is None or (tie := ties[item.event]).key == item.key
        else msgspec.structs.replace(item, caller=item.caller or tie.caller, vendor=item.vendor or tie.vendor)
        for item in distinct.values()
    )


def _runs(items: list[Item]) -> Iterator[tuple[Item, ...]]:
    """*items* by time, cut where more than `REACH` lies between two."""
    run: list[Item] = []
    for item in _ordered(items):
        if run and item.at - run[-1].at > REACH:
            yield tuple(run)
            run = []
        run.append(item)
    yield tuple(run)


def _ordered(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (item.at, item.rule, item.about)))
