"""Effect rows: hints about what is due, claimed under a lease, settled with their outcome."""

from __future__ import annotations

import threading
from datetime import timedelta

import msgspec
import pytest

from tests.ledger.conftest import NOON, Place, draft, effect, to
from watchword.core.errors import Conflict, Invalid
from watchword.core.ids import Seq
from watchword.ledger.leader import EffectRow, EffectState, Ledger, Settle

LEASE = timedelta(seconds=30)


@pytest.fixture
def ledger(place: Place) -> Ledger:
    """A ledger with one case and three effects, two of them due at noon."""
    ledger = place.open()
    ledger.append((to("case/1", -1),))
    ledger.append(
        (to("case/1", 0), to("case/2", -1, draft(), draft())),
        (effect("b", after=60), effect("a"), effect("c", "case/2", kind="mail")),
    )
    return ledger


def ids(ledger: Ledger, state: EffectState | None = None) -> list[str]:
    return [row.id for row in ledger.effects(state)]


def test_rows_say_who_asked(ledger: Ledger) -> None:
    """Each row names the entry that asked for it: the last of its stream in that append."""
    assert {row.id: row.asked_by for row in ledger.effects()} == {"a": 1, "b": 1, "c": 3}
    assert ids(ledger) == ["a", "c", "b"]


def test_claim_takes_what_is_due_once(ledger: Ledger) -> None:
    """A claim leases due rows of its kinds to one owner; nobody else gets them while the lease lasts."""
    (claimed,) = ledger.claim(NOON, "one", LEASE, ("reset",), limit=5)
    assert (claimed.id, claimed.state, claimed.lease_owner, claimed.attempts) == ("a", EffectState.CLAIMED, "one", 1)
    assert claimed.lease_until == NOON + LEASE
    assert ledger.claim(NOON, "two", LEASE, ("reset",), limit=5) == ()
    assert ledger.claim(NOON, "two", LEASE, (), limit=5) == ()
    assert [row.id for row in ledger.claim(NOON, "two", LEASE, ("reset", "mail"), limit=5)] == ["c"]


def test_lease_that_ran_out_is_taken_over(ledger: Ledger) -> None:
    """When its owner is gone, a row is claimed again and the attempt is counted."""
    ledger.claim(NOON, "one", LEASE, ("reset",))
    (again,) = ledger.claim(NOON + LEASE, "two", LEASE, ("reset",))
    assert (again.id, again.lease_owner, again.attempts) == ("a", "two", 2)


def test_outcome_settles_its_row(ledger: Ledger) -> None:
    """The outcome's entry and the state of its effect are one write."""
    ledger.claim(NOON, "one", LEASE, ("reset",))
    ledger.append((to("case/1", 1, draft("change.done")),), settle=(Settle(effect_id="a", state=EffectState.DONE),))
    assert ids(ledger, EffectState.DONE) == ["a"]
    with pytest.raises(Conflict):
        ledger.append((to("case/1", 1),), settle=(Settle(effect_id="b", state=EffectState.DONE),))
    assert ids(ledger, EffectState.DONE) == ["a"]


def test_outcome_is_kept_when_its_row_is_gone(ledger: Ledger, place: Place) -> None:
    """Rows are hints: evidence of an outcome is written whether or not somebody removed the row."""
    place.tamper("DELETE FROM effect")
    ledger.append((to("case/1", 1, draft("change.done")),), settle=(Settle(effect_id="a", state=EffectState.DONE),))
    assert ledger.size == 5


def test_effect_without_evidence_of_its_own_is_settled_alone(ledger: Ledger) -> None:
    """A row such as a sent mail is marked without an entry."""
    assert ledger.append((), settle=(Settle(effect_id="c", state=EffectState.DONE),)) == ()
    assert ids(ledger, EffectState.DONE) == ["c"]
    assert ledger.size == 4


def test_effect_is_asked_for_once(ledger: Ledger) -> None:
    """An id that exists is refused, together with the entries that asked again."""
    with pytest.raises(Conflict, match="effect a exists"):
        ledger.append((to("case/1", 1),), (effect("a"), effect("d")))
    assert (ledger.size, ids(ledger)) == (4, ["a", "c", "b"])


def test_reschedule_ends_the_lease(ledger: Ledger) -> None:
    """A rescheduled row is due at its new time, for anybody."""
    ledger.claim(NOON, "one", LEASE, ("reset",))
    ledger.reschedule("a", NOON + timedelta(seconds=5))
    assert ledger.claim(NOON, "two", LEASE, ("reset",)) == ()
    (row,) = ledger.claim(NOON + timedelta(seconds=5), "two", LEASE, ("reset",))
    assert (row.id, row.attempts) == ("a", 2)


def test_cancel_leaves_what_is_claimed(ledger: Ledger) -> None:
    """Cancelling a case's effects passes over one in progress: its outcome must still be read back."""
    ledger.claim(NOON, "one", LEASE, ("reset",))
    assert ledger.cancel_effects("case/1") == 1
    assert ids(ledger, EffectState.CANCELLED) == ["b"]
    assert ids(ledger, EffectState.CLAIMED) == ["a"]
    assert ids(ledger, EffectState.DUE) == ["c"]


def test_no_row_is_claimed_twice(place: Place) -> None:
    """Many claimants at once share the rows out without overlap."""
    ledger = place.open()
    ledger.append((to("case/1", -1),), tuple(effect(f"e{number}") for number in range(30)))
    taken: list[str] = []

    def claimant(name: str) -> None:
        while rows := ledger.claim(NOON, name, LEASE, ("reset",), limit=2):
            taken.extend(row.id for row in rows)

    threads = [threading.Thread(target=claimant, args=(f"owner {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"e{number}" for number in range(30))


# --- asked again -----------------------------------------------------------------------------------------------------


def again(name: str, stream: str = "case/1", *, asked_by: int | None = 1, after: float = 0) -> EffectRow:
    """An effect as it was asked for by entry *asked_by*."""
    return msgspec.structs.replace(
        effect(name, stream, after=after), asked_by=None if asked_by is None else Seq(asked_by)
    )


def test_what_is_gone_is_asked_for_again(ledger: Ledger, place: Place) -> None:
    """Only the rows that are not there are made; those that are stay as they stand, in whatever state."""
    ledger.claim(NOON, "one", LEASE, ("reset",))
    place.tamper("DELETE FROM effect WHERE id = 'b'")
    assert ledger.ask_again((again("a", after=9), again("b", after=60), again("d"))) == ("b", "d")
    assert {row.id: (row.state, row.due_at, row.asked_by) for row in ledger.effects_named(("a", "b", "d", "e"))} == {
        "a": (EffectState.CLAIMED, NOON, 1),
        "b": (EffectState.DUE, NOON + timedelta(seconds=60), 1),
        "d": (EffectState.DUE, NOON, 1),
    }
    assert ledger.ask_again((again("a"), again("b"), again("d"))) == ()
    assert (ledger.ask_again(()), ledger.effects_named(())) == ((), ())
    assert ledger.size == 4


def test_what_says_something_else_is_put_right(ledger: Ledger, place: Place) -> None:
    """A row is made what it was when it was asked for, and nobody's; one that is not there is not made."""
    place.tamper(
        "UPDATE effect SET stream = 'case/2', kind = 'mail', state = 'done', due_at = '9999-01-01T00:00:00.000Z'"
    )
    ledger.put_right((again("a"), again("z")))
    assert ids(ledger, EffectState.DUE) == ["a"]
    (row,) = ledger.claim(NOON, "one", LEASE, ("reset",), limit=5)
    assert (row.id, row.stream, row.kind, row.due_at) == ("a", "case/1", "reset", NOON)


@pytest.mark.parametrize("row", [again("d", asked_by=None), again("d", asked_by=3), again("d", "case/9", asked_by=0)])
def test_only_what_an_entry_asked_for_is_asked_again(ledger: Ledger, row: EffectRow) -> None:
    """A row has to name the entry of its own stream that asked for it."""
    for ask in (ledger.ask_again, ledger.put_right):
        with pytest.raises(Invalid, match="No entry"):
            ask((row,))
    assert "d" not in ids(ledger)


def test_many_ask_again_at_once(place: Place) -> None:
    """Whoever asks at the same time as others, each row is made once."""
    ledger = place.open()
    ledger.append((to("case/1", -1),))
    rows = tuple(again(f"e{number}", asked_by=0) for number in range(20))
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(ledger.ask_again(rows))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(row.id for row in rows)
