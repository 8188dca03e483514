"""What is told to other systems of a finding: what its events share, what found them, and where it is in its life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from watchword.core.finding import OPEN, VERDICT, Dismissal, GroupedBy, Status
from watchword.core.identity_event import Verdict
from watchword.core.ids import PersonId
from watchword.watch.campaigns import QUIET, Item
from watchword.watch.finding_log import Shown
from watchword.watch.formats.alert import FEED, TITLES, Alert, Severity, millis
from watchword.watch.signals import Signal

MOST = 50
"""Items of one message; what is left out is counted."""

_NAMED = 3
"""Rules of a title, and reasons of a text."""

_SEVERITIES = {
    "info": Severity.INFORMATIONAL,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}

_SHARED: Mapping[GroupedBy, str] = {
    "caller": "one caller",
    "vendor": "one vendor",
    "actor": "one agent",
    "hour": "one hour",
    "target": "one account",
    "feed": "one source",
}


class FindingAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it was at one entry of its stream, ready to be told.

    *finding* is the same for all that is told of it, *tag* is new for each. *name* is what its events share (*by*);
    None where its payloads were erased. *events* still stand; *items* are the first of them, *left_out* counts the
    others. *attack* are the techniques of the signals that found them. *owner* is a pseudonym.
    """

    finding: str
    tag: str
    at: datetime
    title: str
    why: str
    severity: Severity
    status: Status
    is_first: bool
    by: GroupedBy
    name: str | None
    rules: tuple[str, ...]
    rule_titles: tuple[str, ...]
    attack: tuple[str, ...]
    events: int
    raised_at: datetime
    since: datetime
    until: datetime
    owner: PersonId | None
    dismissal: Dismissal | None
    items: tuple[Item, ...]
    left_out: int

    @classmethod
    def of(cls, shown: Shown, signals: Mapping[str, Signal]) -> FindingAlert:
        """The alert that *shown* is; *signals* are those known by name, for what theirs are called."""
        finding = shown.finding
        titles = tuple(_title(rule, signals, is_feed=finding.by == "feed") for rule in finding.rules)
        return cls(
            finding=finding.id,
            tag=f"{finding.id}/{shown.version}",
            at=shown.at,
            title=_few(titles) or "Finding",
            why=_why(shown),
            severity=_SEVERITIES[finding.severity],
            status=finding.status,
            is_first=finding.status is Status.NEW and shown.at == finding.raised_at,
            by=finding.by,
            name=shown.name or None,
            rules=finding.rules,
            rule_titles=titles,
            attack=tuple(dict.fromkeys(a for rule in finding.rules if rule in signals for a in signals[rule].attack)),
            events=shown.live,
            raised_at=finding.raised_at,
            since=finding.since or finding.raised_at,
            until=finding.until or finding.raised_at,
            owner=finding.owner,
            dismissal=finding.dismissal,
            items=shown.items[:MOST],
            left_out=max(len(shown.items) - MOST, 0),
        )

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look at it, or to do something."""
        return self.status in OPEN

    @property
    def tickets(self) -> tuple[str, ...]:
        """The tickets that verdicts of it name, each once."""
        return tuple(dict.fromkeys(item.ticket for item in self.items if item.ticket))

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases that verdicts of it name, each once."""
        return tuple(dict.fromkeys(item.case for item in self.items if item.case))

    @property
    def actors(self) -> tuple[str, ...]:
        """Who did it, each once."""
        return tuple(dict.fromkeys(item.actor for item in self.items if item.actor))

    @property
    def logins(self) -> dict[str, str]:
        """The address that a log has beside the id of somebody it is about, for those of whom it has one."""
        pairs = (
            pair for item in self.items for pair in ((item.actor, item.actor_login), (item.target, item.target_login))
        )
        return {name: login for name, login in pairs if login}

    @property
    def targets(self) -> tuple[tuple[str | None, str], ...]:
        """The accounts it is about, each once, with the directory of each where a verdict names it."""
        of_event = {item.event: item.directory for item in self.items if item.event and item.directory}
        named = {item.target: item.directory for item in self.items if item.directory}
        return tuple(
            dict.fromkeys(
                (item.directory or of_event.get(item.event or "") or named.get(item.target), item.target)
                for item in self.items
                if item.target and not item.is_feed
            )
        )

    @property
    def directories(self) -> tuple[str, ...]:
        """The directories it is about, each once."""
        return tuple(dict.fromkeys(item.directory for item in self.items if item.directory))

    @property
    def millis(self) -> int:
        """When it became as it is, in milliseconds since 1970."""
        return millis(self.at)


AnyAlert = Alert | FindingAlert


def _title(rule: str, signals: Mapping[str, Signal], *, is_feed: bool) -> str:
    if rule in signals:
        return signals[rule].title
    if rule.startswith(QUIET):
        return f"A suppression was {rule.removeprefix(QUIET)}"
    verdict = rule.removeprefix(VERDICT)
    if rule == verdict or verdict not in set(Verdict):
        return rule
    return FEED if is_feed else TITLES[Verdict(verdict)]


def _why(shown: Shown) -> str:
    """How many events, what they share, and the first reasons."""
    many = f"{shown.live} event{'' if shown.live == 1 else 's'} of {_SHARED[shown.finding.by]}"
    if shown.is_erased:
        return f"{many}; what they were is erased"
    reasons = _few(tuple(dict.fromkeys(item.why for item in shown.items if item.why)))
    return f"{many}: {reasons}" if reasons else many


def _few(texts: tuple[str, ...]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return "; ".join(texts[:_NAMED]) + more
