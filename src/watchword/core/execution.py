"""Execution: changes are started once and in order, ended by the directory's word, and handed over once."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import (
    Case,
    Checked,
    Contained,
    Executed,
    Executing,
    Released,
    beneath,
    progress_of,
    yields_credential,
)
from watchword.core.errors import Refused
from watchword.core.fold import evolve
from watchword.core.gates import (
    Event,
    demand_alone,
    demand_standing,
    demand_unfrozen,
    in_state,
    wrong_state,
)
from watchword.core.ids import LeafHash
from watchword.core.progress import Progress
from watchword.core.standing import Account, RecoveryBegun, RecoveryCompleted, RecoverySettled, Thresholds

ENVELOPE = timedelta(hours=1)
"""How long a sealed credential waits for its hand-over."""

CODE_TRIES = 3
"""Wrong codes that close a hand-over."""

PROVISIONAL = LeafHash("0" * 64)
"""Stands for the leaf an event will get, where only the state it leads to is wanted."""


def open_hand_over(case: Case, command: do.OpenHandOver, at: datetime) -> tuple[Event, ...]:
    """Bind the hand-over to the first key."""
    released = in_state(case, command, Released)
    if not yields_credential(case):
        raise Refused("Nothing is handed over in this case.", "Close this page.", ("no_credential",))
    if released.jwk is not None:
        raise Refused(
            "This hand-over was opened by another browser.", "Tell the desk at once if that was not you.", ("opened",)
        )
    if at >= released.until:
        raise Refused("The release is over.", "Ask the desk to release it again.", ("expired",))
    return (past.HandOverOpened(case=case.id, jwk=command.jwk),)


def start(case: Case, account: Account, command: do.Start, at: datetime, thresholds: Thresholds) -> tuple[Event, ...]:
    """Start the next change, under a grant that runs and facts that still stand, and no other case's beside it.

    What a containment takes back waits for nobody.
    """
    started = past.ChangeStarted(
        case=case.id,
        number=command.number,
        effect=command.effect,
        executor=command.executor,
        before=command.before,
    )
    if isinstance(case, Contained):
        _take_back(case, command.number)
        return (started,)
    if not isinstance(case, Released) or type(case) not in (Released, Executing):
        wrong_state(case, command)
    if at >= case.until:
        raise Refused("The release is over.", "Release it again.", ("expired",))
    if yields_credential(case) and case.jwk is None:
        raise Refused("Nobody has opened the hand-over yet.", "Have the person open it.", ("no_hand_over_key",))
    demand_standing(case, account, at)
    if not case.progress:  # what has begun is not left half done for failures of somebody else
        demand_unfrozen(case, account, at, thresholds)
    demand_alone(case, account, at)
    _next(case.progress, command.number, len(case.changes))
    return (started,)


def under_way(case: Case | None) -> bool:
    """Whether the case holds its account: its changes begun and not all done, or with an end that nobody knows.

    A contained one does not: somebody has looked at it, and what it had on its way may never be known.
    """
    if case is None or isinstance(case, Contained):
        return False
    return type(beneath(case)) is Executing or in_flight(case)


def in_flight(case: Case) -> bool:
    """Whether one of the case's own changes was begun and nobody knows its end."""
    return any(p.outcome is None for p in progress_of(case) if p.number < len(case.changes))


def account_told(case: Case | None, events: tuple[Event, ...], at: datetime) -> tuple[Event, ...]:
    """What the account has to hear of *events*: that this recovery begins, or that nothing of it is on its way now."""
    after = case
    for event in events:
        if isinstance(event, past.CaseEvent):
            after = evolve(after, past.Recorded(event=event, at=at, leaf=PROVISIONAL))
    if after is None or under_way(case) is under_way(after):
        return ()
    said = RecoveryBegun if under_way(after) else RecoverySettled
    return (said(account=after.account, case=after.id),)


def _take_back(case: Contained, number: int) -> None:
    """What a containment takes back goes on past a refusal: each change stands alone, and may be tried until done."""
    mine = next((p for p in case.progress if p.number == number), None)
    if mine is not None and mine.outcome != "not_done":
        raise Refused("This change was started already.", "Read back what became of it.", ("one_use",))
    first = len(case.changes)
    if mine is None and (number != first + len(case.progress) or len(case.progress) == len(case.taken_back)):
        raise Refused("This is not the next change of the case.", "Changes are done in order.", ("order",))


def _next(progress: tuple[Progress, ...], number: int, count: int) -> None:
    """A change is started once, in order, after the one before is done; again only when read back as not done."""
    mine = next((p for p in progress if p.number == number), None)
    if mine is not None and mine.outcome == "not_done":
        return
    if mine is not None:
        raise Refused("This change was started already.", "Read back what became of it.", ("one_use",))
    if number != len(progress) or number >= count or any(p.outcome != "done" for p in progress):
        raise Refused("This is not the next change of the case.", "Changes are done in order.", ("order",))


def end(case: Case, command: do.End, at: datetime) -> tuple[Event, ...]:
    """Record what became of a change; the first one done completes the recovery."""
    progress = progress_of(case)
    running = next((p for p in progress if p.number == command.number), None)
    if running is None or running.outcome is not None:
        raise Refused("No such change is on its way.", "Read the case again.", ("order",))
    ended = past.ChangeEnded(case=case.id, number=command.number, outcome=command.outcome)
    own = command.number < len(case.changes)
    if not own or command.outcome != "done" or any(p.outcome == "done" for p in progress):
        return (ended,)
    # A recovery counts from its first change: what comes after may fail, or never be handed over.
    events: list[Event] = [ended, _completed(case)]
    if case.requirement.after.review_s and case.review_due is None:
        due = at + timedelta(seconds=case.requirement.after.review_s)
        events.append(past.ReviewOwed(case=case.id, due=due, why=case.requirement.cell))
    return tuple(events)


def _completed(case: Case) -> RecoveryCompleted:
    return RecoveryCompleted(
        account=case.account, case=case.id, action=case.action, probation_s=case.requirement.after.probation_s
    )


def say_code(case: Case, command: do.SayCode) -> tuple[Event, ...]:
    """Take the code the desk said to whoever is there, at most so often; it opens nothing by itself."""
    bound = in_state(case, command, Released, Executing, Executed, Checked)
    if case.requirement.deliver != "spoken" or bound.jwk is None or case.code_spoken:
        raise Refused("No code is asked for here.", "Go on without one.", ("no_code_asked",))
    if case.code_misses >= CODE_TRIES:
        raise Refused(
            "The code of this hand-over was wrong too often.", "Close this case and open a new one.", ("exhausted",)
        )
    return (past.CodeSpoken(case=case.id) if command.right else past.CodeMissed(case=case.id),)


def hand_over(case: Case, command: do.HandOver, at: datetime) -> tuple[Event, ...]:
    """Let the sealed credential go, after a fresh proof."""
    checked = in_state(case, command, Checked)
    if any(p.ended is None or at > p.ended + ENVELOPE for p in checked.progress):
        raise Refused("The sealed credential is over.", "Open a new case; this one's change counts.", ("expired",))
    if case.reproved is None or at - case.reproved > case.requirement.fresh():
        raise Refused(
            "One method has to be proven again before anything is handed over.",
            "Prove it on this page.",
            ("not_reproved",),
        )
    if case.requirement.deliver == "spoken" and not case.code_spoken:
        raise Refused(
            "The code that the desk tells you was not typed yet.", "Ask the desk for it, on the line.", ("no_code",)
        )
    return (past.HandedOver(case=case.id),)
