"""What an observation is said in, on the page, in the terminal and in its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from watchword.core.identity_event import Verdict
from watchword.watch.observe import Actor, Breakdown, Observation, Standing
from watchword.watch.tenants import TenantCount, named, several_said
from watchword.watch.verdicts import REASONS

SAID = {verdict: verdict.value.replace("_", " ") for verdict in Verdict}
"""A verdict as it is said."""


def said_at(at: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def coverage(one: Standing) -> str:
    """The share that is covered."""
    return "–" if one.coverage is None else f"{100 * one.coverage:.0f} %"


def flags_said(actor: Actor) -> str:
    """Why somebody is named apart."""
    return "; ".join(REASONS[flag] for flag in actor.flags)


def by_name(seen: Observation, by: str) -> Breakdown:
    """The breakdown by directory, action, class, unit, vendor or hour."""
    return next(one for one in seen.breakdowns if one.by == by)


def noted(seen: Observation) -> tuple[str, ...]:
    """What a reader has to know before the figures are believed."""
    return tuple(_notes(seen))


def tenants_said(tenants: Iterable[TenantCount]) -> Iterator[str]:
    """What lines of another tenant, or of several, come to: nothing where all are of one."""
    feeds: dict[tuple[bool, str], list[TenantCount]] = {}
    for one in tenants:
        feeds.setdefault((one.ours, one.directory or one.provider), []).append(one)
    for (ours, feed), each in feeds.items():
        lines = Counter[str]()
        for one in each:
            lines[one.tenant] += one.lines
        if not ours:
            yield f"{lines.total():,} lines of {feed} are of another tenant and were not judged: {named(lines)}."
        elif len(lines) > 1:
            yield several_said(feed, lines)


def _are(many: int, noun: str) -> str:
    """`1 line is`, `2 lines are`."""
    return f"1 {noun} is" if many == 1 else f"{many:,} {noun}s are"


def _notes(seen: Observation) -> Iterator[str]:
    yield from tenants_said(seen.tenants)
    for share in seen.files:
        if share.is_strange:
            yield f"{share.why_strange(share.file)}: is it the log of another provider?"
        if share.is_broken:
            yield f"{share.file} was not read to its end; --rejects says why."
    if rejected := seen.rejected - sum(one.lines for one in seen.tenants if not one.ours):
        yield f"{_are(rejected, 'line')} no {'event' if rejected == 1 else 'events'}; --rejects keeps what is none."
    if seen.unknown_types:
        lines, first = sum(one.lines for one in seen.unknown_types), seen.unknown_types[0].native
        if len(seen.unknown_types) == 1:
            yield f"{_are(lines, 'line')} of a type that is not known: {first}."
        else:
            yield (
                f"{_are(lines, 'line')} of {len(seen.unknown_types)} types that are not known, most of them {first}."
            )
    if seen.before:
        left = "was" if seen.before == 1 else "were"
        yield f"{_are(seen.before, 'event')} older than {seen.asked_since:%Y-%m-%d} and {left} left out."
    if not seen.has_evidence and seen.tickets is None:
        yield "Neither tickets nor evidence were given, so nothing can speak for any event (--tickets, --evidence)."
    if seen.total.events and seen.unknown_targets == seen.total.events:
        yield "Nothing is known of any account, so its class and unit can not be said (--accounts)."
    elif 2 * seen.unknown_targets > seen.total.events:
        yield (
            f"Of {seen.unknown_targets:,} of {seen.total.events:,} events nobody knows the account: is the list of "
            "accounts that of another directory?"
        )
    if seen.unseen:
        many = len(seen.unseen)
        yield f"{_are(many, 'change')} in no log, though the desk recorded {'it' if many == 1 else 'them'} as done."
