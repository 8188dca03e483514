"""The findings of a ledger, folded from their entries, and how events and items lie in one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar
from unicodedata import is_normalized, normalize

import msgspec

from watchword.core.errors import Conflict, Corrupt, Invalid
from watchword.core.finding import (
    OPEN,
    SEVERITIES,
    EventsCleared,
    EventsJoined,
    Finding,
    FindingEvent,
    FindingRaised,
    GroupedBy,
    Status,
    Suppression,
    SuppressionEvent,
    SuppressionLifted,
    SuppressionUsed,
    evolve,
    evolve_suppression,
    join,
)
from watchword.ledger.append import Append, Appended, Draft
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.erasure import EvidenceErased
from watchword.ledger.leader import Ledger
from watchword.watch.campaigns import HOUR, REACH, Item, hour_of
from watchword.watch.risk import Kind, Weighed

_FIRST = datetime.min.replace(tzinfo=UTC)

PREFIX, SUPPRESSIONS = "finding/", "suppression/"
WATCH = "watch"
"""Who writes what nobody decided."""

ITEMS, NAME, WORDS = "items", "name", "words"
"""Names of the disclosures: what joined, what a key stands for, what somebody wrote."""

BATCH = 50
"""Items of one entry."""

_NAMED = 4000
"""Bytes that the rules of one entry take at most: how a Sigma rule is called is for its author to say."""

AccountOf: TypeAlias = Callable[[str | None, str], str | None]
"""What stands for the account that a log of a directory (None: of any) calls so; None where nobody knows that."""

Seen: TypeAlias = int | None
"""`Shown.joined` of what somebody looked at; None where that is not known."""

ERASED = EvidenceErased.__struct_config__.tag
"""The entry that says that payloads of a stream are gone."""

_ITEMS = msgspec.json.Decoder(tuple[Item, ...])
_E = TypeVar("_E")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with what its payloads still say: *name* of what it is grouped by, its *items* and the notes on it.

    *live* is how many events still stand, each once, whatever found it; *version* is that of its last entry, *at* the
    time of that, *joined* that of the last by which events joined it.
    """

    finding: Finding
    name: str
    live: int
    items: tuple[Item, ...]
    notes: tuple[tuple[datetime, str, str], ...]
    version: int
    at: datetime
    joined: int = 0

    @property
    def is_erased(self) -> bool:
        """Whether its time was over, and what its events are is gone."""
        return not self.name


class Known(msgspec.Struct, kw_only=True):
    """A finding as it is now, the version of its stream, and what its payloads still say; *items* are by mark."""

    finding: Finding
    version: int
    at: datetime
    name: str = ""
    items: dict[str, Item] = {}
    notes: list[tuple[datetime, str, str]] = []
    joined: int = 0

    @property
    def shown(self) -> Shown:
        """It, as a value."""
        items = tuple(sorted(self.items.values(), key=lambda item: (item.at, item.rule, item.about)))
        return Shown(
            finding=self.finding,
            name=self.name,
            live=len({self.items[mark].about if mark in self.items else mark for mark in self.finding.marks}),
            items=items,
            notes=tuple(self.notes),
            version=self.version,
            at=self.at,
            joined=self.joined,
        )

    def weighed(self, account_of: AccountOf) -> Iterable[Weighed]:
        """Its events that still stand, for each account, agent and vendor they are about."""
        finding, status = self.finding, self.finding.status
        if status is Status.CLOSED:
            status = Status.DISMISSED if finding.dismissal else Status.CONFIRMED
        for mark, item in self.items.items():
            if mark not in finding.marks:
                continue
            account = item.account or (item.target and account_of(item.directory, item.target)) or item.target
            actor = "" if item.is_governed else item.actor
            agent = (actor and account_of(item.directory, actor)) or actor
            named: Mapping[Kind, str | None] = {
                "account": account, "agent": agent if agent != account else None, "vendor": item.vendor
            }  # fmt: skip
            for kind, name in named.items():
                if name:
                    yield Weighed(
                        kind=kind, name=name, about=item.about, severity=item.severity, at=item.at, status=status
                    )


class News(msgspec.Struct, frozen=True, kw_only=True):
    """That a finding became what others have to hear of, by entry *seq*: the one of *version* in its stream."""

    seq: int
    finding: str
    version: int


class KnownSuppression(msgspec.Struct, kw_only=True):
    """A suppression as it is now, the version of its stream, and what its payloads said when it was set."""

    suppression: Suppression
    version: int
    at: datetime
    name: str
    why: str
    items: dict[str, Item] = {}
    """What it kept quiet, by mark, as far as payloads still say."""

    @property
    def ends(self) -> datetime:
        """When it ends, or ended."""
        return self.at if self.suppression.lifted else self.suppression.set.until


class FindingLog:
    """Every finding and suppression of a ledger, and where to look them up. Held by *lock* while it is used."""

    name = "findings"

    def __init__(self, ledger: Ledger) -> None:
        self.position = 0
        self.lock = threading.RLock()
        self.known: dict[str, Known] = {}
        self.quiet: dict[str, KnownSuppression] = {}
        self.marks: set[str] = set()
        """Of everything that ever joined a finding, or was kept quiet."""
        self.news: list[News] = []
        """What others have to hear of, in the order of the entries."""
        self._joined_at: datetime | None = None
        self._ledger = ledger
        self._of_key: dict[str, list[str]] = {}
        self._of_event: dict[str, set[str]] = {}

    def follow(self, ledger: Ledger) -> int:
        """Read what is new."""
        with self.lock:
            for appended in ledger.news(self.position):
                if appended.entry.stream.startswith(PREFIX):
                    self._fold(appended)
                elif appended.entry.stream.startswith(SUPPRESSIONS):
                    self._fold_suppression(appended)
                elif appended.entry.type == ERASED:
                    self._forget(str(appended.entry.data.get("stream", "")))
                self.position = appended.seq + 1
            return self.position

    def look(self) -> None:
        """Read up to the ledger's end."""
        self.follow(self._ledger)

    def get(self, finding: str, seen: Seen = None) -> Known:
        """A finding; `Invalid` when there is none of that id, `Conflict` when events joined after what was *seen*."""
        if finding not in self.known:
            raise Invalid(
                "There is no such finding.", "List them with `watchword watch findings list`.", where="finding"
            )
        if seen is not None and seen < self.known[finding].joined:
            raise Conflict("More of it came since you looked.", "Look at all of it first.")
        return self.known[finding]

    def of_event(self, event: str) -> tuple[str, ...]:
        """The findings an event ever joined."""
        return tuple(sorted(self._of_event.get(event, ())))

    def next_id(self, key: str) -> str:
        """The id of the next finding of *key*."""
        return f"f-{key}-{len(self._of_key.get(key, ())) + 1}"

    def open_for(self, item: Item, subject: tuple[GroupedBy, str] | None = None) -> str | None:
        """The open finding an item belongs to: that of its event, of what it is grouped by, or of its hour.

        *subject* stands for what it is grouped by, where that has several names.
        """
        for id_ in self.of_event(item.event) if item.event else ():
            if self.known[id_].finding.status in OPEN:
                return id_
        # An hour begins with its first event, so it may end in the next of the clock's.
        before = hour_of(item.at - min(HOUR, item.at - _FIRST))
        for by, name in dict.fromkeys((subject or item.key, item.key, ("hour", hour_of(item.at)), ("hour", before))):
            for id_ in self._of_key.get(self.digest(by, name), ()):
                finding = self.known[id_].finding
                is_over = name == before and item.at - (finding.since or finding.raised_at) > HOUR
                if finding.status in OPEN and _reaches(finding, item.at) and not is_over:
                    return id_
        return None

    def mark(self, item: Item) -> str:
        """The keyed mark of what a rule found."""
        return self._ledger.keyed("finding", composed(f"{item.rule}|{item.about}"))

    def digest(self, by: str, name: str) -> str:
        """The keyed digest of somebody or something that findings are grouped by."""
        return self._ledger.keyed("finding-key", composed(f"{by}|{name}"))

    def write(self, stream: str, version: int, drafts: tuple[Draft, ...]) -> None:
        """Append to one stream; `Conflict` when somebody else was there first."""
        self._ledger.append((Append(stream=stream, expected_version=version, drafts=drafts),))

    def as_of(self, news: News) -> Shown:
        """A finding as it was when *news* became news, with what its payloads still say."""
        if (now := self.known[news.finding]).version == news.version:
            return now.shown
        one: Known | None = None
        for appended in self._ledger.read(PREFIX + news.finding):
            if appended.entry.version > news.version:
                break
            _, one = _folded(one, appended, self._ledger.disclosures(appended))
        assert one is not None
        return one.shown

    def _fold(self, appended: Appended) -> None:
        told = self._ledger.disclosures(appended)
        named = str(appended.entry.data.get("finding", ""))
        before = self.known[named].finding if named in self.known else None
        event, one = _folded(self.known.get(named), appended, told)
        self.known[event.finding] = one
        match event:
            case FindingRaised():
                self._of_key.setdefault(event.key, []).append(event.finding)
            case EventsJoined():
                self.marks.update(event.marks)
                for mark in event.marks:
                    if (item := one.items.get(mark)) is not None and item.event:
                        self._of_event.setdefault(item.event, set()).add(event.finding)
            case EventsCleared():
                self.marks -= set(event.marks)
        if before is None:
            return
        news = News(seq=appended.seq, finding=event.finding, version=one.version)
        joins = isinstance(event, EventsJoined)
        goes_on = joins and self._goes_on(news, appended.entry.at)
        if goes_on:
            self.news.pop()
        if goes_on or _is_news(before, one.finding):
            self.news.append(news)
            self._joined_at = appended.entry.at if joins else None

    def _goes_on(self, news: News, at: datetime) -> bool:
        """Whether it is of the same append as the last there was: what several entries say is told by the last."""
        if not self.news or self._joined_at != at:
            return False
        last = self.news[-1]
        return (last.finding, last.version + 1, last.seq + 1) == (news.finding, news.version, news.seq)

    def _forget(self, stream: str) -> None:
        """Let go of what the payloads of *stream* said."""
        finding, suppression = stream.removeprefix(PREFIX), stream.removeprefix(SUPPRESSIONS)
        if finding in self.known:
            one = self.known[finding]
            for item in one.items.values():
                if item.event in self._of_event:
                    self._of_event[item.event].discard(finding)
            one.name, one.items, one.notes = "", {}, []
        elif suppression in self.quiet:
            self.quiet[suppression].name = self.quiet[suppression].why = ""
            self.quiet[suppression].items = {}

    def _fold_suppression(self, appended: Appended) -> None:
        event: SuppressionEvent = _event(appended, SuppressionEvent)  # type: ignore[arg-type]
        before = self.quiet.get(event.suppression)
        folded = evolve_suppression(before.suppression if before else None, event, appended.entry.at)
        if before is not None:
            before.suppression, before.version, before.at = folded, appended.entry.version, appended.entry.at
            if isinstance(event, SuppressionUsed):
                self.marks |= set(event.marks)
                if ITEMS in (told := self._ledger.disclosures(appended)):
                    before.items.update(zip(event.marks, _ITEMS.decode(told[ITEMS]), strict=True))
            elif isinstance(event, SuppressionLifted):  # what it kept quiet is found again
                self.marks -= set(before.items)
            return
        told = self._ledger.disclosures(appended)
        self.quiet[event.suppression] = KnownSuppression(
            suppression=folded,
            version=appended.entry.version,
            at=appended.entry.at,
            name=told.get(NAME, ""),
            why=told.get(WORDS, ""),
        )


def joined_drafts(
    finding: str, marked: tuple[tuple[str, Item], ...], at: datetime, before: Finding | None = None
) -> tuple[Draft, ...]:
    """The entries by which *marked* items join a finding, which is *before* where it was raised earlier."""
    drafts: list[Draft] = []
    for part in _parts(marked):
        items = tuple(item for _, item in part)
        joined = EventsJoined(
            finding=finding,
            marks=tuple(mark for mark, _ in part),
            rules=tuple(sorted({item.rule for item in items})),
            severity=max((item.severity for item in items), key=SEVERITIES.index),
            since=min(item.at for item in items),
            until=max(item.at for item in items),
        )
        told = (items_told(items),)
        events = (joined,) if before is None else join(before, joined)
        drafts.extend(draft(event, WATCH, at, told) for event in events)
    return tuple(drafts)


def used_drafts(suppression: str, marked: tuple[tuple[str, Item], ...], at: datetime) -> tuple[Draft, ...]:
    """The entries that count *marked* items as kept quiet, and keep what they are."""
    return tuple(
        draft(
            SuppressionUsed(suppression=suppression, marks=tuple(mark for mark, _ in part)),
            WATCH,
            at,
            (items_told(tuple(item for _, item in part)),),
        )
        for part in _parts(marked)
    )


def items_told(items: tuple[Item, ...]) -> Disclosure:
    """*items* as the payload of an entry."""
    return Disclosure(name=ITEMS, value=_spelled(items), retention=Retention.IDENTITY)


def composed(text: str) -> str:
    """*text* as the ledger takes it: a log has names as whoever chose them typed them, letter and accent apart too."""
    return normalize("NFC", text)


def _parts(marked: tuple[tuple[str, Item], ...]) -> Iterator[tuple[tuple[str, Item], ...]]:
    """*marked* in parts that one entry each has room for."""
    part: list[tuple[str, Item]] = []
    rules: set[str] = set()
    for mark, item in marked:
        rules.add(item.rule)
        if part and (len(part) == BATCH or sum(len(rule.encode()) for rule in rules) > _NAMED):
            yield tuple(part)
            part, rules = [], {item.rule}
        part.append((mark, item))
    if part:
        yield tuple(part)


def _spelled(items: tuple[Item, ...]) -> str:
    """*items* as JSON, with escapes where the ledger would not take a text as the log has it."""
    text = msgspec.json.encode(items).decode()
    return text if is_normalized("NFC", text) else json.dumps(json.loads(text), ensure_ascii=True)


def draft(event: FindingEvent | SuppressionEvent, actor: str, at: datetime, told: tuple[Disclosure, ...] = ()) -> Draft:
    """The entry to be for *event*: its tag is the type, its fields the data."""
    data = msgspec.to_builtins(event)
    kind = data.pop("type")
    return Draft(type=kind, at=at, actor=actor, data=data, disclosures=told)


def _folded(before: Known | None, appended: Appended, told: Mapping[str, str]) -> tuple[FindingEvent, Known]:
    """What an entry says, and the finding after it; *told* is what its payloads still say."""
    event: FindingEvent = _event(appended, FindingEvent)  # type: ignore[arg-type]
    finding = evolve(before.finding if before else None, event, appended.entry.at)
    one = before or Known(finding=finding, version=0, at=appended.entry.at)
    one.finding, one.version, one.at = finding, appended.entry.version, appended.entry.at
    match event:
        case FindingRaised():
            one.name = told.get(NAME, "")
        case EventsJoined():
            one.joined = one.version
            if ITEMS in told:
                one.items.update(zip(event.marks, _ITEMS.decode(told[ITEMS]), strict=True))
        case EventsCleared():
            for mark in event.marks:
                one.items.pop(mark, None)
    if WORDS in told:
        one.notes.append((appended.entry.at, appended.entry.actor, told[WORDS]))
    return event, one


def _is_news(before: Finding, now: Finding) -> bool:
    """Whether others have to hear of it: a step of its life, a rule that had found nothing of it, a graver severity."""
    return (before.status, before.severity, before.rules) != (now.status, now.severity, now.rules)


def _reaches(finding: Finding, at: datetime) -> bool:
    return finding.since is None or finding.until is None or finding.since - REACH <= at <= finding.until + REACH


def _event(appended: Appended, kind: type[_E]) -> _E:
    try:
        return msgspec.convert({**appended.entry.data, "type": appended.entry.type}, type=kind)
    except msgspec.ValidationError as error:
        raise Corrupt(
            f"Entry {appended.seq} is no finding this version knows: {error}.",
            "Run the version that wrote it, or `watchword ledger fsck`.",
            appended.seq,
        ) from error
