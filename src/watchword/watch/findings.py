"""Findings in the ledger: what the watch found joins them, people work on them, and nothing is made twice.

Each finding is a stream `finding/ID`. The ID counts per key, so of two processes that raise the same finding one finds
the other's. What is suppressed (`watch.quiet`) is counted in the stream of its suppression, and found again when that
is lifted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal

import structlog

from watchword.core.errors import Conflict, Corrupt, Invalid, Unavailable
from watchword.core.finding import (
    OPEN,
    SEVERITIES,
    VERDICT,
    Dismissal,
    Finding,
    FindingEvent,
    FindingRaised,
    GroupedBy,
    Status,
    allow,
    clear,
    close,
    confirm,
    dismiss,
    lift,
    note,
    own,
    triage,
)
from watchword.core.ids import PersonId
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.leader import Ledger
from watchword.watch import quiet
from watchword.watch.campaigns import SIGMA, Campaign, Item, Party, campaigns, crowded, is_lone, of_hit, of_row
from watchword.watch.finding_log import (
    NAME,
    PREFIX,
    SUPPRESSIONS,
    WATCH,
    WORDS,
    FindingLog,
    KnownSuppression,
    News,
    Seen,
    Shown,
    composed,
    draft,
    joined_drafts,
)
from watchword.watch.formats.alert import Severity
from watchword.watch.printable import printable, said_of
from watchword.watch.risk import Risk, risks
from watchword.watch.signals import Hit
from watchword.watch.standing import against, rank
from watchword.watch.verdicts import VerdictRow
from watchword.watch.whose import Whose

log = structlog.get_logger("watchword.watch.findings")

RACES = 8
"""How often a lost race is decided again before the caller hears of it."""

FRESH = timedelta(days=1)
"""How old an event may be for signals to be believed that find it no longer: they forget what was before older ones."""

REFUSED = 1000
"""How much of what was found may be refused by itself: more than that is a fault of something else."""

SWEPT = timedelta(minutes=10)
"""For how long a verdict that was revised is held against signals, which look less often than verdicts are given."""


class Findings:
    """Every finding there is, and the steps on them. Safe to use from several threads; the time is always passed in.

    An account that *whose* knows by several names is one: in what findings are grouped by, in risk, in suppressions.
    """

    def __init__(self, ledger: Ledger, whose: Whose | None = None) -> None:
        self.log = FindingLog(ledger)
        self.whose = whose or Whose()
        self._pseudonym = ledger.pseudonym
        self.refused: dict[str, tuple[VerdictRow | Hit, str]] = {}
        """What can not be kept, by its id, and why: tried again whenever something is taken."""
        self._settled = datetime.max.replace(tzinfo=UTC)
        self._answered: dict[str, tuple[VerdictRow, datetime]] = {}
        """Revised verdicts that ask for nothing, of events that signals still find something in, and since when."""

    # --- reading -----------------------------------------------------------------------------------------------------

    def all(self, status: Status | None = None) -> tuple[Shown, ...]:
        """Every finding, or those of one *status*: gravest first, then the one with most events, then the newest."""
        with self.log.lock:
            self.log.look()
            found = [one.shown for one in self.log.known.values() if status in {None, one.finding.status}]
        return tuple(sorted(found, key=rank))

    def count(self, status: Status) -> int:
        """How many findings are of *status*."""
        with self.log.lock:
            self.log.look()
            return sum(1 for one in self.log.known.values() if one.finding.status is status)

    def open_by_severity(self) -> dict[str, int]:
        """How many findings are new, triaged or confirmed, by how grave they are."""
        with self.log.lock:
            self.log.look()
            found = Counter(one.finding.severity for one in self.log.known.values() if one.finding.status in OPEN)
        return {severity: found[severity] for severity in SEVERITIES}

    def against(self, directory: str | None, target: str, but: str = "") -> Severity | None:
        """See `standing.against`."""
        return against(self.log, self.whose, directory, target, but)

    def one(self, finding: str) -> Shown:
        """One finding; `Invalid` when there is none of that id."""
        with self.log.lock:
            self.log.look()
            return self.log.get(finding).shown

    def suppressions(self) -> tuple[KnownSuppression, ...]:
        """Every suppression ever set, in that order."""
        with self.log.lock:
            self.log.look()
            return tuple(self.log.quiet.values())

    def risks(self, at: datetime) -> tuple[Risk, ...]:
        """The risk of each account, agent and vendor now, highest first (`watch.risk`)."""
        account = cache(self.whose.account)
        with self.log.lock:
            self.log.look()
            return risks((weighed for one in self.log.known.values() for weighed in one.weighed(account)), at)

    def parties(self, item: Item) -> Iterator[tuple[Party, str]]:
        """Whom *item* is about, by every name that a suppression may have for them."""
        return quiet.parties(self.whose, item)

    def news(self, since: int) -> tuple[News, ...]:
        """What others have to hear of, of the entries from *since* on, in their order."""
        with self.log.lock:
            self.log.look()
            first = bisect_left(self.log.news, since, key=lambda news: news.seq)
            return tuple(self.log.news[first:])

    def as_of(self, news: News) -> Shown:
        """The finding that *news* is about, as it was then; what was erased since is missing."""
        with self.log.lock:
            return self.log.as_of(news)

    def ended(self, held: Collection[str]) -> Iterator[tuple[str, datetime]]:
        """Every stream of a finding or a suppression, with the moment its time begins to count.

        A finding's is its last entry, whatever became of it; one with an event of a case in *held* has none. A
        suppression's is its end.
        """
        with self.log.lock:
            self.log.look()
            for id_, one in self.log.known.items():
                if not any(item.case in held for item in one.items.values()):
                    yield PREFIX + id_, one.at
            for id_, kept in self.log.quiet.items():
                yield SUPPRESSIONS + id_, kept.ends

    # --- what the watch found ----------------------------------------------------------------------------------------

    def take(self, rows: Iterable[VerdictRow], hits: Iterable[Hit], at: datetime) -> tuple[str, ...]:
        """Have what was found join findings, or begin new ones; take out what late evidence speaks for.

        *rows* are verdicts that are new or revised, *hits* all that the signals find now. Taken twice, it changes
        nothing. What can not be kept by itself is `refused`, and the rest goes on. Returns the ids of the findings that
        changed.
        """
        # Of an event the last word counts: what it revised is no news, after a start least of all.
        rows, hits = tuple({row.id: row for row in rows}.values()), tuple(hits)
        for attempt in range(RACES):
            with self.log.lock:
                self.log.look()
                try:
                    return self._take(rows, hits, at)
                except Conflict:
                    if attempt == RACES - 1:
                        raise
        raise AssertionError

    def _take(self, rows: tuple[VerdictRow, ...], hits: tuple[Hit, ...], at: datetime) -> tuple[str, ...]:
        quiet.forget_answered(self.log, rows)
        settled = self._settle(at)
        told = {row.id for row in rows}
        found: dict[str, VerdictRow | Hit] = {id_: one for id_, (one, _) in self.refused.items() if id_ not in told}
        found |= {row.id: row for row in rows if row.is_finding}
        found |= {hit.id: hit for hit in hits}
        try:
            changed = self._join(tuple(found.values()), at)
            refused: dict[str, tuple[VerdictRow | Hit, str]] = {}
        except (Conflict, Unavailable, Corrupt):
            raise
        except Exception:
            changed, refused = self._join_each(found, at)
            if len(refused) > REFUSED:
                raise
        self.refused = refused
        # Last: a finding whose events are told otherwise now, and still findings, must not be closed between.
        self.log.look()
        changed.extend(self._clear(rows, hits, at))
        return tuple(dict.fromkeys((*settled, *changed)))

    def _join_each(
        self, found: Mapping[str, VerdictRow | Hit], at: datetime
    ) -> tuple[list[str], dict[str, tuple[VerdictRow | Hit, str]]]:
        """`_join` one after the other, so that what can not be kept, and why, is held and stops nothing else."""
        changed: list[str] = []
        refused: dict[str, tuple[VerdictRow | Hit, str]] = {}
        for id_, one in found.items():
            self.log.look()
            try:
                changed += self._join((one,), at)
            except (Conflict, Unavailable, Corrupt):
                raise
            except Exception as fault:
                refused[id_] = one, said_of(fault)
                if id_ not in self.refused:
                    log.critical("finding.refused", about=printable(id_), why=said_of(fault), exc_info=fault)
                if len(refused) > REFUSED:
                    break
        return changed, refused

    def _join(self, found: Iterable[VerdictRow | Hit], at: datetime) -> list[str]:
        """Have what was *found* and is new join findings, or begin new ones; returns which."""
        return self._join_items((of_row(one) if isinstance(one, VerdictRow) else of_hit(one) for one in found), at)

    def _join_items(self, items: Iterable[Item], at: datetime) -> list[str]:
        changed: list[str] = []
        fresh = {mark: item for item in items if (mark := self.log.mark(item)) not in self.log.marks}
        quiet.keep_quiet(self.log, self.whose, fresh, at)
        joining: dict[str, list[tuple[str, Item]]] = {}
        left: list[Item] = []
        for mark, item in fresh.items():
            if (finding := self.log.open_for(item, self._subject(item))) is None:
                left.append(item)
            else:
                joining.setdefault(finding, []).append((mark, item))
        for finding, marked in joining.items():
            one = self.log.known[finding]
            drafts = joined_drafts(finding, tuple(marked), at, one.finding)
            self.log.write(PREFIX + finding, one.version, drafts)
            changed.append(finding)
        for group in self._with_lone_ones(campaigns(left, self._subject)):
            changed.append(self._raise(group, at))
            self.log.look()
        return changed

    def _subject(self, item: Item) -> tuple[GroupedBy, str]:
        """What *item* is grouped by: an account under the one name that stands for it."""
        by, name = item.key
        account = self.whose.account(item.directory, name) if by in {"actor", "target"} else None
        return by, account or name

    def _raise(self, group: Campaign, at: datetime) -> str:
        key = self.log.digest(group.by, group.name)
        finding = self.log.next_id(key)
        told = (Disclosure(name=NAME, value=composed(group.called) or "?", retention=Retention.IDENTITY),)
        raised = draft(FindingRaised(finding=finding, key=key, by=group.by), WATCH, at, told)
        marked = tuple((self.log.mark(item), item) for item in group.items)
        self.log.write(PREFIX + finding, -1, (raised, *joined_drafts(finding, marked, at)))
        return finding

    def _with_lone_ones(self, groups: tuple[Campaign, ...]) -> Iterator[Campaign]:
        """*groups*, where the lone ones of an hour that has as many already are that hour's."""
        waiting = [
            finding.since or finding.raised_at
            for finding in (one.finding for one in self.log.known.values())
            if finding.status is Status.NEW and finding.by in {"actor", "target"} and len(finding.marks) == 1
        ]
        hours: dict[str, list[Item]] = {}
        for group in groups:
            if group.by != "hour" and is_lone(group) and (hour := crowded(group.since, waiting)) is not None:
                hours.setdefault(hour, []).extend(group.items)
            else:
                yield group
        for hour, items in hours.items():
            yield Campaign(by="hour", name=hour, items=tuple(sorted(items, key=lambda i: (i.at, i.rule, i.about))))

    def _clear(self, rows: tuple[VerdictRow, ...], hits: tuple[Hit, ...], at: datetime) -> Iterator[str]:
        """Take out of open findings what is told otherwise now of the events of *rows*, or of rows taken lately.

        A hit goes where its event was answered late: what a signal no longer finds otherwise is what it forgot, or what
        its statistics moved past, and stays for people to judge.
        """
        lately = {id_: one for id_, one in self._answered.items() if timedelta() <= at - one[1] <= SWEPT}
        told = {id_: row for id_, (row, _) in lately.items()} | {row.id: row for row in rows if row.action is not None}
        now = {id_: f"{VERDICT}{row.verdict}" for id_, row in told.items()}
        wanting = {row.id for row in rows if row.is_finding}
        late = {id_ for id_, row in told.items() if row.revision > 1 and at - row.at <= FRESH} - wanting
        found = {(hit.signal, hit.event) for hit in hits}

        def is_over(item: Item) -> bool:
            if item.event is None or item.event not in now:
                return False
            if item.rule.startswith(VERDICT):
                return item.rule != now[item.event]
            # A Sigma rule looks at lines, not at verdicts, and only once at each.
            return not item.rule.startswith(SIGMA) and item.event in late and (item.rule, item.event) not in found

        stays: set[str | None] = set()
        for finding in dict.fromkeys(finding for event in now for finding in self.log.of_event(event)):
            one = self.log.known[finding]
            gone = tuple(mark for mark, item in one.items.items() if is_over(item))
            if one.finding.status in OPEN:
                stays.update(item.event for mark, item in one.items.items() if mark not in gone)
            if drafts := tuple(draft(event, WATCH, at) for event in clear(one.finding, gone)):
                self.log.write(PREFIX + finding, one.version, drafts)
                yield finding
        self._answered = {id_: lately.get(id_, (told[id_], at)) for id_ in late if id_ in stays}

    def settle(self, at: datetime) -> None:
        """Tell of suppressions that ended since they were last looked at."""
        with self.log.lock:
            self.log.look()
            before, self._settled = self._settled, at
            if any(before < one.suppression.set.until <= at for one in self.log.quiet.values()):
                self._settle(at)

    def _settle(self, at: datetime) -> list[str]:
        """Tell what became of suppressions, and have what a lifted one kept quiet join findings; returns which."""
        self.log.look()
        return self._join_items((*quiet.told_of(self.log, at), *quiet.found_again(self.log)), at)

    # --- what people do ----------------------------------------------------------------------------------------------

    def triage(self, finding: str, by: PersonId, at: datetime) -> Shown:
        """Take a first look."""
        return self._step(finding, by, at, lambda f: triage(f, by))

    def confirm(self, finding: str, by: PersonId, at: datetime) -> Shown:
        """Say that it is what it looks like."""
        return self._step(finding, by, at, lambda f: confirm(f, by))

    def dismiss(
        self,
        finding: str,
        by: PersonId,
        at: datetime,
        *,
        reason: Dismissal,
        words: str,
        about: frozenset[PersonId],
        seen: Seen = None,
    ) -> Shown:
        """Say that it is not, and why; `Refused` for whom it is *about*, `Conflict` if more joined what was *seen*."""
        if not words.strip():
            raise Invalid("A dismissal says what was looked at.", "Write a sentence.", where="words")
        return self._step(finding, by, at, lambda f: dismiss(f, by, reason, about), words, seen)

    def close(
        self, finding: str, by: PersonId, at: datetime, *, about: frozenset[PersonId], seen: Seen = None
    ) -> Shown:
        """Say that nothing is left to do; `Refused` and `Conflict` as `dismiss`."""
        return self._step(finding, by, at, lambda f: close(f, by, about), "", seen)

    def own(self, finding: str, by: PersonId, at: datetime, *, owner: PersonId, about: frozenset[PersonId]) -> Shown:
        """Give it to somebody, who is nobody it is *about*."""
        return self._step(finding, by, at, lambda f: own(f, by, owner, about))

    def note(self, finding: str, by: PersonId, at: datetime, *, words: str) -> Shown:
        """Write something down beside it."""
        if not words.strip():
            raise Invalid("The note is empty.", "Write a sentence.", where="words")
        return self._step(finding, by, at, lambda f: note(f, by), words)

    def suppress(
        self,
        by: PersonId,
        at: datetime,
        *,
        rule: str,
        party: Party | Literal["anybody"],
        name: str,
        until: datetime,
        why: str,
    ) -> str:
        """Keep *rule* (`*`: all) quiet about the *party* called *name* until a time; returns the suppression's id.

        A whole rule, and all there is of somebody, is kept quiet once a second person allowed it.
        """
        made = quiet.suppress(
            self.log, self.whose, self._pseudonym, by, at, rule=rule, party=party, name=name, until=until, why=why
        )
        self._tell_of_it(at)
        return made

    def allow(self, suppression: str, by: PersonId, at: datetime) -> None:
        """Agree to a wide suppression that somebody else set: from now on it holds."""
        quiet.step(self.log, suppression, by, at, allow)
        self._tell_of_it(at)

    def lift(self, suppression: str, by: PersonId, at: datetime) -> None:
        """End a suppression before its time: what it kept quiet is found again."""
        quiet.step(self.log, suppression, by, at, lift)
        self._tell_of_it(at)

    def _tell_of_it(self, at: datetime) -> None:
        with self.log.lock:
            try:
                self._settle(at)
            except (Conflict, Unavailable) as fault:  # the step stands: `take` tells of it the next time
                log.warning("suppression.untold", why=str(fault))

    def _step(
        self,
        finding: str,
        by: PersonId,
        at: datetime,
        decide: Callable[[Finding], tuple[FindingEvent, ...]],
        words: str = "",
        seen: Seen = None,
    ) -> Shown:
        said = composed(words.strip())
        told = (Disclosure(name=WORDS, value=said, retention=Retention.IDENTITY),) if said else ()
        for attempt in range(RACES):
            with self.log.lock:
                self.log.look()
                one = self.log.get(finding, seen)
                drafts = tuple(draft(event, by, at, told) for event in decide(one.finding))
                try:
                    self.log.write(PREFIX + finding, one.version, drafts)
                except Conflict:
                    if attempt == RACES - 1:
                        raise
                    continue
                return self.one(finding)
        raise AssertionError
