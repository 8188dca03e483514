"""A finding's life: who may do what when, and what no decision can have written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from watchword.core.errors import Conflict, Corrupt, Invalid, Refused
from watchword.core.finding import (
    EventsCleared,
    EventsJoined,
    Finding,
    FindingClosed,
    FindingConfirmed,
    FindingDismissed,
    FindingEvent,
    FindingNoted,
    FindingOwned,
    FindingRaised,
    FindingTriaged,
    Status,
    Suppressed,
    Suppression,
    SuppressionLifted,
    SuppressionUsed,
    allow,
    clear,
    close,
    confirm,
    dismiss,
    evolve,
    evolve_suppression,
    join,
    lift,
    note,
    own,
    suppress,
    triage,
)
from watchword.core.ids import PersonId

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANA, BO = PersonId("p-ana"), PersonId("p-bo")
NOBODY: frozenset[PersonId] = frozenset()


def joined(*marks: str, rule: str = "one", at: datetime = NOON) -> EventsJoined:
    return EventsJoined(finding="f-1", marks=marks, rules=(rule,), severity="low", since=at, until=at)


def folded(*events: FindingEvent) -> Finding:
    finding: Finding | None = None
    for event in (FindingRaised(finding="f-1", key="k", by="actor"), *events):
        finding = evolve(finding, event, NOON)
    assert finding is not None
    return finding


NEW = folded(joined("m1"))
TRIAGED = folded(joined("m1"), FindingTriaged(finding="f-1", by=ANA))
CONFIRMED = folded(joined("m1"), FindingConfirmed(finding="f-1", by=ANA))
DISMISSED = folded(joined("m1"), FindingDismissed(finding="f-1", by=ANA, reason="expected"))
CLOSED = folded(joined("m1"), FindingConfirmed(finding="f-1", by=ANA), FindingClosed(finding="f-1", by=ANA))
ALL = (NEW, TRIAGED, CONFIRMED, DISMISSED, CLOSED)

STEPS: dict[str, tuple[Callable[[Finding], object], str]] = {
    "triage": (lambda f: triage(f, ANA), "x...."),
    "confirm": (lambda f: confirm(f, ANA), "xx..."),
    "dismiss": (lambda f: dismiss(f, ANA, "test", NOBODY), "xxx.."),
    "close": (lambda f: close(f, ANA, NOBODY), "..xx."),
    "own": (lambda f: own(f, ANA, BO, NOBODY), "xxx.."),
    "note": (lambda f: note(f, ANA), "xxxxx"),
    "join": (lambda f: join(f, joined("m9")), "xxx.."),
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_its_states(step: str) -> None:
    """Of new, triaged, confirmed, dismissed and closed, each step is taken in the ones drawn, and in no other."""
    take, drawn = STEPS[step]
    got = ""
    for finding in ALL:
        try:
            got += "x" if take(finding) else "-"
        except Conflict:
            got += "."

    assert got == drawn


def test_statuses_follow() -> None:
    """Each event brings its status; whoever triages or confirms first owns it."""
    assert [f.status for f in ALL] == list(Status)
    assert TRIAGED.owner == CONFIRMED.owner == ANA
    assert NEW.owner is None
    assert evolve(TRIAGED, FindingOwned(finding="f-1", by=ANA, owner=BO), NOON).owner == BO
    assert evolve(TRIAGED, FindingNoted(finding="f-1", by=BO), NOON).looked_at == (ANA, BO)
    assert DISMISSED.dismissal == "expected"


def test_nobody_dismisses_what_is_about_them() -> None:
    """Whoever a finding is about neither dismisses, closes nor owns it; they may write beside it."""
    about = frozenset({ANA})
    with pytest.raises(Refused):
        dismiss(NEW, ANA, "test", about)
    with pytest.raises(Refused):
        close(CONFIRMED, ANA, about)
    with pytest.raises(Refused):
        own(NEW, BO, ANA, about)
    assert note(NEW, ANA)
    assert dismiss(NEW, BO, "test", about)


def test_it_is_not_given_to_who_has_it() -> None:
    """Giving a finding to its owner is told, and changes nothing."""
    with pytest.raises(Conflict):
        own(TRIAGED, BO, ANA, NOBODY)


def test_an_event_joins_once() -> None:
    """What belongs to it already does not join again; severity, rules and times only grow."""
    assert join(NEW, joined("m1")) == ()
    (event,) = join(NEW, joined("m1", "m2", rule="two", at=NOON + timedelta(hours=2)))
    assert isinstance(event, EventsJoined)
    assert event.marks == ("m2",)

    grown = evolve(NEW, event, NOON)
    assert (grown.rules, grown.since, grown.until) == (("one", "two"), NOON, NOON + timedelta(hours=2))
    worse = evolve(grown, msgspec.structs.replace(joined("m3"), severity="critical"), NOON)
    assert worse.severity == "critical"
    assert evolve(worse, joined("m4"), NOON).severity == "critical"


def test_late_evidence_closes_what_nobody_looked_at() -> None:
    """The last event cleared closes a new finding; one that somebody looked at stays theirs."""
    assert clear(NEW, ("m1",)) == (
        EventsCleared(finding="f-1", marks=("m1",)),
        FindingClosed(finding="f-1", by=None),
    )
    assert clear(TRIAGED, ("m1",)) == (EventsCleared(finding="f-1", marks=("m1",)),)
    assert clear(NEW, ("m7",)) == clear(CLOSED, ("m1",)) == ()
    two = evolve(NEW, joined("m2"), NOON)
    assert len(clear(two, ("m1",))) == 1
    assert evolve(two, EventsCleared(finding="f-1", marks=("m1",)), NOON).marks == {"m2"}


def test_what_was_never_raised_can_not_go_on() -> None:
    """A stream that does not begin with its raising, or has two, is corrupt."""
    with pytest.raises(Corrupt):
        evolve(None, joined("m1"), NOON)
    with pytest.raises(Corrupt):
        evolve(NEW, FindingRaised(finding="f-1", key="k", by="actor"), NOON)
    with pytest.raises(Corrupt):
        evolve_suppression(None, SuppressionUsed(suppression="s-1", marks=()), NOON)


def quiet(rule: str = "one", key: str = "k1", until: datetime = NOON + timedelta(days=7)) -> Suppressed:
    return Suppressed(suppression="s-1", rule=rule, key=key, until=until, by=ANA)


def test_a_suppression_ends_and_is_never_of_everything() -> None:
    """It names a rule or somebody, and a time within a year from now."""
    assert suppress(quiet(), NOON) == (quiet(),)
    assert suppress(quiet(rule="*"), NOON)
    assert suppress(quiet(key="*"), NOON)
    for wrong in (quiet(rule="*", key="*"), quiet(until=NOON), quiet(until=NOON + timedelta(days=367))):
        with pytest.raises(Invalid):
            suppress(wrong, NOON)


def test_each_refusal_says_what_it_is_about() -> None:
    """The whole watch is silenced by no rule, one verdict by nobody; a finding that nobody saw is looked at first."""
    for wrong, where in ((quiet(rule="*", key="*"), "rule"), (quiet(rule="verdict.unverified", key="*"), "whom")):
        with pytest.raises(Invalid) as caught:
            suppress(wrong, NOON)
        assert caught.value.where == where
    with pytest.raises(Conflict, match="Nobody has looked at it yet"):
        close(NEW, ANA, NOBODY)
    with pytest.raises(Conflict, match="This finding is closed"):
        close(CLOSED, ANA, NOBODY)


def test_a_verdict_is_kept_quiet_about_somebody_for_a_month_at_most() -> None:
    """One person alone silences no verdict about everybody, nor about anybody for long."""
    rule = "verdict.unverified"
    assert suppress(quiet(rule=rule, until=NOON + timedelta(days=31)), NOON)
    for wrong in (quiet(rule=rule, key="*"), quiet(rule=rule, until=NOON + timedelta(days=32))):
        with pytest.raises(Invalid):
            suppress(wrong, NOON)


def test_a_wide_suppression_takes_two() -> None:
    """Whoever set it does not allow it; nobody allows a narrow one, one twice or one that is over; it may be lifted."""
    wide = evolve_suppression(None, quiet(rule="*"), NOON)
    assert wide.waits(NOON)
    assert not wide.holds(NOON)
    with pytest.raises(Refused, match="set it yourself"):
        allow(wide, ANA, NOON)
    (allowed,) = allow(wide, BO, NOON)
    holding = evolve_suppression(wide, allowed, NOON)
    assert holding.holds(NOON)
    assert not holding.waits(NOON)
    (lifted,) = lift(wide, ANA, NOON)
    over = evolve_suppression(wide, lifted, NOON)
    narrow = evolve_suppression(None, quiet(), NOON)
    for one, at in ((holding, NOON), (narrow, NOON)):
        with pytest.raises(Conflict, match="holds already"):
            allow(one, BO, at)
    for one, at in ((over, NOON), (wide, NOON + timedelta(days=7))):
        with pytest.raises(Conflict, match="ended already"):
            allow(one, BO, at)


def test_a_suppression_covers_its_own_and_counts() -> None:
    """It covers its rule about its key until its time or until it is lifted; what it kept is counted once."""
    held = evolve_suppression(None, quiet(), NOON)

    assert held.covers("one", ("k0", "k1"), NOON)
    assert not held.covers("two", ("k1",), NOON)
    assert not held.covers("one", ("k2",), NOON)
    assert not held.covers("one", ("k1",), NOON + timedelta(days=7))
    for wide, rule, keys in ((quiet(rule="*"), "two", ("k1",)), (quiet(key="*"), "one", ())):
        asked = evolve_suppression(None, wide, NOON)
        assert not asked.covers(rule, keys, NOON)
        (allowed,) = allow(asked, BO, NOON)
        assert evolve_suppression(asked, allowed, NOON).covers(rule, keys, NOON)
    used = evolve_suppression(held, SuppressionUsed(suppression="s-1", marks=("m1", "m2")), NOON)
    assert len(evolve_suppression(used, SuppressionUsed(suppression="s-1", marks=("m2",)), NOON).kept) == 2
    (lifted,) = lift(held, BO, NOON)
    over = evolve_suppression(held, lifted, NOON)
    assert not over.covers("one", ("k1",), NOON)
    with pytest.raises(Conflict):
        lift(over, BO, NOON)
    assert isinstance(lifted, SuppressionLifted)
    assert isinstance(over, Suppression)
