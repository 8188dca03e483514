"""What every decision asks first: the case's state, whether its facts still stand, whether a change is on its way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NoReturn, TypeVar, cast

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import Status, covers
from watchword.core.case import Asked, Case, progress_of, state_of
from watchword.core.errors import Conflict, Refused
from watchword.core.origin import OriginFailed, OriginSeen
from watchword.core.person import CredentialUsed, ExecutorGranted, Prompted
from watchword.core.request import parse
from watchword.core.requirement import Satisfied, assess
from watchword.core.standing import (
    Account,
    AccountShielded,
    FailureRecorded,
    RecoveryBegun,
    RecoveryCompleted,
    RecoveryContained,
    RecoveryDisowned,
    RecoverySettled,
    Thresholds,
)

C = TypeVar("C", bound=Case)

WEEK = timedelta(days=7)

CASE_LIFE = timedelta(days=2)
"""A case that was not released within this time, and its hold, expires."""

Event = (
    past.CaseEvent
    | past.GlassBroken
    | past.ProtectionSpent
    | FailureRecorded
    | AccountShielded
    | RecoveryBegun
    | RecoveryCompleted
    | RecoverySettled
    | RecoveryDisowned
    | RecoveryContained
    | OriginFailed
    | OriginSeen
    | ExecutorGranted
    | CredentialUsed
    | Prompted
)
"""What a decision may append: to the stream of the case, the account, the origin, a person, or of broken glass."""


def in_state(case: Case, command: do.Command, *states: type[C]) -> C:
    """Return *case* where it is in exactly one of *states*, or refuse."""
    if type(case) not in states:
        wrong_state(case, command)
    return cast("C", case)


def wrong_state(case: Case, command: do.Command) -> NoReturn:
    """Refuse a command that the case's state does not take."""
    raise Refused(
        f"This case is {state_of(case)}: it can not be done now ({type(command).__name__.lower()}).",
        "Look at the case for what it waits for, or open a new one.",
        ("wrong_state", state_of(case).replace(" ", "_")),
    )


def demand_standing(case: Case, account: Account, at: datetime) -> None:
    """Refuse what was opened under facts that have become stricter since (invariant 7), or was overtaken."""
    now = account.strictest_class(at)
    stale = {
        "leaver": account.facts.status is Status.LEAVER,
        "no_class": now is None,
        "class_raised": now is not None and not covers(case.account_class, now),
        "recovered_meanwhile": any(r.case != case.id and r.at >= case.opened_at for r in account.recoveries),
    }
    stopped = tuple(f"{why}_meanwhile" for why in account.stopped(case.id, case.opened_at))
    if why := (*(name for name, holds in stale.items() if holds), *stopped):
        raise Refused(
            f"The account is not what it was when this case was opened: {', '.join(why).replace('_', ' ')}.",
            "Withdraw this case and open another, which is held to what is true now.",
            ("stale_facts", *why),
        )


def demand_unfrozen(case: Asked, account: Account, at: datetime, thresholds: Thresholds) -> None:
    """Refuse what was asked on proofs that the account's freeze has closed since."""
    if not withstands(case, account.freeze(at, thresholds)):
        raise Refused(
            "This account was frozen since: what was proven in this case is not enough for it any more.",
            "Withdraw it and open another case with a passkey or the person on site; or have two people release the "
            "freeze.",
            ("frozen",),
        )


def withstands(case: Asked, freeze: int) -> bool:
    """Whether the proofs that *case* cites hold under a *freeze* of that level, judged at the time it was asked.

    The strongest way always does, so nobody is locked out by it. Whoever breaks the glass proves nothing.
    """
    if not freeze or case.broke_glass is not None:
        return True
    cited = frozenset(parse(case.request).evidence)
    evidence = tuple(e for e in case.evidence if e.leaf in cited)
    return isinstance(assess(case.requirement, evidence, case.asked_at, freeze=freeze), Satisfied)


def demand_alone(case: Case, account: Account, at: datetime) -> None:
    """Raise `Conflict` while another case's changes to this account are on their way."""
    if account.under_way(at) not in (None, case.id):
        raise Conflict(
            "Another recovery of this account is under way.", "It is tried again once that one's end is known."
        )


def is_idle(case: Case) -> bool:
    """Whether no change is on its way."""
    return all(p.outcome is not None for p in progress_of(case))


def demand_settled(case: Case) -> None:
    """Refuse while nobody knows what became of a change."""
    if not is_idle(case):
        raise Refused("A change is on its way.", "Read back what became of it first.", ("in_flight",))
