"""What the watch says nothing of for a time: set, allowed and lifted, what it keeps quiet, and what is told of it.

Each suppression is a stream `suppression/ID`. That one is set, begins to hold, is lifted or ends is found itself, and
nothing keeps that quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

from watchword.core.errors import Invalid
from watchword.core.finding import VERDICT, Severity, Suppressed, Suppression, SuppressionEvent
from watchword.core.finding import suppress as decided
from watchword.core.ids import PersonId
from watchword.ledger.entry import Disclosure, Retention
from watchword.watch.campaigns import QUIET, SIGMA, Item, Party
from watchword.watch.finding_log import (
    NAME,
    SUPPRESSIONS,
    WORDS,
    FindingLog,
    KnownSuppression,
    composed,
    draft,
    used_drafts,
)
from watchword.watch.verdicts import VerdictRow
from watchword.watch.whose import Whose

TOLD = timedelta(days=31)
"""How long ago what became of a suppression may be, to be told when nobody told it then."""


def parties(whose: Whose, item: Item) -> Iterator[tuple[Party, str]]:
    """Whom *item* is about, by every name that a suppression may have for them."""
    for party, name in item.parties:
        yield party, name
        if party in {"actor", "target"}:
            for one in whose.names(item.directory, name):
                yield party, one


def suppress(
    log: FindingLog,
    whose: Whose,
    pseudonym: Callable[[str], str],
    by: PersonId,
    at: datetime,
    *,
    rule: str,
    party: Party | Literal["anybody"],
    name: str,
    until: datetime,
    why: str,
) -> str:
    """See `Findings.suppress`."""
    if not why.strip():
        raise Invalid("A suppression says why.", "Write a sentence.", where="why")
    if party != "anybody" and not name.strip():
        raise Invalid("Whom it is about is missing.", "Name them as the finding does.", where="name")
    if rule.startswith(QUIET):
        raise Invalid("What becomes of suppressions is not kept quiet.", "Name another rule.", where="rule")
    # Where it is a name of an account that we know by several, it is written as those are.
    is_known = party in {"actor", "target"} and whose.account(None, name.strip()) is not None
    called = name.strip().lower() if is_known else name.strip()
    key = "*" if party == "anybody" else log.digest(party, called)
    said = "anybody" if party == "anybody" else f"{party} {composed(name.strip())}"
    id_ = pseudonym("s")
    events = decided(Suppressed(suppression=id_, rule=rule, key=key, until=until, by=by), at)
    told = (
        Disclosure(name=NAME, value=said, retention=Retention.IDENTITY),
        Disclosure(name=WORDS, value=composed(why.strip()), retention=Retention.IDENTITY),
    )
    log.write(SUPPRESSIONS + id_, -1, tuple(draft(event, by, at, told) for event in events))
    return id_


def step(
    log: FindingLog,
    suppression: str,
    by: PersonId,
    at: datetime,
    decide: Callable[[Suppression, PersonId, datetime], tuple[SuppressionEvent, ...]],
) -> None:
    """Have *by* take a step on a suppression; `Invalid` when there is none of that id."""
    with log.lock:
        log.look()
        one = known(log, suppression)
        drafts = tuple(draft(event, by, at) for event in decide(one.suppression, by, at))
        log.write(SUPPRESSIONS + suppression, one.version, drafts)


def known(log: FindingLog, suppression: str) -> KnownSuppression:
    """A suppression; `Invalid` when there is none of that id."""
    if suppression not in log.quiet:
        raise Invalid(
            "There is no such suppression.",
            "List them with `watchword watch findings suppressions`.",
            where="suppression",
        )
    return log.quiet[suppression]


def keep_quiet(log: FindingLog, whose: Whose, fresh: dict[str, Item], at: datetime) -> None:
    """Take what is suppressed out of *fresh*, count it and keep what it is."""
    for id_, one in log.quiet.items():
        marked = tuple(
            (mark, item)
            for mark, item in fresh.items()
            if not item.rule.startswith(QUIET)
            and one.suppression.covers(item.rule, (log.digest(*party) for party in parties(whose, item)), at)
        )
        if drafts := used_drafts(id_, marked, at):
            log.write(SUPPRESSIONS + id_, one.version, drafts)
        for mark, _ in marked:
            del fresh[mark]


def found_again(log: FindingLog) -> Iterator[Item]:
    """What suppressions that were lifted kept quiet, and nothing has found since."""
    for one in log.quiet.values():
        if one.suppression.lifted:
            yield from (item for mark, item in one.items.items() if mark not in log.marks)


def forget_answered(log: FindingLog, rows: Iterable[VerdictRow]) -> None:
    """Let go of what is told otherwise now of the events of *rows*: that is nothing to find again."""
    now = {row.id: row for row in rows if row.action is not None}
    for one in log.quiet.values():
        for mark, item in tuple(one.items.items()):
            if (row := now.get(item.event or "")) is not None and _is_answered(item, row):
                del one.items[mark]


def _is_answered(item: Item, row: VerdictRow) -> bool:
    if item.rule.startswith(VERDICT):
        return item.rule != f"{VERDICT}{row.verdict}"
    return not item.rule.startswith(SIGMA) and row.revision > 1 and not row.is_finding


def told_of(log: FindingLog, at: datetime) -> Iterator[Item]:
    """What became of suppressions lately, as something to look at: who set it is who did it."""
    for id_, one in log.quiet.items():
        quiet = one.suppression
        what = f"{quiet.set.rule} about {one.name or 'somebody'} until {quiet.set.until:%Y-%m-%d %H:%M} UTC"
        became: list[tuple[str, Severity, PersonId, datetime]] = [
            ("asked" if quiet.set.is_wide else "set", "low", quiet.set.by, quiet.at)
        ]
        if quiet.allowed is not None:
            became.append(("allowed", "medium", quiet.allowed, quiet.at))
        if quiet.lifted is not None:
            became.append(("lifted", "info", quiet.lifted, one.at))
        elif not quiet.waits(quiet.at) and at >= quiet.set.until:
            became.append(("ended", "info", quiet.set.by, quiet.set.until))
        for said, severity, by, when in became:
            if at - when <= TOLD:
                yield Item(
                    rule=f"{QUIET}{said}", event=None, about=f"{id_}/{said}", severity=severity, at=when,
                    target="", actor=by, why=f"{what}, {len(quiet.kept)} kept quiet so far",
                )  # fmt: skip
